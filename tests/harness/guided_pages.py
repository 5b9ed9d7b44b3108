"""A people file on the guided path as the API tells of it, made up: for tests of what is shown of it."""

from typing import Any

from shared.api.guided import (
    ColumnFormat,
    Columns,
    ColumnValue,
    ColumnValuePage,
    FieldChoice,
    FormatChoice,
    Guided,
    GuidedColumn,
    SavedMapping,
    ValueCounts,
    ValueProblem,
)
from shared.api.imports import Import, ReadAs
from shared.entities.crm import PEOPLE
from shared.states import GuidedStep, ImportStatus, Standing
from tests.harness.seen import AT, an_import

DATES = (
    FormatChoice(name="european", title="Day first", example="31/12/2026"),
    FormatChoice(name="american", title="Month first", example="12/31/2026"),
    FormatChoice(name="iso", title="ISO", example="2026-12-31"),
)
PROVED = ColumnFormat(
    name="european", is_decided=True, is_chosen=False, proof="Row 41 has day 27, so it is day first", choices=DATES
)
UNDECIDED = ColumnFormat(name=None, is_decided=False, is_chosen=False, proof="All days are 12 or less", choices=DATES)


def guided_import(step: GuidedStep = GuidedStep.MAP, **said: Any) -> Import:
    """People from another CRM, held at a step."""
    fields: dict[str, Any] = {
        "file_name": "people-from-hubspot.csv",
        "file_size": 200_000,
        "entity_type": "people",
        "mode": "upsert",
        "status": ImportStatus.PREVIEWING,
        "standing": Standing.WAITING,
        "ended": False,
        "is_final": False,
        "hold": True,
        "completed_at": None,
        "total_rows": 1_204,
        "created_rows": 0,
        "failed_rows": 0,
        "unprocessed_rows": 1_204,
        "open_rows": 0,
        "committed_rows": 0,
        "validated_rows": 1_204,
        "staged_rows": 1_204,
        "summary": {},
        "actions": ("start", "cancel"),
        "read_as": ReadAs(sheet=None, heading_row=1, encoding="utf-8", delimiter=";", columns=8, guesses=0),
        "guided": Guided(step=step, is_read=True, undecided_rows=0),
    }
    return an_import(**{**fields, **said})


def field_choices() -> tuple[FieldChoice, ...]:
    """The fields of people."""
    return tuple(
        FieldChoice(
            code=field.code,
            heading=field.heading,
            section=field.section,
            kind=field.kind,
            about=field.about,
            required=field.required,
            is_match=field.code in PEOPLE.matches,
            multi=field.multi,
            target=field.target,
            found_by=field.found_by,
        )
        for field in PEOPLE.fields
    )


def column(
    index: int, heading: str, samples: tuple[str, ...], field: str | None, why: str, **said: Any
) -> GuidedColumn:
    """A column with what it is taken for."""
    fields: dict[str, Any] = {
        "index": index,
        "letter": "ABCDEFGH"[index],
        "heading": heading,
        "samples": samples,
        "field": field,
        "field_heading": None if field is None else PEOPLE.by_code[field].heading,
        "how": None if field is None else "heading",
        "why": why,
        "inferred": None,
        "fits": None,
        "format": None,
        "errors": 0,
        "replacements": 0,
        "lacking": 0,
    }
    return GuidedColumn(**{**fields, **said})


def columns(**said: Any) -> Columns:
    """Eight columns, seven of which found their field."""
    fields: dict[str, Any] = {
        "step": GuidedStep.MAP,
        "epoch": 1,
        "entity_type": "people",
        "mode": "upsert",
        "rows": 1_204,
        "columns": (
            column(
                0, "Contact name", ("Ada Byron", "Grace Hopper", "José Álvarez"), "name", "Same meaning as the heading"
            ),
            column(1, "E-mail", ("ada@engine.org", "grace@navy.mil"), "emails", "100% are e-mail addresses", errors=6),
            column(
                2, "Mobile", ("+45 20 12 34 56", "0045 31 22 …"), "phone_number", "96% are phone numbers", errors=31
            ),
            column(3, "Employer", ("Analytical Engines", "engine.org"), "company", "Names and domains"),
            column(4, "Title", ("Countess", "Rear admiral"), "job_title", "Same meaning as the heading"),
            column(5, "Profile", ("linkedin.com/in/ada",), "linkedin", "98% are web addresses", errors=2),
            column(6, "Id", ("01ARZ3NDEKTSV4RRFFQ69G5FAV",), "id", "Same meaning as the heading"),
            column(7, "Internal note", ("called twice", "see Jonas"), None, "No field fits"),
        ),
        "fields": field_choices(),
        "saved": (),
        "problems": (),
        "match_missing": False,
        "is_confirmed": False,
    }
    return Columns(**{**fields, **said})


def saved_mapping() -> SavedMapping:
    """One that was saved for the same headings."""
    return SavedMapping(name="people.csv", fields={"name": 0, "emails": 1}, formats={}, saved_at=AT)


def value(said: str, rows: int, problem: str | None = None, **more: Any) -> ColumnValue:
    """A value, with what is wrong with it."""
    fields: dict[str, Any] = {
        "value": said,
        "rows": rows,
        "first_row": 2,
        "problem": None if problem is None else ValueProblem(code="invalid_email", message=problem),
        "replacement": None,
        "skipped": False,
        "pending": False,
    }
    return ColumnValue(**{**fields, **more})


def values(*items: ColumnValue, **said: Any) -> ColumnValuePage:
    """The values of the column of e-mail addresses."""
    fields: dict[str, Any] = {
        "items": items,
        "next": None,
        "index": 1,
        "heading": "E-mail",
        "field": "emails",
        "kind": "email",
        "counts": ValueCounts(all=1_187, needs_review=6, modified=3, skipped=1),
        "filled_rows": 1_204,
        "blank_rows": 0,
        "undecided_rows": 0,
        "format": None,
        "choices": (),
    }
    return ColumnValuePage(**{**fields, **said})
