# SPDX-License-Identifier: Apache-2.0
"""Additions wait for witnesses, restrictions never do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import pytest
from tests.node.signals.conftest import RITA
from tests.support.fleet import Fleet, eventually
from tests.support.peering import STRANGER, propose, publish

from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_federation.errors import PeerUnreachableError
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.feed.verification import open_checkpoint
from fedsafe_federation.feed.witnessing import witness_of
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.members.peering.disclosure import Hander
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_node.members.peering.witness_delay import LATE
from fedsafe_node.members.peering.witnessing import WitnessAnswer

ANNAS: Final = "anna@example.de"
BERTS: Final = "bert@example.de"


async def feed_size(fleet: Fleet, name: str = "a.demo") -> int:
    log = f"{name}/feed"
    return await fleet[name].base.store.read(lambda reader: reader.log_size(log))


@contextmanager
def refusing(fleet: Fleet, *names: str) -> Iterator[list[bytes]]:
    """Let witnesses cosign nothing; gives what they were asked."""
    asked: list[bytes] = []

    async def refuse(body: bytes) -> WitnessAnswer:
        asked.append(body)
        return WitnessAnswer(403, b"not today\n")

    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            patch.setattr(fleet[name].witnesses.server, "add_checkpoint", refuse)
        yield asked


async def refused(asked: list[bytes], fleet: Fleet) -> None:
    """Wait until witnesses have been asked for all of a.demo's feed."""
    size = f"\na.demo/feed\n{await feed_size(fleet)}\n".encode()

    async def is_asked() -> bool:
        return any(size in body for body in asked)

    await eventually(is_asked)


async def test_what_arrives_is_cosigned(trio: Fleet) -> None:
    await trio.publish(ANNAS)
    shared = trio["b.demo"].base.situation.shared
    assert shared is not None
    charter = shared.membership.charter
    row = await trio["b.demo"].base.store.read(lambda reader: reader.peer("a.demo"))

    assert charter.witness_quorum == "majority"
    assert charter.witnesses_needed == 1
    assert row is not None
    origin = charter.member("a.demo")
    assert open_checkpoint(origin, row.checkpoint).size == row.cursor
    witnesses = [witness_of(charter.member(name)) for name in ("b.demo", "c.demo")]
    assert verify_cosignatures(row.checkpoint.encode(), witnesses)


async def test_additions_wait_and_restrictions_do_not(trio: Fleet) -> None:
    old = await trio.publish(ANNAS)
    with refusing(trio, "b.demo", "c.demo") as asked:
        before = await trio.cursor("b.demo", "a.demo")
        await publish(trio, BERTS)
        await refused(asked, trio)
        await trio.revoke(old)

        async def is_revoked() -> bool:
            found = await trio.look_up("b.demo", ANNAS)
            return found.result.value == "none"

        await eventually(is_revoked)
        assert await trio.cursor("b.demo", "a.demo") == before
        assert (await trio.look_up("b.demo", BERTS)).result.value == "none"
    await trio.level("a.demo", ["b.demo", "c.demo"])

    assert (await trio.look_up("b.demo", BERTS)).result.value == "review"


async def test_that_additions_wait_is_told_and_that_they_go_on(trio: Fleet) -> None:
    with refusing(trio, "b.demo", "c.demo") as asked:
        await publish(trio, ANNAS)
        await refused(asked, trio)

        async def waits() -> bool:
            return all(
                "a.demo" in trio[name].base.situation.coverage.waiting
                for name in ("a.demo", "b.demo")
            )

        await eventually(waits)
        trio.clock.advance(LATE + timedelta(seconds=1))
        for name in ("a.demo", "b.demo"):
            await trio[name].witnesses.waiting.run()
            (event,) = await trio.audit(name, "additions.wait")
            assert '"origin":"a.demo"' in event.text
            checks = await trio[name].services.node.checks()
            assert checks["additions of a.demo"].startswith("wait for witnesses since")
        situation = trio["b.demo"].base.situation
        assert "a.demo" in situation.not_covered(trio.clock.now())
        why = situation.why_not_covered("a.demo", trio.clock.now(), actor=False)
        assert str(why) == "its additions wait for witnesses"
    await trio.level("a.demo", ["b.demo", "c.demo"])

    for name in ("a.demo", "b.demo"):
        await trio[name].witnesses.waiting.run()
        assert len(await trio.audit(name, "additions.go_on")) == 1
        checks = await trio[name].services.node.checks()
        assert "additions of a.demo" not in checks


