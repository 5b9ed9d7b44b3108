import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.parser.formats.prescan import prescan
from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused
from tests.harness.files import catalogue, workbook
from tests.unit.parser.formats.archives import (
    BOOK,
    RELATIONS_OF_BOOK,
    SHEET,
    STRINGS,
    STYLES,
    TYPES,
    archive,
    parts,
    row_xml,
    sheet_xml,
    strings_xml,
)

LIMITS = Limits()
DOCUMENT_TYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


def refusal(path: Path, limits: Limits = LIMITS) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        prescan(path, "shirts.xlsx", limits)
    assert '"shirts.xlsx"' in refused.value.message
    return refused.value


def encrypted(path: Path) -> Path:
    """Mark every part of an archive as encrypted, in its local header and in the directory."""
    content = bytearray(path.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags] |= 1
            at = content.find(signature, at + 4)
    path.write_bytes(content)
    return path


def test_an_ordinary_workbook_passes(tmp_path: Path) -> None:
    prescan(workbook(tmp_path / "file", catalogue(20)), "shirts.xlsx", LIMITS)


def test_the_smallest_workbook_passes(tmp_path: Path) -> None:
    prescan(archive(tmp_path / "file", parts()), "shirts.xlsx", LIMITS)


def test_a_workbook_that_is_not_compressed_passes(tmp_path: Path) -> None:
    prescan(archive(tmp_path / "file", parts(), compression=zipfile.ZIP_STORED), "shirts.xlsx", LIMITS)


def test_a_part_that_grows_too_much_when_unpacked_is_refused(tmp_path: Path) -> None:
    bomb = parts(sheet=sheet_xml(row_xml(1, "Product Title") + " " * 3_000_000))
    refused = refusal(archive(tmp_path / "file", bomb))
    assert refused.code == "too_large"
    assert "more than 250-fold" in refused.message
    assert "Split it into several files" in refused.message


def test_a_small_part_may_be_as_repetitive_as_it_likes(tmp_path: Path) -> None:
    prescan(archive(tmp_path / "file", {**parts(), "xl/spaces.xml": " " * 900_000}), "shirts.xlsx", LIMITS)


def test_a_workbook_that_is_too_large_once_unpacked_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "file", catalogue(200))
    refused = refusal(path, replace(LIMITS, inflated_bytes=100_000))
    assert refused.code == "too_large"
    assert "Split it into several files" in refused.message


def test_sizes_the_archive_lies_about_are_found_out(tmp_path: Path) -> None:
    sheet = sheet_xml(row_xml(1, "Product Title") + " " * 3_000_000)
    path = archive(tmp_path / "file", parts(sheet=sheet))
    truth, lie = len(sheet).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    content = path.read_bytes()
    assert content.count(truth) == 2
    path.write_bytes(content.replace(truth, lie))
    assert refusal(path).code == "damaged"


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("xl/model/item.data", b"\0" * 3_000_000),
        ("xl/media/image1.png", b"\x89PNG" * 1_000_000),
        ("docProps/app.xml", DOCUMENT_TYPE.encode()),
        ("customXml/item1.xml", b"<![CDATA[x]]>"),
        ("xl/metadata", b"{}"),
    ],
)
def test_a_part_that_is_not_read_is_no_reason_to_refuse(tmp_path: Path, part: str, content: bytes) -> None:
    related = f'<Relationship Id="r9" Type="http://custom/of" Target="{part.removeprefix("xl/")}"/></Relationships>'
    whole = parts()
    whole[RELATIONS_OF_BOOK] = str(whole[RELATIONS_OF_BOOK]).replace("</Relationships>", related)
    prescan(archive(tmp_path / "file", {**whole, part: content}), "shirts.xlsx", LIMITS)


def test_two_parts_of_one_name_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "file", parts())
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr(SHEET, sheet_xml(""))
    refused = refusal(path)
    assert refused.code == "suspicious"
    assert f'two parts named "{SHEET}"' in refused.message
    assert "Copy the rows into a new workbook" in refused.message


def test_names_that_differ_in_case_only_are_one_name(tmp_path: Path) -> None:
    refused = refusal(archive(tmp_path / "file", {**parts(), SHEET.upper(): sheet_xml("")}))
    assert refused.code == "suspicious"


def test_too_many_parts_are_refused_with_the_limit(tmp_path: Path) -> None:
    many = {f"xl/media/{number}.xml": "" for number in range(2_000)}
    refused = refusal(archive(tmp_path / "file", {**parts(), **many}))
    assert refused.code == "too_many_parts"
    assert "2,007 parts; at most 2,000" in refused.message
    assert "Copy the rows into a new workbook" in refused.message


@pytest.mark.parametrize(
    "dimension",
    [
        "A1:XFD1048576",
        "A1:GS10",
        "A1:AMJ1048576",
        "A1:B1050000",
        "$A$1:$XFD$1048576",
        "xfd9",
        f"A1:XFD{'9' * 30}",
        "A1",
        "",
        "?",
    ],
)
def test_what_a_sheet_announces_is_no_reason_to_refuse_it(tmp_path: Path, dimension: str) -> None:
    prescan(archive(tmp_path / "file", parts(sheet=sheet_xml("", dimension=dimension))), "shirts.xlsx", LIMITS)


@pytest.mark.parametrize("written", ["<x:dimension ref = 'A1:XFD1048576'/>", '<dimension  a="b" ref="A1:XFD1048576"/>'])
def test_an_announced_size_is_understood_however_it_is_written(tmp_path: Path, written: str) -> None:
    sheet = sheet_xml("").replace('<dimension ref="A1:C2"/>', written)
    seen = prescan(archive(tmp_path / "file", parts(sheet=sheet)), "shirts.xlsx", LIMITS)
    assert seen.sheets[0].seen.needs_mending, "the reader reserves room for all of it"


