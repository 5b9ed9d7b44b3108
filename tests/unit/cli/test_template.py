"""The template is the declaration, laid out as the parser looks for it."""

from pathlib import Path

import openpyxl
import pytest

from services.cli import exits
from services.cli.__main__ import run
from services.parser.mapping.layout import find_layout
from shared.entities import ENTITY_TYPES, EntityType
from shared.intake.template import write_template


def rows(path: Path, sheet: str) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


@pytest.mark.parametrize("entity", ENTITY_TYPES.values(), ids=str)
def test_it_has_group_titles_headings_and_the_example(tmp_path: Path, entity: EntityType) -> None:
    write_template(tmp_path / "a.xlsx", entity)
    titles, headings, example = rows(tmp_path / "a.xlsx", entity.sheet)
    assert tuple(title for title in titles if title) == entity.sections
    assert headings == entity.headings
    assert example == entity.example


@pytest.mark.parametrize("entity", ENTITY_TYPES.values(), ids=str)
def test_the_parser_reads_it_and_leaves_the_example_out(tmp_path: Path, entity: EntityType) -> None:
    write_template(tmp_path / "a.xlsx", entity)
    cells = [[cell or None for cell in row] for row in rows(tmp_path / "a.xlsx", entity.sheet)]
    found = find_layout(entity, entity.modes[0], cells, "a.xlsx")  # type: ignore[arg-type]
    assert found.heading_row == 2
    assert list(found.examples) == [3]


def test_a_file_that_is_there_is_kept_unless_it_is_said_to_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "products.xlsx"
    target.write_text("mine")
    assert run(["template", "-o", str(target)]) == exits.USAGE
    assert "--force" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert run(["template", "-o", str(target), "--force"]) == exits.COMPLETED
    assert "winnow import" in capsys.readouterr().out
    assert rows(target, "Products")


@pytest.mark.parametrize("output", ["products.csv", "nowhere/products.xlsx"])
def test_it_is_a_workbook_in_a_folder_that_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    assert run(["template", "-o", str(tmp_path / output)]) == exits.USAGE
    assert "Traceback" not in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_entity_type_nobody_knows_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["template", "--entity", "cars"]) == exits.USAGE
    assert "choose products" in capsys.readouterr().err
