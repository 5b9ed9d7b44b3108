"""Which addresses a webhook may have.

A tenant types an address and a server of ours connects to it: without a limit that server is a way into our own network.
So names are resolved here and not by a client, every address a name has is looked at, and the connection is made to one that
was: a name that changes its mind in between changes nothing.
"""

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2000
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_TARGET = re.compile(r"[!-~]*")
# What Python takes for global and is not, or is but leads elsewhere: relays into IPv4 from anywhere, addresses with another
# inside that are looked at by that one below, and the address at which a cloud answers its own machines.
_SPECIAL: tuple[IPNetwork, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """A webhook may not have this address; says why, in words for whoever typed it."""


@dataclass(frozen=True)
class Target:
    """Where a webhook is: what to connect to, and what to ask there. `host` is a name, or an address without brackets."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What goes into the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True)
class AddressRules:
    """What is allowed beside public addresses over https. `ports` empty: any port."""

    ports: Collection[int] = (443, 8443)
    allow_http: bool = False
    allowed_hosts: Collection[str] = ()
    allowed_networks: Sequence[IPNetwork] = ()

    def target(self, url: str) -> Target:
        """What a URL says, when a webhook may have it as far as can be told without asking for its addresses.

        Raises:
            AddressRefused: it may not.
        """
        scheme, host, port, path = _parts(url)
        if scheme not in {"https", "http"}:
            raise AddressRefused("The address has to begin with https://")
        if scheme == "http" and not self.allow_http:
            raise AddressRefused("Only https:// is allowed here: what is sent would be legible on its way")
        if self.ports and port not in self.ports:
            allowed = ", ".join(str(port) for port in sorted(self.ports))
            raise AddressRefused(f"Port {port} is not allowed; allowed are {allowed}")
        target = Target("https" if scheme == "https" else "http", host, port, path)
        if (address := _literal(host)) is not None:
            self.check(target, [address])
        return target

    def check(self, target: Target, addresses: Sequence[IPAddress]) -> None:
        """Look at all addresses that a target has; one that may not be connected to refuses them all.

        Raises:
            AddressRefused: one of them may not, or there is none.
        """
        if not addresses:
            raise AddressRefused(f"{target.host} has no address")
        if target.host in self.allowed_hosts:
            return
        for address in addresses:
            if not self._may(address):
                # Not which address: what names mean within our network is nothing to tell.
                raise AddressRefused(f"{target.host} is not a public address")

    def _may(self, address: IPAddress) -> bool:
        address = _unwrapped(address)
        if any(address in network for network in self.allowed_networks):
            return True
        return address.is_global and not address.is_multicast and not any(address in network for network in _SPECIAL)


def _parts(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path with query; one reading of the text, and no other is made."""
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"The address has more than {LONGEST_URL:,} characters")
    # Backslashes, blanks and what is not ASCII are read in different ways by different programs.
    if _TARGET.fullmatch(url) is None or "\\" in url:
        raise AddressRefused(
            "The address has a blank or a character that has to be written as %XX or, in a name, as xn--"
        )
    try:
        said = urlsplit(url)
        port = said.port
    except ValueError:
        raise AddressRefused("The address makes no sense") from None
    scheme = said.scheme.lower()
    if "@" in said.netloc:
        raise AddressRefused("The address may not have a user or a password in it")
    if said.fragment or url.endswith("#"):
        raise AddressRefused("The address may not have a fragment (#…)")
    host = _host(said.hostname or "", bracketed="[" in said.netloc)
    if port == 0:
        raise AddressRefused("Port 0 is not allowed")
    path = (said.path or "/") + (f"?{said.query}" if said.query else "")
    return scheme, host, port or _DEFAULT_PORTS.get(scheme, 0), path


def _host(host: str, *, bracketed: bool) -> str:
    """A name in small letters, or an address as it is usually written."""
    if bracketed:
        if "%" in host:
            raise AddressRefused("The address may not name a network interface")
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise AddressRefused("The address makes no sense") from None
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):  # noqa: PLR2004 - RFC 1035
        raise AddressRefused("The address has no host")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        # As browsers have it: what ends like a number is an address, and 0x7f.1 or 2130706433 are ways to hide one.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise AddressRefused("An address in numbers has to be written as four of them, such as 192.0.2.1") from None
    return host


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _unwrapped(address: IPAddress) -> IPAddress:
    """The IPv4 address within an IPv6 one that only stands for it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
