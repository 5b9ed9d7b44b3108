import pytest

from services.cli import exits
from services.cli.__main__ import run


@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", 0), ("completed_with_failures", 2), ("failed", 1), ("cancelled", 1), ("importing", 1)],
)
def test_exit_codes_say_how_an_import_ended(status: str, code: int) -> None:
    assert exits.of_status(status) == code


@pytest.mark.parametrize("arguments", [["--help"], ["import", "--help"], ["dead-letters", "redrive", "--help"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["import"], ["status", "--limit", "0"]])
def test_what_is_not_understood_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == exits.USAGE
