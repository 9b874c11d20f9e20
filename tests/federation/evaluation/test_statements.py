# SPDX-License-Identifier: Apache-2.0

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    FEDERATION,
    GENERATION,
    NOW,
    flipped,
    key_of,
    world,
)

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.threshold import Generation, verify_evaluation
from fedsafe_crypto.oprf.voprf import Mode, blind
from fedsafe_federation.errors import (
    FederationError,
    MalformedError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.evaluation.statements import (
    ANSWER,
    REQUEST,
    EvaluationAnswer,
    EvaluationRequest,
    answer_request,
    digest,
    open_answer,
    open_request,
    sign_request,
    split_elements,
)
from fedsafe_federation.wire.freshness import SKEW, WINDOW, SeenNonces
from fedsafe_federation.wire.signed import Signed, sign_payload, sign_statement
from fedsafe_federation.wire.wireformat import decode

replace = msgspec.structs.replace
WORLD = world()
A, B = "a.example", "b.example"
ELEMENTS = [blind(x, Mode.VOPRF).element for x in (b"one", b"two")]


def asked(  # noqa: PLR0913
    *,
    sender: str = A,
    receiver: str = B,
    nonce: bytes = bytes(16),
    at: datetime = NOW,
    deadline: datetime = NOW + timedelta(seconds=1),
    generation: Generation = GENERATION,
    federation: str = FEDERATION,
) -> Signed:
    return sign_request(
        ELEMENTS,
        sender=sender,
        receiver=receiver,
        generation=generation,
        nonce=nonce,
        now=at,
        deadline=deadline,
        key=key_of(sender, "statement"),
        federation=federation,
    )


def memory() -> SeenNonces:
    return SeenNonces(began=NOW - timedelta(hours=1))


def opened(
    statement: Signed, *, seen: SeenNonces | None = None, now: datetime = NOW
) -> EvaluationRequest:
    return open_request(
        statement, me=B, charter=WORLD.charter, seen=seen or memory(), now=now
    )


def answered(statement: Signed) -> Signed:
    return answer_request(
        statement,
        decode(statement.payload, EvaluationRequest),
        share=WORLD.shares[B],
        pins=WORLD.pins,
        key=key_of(B, "statement"),
        federation=FEDERATION,
    )


ASKED = asked()
ANSWERED = answered(ASKED)


def resigned(signer: str = B, **changes: Any) -> Signed:  # noqa: ANN401
    answer = replace(decode(ANSWERED.payload, EvaluationAnswer), **changes)
    return sign_statement(
        answer,
        type_=ANSWER,
        signer=signer,
        key=key_of(signer, "statement"),
        federation=FEDERATION,
    )


def read(answer: Signed, request: Signed = ASKED) -> object:
    return open_answer(answer, request=request, sender=B, me=A, charter=WORLD.charter)


def test_a_request_names_parties_generation_and_elements() -> None:
    request = opened(ASKED)

    assert (request.sender, request.receiver) == (A, B)
    assert (request.epoch, request.generation, request.count) == (1, 1, 2)
    assert split_elements(request.elements, 2) == ELEMENTS


def test_an_answer_verifies_under_the_pins() -> None:
    evaluation = open_answer(
        ANSWERED, request=ASKED, sender=B, me=A, charter=WORLD.charter
    )
    verify_evaluation(WORLD.pins, ELEMENTS, evaluation, asked=2)


def test_a_replayed_request_is_stale() -> None:
    seen = memory()
    opened(ASKED, seen=seen)

    opened(asked(nonce=b"1" * 16), seen=seen)
    with pytest.raises(StaleStatementError, match="seen before"):
        opened(ASKED, seen=seen)


@pytest.mark.parametrize(
    ("at", "deadline", "why"),
    [
        (NOW - WINDOW - SKEW, NOW, "too old"),
        (NOW + SKEW + SKEW, NOW + timedelta(minutes=1), "in the future"),
        (NOW, NOW - timedelta(milliseconds=1), "the deadline has passed"),
    ],
)
def test_a_request_out_of_time_is_stale(
    at: datetime, deadline: datetime, why: str
) -> None:
    with pytest.raises(StaleStatementError, match=why):
        opened(asked(at=at, deadline=deadline))


def test_a_stale_request_does_not_use_up_its_nonce() -> None:
    seen = memory()
    with pytest.raises(StaleStatementError):
        opened(asked(deadline=NOW - timedelta(seconds=1)), seen=seen)

    opened(ASKED, seen=seen)


@pytest.mark.parametrize(
    "statement",
    [
        asked(receiver="c.example"),
        asked(sender="e.example"),
        asked(federation="other.example"),
        replace(ASKED, signer="c.example"),
        replace(ASKED, type=ANSWER),
    ],
    ids=["for another", "no member", "federation", "signer", "type"],
)
def test_a_request_that_does_not_count(statement: Signed) -> None:
    with pytest.raises(UntrustedError):
        opened(statement)


def test_the_sender_is_the_signer() -> None:
    request = replace(decode(ASKED.payload, EvaluationRequest), sender="c.example")
    statement = sign_statement(
        request,
        type_=REQUEST,
        signer=A,
        key=key_of(A, "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(UntrustedError, match="names other parties"):
        opened(statement)


@given(place=st.integers(0, 5_000), flip=st.integers(1, 255))
def test_one_changed_byte_is_refused(place: int, flip: int) -> None:
    for name in ("payload", "signature"):
        changed = flipped(getattr(ASKED, name), place, flip)
        with pytest.raises(FederationError):
            opened(replace(ASKED, **{name: changed}))
        changed = flipped(getattr(ANSWERED, name), place, flip)
        with pytest.raises(UntrustedError):
            read(replace(ANSWERED, **{name: changed}))


@given(payload=st.binary(max_size=200))
def test_junk_that_a_member_signed_is_malformed(payload: bytes) -> None:
    def signed(type_: str, signer: str) -> Signed:
        return sign_payload(
            payload,
            type_=type_,
            signer=signer,
            key=key_of(signer, "statement"),
            federation=FEDERATION,
        )

    with pytest.raises(MalformedError):
        opened(signed(REQUEST, A))
    with pytest.raises(MalformedError):
        read(signed(ANSWER, B))


@pytest.mark.parametrize("generation", [Generation(1, 2), Generation(2, 1)])
def test_another_generation_is_stale(generation: Generation) -> None:
    with pytest.raises(StaleStatementError, match="another key generation"):
        answered(asked(generation=generation))


@pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32])
def test_what_is_no_element_is_not_evaluated(element: bytes) -> None:
    request = replace(
        decode(ASKED.payload, EvaluationRequest), count=1, elements=element
    )
    with pytest.raises(CryptoError):
        answer_request(
            ASKED,
            request,
            share=WORLD.shares[B],
            pins=WORLD.pins,
            key=key_of(B, "statement"),
            federation=FEDERATION,
        )


@given(count=st.integers(1, 5), length=st.integers(0, 160))
def test_length_and_count_must_agree(count: int, length: int) -> None:
    if length == count * 32:
        assert len(split_elements(bytes(length), count)) == count
    else:
        with pytest.raises(MalformedError):
            split_elements(bytes(length), count)


@pytest.mark.parametrize(
    "answer",
    [
        resigned(request=bytes(32)),
        resigned(signer="c.example"),
        replace(ANSWERED, signer="c.example"),
        replace(ANSWERED, type=REQUEST),
    ],
    ids=["another request", "another signer", "another name", "type"],
)
def test_an_answer_that_nobody_can_be_blamed_for(answer: Signed) -> None:
    with pytest.raises(UntrustedError):
        read(answer)


@pytest.mark.parametrize(
    "answer",
    [
        resigned(sender="c.example"),
        resigned(receiver="c.example"),
        resigned(index=3),
        resigned(count=1),
        resigned(count=1_025),
    ],
    ids=["sender", "receiver", "index", "count", "bounds"],
)
def test_an_answer_that_convicts_its_signer(answer: Signed) -> None:
    with pytest.raises(MalformedError):
        read(answer)


def test_an_answer_fits_one_request_only() -> None:
    other = asked(nonce=b"2" * 16)

    with pytest.raises(UntrustedError, match="another request"):
        read(ANSWERED, other)
    assert digest(ASKED) != digest(other)
    assert digest(ASKED) != digest(replace(ASKED, signature=bytes(64)))
