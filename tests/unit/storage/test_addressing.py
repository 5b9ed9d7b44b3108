"""Where requests to storage go, by what is said of it."""

from urllib.parse import urlsplit

import pytest

from shared.connections import Addressing, StorageConnection
from shared.storage.object_store import client


@pytest.mark.parametrize(
    ("endpoint", "addressing", "address"),
    [
        ("store:8333", "auto", "http://store:8333/uploads/a/b.csv"),
        ("http://store:8333", "auto", "http://store:8333/uploads/a/b.csv"),
        ("https://store.test", "virtual", "https://uploads.store.test/a/b.csv"),
        ("https://store.test/", "path", "https://store.test/uploads/a/b.csv"),
        ("https://s3.eu-central-1.amazonaws.com", "auto", "https://uploads.s3.eu-central-1.amazonaws.com/a/b.csv"),
        ("https://s3.eu-central-1.amazonaws.com", "path", "https://s3.eu-central-1.amazonaws.com/uploads/a/b.csv"),
    ],
)
def test_the_bucket_is_in_the_path_or_in_the_host(endpoint: str, addressing: Addressing, address: str) -> None:
    connection = StorageConnection(endpoint, "key", "secret", region="eu-central-1", addressing=addressing)
    found = urlsplit(client(connection).presigned_get_object("uploads", "a/b.csv"))
    assert found._replace(query="").geturl() == address
    assert "eu-central-1" in found.query


def test_a_temporary_key_sends_its_token() -> None:
    connection = StorageConnection("store:8333", "key", "secret", session_token="of-an-hour")
    assert "X-Amz-Security-Token=of-an-hour" in client(connection).presigned_get_object("uploads", "a")
