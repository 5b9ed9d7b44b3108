"""The gateway: what people and their systems use of Winnow over HTTP, as an API (`/v1`) and as pages.

Consumes nothing. Publishes `file-uploaded` through the outbox, and whatever a start, an undo or a redrive announces. Owns the
schema `gateway`: who is signed in, keys of systems, files on their way in, webhooks. Of everything else it reads, as the tenant
of who asks, what `shared.intake` says.
"""
