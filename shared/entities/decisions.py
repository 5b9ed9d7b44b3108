"""What was decided of how a file is read, as it is kept with the import and told to its sender."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Decision:
    """One thing that was decided of a file: a sheet, an encoding, a decimal sign.

    `how`: the sender asked for it, it was found from the file without another way to see it, or it is a guess.
    `because` says from what, as a person would.
    """

    name: str
    value: str
    how: Literal["asked", "found", "guessed"]
    because: str
