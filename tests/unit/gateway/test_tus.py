"""The words of the tus protocol."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.problems import Refused
from services.gateway.uploads import tus
from services.gateway.uploads.forms import said_name


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_metadata_is_said_by_key() -> None:
    said = f"filename {encoded('Bestände.csv')},filetype {encoded('text/csv')}, is_final"
    assert tus.metadata(said) == {"filename": "Bestände.csv", "filetype": "text/csv", "is_final": ""}
    assert tus.file_name(tus.metadata(said)) == "Bestände.csv"
    assert tus.file_name(tus.metadata(f"name {encoded('a.csv')}")) == "a.csv"
    assert tus.metadata(None) == tus.metadata("") == {}


@given(st.text())
def test_whatever_metadata_says_it_is_read_or_refused(said: str) -> None:
    try:
        found = tus.metadata(said)
    except Refused as refused:
        assert refused.kind.status == 400
    else:
        assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize("said", [None, "", "-1", "+1", "1.0", "1e3", "٣", "9" * 19, " 1", "0x10"])
def test_a_number_that_is_none_is_refused(said: str | None) -> None:
    with pytest.raises(Refused):
        tus.number("Upload-Offset", said)


def test_another_version_is_refused_with_ours() -> None:
    tus.check_version("1.0.0")
    for said in (None, "", "0.2.2", "1.0.1"):
        with pytest.raises(Refused) as refused:
            tus.check_version(said)
        assert refused.value.kind.status == 412
        assert refused.value.headers["Tus-Version"] == "1.0.0"


@given(st.text())
def test_whatever_a_disposition_says_it_is_a_name_or_none(said: str) -> None:
    assert isinstance(said_name(said.replace("\r", "").replace("\n", "")), str)


@pytest.mark.parametrize(
    "said",
    [
        "attachment; filename*=undefined''a.csv",
        "attachment; filename*=idna''%ff.csv",
        f"attachment; filename*{'9' * 5000}=a.csv",
    ],
    ids=lambda said: said[:40],
)
def test_a_name_that_nobody_can_decode_is_none(said: str) -> None:
    assert said_name(said) == ""
