"""What is asked of a chunk: how its rows are meant, beside what they say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
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
        wave: above 0, rows of the chunk are about records that rows above them, in chunks of lower waves, are about.
        skips_existing: in `create`, what is there already is left as it is, and is not refused.
        clears_blanks: in the other modes, a blank cell clears what is there.
        family: this import, and those it corrects or that correct the same one.
    """

    mode: str = "create"
    import_id: UUID = NOBODY
    duplicates: Sequence[Duplicate] = ()
    wave: int = 0
    skips_existing: bool = False
    clears_blanks: bool = False
    family: frozenset[UUID] = frozenset()
