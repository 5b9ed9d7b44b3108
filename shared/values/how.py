"""How the values of one column are meant: the formats found in it, and what the tenant says of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.entities.dates import ColumnDates, DateFormat
from shared.entities.decimals import ColumnSign, Sign


@dataclass(frozen=True, slots=True)
class How:
    """How a column is read.

    Attributes:
        region: the country (ISO 3166) of a phone number without a country's code.
        time_zone: the IANA zone of a time of day that says none.
        date: the order of day and month.
        date_decided: whether the column, or the sender, says so; else it is the tenant's habit.
        date_contested: whether something speaks for another order: what can be either is then refused.
        sign: the decimal sign of its numbers.
    """

    region: str = "US"
    time_zone: str = "UTC"
    date: DateFormat = DateFormat.ISO
    date_decided: bool = False
    date_contested: bool = False
    sign: ColumnSign = field(default_factory=ColumnSign)

    @staticmethod
    def of_settings(settings: Mapping[str, Any] | None) -> "How":
        """How a tenant writes values, of whatever column: `region`, `time_zone`, `date_format`, `decimal`."""
        said = settings or {}
        decimal = said.get("decimal")
        return How(
            region=said.get("region") or "US",
            time_zone=said.get("time_zone") or "UTC",
            date=DateFormat(said.get("date_format") or DateFormat.ISO),
            sign=ColumnSign() if decimal is None else ColumnSign(Sign(decimal), decided=True),
        )

    def of_column(self, layout: Mapping[str, Any] | None, index: int) -> "How":
        """The same for a column of a file, by what was found in it (`imports.imports.layout`)."""
        dates = ColumnDates.of_layout(layout, index, self.date)
        sign = ColumnSign.of_layout(layout, index)
        if not sign.decided and not sign.contested and self.sign.decided:
            sign = self.sign
        return replace(self, date=dates.format, date_decided=dates.decided, date_contested=dates.contested, sign=sign)
