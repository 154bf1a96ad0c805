"""Two ways to write the same place are the same place; another place is not."""

import pytest
from starlette.datastructures import Headers

from llama_ui.errors import OptionError
from llama_ui.settings import is_loopback
from llama_ui.web.access.addresses import (
    Proxies,
    network,
    parse_host,
    parse_origin,
)

SAME = [
    ("example.org", "https://example.org"),
    ("example.org", "http://example.org"),
    ("example.org:80", "http://example.org"),
    ("example.org:443", "https://example.org"),
    ("EXAMPLE.org", "https://example.ORG:443"),
    ("example.org.", "https://example.org"),
    ("example.org:7860", "HTTP://example.org:7860"),
    ("[::1]:7860", "http://[0:0:0:0:0:0:0:1]:7860"),
    ("[2001:DB8::A]", "https://[2001:db8::a]"),
    ("[::ffff:10.0.0.1]:80", "http://10.0.0.1"),
]
OTHER = [
    ("example.org", "https://example.com"),
    ("example.org", "https://example.org:8443"),
    ("example.org:7860", "http://example.org"),
    ("example.org:80", "https://example.org"),
    ("example.org", "https://example.org.evil.example"),
    ("example.org", "https://evil.example#example.org"),
    ("example.org", "https://example.org@evil.example"),
    ("localhost:7860", "http://127.0.0.1:7860"),
    ("[::1]:1", "http://[::2]:1"),
    ("example.org", "null"),
    ("example.org", ""),
    ("example.org", "ftp://example.org"),
    ("example.org", "https://["),
    ("example.org", "https://example.org:99999"),
    ("a b", "https://a b"),
]


def is_same(host: str, origin: str, scheme: str = "") -> bool:
    place, page = parse_host(host, scheme), parse_origin(origin)
    return place is not None and page is not None and place.includes(page)


@pytest.mark.parametrize(("host", "origin"), SAME)
def test_the_same_place(host, origin):
    assert is_same(host, origin)


@pytest.mark.parametrize(("host", "origin"), OTHER)
def test_another_place(host, origin):
    assert not is_same(host, origin)


def test_a_known_scheme_counts():
    assert is_same("example.org", "https://example.org", "https")
    assert not is_same("example.org", "http://example.org", "https")


def test_one_subscriber_is_one_network():
    assert network("2001:db8::1") == network("2001:db8::ffff:1") == "2001:db8::/64"
    assert network("10.0.0.1") == network("::ffff:10.0.0.1") == network("::FFFF:a00:1")
    assert network("::ffff:10.0.0.1") != network("::ffff:10.0.0.2")
    assert network("a name") == "a name"


def test_this_machine():
    for host in ("localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        assert is_loopback(host)
    for host in ("", "10.0.0.1", "localhost.evil.example", "0.0.0.0"):
        assert not is_loopback(host)


FORWARDED = {
    "X-Forwarded-For": "6.6.6.6, 9.9.9.9, 10.0.0.2",
    "X-Forwarded-Host": "Chat.example.org, inner",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/chat/",
    "Host": "inner:7860",
}


def test_a_trusted_proxy_is_believed_as_far_as_it_saw():
    came = Proxies("10.0.0.0/24").arrival("10.0.0.1", "http", Headers(FORWARDED))
    # What is left of the last stranger can be made up by that one.
    assert came.client == "9.9.9.9"
    assert (came.scheme, came.host, came.prefix) == ("https", "Chat.example.org", "/chat")
    assert came.place.includes(parse_origin("https://chat.example.org"))
    assert not came.place.includes(parse_origin("http://chat.example.org"))


def test_nobody_else_is():
    for trusted in ("", "10.0.0.9", "10.0.1.0/24"):
        came = Proxies(trusted).arrival("10.0.0.1", "http", Headers(FORWARDED))
        assert (came.client, came.host, came.prefix) == ("10.0.0.1", "inner:7860", "")
        assert not came.place.includes(parse_origin("https://chat.example.org"))


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("9.9.9.9:1234", "9.9.9.9"),
        ("[2001:db8::1]:1234", "2001:db8::1"),
        ("::ffff:9.9.9.9", "9.9.9.9"),
        ("nonsense", "10.0.0.1"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("", "10.0.0.1"),
    ],
)
def test_addresses_as_proxies_write_them(forwarded, client):
    headers = Headers({"X-Forwarded-For": forwarded})
    assert Proxies("fe80::/10, 10.0.0.0/24").arrival("10.0.0.1", "http", headers).client == client


def test_a_proxy_without_an_address_is_refused():
    with pytest.raises(OptionError, match="IP address or network"):
        Proxies("nginx")
