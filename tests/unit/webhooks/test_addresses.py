"""Which addresses a webhook may have: hostile ways of writing an address, and hostile answers to what a name means."""

import ipaddress

import pytest

from shared.webhooks.addresses import LONGEST_URL, AddressRefused, AddressRules, Target

RULES = AddressRules()
ANY_PORT = AddressRules(ports=())


def addresses(*said: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [ipaddress.ip_address(one) for one in said]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target("https", "example.com", 443, "/")),
        ("https://Hooks.Example.COM./in?key=1&b=%20", Target("https", "hooks.example.com", 443, "/in?key=1&b=%20")),
        ("HTTPS://example.com:8443/a", Target("https", "example.com", 8443, "/a")),
        ("https://xn--bcher-kva.example/", Target("https", "xn--bcher-kva.example", 443, "/")),
        ("https://93.184.216.34/", Target("https", "93.184.216.34", 443, "/")),
        ("https://[2606:4700:4700::1111]/", Target("https", "2606:4700:4700::1111", 443, "/")),
    ],
)
def test_a_public_address_over_https_is_taken(url: str, target: Target) -> None:
    assert RULES.target(url) == target


def test_the_authority_repeats_what_was_asked_for() -> None:
    assert RULES.target("https://[2606:4700::1]:8443/x").authority == "[2606:4700::1]:8443"
    assert RULES.target("https://example.com:443/x").authority == "example.com"


@pytest.mark.parametrize(
    "url",
    [
        # Loopback, in every way a C library takes it.
        "https://127.0.0.1/",
        "https://127.0.0.1./",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://017700000001/",
        "https://0177.0.0.1/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0X7F.0.0.1/",
        "https://0/",
        "https://0.0.0.0/",
        "https://127.0.0.01/",
        "https://[::1]/",
        "https://[::]/",
        # One address within another.
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[64:ff9b::a9fe:a9fe]/",
        "https://[64:ff9b:1::1]/",
        "https://[2002:7f00:1::]/",
        "https://[2002:a00:1::1]/",
        "https://[2001:0:7f00:1::]/",
        # Private, shared, link-local, and where clouds answer their machines.
        "https://10.1.2.3/",
        "https://172.16.0.1/",
        "https://192.168.0.1/",
        "https://100.64.0.1/",
        "https://100.100.100.200/",
        "https://169.254.169.254/latest/meta-data/",
        "https://168.63.129.16/",
        "https://[fd00:ec2::254]/",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fec0::1]/",
        "https://[fc00::1]/",
        # For many, for tests, for nobody.
        "https://224.0.0.1/",
        "https://[ff02::1]/",
        "https://[ff0e::1]/",
        "https://255.255.255.255/",
        "https://240.0.0.1/",
        "https://192.0.2.1/",
        "https://198.18.0.1/",
        "https://192.88.99.1/",
        "https://[2001:db8::1]/",
        "https://[100::1]/",
    ],
)
def test_an_address_that_is_not_public_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(AddressRefused):
        ANY_PORT.target(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "Only https"),
        ("ftp://example.com/", "begin with https"),
        ("file:///etc/passwd", "no host"),
        ("gopher://example.com/", "begin with https"),
        ("//example.com/", "begin with https"),
        ("example.com", "no host"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://example.com:22/", "Port 22"),
        ("https://example.com:0/", "Port 0"),
        ("https://example.com:99999/", "makes no sense"),
        ("https://example.com:8o8/", "makes no sense"),
        ("https://user@example.com/", "user or a password"),
        ("https://user:pass@example.com/", "user or a password"),
        ("https://@example.com/", "user or a password"),
        ("https://example.com#@127.0.0.1/", "fragment"),
        ("https://example.com/#", "fragment"),
        (r"https://example.com\@127.0.0.1/", "character"),
        ("https://example.com/a b", "character"),
        ("https://example.com/\r\nHost: other", "character"),
        ("https://exa\tmple.com/", "character"),
        (" https://example.com/", "character"),
        ("https://①②⑦.⓪.⓪.①/", "character"),
        ("https://127。0。0。1/", "character"),
        ("https://ex%61mple.com/", "no host"),
        ("https://a..example.com/", "no host"),
        ("https://-a.example.com/", "no host"),
        ("https://[::1/", "makes no sense"),
        ("https://[v1.fe80]/", "makes no sense"),
        (f"https://example.com/{'a' * LONGEST_URL}", "more than"),
        ("", "no host"),
    ],
)
def test_what_is_no_plain_https_address_is_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(AddressRefused, match=why):
        RULES.target(url)


@pytest.mark.parametrize(
    "means",
    [
        ["127.0.0.1"],
        ["93.184.216.34", "10.0.0.1"],
        ["::1"],
        ["2606:4700::1111", "fe80::1"],
        ["::ffff:169.254.169.254"],
        ["224.0.0.251"],
        [],
    ],
)
def test_a_name_one_of_whose_addresses_is_not_public_is_refused(means: list[str]) -> None:
    target = RULES.target("https://rebound.example.com/")
    with pytest.raises(AddressRefused) as refused:
        RULES.check(target, addresses(*means))
    assert not any(one in str(refused.value) for one in means), "what a name means within our network is not told"


def test_a_name_all_of_whose_addresses_are_public_is_taken() -> None:
    RULES.check(RULES.target("https://example.com/"), addresses("93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"))


def test_networks_names_ports_and_plain_http_are_allowed_by_settings_alone() -> None:
    rules = AddressRules(
        ports=(),
        allow_http=True,
        allowed_hosts=("hooks.internal",),
        allowed_networks=(ipaddress.ip_network("10.20.0.0/16"), ipaddress.ip_network("::1/128")),
    )
    rules.target("http://10.20.3.4:9000/")
    rules.target("http://[::ffff:10.20.3.4]/")
    rules.target("http://[::1]:1/")
    rules.check(rules.target("https://hooks.internal/"), addresses("192.168.7.7"))
    rules.check(rules.target("https://other.internal/"), addresses("10.20.0.1"))
    for url in ("http://10.21.0.1/", "http://127.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(AddressRefused):
            rules.target(url)
    with pytest.raises(AddressRefused):
        rules.check(rules.target("https://nothooks.internal/"), addresses("192.168.7.7"))
