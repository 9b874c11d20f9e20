# SPDX-License-Identifier: Apache-2.0
"""Pinned ranges, and what the standard library thinks of them."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis.strategies import integers, ip_addresses

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.ip import (
    NOT_GLOBAL_V4,
    canonical_ip,
    embedded_v4,
    is_global_v4,
    is_global_v6,
)

TEREDO = int(IPv6Address("2001:0:4136:e378:8000:63bf::"))
CARRIERS = {
    "mapped": lambda inner: int(IPv6Address("::ffff:0:0")) | inner,
    "6to4": lambda inner: int(IPv6Address("2002::1")) | inner << 80,
    "teredo": lambda inner: TEREDO | inner ^ 0xFFFFFFFF,
    "nat64": lambda inner: int(IPv6Address("64:ff9b::")) | inner,
}


@given(ip_addresses(v=4))
def test_global_ipv4_is_global_for_the_library_too(address: IPv4Address) -> None:
    if is_global_v4(address):
        assert address.is_global
        assert not address.is_multicast


@given(ip_addresses(v=6))
def test_global_ipv6_is_global_for_the_library_too(address: IPv6Address) -> None:
    if embedded_v4(address) is None and is_global_v6(address):
        assert address.is_global


@pytest.mark.parametrize("block", NOT_GLOBAL_V4, ids=str)
def test_first_and_last_of_a_special_block_are_refused(block: object) -> None:
    first, _, prefix = str(block).partition("/")
    last = IPv4Address(int(IPv4Address(first)) | (1 << 32 - int(prefix)) - 1)

    for address in (first, str(last)):
        with pytest.raises(IdentifierError) as refusal:
            canonical_ip(address)
        assert refusal.value.code == IdentifierFault.NOT_GLOBAL


@pytest.mark.parametrize("carrier", CARRIERS)
@given(inner=integers(0, 0xFFFFFFFF))
def test_a_carried_ipv4_address_is_that_address(carrier: str, inner: int) -> None:
    outcomes = []
    for written in (IPv4Address(inner), IPv6Address(CARRIERS[carrier](inner))):
        try:
            outcomes.append(canonical_ip(str(written)))
        except IdentifierError as error:
            outcomes.append(error.code)

    assert outcomes[0] == outcomes[1]


@given(integers(0, (1 << 61) - 1), integers(0, (1 << 64) - 1))
def test_a_whole_64_has_one_form(high: int, low: int) -> None:
    prefix = (1 << 61 | high) << 64
    address = IPv6Address(prefix | low)
    if embedded_v4(address) is not None or not is_global_v6(address):
        return

    assert canonical_ip(str(address)) == str(IPv6Network((prefix, 64)))