async def test_a_process_that_has_signed_nothing_serves_what_is_witnessed(
    trio: Fleet,
) -> None:
    await trio.publish(ANNAS)
    size = await trio.cursor("b.demo", "a.demo")
    base = trio["a.demo"].base
    with refusing(trio, "b.demo", "c.demo") as asked:
        await publish(trio, BERTS)
        await refused(asked, trio)
        another = FeedServer(
            base.config.name,
            base.store,
            base.guard,
            base.keys.feed,
            base.trail,
            base.clock,
            offload=base.workers,
        )
        another.policy = trio["a.demo"].feed.policy
        hander = Hander(base.situation, "b.demo", base.clock.now())
        served = await another.batch(FeedRequest("a.demo", 0, 0, 0), "b.demo", hander)

    batch = decode_batch("a.demo", served.data)
    assert batch.trailer.next == size
    assert base.guard.known("a.demo/feed") > size


async def test_one_dead_member_of_three_stops_no_additions(trio: Fleet) -> None:
    await trio.stop("c.demo")

    await trio.publish(ANNAS, by=["b.demo"])


async def test_what_both_others_missed_comes_when_one_is_back(trio: Fleet) -> None:
    draft = await propose(trio, ANNAS)
    await trio.stop("b.demo", "c.demo")
    await trio["a.demo"].services.signals.approve([draft], RITA)
    await trio.start("b.demo")

    await trio.level("a.demo", ["b.demo"])


@pytest.mark.parametrize("gate", ["all", "2"])
async def test_a_node_may_want_more_for_itself(trio: Fleet, gate: str) -> None:
    shared = trio["a.demo"].base.situation.shared
    assert shared is not None
    members = shared.membership.charter.members
    names = {each.name[0]: witness_of(each).encode() for each in members}
    lines = [f"witness {name} {key}\n" for name, key in names.items() if name != "a"]
    path = trio.place("b.demo").additions_policy
    await trio.stop("b.demo", "c.demo")
    path.write_text("".join(lines) + f"group both {gate} b c\nquorum both\n")
    await trio.start("b.demo")
    await publish(trio, ANNAS)

    async def waits() -> bool:
        return "a.demo" in trio["b.demo"].base.situation.coverage.waiting

    await eventually(waits)
    assert await trio.cursor("b.demo", "a.demo") == 0
    await trio.start("c.demo")
    await trio.level("a.demo", ["b.demo", "c.demo"])


async def test_a_policy_of_strangers_is_refused(trio: Fleet) -> None:
    await trio.stop("b.demo")
    path = trio.place("b.demo").additions_policy
    path.write_text(f"witness x {STRANGER}\nquorum x\n")
    with pytest.raises(ConfigError, match=r"x\.demo/witness is no member"):
        await trio.start("b.demo")


async def test_a_witness_whose_answers_are_lost_is_asked_until_one_is_kept(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, lost = trio["a.demo"].client, list[int]()
    send = client.add_checkpoint

    async def losing(witness: str, prefix: str, body: bytes) -> tuple[int, bytes]:
        if b"\na.demo/feed\n" not in body:
            return await send(witness, prefix, body)
        if witness == "c.demo":
            raise PeerUnreachableError(witness, "it is away")
        status, data = await send(witness, prefix, body)
        # The second is lost after it has said how much it saw.
        if status == 200 and len(lost) < 2:
            lost.append(status)
            raise PeerUnreachableError(witness, "its answer was lost")
        return status, data

    monkeypatch.setattr(client, "add_checkpoint", losing)
    await trio.publish(ANNAS)

    assert lost == [200, 200]


async def test_a_burst_is_asked_for_once_and_each_witness_once_at_a_time(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, asked = trio["a.demo"].client, list[bytes]()
    send, go_on = client.add_checkpoint, asyncio.Event()
    under_way = most = 0

    async def held(witness: str, prefix: str, body: bytes) -> tuple[int, bytes]:
        nonlocal under_way, most
        if b"\na.demo/feed\n" not in body:
            return await send(witness, prefix, body)
        if witness == "b.demo":
            asked.append(body)
            under_way += 1
            most = max(most, under_way)
        await go_on.wait()
        try:
            return await send(witness, prefix, body)
        finally:
            under_way -= witness == "b.demo"

    monkeypatch.setattr(client, "add_checkpoint", held)
    await publish(trio, ANNAS)

    async def is_asked() -> bool:
        return bool(asked)

    await eventually(is_asked)
    for number in range(9):
        await publish(trio, f"person-{number}@example.de")
    go_on.set()
    await trio.level("a.demo", ["b.demo", "c.demo"])

    assert most == 1
    assert len(asked) <= 4  # what is new, and once more where its size was unknown
