"""Correction files: an import that was handed back to be repaired is imported as its parent was.

Mode, options that say what rows do, and what columns mean are the parent's, whatever the upload says: whoever repairs a file
need not know how it was sent. What was asked for instead is kept (`imports.imports.asked`), and the sender is told.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.parser import repository
from services.parser.refusals import FileRefused
from services.parser.repository import KnownImport
from services.parser.uploads import check_origin
from shared.corrections import decimal_signs
from shared.entities import ENTITY_TYPES
from shared.entities.dates import DateFormat
from shared.entities.decimals import Sign
from shared.events import FileOptions
from shared.states import READING, sql_list
from shared.values import How

_PARENT = text(
    """
    SELECT id, entity_type, mode, options, epoch, headers, column_mappings, layout, own, file_name
      FROM imports.imports WHERE tenant_id = :tenant_id AND id = :id
    """
)
_ADOPT = text(
    f"""
    UPDATE imports.imports
       SET parent_import_id = :parent, mode = :mode, options = CAST(:options AS jsonb),
           asked = coalesce(asked, CAST(:asked AS jsonb)), updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(READING)}) AND parsed_at IS NULL
    """  # noqa: S608 - our own words
)
_OF_ROWS = ("existing", "blanks")
"""Options that say what becomes of rows; the others say how a file is read, or are about one sending of it."""


async def adopt(conn: AsyncConnection, known: KnownImport, parent_id: UUID) -> KnownImport:
    """Bind an import that is being read to its parent; from then on the ledger has the parent's mode and options for it.

    Repeating it changes nothing.

    Raises:
        FileRefused: the tenant has no such import, it is another than the upload said, it is of another entity type, or it
            undoes another import.
    """
    parent = (await conn.execute(_PARENT, {"tenant_id": known.tenant_id, "id": parent_id})).one_or_none()
    check_origin(known, parent_id, is_known=parent is not None and parent.id != known.id)
    assert parent is not None
    if parent.entity_type != known.entity_type:
        raise FileRefused(
            "other_parent",
            f'"{known.file_name}" is the correction file of import {parent_id}, which is of {parent.entity_type}, not of '
            f"{known.entity_type}. Send it as {parent.entity_type}",
        )
    if parent.mode not in ENTITY_TYPES[parent.entity_type].modes:
        raise FileRefused(
            "other_parent",
            f'"{known.file_name}" is meant to correct import {parent_id}, which is of mode "{parent.mode}": in that mode no file '
            f"is imported. Send it without that import as its parent",
        )
    own, inherited = FileOptions(**known.options), FileOptions(**parent.options)
    adopted = own.model_copy(update={name: getattr(inherited, name) for name in _OF_ROWS})
    changed = (known.mode, own) != (parent.mode, adopted)
    if changed or known.parent_import_id is None:
        asked = {"mode": known.mode, "options": dict(known.options)} if changed else None
        values = {"id": known.id, "parent": parent_id, "mode": parent.mode}
        values["options"] = json.dumps(adopted.model_dump(exclude_none=True))
        await conn.execute(_ADOPT, {**values, "asked": None if asked is None else json.dumps(asked)})
    return await repository.find(conn, known.id) or known


async def parent_reading(conn: AsyncConnection, known: KnownImport) -> Mapping[str, Any] | None:
    """How the parent was read, as the reading process is told it; None for an import without one."""
    if known.parent_import_id is None:
        return None
    parent = (await conn.execute(_PARENT, {"tenant_id": known.tenant_id, "id": known.parent_import_id})).one_or_none()
    if parent is None or parent.layout is None:
        return None
    return {"meanings": _meanings(parent), "decimals": _decimals(parent), "dates": _dates(parent)}


def notice_of_parent(known: KnownImport) -> dict[str, Any] | None:
    """What the sender is told of a correction file that is imported otherwise than was asked; None when it is not."""
    if known.asked is None:
        return None
    there, asked = FileOptions(**known.options), FileOptions(**known.asked["options"])
    differing = [] if known.asked["mode"] == known.mode else [f"mode {known.mode}, not {known.asked['mode']}"]
    differing += [
        f"{name}: {is_so}, not {said}"
        for name in _OF_ROWS
        if (is_so := getattr(there, name)) != (said := getattr(asked, name))
    ]
    message = f"This is the correction file of import {known.parent_import_id}, and is imported like that one"
    return {"code": "corrects_import", "message": f"{message}: {'; '.join(differing)}"}


def _meanings(parent: Row[Any]) -> list[tuple[str, str | None]] | None:
    """What a person has let its headings mean; None when nobody has, and they speak for themselves."""
    if parent.epoch == 1:
        return None
    codes = {index: code for code, index in parent.column_mappings.items()}
    return [(heading, codes.get(index)) for index, heading in enumerate(parent.headers)]


def _decimals(parent: Row[Any]) -> str:
    """Its decimal signs, where numbers were not all read with a point: else the file that comes again tells its own."""
    there = parent.layout.get("decimals", {})
    usual = _usual(parent)
    signs = {
        code: usual.of_column(parent.layout, index).sign
        for code, index in parent.column_mappings.items()
        if str(index) in there
    }
    needed = any(sign.decided and (sign.sign is Sign.COMMA or sign.contested) for sign in signs.values())
    return decimal_signs(signs) if needed else ""


def _dates(parent: Row[Any]) -> dict[str, dict[str, Any]]:
    """The form of its dates by field, also where it was only the tenant's habit: that may be another one by now."""
    there = parent.layout.get("dates", {})
    usual = _usual(parent)
    hows = {
        code: usual.of_column(parent.layout, index)
        for code, index in parent.column_mappings.items()
        if str(index) in there
    }
    return {
        code: {"format": str(how.date), "contested": how.date_contested}
        for code, how in hows.items()
        if how.date is not DateFormat.ISO
    }


def _usual(parent: Row[Any]) -> How:
    return How.of_settings((parent.own or {}).get("settings"))
