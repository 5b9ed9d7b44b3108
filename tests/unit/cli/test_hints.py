"""A hint is what one has to type, from where one is."""

from pathlib import Path

import pytest

from services.cli.terminal.hints import program_from, typed

INSTALLED = Path("/checkout/winnow/.venv/bin/winnow")
HERE = Path("/checkout/winnow")


@pytest.mark.parametrize(
    ("started_as", "on_path", "here", "called"),
    [
        (".venv/bin/winnow", None, HERE, ".venv/bin/winnow"),
        (str(INSTALLED), None, HERE, ".venv/bin/winnow"),
        (str(INSTALLED), None, Path("/elsewhere"), str(INSTALLED)),
        ("../winnow/.venv/bin/winnow", None, Path("/checkout/other"), "../winnow/.venv/bin/winnow"),
        (str(INSTALLED), str(INSTALLED), HERE, "winnow"),
        (str(INSTALLED), "/usr/bin/winnow", HERE, ".venv/bin/winnow"),
        ("/checkout/winnow/services/cli/__main__.py", None, HERE, ".venv/bin/winnow"),
    ],
)
def test_the_command_is_called_as_it_can_be_typed_here(
    started_as: str, on_path: str | None, here: Path, called: str
) -> None:
    assert program_from(started_as, INSTALLED, on_path, here) == called


def test_what_a_shell_would_take_apart_is_quoted() -> None:
    assert typed("import", "autumn 2026.xlsx", "--watch").endswith("winnow import 'autumn 2026.xlsx' --watch")
