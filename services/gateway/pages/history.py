"""The history: imports by page, filtered and sorted, one of them in a panel beside the list; rows in view are live.

What comes new while somebody looks waits behind a link: nothing moves under the pointer.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AwareDatetime

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports import seen, summaries
from services.gateway.imports.history import Wanted, history
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.pages.figures import counted, duration, exact, number, rate, size
from services.gateway.pages.outcome import reasons_shown
from services.gateway.pages.rendering import Viewing, page, partial, swap, viewing_of
from services.gateway.pages.shell import SHELL
from services.gateway.pages.wanted import DATES, PERIODS, STATUSES, Asked, asked_by
from services.gateway.pages.words import KINDS, MODES, STEPS, is_of_records, kind_of
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused
from services.gateway.who.directory import names_of
from shared.api.imports import Import, ImportSummary
from shared.entities import ENTITY_TYPES
from shared.intake.reports import group_errors
from shared.states import Standing

router = APIRouter(include_in_schema=False, dependencies=[SHELL])

ROWS: Final = 25
_MOST_REASONS = 3
# Whatever an address says: further back there is nothing, and some of it the database does not take.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_HEADS = (
    ("File", "file", ""),
    ("Started", "started", ""),
    ("Status", "status", ""),
    ("Type", "type", "c2"),
    ("Rows", "rows", "num"),
    ("Created", "", "num"),
    ("Updated", "", "num"),
    ("Skipped", "", "num"),
    ("Failed", "failed", "num"),
    ("By", "", "c3"),
)
# These are wanted the other way round first: what is newest, longest, worst.
_DOWN_FIRST = frozenset({"started", "rows", "failed"})
_ORDERS = {
    "started": ("newest first", "oldest first"),
    "rows": ("most rows first", "fewest rows first"),
    "failed": ("most failed rows first", "fewest failed rows first"),
}


class Head(NamedTuple):
    """The head of a column; with an address where it sorts."""

    title: str
    cls: str
    href: str
    sorted: str


@router.get("/history")
async def show(request: Request, ways: Ways, person: PageViewer) -> HTMLResponse:
    """A page of the imports that are asked for."""
    asked, viewing = asked_by(request.query_params), viewing_of(request)
    wanted = asked.wanted(viewing.now.astimezone(viewing.zone).date(), viewing.zone)
    opened, reasons = None, []
    async with reading(ways, person) as conn:
        try:
            found = await history(conn, wanted, sort=asked.order, after=asked.after or None, limit=ROWS, count=True)
        except Refused:
            # A place of a list that was sorted or filtered otherwise.
            asked = asked.first_page()
            found = await history(conn, wanted, sort=asked.order, limit=ROWS, count=True)
        if asked.open:
            opened = await seen(conn, UUID(asked.open))
            reasons = [] if opened is None else await group_errors(conn, opened.id)
    people = await names_of(
        ways.own, tenant_of(person), [each.user_id for each in (*found.items, *([opened] if opened else ()))]
    )
    total = f"more than {number(found.total)}" if found.more_than_total else number(found.total)
    return page(
        request,
        person,
        "history.html",
        selects=_selects(asked, person, people),
        older=asked.href(after=found.next, open="") if found.next else "",
        newer=asked.href(after="", open="") if asked.after else "",
        words=_words(asked),
        shown=f"{number(len(found.items))} more of {total} imports" if asked.after else _shown(len(found.items), total),
        say=f"{counted(found.total or 0, 'import')} found" if asked.narrowed else "",
        nothing=_nothing(asked),
        live=_live(asked, found.items, viewing.now),
        opened=opened,
        facts=[] if opened is None else _facts(opened, people, viewing),
        relations=[] if opened is None else _relations(opened),
        reasons=reasons_shown(reasons[:_MOST_REASONS]),
        corrections=opened is not None and any(file.kind == "corrections" for file in opened.files),
        **_list(asked, found.items, people, total=found.total or 0),
    )


@router.get("/history/live")
async def live(
    request: Request,
    ways: Ways,
    person: PageViewer,
    ids: Annotated[str, Query(max_length=37 * ROWS)] = "",
    now: Annotated[AwareDatetime | None, Query()] = None,
) -> Response:
    """The rows of a page as they are, in the order they were; and how many imports have come since."""
    tenant = tenant_of(person)
    shown_ids, asked, viewing = _ids(ids), asked_by(request.query_params), viewing_of(request)
    wanted = asked.wanted(viewing.now.astimezone(viewing.zone).date(), viewing.zone)

    async def look() -> Shown:
        async with reading(ways, person) as conn:
            imports = await summaries(conn, shown_ids)
            newcomers = 0 if now is None or wanted.before is not None else await _newcomers(conn, wanted, now)
        people = await names_of(ways.own, tenant, [each.user_id for each in imports])
        html = partial(
            request, person, "_imports.html", **_list(asked, imports, people, total=len(imports), newcomers=newcomers)
        )
        return Shown.named(swap("imports", html, inside=True))

    return ways.streams.stream(person, look, tenant=tenant)


async def _newcomers(conn: Any, wanted: Wanted, now: datetime) -> int:
    since = max(now, wanted.since or now, _LONG_AGO)
    found = await history(conn, Wanted(**{**wanted.__dict__, "since": since}), limit=1, count=True)
    return found.total or 0


def _ids(said: str) -> list[UUID]:
    found = []
    for each in said.split(",")[:ROWS]:
        try:
            found.append(UUID(each))
        except ValueError:
            continue
    return found


def _list(
    asked: Asked, imports: Sequence[ImportSummary], people: Mapping[str, str], *, total: int, newcomers: int = 0
) -> dict[str, Any]:
    """What the list itself is drawn with, in the page as in its live updates."""
    by, down = asked.order.lstrip("-"), asked.order.startswith("-")
    order = _ORDERS.get(by, ("", ""))[0 if down else 1] or f"sorted by {by}{', backwards' if down else ''}"
    return {
        "wanted": asked,
        "imports": imports,
        "people": people,
        "subs": {each.id: _sub(each) for each in imports},
        "heads": [_head(asked, *head) for head in _HEADS],
        "caption": f"{counted(total, 'import')}, {order}. Headings with a link sort.",
        "newcomers": newcomers,
        "open_id": asked.open,
    }


def _head(asked: Asked, title: str, by: str, cls: str) -> Head:
    if not by:
        return Head(title, cls, "", "")
    current, down = asked.order.lstrip("-") == by, asked.order.startswith("-")
    down_next = not down if current else by in _DOWN_FIRST
    href = asked.href(sort=f"{'-' if down_next else ''}{by}", after="")
    return Head(title, cls, href, ("descending" if down else "ascending") if current else "")


def _sub(each: ImportSummary) -> str:
    """What stands below the name of a file, beside the mode."""
    if each.error is not None:
        return each.error.message
    if each.guided is not None and each.standing in {Standing.WAITING, Standing.CHECKING}:
        return STEPS[each.guided.step]
    if each.standing is Standing.WAITING:
        return "Checked: start it or discard it"
    if each.repaired_rows and each.open_rows:
        return f"{number(each.repaired_rows)} repaired, {number(each.open_rows)} open"
    if each.ended and each.unprocessed_rows:
        return f"{number(each.unprocessed_rows)} not processed"
    return "Corrections" if each.parent_import_id is not None else ""


def _selects(
    asked: Asked, person: Person, people: Mapping[str, str]
) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    others = {person.user: "Me", **{id_: name for id_, name in sorted(people.items()) if id_ != person.user}}
    if asked.by:
        others.setdefault(asked.by, people.get(asked.by, asked.by))
    return [
        ("type", "Type", "Any type", [(name, kind.title) for name, kind in KINDS.items()]),
        ("status", "Status", "Any status", [(name, words) for name, (words, _) in STATUSES.items()]),
        ("mode", "Mode", "Any mode", list(MODES.items())),
        (
            "period",
            "Started",
            "Any date",
            [*((name, words) for name, (words, _) in PERIODS.items()), (DATES, "Choose dates…")],
        ),
        ("by", "By", "Anyone", list(others.items())),
    ]


def _words(asked: Asked) -> dict[str, str]:
    if asked.order.lstrip("-") == "started":
        return {
            "before": "Newest" if asked.order == "-started" else "Oldest",
            "behind": "Older" if asked.order == "-started" else "Newer",
        }
    return {"before": "First page", "behind": "Next page"}


def _shown(count: int, total: str) -> str:
    if total == number(count):
        return counted(count, "import")
    return f"1–{number(count)} of {total} imports"


def _nothing(asked: Asked) -> str:
    called = f" called “{asked.q}”" if asked.q else ""
    when = f" in the {PERIODS[asked.period][0].lower()}" if asked.period in PERIODS and asked.period != "1d" else ""
    when = " today" if asked.period == "1d" else " between these dates" if asked.dates else when
    return f"Nothing{called}{when}{' with these filters' if asked.but_dates and not asked.q else ''}."


def _live(asked: Asked, imports: Sequence[ImportSummary], now: datetime) -> str:
    ids = ",".join(str(each.id) for each in imports)
    return asked.address("/history/live", after="", ids=ids, now=(now + timedelta(microseconds=1)).isoformat())


def _facts(opened: Import, people: Mapping[str, str], viewing: Viewing) -> list[tuple[str, str]]:
    """What is said of an import in the panel."""
    parts = [
        (opened.created_rows, "created"),
        (opened.updated_rows, "updated"),
        (opened.skipped_rows, "skipped"),
        (opened.failed_rows, "failed"),
        (opened.unprocessed_rows, "not processed" if opened.ended else "to come"),
    ]
    added = " + ".join(f"{number(count)} {words}" for count, words in parts if count)
    took = duration(opened.worked_seconds) if opened.started_at and opened.ended else ""
    file = ", ".join(
        part
        for part in (
            size(opened.file_size),
            opened.read_as and opened.read_as.sheet and f"sheet “{opened.read_as.sheet}”",
        )
        if part
    )
    facts = [
        ("Rows", f"{number(opened.total_rows)} = {added}" if added else ""),
        ("Made", _made(opened)),
        ("Mode", MODES.get(opened.mode, opened.mode)),
        ("Started", exact(opened.created_at, viewing.zone)),
        ("Took", f"{took} · {rate(opened.rows_per_second)}" if took and opened.rows_per_second else took),
        ("By", people.get(opened.user_id, opened.user_id)),
        ("File", file),
        (
            "Repaired",
            f"{number(opened.repaired_rows)}, {number(opened.open_rows)} open" if opened.repaired_rows else "",
        ),
    ]
    return [(name, said) for name, said in facts if said]


def _made(opened: Import) -> str:
    """What an import created: `37 products, 111 variants`; `1,012 people, 14 companies on the way`."""
    kind, entity = kind_of(opened.entity_type), ENTITY_TYPES.get(opened.entity_type)
    counts = [(_created(opened.summary.get(opened.entity_type)), kind.one, kind.several)]
    if entity is not None and entity.record_noun != kind.one:
        counts.append(
            (_created(opened.summary.get(f"{entity.record_noun}s")), entity.record_noun, f"{entity.record_noun}s")
        )
    said = [counted(*each) for each in counts if each[0]]
    if is_of_records(opened.entity_type):
        on_the_way = [(name, _created(made)) for name, made in (opened.summary.get("entities") or {}).items()]
        said += [
            f"{counted(count, kind_of(name).one, kind_of(name).several)} on the way"
            for name, count in on_the_way
            if count
        ]
    return ", ".join(said)


def _created(counts: Any) -> int:
    return int(counts.get("created", 0)) if isinstance(counts, Mapping) else 0


def _relations(opened: Import) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("Repairs", opened.parent)] if opened.parent is not None else []
    return [*found, *(("Repaired by", child) for child in opened.children)]
