"""An import that runs: its page, kept up to date by a stream of parts of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from services.gateway.asking import PageViewer, Ways
from services.gateway.imports import seen, the_import
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.pages import staircase
from services.gateway.pages.outcome import ReasonShown, reasons_shown
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.people import Person, tenant_of
from services.gateway.resources import Gateway
from services.gateway.who.directory import names_of
from shared.api.imports import Import
from shared.intake.reports import group_errors

router = APIRouter(include_in_schema=False)

_REASONS = 3


@router.get("/imports/{import_id}/live")
async def live(import_id: UUID, request: Request, person: PageViewer, ways: Ways, *, files: bool = False) -> Response:
    """The page's parts whenever something has changed, until the import has ended (with `files`: until its files are there)."""
    tenant = tenant_of(person)

    async def look() -> Shown | None:
        imp, reasons = await _read(ways, person, import_id)
        if imp is None:
            return None
        if files:
            return Shown(imp.version, "", ended=not awaits_files(imp), moves=False)
        # What is held has a page of its own.
        ended = imp.ended or imp.hold
        part = "" if ended else partial(request, person, "_progress.html", **await _shown(ways, tenant, imp, reasons))
        return Shown(imp.version, swap("progress", part) if part else "", ended=ended)

    return ways.streams.stream(person, look, tenant=tenant, import_id=import_id)


@router.get("/imports/{import_id}/title")
async def title(import_id: UUID, person: PageViewer, ways: Ways) -> Response:
    """What the tab of a page in the background is called: how far the import is."""
    imp = await the_import(ways, person, import_id)
    return PlainTextResponse(f"{staircase.title(imp)} · Winnow", headers={"Cache-Control": "no-store"})


async def show(request: Request, person: Person, ways: Gateway, imp: Import) -> Response:
    """The page of an import that has not ended."""
    tenant = tenant_of(person)
    async with reading(ways, person) as conn:
        reasons = reasons_shown(await group_errors(conn, imp.id))[:_REASONS]
    return page(request, person, "progress.html", **await _shown(ways, tenant, imp, reasons))


async def _read(ways: Gateway, person: Person, import_id: UUID) -> tuple[Import | None, list[ReasonShown]]:
    async with reading(ways, person) as conn:
        imp = await seen(conn, import_id)
        if imp is None or imp.ended:
            return imp, []
        return imp, reasons_shown(await group_errors(conn, imp.id))[:_REASONS]


async def _shown(ways: Gateway, tenant: str, imp: Import, reasons: list[ReasonShown]) -> dict[str, Any]:
    now = datetime.now(UTC)
    running = None if imp.started_at is None else (now - imp.started_at).total_seconds()
    return {
        "imp": imp,
        "names": await names_of(ways.own, tenant, [imp.user_id]),
        "reasons": reasons,
        "title": staircase.title(imp),
        "say": staircase.say(imp),
        "headline": staircase.headline(imp),
        "details": staircase.details(imp, running),
        "stages": staircase.steps(imp),
        "quiet": staircase.quiet(imp, (now - imp.created_at).total_seconds()),
        "is_read": imp.percent is not None,
    }


def awaits_files(imp: Import) -> bool:
    """Whether rows are still to be handed back."""
    return imp.ended and any(stage.name == "handed_back" and stage.state == "moving" for stage in imp.stages)
