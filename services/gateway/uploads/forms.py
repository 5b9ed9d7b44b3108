"""A file that a form sends (`multipart/form-data`), as a page without JavaScript does: streamed to storage while it is read.

For a page's route, which must not ask the framework for the form (that would keep the whole of it):

    sent = await store_form_file(request, ways, person)
    sent.fields["entity_type"], sent.upload

The form's own token has to stand before the file, so that nothing is stored for whom it does not name.
"""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.message import Message

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from services.gateway.people import Person
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from services.gateway.uploads.names import too_large
from services.gateway.uploads.receiving import BrokenOff
from services.gateway.uploads.repository import Upload

FORM = "multipart/form-data"
_MOST_FIELDS, _FIELD_BYTES = 100, 64 << 10
# What a form of ours has beside its file.
_AROUND = 1 << 20
_DIGITS = 18
_DRAINED = 1 << 30
_DRAIN_SECONDS = 30.0

_Seen = tuple[str, bytes]


@dataclass
class FormSent:
    """What a form said: its fields (of two of one name, the later) and the file, None when none was chosen."""

    fields: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None


async def body_of(request: Request) -> AsyncIterator[bytes]:
    """A request's body as it comes.

    Raises:
        BrokenOff: the sender is gone.
    """
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise BrokenOff from None


def said_name(disposition: str | None) -> str:
    """The file name that a Content-Disposition says; empty when it says none."""
    said = Message()
    said["Content-Disposition"] = disposition or ""
    try:
        return said.get_filename() or ""
    except ValueError:
        # An encoding that decodes nothing (`undefined''`), or parts numbered beyond any number.
        return ""


async def store_form_file(request: Request, ways: Gateway, person: Person) -> FormSent:
    """Read a form, its first file into storage; complete when this returns. Further files are passed over.

    Raises:
        Refused: it is no form, has more than forms of ours have, has not the person's token, or the file is not taken.
    """
    body = body_of(request)
    try:
        _check_length(request, ways)
        return await _Form(request, person, ways).read(body)
    except BrokenOff:
        raise _malformed("it breaks off") from None
    except Refused:
        # A browser may show no answer to a request that it has not finished sending.
        with contextlib.suppress(TimeoutError, BrokenOff):
            await _drain(body)
        raise


class _Form:
    def __init__(self, request: Request, person: Person, ways: Gateway) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        if kind.decode("latin-1") != FORM or not options.get(b"boundary"):
            raise _malformed("it has to be multipart/form-data with a boundary")
        self._person, self._ways = person, ways
        self._token = request.headers.get("x-csrf-token", "")
        self._sent = FormSent()
        self._size = 0
        self._seen: list[_Seen] = []
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._on("begin"),
                "on_header_field": self._on_data("name"),
                "on_header_value": self._on_data("value"),
                "on_header_end": self._on("header"),
                "on_headers_finished": self._on("headers"),
                "on_part_data": self._on_data("data"),
                "on_part_end": self._on("end"),
                "on_end": self._on("over"),
            },
        )

    async def read(self, body: AsyncIterator[bytes]) -> FormSent:
        """All of the form."""
        seen = self._parsed(body)
        headers: dict[bytes, bytes] = {}
        name = value = b""
        async for kind, data in seen:
            if kind == "begin":
                headers = {}
            elif kind == "name":
                name += data
            elif kind == "value":
                value += data
            elif kind == "header":
                headers[name.lower()] = value
                name = value = b""
            elif kind == "headers":
                await self._take_part(headers.get(b"content-disposition", b""), seen)
            elif kind == "over":
                self._check_token()
                return self._sent
        raise _malformed("it breaks off")

    async def _take_part(self, disposition: bytes, seen: AsyncIterator[_Seen]) -> None:
        _, options = parse_options_header(disposition)
        # Browsers say names in UTF-8, as they are.
        name = options.get(b"name", b"").decode("utf-8", "replace")
        content = _to_its_end(seen)
        if b"filename" not in options:
            self._sent.fields[name] = await self._text(name, content)
        elif options[b"filename"] and self._sent.upload is None:
            self._check_token()
            said = options[b"filename"].decode("utf-8", "replace")
            upload = await self._ways.uploads.begin(self._person, said, None)
            self._sent.upload = await self._ways.uploads.receive(self._person, upload.id, 0, content, whole=True)
        else:
            async for _piece in content:
                pass

    async def _text(self, name: str, content: AsyncIterator[bytes]) -> str:
        text = b""
        async for piece in content:
            self._size += len(piece)
            if self._size > _FIELD_BYTES:
                raise _malformed(f"its fields have more than {_FIELD_BYTES:,} bytes")
            text += piece
        if len(self._sent.fields) >= _MOST_FIELDS:
            raise _malformed(f"it has more than {_MOST_FIELDS} fields")
        try:
            return text.decode()
        except UnicodeDecodeError:
            raise _malformed(f'its field "{name[:50]}" is no UTF-8') from None

    def _check_token(self) -> None:
        wanted = self._person.csrf
        said = self._sent.fields.get("csrf") or self._token
        if wanted is not None and not hmac.compare_digest(said.encode(), wanted.encode()):
            raise Refused("csrf", "This form is out of date. Open the page anew and send it once more.")

    async def _parsed(self, body: AsyncIterator[bytes]) -> AsyncIterator[_Seen]:
        async for chunk in body:
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise _malformed("it is no form that can be read") from error
            seen, self._seen = self._seen, []
            for each in seen:
                yield each

    def _on(self, kind: str) -> Callable[[], None]:
        return lambda: self._seen.append((kind, b""))

    def _on_data(self, kind: str) -> Callable[[bytes, int, int], None]:
        return lambda data, start, end: self._seen.append((kind, data[start:end]))


async def _to_its_end(seen: AsyncIterator[_Seen]) -> AsyncIterator[bytes]:
    """The content of the part that has begun.

    Raises:
        BrokenOff: the form ends within it.
    """
    async for kind, data in seen:
        if kind == "end":
            return
        yield data
    raise BrokenOff


async def _drain(body: AsyncIterator[bytes]) -> None:
    drained = 0
    async with asyncio.timeout(_DRAIN_SECONDS):
        async for chunk in body:
            drained += len(chunk)
            if drained > _DRAINED:
                return


def _check_length(request: Request, ways: Gateway) -> None:
    """Refuse a form that is too large before any of it is stored; what it says of its length may be missing."""
    megabytes = ways.uploads.settings.megabytes
    length = request.headers.get("content-length", "")
    if length.isdecimal() and len(length) < _DIGITS and int(length) > megabytes * 1_000_000 + _AROUND:
        raise Refused("too-large", too_large("The file", f"{int(length) / 1_000_000:,.1f}", megabytes=megabytes))


def _malformed(why: str) -> Refused:
    return Refused("malformed", f"The form cannot be read: {why}.")
