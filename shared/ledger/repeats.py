"""Files that come a second time: under the same key, which is the same import, or as the same bytes, which are refused.

A file counts as imported before when an import of the same bytes and entity type is in production, or on its way there:

* it has ended with rows created or updated, and was not undone as a whole; or it is importing now;
* it is no correction file: what of that is in production is known row by row, and sending it again does no harm;
* one that is held, was cancelled or has failed before anything of it was committed counts for nothing.

Whoever looks holds a lock on the bytes until the transaction ends, in which it also says that its import is importing. So of
two that come at once exactly one goes on, and the other is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events import FileOptions, FileUploaded
from shared.ledger import identity
from shared.states import ImportStatus

IMPORTED_BEFORE = "imported_before"
"""Code of the refusal of a file that was imported before."""

_KNOWN = text(
    """
    SELECT id, user_id, entity_type, mode, status, file_name, object_key, file_size, file_sha256, idempotency_key,
           parent_import_id, options, asked
      FROM imports.imports WHERE tenant_id = :tenant_id AND idempotency_key = :key
    """
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(:tenant_id), hashtext(:sha256))")
_BEFORE = text(
    f"""
    SELECT id, user_id, file_name, completed_at, started_at,
           -- What an undo could not take back, because it was used since, is still there.
           greatest(0, created_rows + updated_rows - (SELECT coalesce(sum(undo.updated_rows), 0) FROM imports.imports undo
                                                       WHERE undo.undoes_import_id = i.id)) AS rows
      FROM imports.imports i
     WHERE tenant_id = :tenant_id AND file_sha256 = :sha256 AND entity_type = :entity_type
       AND parent_import_id IS NULL AND undoes_import_id IS NULL
       AND (CAST(:own AS uuid) IS NULL OR id <> :own)
       AND (completed_at IS NULL AND status = '{ImportStatus.IMPORTING}'
            OR completed_at IS NOT NULL AND created_rows + updated_rows > 0
               AND NOT EXISTS (SELECT FROM imports.imports undo
                                WHERE undo.undoes_import_id = i.id AND undo.status = '{ImportStatus.COMPLETED}'))
     ORDER BY completed_at DESC NULLS LAST, id LIMIT 1
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class ImportedBefore:
    """The import by which the bytes of a file came before: who sent it, when it began and ended, how much of it is there.

    `rows` were written and not taken back since. `ended_at` is None when it is importing now.
    """

    id: UUID
    user_id: str
    file_name: str
    started_at: datetime | None
    ended_at: datetime | None
    rows: int

    def refusal(self, file_name: str, *, option: str) -> str:
        """What the sender is told who sends the file again; `option` is how to say that it is meant."""
        if self.ended_at is None:
            what = f"is being imported now, as import {self.id}, since {_moment(self.started_at)}"
        else:
            rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
            what = f"was imported before, as import {self.id}, which ended at {_moment(self.ended_at)} with {rows} in production"
        called = "" if self.file_name == file_name else f' as "{self.file_name}"'
        return (
            f'"{file_name}" {what}; {self.user_id} sent it{called}. Nothing was imported again. If that is what you want, '
            f"send it with {option}"
        )


async def imported_before(
    conn: AsyncConnection, *, tenant_id: str, entity_type: str, sha256: str, own: UUID | None = None
) -> ImportedBefore | None:
    """The import other than `own` by which a file of these bytes came before; None when there is none.

    Until the transaction ends nobody else learns the answer for these bytes.
    """
    scope = {"tenant_id": tenant_id, "sha256": sha256.lower()}
    await conn.execute(_LOCK, scope)
    found = (await conn.execute(_BEFORE, {**scope, "entity_type": entity_type, "own": own})).one_or_none()
    if found is None:
        return None
    return ImportedBefore(
        found.id, found.user_id, found.file_name, found.started_at, ended_at=found.completed_at, rows=int(found.rows)
    )


async def of_key(conn: AsyncConnection, tenant_id: str, key: str) -> RowMapping | None:
    """The import of the tenant that has this idempotency key."""
    return (await conn.execute(_KNOWN, {"tenant_id": tenant_id, "key": key})).mappings().one_or_none()


def differences(known: Mapping[str, Any] | RowMapping, event: FileUploaded, *, same_object: bool = True) -> list[str]:
    """How an event that is taken for a repeat of a registered import says something else, a clause for each.

    `known` are columns of its row, by name. What an event leaves out it does not contradict, but for its options: those it
    leaves out are the usual ones. Of a correction file both count, what was asked for and what was made of it. Without
    `same_object` the file may lie under another key and the import have another id: it is the bytes that are the same.
    """
    asked = known["asked"] or {}
    claims: dict[str, tuple[object, object]] = {
        "idempotency_key": (identity.given(known["idempotency_key"]), event.idempotency_key),
        "file_name": (known["file_name"], event.file_name),
        "entity_type": (known["entity_type"], event.entity_type),
        "mode": (event.mode if event.mode == asked.get("mode") else known["mode"], event.mode),
        "user_id": (known["user_id"], event.user_id),
        "parent_import_id": (known["parent_import_id"], event.parent_import_id),
    }
    if same_object:
        claims = {
            "import_id": (known["id"], event.import_id),
            "object_key": (known["object_key"], event.object_key),
            **claims,
        }
    differing = _content(known, event) + [
        f'{name} "{there}" (this one says "{said}")'
        for name, (there, said) in claims.items()
        if there is not None and said is not None and there != said
    ]
    if "options" in asked and event.options == FileOptions(**asked["options"]):
        return differing
    registered = FileOptions(**known["options"])
    return differing + [
        f'options.{name} "{_shown(there)}" (this one says "{_shown(said)}")'
        for name in FileOptions.model_fields
        if (there := getattr(registered, name)) != (said := getattr(event.options, name))
    ]


def _content(known: Mapping[str, Any] | RowMapping, event: FileUploaded) -> list[str]:
    """Whether it is another file that is sent: sizes mean something to a person, checksums do not."""
    there, said = known["file_size"], event.file_size
    if there is not None and said is not None and there != said:
        return [f"another content (of {there:,} bytes, where this file has {said:,})"]
    checksums = {_lower(known["file_sha256"]), _lower(event.file_sha256)} - {None}
    return ["another content (of the same size)"] if len(checksums) > 1 else []


def _shown(said: object) -> object:
    return "" if said is None else said


def _lower(text_: str | None) -> str | None:
    return text_ and text_.lower()


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
