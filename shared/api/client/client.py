"""The operations of the API, a method for each."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from shared.api.catalogue import UnmatchedCategories, ValuePage
from shared.api.client import downloading, uploading, watching
from shared.api.client.problems import Unforeseen
from shared.api.client.requests import Patience, Requests, Token
from shared.api.imports import Import, ImportPage, NewImport
from shared.api.people import Me
from shared.api.results import EntitiesMade, Preview, Reading, Reasons, Repairs
from shared.api.rows import ChangePage, ErrorPage, RowPage
from shared.states import ImportStatus, RowStatus

T = TypeVar("T", bound=BaseModel)


class Client:
    """A Winnow, as the person or system that a token is of. Nothing is connected until something is asked.

    `token` may be a function: it is asked again when its token is no longer taken. Every method raises an `ApiError` when it
    does not get what it asked for; what is safe to repeat was then tried as often as `patience` says.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        ca_file: Path | None = None,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._requests = Requests(url, token, ca_file=ca_file, patience=patience, transport=transport)

    @property
    def url(self) -> str:
        """The address of this Winnow."""
        return self._requests.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        await self._requests.close()

    # Who

    async def get_me(self) -> Me:
        """Who the token is of."""
        return await self._get(Me, "/v1/me")

    # Imports

    async def create_import(self, body: NewImport, *, idempotency_key: str | None = None) -> Import:
        """Register an import. With a key it is asked again when it did not come through, and is the same import each time."""
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        response = await self._requests.ask(
            "POST",
            "/v1/imports",
            repeatable=idempotency_key is not None,
            headers={**headers, "Content-Type": "application/json"},
            content=body.model_dump_json(exclude_unset=True).encode(),
        )
        return self._read(Import, response)

    async def list_imports(
        self,
        *,
        file_name: str | None = None,
        entity_type: str | None = None,
        status: Sequence[ImportStatus] = (),
        mode: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> ImportPage:
        """Imports, newest first; all that is said is true of each."""
        return await self._get(
            ImportPage,
            "/v1/imports",
            file_name=file_name,
            entity_type=entity_type,
            status=status,
            mode=mode,
            user=user,
            since=since,
            before=before,
            after=after,
            limit=limit,
        )

    async def get_import(self, import_id: UUID) -> Import:
        """One import."""
        return await self._get(Import, f"/v1/imports/{import_id}")

    async def watch(self, import_id: UUID, *, lost: Callable[[str], None] | None = None) -> AsyncIterator[Import]:
        """An import as it changes, until nothing of it will; `lost` is told each time the connection broke."""
        async for message in watching.messages(self._requests, f"/v1/imports/{import_id}/events", lost=lost):
            yield self._parse(Import, message.data)

    async def list_rows(
        self, import_id: UUID, *, status: RowStatus | None = None, after: str | None = None, limit: int | None = None
    ) -> RowPage:
        """The rows of an import, in the order of the file."""
        path = f"/v1/imports/{import_id}/rows"
        return await self._get(RowPage, path, status=status, after=after, limit=limit)

    async def list_errors(self, import_id: UUID, *, after: str | None = None, limit: int | None = None) -> ErrorPage:
        """The errors of its rows, in the order of the file."""
        return await self._get(ErrorPage, f"/v1/imports/{import_id}/errors", after=after, limit=limit)

    async def list_reasons(self, import_id: UUID) -> Reasons:
        """The same by kind and column, the most frequent first."""
        return await self._get(Reasons, f"/v1/imports/{import_id}/reasons")

    async def list_changes(self, import_id: UUID, *, after: str | None = None, limit: int | None = None) -> ChangePage:
        """What it changes of records there are, before and after."""
        return await self._get(ChangePage, f"/v1/imports/{import_id}/changes", after=after, limit=limit)

    async def get_preview(self, import_id: UUID) -> Preview:
        """What it would do, or has done."""
        return await self._get(Preview, f"/v1/imports/{import_id}/preview")

    async def list_entities(self, import_id: UUID) -> EntitiesMade:
        """What it made on the way."""
        return await self._get(EntitiesMade, f"/v1/imports/{import_id}/entities")

    async def get_repairs(self, import_id: UUID) -> Repairs:
        """What has become of the rows that it handed back."""
        return await self._get(Repairs, f"/v1/imports/{import_id}/repairs")

    async def get_reading(self, import_id: UUID) -> Reading:
        """How its file was read."""
        return await self._get(Reading, f"/v1/imports/{import_id}/reading")

    # What a person decides. Each does nothing the second time, but for an undo.

    async def start_import(self, import_id: UUID) -> Import:
        """Let one that is held commit."""
        return await self._post(Import, f"/v1/imports/{import_id}/start", repeatable=True)

    async def cancel_import(self, import_id: UUID) -> Import:
        """Stop it; what is committed stays."""
        return await self._post(Import, f"/v1/imports/{import_id}/cancel", repeatable=True)

    async def dismiss_import(self, import_id: UUID) -> Import:
        """Put one with failures away."""
        return await self._post(Import, f"/v1/imports/{import_id}/dismiss", repeatable=True)

    async def undo_import(self, import_id: UUID) -> Import:
        """Take it back; the import that does."""
        return await self._post(Import, f"/v1/imports/{import_id}/undo")

    # A catalogue

    async def list_catalogue(
        self,
        kind: str,
        *,
        q: str | None = None,
        attribute: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> ValuePage:
        """What the tenant's catalogue knows by name."""
        path = f"/v1/catalogue/{quote(kind)}"
        return await self._get(ValuePage, path, q=q, attribute=attribute, after=after, limit=limit)

    async def list_unmatched_categories(
        self, *, import_id: UUID | None = None, limit: int | None = None
    ) -> UnmatchedCategories:
        """Categories nobody knows, with those that are nearest."""
        return await self._get(UnmatchedCategories, "/v1/unmatched-categories", import_id=import_id, limit=limit)

    # Files

    async def upload(
        self, path: Path, *, name: str | None = None, sent: uploading.Sent | None = None, upload_id: str | None = None
    ) -> str:
        """Send a file, in pieces, each again when it did not come through; the id to create an import with."""
        return await uploading.upload(self._requests, path, name=name, sent=sent, upload_id=upload_id)

    async def delete_upload(self, upload_id: str) -> None:
        """Drop an upload, and what there is of it."""
        await self._requests.ask("DELETE", f"/v1/uploads/{upload_id}", headers={"Tus-Resumable": "1.0.0"})

    async def get_corrections(self, import_id: UUID, *, format: Literal["xlsx", "csv"] | None = None) -> str:  # noqa: A002 - as the API names it
        """A link to the file with the rows that were not imported; good for a minute, for whoever is of the same tenant."""
        path = f"/v1/imports/{import_id}/corrections"
        return await downloading.link(self._requests, path, params=_query({"format": format}))

    async def get_failed_rows(self, import_id: UUID) -> str:
        """The same for the CSV."""
        return await downloading.link(self._requests, f"/v1/imports/{import_id}/failed-rows")

    async def get_unprocessed_rows(self, import_id: UUID) -> str:
        """The same for the rows that it did not come to."""
        return await downloading.link(self._requests, f"/v1/imports/{import_id}/unprocessed-rows")

    async def get_template(self, entity_type: str, target: Path) -> None:
        """Write a workbook to fill in into a file, with the names that the tenant's catalogue has."""
        await downloading.fetch(self._requests, f"{self.url}/v1/templates/{quote(entity_type)}.xlsx", target)

    async def fetch(self, link: str, target: Path) -> str | None:
        """Write what is behind a link of this Winnow into a file; the name it is given there."""
        return await downloading.fetch(self._requests, link, target)

    # How

    async def _post(self, model: type[T], path: str, *, repeatable: bool = False) -> T:
        return self._read(model, await self._requests.ask("POST", path, repeatable=repeatable))

    async def _get(self, model: type[T], path: str, **said: Any) -> T:
        return self._read(model, await self._requests.ask("GET", path, params=_query(said)))

    def _read(self, model: type[T], response: httpx.Response) -> T:
        return self._parse(model, response.content)

    def _parse(self, model: type[T], said: str | bytes) -> T:
        try:
            return model.model_validate_json(said)
        except ValidationError as error:
            wrong = error.errors(include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise Unforeseen(self.url, f"{model.__name__}{f'.{place}' if place else ''}: {wrong['msg']}") from error


def _query(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is said, in the words of a query; what is None, or an empty list, is not said."""
    return [
        (name, each.isoformat() if isinstance(each, datetime) else str(each))
        for name, value in said.items()
        for each in (value if isinstance(value, list | tuple) else (value,))
        if each is not None
    ]
