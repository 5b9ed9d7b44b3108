"""How a tenant writes values, where they do not say it themselves."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.api.wire import Answer, Asked, Moment

DateFormat = Literal["iso", "european", "american"]
Decimal = Literal["point", "comma"]
Region = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{2}$"),
    Field(description="Whose phone numbers have no country's code: two letters, as ISO 3166 has them (`DK`)."),
]
TimeZone = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    Field(description="Where times are that name no zone (`Europe/Copenhagen`)."),
]


class Settings(Answer):
    """How values are written. An import keeps to those of the moment its reading began."""

    region: str
    time_zone: str
    date_format: Annotated[str, Field(description="Of dates such as 03/04/2027, where no value of the column decides.")]
    decimal: Annotated[str, Field(description="The decimal sign of numbers such as 1,250, where no value decides.")]
    updated_at: Annotated[Moment | None, Field(description="Null where nobody has changed anything.")]
    updated_by: str | None


class SettingsChange(Asked):
    """What is to be otherwise; what is left out stays."""

    region: Region | None = None
    time_zone: TimeZone | None = None
    date_format: DateFormat | None = None
    decimal: Decimal | None = None
