"""What is asked of a chunk: how its rows are meant, beside what they say. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.validator.outcomes import Duplicate

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the import of a chunk asks for.

    Attributes:
        mode: what may become of records (`EntityType.modes`).
        import_id: the import.
        duplicates: values that earlier rows of the file have.
        wave: above 0, rows of the chunk go on with what rows above them began, in chunks before it.
        chunk_no: the number of the chunk.
        skips_existing: in `create`, what is there already is left as it is, and is not refused.
        clears_blanks: in the other modes, a blank cell clears what is there.
        family: this import, and those it corrects or that correct the same one.
        alone: rows of a correction file that stood alone in the file it corrects: what they say is of their records alone,
            whatever group they are given in.
        digests: what the rows of each group say (`digests_of`), by its first row.
    """

    mode: str = "create"
    import_id: UUID = NOBODY
    duplicates: Sequence[Duplicate] = ()
    wave: int = 0
    chunk_no: int = 0
    skips_existing: bool = False
    clears_blanks: bool = False
    family: frozenset[UUID] = frozenset()
    alone: frozenset[int] = frozenset()
    digests: Mapping[int, UUID] = field(default_factory=dict)


class Undone(NamedTuple):
    """A chunk of an import that is taken back; `row_count` of its rows made or changed something."""

    import_id: UUID
    chunk_no: int
    first_row: int
    last_row: int
    row_count: int
