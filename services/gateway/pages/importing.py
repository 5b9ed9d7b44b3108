"""The import page: a file is sent, and what should happen with it is chosen, at the same time; beside it what happened lately."""

from dataclasses import dataclass
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.gateway.asking import PageImporter, PageSender, Ways
from services.gateway.imports import seen, the_import
from services.gateway.imports.history import Wanted, history
from services.gateway.imports.registering import register_new
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.pages.choices import PATHS, Choices, NotChosen, choices_of
from services.gateway.pages.gathered import read_options
from services.gateway.pages.outcome import is_repeat
from services.gateway.pages.rendering import page, partial, swap
from services.gateway.pages.shell import SHELL
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused, unknown
from services.gateway.resources import Gateway
from services.gateway.uploads.forms import FormSent, store_form_file
from services.gateway.uploads.names import EXTENSIONS
from services.gateway.uploads.repository import Upload
from services.gateway.who.directory import names_of
from shared.api.imports import Import, ImportOptions, ImportSummary, Mode, NewImport
from shared.api.uploads import Look
from shared.entities import ENTITY_TYPES

router = APIRouter(include_in_schema=False, dependencies=[SHELL])

_RECENT = 5
_TEMPLATE = "import.html"
_NOT_OURS = {"csrf", "forbidden", "unauthenticated", "unavailable", "storage", "internal"}
"""Refusals that are not about the file: they are pages of their own."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong: a title, a sentence, the field it is about, the earlier import of the same bytes."""

    title: str
    text: str = ""
    field: str = ""
    before: Import | None = None
    before_name: str = ""
    again: str = "again"


@router.get("/import")
async def import_form(
    request: Request, person: PageImporter, ways: Ways, repairs: Annotated[UUID | None, Query()] = None
) -> Response:
    """The form, as its address has it filled in."""
    return await _form(request, person, ways, choices_of(request.query_params), repairs=repairs)


@router.get("/import/live")
async def live(request: Request, person: PageImporter, ways: Ways) -> Response:
    """The recent imports, whenever one of them has changed."""

    async def look() -> Shown:
        html = partial(request, person, "_recent.html", recent=await _recent(person, ways))
        return Shown.named(swap("recent", html), moves=False)

    return ways.streams.stream(person, look, tenant=tenant_of(person))


@router.get("/import/look/{upload_id}")
async def look_at(upload_id: UUID, request: Request, person: PageImporter, ways: Ways) -> Response:
    """What an upload looks like, as a part of the page; 202 while nobody has looked yet."""
    upload = await ways.uploads.find(person, upload_id)
    if upload.look is None:
        return Response(status_code=202)
    look = Look.model_validate(upload.look)
    return HTMLResponse(
        partial(request, person, "_look.html", look=look, upload=upload), headers={"Cache-Control": "no-store"}
    )


@router.post("/import")
async def start(request: Request, person: PageSender, ways: Ways) -> Response:
    """Import what was uploaded, or is sent with the form; then to its page."""
    try:
        sent = await store_form_file(request, ways, person)
    except Refused as refused:
        if refused.kind.slug in _NOT_OURS:
            raise
        trouble = Trouble("The file was not imported", refused.detail)
        return await _form(request, person, ways, Choices(), trouble=trouble, status=refused.kind.status)
    chosen, upload = choices_of(sent.fields), await _uploaded(person, ways, sent)
    repairs = await _repaired(person, ways, _id(sent.fields.get("repairs")))
    if upload is None:
        trouble = Trouble("Choose a file first", field="file")
        return await _form(
            request, person, ways, chosen, repairs=repairs.id if repairs else None, trouble=trouble, status=422
        )
    return await _register(request, person, ways, chosen, upload, repairs, go=sent.fields.get("go", "start"))


