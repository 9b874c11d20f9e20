# SPDX-License-Identifier: Apache-2.0
"""Files are found by their digests, pictures by what they look like."""

import dataclasses
import json

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH, PICTURE

from fedsafe_federation.media.pdq import ORIENTATIONS, Orientation, orientations_of
from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import BatchRequest, Result, Subject
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_policies.documents.document import Pictures
from fedsafe_policies.vocabulary import Purpose, Surface


def flipped(digest: bytes, bits: int) -> str:
    return (int.from_bytes(digest) ^ ((1 << bits) - 1)).to_bytes(32).hex()


async def test_a_file_is_found_by_its_digest(trio: Fleet) -> None:
    await trio.publish(HASH, Kind.SHA256)
    found = await trio.look_up("b.demo", HASH.upper(), Kind.SHA256)
    other = await trio.look_up("b.demo", "cd" * 32, Kind.SHA256)
    same_bytes = await trio.look_up("b.demo", HASH, Kind.BLAKE3)

    assert found.result is Result.REVIEW
    assert found.matches[0].kind is Kind.SHA256
    assert found.matches[0].removed_on is None
    assert other.result is Result.NONE
    assert same_bytes.result is Result.NONE


async def test_pictures_match_up_to_distance_31(trio: Fleet) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)
    near = await trio.look_up("b.demo", flipped(PICTURE, 31), Kind.PDQ)
    far = await trio.look_up("b.demo", flipped(PICTURE, 32), Kind.PDQ)

    assert near.result is Result.REVIEW
    assert near.matches[0].distance == 31
    assert far.result is Result.NONE


async def test_pictures_match_up_to_the_radius_of_policy_and_origin(
    trio: Fleet,
) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)  # by a.demo
    situation = trio["b.demo"].base.situation

    async def found(bits: int) -> bool:
        asked = flipped(PICTURE, bits)
        answer = await trio.look_up("b.demo", asked, Kind.PDQ)
        return answer.result is Result.REVIEW

    async def by(pictures: Pictures, bits: int) -> list[bool]:
        document = replace(situation.policy.document, pictures=pictures)
        situation.policy = dataclasses.replace(situation.policy, document=document)
        return [await found(bits), await found(bits + 1)]

    assert await by(Pictures(radius=9), 9) == [True, False]
    named = Pictures(radius=20, origins={"a.demo": 12})
    assert await by(named, 12) == [True, False]
    other = Pictures(radius=20, origins={"c.demo": 12})
    assert await by(other, 20) == [True, False]


def turned(place: int, bits: int = 31) -> str:
    """Give the eight digests of a picture, the one at a place near to PICTURE."""
    back = {1: 3, 3: 1}.get(place, place)
    found = bytes.fromhex(flipped(PICTURE, bits))
    return b"".join(orientations_of(orientations_of(found)[back])).hex()


def eight(*places: int, bits: int = 31) -> str:
    """Give eight digests: those at some places are near to PICTURE, each nearer."""
    strange = [bytes([1 << place]) * 32 for place in range(8)]
    digests = [digest.hex() for digest in strange]
    for step, place in enumerate(places):
        digests[place] = flipped(PICTURE, bits - step)
    return "".join(digests)


async def test_a_turned_picture_is_one_question_and_its_orientation_is_named(
    trio: Fleet,
) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)
    situation = trio["b.demo"].base.situation
    quota = replace(
        situation.policy.document.budgets, lookups_an_hour={Purpose.MEDIA_MATCHING: 10}
    )
    document = replace(situation.policy.document, budgets=quota)
    situation.policy = dataclasses.replace(situation.policy, document=document)
    found = [
        await trio.look_up("b.demo", turned(place), Kind.PDQ) for place in range(8)
    ]
    alone = await trio.look_up("b.demo", flipped(PICTURE, 31), Kind.PDQ)
    none = await trio.look_up("b.demo", turned(3, bits=32), Kind.PDQ)

    told = [(m.orientation, m.distance) for answer in found for m in answer.matches]
    assert told == [(orientation, 31) for orientation in Orientation]
    assert alone.matches[0].orientation is None
    assert none.result is Result.NONE
    events = await trio.audit("b.demo", "lookup")
    details = [json.loads(event.openings["detail"]) for event in events]
    assert [each.get("questions") for each in details] == [1] * 9 + [None]
    assert details[-1]["lookups"] == 1
    with pytest.raises(DeniedError) as caught:
        await trio.look_up("b.demo", turned(0), Kind.PDQ)
    assert caught.value.decision.code == "budget"


async def test_eight_pictures_cost_eight_questions_though_they_are_one(
    trio: Fleet,
) -> None:
    lookups = trio["b.demo"].services.lookups
    about = [Question(kind=Kind.PDQ, value=text) for text in (eight(2), turned(2))]
    subjects = [Subject(questions=[each]) for each in about]
    await trio.look_up("b.demo", eight(1), Kind.PDQ)
    request = BatchRequest(
        lookups=[*subjects, Subject(questions=about)],
        purpose=Purpose.MEDIA_MATCHING,
        surface=Surface.PUBLIC_CONTENT,
    )
    await lookups.batch(request, BOT)

    spent = await trio["b.demo"].base.store.read(
        lambda reader: reader.spent(0, BOT.name, "media_matching")
    )
    assert sum(each.spent for each in spent) == 8 + 8 + 1 + 8


async def test_of_several_orientations_the_nearest_is_named_once(trio: Fleet) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)
    (match,) = (await trio.look_up("b.demo", eight(1, 6, 2), Kind.PDQ)).matches
    (first,) = (await trio.look_up("b.demo", flipped(PICTURE, 5) * 8, Kind.PDQ)).matches

    assert (match.orientation, match.distance) == (Orientation.ROTATED_180, 29)
    assert (first.orientation, first.distance) == (ORIENTATIONS[0], 5)


@pytest.mark.parametrize("count", [0, 2, 7, 9])
async def test_a_picture_has_one_digest_or_eight(trio: Fleet, count: int) -> None:
    with pytest.raises(BadRequestError, match="64 hexadecimal digits, or 512"):
        await trio.look_up("b.demo", PICTURE.hex() * count, Kind.PDQ)


async def test_only_a_lookup_takes_eight_digests(trio: Fleet) -> None:
    with pytest.raises(BadRequestError, match=r"is 64 hexadecimal digits$"):
        await trio["b.demo"].services.signals.add(
            request_for(eight(1), kind=Kind.PDQ), ANNA
        )
    with pytest.raises(BadRequestError, match=r"is 64 hexadecimal digits$"):
        await trio.look_up("b.demo", HASH * 8, Kind.SHA256)


async def test_a_picture_is_found_again_after_a_restart(trio: Fleet) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)
    await trio["b.demo"].services.signals.add(
        request_for(flipped(PICTURE, 8), kind=Kind.PDQ), ANNA
    )
    await trio.stop("b.demo")
    await trio.start("b.demo")
    await trio.covered()
    answer = await trio.look_up("b.demo", PICTURE.hex(), Kind.PDQ)

    assert sorted(match.distance or 0 for match in answer.matches) == [0, 8]


async def test_a_file_needs_no_quorum(trio: Fleet) -> None:
    await trio.publish(HASH, Kind.SHA256)
    await trio.stop("a.demo", "c.demo")
    answer = await trio.look_up("b.demo", HASH, Kind.SHA256, deadline_ms=200)

    assert answer.result is Result.REVIEW
    assert answer.retry_after_ms is None
