"""What cannot be meant is said in words, before anything is asked of a server."""

from pathlib import Path

import pytest

from services.cli import exits
from services.cli.__main__ import run
from services.cli.terminal.file_options import file_options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mode", "merge"], '--mode "merge" is not known; choose create, enrich, upsert'),
        (["--mode", "undo"], '--mode "undo" is not known; choose create, enrich, upsert'),
        (["--blanks", "clear"], "--blanks clear has no meaning in mode create, only in enrich and upsert"),
        (["--existing", "skip", "--mode", "upsert"], "--existing skip has no meaning in mode upsert, only in create"),
        (["--existing", "maybe"], "--existing: "),
        (["--delimiter", "xx"], "type comma, semicolon, pipe or tab"),
        (["--entity", "cars"], '--entity "cars" is not known; choose products'),
        (["--parent", "12"], '"12" is not the id of an import'),
    ],
)
def test_an_import_that_cannot_be_meant_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Product Title")
    assert run(["import", str(file), "--tenant", "acme", *arguments]) == exits.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["watch", "status", "errors", "corrections"])
def test_what_is_no_id_is_said_to_be_none(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "4711"]) == exits.USAGE
    said = capsys.readouterr().err
    assert '"4711" is not the id of an import' in said
    assert "winnow status" in said


def test_a_topic_nobody_knows_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dead-letters", "list", "--topic", "rows"]) == exits.USAGE
    assert "choose file-uploaded, rows-staged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("named", "meant"), [("comma", ","), (";", ";"), ("pipe", "|"), ("tab", "\t"), ("\\t", "\t"), (None, None)]
)
def test_a_delimiter_can_be_named_or_typed(named: str | None, meant: str | None) -> None:
    assert file_options(None, named, None).delimiter == meant


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == exits.COMPLETED
    assert capsys.readouterr().out.startswith("winnow ")


def test_the_decimal_sign_and_the_row_of_headings_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meant = file_options(None, None, None, decimal="comma", heading_row=3)
    assert (meant.decimal, meant.heading_row) == ("comma", 3)
    file = tmp_path / "a.csv"
    file.write_text("Product Title")
    assert run(["import", str(file), "--tenant", "acme", "--decimal", "dot"]) == exits.USAGE
    assert "--decimal" in capsys.readouterr().err
    assert run(["import", str(file), "--tenant", "acme", "--heading-row", "0"]) == exits.USAGE
    assert "--heading-row" in capsys.readouterr().err
