# SPDX-License-Identifier: Apache-2.0
"""Whom a throttle counts behind a proxy, and that nobody can be taken for another."""

from collections.abc import Sequence
from typing import Literal

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from fedsafe_node.api.forwarded import MOST_HOPS, Proxies
from fedsafe_node.ground.config import Listen

PROXIES = ("127.0.0.1/32", "10.9.0.0/28", "fd00:9::/64")
CLIENT = "198.51.100.7"


class Transport:
    """The other end of a connection, by its address alone."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._peer, 1) if name == "peername" else default


def seen(
    peer: str,
    *headers: tuple[str, str],
    trusted: Sequence[str] = PROXIES,
    forwarded: Literal["X-Forwarded-For", "Forwarded"] = "X-Forwarded-For",
) -> str | None:
    listen = Listen("127.0.0.1", 1, tuple(trusted), forwarded)
    request = make_mocked_request(
        "GET",
        "/",
        headers=CIMultiDict(headers),
        transport=Transport(peer),
    )
    return Proxies(listen).client(request)


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        (CLIENT, CLIENT),
        (f"{CLIENT}:4711", CLIENT),
        (f"6.6.6.6, {CLIENT}", CLIENT),  # what stands before is the client's word
        (f"127.0.0.1, 10.9.0.3, {CLIENT}", CLIENT),
        (f"{CLIENT}, 10.9.0.3", CLIENT),  # a proxy before the proxy
        (f"6.6.6.6, {CLIENT}, 10.9.0.3, fd00:9::1", CLIENT),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        (f"::ffff:{CLIENT}", CLIENT),
        ("10.9.0.3", "10.9.0.3"),  # a proxy's own machine
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("6.6.6.6, x", "127.0.0.1"),  # what cannot be read is not passed over
        ("6.6.6.6, x, 10.9.0.3", "10.9.0.3"),
        ("6.6.6.6,", "127.0.0.1"),
        ("198.51.100.7 6.6.6.6", "127.0.0.1"),
        (", ".join(["6.6.6.6", *["10.9.0.3"] * MOST_HOPS]), "10.9.0.3"),
    ],
)
def test_the_last_hop_that_is_no_proxy_is_the_client(hops: str, client: str) -> None:
    assert seen("127.0.0.1", ("X-Forwarded-For", hops)) == client


def test_a_header_that_is_there_twice_is_one_list() -> None:
    hops = ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", CLIENT)

    assert seen("127.0.0.1", *hops) == CLIENT


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.9.0.16", "::1", "2001:db8::1", ""])
def test_nobody_else_is_believed(peer: str) -> None:
    claims = ("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")

    assert seen(peer, *claims) == peer
    assert seen(peer, *claims, forwarded="Forwarded") == peer


def test_without_a_list_nobody_is_believed() -> None:
    assert seen("127.0.0.1", ("X-Forwarded-For", "6.6.6.6"), trusted=()) == "127.0.0.1"


def test_a_header_that_the_proxy_does_not_write_means_nothing() -> None:
    both = ("X-Forwarded-For", CLIENT), ("Forwarded", "for=6.6.6.6")

    assert seen("127.0.0.1", *both) == CLIENT
    assert seen("127.0.0.1", *both, forwarded="Forwarded") == "6.6.6.6"
    other = (("X-Real-IP", "6.6.6.6"), ("Forwarded", "for=6.6.6.6"))
    assert seen("127.0.0.1", *other) == "127.0.0.1"


@pytest.mark.parametrize(
    ("element", "client"),
    [
        (f"for={CLIENT}", CLIENT),
        (f'For="{CLIENT}:80";proto=https', CLIENT),
        ('by=10.9.0.3;for="[2001:db8::7]:4711"', "2001:db8::7"),
        (f"for=6.6.6.6, for={CLIENT};host=a", CLIENT),
        (f"for=6.6.6.6, for={CLIENT}, for=10.9.0.3", CLIENT),
        ("for=_hidden", "127.0.0.1"),
        ("for=6.6.6.6, for=unknown", "127.0.0.1"),
        ("for=6.6.6.6;for=7.7.7.7", "127.0.0.1"),
        ("proto=https", "127.0.0.1"),
        # Quotation marks of a client's swallow nothing that the proxy appends.
        (f'for=6.6.6.6;x="a, for={CLIENT}', CLIENT),
        ('for=6.6.6.6, x="a, for="[2001:db8::7]"', "2001:db8::7"),
        (f'for="6.6.6.6\\\\, for={CLIENT}', CLIENT),
    ],
)
def test_elements_of_rfc_7239_are_read(element: str, client: str) -> None:
    found = seen("127.0.0.1", ("Forwarded", element), forwarded="Forwarded")

    assert found == client


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80))
def test_whatever_a_client_writes_it_is_counted_as_itself(claim: str) -> None:
    appended = f"{claim}, {CLIENT}"
    assert seen("127.0.0.1", ("X-Forwarded-For", appended)) == CLIENT
    said = f"{claim}, for={CLIENT}"
    assert seen("127.0.0.1", ("Forwarded", said), forwarded="Forwarded") == CLIENT
