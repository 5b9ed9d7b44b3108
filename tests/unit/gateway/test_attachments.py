"""Names of files that are handed out: whatever they say, they are one name of one file."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.imports.files import disposition, headers_of


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("autumn-corrections.xlsx", 'attachment; filename="autumn-corrections.xlsx"'),
        ("Frühjahr.csv", "attachment; filename=\"Fr_hjahr.csv\"; filename*=UTF-8''Fr%C3%BChjahr.csv"),
        (
            'a"; filename=evil.exe; x=".csv',
            "attachment; filename=\"a__ filename_evil.exe_ x__.csv\"; filename*=UTF-8''a_%3B%20filename%3Devil.exe%3B%20x%3D_.csv",
        ),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("a\r\nSet-Cookie: b", 'attachment; filename="a__Set-Cookie_ b"'),
        ("", 'attachment; filename="file"'),
        ("...", 'attachment; filename="file"'),
    ],
)
def test_a_name_is_said_so_that_nothing_else_is_read_in_it(name: str, said: str) -> None:
    assert disposition(name) == said


@given(st.text(st.characters(codec="utf-8")))
def test_whatever_a_file_is_called_the_header_is_one_line_of_ascii(name: str) -> None:
    said = disposition(name)
    found = re.fullmatch(r"attachment; filename=\"([\x20-\x7e]+)\"(?:; filename\*=UTF-8''([A-Za-z0-9%._~-]+))?", said)
    assert found is not None
    assert not set(found[1]) & set('"\\/;')
    assert "/" not in unquote(found[2] or "")


def test_what_is_handed_out_is_saved_and_kept_by_nobody_in_between() -> None:
    said = headers_of("a.csv", 5)
    assert said["Content-Type"] == "text/csv; charset=utf-8"
    assert said["Cache-Control"] == "private, no-store"
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["Content-Length"] == "5"
    assert headers_of("a.exe")["Content-Type"] == "application/octet-stream"
