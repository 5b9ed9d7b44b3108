"""Whoever gets a reason can look it up: every code that the services can give is declared."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from services.parser.refusals import CONTRADICTION, INVALID_EVENT, OBJECT_MISSING, OBJECT_UNREADABLE, UNKNOWN_PARENT
from shared.entities import MODES, PRODUCTS
from shared.entities.reasons import FILE_REASONS, ROW_REASONS
from shared.ledger.hold import ABANDONED
from shared.ledger.quarantine import EXPORT_FAILED
from shared.ledger.repeats import IMPORTED_BEFORE
from shared.ledger.standstill import STANDSTILL

_PROJECT = Path(__file__).parents[3]
_CODE_AT = {"CellError": 0, "RowError": 4, "HeadingsRefused": 0, "FileRefused": 0, "ReaderKilled": 0}
# What stands there when an error is handed on, or named by a constant that is declared beside.
_CONSTANTS = {"OBJECT_MISSING": "object_missing", "UNIDENTIFIED": "unidentified_row"}


def given() -> Iterator[tuple[str, str]]:
    """(code, where) of every error that is made with a code written down; a field in a code is `*`."""
    for path in [*(_PROJECT / "services").rglob("*.py"), *(_PROJECT / "shared").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CODE_AT:
                place = _CODE_AT[node.func.id]
                where = f"{path.relative_to(_PROJECT)}:{node.lineno}"
                if len(node.args) > place:
                    yield from ((code, where) for code in codes(node.args[place]))


def codes(said: ast.expr) -> Iterator[str]:
    if isinstance(said, ast.Constant):
        yield str(said.value)
    elif isinstance(said, ast.Name) and said.id in _CONSTANTS:
        yield _CONSTANTS[said.id]
    elif isinstance(said, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in said.values)
    elif isinstance(said, ast.IfExp):
        yield from (*codes(said.body), *codes(said.orelse))


def test_every_code_that_can_be_given_is_declared() -> None:
    declared = {reason.code for reason in (*ROW_REASONS, *FILE_REASONS)}
    found = set(given())
    assert len(found) > 40, "the look at the code finds what is made there"
    missing = sorted(f"{code} ({where})" for code, where in found if code not in declared)
    assert not missing, f"declare in shared/entities/reasons.py: {', '.join(missing)}"


def test_every_code_of_an_import_that_was_given_up_or_refused_is_declared() -> None:
    given_up = {ABANDONED, EXPORT_FAILED, STANDSTILL, "internal"}
    refused = {CONTRADICTION, IMPORTED_BEFORE, INVALID_EVENT, OBJECT_MISSING, OBJECT_UNREADABLE, UNKNOWN_PARENT}
    assert given_up | refused <= {reason.code for reason in (*ROW_REASONS, *FILE_REASONS)}


def test_every_code_is_declared_once_with_what_to_do() -> None:
    declared = [*ROW_REASONS, *FILE_REASONS]
    assert len({reason.code for reason in declared}) == len(declared)
    assert all(all(reason) for reason in declared)


def test_no_reason_names_a_mode_that_does_not_work() -> None:
    said = " ".join(f"{reason.title} {reason.example} {reason.to_do}" for reason in (*ROW_REASONS, *FILE_REASONS))
    named = set(MODES) & set(re.findall(r"\w+", said))
    assert named <= set(PRODUCTS.modes)
