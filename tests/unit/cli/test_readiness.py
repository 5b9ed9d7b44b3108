"""What is wrong with the services is said in a line each, with the way out."""

import io
import itertools
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from deploy.local.stack import SILENT, Stack
from services.cli.local.readiness import problems
from services.cli.terminal.progress import Standstill
from tests.harness.wire import an_import

SPENT = "stopped: 20 events in a row went to dead-letter; nothing more is taken from rows-staged by this process"


class Told(Stack):
    """A stack whose services say what a test makes them say."""

    def __init__(self, home: Path, said: Mapping[str, str], *, ready: int = 0) -> None:
        super().__init__(home, {})
        self.said = said
        self.state.services = {name: {"port": 1} for name in (*said, *(f"ready-{n}" for n in range(ready)))}

    def not_ready(self) -> Mapping[str, str]:
        return self.said


async def test_nothing_is_said_of_services_that_are_ready(tmp_path: Path) -> None:
    assert await problems(Told(tmp_path, {}, ready=5)) == []


async def test_a_stage_that_has_stopped_itself_is_named_with_its_reason_and_what_starts_it_again(
    tmp_path: Path,
) -> None:
    (line,) = await problems(Told(tmp_path, {"validator-0": SPENT}))
    assert line.startswith("validator-0 has stopped itself: 20 events in a row went to dead-letter.")
    assert "winnow dead-letters list" in line
    assert line.endswith("winnow up")


async def test_a_service_that_waits_for_something_is_named(tmp_path: Path) -> None:
    said = {"committer-1": "ConnectionError: no route to the database", "parser-0": SILENT}
    assert await problems(Told(tmp_path, said, ready=1)) == [
        "committer-1 is not ready: ConnectionError: no route to the database",
        "parser-0 is not ready: it does not answer",
    ]


async def test_services_that_do_not_run_at_all_are_one_line(tmp_path: Path) -> None:
    for said in ({}, dict.fromkeys(("parser-0", "validator-0"), SILENT)):
        (line,) = await problems(Told(tmp_path, said))
        assert line.startswith("The services do not run here")


async def test_whoever_waits_is_told_once_per_change(tmp_path: Path) -> None:
    shown = io.StringIO()
    stack = Told(tmp_path, {"validator-0": SPENT}, ready=1)
    still = Standstill(lambda: problems(stack), Console(file=shown, soft_wrap=True), after=0, every=0)
    for _ in range(3):
        await still.look(None)
    stack.said = {}
    for _ in range(3):
        await still.look(None)
    first, last = shown.getvalue().splitlines()
    assert first.startswith("validator-0 has stopped itself")
    assert last == "All services are ready again."


async def test_while_something_moves_nobody_is_asked(tmp_path: Path) -> None:
    shown = io.StringIO()
    stack = Told(tmp_path, {"validator-0": SPENT})
    still = Standstill(lambda: problems(stack), Console(file=shown), after=60, every=0)
    await still.look(None)
    assert shown.getvalue() == ""


async def test_an_import_of_which_only_the_silence_grows_stands_still(tmp_path: Path) -> None:
    shown = io.StringIO()
    stack = Told(tmp_path, {"validator-0": SPENT}, ready=1)
    still = Standstill(lambda: problems(stack), Console(file=shown, soft_wrap=True), after=0.05, every=0)
    for seconds in itertools.count():
        await still.look(an_import("importing", completed_at=None, version=str(seconds), quiet_seconds=seconds))
        if shown.getvalue():
            break
    assert shown.getvalue().startswith("validator-0 has stopped itself")
