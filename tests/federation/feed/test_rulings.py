# SPDX-License-Identifier: Apache-2.0

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import FEDERATION, key_of, signal_id, world

from fedsafe_federation.errors import FederationError, MalformedError, UntrustedError
from fedsafe_federation.feed.records import RulingRecord, decode_record, encode_record
from fedsafe_federation.feed.rulings import (
    MAX_DISPUTES,
    RULING,
    Outcome,
    Ruling,
    open_ruling,
    sign_ruling,
)
from fedsafe_federation.wire.signed import Signed, sign_payload

CHARTER = world().charter
HONEST = Ruling(
    v=1,
    origin="a.example",
    signal=signal_id(1),
    disputes=[bytes(32)],
    outcome=Outcome.RESTORED,
    at=1_700_000_000,
)


def signed(ruling: Ruling = HONEST, signer: str = "a.example") -> Signed:
    key = key_of(signer, "statement")
    return sign_ruling(ruling, key=key, federation=FEDERATION)


def test_the_origin_rules_on_its_own_signal() -> None:
    record = decode_record(encode_record(RulingRecord(signed())))

    assert isinstance(record, RulingRecord)
    assert open_ruling(record.statement, CHARTER) == HONEST


def test_nobody_rules_for_another() -> None:
    other = msgspec.structs.replace(signed(signer="b.example"), signer="b.example")

    for statement in (signed(signer="b.example"), other):
        with pytest.raises(UntrustedError):
            open_ruling(statement, CHARTER)


@pytest.mark.parametrize("count", [0, MAX_DISPUTES + 1])
def test_a_ruling_names_one_to_a_hundred_disputes(count: int) -> None:
    statement = signed(msgspec.structs.replace(HONEST, disputes=[bytes(32)] * count))

    with pytest.raises(MalformedError):
        open_ruling(statement, CHARTER)


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_makes_it_void(place: int, flip: int) -> None:
    for name in ("payload", "signature"):
        changed = bytearray(getattr(signed(), name))
        changed[place % len(changed)] ^= flip
        statement = msgspec.structs.replace(signed(), **{name: bytes(changed)})
        with pytest.raises(FederationError):
            open_ruling(statement, CHARTER)


@given(payload=st.binary(max_size=100))
def test_junk_that_a_member_signed_is_malformed(payload: bytes) -> None:
    statement = sign_payload(
        payload,
        type_=RULING,
        signer="a.example",
        key=key_of("a.example", "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(MalformedError):
        open_ruling(statement, CHARTER)
