"""`winnow tenants erase`: nothing is erased by a slip of the hand."""

import io
import sys

import pytest

from services.cli import exits
from services.cli.__main__ import run


class Terminal(io.StringIO):
    """A terminal whose user types this."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_erasing_has_to_be_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("acme\n"))
    assert run(["tenants", "erase", "acme"]) == exits.USAGE
    assert "--yes" in " ".join(capsys.readouterr().err.split())


def test_in_a_terminal_the_tenants_name_has_to_be_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert run(["tenants", "erase", "acme"]) == exits.FAILED
    assert "nothing is erased" in " ".join(capsys.readouterr().err.split())
