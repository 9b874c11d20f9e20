# SPDX-License-Identifier: Apache-2.0
"""Evaluation statements: signed batches of blinded elements and their answers.

Request and answer name both parties, the generation, the number of elements, a
nonce and a deadline; a request says what for, which is the budget that it is counted
against (`metering`). The answer repeats the digest of the signed request. So they
meter, stop replay, and a wrong answer is evidence that anyone can check
(protocol 3.2). The elements are blinded: they tell the evaluator nothing.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.oprf.threshold import (
    Evaluation,
    Generation,
    KeyShare,
    Pins,
    evaluate_share,
)
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.primitives.ristretto import ELEMENT_BYTES
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import (
    MalformedError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_federation.wire.signed import (
    Bytes16,
    Bytes32,
    Bytes64,
    NodeName,
    Positive,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import EvaluationPurpose

REQUEST: Final = "evaluation.request"
ANSWER: Final = "evaluation.answer"
MAX_ELEMENTS: Final = 1_024

_Elements = Annotated[
    bytes,
    msgspec.Meta(min_length=ELEMENT_BYTES, max_length=MAX_ELEMENTS * ELEMENT_BYTES),
]
_Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=253402300799_000)]


class EvaluationRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*sender* asks *receiver* to evaluate *count* concatenated elements.

    `grant` names the grant of a backfill by its digest, and is there for no other
    purpose.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    sender: NodeName
    receiver: NodeName
    purpose: EvaluationPurpose
    epoch: Positive
    generation: Positive
    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_ELEMENTS)]
    elements: _Elements
    nonce: Bytes16
    at: _Milliseconds
    deadline: _Milliseconds
    grant: Bytes32 | None = None


class EvaluationAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*sender*'s share of the evaluation, with one proof for the batch."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    sender: NodeName
    receiver: NodeName
    request: Bytes32
    epoch: Positive
    generation: Positive
    index: Positive
    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_ELEMENTS)]
    elements: _Elements
    proof: Bytes64


def split_elements(joined: bytes, count: int) -> list[bytes]:
    """Cut concatenated elements apart.

    Raises:
        MalformedError: the length is not *count* elements.
    """
    if len(joined) != count * ELEMENT_BYTES:
        raise MalformedError("elements", Phrase("length and count differ"))
    return [
        joined[start : start + ELEMENT_BYTES]
        for start in range(0, len(joined), ELEMENT_BYTES)
    ]


def sign_request(  # noqa: PLR0913 - a statement has so many parts
    elements: Sequence[bytes],
    *,
    sender: str,
    receiver: str,
    generation: Generation,
    nonce: bytes,
    now: datetime,
    deadline: datetime,
    key: SigningKey,
    federation: str,
    purpose: EvaluationPurpose = EvaluationPurpose.LOOKUP,
    grant: bytes | None = None,
) -> Signed:
    """Ask *receiver* to evaluate blinded *elements* for a purpose."""
    request = EvaluationRequest(
        v=1,
        sender=sender,
        receiver=receiver,
        purpose=purpose,
        epoch=generation.epoch,
        generation=generation.number,
        count=len(elements),
        elements=b"".join(elements),
        nonce=nonce,
        at=_milliseconds(now),
        deadline=_milliseconds(deadline),
        grant=grant,
    )
    return sign_statement(
        request, type_=REQUEST, signer=sender, key=key, federation=federation
    )


def open_request(
    statement: Signed, *, me: str, charter: Charter, seen: SeenNonces, now: datetime
) -> EvaluationRequest:
    """Check signature, receiver, freshness and deadline of a request.

    Raises:
        UntrustedError: not from a member that takes part, or for another node.
        StaleStatementError: replayed, too old, or past its deadline.
        MalformedError: it does not fit.
    """
    member = charter.taking_part(statement.signer)
    request = open_statement(
        statement,
        EvaluationRequest,
        type_=REQUEST,
        public=member.keys.statement,
        federation=charter.federation,
    )
    if request.sender != statement.signer or request.receiver != me:
        raise UntrustedError(statement.signer, "the request names other parties")
    if (request.grant is not None) != (request.purpose is EvaluationPurpose.BACKFILL):
        raise MalformedError(
            "EvaluationRequest", Phrase("a backfill, and nothing else, has a grant")
        )
    if request.deadline < _milliseconds(now):
        raise StaleStatementError(statement.signer, "the deadline has passed")
    made = datetime.fromtimestamp(request.at / 1000, tz=UTC)
    seen.admit(statement.signer, request.nonce, made=made, now=now)
    return request


def _check_generation(request: EvaluationRequest, share: KeyShare) -> None:
    """Check that a request is of the generation of a share.

    Raises:
        StaleStatementError: it is of another.
    """
    if (request.epoch, request.generation) != (
        share.generation.epoch,
        share.generation.number,
    ):
        raise StaleStatementError(request.sender, "another key generation")


def answer_request(  # noqa: PLR0913 - what is asked, and what answers
    statement: Signed,
    request: EvaluationRequest,
    *,
    share: KeyShare,
    pins: Pins,
    key: SigningKey,
    federation: str,
) -> Signed:
    """Evaluate a checked request under *share* and sign the answer.

    Raises:
        StaleStatementError: the request is of another generation.
        CryptoError: an element is no element of the group.
    """
    _check_generation(request, share)
    elements = split_elements(request.elements, request.count)
    evaluation = evaluate_share(share, pins, elements)
    answer = EvaluationAnswer(
        v=1,
        sender=request.receiver,
        receiver=request.sender,
        request=digest(statement),
        epoch=evaluation.generation.epoch,
        generation=evaluation.generation.number,
        index=evaluation.index,
        count=request.count,
        elements=b"".join(evaluation.elements),
        proof=evaluation.proof,
    )
    return sign_statement(
        answer,
        type_=ANSWER,
        signer=request.receiver,
        key=key,
        federation=federation,
    )


def open_answer(
    statement: Signed, *, request: Signed, sender: str, me: str, charter: Charter
) -> Evaluation:
    """Check who answered, and what; the proof is checked by the threshold.

    Raises:
        UntrustedError: not signed by *sender*, or an answer to another request:
            nothing that *sender* could be blamed for.
        MalformedError: *sender* signed something that is no answer.
    """
    member = charter.member(sender)
    if statement.signer != sender:
        raise UntrustedError(sender, "somebody else signed the answer")
    answer = open_statement(
        statement,
        EvaluationAnswer,
        type_=ANSWER,
        public=member.keys.statement,
        federation=charter.federation,
    )
    if answer.request != digest(request):
        raise UntrustedError(sender, "the answer is to another request")
    if (answer.sender, answer.receiver, answer.index) != (sender, me, member.index):
        raise MalformedError("EvaluationAnswer", Phrase("it names other parties"))
    return Evaluation(
        index=answer.index,
        generation=Generation(epoch=answer.epoch, number=answer.generation),
        elements=tuple(split_elements(answer.elements, answer.count)),
        proof=answer.proof,
    )


def digest(statement: Signed) -> bytes:
    """Name a signed statement by the SHA-256 of payload and signature."""
    return hashlib.sha256(statement.payload + statement.signature).digest()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
