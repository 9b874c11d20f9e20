# SPDX-License-Identifier: Apache-2.0

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import FEDERATION, NAMES, key_of, world

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import (
    CHARTER,
    LONGEST_EPOCH,
    Charter,
    MemberState,
    Pin,
    SignedCharter,
    open_charter,
)
from fedsafe_federation.errors import FederationError, MalformedError, UntrustedError
from fedsafe_federation.wire.signed import Signed, sign_payload
from fedsafe_federation.wire.wireformat import decode, encode

replace = msgspec.structs.replace
VALID = world().charter


def signature(
    payload: bytes, name: str, *, key: SigningKey | None = None, **other: str
) -> Signed:
    return sign_payload(
        payload,
        type_=other.get("type_", CHARTER),
        signer=name,
        key=key or key_of(name, "statement"),
        federation=other.get("federation", FEDERATION),
    )


def signed(charter: Charter, names: tuple[str, ...] = NAMES[:3]) -> SignedCharter:
    payload = encode(charter)
    return SignedCharter([signature(payload, name) for name in names])


def test_a_charter_that_all_signed_opens() -> None:
    document = decode(encode(signed(VALID)), SignedCharter)

    assert open_charter(document) == VALID
    assert VALID.pins() == {1: world().pins}
    assert VALID.member("b.example").index == 2


def test_nobody_else_is_a_member() -> None:
    with pytest.raises(UntrustedError, match="not a member"):
        VALID.member("e.example")


@pytest.mark.parametrize(
    "names",
    [
        ("a.example", "b.example"),
        ("a.example", "a.example", "b.example"),
        ("a.example", "b.example", "c.example", "d.example"),
    ],
    ids=["one is missing", "one signed twice", "a stranger signed"],
)
def test_all_members_sign_and_nobody_else(names: tuple[str, ...]) -> None:
    with pytest.raises(UntrustedError):
        open_charter(signed(VALID, names))


@pytest.mark.parametrize(
    "bad",
    [
        signature(encode(VALID), "c.example", key=key_of("a.example", "statement")),
        signature(encode(VALID), "c.example", type_="restriction"),
        signature(encode(VALID), "c.example", federation="other.example"),
        signature(encode(replace(VALID, created=1)), "c.example"),
    ],
    ids=["another key", "another type", "another federation", "another charter"],
)
def test_one_signature_that_does_not_count_voids_the_charter(bad: Signed) -> None:
    document = signed(VALID, ("a.example", "b.example"))
    with pytest.raises(UntrustedError):
        open_charter(SignedCharter([*document.signatures, bad]))


@given(place=st.integers(0, 100_000), flip=st.integers(1, 255))
def test_one_changed_byte_voids_the_charter(place: int, flip: int) -> None:
    payload = bytearray(encode(VALID))
    payload[place % len(payload)] ^= flip
    signatures = [
        replace(one, payload=bytes(payload)) for one in signed(VALID).signatures
    ]
    with pytest.raises(FederationError):
        open_charter(SignedCharter(signatures))


EPOCH = VALID.epochs[0]
A, B, C = VALID.members


def epochs(**changes: Any) -> Charter:  # noqa: ANN401 - a field of any type
    return replace(VALID, epochs=[replace(EPOCH, **changes)])


def two() -> Charter:
    """Make the charter of two who need each other."""
    return replace(
        VALID,
        members=[A, B],
        next_index=3,
        epochs=[replace(EPOCH, pins=EPOCH.pins[:2])],
    )


def pin(public: bytes) -> Pin:
    return Pin(3, public)


@pytest.mark.parametrize(
    ("charter", "why"),
    [
        (replace(VALID, members=[A, C, B]), "share indices"),
        (replace(VALID, members=[A, B, replace(C, index=4)]), "share indices"),
        (
            replace(VALID, members=[A, B, replace(C, index=4)], next_index=5),
            "do not run",
        ),
        (replace(VALID, previous=bytes(32)), "is named in all but one"),
        (replace(VALID, version=2), "is named in all but one"),
        (replace(VALID, quorum=1), "no majority"),
        (
            replace(VALID, members=[A, B, replace(C, state=MemberState.SUSPENDED)]),
            "a suspended member",
        ),
        (replace(VALID, members=[A, B, replace(C, name=A.name)]), "one name"),
        (replace(VALID, members=[A, B, replace(C, keys=A.keys)]), "used twice"),
        (
            replace(
                VALID,
                members=[A, B, replace(C, keys=replace(C.keys, audit=C.keys.feed))],
            ),
            "used twice",
        ),
        (
            replace(
                VALID,
                members=[A, B, replace(C, keys=replace(C.keys, audit=bytes(32)))],
            ),
            "may not sign",
        ),
        (replace(VALID, epochs=[EPOCH, EPOCH]), "listed twice"),
        (epochs(pins=EPOCH.pins[:2]), "one pin for each"),
        (two(), "3 share holders at least, not 2"),
        (epochs(threshold=4), "from 2 to 2 of 3"),
        (epochs(threshold=3), "from 2 to 2 of 3"),
        (epochs(ends=EPOCH.starts), "end after its begin"),
        (epochs(ends=EPOCH.starts + LONGEST_EPOCH + 1), "within 366 days"),
        (epochs(pins=[*EPOCH.pins[:2], pin(EPOCH.pins[0].public)]), "no sharing"),
        (epochs(pins=[*EPOCH.pins[:2], pin(bytes(32))]), "no sharing"),
        (epochs(public=b"\xff" * 32), "no sharing"),
        (epochs(threshold=1), "from 2 to 2 of 3"),
    ],
)
def test_a_charter_that_contradicts_itself(charter: Charter, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        open_charter(signed(charter))


@given(data=st.binary(max_size=200))
def test_junk_is_no_charter(data: bytes) -> None:
    with pytest.raises(MalformedError):
        open_charter(SignedCharter([signature(data, "a.example")]))
