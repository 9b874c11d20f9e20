# SPDX-License-Identifier: Apache-2.0
"""A peer is named exactly when its own signature convicts it."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.support.members import (
    FEDERATION,
    GENERATION,
    NAMES,
    key_of,
    world,
)
from tests.support.quorum import (
    INPUTS,
    LONG,
    Cheat,
    Members,
    evaluate,
    truth,
)

from fedsafe_crypto.errors import GenerationMismatchError, SharesError
from fedsafe_crypto.oprf.threshold import Pins
from fedsafe_crypto.primitives.ristretto import multiply
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.statements import (
    ANSWER,
    EvaluationAnswer,
    EvaluationRequest,
    answer_request,
)
from fedsafe_federation.wire.signed import Signed, sign_statement
from fedsafe_federation.wire.wireformat import decode


def resigned(name: str, answer: Signed, **changes: Any) -> Signed:  # noqa: ANN401
    value = msgspec.structs.replace(decode(answer.payload, EvaluationAnswer), **changes)
    return sign_statement(
        value,
        type_=ANSWER,
        signer=name,
        key=key_of(name, "statement"),
        federation=FEDERATION,
    )


async def junk_elements(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, elements=b"\xff" * 96)


async def wrong_elements(request: Signed, answer: Signed) -> Signed:
    elements = decode(request.payload, EvaluationRequest).elements
    two = (2).to_bytes(32, "little")
    doubled = b"".join(
        multiply(two, elements[at : at + 32]) for at in range(0, len(elements), 32)
    )
    return resigned(NAMES[1], answer, elements=doubled)


async def wrong_proof(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, proof=bytes(64))


async def fewer_elements(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, count=1, elements=bytes(31) + b"\1")


async def wrong_count(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, count=1)


async def other_index(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, index=3)


async def other_party(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, receiver=NAMES[2])


async def signed_junk(request: Signed, answer: Signed) -> Signed:
    del request, answer
    return sign_statement(
        {"junk": 1},
        type_=ANSWER,
        signer=NAMES[1],
        key=key_of(NAMES[1], "statement"),
        federation=FEDERATION,
    )


async def other_generation(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, generation=2)


async def other_request(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[1], answer, request=bytes(32))


async def anothers_signature(request: Signed, answer: Signed) -> Signed:
    del request
    return resigned(NAMES[2], answer)


async def anothers_key(request: Signed, answer: Signed) -> Signed:
    del request
    return msgspec.structs.replace(resigned(NAMES[2], answer), signer=NAMES[1])


async def garbage(request: Signed, answer: Signed) -> Signed:
    del request
    return msgspec.structs.replace(answer, payload=b"garbage")


async def request_returned(request: Signed, answer: Signed) -> Signed:
    del answer
    return request


async def times_out(request: Signed, answer: Signed) -> Signed:
    del request, answer
    raise TimeoutError


LIES = [
    junk_elements,
    wrong_elements,
    wrong_proof,
    fewer_elements,
    wrong_count,
    other_index,
    other_party,
    signed_junk,
]
NO_LIES = [
    other_generation,
    other_request,
    anothers_signature,
    anothers_key,
    garbage,
    request_returned,
    times_out,
]


@pytest.mark.parametrize("cheat", [*LIES, *NO_LIES])
async def test_a_peer_that_answers_wrongly_is_replaced(cheat: Cheat) -> None:
    members = Members(world(), cheats={NAMES[1]: cheat})
    members.away = set()
    # Turn the order so that the cheat is asked first.
    quorum = members.quorum()
    quorum._leave(NAMES[2], timedelta(seconds=1))  # noqa: SLF001

    outputs = await evaluate(quorum, INPUTS, within=LONG)
    await quorum.settle()

    assert outputs == truth(members.world)
    assert members.asked == [NAMES[1], NAMES[2]]
    assert members.accused() == ({NAMES[1]} if cheat in LIES else set())


@pytest.mark.parametrize("cheat", LIES)
async def test_the_evidence_is_what_both_signed(cheat: Cheat) -> None:
    members = Members(world(2, 2), cheats={NAMES[1]: cheat})

    with pytest.raises(QuorumError):
        await members.evaluate()

    [(peer, request, answer)] = members.reports
    assert (peer, request.signer, answer.signer) == (NAMES[1], NAMES[0], NAMES[1])


async def test_a_replayed_answer_is_no_lie_and_no_answer() -> None:
    members = Members(world(2, 2))
    kept: list[Signed] = []

    async def replay(request: Signed, answer: Signed) -> Signed:
        del request
        kept.append(answer)
        return kept[0]

    members.cheats[NAMES[1]] = replay
    assert await members.evaluate() == truth(members.world)
    with pytest.raises(QuorumError):
        await members.evaluate()
    assert members.reports == []


async def test_evidence_that_cannot_be_kept_does_not_stop_the_lookup(
    caplog: pytest.LogCaptureFixture,
) -> None:
    members = Members(world(), cheats=dict.fromkeys(NAMES[1:2], wrong_proof))
    quorum = members.quorum()

    async def broken(peer: str, why: str, request: Signed, answer: Signed) -> None:
        raise RuntimeError(peer, why, request.type, answer.type)

    quorum._report = broken  # noqa: SLF001
    quorum._leave(NAMES[2], timedelta(seconds=1))  # noqa: SLF001
    assert await evaluate(quorum, INPUTS, within=LONG) == truth(members.world)
    await quorum.settle()
    assert [entry.message for entry in caplog.records] == ["evidence not kept"]


def wrong_pins(index: int) -> Pins:
    founded = world()
    shares = dict(founded.pins.members)
    shares[index] = founded.pins.public
    return Pins(
        generation=GENERATION,
        threshold=2,
        public=founded.pins.public,
        members=shares,
    )


@pytest.mark.parametrize("index", [1, 2, 3])
def test_with_wrong_pins_nobody_is_even_asked(index: int) -> None:
    with pytest.raises(SharesError):
        Members(world()).quorum(pins=wrong_pins(index))


def test_pins_of_another_generation_are_refused() -> None:
    with pytest.raises(GenerationMismatchError):
        Members(world()).quorum(pins=world(number=2).pins)


async def test_a_peer_that_still_has_another_generation_is_not_accused() -> None:
    members = Members(world(2, 2))
    other = world(2, 2, secret=9, number=2)

    async def newer(request: Signed, answer: Signed) -> Signed:
        del answer
        opened = decode(request.payload, EvaluationRequest)
        return answer_request(
            request,
            msgspec.structs.replace(opened, generation=2),
            share=other.shares[NAMES[1]],
            pins=other.pins,
            key=key_of(NAMES[1], "statement"),
            federation=FEDERATION,
        )

    members.cheats[NAMES[1]] = newer
    with pytest.raises(QuorumError):
        await members.evaluate()
    assert members.reports == []


async def test_keeping_evidence_delays_no_lookup_and_is_not_cut_off() -> None:
    members, held = Members(world(), cheats={NAMES[1]: wrong_proof}), asyncio.Event()
    kept: list[str] = []
    quorum = members.quorum()

    async def slow(peer: str, why: str, request: Signed, answer: Signed) -> None:
        del why, request, answer
        await held.wait()
        kept.append(peer)

    quorum._report = slow  # noqa: SLF001
    quorum._leave(NAMES[2], timedelta(seconds=1))  # noqa: SLF001
    assert await evaluate(quorum, INPUTS, within=LONG) == truth(members.world)
    assert kept == []

    held.set()
    await quorum.settle()
    assert kept == [NAMES[1]]
