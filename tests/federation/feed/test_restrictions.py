# SPDX-License-Identifier: Apache-2.0

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    FEDERATION,
    key_of,
    restriction,
    signal_id,
    world,
)

from fedsafe_federation.errors import FederationError, MalformedError, UntrustedError
from fedsafe_federation.feed.restrictions import (
    LONGEST_DISPUTE,
    MAX_SIGNALS,
    RESTRICTION,
    Reason,
    Restriction,
    Terms,
    open_restriction,
    sign_restriction,
)
from fedsafe_federation.wire.signed import Signed, sign_payload, sign_statement
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.vocabulary import Contention, Control, Effect

CHARTER = world().charter
VALID = restriction("a.example", 1, [signal_id(1), signal_id(2)])


@pytest.mark.parametrize("effect", Effect)
def test_the_origin_restricts_its_own_signals(effect: Effect) -> None:
    statement = restriction("a.example", 7, [signal_id(3)], effect=effect)
    opened = open_restriction(statement, CHARTER)

    assert (opened.origin, opened.sequence, opened.effect) == ("a.example", 7, effect)
    assert opened.signals == [signal_id(3)]


@pytest.mark.parametrize("effect", set(Effect) - {Effect.DISPUTED})
def test_nobody_restricts_the_signals_of_another(effect: Effect) -> None:
    statement = restriction(
        "b.example", 1, [signal_id(1)], origin="a.example", effect=effect
    )

    with pytest.raises(UntrustedError, match="no authority over signals"):
        open_restriction(statement, CHARTER)


def disputed(**changes: object) -> Signed:
    honest = Restriction(
        v=1,
        origin="a.example",
        author="b.example",
        sequence=1,
        effect=Effect.DISPUTED,
        reason=Reason.REQUEST_OF_THE_PERSON,
        at=1_000,
        signals=[signal_id(1)],
        terms=TERMS,
    )
    return sign_restriction(
        msgspec.structs.replace(honest, **changes),
        key=key_of("b.example", "statement"),
        federation=FEDERATION,
    )


LATEST = 1_000 + LONGEST_DISPUTE
TERMS = Terms(Contention.WRONG_PERSON, Control.MAILED_CODE, LATEST)


def test_any_member_disputes_a_signal_of_another() -> None:
    opened = open_restriction(disputed(), CHARTER)

    assert (opened.author, opened.origin) == ("b.example", "a.example")
    assert opened.terms == TERMS


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": None},
        {"signals": [signal_id(1), signal_id(2)]},
        {"terms": msgspec.structs.replace(TERMS, deadline=1_000)},
        {"terms": msgspec.structs.replace(TERMS, deadline=LATEST + 1)},
        {"author": "b.example", "origin": "b.example", "effect": Effect.REVOKED},
    ],
    ids=["no terms", "two signals", "no time", "too much time", "not a dispute"],
)
def test_a_dispute_names_one_signal_and_its_terms(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError):
        open_restriction(disputed(**changes), CHARTER)


def test_nobody_disputes_what_no_member_published() -> None:
    with pytest.raises(UntrustedError):
        open_restriction(disputed(origin="e.example"), CHARTER)


def test_what_is_no_dispute_is_written_without_terms() -> None:
    assert b"terms" not in VALID.payload


def test_the_author_must_be_the_signer() -> None:
    content = Restriction(
        1, "a.example", "a.example", 1, Effect.REVOKED, Reason.MISTAKE, 1, [bytes(16)]
    )
    statement = sign_statement(
        content,
        type_=RESTRICTION,
        signer="b.example",
        key=key_of("b.example", "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(UntrustedError, match="the author is not the signer"):
        open_restriction(statement, CHARTER)


@pytest.mark.parametrize(
    "statement",
    [
        restriction("e.example", 1, [signal_id(1)]),
        restriction("a.example", 1, [signal_id(1)], signer="b.example"),
        msgspec.structs.replace(VALID, type="member.card"),
    ],
    ids=["no member", "another's key", "another type"],
)
def test_a_restriction_without_a_members_signature(statement: msgspec.Struct) -> None:
    with pytest.raises(UntrustedError):
        open_restriction(statement, CHARTER)  # type: ignore[arg-type]


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_one_changed_byte_makes_it_void(place: int, flip: int) -> None:
    for name in ("payload", "signature"):
        changed = bytearray(getattr(VALID, name))
        changed[place % len(changed)] ^= flip
        statement = msgspec.structs.replace(VALID, **{name: bytes(changed)})
        with pytest.raises(FederationError):
            open_restriction(statement, CHARTER)


@pytest.mark.parametrize("count", [0, MAX_SIGNALS + 1])
def test_a_restriction_names_one_to_a_thousand_signals(count: int) -> None:
    statement = restriction("a.example", 1, [signal_id(n) for n in range(count)])

    with pytest.raises(MalformedError):
        open_restriction(statement, CHARTER)


def test_the_largest_restriction_fits_a_line_of_a_feed() -> None:
    statement = restriction("a.example", 1, [bytes(16)] * MAX_SIGNALS)

    assert len(open_restriction(statement, CHARTER).signals) == MAX_SIGNALS
    assert len(encode(statement)) < 65_536


@given(payload=st.binary(max_size=100))
def test_junk_that_a_member_signed_is_malformed(payload: bytes) -> None:
    statement = sign_payload(
        payload,
        type_=RESTRICTION,
        signer="a.example",
        key=key_of("a.example", "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(MalformedError):
        open_restriction(statement, CHARTER)
