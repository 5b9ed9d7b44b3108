"""Where a person is on the guided path: back, on, and from the beginning."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.gateway.imports.guided.formats import without_choices
from services.gateway.imports.guided.found import find
from services.gateway.imports.transactions import acting
from services.gateway.people import Person
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from shared.intake.mapping import forget_mapping
from shared.states import GuidedStep

_GO = text("UPDATE imports.imports SET guided_step = :step, updated_at = clock_timestamp() WHERE id = :id")


async def go_to(ways: Gateway, person: Person, import_id: UUID, step: GuidedStep) -> None:
    """Go to a step: back to any, on where its columns are mapped.

    Raises:
        Refused: there is no such import, or it is not that far.
    """
    async with acting(ways, person) as conn:
        found = await find(conn, import_id, locked=True)
        if step is not GuidedStep.MAP:
            if not found.is_mapped:
                raise Refused("conflict", "Say what its columns mean first.")
            if found.error is not None:
                raise Refused("conflict", f"{_said(found.error)} Map its columns otherwise first.")
        await conn.execute(_GO, {"id": import_id, "step": step})


async def start_over(ways: Gateway, person: Person, import_id: UUID) -> None:
    """Begin again with the columns: what was mapped, replaced and chosen is forgotten; the file is not read again.

    Raises:
        Refused: there is no such import, or it is started or has ended.
    """
    async with acting(ways, person) as conn:
        found = await find(conn, import_id, locked=True)
        await forget_mapping(conn, import_id, layout=without_choices(found.layout))


def _said(error: Mapping[str, Any]) -> str:
    message = str(error.get("message", "")).rstrip(". ")
    return f"{message}."
