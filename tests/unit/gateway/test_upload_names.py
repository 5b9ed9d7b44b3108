"""Which files are taken, before a byte of them is."""

import pytest

from services.gateway.uploads.names import FileNotTaken, check_size, file_name, object_key, too_large
from shared.storage import tenant_owns


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("spring.xlsx", "spring.xlsx"),
        ("Spring 2027.XLSX", "Spring 2027.XLSX"),
        ("bestände.csv.gz", "bestände.csv.gz"),
        ("C:\\fakepath\\spring.tsv", "spring.tsv"),
        ("/home/../spring.txt", "spring.txt"),
        ("  spring.csv ", "spring.csv"),
        ("v1.2.final.csv", "v1.2.final.csv"),
        (".csv.csv", ".csv.csv"),
    ],
)
def test_a_name_is_taken_without_its_folders(said: str, name: str) -> None:
    assert file_name(said) == name


@pytest.mark.parametrize(
    ("said", "slug"),
    [
        ("", "invalid"),
        ("..", "invalid"),
        ("folder/", "invalid"),
        ("a\x00.csv", "invalid"),
        ("a\u202ecsv.xlsx", "invalid"),
        ("x" * 252 + ".csv", "invalid"),
        ("spring.xls", "unsupported-media-type"),
        ("spring.gz", "unsupported-media-type"),
        ("spring.xlsx.exe", "unsupported-media-type"),
        ("spring.", "unsupported-media-type"),
        (".csv", "unsupported-media-type"),
    ],
)
def test_a_name_that_is_none_or_of_something_else_is_refused(said: str, slug: str) -> None:
    with pytest.raises(FileNotTaken) as refused:
        file_name(said)
    assert refused.value.slug == slug


def test_a_size_is_taken_up_to_the_limit_and_said_in_words_beyond_it() -> None:
    check_size("a.csv", 200_000_000, megabytes=200)
    with pytest.raises(FileNotTaken, match=r'"a.csv" has 200.0 MB; at most 200 MB are taken. Split it'):
        check_size("a.csv", 200_000_001, megabytes=200)
    with pytest.raises(FileNotTaken, match="is empty"):
        check_size("a.csv", 0, megabytes=200)
    assert "more than 1,000 MB" in too_large("a.csv", "more than 1,000", megabytes=1000)


@pytest.mark.parametrize(
    "name", ["spring.xlsx", "漢" * 250 + ".csv", "😀" * 250 + ".csv.gz", "a b+c%20&?#.csv", "x" * 251]
)
def test_a_key_lies_in_its_tenants_part_and_is_none_too_long(name: str) -> None:
    key = object_key("nordlys", "0" * 36, 3, name)
    assert tenant_owns("nordlys", key)
    assert len(key.encode()) <= 1024
    assert key.endswith(name[-4:])
    assert object_key("nordlys", "0" * 36, 4, name) != key
