"""What changes while somebody looks: who is told of it, and how it reaches a browser or a client.

* `changes`   one LISTEN a process, and whoever waits for an import of a tenant
* `once`      what many ask for at the same moment, found out once
* `streams`   server-sent events: the whole state each time, a comment every 15 s, an end
"""

from services.gateway.live.changes import Live
from services.gateway.live.once import Once
from services.gateway.live.streams import Shown, Streams

__all__ = ["Live", "Once", "Shown", "Streams"]
