"""The command that writes the template: where to, and for what."""

from pathlib import Path

import openpyxl
import pytest

from services.cli import exits
from services.cli.__main__ import run


def rows(path: Path, sheet: str) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


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
    assert run(["template", "cars"]) == run(["template", "--entity", "cars"]) == exits.USAGE
    assert "choose products" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["products"], ["--entity", "products"], []])
def test_the_entity_type_is_named_by_a_word_or_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    target = tmp_path / "mine.xlsx"
    assert run(["template", *arguments, "-o", str(target), "--json"]) == exits.COMPLETED
    assert '"entity": "products"' in capsys.readouterr().out
    assert rows(target, "Products")
