# SPDX-License-Identifier: Apache-2.0
"""What comes before its key, and what a courier says of a feed that waits."""

from collections.abc import AsyncIterator
from dataclasses import replace
from secrets import token_bytes

import msgspec
import pytest
from tests.support.fleet import Fleet, eventually
from tests.support.origin import WHO, Origin, output_of

from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.feed.verification import VerifiedBatch, verify_batch
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.keys.own_keys import MediaKeys
from fedsafe_node.signals.feed_gaps import Gaps
from fedsafe_node.signals.missing_openings import Ahead
from fedsafe_policies.documents.do_not_share import shipped_lists

HASH = bytes(range(32))


@pytest.fixture
async def origin(fleet: Fleet) -> AsyncIterator[Origin]:
    """Let the test write the feed of a.demo, in front of two honest members."""
    await fleet.start("b.demo", "c.demo")
    origin = await Origin(fleet).load()
    async with origin.serving():
        yield origin


def rotate(node: RunningNode, group: bytes) -> None:
    """Let a node take up the version of the charter that shows a new generation."""
    shared = node.base.situation.shared
    assert shared is not None
    before = shared.membership
    (epoch,) = before.charter.epochs
    charter = msgspec.structs.replace(
        before.charter,
        version=before.charter.version + 1,
        epochs=[msgspec.structs.replace(epoch, generation=2)],
    )
    media = {**before.media, (1, 2): MediaKeys(before.media[1, 1].token, group)}
    version = replace(before.version, charter=charter)
    shared.membership = replace(before, version=version, media=media)


async def matches(fleet: Fleet) -> bool:
    answer = await fleet.look_up("b.demo", HASH.hex(), Kind.SHA256)
    return bool(answer.matches) and "a.demo" not in answer.not_covered


async def test_a_file_that_comes_before_its_key_matches_once_the_key_is_here(
    fleet: Fleet, origin: Origin
) -> None:
    group = token_bytes(32)
    origin.ban(await output_of(fleet, "b.demo"))
    origin.file(HASH, group=group, generation=2)
    await origin.taken("b.demo")
    early = await fleet.look_up("b.demo", HASH.hex(), Kind.SHA256)
    rotate(fleet["b.demo"], group)
    fleet["b.demo"].replicating.wake("a.demo")

    await eventually(lambda: matches(fleet))
    assert early.matches == []
    assert early.not_covered == ["a.demo"]
    assert (await fleet.look_up("b.demo", WHO)).matches


async def test_a_restart_remembers_that_a_feed_is_ahead(
    fleet: Fleet, origin: Origin
) -> None:
    origin.file(HASH, group=token_bytes(32), generation=2)
    await origin.taken("b.demo")
    await fleet.stop("b.demo")
    await fleet.start("b.demo")

    assert fleet["b.demo"].base.situation.coverage.ahead == {"a.demo"}


async def carried(fleet: Fleet, origin: Origin) -> VerifiedBatch:
    """Give what another member would hand on of the feed."""
    position = await fleet["b.demo"].intake.position("a.demo", carried=True)
    origin.openings.clear()
    known = position.known
    size = known.checkpoint.size if known.checkpoint else 0
    data = origin.batch(FeedRequest("a.demo", known.frontier.size, size, 0))
    batch = decode_batch("a.demo", data)
    charter = origin.membership.charter
    return verify_batch(batch, origin.membership.me, known, charter, carried=True)


async def test_what_a_courier_brings_does_not_end_the_wait_for_witnesses(
    fleet: Fleet, origin: Origin
) -> None:
    node, now = fleet["b.demo"], fleet.clock.now()
    origin.ban(await output_of(fleet, "b.demo"))
    await node.replicating.rest()
    node.base.situation.coverage.waiting["a.demo"] = now
    batch = await carried(fleet, origin)
    await node.intake.apply("a.demo", batch, at=now, carried=True)

    assert node.base.situation.coverage.waiting == {"a.demo": now}


@pytest.mark.parametrize(
    ("before", "version", "index"),
    [(Ahead(7, 1), 1, None), (Ahead(7, 1), 2, 7), (None, 2, None)],
    ids=["the same version", "a later version", "nothing early"],
)
def test_what_is_early_is_read_again_under_a_later_version(
    before: Ahead | None, version: int, index: int | None
) -> None:
    gaps = Gaps(ahead=before)

    assert gaps.readable(version, shipped_lists()) == index


def test_what_is_to_be_read_again_sooner_comes_first() -> None:
    gaps = Gaps(again=3, ahead=Ahead(7, 1))

    assert gaps.readable(2, shipped_lists()) == 3
