from pathlib import Path

import pytest

from services.parser.formats.encodings import encoding_notices, find_encoding
from services.parser.refusals import FileRefused

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


SENTENCES = [
    ("cp1250", "Pánská košile s dlouhým rukávem;a;b\nTričko z bavlny, měkké a příjemné;c;d"),
    ("cp1250", "Koszula męska z długim rękawem;a;b\nSukienka wełniana, ciepła;c;d"),
    ("iso8859_2", "Koszula męska z długim rękawem;a;b\nSukienka wełniana, świąteczna;c;d"),
    ("cp1250", "Muška košulja s dugim rukavima;a;b\nŽenska haljina od čistog pamuka, ćebe;c;d"),
    ("cp1254", "Kadın pamuklu gömlek, açık mavi;a;b\nErkek yün kazak, koyu yeşil;c;d"),
    ("cp1257", "Moteriški marškiniai, žali;a;b\nVyriškas megztinis šiltas, ąžuolo spalvos;c;d"),
    ("cp1257", "Sieviešu blūze, zaļa;a;b\nVīriešu krekls, kokvilnas šķiedra;c;d"),
    ("cp1257", "Meeste särk, sinine;a;b\nNaiste kleit, õhuke, pikkade käistega;c;d"),
    ("cp1253", "Πουκάμισο λινό;a;b\nΓυναικείο φόρεμα από βαμβάκι;c;d"),
    ("iso8859_7", "Πουκάμισο λινό;a;b\nΓυναικείο φόρεμα από βαμβάκι;c;d"),
    ("cp1251", "Рубашка льняная;a;b\nПлатье женское хлопковое;c;d"),
    ("cp1251", "Сорочка лляна біла;a;b\nЖіноча сукня з бавовни її;c;d"),
    ("cp1251", "Мъжка риза с дълъг ръкав;a;b\nЖенска рокля от памук;c;d"),
    ("koi8_r", "Рубашка льняная;a;b\nПлатье женское хлопковое;c;d"),
    ("cp866", "Рубашка льняная;a;b\nПлатье женское хлопковое;c;d"),
    ("cp1255", "חולצת פשתן לבנה;a;b\nשמלת כותנה ארוכה;c;d"),
    ("cp1256", "قميص كتان أبيض;a;b\nفستان قطني طويل للنساء;c;d"),
    ("cp932", "綿のシャツ 白;a;b\nウールのセーター、あたたかい;c;d"),
    ("euc_jp", "綿のシャツ 白;a;b\nウールのセーター、あたたかい;c;d"),
    ("gb18030", "纯棉衬衫 白色;a;b\n羊毛毛衣，保暖舒适;c;d"),
    ("big5", "純棉襯衫 白色;a;b\n羊毛毛衣，保暖舒適;c;d"),
    ("cp949", "면 셔츠 흰색;a;b\n울 스웨터 따뜻한;c;d"),
    ("cp874", "เสื้อเชิ้ตผ้าฝ้าย สีขาว;a;b\nกระโปรงผ้าลินิน;c;d"),
    ("cp1252", "women’s tee “soft” – new;a;b\nYour Cat's;c;d"),
    ("cp1252", "Levi’s 501;a;b"),
    ("cp1252", "Coming soon…;a;b"),
    ("cp1252", "Skjorta för män, blå;a;b\nKlänning, röd, åtsittande;c;d"),
    ("cp1252", "Skjorte til mænd, blå;a;b\nKjole, rød, økologisk;c;d"),
    ("cp1252", "Camicia più leggera, qualità;a;b\nperché è così;c;d"),
    ("cp1252", "Miesten pitkähihainen paita;a;b\nMekko, pehmeä villa, sinivihreä;c;d"),
    ("cp1252", "Gore-Tex® Jacket™;a;b\nCotton 50° wash;c;d"),
    ("cp1252", "Tee für;a;b"),
    ("mac_roman", "Größe für Männer;a;b\nHüte – schön;c;d"),
    ("cp850", "Größe für Männer;a;b\nHüte, schön;c;d"),
    ("cp852", "Koszula męska z długim rękawem;a;b\nSukienka wełniana, ciepła;c;d"),
    ("utf-16-le", "綿のシャツ 白;a;b\nРубашка льняная;c;d"),
    ("utf-16-be", "綿のシャツ 白;a;b\nРубашка льняная;c;d"),
    ("utf-16", "Größe;a;b"),
]


@pytest.mark.parametrize(("encoding", "text"), SENTENCES)
def test_sentences_of_many_languages_come_out_as_they_were_written(tmp_path: Path, encoding: str, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes((HEADINGS + text).encode(encoding))
    found = find_encoding(path, "shirts.csv", None)
    assert path.read_bytes().decode(found.name) == HEADINGS + text


def test_a_guess_shows_a_piece_of_what_it_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes((HEADINGS + "Plain;a;b\nCrème brûlée;c;d").encode("cp1252"))
    (notice,) = encoding_notices(find_encoding(path, "shirts.csv", None), "shirts.csv")
    assert 'for example "Crème brûlée"' in notice["message"]


@pytest.mark.parametrize(
    "rows",
    [
        ["Têxtil;a;b", "Été;c;d", ("Blüte für Männer – schön", "cp1252"), "Žluť;e;f"],
        [("Größe;a;b", "cp1252"), "Größe;c;d"],
        [("Größe;a;b", "cp1252"), ("Blüte;a;b", "cp1252"), ("für;a;b", "cp1252"), "Größe;c;d"],
    ],
)
def test_rows_of_utf_8_are_never_read_as_a_code_page_because_of_others_in_the_file(
    tmp_path: Path, rows: list[str | tuple[str, str]]
) -> None:
    path = tmp_path / "file"
    lines = [HEADINGS.encode(), *[row.encode() if isinstance(row, str) else row[0].encode(row[1]) for row in rows]]
    path.write_bytes(b"\n".join(lines))
    found = find_encoding(path, "shirts.csv", None)
    assert (found.name, found.has_strays) == ("utf-8", True)


@pytest.mark.parametrize("unit", [b"a", b"\xe9", b"a\xe9", b"\xe9a "])
def test_letters_without_end_are_read_or_refused_at_once(tmp_path: Path, unit: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(HEADINGS.encode() + unit * (2_000_000 // len(unit)) + b"\xfc\n")
    try:
        assert find_encoding(path, "shirts.csv", None).is_guess
    except FileRefused as refused:
        assert refused.code == "wrong_encoding"
