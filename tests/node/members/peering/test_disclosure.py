# SPDX-License-Identifier: Apache-2.0
"""Who gets which opening, and what the recipient ledger says of it afterwards."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, DRAFTS, RITA, request_for
from tests.support.fleet import Fleet, eventually
from tests.support.peering import DORA

from fedsafe_federation.feed.batch import (
    FeedOpening,
    FeedRequest,
    RecordLine,
    decode_batch,
)
from fedsafe_federation.feed.signals import SignalHeader, encode_opening
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import BadRequestError, DeniedError, NotFoundError
from fedsafe_node.members.peering.disclosure import Hander
from fedsafe_node.store.peering_rows import HandedRow
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Plane, Purpose, Scope

MEMBERS = ("a.demo", "b.demo", "c.demo")


def line(index: int, plane: Plane | None) -> RecordLine:
    """Make a line of the feed; without a plane it has no opening."""
    if plane is None:
        return RecordLine(index, b"record")
    header = SignalHeader(
        v=1,
        plane=plane,
        epoch=1,
        generation=1,
        scope=Scope.FEDERATION,
        match_until=2_000_000_000,
        erase_after=2_000_000_000,
    )
    token = bytes(16) if plane is Plane.ACTOR else None
    payload = encode_opening(header, sealed=bytes(64), token=token)
    return RecordLine(index, b"record", FeedOpening(salt=bytes(32), payload=payload))


def entered(runs: list[HandedRow]) -> list[int]:
    return [index for run in runs for index in range(run.first, run.last + 1)]


planes = st.sampled_from([None, Plane.ACTOR, Plane.MEDIA])
audiences = st.none() | st.frozensets(st.sampled_from(MEMBERS[1:]))
feeds = st.lists(st.tuples(planes, audiences), max_size=30)


@pytest.mark.promise("LR-21")
async def test_whatever_was_handed_over_is_in_the_ledger_and_nothing_else(
    trio: Fleet,
) -> None:
    situation, now = trio["a.demo"].base.situation, trio.clock.now()

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        feed=feeds,
        since=st.integers(0, 9),
        member=st.sampled_from([*MEMBERS[1:], "x.demo"]),
        open_=st.booleans(),
    )
    def check(
        feed: list[tuple[Plane | None, frozenset[str] | None]],
        since: int,
        member: str,
        open_: bool,  # noqa: FBT001 - Hypothesis names it
    ) -> None:
        at = now if open_ else now + timedelta(days=400)
        lines = [line(since + n, plane) for n, (plane, _) in enumerate(feed)]
        meant = {
            since + n: names for n, (_, names) in enumerate(feed) if names is not None
        }
        handed = Hander(situation, member, at).hand_over(lines, meant)
        given_ = [each.index for each in handed.records if each.opening is not None]
        wanted = [
            since + n
            for n, (plane, names) in enumerate(feed)
            if plane is not None
            and member in MEMBERS
            and (names is None or member in names)
            and (plane is Plane.MEDIA or open_)
        ]

        assert given_ == entered(list(handed.runs)) == wanted
        assert [each.index for each in handed.records] == [x.index for x in lines]
        assert {run.recipient for run in handed.runs} <= {member}
        for before, after in zip(handed.runs, handed.runs[1:], strict=False):
            same = before.purpose == after.purpose and before.basis == after.basis
            assert after.first > before.last + 1 or not same

    check()


@pytest.mark.promise("LR-32")
async def test_a_place_that_policy_does_not_admit_gets_nothing(trio: Fleet) -> None:
    base = trio["a.demo"].base
    shared = base.situation.shared
    assert shared is not None
    others = shared.membership.charter.members
    for position, member in enumerate(others):
        if member.name == "b.demo":
            others[position] = replace(member, jurisdiction="US")
    hander = Hander(base.situation, "b.demo", trio.clock.now())
    lines = [line(0, Plane.MEDIA), line(1, Plane.ACTOR)]
    handed = hander.hand_over(lines, {})

    assert [each.opening for each in handed.records] == [None, None]
    assert [each.erased for each in handed.records] == [False, False]
    assert handed.runs == []


async def test_the_gate_says_on_what_basis_a_person_is_shared(trio: Fleet) -> None:
    situation, now = trio["a.demo"].base.situation, trio.clock.now()
    situation.record_gate(LegalGate(legal_basis="file-2026-17"))
    lines = [line(0, Plane.MEDIA), line(1, Plane.ACTOR)]
    runs = Hander(situation, "b.demo", now).hand_over(lines, {}).runs

    assert [run.basis for run in runs] == ["charter:epoch-1", "file-2026-17"]


async def ledger(fleet: Fleet, signal: str) -> list[tuple[str, str, str]]:
    recipients = fleet["a.demo"].services.recipients
    answer = await recipients.show(signal, DORA)
    return [(one.recipient, one.purpose, one.basis) for one in answer.recipients]


async def test_a_signal_of_the_federation_names_all_that_have_it(trio: Fleet) -> None:
    person = await trio.publish("person@mail.example")
    file = await trio.publish("ab" * 32, Kind.SHA256)

    assert await ledger(trio, person) == [
        ("b.demo", Purpose.MODERATION_REVIEW, "charter:epoch-1"),
        ("c.demo", Purpose.MODERATION_REVIEW, "charter:epoch-1"),
    ]
    assert await ledger(trio, file) == [
        ("b.demo", Purpose.MEDIA_MATCHING, "charter:epoch-1"),
        ("c.demo", Purpose.MEDIA_MATCHING, "charter:epoch-1"),
    ]


async def published_for(fleet: Fleet, value: str, nodes: list[str] | None) -> str:
    signals = fleet["a.demo"].services.signals
    request = request_for(value, scope=Scope.FEDERATION, nodes=nodes)
    draft = await signals.add(request, ANNA)
    assert draft.nodes == nodes
    assert (await signals.listed(DRAFTS, RITA)).signals[0].nodes == nodes
    await signals.approve([draft.signal], RITA)
    await fleet.level("a.demo", ("b.demo", "c.demo"))
    return draft.signal


async def test_a_signal_for_some_reaches_them_and_hides_nothing_from_the_others(
    trio: Fleet,
) -> None:
    signal = await published_for(trio, "few@mail.example", ["b.demo"])

    assert (await trio.look_up("b.demo", "few@mail.example")).result is Result.REVIEW
    assert (await trio.look_up("c.demo", "few@mail.example")).result is Result.NONE
    assert [name for name, _, _ in await ledger(trio, signal)] == ["b.demo"]
    assert (await trio["a.demo"].services.signals.show(signal, RITA)).nodes == [
        "b.demo"
    ]


async def test_a_signal_for_nobody_reaches_nobody(trio: Fleet) -> None:
    signal = await published_for(trio, "none@mail.example", [])

    for name in ("b.demo", "c.demo"):
        answer = await trio.look_up(name, "none@mail.example")
        assert answer.result is Result.NONE
    assert await ledger(trio, signal) == []


async def test_a_signal_is_for_members_and_no_own_ban_is_for_any(trio: Fleet) -> None:
    signals = trio["a.demo"].services.signals
    for wrong in (
        request_for(scope=Scope.FEDERATION, nodes=["x.demo"]),
        request_for(scope=Scope.FEDERATION, nodes=["b.demo", "a.demo"]),
        request_for(nodes=["b.demo"]),
    ):
        with pytest.raises(BadRequestError) as refused:
            await signals.add(wrong, ANNA)
        assert refused.value.code == "bad_nodes"
        assert str(refused.value.pointer).startswith("/nodes")


@pytest.mark.promise("LR-21")
async def test_the_ledger_outlives_the_signal_and_knows_who_heard_of_its_end(
    trio: Fleet,
) -> None:
    signal = await trio.publish("person@mail.example")
    recipients = trio["a.demo"].services.recipients
    standing = await recipients.show(signal, DORA)
    await trio.stop("c.demo")
    await trio.revoke(signal, by=["b.demo"])

    async def told() -> dict[str, bool | None] | None:
        answer = await recipients.show(signal, DORA)
        found = {one.recipient: one.told for one in answer.recipients}
        return found if found["b.demo"] else None

    assert {one.told for one in standing.recipients} == {None}
    assert await eventually(told) == {"b.demo": True, "c.demo": False}


async def test_a_claim_to_have_heard_what_was_never_said_is_ignored(
    trio: Fleet,
) -> None:
    node, now = trio["a.demo"], trio.clock.now()
    hander = Hander(node.base.situation, "b.demo", now)
    claim = FeedRequest("a.demo", 0, 0, 1_000_000, 10)
    await node.feed.batch(claim, "b.demo", hander)

    assert await node.base.store.read(lambda reader: reader.heard()) == []


async def test_every_hand_over_is_entered_even_a_repeated_one(trio: Fleet) -> None:
    signal = await trio.publish("person@mail.example")
    node, now = trio["a.demo"], trio.clock.now()
    hander = Hander(node.base.situation, "b.demo", now)
    request = FeedRequest("a.demo", 0, 0, 0, 10)
    data = (await node.feed.batch(request, "b.demo", hander)).data
    answer = await node.services.recipients.show(signal, DORA)
    times = {one.recipient: one.times for one in answer.recipients}

    assert decode_batch("a.demo", data).records[0].opening is not None
    assert times == {"b.demo": 2, "c.demo": 1}


async def test_only_oversight_reads_the_ledger(trio: Fleet) -> None:
    recipients = trio["a.demo"].services.recipients
    signal = await trio.publish("person@mail.example")
    with pytest.raises(DeniedError):
        await recipients.show(signal, ANNA)
    with pytest.raises(DeniedError):
        await recipients.show(signal, DORA, Purpose.SIGNUP_CHECK)
    with pytest.raises(NotFoundError):
        await recipients.show("01a20e5e-7e0b-7dca-b773-0d06d4879060", DORA)
    await recipients.show(signal, DORA)
    (event,) = await trio.audit("a.demo", "recipients.read")

    assert signal in event.text
    assert "audit_review" in event.text
