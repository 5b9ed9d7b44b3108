"""A terminal that knows ASCII only is written to all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.terminal.encoding import like


def test_what_an_encoding_lacks_is_replaced_by_something_like_it() -> None:
    with pytest.raises(UnicodeEncodeError) as failed:
        "a … – × é".encode("ascii")
    error = failed.value
    shown, end = like(UnicodeEncodeError("ascii", error.object, 2, len(error.object), "no"))
    assert end == len(error.object)
    assert shown == "...?-?x??"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_name_outside_ascii_is_no_traceback(tmp_path: Path, as_json: bool) -> None:
    code = (
        "import sys\nfrom services.cli.__main__ import main\n"
        f"sys.argv = ['winnow', 'template', '-o', {str(tmp_path / 'Frühling.xlsx')!r}"
        f"{', ' + repr('--json') if as_json else ''}]\nmain()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.isascii()
    assert (b"Fr\\u00fchling" if as_json else b"Fr?hling") in ran.stdout
