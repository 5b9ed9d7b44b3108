"""What gateway and notifier agree on about webhooks. Pure: no database, no socket.

* `addresses`  which addresses may be told anything: asked when a webhook is made, and before each connection
* `signing`    secrets that nobody stores, and what is signed with them (Standard Webhooks)
"""
