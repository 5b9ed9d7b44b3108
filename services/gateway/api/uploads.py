"""`/v1/uploads`: files on their way in.

Sent with tus 1.0 (header `Tus-Resumable`), as the whole body of one request, or to storage itself by a link.
"""

import asyncio
import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.gateway import problems
from services.gateway.asking import Importer, Sender, Ways
from services.gateway.people import Person
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from services.gateway.uploads import tus
from services.gateway.uploads.forms import FORM, body_of, said_name, store_form_file
from services.gateway.uploads.repository import Upload as Known
from shared.api import uploads as wire

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

_LONGEST_WAIT = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.4
_BODIES = {
    "requestBody": {
        "description": "The file, as the whole body. With `Tus-Resumable`: nothing, or its first bytes.",
        "required": False,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_TUS = {"requestBody": {"required": True, "content": {tus.BODY: {"schema": {"type": "string", "format": "binary"}}}}}


@router.options(
    "",
    operation_id="describe_uploads",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403),
)
async def describe(_person: Importer, ways: Ways) -> Response:
    """What of tus is spoken here, and how large a file may be."""
    most = ways.uploads.settings.megabytes * 1_000_000
    said = {"Tus-Version": tus.VERSION, "Tus-Extension": tus.EXTENSIONS, "Tus-Max-Size": str(most)}
    return Response(status_code=204, headers={**tus.HEADERS, **said})


@router.post(
    "",
    operation_id="create_upload",
    status_code=201,
    response_model=wire.Upload,
    responses=problems.of(401, 403, 408, 409, 412, 413, 415, 422),
    openapi_extra=_BODIES,
)
async def create(
    request: Request,
    response: Response,
    person: Sender,
    ways: Ways,
    file_name: Annotated[
        str | None,
        Query(max_length=1_000, description="The file's name, of a whole body; else Content-Disposition says it."),
    ] = None,
) -> wire.Upload:
    """Begin an upload, or send a file whole.

    With `Tus-Resumable` it is begun: `Upload-Length` and `Upload-Metadata: filename …` say what comes, and it goes on with
    PATCH. Else the body is the file. It is streamed to storage; one that breaks off is not kept.
    """
    if "tus-resumable" in request.headers:
        upload = await _begun(request, person, ways)
        response.headers.update(tus.headers_of(upload))
    else:
        upload = await _sent_whole(request, person, ways, file_name)
    response.headers["Location"] = f"{router.prefix}/{upload.id}"
    return _shown(upload)


async def _begun(request: Request, person: Person, ways: Gateway) -> Known:
    tus.check_version(request.headers["tus-resumable"])
    if "upload-length" not in request.headers and request.headers.get("upload-defer-length") == "1":
        raise Refused(
            "malformed", "The length of the file has to be said when it is begun (Upload-Length).", headers=tus.HEADERS
        )
    size = tus.number("Upload-Length", request.headers.get("upload-length"))
    name = tus.file_name(tus.metadata(request.headers.get("upload-metadata")))
    with tus.speaking():
        upload = await ways.uploads.begin(person, name, size)
    if request.headers.get("content-type") != tus.BODY:
        return upload
    try:
        return await ways.uploads.receive(person, upload.id, 0, body_of(request))
    except Refused:
        # It is begun, and what came of it is kept: the sender asks how far it is.
        return await ways.uploads.find(person, upload.id)


async def _sent_whole(request: Request, person: Person, ways: Gateway, file_name: str | None) -> Known:
    # In any case, as who asks is looked at: what is no form there is none here.
    if request.headers.get("content-type", "").lower().startswith(FORM):
        sent = await store_form_file(request, ways, person)
        if sent.upload is None:
            raise problems.invalid("file", "the form has no file")
        return sent.upload
    name = file_name or said_name(request.headers.get("content-disposition"))
    length = request.headers.get("content-length")
    size = tus.number("Content-Length", length) if length is not None else None
    upload = await ways.uploads.begin(person, name, size)
    return await ways.uploads.receive(person, upload.id, 0, body_of(request), whole=True)


@router.post(
    "/presigned",
    operation_id="presign_upload",
    status_code=201,
    response_model=wire.Presigned,
    responses=problems.of(401, 403, 413, 415, 422),
)
async def presign(asked: wire.PresignedAsked, person: Importer, ways: Ways) -> wire.Presigned:
    """A link to which the file is sent with PUT, past the gateway. Say so when it is there (`/complete`)."""
    upload, url, until = await ways.uploads.presign(person, asked.file_name, asked.size)
    return wire.Presigned(upload_id=upload.id, url=url, url_expires_at=until)


@router.post(
    "/{upload_id}/complete",
    operation_id="complete_upload",
    response_model=wire.Upload,
    responses=problems.of(401, 403, 404, 409, 410, 413, 422),
)
async def complete(upload_id: UUID, person: Importer, ways: Ways) -> wire.Upload:
    """Say that a file was sent to storage itself: it is looked for, and its size compared. Repeating it is harmless."""
    return _shown(await ways.uploads.arrived(person, upload_id))


@router.get(
    "/{upload_id}/about",
    operation_id="about_upload",
    response_model=wire.AboutUpload,
    responses=problems.of(401, 403, 404, 410, 422),
)
async def about(
    upload_id: UUID,
    person: Importer,
    ways: Ways,
    wait: Annotated[
        float, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for a look, where there is none yet.")
    ] = 0,
) -> wire.AboutUpload:
    """How far an upload is, and what was seen of the file: what it looks like, or why it would be refused."""
    upload = await ways.uploads.finish(await ways.uploads.find(person, upload_id))
    deadline, pause = time.monotonic() + wait, _FIRST_PAUSE
    while upload.is_complete and upload.looked_at is None and time.monotonic() < deadline:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        upload = await ways.uploads.find(person, upload_id)
    look = None if upload.look is None else wire.Look.model_validate(upload.look)
    return wire.AboutUpload(**_shown(upload).model_dump(), look=look)


@router.head(
    "/{upload_id}",
    operation_id="upload_offset",
    response_class=Response,
    responses=problems.of(401, 403, 404, 410, 412, 422),
)
async def offset(upload_id: UUID, request: Request, person: Importer, ways: Ways) -> Response:
    """How far an upload is: `Upload-Offset`."""
    tus.check_version(request.headers.get("tus-resumable"))
    with tus.speaking():
        upload = await ways.uploads.finish(await ways.uploads.find(person, upload_id))
    return Response(headers={**tus.headers_of(upload), "Upload-Metadata": tus.metadata_of(upload)})


@router.patch(
    "/{upload_id}",
    operation_id="continue_upload",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403, 404, 408, 409, 410, 412, 413, 415, 422),
    openapi_extra=_TUS,
)
async def go_on(upload_id: UUID, request: Request, person: Sender, ways: Ways) -> Response:
    """Go on with an upload from `Upload-Offset`, which has to be how far it is."""
    tus.check_version(request.headers.get("tus-resumable"))
    if request.headers.get("content-type") != tus.BODY:
        raise Refused("unsupported-media-type", f"The Content-Type has to be {tus.BODY}.", headers=tus.HEADERS)
    position = tus.number("Upload-Offset", request.headers.get("upload-offset"))
    with tus.speaking():
        upload = await ways.uploads.receive(person, upload_id, position, body_of(request))
    return Response(status_code=204, headers=tus.headers_of(upload))


