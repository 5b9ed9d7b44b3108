import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.parser.reading.limits import Limits
from tests.harness.hostile_workbooks import MAKERS

_MOST_OF_THE_PARENT = 64 * 1024 * 1024
_DEATHS = ("reader_died", "reader_killed", "reader_too_slow")


@pytest.mark.parametrize("name", MAKERS)
def test_a_workbook_made_to_cost_costs_its_reader_its_share_and_the_parser_little(tmp_path: Path, name: str) -> None:
    path = MAKERS[name](tmp_path / "file.xlsx")
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.reading_costs", str(path)], capture_output=True, text=True, check=True
    )
    cost = json.loads(done.stdout)
    size, child, parent = (figure / 1_000_000 for figure in (path.stat().st_size, cost["child"], cost["parent"]))
    print(  # noqa: T201 - what it cost is what one runs this for
        f"{name}: {size:.2f} MB, {cost['seconds']} s, reader {child:.0f} MB, parser +{parent:.0f} MB, {cost['ended'][:100]}"
    )
    assert not cost["ended"].startswith(_DEATHS)
    assert cost["parent"] < _MOST_OF_THE_PARENT
    assert cost["child"] < Limits().address_space
