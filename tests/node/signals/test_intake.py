# SPDX-License-Identifier: Apache-2.0
"""What a node takes in from a member that lies, repeats itself or is cut off."""

import errno
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from secrets import token_bytes
from typing import Any

import pytest
from tests.node.signals.conftest import BOT
from tests.support.fleet import Fleet, eventually
from tests.support.fleet_stores import FLEET_STORES
from tests.support.origin import WHO, Origin, output_of

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.errors import EquivocationError, TooManyRestrictionsError
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.feed.verification import (
    Known,
    verify_batch,
    verify_restrictions,
)
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import StoreFailedError, WrongStateError
from fedsafe_node.lookup.index import tokens
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.lookup.index.tokens import TokenIndex
from fedsafe_node.signals import restrictions as restricting
from fedsafe_node.store.rows import PeerState, SignalRow, SignalStatus
from fedsafe_policies.vocabulary import Effect, MediaKind, Plane, Scope

HASH = bytes.fromhex("a5" * 32)


@pytest.fixture
async def origin(fleet: Fleet) -> AsyncIterator[Origin]:
    """Let the test write the feed of a.demo, in front of two honest members."""
    await fleet.start("b.demo", "c.demo")
    origin = await Origin(fleet).load()
    async with origin.serving():
        yield origin


async def rows(fleet: Fleet, name: str = "b.demo") -> list[SignalRow]:
    return await fleet[name].base.store.scan(lambda r: r.signals_after(0, 1_000))


async def result(fleet: Fleet, name: str = "b.demo") -> list[str]:
    answer = await fleet.look_up(name, WHO)
    return [match.origin for match in answer.matches]


async def verifies(fleet: Fleet, name: str = "b.demo") -> bool:
    return (await fleet[name].services.audits.verify(BOT)).ok


# --- additions -----------------------------------------------------------------------


async def test_a_signal_arrives_with_its_position_and_event(
    fleet: Fleet, origin: Origin
) -> None:
    origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo", "c.demo")

    assert await result(fleet, "b.demo") == ["a.demo"]
    assert await result(fleet, "c.demo") == ["a.demo"]
    (event,) = await fleet.audit("b.demo", "feed.applied")
    assert b'"records":1' in event.openings["detail"]


async def test_many_signals_arrive_in_one_act(fleet: Fleet, origin: Origin) -> None:
    output = await output_of(fleet, "b.demo")
    for _ in range(200):
        origin.ban(output, token=token_bytes(16))
    await origin.taken("b.demo")

    assert len(await rows(fleet)) == 200
    assert len(await fleet.audit("b.demo", "feed.applied")) == 1


