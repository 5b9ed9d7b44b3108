"""The page of an import: while it runs its progress, then what became of it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports import seen
from services.gateway.imports.transactions import reading
from services.gateway.pages import figures, outcome, progress, staircase
from services.gateway.pages.gathered import MistakeCounts, failed_page, page_before, repaired_rows
from services.gateway.pages.progress import awaits_files
from services.gateway.pages.rendering import page, viewing_of
from services.gateway.pages.sheet import Sheet, reason_of, sheet_of
from services.gateway.pages.shell import SHELL
from services.gateway.pages.steps import address_of
from services.gateway.pages.words import kind_of
from services.gateway.people import Person, Role, tenant_of
from services.gateway.problems import unknown
from services.gateway.resources import Gateway
from services.gateway.who.directory import names_of
from shared.api.imports import FileKind, Import
from shared.intake.reading import FileReading, read_entity, read_reading
from shared.intake.repairs import Repairs, read_repairs
from shared.intake.reports import group_errors, read_entities_made

router = APIRouter(include_in_schema=False, dependencies=[SHELL])

_NAMES = 6
_mistakes = MistakeCounts()
_LAST_ROW = 2_147_483_647
_NOTHING_READ = FileReading((), ())
Text = Annotated[str | None, Query(max_length=500)]
RowNumber = Annotated[int | None, Query(ge=0, le=_LAST_ROW)]


@router.get("/imports/{import_id}")
async def import_page(
    import_id: UUID,
    request: Request,
    person: PageViewer,
    ways: Ways,
    show: Annotated[str | None, Query(max_length=20)] = None,
    reason: Text = None,
    columns: Annotated[str | None, Query(max_length=5)] = None,
    after: RowNumber = None,
    before: RowNumber = None,
    row: Annotated[str | None, Query(max_length=12)] = None,
) -> Response:
    """An import: its progress, or its result in one of its views."""
    asked = {"show": show, "reason": reason, "columns": columns}
    async with reading(ways, person) as conn:
        imp = await seen(conn, import_id)
        if imp is None:
            raise unknown("import")
        if imp.ended and (before is not None or row):
            start = await _start(conn, imp, before, row, reason_of(reason))
            return RedirectResponse(_address(imp, {**asked, "after": str(start) if start else None}), 303)
        found = await _gather(conn, imp, asked, after or 0) if imp.ended else None
    if found is None:
        if imp.guided is not None:
            return RedirectResponse(address_of(imp, imp.guided.step), 303)
        if imp.hold:
            return RedirectResponse(f"/imports/{imp.id}/check", 303)
        return await progress.show(request, person, ways, imp)
    users = [imp.user_id, *(correction.user_id for correction in found["repairs"].corrections)]
    names = await names_of(ways.own, tenant_of(person), users)
    return _page(request, person, ways, imp, found, names)


async def _start(
    conn: AsyncConnection, imp: Import, before: int | None, row: str | None, reason: tuple[str, str | None] | None
) -> int:
    """What the page begins behind that has this row first, or ends before this one."""
    if before is not None:
        return await page_before(conn, imp.id, before=before, reason=reason)
    said = "".join(digit for digit in row or "" if digit.isdecimal())
    return min(max(int(said or 0) - 1, 0), _LAST_ROW)


async def _gather(conn: AsyncConnection, imp: Import, asked: Mapping[str, str | None], after: int) -> dict[str, Any]:
    """All that the page shows of an import that has ended, as the ledger has it."""
    groups = await group_errors(conn, imp.id)
    has_made = bool(imp.summary.get("entities"))
    views = [name for name, _title, _n in outcome.tabs(imp, made=has_made)]
    show = asked["show"] if asked["show"] in views else views[0]
    reading = await read_reading(conn, imp.id) if show in {"failures", "file"} else None
    names = await read_entities_made(conn, imp.id, limit=_NAMES) if show == "made" else {}
    return {
        "show": show,
        "has_made": has_made,
        "groups": groups,
        "mistakes": await _mistakes.of(conn, imp),
        "reading": reading or _NOTHING_READ,
        "entity_names": names,
        "repairs": await read_repairs(conn, imp.id),
        "sheet": await _sheet(conn, imp, reading or _NOTHING_READ, asked, after) if show == "failures" else None,
        "reason": asked["reason"] or None,
    }


async def _sheet(
    conn: AsyncConnection, imp: Import, reading: FileReading, asked: Mapping[str, str | None], after: int
) -> Sheet:
    rows = await failed_page(conn, imp.id, after=after, reason=reason_of(asked["reason"]))
    assert rows is not None
    return sheet_of(
        rows,
        reading.columns,
        await read_entity(conn, imp.id),
        address=f"/imports/{imp.id}",
        asked={**asked, "show": "failures", "after": str(after) if after else None},
        previous=rows.rows[0].row if after and rows.rows else None,
        total=imp.failed_rows,
        repaired=await repaired_rows(conn, imp.id, rows.rows) if imp.repaired_rows else frozenset(),
    )


def _page(
    request: Request,
    person: Person,
    ways: Gateway,
    imp: Import,
    found: Mapping[str, Any],
    names: Mapping[str, str],
) -> Response:
    viewing, repairs = viewing_of(request), found["repairs"]
    words, total_words = outcome.sum_words(imp)
    expired_at = imp.rows_expired_at or imp.results_removed_at
    expired = outcome.expired_words(figures.until(expired_at, viewing.zone) if expired_at else None)
    made = outcome.made_on_the_way(imp, found["entity_names"])
    return page(
        request,
        person,
        "result.html",
        **found,
        imp=imp,
        names=names,
        kind=kind_of(imp.entity_type),
        title=staircase.title(imp),
        say=staircase.say(imp),
        words=words,
        total_words=total_words,
        side_notes=outcome.side_notes(imp, found["mistakes"]),
        relations=_relations(imp),
        speed=outcome.rows_per_second(imp),
        refused=outcome.is_refused(imp),
        is_repeat=outcome.is_repeat(imp),
        all_good=outcome.all_good(imp),
        expired=expired,
        awaits_files=awaits_files(imp),
        files={kind: next((file for file in imp.files if file.kind == kind), None) for kind in get_args(FileKind)},
        may_change=person.may(Role.IMPORTER),
        public_url=ways.settings.public_url.rstrip("/"),
        tabs=list(outcome.tabs(imp, made=found["has_made"])),
        reasons=outcome.reasons_shown(found["groups"]),
        errors=sum(group.count for group in found["groups"]),
        all_reasons=outcome.all_reasons(imp, found["mistakes"]),
        made=made,
        main_counts=outcome.main_counts(imp),
        facts=list(outcome.facts(imp, found["reading"])),
        activity=outcome.activity(imp, repairs, names),
        last_correction=_last_with_open_rows(repairs),
    )


def _address(imp: Import, asked: Mapping[str, str | None]) -> str:
    return Sheet.address_of(f"/imports/{imp.id}", {**asked, "show": "failures"}) + "#details"


def _relations(imp: Import) -> Sequence[tuple[str, str, str]]:
    """Other imports that it has to do with: in what words, what they are called, where they are."""
    found = []
    if imp.parent is not None:
        found.append(("Repairs", imp.parent.file_name, f"/imports/{imp.parent.id}"))
    if imp.undoes_import_id is not None:
        found.append(("Takes back", imp.file_name, f"/imports/{imp.undoes_import_id}"))
    if imp.undone_by is not None:
        found.append(("Taken back by", "its undo", f"/imports/{imp.undone_by}"))
    return found


def _last_with_open_rows(repairs: Repairs) -> UUID | None:
    """The correction that handed back last what is still open; None when it was never sent, or not all of it."""
    ended = [each for each in repairs.corrections if each.completed_at is not None]
    if not ended or ended[-1].failed_rows != repairs.open_rows:
        return None
    return ended[-1].id
