"""What somebody asks the history for, as its address says it: every state of the page is a link."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final, cast, get_args
from urllib.parse import urlencode
from uuid import UUID

from services.gateway.imports.history import Sort, Wanted
from services.gateway.pages.words import KINDS, MODES
from shared.states import OPEN, ImportStatus

PERIODS: Final[Mapping[str, tuple[str, int]]] = {
    "1d": ("Today", 0),
    "7d": ("Last 7 days", 6),
    "30d": ("Last 30 days", 29),
    "12m": ("Last 12 months", 364),
}
"""What may be chosen of dates, and from how many days before today on."""

DATES: Final = "dates"
"""Dates are chosen one by one."""

WAITING: Final = "waiting"
STATUSES: Final[Mapping[str, tuple[str, tuple[ImportStatus, ...]]]] = {
    WAITING: ("Waiting for you", (ImportStatus.PREVIEWING,)),
    ImportStatus.IMPORTING: ("Importing", tuple(status for status in OPEN if status != ImportStatus.PREVIEWING)),
    ImportStatus.COMPLETED: ("Completed", (ImportStatus.COMPLETED,)),
    ImportStatus.COMPLETED_WITH_FAILURES: ("Completed with failures", (ImportStatus.COMPLETED_WITH_FAILURES,)),
    ImportStatus.FAILED: ("Failed", (ImportStatus.FAILED,)),
    ImportStatus.CANCELLED: ("Cancelled", (ImportStatus.CANCELLED,)),
    ImportStatus.DISMISSED: ("Dismissed", (ImportStatus.DISMISSED,)),
}
"""What may be chosen of states, and which of the ledger's it is."""

_NEWEST: Final = "-started"
_ADDRESS: Final = "/history"
_LONGEST = 255
# Names in the address that are not those of the fields.
_NAMES: Final = {"since": "from"}
_BUT_FILTERS = frozenset({"sort", "after", "open"})


@dataclass(frozen=True)
class Asked:
    """What the address says, each part as it is there; what makes no sense is taken as not said."""

    q: str = ""
    type: str = ""
    status: str = ""
    mode: str = ""
    by: str = ""
    period: str = ""
    since: str = ""
    to: str = ""
    sort: str = ""
    after: str = ""
    open: str = ""

    def __getitem__(self, name: str) -> str:
        return str(getattr(self, name))

    @property
    def narrowed(self) -> bool:
        """Whether any filter is on."""
        return any(self._filters.values())

    @property
    def dated(self) -> bool:
        """Whether one of dates is."""
        return bool(self.period or self.since or self.to)

    @property
    def but_dates(self) -> bool:
        """Whether one of anything else is."""
        return any(value for name, value in self._filters.items() if name not in {"period", "since", "to"})

    @property
    def dates(self) -> bool:
        """Whether dates are chosen one by one."""
        return self.period == DATES

    @property
    def _filters(self) -> Mapping[str, str]:
        return {each.name: self[each.name] for each in fields(self) if each.name not in _BUT_FILTERS}

    @property
    def order(self) -> Sort:
        """The order, newest first where none is said."""
        return cast("Sort", self.sort or _NEWEST)

    def href(self, **changed: object) -> str:
        """The address of the same with some of it changed."""
        return self.address(_ADDRESS, **changed)

    def address(self, path: str, **changed: object) -> str:
        """The same as an address elsewhere; parts of other names are added."""
        said = {
            **{each.name: self[each.name] for each in fields(self)},
            **{name: str(of) for name, of in changed.items()},
        }
        asked = {_NAMES.get(name, name): value for name, value in said.items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path

    def wanted(self, today: date, zone: tzinfo) -> Wanted:
        """The same as the list takes it. Days begin and end where the person is."""
        since, before = _day(self.since), _day(self.to)
        if self.period in PERIODS:
            since = today - timedelta(days=PERIODS[self.period][1])
        return Wanted(
            file_name=self.q or None,
            entity_type=self.type or None,
            statuses=STATUSES[self.status][1] if self.status else (),
            mode=self.mode or None,
            user=self.by or None,
            since=None if since is None else _midnight(since, zone),
            before=None if before is None else _midnight(before + timedelta(days=1), zone),
        )

    def first_page(self) -> "Asked":
        """The same from its beginning."""
        return replace(self, after="")


def asked_by(said: Mapping[str, str]) -> Asked:
    """What an address asks for."""
    found = {name: said.get(_NAMES.get(name, name), "").strip() for name in (each.name for each in fields(Asked))}
    known: dict[str, Any] = {
        "type": KINDS,
        "status": STATUSES,
        "mode": MODES,
        "period": {*PERIODS, DATES},
        "sort": get_args(Sort),
    }
    for name, values in known.items():
        if found[name] not in values:
            found[name] = ""
    for name in ("since", "to"):
        found[name] = found[name] if _day(found[name]) else ""
    if (found["since"] or found["to"]) and found["period"] not in PERIODS:
        found["period"] = DATES
    elif found["period"] != DATES:
        found["since"] = found["to"] = ""
    if found["sort"] == _NEWEST:
        found["sort"] = ""
    found["q"], found["by"] = _text(found["q"]), _text(found["by"])
    found["open"] = found["open"] if _id(found["open"]) else ""
    return Asked(**found)


def _text(said: str) -> str:
    return "".join(letter for letter in said if letter.isprintable())[:_LONGEST]


def _day(said: str) -> date | None:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return None
    # Further away there are no midnights in every zone.
    return day if date(1900, 1, 1) <= day <= date(2999, 12, 31) else None


def _id(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)
