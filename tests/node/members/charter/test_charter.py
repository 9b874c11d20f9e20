# SPDX-License-Identifier: Apache-2.0
"""Members change their charter over sockets, with crashes and without each other."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.charter_changes import PERSON, faults, matches
from tests.support.council import (
    agree,
    at_version,
    ballot_of,
    hear,
    present,
    propose,
    show,
    vote,
)
from tests.support.fleet import NAMES, Fleet, eventually
from tests.support.members import fetched

from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_federation.charter.charter import MemberState, PolicyReference
from fedsafe_federation.errors import PeerRefusedError
from fedsafe_federation.exchange.handshake import Speaks, parse_speaks
from fedsafe_federation.feed.batch import FeedRequest
from fedsafe_federation.feed.restrictions import Reason, Terms
from fedsafe_node.acts.bodies import Kind, SignalState
from fedsafe_node.acts.lookup import Result
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.governing import GOVERNING_ROUTES
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import Event
from fedsafe_node.members.peering.former_members import Partings
from fedsafe_node.members.peering.overdue_erasures import Debts
from fedsafe_node.signals.departure import erase_departed
from fedsafe_node.signals.statement import state
from fedsafe_policies.vocabulary import Contention, Control, Effect, Role, Scope

DIGEST = "ab" * 32


async def test_a_version_counts_everywhere_once_a_quorum_has_signed(
    trio: Fleet,
) -> None:
    proposal = await propose(trio, "a.demo", ChangeKind.TERMS, appeal="b.demo")
    await hear(trio, "c.demo", proposal)
    waiting = await show(trio, "c.demo")
    await agree(trio, proposal, "c.demo")
    await at_version(trio, 2, *NAMES)

    assert (waiting.version, waiting.appeal) == (1, None)
    assert waiting.proposals[0].by == "a.demo"
    assert (waiting.proposals[0].count, waiting.proposals[0].quorum) == (1, 2)
    assert "b.demo" in waiting.proposals[0].changes[0].en
    for name in NAMES:
        now = await show(trio, name)
        assert (now.version, now.appeal, now.proposals) == (2, "b.demo", [])
        (event,) = await trio.audit(name, "federation.changed")
        assert '"version":2' in event.text
    assert len(await trio.audit("b.demo", "federation.signed")) == 0
    assert len(await trio.audit("c.demo", "federation.signed")) == 1
    history = await trio["b.demo"].services.governance.history()
    assert [each.version for each in history.versions] == [1, 2]
    assert history.versions[1].signed == ["a.demo", "c.demo"]


async def test_one_signature_of_three_changes_nothing(trio: Fleet) -> None:
    proposal = await propose(trio, "a.demo", ChangeKind.EXPEL, "c.demo")
    await hear(trio, "b.demo", proposal)
    await hear(trio, "c.demo", proposal)

    assert [(await show(trio, name)).version for name in NAMES] == [1, 1, 1]


async def test_votes_and_versions_survive_a_restart(trio: Fleet) -> None:
    proposal = await propose(trio, "a.demo", ChangeKind.TERMS, appeal="b.demo")
    await trio.stop("a.demo")
    await trio.start("a.demo")
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, *NAMES)
    await trio.stop(*NAMES)
    await trio.start(*NAMES)

    await at_version(trio, 2, *NAMES)
    assert (await show(trio, "c.demo")).appeal == "b.demo"


async def test_who_was_away_catches_up(trio: Fleet) -> None:
    await trio.stop("c.demo")
    for appeal in ("a.demo", "b.demo"):
        proposal = await propose(trio, "a.demo", ChangeKind.TERMS, appeal=appeal)
        await agree(trio, proposal, "b.demo")
        await at_version(trio, 3 if appeal == "b.demo" else 2, "a.demo", "b.demo")
    await trio.start("c.demo")
    await at_version(trio, 3, *NAMES)

    assert (await show(trio, "c.demo")).appeal == "b.demo"


async def test_a_node_signs_one_version_until_the_other_is_dead(trio: Fleet) -> None:
    first = await propose(trio, "a.demo", ChangeKind.TERMS, appeal="a.demo")
    second = await propose(trio, "b.demo", ChangeKind.TERMS, appeal="b.demo")
    payload = await hear(trio, "a.demo", second)
    with pytest.raises(WrongStateError) as voted:
        await vote(trio, "a.demo", payload)
    for name in ("b.demo", "c.demo"):
        await vote(trio, name, await hear(trio, name, first), refuse=True)
    with pytest.raises(WrongStateError):
        await vote(trio, "c.demo", await hear(trio, "c.demo", first))

    async def dead() -> bool:
        return any(each.dead for each in (await show(trio, "a.demo")).proposals)

    await eventually(dead)
    await vote(trio, "a.demo", payload)
    await at_version(trio, 2, *NAMES)

    assert voted.value.code == "charter_voted"
    assert (await show(trio, "c.demo")).appeal == "b.demo"


async def test_the_signals_of_a_suspended_member_rest_and_come_back(
    trio: Fleet,
) -> None:
    await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    await trio.publish("0" * 64, Kind.SHA256, at="c.demo", by=("a.demo", "b.demo"))
    assert await matches(trio, "a.demo") == 1
    proposal = await propose(trio, "a.demo", ChangeKind.SUSPEND, "c.demo")
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, *NAMES)
    resting = [await trio.look_up(name, PERSON) for name in ("a.demo", "b.demo")]
    file = await trio.look_up("a.demo", "0" * 64, Kind.SHA256)
    own = await trio.look_up("c.demo", "other@mail.example", deadline_ms=500)
    member = trio["a.demo"].base.situation.shared
    assert member is not None
    state = member.membership.charter.member("c.demo").state
    request, client = FeedRequest("a.demo", 0, 0, 0, 10), trio["c.demo"].client
    with pytest.raises(PeerRefusedError) as refused:
        await fetched(client, member.membership.me, request)
    standing = (await show(trio, "c.demo")).standing
    proposal = await propose(trio, "b.demo", ChangeKind.REINSTATE, "c.demo")
    await agree(trio, proposal, "a.demo")
    await at_version(trio, 3, *NAMES)

    async def are_back() -> bool:
        found = [await matches(trio, name) for name in ("a.demo", "b.demo")]
        return found == [1, 1]

    await eventually(are_back)

    assert state is MemberState.SUSPENDED
    assert standing == "suspended"
    assert [each.result for each in resting] == [Result.NONE, Result.NONE]
    assert file.matches == []
    assert own.result is Result.DEFERRED
    assert set(own.not_covered) == {"a.demo", "b.demo"}
    assert refused.value.status == 403
    await trio.covered()
    await trio.publish("later@mail.example", at="c.demo", by=("a.demo", "b.demo"))
    assert await matches(trio, "b.demo", "later@mail.example") == 1


@pytest.mark.usefixtures("ticking_jobs")
async def test_of_who_leaves_nothing_is_left_to_match(trio: Fleet) -> None:
    await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    await trio.publish("1" * 64, Kind.SHA256, at="c.demo", by=("a.demo", "b.demo"))
    proposal = await propose(trio, "c.demo", ChangeKind.LEAVE, "c.demo")
    await agree(trio, proposal, "a.demo", "b.demo")
    await at_version(trio, 2, "a.demo", "b.demo")

    async def gone() -> bool:
        return trio["c.demo"].base.situation.shared is None

    await eventually(gone)
    trio.clock.advance(timedelta(seconds=30))

    async def erased() -> bool:
        events = [
            await trio.audit(name, "federation.erased") for name in ("a.demo", "b.demo")
        ]
        return all(events)

    assert [await matches(trio, name) for name in ("a.demo", "b.demo")] == [0, 0]
    await eventually(erased)
    for name in ("a.demo", "b.demo"):
        held = await trio[name].base.store.read(lambda r: r.held_signals("c.demo", 9))
        assert held == []
    assert (await show(trio, "c.demo")).standing == "left"
    await trio.stop("c.demo")
    await trio.start("c.demo")
    assert trio["c.demo"].base.situation.shared is None
    answer = await trio.look_up("c.demo", PERSON)
    assert answer.result is Result.NONE
    ban = request_for("own@mail.example", scope=Scope.SELF)
    kept = await trio["c.demo"].services.signals.add(ban, ANNA)
    assert kept.state is not SignalState.DRAFT


async def receipts_of_partings(fleet: Fleet, name: str) -> dict[str, int]:
    rows = await fleet[name].base.store.read(lambda reader: reader.partings())
    return {row.member: row.parted for row in rows}


def partings_of(fleet: Fleet, name: str) -> Partings:
    return fleet[name]._made.partings  # noqa: SLF001


@pytest.mark.parametrize("kind", [ChangeKind.LEAVE, ChangeKind.EXPEL])
async def test_who_parts_gives_and_gets_a_receipt_for_all_that_there_was(
    trio: Fleet, kind: ChangeKind
) -> None:
    await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    await trio.publish(PERSON, at="a.demo", by=("b.demo", "c.demo"))
    first, second = (
        ("c.demo", "a.demo") if kind is ChangeKind.LEAVE else ("a.demo", "b.demo")
    )
    proposal = await propose(trio, first, kind, "c.demo")
    await agree(trio, proposal, *({"a.demo", "b.demo", second} - {first}))

    async def gone() -> bool:
        return trio["c.demo"].base.situation.shared is None

    await at_version(trio, 2, "a.demo", "b.demo")
    await eventually(gone)
    partings = {name: partings_of(trio, name) for name in NAMES}
    for each in partings.values():
        await each.run()  # notes who parted; nothing is erased yet
    early = [await receipts_of_partings(trio, name) for name in NAMES]
    debts = Debts(
        trio["a.demo"].base.situation,
        trio["a.demo"].base.store,
        trio["a.demo"].base.trail,
        trio["a.demo"].base.clock,
    )
    trio.clock.advance(timedelta(hours=25))
    await debts.run()
    owed = await trio.audit("a.demo", Event.ERASURE_OWED.value)
    for name in NAMES:
        await erase_departed(trio[name].desk)
    for each in partings.values():
        await each.run()
        await each.run()  # what was taken is not given again
    await debts.run()

    assert early == [{}, early[1], {}]  # c had nothing of b
    assert ['"c.demo"' in each.text for each in owed] == [True]
    for name in ("a.demo", "b.demo"):
        assert await receipts_of_partings(trio, name) == {"c.demo": 2}
    assert await receipts_of_partings(trio, "c.demo") == {"a.demo": 2, "b.demo": 2}
    given = await trio.audit("c.demo", Event.RECEIPT_GIVEN.value)
    assert len(given) == 2
    assert trio["a.demo"].base.situation.debts == {}
    assert len(await trio.audit("a.demo", Event.ERASURE_SETTLED.value)) == 1


@pytest.mark.parametrize("kind", [ChangeKind.LEAVE, ChangeKind.EXPEL])
async def test_everything_verifies_before_and_after_a_member_has_parted(
    trio: Fleet, kind: ChangeKind
) -> None:
    for origin in ("a.demo", "c.demo"):
        others = tuple({*NAMES} - {origin})
        stopped, _ = [
            await trio.publish(person, at=origin, by=others)
            for person in (PERSON, "other@mail.example")
        ]
        await trio.revoke(stopped, at=origin, by=others)
    first = "c.demo" if kind is ChangeKind.LEAVE else "a.demo"
    proposal = await propose(trio, first, kind, "c.demo")
    await agree(trio, proposal, *({"a.demo", "b.demo"} - {first}))

    async def gone() -> bool:
        return trio["c.demo"].base.situation.shared is None

    await at_version(trio, 2, "a.demo", "b.demo")
    await eventually(gone)
    before = [await faults(trio, name) for name in NAMES]
    erased = [await erase_departed(trio[name].desk) for name in NAMES]
    after = [await faults(trio, name) for name in NAMES]

    assert all(erased)
    assert before == after == [[], [], []]


async def test_a_dispute_that_comes_after_its_origin_has_parted_is_no_fault(
    trio: Fleet,
) -> None:
    signal = await trio.publish(PERSON, at="b.demo", by=("a.demo", "c.demo"))
    proposal = await propose(trio, "a.demo", ChangeKind.EXPEL, "b.demo")
    await agree(trio, proposal, "c.demo")
    await at_version(trio, 2, "a.demo", "c.demo")
    desk = trio["c.demo"].desk
    deadline = int(desk.clock.now().timestamp()) + 86_400
    said = await desk.store.write(
        lambda tx: state(
            desk,
            tx,
            [read_signal_id(signal)],
            Effect.DISPUTED,
            Reason.MISTAKE,
            origin="b.demo",
            terms=Terms(Contention.WRONG_PERSON, Control.MAILED_CODE, deadline),
        )
    )
    desk.announce(said.feed)
    await trio.level("c.demo", ("a.demo",))

    assert await faults(trio, "a.demo") == []


async def test_the_rest_still_evaluates_what_was_published(trio: Fleet) -> None:
    await trio.publish(PERSON, at="a.demo", by=("b.demo",))
    proposal = await propose(trio, "a.demo", ChangeKind.EXPEL, "c.demo")
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, "a.demo", "b.demo")

    assert await matches(trio, "b.demo") == 1
    assert (await trio.look_up("b.demo", "x@mail.example")).result is Result.NONE


async def test_new_terms_shut_what_rests_on_the_old_ones(trio: Fleet) -> None:
    terms = PolicyReference("arrangement", bytes.fromhex(DIGEST))
    proposal = await propose(trio, "a.demo", ChangeKind.TERMS, arrangement=terms)
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, *NAMES)

    assert {trio[name].base.situation.arrangement for name in NAMES} == {DIGEST[:8]}


async def test_taking_the_same_twice_changes_nothing(trio: Fleet) -> None:
    proposal = await propose(trio, "a.demo", ChangeKind.TERMS, appeal="b.demo")
    await hear(trio, "b.demo", proposal)
    statements = (await present(trio, "b.demo")).pending.statements()
    taken = await asyncio.gather(
        *(ballot_of(trio, "b.demo").take([], statements) for _ in range(3))
    )

    assert taken == [False, False, False]


@pytest.mark.promise("LR-25")
async def test_nodes_with_other_arrangements_exchange_nothing(trio: Fleet) -> None:
    shared = trio["b.demo"].base.situation.shared
    assert shared is not None
    member = shared.membership.charter.member("b.demo")
    client = trio["a.demo"].client
    own = Speaks.of(shared.membership.charter)
    client.speaks = replace(own, arrangement=bytes(32)).header
    refusals = []
    for asking in (
        fetched(client, member, FeedRequest("b.demo", 0, 0, 0, 10)),
        client.poke(member, 1),
    ):
        with pytest.raises(PeerRefusedError) as refused:
            await asking
        refusals.append((refused.value.status, refused.value.code))
    lookup = await trio.look_up("a.demo", "x@mail.example", deadline_ms=500)
    client.speaks = replace(own, features=frozenset({"unheard-of"})).header
    await client.poke(member, 1)

    assert refusals == [(426, "other_arrangement")] * 2
    assert lookup.result is not Result.NONE


async def test_an_answer_tells_who_is_behind(trio: Fleet) -> None:
    heard: list[str] = []
    client = trio["a.demo"].client
    client.heard = lambda _, text: heard.append(text)
    shared = trio["b.demo"].base.situation.shared
    assert shared is not None
    await client.poke(shared.membership.me, 1)

    assert parse_speaks(heard[0]).charter == 1


@pytest.mark.parametrize("name", ["proposeCharter", "signCharter", "refuseCharter"])
def test_votes_are_for_people_who_decide_on_rules(name: str) -> None:
    (route,) = [each for each in GOVERNING_ROUTES if each.name == name]

    assert route.roles == {
        Role.OPERATOR,
        Role.REVIEWER,
        Role.DPO,
        Role.LEGAL_ADVISER,
        Role.YOUTH_PROTECTION_OFFICER,
    }
    assert route.auth is Auth.CREDENTIAL
