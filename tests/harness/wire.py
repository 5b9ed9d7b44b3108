"""Answers of the API, as a test needs them: nothing in them but what is said."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from shared.api.imports import HandedBack, Import, Links, Stage, StageName

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = UUID("0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2")
_STAGES: tuple[StageName, ...] = ("read", "checked", "imported", "handed_back")


def stages(**said: Any) -> tuple[Stage, ...]:
    """The four stages, done with nothing; the last one as it is said."""
    last = {"state": "done", "rows": 0, "waiting": 0, "rows_per_second": None, "seconds": None, **said}
    return tuple(Stage(name=name, **(last if name == "handed_back" else {**last, "state": "done"})) for name in _STAGES)


def file(kind: str, rows: int) -> HandedBack:
    """A file that can be fetched."""
    return HandedBack.model_validate(
        {
            "kind": kind,
            "file_name": f"autumn-{kind}.xlsx",
            "rows": rows,
            "size": None,
            "href": f"/v1/imports/{ID}/{kind}",
        }
    )


def an_import(status: str = "completed", **known: Any) -> Import:
    """An import that has ended, with nothing in it but what is said."""
    return Import.model_validate(
        {
            **_blank(Import),
            "id": ID,
            "status": status,
            "standing": "completed",
            "ended": known.get("completed_at", BEGAN) is not None,
            "file_name": "autumn.xlsx",
            "entity_type": "products",
            "mode": "create",
            "user_id": "ana",
            "started_at": BEGAN,
            "completed_at": BEGAN + timedelta(hours=2),
            "worked_seconds": 2.0,
            "created_at": BEGAN,
            "stages": stages(),
            "is_final": known.get("completed_at", BEGAN) is not None,
            "undo": {"possible": False, "until": None, "why_not": None},
            "links": dict.fromkeys(Links.model_fields, ""),
            **known,
        }
    )


def _blank(model: type[BaseModel]) -> dict[str, Any]:
    """Nothing for each field: no rows, no text, none of several."""
    return {name: _nothing(field.annotation) for name, field in model.model_fields.items()}


def _nothing(kind: Any) -> Any:
    if NoneType in get_args(kind):
        return None
    nothings: dict[Any, Any] = {tuple: (), Mapping: {}, bool: False, int: 0, float: 0}
    return nothings.get(get_origin(kind) or kind, "")
