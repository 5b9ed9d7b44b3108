"""The family of flat entity types: every row is a record, every field a column. All of it follows from the declaration."""

from services.committer.flat.family import Flat

__all__ = ["Flat"]
