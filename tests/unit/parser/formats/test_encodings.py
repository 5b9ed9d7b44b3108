from pathlib import Path

import pytest

from services.parser.formats.encodings import encoding_notices, find_encoding

HEADINGS = "Product Title;Product Handle;SKU\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Żółta łódź koszula;zolta;S1"),
        ("cp1250", "Őszi ing;a;b\nKék kabát nő;c;d"),
        ("cp1250", "Cămaşă bărbaţi;a;b"),
        ("cp1250", "Žlutá košile příliš;a;b\nŘada ťuhýk;c;d"),
        ("cp1251", "Рубашка льняная;a;b"),
        ("cp1252", "Größe Crème;a;b\nBlüte – 20 €, 3 m², 180 g/m³;c;d"),
        ("cp1252", "Chemise été à carreaux;a;b\nL’œuvre;c;d"),
        ("cp1252", "¿Qué? ¡Niña! Camisón;a;b"),
        ("cp1252", "Calções de algodão;a;b\nColeção verão nº 5;c;d"),
        ("cp1252", "Þykk peysa með ermum;a;b\nSýnishorn frá Íslandi;c;d"),
        ("cp1252", "Shirt 10 €;a;b"),
        ("cp1253", "Πουκάμισο λινό;a;b"),
        ("cp1254", "Gömlek şık;a;b\nIşıltılı bluz çeşitleri;c;d"),
        ("mac_roman", "Crème brûlée été;a;b"),
        ("cp850", "Crème brûlée été;a;b"),
    ],
)
def test_a_code_page_is_found_from_what_people_write_in_it_and_said_to_be_a_guess(
    tmp_path: Path, encoding: str, text: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes((HEADINGS + text).encode(encoding))
    found = find_encoding(path, "shirts.csv", None)
    assert path.read_bytes().decode(found.name) == HEADINGS + text
    (notice,) = encoding_notices(found, "shirts.csv")
    assert found.name in notice["message"]
    assert "CSV UTF-8" in notice["message"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "ascii"])
def test_what_says_what_it_is_is_no_guess(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file"
    text = HEADINGS + ("Shirt;a;b" if encoding == "ascii" else "Größe;a;b")
    path.write_bytes(text.encode(encoding))
    found = find_encoding(path, "shirts.csv", None)
    assert path.read_bytes().decode(found.name) == text
    assert encoding_notices(found, "shirts.csv") == ()


def test_a_stray_byte_in_utf_8_costs_its_own_cell_and_does_not_change_the_others(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes((HEADINGS + "Größe Crème;a;b\n" * 3).encode() + b"Gr\xf6;c;d\n")
    found = find_encoding(path, "shirts.csv", None)
    assert (found.name, found.has_strays) == ("utf-8", True)
    with path.open(encoding=found.name, errors=found.errors) as file:
        read = file.read().splitlines()
    assert read[1] == "Größe Crème;a;b"
    assert read[4] == "Gr\udcf6;c;d"
    assert "some bytes" in encoding_notices(found, "shirts.csv")[0]["message"]