@router.post("/imports/{import_id}/again")
async def once_more(import_id: UUID, person: PageImporter, ways: Ways) -> Response:
    """Import a file that was refused because its content was imported before: as it was asked for, and meant this time."""
    async with reading(ways, person) as conn:
        imp = await seen(conn, import_id)
        said = await read_options(conn, import_id)
    if imp is None:
        raise unknown("import")
    if not is_repeat(imp):
        raise Refused("conflict", "Only a file that was refused for having been imported before is imported again so.")
    asked = NewImport(
        object_key=imp.object_key,
        entity_type=imp.entity_type,
        mode=cast("Mode", imp.mode),
        options=ImportOptions(**{**said, "allow_repeat": True}),
        file_name=imp.file_name,
    )
    made = await register_new(ways, person, asked, key=f"again-{imp.id}")
    return RedirectResponse(f"/imports/{made.import_id}", 303)


async def _register(
    request: Request,
    person: Person,
    ways: Gateway,
    chosen: Choices,
    upload: Upload,
    repairs: Import | None,
    *,
    go: str,
) -> Response:
    """Make the import; what stands in the way is said above the form, which keeps the file and all that was chosen."""
    if repairs is not None:
        chosen = Choices(type=repairs.entity_type, mode=repairs.mode)
    is_check, again = go.startswith("check"), go.endswith("again")
    try:
        asked = chosen.new_import(upload.id, repairs.id if repairs else None, hold=is_check, again=again)
        made = await register_new(ways, person, asked, key=f"upload-{upload.id}")
    except NotChosen as wrong:
        trouble, status = Trouble(wrong.words, field=wrong.field), 422
    except Refused as refused:
        import_id = refused.also.get("import_id")
        if refused.kind.slug == "conflict" and import_id is not None:
            return RedirectResponse(f"/imports/{import_id}", 303)
        trouble, status = Trouble(f"{upload.file_name} was not imported", refused.detail), refused.kind.status
        if refused.kind.slug == "imported-before" and import_id is not None:
            trouble = await _imported_before(person, ways, import_id, "check-again" if is_check else "again")
    else:
        return RedirectResponse(f"/imports/{made.import_id}", 303)
    return await _form(
        request,
        person,
        ways,
        chosen,
        repairs=repairs.id if repairs else None,
        upload=upload,
        trouble=trouble,
        status=status,
    )


async def _form(
    request: Request,
    person: Person,
    ways: Gateway,
    chosen: Choices,
    *,
    repairs: UUID | None = None,
    upload: Upload | None = None,
    trouble: Trouble | None = None,
    status: int = 200,
) -> Response:
    parent = await _repaired(person, ways, repairs)
    if parent is not None:
        chosen = Choices(type=parent.entity_type, mode=parent.mode)
    return page(
        request,
        person,
        _TEMPLATE,
        status=status,
        chosen=chosen,
        types=list(ENTITY_TYPES),
        paths=PATHS,
        repairs=parent,
        upload=upload,
        problem=trouble,
        recent=await _recent(person, ways),
        endings=EXTENSIONS,
        most_megabytes=ways.upload_settings.megabytes,
    )


async def _recent(person: Person, ways: Gateway) -> tuple[ImportSummary, ...]:
    async with reading(ways, person) as conn:
        return (await history(conn, Wanted(), limit=_RECENT)).items


async def _uploaded(person: Person, ways: Gateway, sent: FormSent) -> Upload | None:
    """The file that came with the form, or before it; None when there is neither."""
    if sent.upload is not None:
        return sent.upload
    upload_id = _id(sent.fields.get("upload"))
    return None if upload_id is None else await ways.uploads.find(person, upload_id)


async def _repaired(person: Person, ways: Gateway, import_id: UUID | None) -> Import | None:
    """The import that is to be repaired."""
    return None if import_id is None else await the_import(ways, person, import_id)


async def _imported_before(person: Person, ways: Gateway, import_id: UUID, again: str) -> Trouble:
    before = await the_import(ways, person, import_id)
    names = await names_of(ways.own, tenant_of(person), [before.user_id])
    return Trouble(
        "This file was imported before",
        before=before,
        before_name=names.get(before.user_id, before.user_id),
        again=again,
    )


def _id(said: Any) -> UUID | None:
    try:
        return UUID(said) if said else None
    except ValueError:
        return None