@pytest.mark.parametrize("announced", [{"unique": 1_000_000_000}, {"count": 1_000_000_000}, {"unique": 10**30}])
def test_texts_that_are_announced_without_having_the_size_are_refused(
    tmp_path: Path, announced: dict[str, int]
) -> None:
    refused = refusal(archive(tmp_path / "file", parts(strings=strings_xml("a", **announced))))
    assert refused.code == "suspicious"
    assert "has not the size for them" in refused.message
    assert "save it under a new name" in refused.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("part", [SHEET, STRINGS, TYPES, "_rels/.rels", BOOK, RELATIONS_OF_BOOK, STYLES])
def test_document_types_and_entities_are_refused(tmp_path: Path, part: str, encoding: str) -> None:
    refused = refusal(archive(tmp_path / "file", {**parts(), part: (DOCUMENT_TYPE + "<x>&b;</x>").encode(encoding)}))
    assert refused.code == "xml_entities"
    assert "Copy the rows into a new workbook" in refused.message


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(min_value=256 * 1024 - 12, max_value=256 * 1024 + 2))
def test_a_document_type_is_found_wherever_it_lies(tmp_path: Path, offset: int) -> None:
    sheet = "<x>" + "ab" * 200_000
    sheet = sheet[:offset] + DOCUMENT_TYPE + sheet[offset:]
    path = archive(tmp_path / "file", parts(sheet=sheet), compression=zipfile.ZIP_STORED)
    assert refusal(path).code == "xml_entities"


def test_a_workbook_with_parts_behind_a_password_is_refused(tmp_path: Path) -> None:
    refused = refusal(encrypted(archive(tmp_path / "file", parts())))
    assert refused.code == "encrypted"
    assert "Save it without one" in refused.message


@pytest.mark.parametrize("kept", [4, 30, 200, 0.5, 0.98])
def test_a_workbook_that_was_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    path = workbook(tmp_path / "file", catalogue(5))
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    refused = refusal(path)
    assert refused.code == "damaged"
    assert "save it under a new name" in refused.message


def test_a_workbook_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "file", parts(), compression=zipfile.ZIP_STORED)
    content = path.read_bytes()
    assert b">Tee<" in content
    path.write_bytes(content.replace(b">Tee<", b">Two<"))
    assert refusal(path).code == "damaged"


def test_a_compression_no_spreadsheet_program_uses_is_refused(tmp_path: Path) -> None:
    assert refusal(archive(tmp_path / "file", parts(), compression=zipfile.ZIP_BZIP2)).code == "damaged"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_bytes_are_spoilt_the_outcome_is_a_pass_or_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    path = archive(tmp_path / "file", parts())
    content = bytearray(path.read_bytes())
    places = st.integers(min_value=0, max_value=len(content) - 1)
    spoilt = data.draw(st.dictionaries(places, st.integers(min_value=0, max_value=255), min_size=1, max_size=8))
    for place, byte in spoilt.items():
        content[place] = byte
    path.write_bytes(content)
    try:
        prescan(path, "shirts.xlsx", LIMITS)
    except FileRefused as refused:
        assert '"shirts.xlsx"' in refused.message


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ({"readme.txt": "hello"}, "not_a_spreadsheet", "a ZIP archive"),
        ({"report.xlsx": "hello"}, "not_a_spreadsheet", "Send the workbook (.xlsx) itself"),
        ({TYPES: "", "word/document.xml": ""}, "not_a_spreadsheet", "a Word or PowerPoint document"),
        ({TYPES: "", "xl/workbook.bin": ""}, "binary_workbook", "Save it as an Excel workbook (.xlsx)"),
        (
            {"mimetype": "application/vnd.oasis.opendocument.spreadsheet"},
            "opendocument",
            "Save it as an Excel workbook",
        ),
        (parts(types="<Types macroEnabled.main+xml/>"), "macros", "without macros"),
        ({}, "not_a_spreadsheet", "a ZIP archive"),
    ],
    ids=["archive", "packed workbook", "document", "binary workbook", "OpenDocument", "macros", "empty archive"],
)
def test_archives_that_are_no_workbook_are_called_what_they_are(
    tmp_path: Path, content: dict[str, str | bytes], code: str, said: str
) -> None:
    refused = refusal(archive(tmp_path / "file", content))
    assert refused.code == code
    assert said in refused.message


@pytest.mark.parametrize("hostile", ["<dimension ", "<dimension ref", "<a:dimension ref=", "<dimension ref='"])
def test_a_sheet_made_to_be_searched_for_ever_is_looked_at_in_no_time(tmp_path: Path, hostile: str) -> None:
    sheet = hostile * (256 * 1024 // len(hostile))
    path = archive(tmp_path / "file", parts(sheet=sheet), compression=zipfile.ZIP_STORED)
    began = time.process_time()
    prescan(path, "shirts.xlsx", LIMITS)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("part", ["sheet", "strings"])
def test_text_the_reader_would_take_for_nothing_is_refused_and_not_lost(tmp_path: Path, part: str) -> None:
    spoilt = {
        "sheet": sheet_xml('<row r="1"><c r="A1" t="str"><v><![CDATA[Title]]></v></c></row>'),
        "strings": strings_xml("<![CDATA[Title]]>"),
    }
    refused = refusal(archive(tmp_path / "file", parts(**{part: spoilt[part]})))
    assert refused.code == "unusual_xml"
    assert "save it as a new workbook" in refused.message
