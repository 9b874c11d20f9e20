# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import asdict, replace
from tests.support.members import FEDERATION, NAMES, key_of, world

from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.feed.inquiries import (
    Inquiry,
    InquiryState,
    InquiryStatus,
    Sightings,
    in_steps,
    open_inquiry,
    open_sightings,
    open_status,
    sign_inquiry,
    sign_sightings,
    sign_status,
)
from fedsafe_federation.wire.signed import Signed

A, B, C = NAMES[:3]
ASKED = Inquiry(
    v=1, member=B, origin=A, signal=bytes(16), reason="listing_wrong", day=20_781
)
STATUS = InquiryStatus(
    v=1, origin=A, member=B, signal=bytes(16), state=InquiryState.KEPT, day=20_790
)
TOLD = Sightings(
    v=1, member=B, origin=A, day=20_781, sums={"email": {"confirm": 20}, "pdq": {}}
)


def asked(inquiry: Inquiry = ASKED, by: str = B) -> Signed:
    key = key_of(by, "statement")
    return sign_inquiry(inquiry, key=key, federation=FEDERATION)


def answered(status: InquiryStatus = STATUS, by: str = A) -> Signed:
    return sign_status(status, key=key_of(by, "statement"), federation=FEDERATION)


def told(sightings: Sightings = TOLD, by: str = B) -> Signed:
    key = key_of(by, "statement")
    return sign_sightings(sightings, key=key, federation=FEDERATION)


def test_an_inquiry_says_which_signal_why_and_when_and_nothing_else() -> None:
    charter = world().charter

    assert open_inquiry(asked(), member=B, me=A, charter=charter) == ASKED
    assert set(asdict(ASKED)) == {*("v", "member", "origin", "signal", "reason", "day")}


@pytest.mark.parametrize(
    "statement",
    [
        asked(by=C),
        asked(replace(ASKED, member=C)),
        asked(replace(ASKED, member=C), by=C),
        asked(replace(ASKED, origin=C)),
        answered(),
        told(),
    ],
)
def test_an_inquiry_that_its_member_did_not_sign_so_is_refused(
    statement: Signed,
) -> None:
    with pytest.raises(UntrustedError):
        open_inquiry(statement, member=B, me=A, charter=world().charter)


def test_words_of_ones_own_are_refused() -> None:
    said = asked(replace(ASKED, reason="anna@mail.example"))
    with pytest.raises(MalformedError):
        open_inquiry(said, member=B, me=A, charter=world().charter)


@pytest.mark.parametrize(
    "statement",
    [
        answered(by=C),
        answered(replace(STATUS, origin=C)),
        answered(replace(STATUS, member=C)),
        answered(replace(STATUS, signal=bytes([1]) * 16)),
        asked(by=A),
    ],
)
def test_an_answer_to_another_inquiry_is_refused(statement: Signed) -> None:
    charter = world().charter
    with pytest.raises(UntrustedError):
        open_status(statement, ASKED, charter)

    assert open_status(answered(), ASKED, charter) == STATUS


@pytest.mark.parametrize("count", [0, 1, 9, 11, 105])
def test_sums_of_few_are_neither_told_nor_taken(count: int) -> None:
    charter = world().charter
    sums = {"email": {"confirm": count}}
    with pytest.raises(MalformedError):
        open_sightings(told(replace(TOLD, sums=sums)), member=B, me=A, charter=charter)
    tens = count - count % 10

    assert in_steps({("email", "confirm"): count}) == (
        {"email": {"confirm": tens}} if tens else {}
    )
    assert open_sightings(told(), member=B, me=A, charter=charter) == TOLD


@pytest.mark.parametrize(
    "statement",
    [told(by=C), told(replace(TOLD, member=C)), told(replace(TOLD, origin=C)), asked()],
)
def test_sums_that_another_tells_are_refused(statement: Signed) -> None:
    with pytest.raises(UntrustedError):
        open_sightings(statement, member=B, me=A, charter=world().charter)
