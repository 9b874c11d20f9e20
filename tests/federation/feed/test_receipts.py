# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.support.members import FEDERATION, NAMES, key_of, world

from fedsafe_federation.errors import (
    MalformedError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.feed.receipts import (
    MOST_RESIDUE_DAYS,
    RECEIPT,
    Receipt,
    open_receipt,
    sign_receipt,
)
from fedsafe_federation.wire.signed import Signed, sign_payload
from fedsafe_policies.vocabulary import ErasureMethod

A, B, C = NAMES[:3]
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
YEAR = MOST_RESIDUE_DAYS * 86_400
STATED = Receipt(
    v=1,
    member=B,
    origin=A,
    through=4,
    at=AT,
    method=ErasureMethod.OVERWRITTEN,
    residual_until=AT + YEAR,
)


def signed(receipt: Receipt = STATED, signer: str = B) -> Signed:
    key = key_of(signer, "statement")
    return sign_receipt(receipt, key=key, federation=FEDERATION)


def opened(statement: Signed) -> Receipt:
    return open_receipt(statement, me=A, charter=world().charter, now=NOW)


def test_what_a_member_signed_is_read() -> None:
    assert opened(signed()) == STATED
    assert opened(signed(replace(STATED, through=0, parted=3))).parted == 3


@pytest.mark.parametrize(
    "statement",
    [
        signed(signer=C),
        signed(replace(STATED, member=C)),
        signed(replace(STATED, origin=C)),
        replace(signed(replace(STATED, member=C)), signer=B),
    ],
)
def test_what_is_of_others_or_for_others_is_refused(statement: Signed) -> None:
    with pytest.raises(UntrustedError):
        opened(statement)


def test_one_of_the_future_is_refused() -> None:
    with pytest.raises(StaleStatementError):
        opened(signed(replace(STATED, at=AT + 3_600)))


@pytest.mark.parametrize(
    "receipt",
    [
        replace(STATED, residual_until=AT - 1),
        replace(STATED, residual_until=AT + YEAR + 1),
        replace(STATED, through=0),
    ],
)
def test_one_whose_times_do_not_fit_or_that_covers_nothing_is_malformed(
    receipt: Receipt,
) -> None:
    with pytest.raises(MalformedError):
        opened(signed(receipt))


@given(st.binary(max_size=200))
def test_junk_is_malformed(payload: bytes) -> None:
    statement = sign_payload(
        payload,
        type_=RECEIPT,
        signer=B,
        key=key_of(B, "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(MalformedError):
        opened(statement)
