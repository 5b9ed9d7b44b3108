"""What every model of the API is."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer


def _in_utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[AwareDatetime, PlainSerializer(_in_utc, return_type=str, when_used="json")]
"""A time as RFC 3339 has it, in UTC."""


class Answer(BaseModel):
    """What is answered. A client passes over fields it does not know: a newer gateway may say more."""

    # Built when it is first used: a command uses few of all there are.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Asked(BaseModel):
    """What is asked for. A field nobody knows is refused: it would be a wish that nobody hears."""

    model_config = ConfigDict(frozen=True, extra="forbid")
