"""Addresses and origins: two ways to write the same place are the same place."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from llama_ui.errors import OptionError

_PORTS = {"http": 80, "https": 443}
_PREFIX = re.compile(r"(/[\w.~-]+)+")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
# Where a Space's own proxies are. Believing everybody would let visitors make up addresses.
PRIVATE = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10"


def parse_address(text: str) -> IPAddress | None:
    """An IP address; `::ffff:a.b.c.d` is the IPv4 address a.b.c.d. None when it is no address."""
    try:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network(address: str) -> str:
    """What one subscriber has: an IPv4 address, or 64 bits of an IPv6 one."""
    parsed = parse_address(address)
    if parsed is None or parsed.version == 4:
        return str(parsed or address)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, in one spelling.

    Args:
        scheme: http or https; empty when it is not known.
        host: a name in lower case, or an IP address in its shortest form.
        port: None when the default one of an unknown scheme is meant.
    """

    scheme: str
    host: str
    port: int | None

    def includes(self, origin: "Place") -> bool:
        """Whether a page of that origin is a page of this place; what is not known is not held
        against it."""
        port = _PORTS[origin.scheme] if self.port is None else self.port
        same = (self.host, port) == (origin.host, origin.port)
        return same and self.scheme in ("", origin.scheme)


def parse_origin(text: str) -> Place | None:
    """An Origin header; None for `null` and for what is no origin."""
    try:
        parts = urlsplit(text)
        scheme, port = parts.scheme.lower(), parts.port
    except ValueError:
        return None
    if scheme not in _PORTS or parts.username or parts.path or parts.query or parts.fragment:
        return None
    place = parse_host(parts.netloc, scheme)
    return place and Place(scheme, place.host, port or _PORTS[scheme])


def parse_host(text: str, scheme: str = "") -> Place | None:
    """A Host header; None when it is none."""
    if not re.fullmatch(r"(\[[\dA-Fa-f:.]+\]|[\w.-]+)(:\d{0,5})?", text, re.ASCII):
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    address = parse_address(host)
    if ":" in host and address is None:
        return None
    return Place(scheme, str(address or host.rstrip(".")), port or _PORTS.get(scheme))


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a request came here, as far as its headers can be believed.

    Args:
        client: the address of the visitor.
        host: the Host header that the visitor's browser sent.
        scheme: http or https.
        place: what Host and scheme mean; None when the Host is none.
        prefix: the path in front of ours, without a slash at its end.
    """

    client: str
    host: str
    scheme: str
    place: Place | None
    prefix: str


class Proxies:
    """Reads what proxies say of a request, if they are trusted.

    Args:
        trusted: their addresses or networks, separated by commas; `*` for all.

    Raises:
        OptionError: one of them is neither.
    """

    def __init__(self, trusted: str = "") -> None:
        every = trusted.replace("*", "0.0.0.0/0,::/0")
        try:
            self._networks = [
                ipaddress.ip_network(text.strip(), strict=False)
                for text in every.split(",")
                if text.strip()
            ]
        except ValueError:
            raise OptionError(
                "--trusted-proxy is no address.", "Give the proxy's IP address or network."
            ) from None

    def trusts(self, address: str) -> bool:
        """Whether what comes from there is believed."""
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def arrival(self, peer: str, scheme: str, headers: Headers) -> Arrival:
        """How a request came here.

        Args:
            peer: the address at the other end of the connection.
            scheme: that of the connection.
            headers: of the request.
        """
        host = headers.get("host", "")
        if not self.trusts(peer):
            return Arrival(peer, host, scheme, parse_host(host), "")
        proto = _first(headers.get("x-forwarded-proto", "")).lower()
        known = proto if proto in _PORTS else ""
        host = _first(headers.get("x-forwarded-host", "")) or host
        prefix = _first(headers.get("x-forwarded-prefix", "")).rstrip("/")
        return Arrival(
            self._client(peer, headers.getlist("x-forwarded-for")),
            host,
            known or scheme,
            parse_host(host, known),
            prefix if _PREFIX.fullmatch(prefix) else "",
        )

    def _client(self, peer: str, forwarded: Iterable[str]) -> str:
        """The last address of the list that is no proxy's: what is before it can be made up."""
        client = peer
        for text in reversed(",".join(forwarded).split(",")):
            written = text.strip()
            bare = written.rpartition(":")[0] if re.search(r"\.\d+:|\]:", written) else written
            address = parse_address(bare)
            if address is None:
                break
            client = str(address)
            if not self.trusts(client):
                break
        return client


def _first(value: str) -> str:
    return value.partition(",")[0].strip()