@router.delete(
    "/{upload_id}",
    operation_id="delete_upload",
    status_code=204,
    response_class=Response,
    responses=problems.of(401, 403, 404, 409, 412, 422),
)
async def delete(upload_id: UUID, request: Request, person: Importer, ways: Ways) -> Response:
    """Forget an upload, complete or not, that no import was made of."""
    if "tus-resumable" in request.headers:
        tus.check_version(request.headers["tus-resumable"])
    with tus.speaking():
        await ways.uploads.remove(person, upload_id)
    return Response(status_code=204, headers=dict(tus.HEADERS))


@router.post("/{upload_id}", include_in_schema=False)
async def overridden(upload_id: UUID, request: Request, person: Importer, ways: Ways) -> Response:
    """The same for senders that know no PATCH or DELETE, and say so with `X-HTTP-Method-Override`."""
    meant = request.headers.get("x-http-method-override", "").upper()
    route = {"PATCH": go_on, "DELETE": delete, "HEAD": offset}.get(meant)
    if route is None:
        raise Refused(
            "method-not-allowed",
            "POST is not possible here; HEAD, PATCH and DELETE are.",
            headers={"Allow": "HEAD, PATCH, DELETE"},
        )
    return await route(upload_id, request, person, ways)


def _shown(upload: Known) -> wire.Upload:
    return wire.Upload(
        id=upload.id,
        file_name=upload.file_name,
        size=upload.size,
        received=upload.received,
        complete=upload.is_complete,
        import_id=upload.import_id,
        expires_at=upload.expires_at,
    )
