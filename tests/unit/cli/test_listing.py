"""Previews, rows and their changes in a terminal."""

import io
from uuid import UUID

import pytest
from rich.console import Console

from services.cli import exits
from services.cli.__main__ import run
from services.cli.commands.history import known_statuses
from services.cli.terminal.display import spoken
from services.cli.terminal.listing import said, show_preview, show_rows
from shared.api.results import Outcomes, Preview
from shared.api.rows import Change, Row, RowError, RowPage
from shared.states import ImportStatus

NOBODY = UUID(int=1)
CHANGE = Change(
    row=7,
    record="variant",
    record_id=NOBODY,
    before={"weight_g": "230", "tags": []},
    after={"weight_g": "250", "tags": [{"name": "[red]"}]},
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        ([], "nothing"),
        ("230", "230"),
        (6.55, "6.55"),
        (["a", "b"], "a; b"),
        ([{"name": "Linen", "percentage": "60.00"}, {"name": "Cotton", "percentage": None}], "Linen 60.00; Cotton"),
        ({"raw_material": ["Mill", "Farm"], "weaving": []}, "raw material: Mill; Farm; weaving: nothing"),
        ({"carbon_kg": "1.5", "water_l": None}, "carbon kg: 1.5; water l: nothing"),
    ],
)
def test_a_value_of_a_change_is_said_in_words(value: object, words: str) -> None:
    assert said(value) == words


def shown(show: object) -> str:
    console = Console(file=io.StringIO(), width=200, soft_wrap=True, highlight=False)
    assert callable(show)
    show(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def preview(changes: list[Change], *, is_read: bool = True) -> Preview:
    return Preview(
        status=ImportStatus.PREVIEWING,
        ready=False,
        is_read=is_read,
        total_rows=12,
        undecided=1,
        unprocessed=1,
        rows=Outcomes(create=4, update=3, skip=2, fail=1),
        groups=Outcomes(create=1, update=2, skip=3, fail=4),
        changes=tuple(changes),
    )


def test_a_preview_adds_up_and_shows_what_changes_before_and_after() -> None:
    text = shown(lambda console: show_preview(console, "products", preview([CHANGE])))
    assert (
        "12 rows = 4 to create + 3 to update + 2 unchanged + 1 to hand back + 1 not validated yet + 1 not processed"
        in text
    )
    assert "products: 1 new, 2 changed, 3 unchanged, 4 handed back" in text
    assert "row 7 · variant: Grams Weight: 230 → 250 · Tags: nothing → [red]" in text
    assert "--changes N" in text
    assert "12 rows so far" in shown(lambda console: show_preview(console, "products", preview([], is_read=False)))


def row(number: int, group: int, status: str, outcome: str, cells: tuple[str, ...], **said: object) -> Row:
    return Row.model_validate(
        {
            "row": number,
            "group_row": group,
            "status": status,
            "outcome": outcome,
            "cells": cells,
            "errors": (),
            "changes": (),
            **said,
        }
    )


def test_a_row_is_shown_with_what_it_says_and_why_it_failed() -> None:
    error = RowError(row=4, heading="Grams Weight", code="invalid_number", message='"heavy" is not a number')
    page = RowPage(
        headings=("Product Title", "Grams Weight", "SKU"),
        items=(
            row(4, 4, "failed", "fail", ("Shirt", "heavy", "", "[bold]"), errors=(error,)),
            row(5, 4, "failed", "fail", ("", "", "S-2")),
            row(7, 7, "pending", "update", ("", "250", "S-3"), changes=(CHANGE,)),
        ),
        next=None,
        expired=False,
    )
    assert shown(lambda console: show_rows(console, "products", page)).splitlines() == [
        "row 4 · failed · fail",
        "  Product Title: Shirt · Grams Weight: heavy · No heading: [bold]",
        '  Grams Weight: "heavy" is not a number',
        "row 5 · failed · fail",
        "  SKU: S-2",
        "  with the rows from row 4 on, which stand or fall together",
        "row 7 · pending · update",
        "  Grams Weight: 250 · SKU: S-3",
        "  variant: Grams Weight: 230 → 250 · Tags: nothing → [red]",
    ]


@pytest.mark.parametrize("status", ImportStatus)
def test_a_status_is_asked_for_by_its_name_or_as_it_is_shown(status: ImportStatus) -> None:
    assert known_statuses([str(status), spoken(status)]) == [status, status]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["rows", "0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2", "--status", "done"],
            "choose pending, committed, failed, unprocessed",
        ),
        (["imports", "--status", "done"], "choose uploading"),
        (["imports", "--mode", "undoo"], "choose create, enrich, upsert, undo"),
        (["imports", "--entity", "cars"], "choose products"),
        (["catalogue", "colours", "--tenant", "acme"], "choose manufacturers, seasons"),
        (["catalogue", "seasons", "--tenant", "../acme"], "cannot be a tenant"),
        (["catalogue", "seasons", "--tenant", "acme", "--attribute", "Size"], "goes with attributes only"),
        (["preview", "4711"], "is not the id of an import"),
    ],
)
def test_what_cannot_be_listed_is_said_in_words(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(arguments) == exits.USAGE
    assert words in capsys.readouterr().err