async def test_tokens_that_come_fast_do_not_fill_the_memory(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MERGE_AT", 100)
    index = fleet["b.demo"].base.lists.tokens
    output = await output_of(fleet, "b.demo")

    async def banned(many: int) -> None:
        for _ in range(many):
            origin.ban(output, token=token_bytes(16))
        await origin.taken("b.demo")

    async def is_merged() -> bool:
        return index.in_memory == 0

    await banned(100)
    assert index.in_memory == 100
    await banned(1)
    await eventually(is_merged)
    assert len(index) == 101


async def test_an_index_that_cannot_be_merged_hinders_nothing(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[TokenIndex] = []  # c.demo's too, once it asks for the feed itself
    index = fleet["b.demo"].base.lists.tokens

    def fail(of: TokenIndex, *_: object, **__: object) -> None:
        tried.append(of)
        raise OSError(errno.ENOSPC, "no room")

    async def is_tried() -> bool:
        return index in tried

    monkeypatch.setattr(tokens, "MERGE_AT", 0)
    monkeypatch.setattr(TokenIndex, "_build", fail)
    origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    await eventually(is_tried)
    origin.ban(await output_of(fleet, "b.demo"), token=token_bytes(16))
    await origin.taken("b.demo")

    assert await result(fleet) == ["a.demo"]
    assert tried.count(index) == 1  # the rest is for the duty


async def test_an_id_that_its_origin_uses_twice_counts_once(
    fleet: Fleet, origin: Origin
) -> None:
    output = await output_of(fleet, "b.demo")
    signal = origin.ban(output)
    origin.ban(await output_of(fleet, "b.demo", "other@mail.example"), signal=signal)
    await origin.taken("b.demo")
    origin.ban(output, signal=signal)
    await origin.taken("b.demo")

    assert len(await rows(fleet)) == 1
    assert await result(fleet) == ["a.demo"]
    assert (await fleet.look_up("b.demo", "other@mail.example")).matches == []
    assert await verifies(fleet)


async def test_an_id_of_another_origin_cannot_be_squatted(
    fleet: Fleet, origin: Origin
) -> None:
    honest = await fleet.publish(WHO, at="c.demo", by=["b.demo"])
    taken = bytes.fromhex(honest.replace("-", ""))
    origin.ban(await output_of(fleet, "b.demo", "other@mail.example"), signal=taken)
    origin.restrict(taken)
    await origin.taken("b.demo")

    assert await result(fleet) == ["c.demo"]
    assert [(row.origin, row.status) for row in await rows(fleet)] == [
        ("c.demo", SignalStatus.ACTIVE)
    ]


@pytest.mark.parametrize(
    "header",
    [
        {"match_until": 1_700_000_000},
        {"epoch": 2},
        {"scope": Scope.SELF},
        {"match_until": 4_000_000_000, "erase_after": 4_000_000_000},
    ],
    ids=["expired", "unknown epoch", "other scope", "too long"],
)
async def test_an_opening_that_policy_keeps_out_is_not_kept(
    fleet: Fleet, origin: Origin, header: dict[str, Any]
) -> None:
    origin.ban(await output_of(fleet, "b.demo"), **header)
    await origin.taken("b.demo")
    opening = await fleet["b.demo"].base.store.read(
        lambda reader: reader.opening("a.demo/feed", 0, "signal")
    )

    assert await rows(fleet) == []
    assert opening is None
    assert await result(fleet) == []
    assert await verifies(fleet)


async def test_a_poison_addition_does_not_stop_what_follows(
    fleet: Fleet, origin: Origin
) -> None:
    origin.add(token_bytes(16), b"no opening of ours")
    origin.file(HASH, group=token_bytes(32))
    origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")

    assert len(await rows(fleet)) == 1
    assert await result(fleet) == ["a.demo"]
    applied = await fleet.audit("b.demo", "feed.applied")
    told = [json.loads(event.openings["detail"]) for event in applied]
    assert sum(each.get("poison", 0) for each in told) == 2


async def test_files_and_pictures_arrive(fleet: Fleet, origin: Origin) -> None:
    origin.file(HASH)
    origin.file(HASH, kind=MediaKind.PDQ)
    await origin.taken("b.demo")

    for kind in (Kind.SHA256, Kind.PDQ):
        answer = await fleet.look_up("b.demo", HASH.hex(), kind)
        assert [match.plane for match in answer.matches] == [Plane.MEDIA]


# --- restrictions --------------------------------------------------------------------


async def test_a_restriction_may_come_before_its_signal(
    fleet: Fleet, origin: Origin
) -> None:
    signal = token_bytes(16)
    origin.restrict(signal)
    await origin.taken("b.demo")
    origin.ban(await output_of(fleet, "b.demo"), signal=signal)
    await origin.taken("b.demo")

    assert await rows(fleet) == []
    assert await result(fleet) == []


@pytest.mark.parametrize("effect", list(Effect))
async def test_every_restriction_stops_the_signal(
    fleet: Fleet, origin: Origin, effect: Effect
) -> None:
    signal = origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    origin.restrict(signal, effect=effect)
    await origin.taken("b.demo")
    kept = await fleet["b.demo"].base.store.read(
        lambda reader: reader.opening("a.demo/feed", 0, "signal")
    )

    assert [row.status.value for row in await rows(fleet)] == [effect.value]
    assert await result(fleet) == []
    assert (kept is not None) is (effect is Effect.DISPUTED)


@pytest.mark.parametrize("effect", [Effect.DISPUTED, Effect.EXPIRED])
async def test_nothing_softens_a_revocation(
    fleet: Fleet, origin: Origin, effect: Effect
) -> None:
    signal = origin.ban(await output_of(fleet, "b.demo"))
    origin.restrict(signal)
    origin.restrict(signal, effect=effect)
    await origin.taken("b.demo")
    origin.ban(await output_of(fleet, "b.demo"), signal=signal)
    await origin.taken("b.demo")

    assert await rows(fleet) == []
    assert await result(fleet) == []


async def test_a_signal_rests_that_comes_after_its_dispute(
    fleet: Fleet, origin: Origin
) -> None:
    signal = token_bytes(16)
    origin.restrict(signal, effect=Effect.DISPUTED)
    await origin.taken("b.demo")
    origin.ban(await output_of(fleet, "b.demo"), signal=signal)
    await origin.taken("b.demo")

    assert [row.status for row in await rows(fleet)] == [SignalStatus.DISPUTED]
    assert await result(fleet) == []


async def test_a_later_dispute_leaves_a_revoked_row_revoked(
    fleet: Fleet, origin: Origin
) -> None:
    signal = origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    origin.restrict(signal)
    await origin.taken("b.demo")
    origin.restrict(signal, effect=Effect.DISPUTED)
    await origin.taken("b.demo")

    assert [row.status for row in await rows(fleet)] == [SignalStatus.REVOKED]


async def test_revoked_stays_revoked_when_the_feed_is_read_anew(
    fleet: Fleet, origin: Origin
) -> None:
    signal = origin.ban(await output_of(fleet, "b.demo"))
    origin.restrict(signal)
    await origin.taken("b.demo")
    await fleet.stop("b.demo")
    await fleet.start("b.demo")
    await origin.taken("b.demo")

    assert await result(fleet) == []
    assert len(await fleet.audit("b.demo", "signal.restricted")) == 1


async def test_a_huge_sequence_number_hides_no_restriction(
    fleet: Fleet, origin: Origin
) -> None:
    signal = origin.ban(await output_of(fleet, "b.demo"))
    origin.restrict(bytes(16), recorded=False, sequence=2**31 - 1)
    await origin.taken("b.demo")
    assert len(await result(fleet)) == 1
    origin.restrict(signal, recorded=False, sequence=1)
    await origin.refused("b.demo")

    assert await result(fleet) == []


async def test_invented_restrictions_leave_their_origin_uncovered(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricting, "AHEAD", 2)
    signal = origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    origin.restrict(*(token_bytes(16) for _ in range(7)), recorded=False)
    origin.restrict(signal, recorded=False)
    origin.ban(await output_of(fleet, "b.demo", "other@mail.example"))
    fleet.clock.advance(timedelta(seconds=61))
    await origin.refused("b.demo")
    await origin.refused("b.demo")

    assert await result(fleet) == []
    assert "a.demo" in (await fleet.look_up("b.demo", WHO)).not_covered
    assert await fleet.cursor("b.demo", "a.demo") == 1
    assert len(await fleet.audit("b.demo", "signal.restricted")) == 1


async def test_so_many_names_lead_a_batch_and_the_rest_leads_the_next(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricting, "MAX_NAMES", 3)
    signals = [origin.ban(await output_of(fleet, "b.demo")) for _ in range(2)]
    await origin.taken("b.demo")
    node = fleet["b.demo"]
    await node.replicating.stop()
    origin.restrict(signals[0], token_bytes(16), token_bytes(16))
    origin.restrict(signals[1])
    charter = origin.membership.charter
    statements, _ = verify_restrictions(origin.statements, charter)
    with pytest.raises(TooManyRestrictionsError):
        await node.intake.restrict("a.demo", statements)
    first = [row.status for row in await rows(fleet)]
    done = (await node.intake.position("a.demo")).restrictions
    await node.intake.restrict("a.demo", statements[done:])

    assert first == [SignalStatus.REVOKED, SignalStatus.ACTIVE]
    assert [row.status for row in await rows(fleet)] == [SignalStatus.REVOKED] * 2


async def test_a_restriction_counts_although_the_batch_around_it_is_refused(
    fleet: Fleet, origin: Origin
) -> None:
    signal = origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    origin.restrict(signal, recorded=False)
    origin.ban(await output_of(fleet, "b.demo"))
    origin.keys = replace(origin.keys, feed=SigningKey.generate())
    await origin.refused("b.demo")

    assert await result(fleet) == []
    assert await fleet.cursor("b.demo", "a.demo") == 1


async def test_nobody_restricts_the_signals_of_another(
    fleet: Fleet, origin: Origin
) -> None:
    honest = await fleet.publish(WHO, at="c.demo", by=["b.demo"])
    origin.restrict(bytes.fromhex(honest.replace("-", "")), origin="c.demo")
    await origin.taken("b.demo")

    assert await result(fleet) == ["c.demo"]


# --- lies ----------------------------------------------------------------------------


def without_trailer(data: bytes) -> bytes:
    return data[: data.rstrip(b"\n").rfind(b"\n") + 1]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def changed(data: bytes) -> bytes:
    return data.replace(b'"index":0', b'"index":1', 1)


def doubled(data: bytes) -> bytes:
    first, rest = data.split(b"\n", 1)
    return first + b"\n" + first + b"\n" + rest


@pytest.mark.parametrize("tamper", [without_trailer, cut, changed, doubled])
async def test_a_tampered_batch_is_refused_whole_and_then_taken_when_honest(
    fleet: Fleet, origin: Origin, tamper: Callable[[bytes], bytes]
) -> None:
    origin.ban(await output_of(fleet, "b.demo"))
    origin.tamper = tamper
    await origin.refused("b.demo")

    assert await rows(fleet) == []
    assert await fleet.cursor("b.demo", "a.demo") == 0

    origin.tamper = lambda data: data
    await origin.taken("b.demo")

    assert await result(fleet) == ["a.demo"]


@pytest.mark.promise("TM-08")
async def test_two_trees_suspend_their_origin_for_good(
    fleet: Fleet, origin: Origin
) -> None:
    output = await output_of(fleet, "b.demo")
    origin.ban(output)
    await origin.taken("b.demo")
    first = await result(fleet)
    origin.records.clear()
    origin.openings.clear()
    origin.ban(output)
    fleet["b.demo"].replicating.wake("a.demo")

    async def suspended() -> bool:
        row = await fleet["b.demo"].base.store.read(lambda r: r.peer("a.demo"))
        return row is not None and row.state is PeerState.SUSPENDED

    await eventually(suspended)
    await origin.refused("b.demo")
    now = await fleet.look_up("b.demo", WHO)
    events = await fleet.audit("b.demo", "origin.suspended")
    await fleet.stop("b.demo")
    await fleet.start("b.demo")
    after = await fleet.look_up("b.demo", WHO)

    assert first == ["a.demo"]
    assert now.matches == []
    assert "a.demo" in now.not_covered
    assert len(events) == 1
    assert events[0].text.count("— a.demo/feed") == 2
    assert after.matches == []
    assert after.result is Result.INCOMPLETE


async def test_a_suspension_that_was_not_kept_is_kept_the_next_time(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    node = fleet["b.demo"]
    error = EquivocationError("a.demo", "two trees of one size", ("one", "two"))

    async def fail(_act: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(node.base.store, "write", fail)
    with pytest.raises(StoreFailedError):
        await node.intake.suspend("a.demo", error)
    monkeypatch.undo()

    assert await result(fleet) == []
    await node.intake.suspend("a.demo", error)
    assert len(await fleet.audit("b.demo", "origin.suspended")) == 1


# --- crashes -------------------------------------------------------------------------


async def test_what_was_applied_but_not_indexed_is_found_after_a_restart(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet["b.demo"].base.lists, "add", _lose)
    origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    before = await result(fleet)
    monkeypatch.undo()
    await fleet.stop("b.demo")
    await fleet.start("b.demo")

    # On a server a node may find it before, as what another process has applied.
    assert before == [] or FLEET_STORES.on_server
    assert await eventually(lambda: result(fleet)) == ["a.demo"]


def _lose(hints: list[Hint]) -> None:
    assert hints


async def test_a_batch_that_the_disk_refused_is_taken_the_next_time(
    fleet: Fleet, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.ban(await output_of(fleet, "b.demo"))
    node = fleet["b.demo"]
    request = FeedRequest("a.demo", 0, 0, 0)
    batch = decode_batch("a.demo", origin.batch(request))
    member = origin.membership.me
    known = (await node.intake.position("a.demo")).known
    verified = verify_batch(batch, member, known, origin.membership.charter)

    async def fail(_act: object, **_: object) -> None:
        raise StoreFailedError("disk full")

    await node.replicating.stop()
    monkeypatch.setattr(node.base.store, "write", fail)
    with pytest.raises(StoreFailedError):
        await node.intake.apply("a.demo", verified, at=fleet.clock.now())
    monkeypatch.undo()
    size = await fleet.cursor("b.demo", "a.demo")
    position = await node.intake.position("a.demo")

    assert isinstance(position.known, Known)
    assert position.known.frontier.size == size


async def test_a_node_alone_has_no_position_in_any_feed(alone: Fleet) -> None:
    with pytest.raises(WrongStateError):
        await alone["a.demo"].intake.position("b.demo")


async def test_a_feed_that_falls_silent_is_covered_no_more(
    fleet: Fleet, origin: Origin
) -> None:
    origin.ban(await output_of(fleet, "b.demo"))
    await origin.taken("b.demo")
    origin.tamper = cut
    fleet.clock.advance(timedelta(seconds=61))
    await origin.refused("b.demo")

    assert "a.demo" in (await fleet.look_up("b.demo", WHO)).not_covered
