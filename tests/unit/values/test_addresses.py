import pytest

from shared.entities.errors import CellError
from shared.values.addresses import read_address


@pytest.mark.parametrize(
    "address",
    [
        "https://brand.com/image.png",
        "HTTP://brand.com",
        "https://user:pw@cdn.brand.com:8443/a/b.png?w=1&h=2#x",
        "https://bücher.example/bild.png",
        "http://[::1]/x",
        "https://10.0.0.1/x(1).png",
    ],
)
def test_absolute_http_addresses_are_kept_as_given(address: str) -> None:
    assert read_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "brand.com/image.png",
        "/image.png",
        "ftp://brand.com/x",
        "https://",
        "https:///x",
        "https:brand.com",
        "https://brand .com/x",
        "https://brand.com/my image.png",
        "https://a.com/x, https://b.com/y",
        "https://brand.com:99999/",
        "javascript:alert(1)",
        "data:image/png;base64,xx",
    ],
)
def test_anything_else_is_refused(address: str) -> None:
    error = read_address(address)
    assert isinstance(error, CellError)
    assert error.code == "invalid_url"
    assert address in error.message
