"""Whose rows a stage acts on."""

from typing import NamedTuple
from uuid import UUID


class ChunkScope(NamedTuple):
    """One chunk of one import."""

    tenant_id: str
    import_id: UUID
    chunk_no: int
