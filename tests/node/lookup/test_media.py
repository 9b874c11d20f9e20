# SPDX-License-Identifier: Apache-2.0
"""Files are found by their digests, pictures by what they look like."""

import dataclasses

from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH, PICTURE

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_policies.documents.document import Pictures


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
