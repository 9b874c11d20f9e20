# SPDX-License-Identifier: Apache-2.0
"""A suspended member says that it wants to leave, and the others let it go."""

import pytest
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.council import (
    TWO,
    agree,
    at_version,
    ballot_of,
    present,
    propose,
    show,
)
from tests.support.fleet import NAMES, Fleet, eventually
from tests.support.resharing_fleet import joined, left, membership_of

from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_federation.charter.departure import sign_leaving
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import SignalState
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.members.charter.votes import WISH, CharterVote, Vote
from fedsafe_policies.vocabulary import Scope


async def wish(fleet: Fleet, name: str) -> None:
    version = (await present(fleet, name)).version
    vote = Vote(
        refuse=False,
        charter=version.digest.hex(),
        version=version.charter.version,
        payload=b"",
        changes=[WISH],
    )
    effect = CharterVote(ballot_of(fleet, name))
    learn = await fleet[name].base.store.write(
        lambda tx: effect.carry_out(tx, encode(vote), *TWO)
    )
    await learn()


@pytest.fixture
async def suspended(trio: Fleet) -> Fleet:
    """Give a federation of which c.demo is suspended."""
    proposal = await propose(trio, "a.demo", ChangeKind.SUSPEND, "c.demo")
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, *NAMES)
    return trio


async def test_the_others_see_the_wish_and_fulfil_it(suspended: Fleet) -> None:
    fleet = suspended
    await wish(fleet, "c.demo")

    async def seen() -> bool:
        shown = [(await show(fleet, name)).leaving for name in ("a.demo", "b.demo")]
        return shown == [["c.demo"], ["c.demo"]]

    await eventually(seen)
    await fleet["c.demo"]._made.wishes.tell()  # noqa: SLF001
    events = await fleet.audit("a.demo", "federation.leaving")
    proposal = await propose(fleet, "a.demo", ChangeKind.EXPEL, "c.demo")
    await agree(fleet, proposal, "b.demo")
    await at_version(fleet, 3, "a.demo", "b.demo")

    assert len(events) == 1
    assert (await show(fleet, "a.demo")).leaving == []

    async def gone() -> bool:
        return (await show(fleet, "c.demo")).standing == "left"

    await eventually(gone)


async def test_a_wish_is_of_one_member_and_one_version(suspended: Fleet) -> None:
    fleet = suspended
    version = (await present(fleet, "c.demo")).version
    wishes = fleet["a.demo"].services.wishes
    keys = fleet["c.demo"].base.keys
    forged = sign_leaving(version, signer="b.demo", key=keys.statement)
    good = sign_leaving(version, signer="c.demo", key=keys.statement)
    with pytest.raises(UntrustedError):
        await wishes.take(forged)
    await wishes.take(good)
    before = (await show(fleet, "a.demo")).leaving
    proposal = await propose(fleet, "a.demo", ChangeKind.REINSTATE, "c.demo")
    await agree(fleet, proposal, "b.demo")
    await at_version(fleet, 3, *NAMES)
    with pytest.raises(MalformedError):
        await wishes.take(good)

    assert before == ["c.demo"]
    assert (await show(fleet, "a.demo")).leaving == []


async def test_nobody_stands_by_a_wish_of_another_version(suspended: Fleet) -> None:
    old = (await present(suspended, "c.demo")).version
    proposal = await propose(suspended, "a.demo", ChangeKind.TERMS, appeal="b.demo")
    await agree(suspended, proposal, "b.demo")
    await at_version(suspended, 3, *NAMES)
    ballot = ballot_of(suspended, "c.demo")
    with pytest.raises(WrongStateError) as raised:
        await suspended["c.demo"].base.store.write(
            lambda tx: ballot.wish(tx, old.digest, by="rita", second="dora")
        )

    assert raised.value.code == "act_changed"


async def test_a_wish_ends_once_its_member_takes_part_again(suspended: Fleet) -> None:
    fleet = suspended
    await wish(fleet, "c.demo")
    for number, change in ((3, ChangeKind.REINSTATE), (4, ChangeKind.SUSPEND)):
        proposal = await propose(fleet, "a.demo", change, "c.demo")
        await agree(fleet, proposal, "b.demo")
        await at_version(fleet, number, *NAMES)
    wishes = fleet["c.demo"]._made.wishes  # noqa: SLF001
    await wishes.tell()
    again = (await show(fleet, "a.demo")).leaving
    await wish(fleet, "c.demo")
    await wishes.tell()

    assert again == []
    assert (await show(fleet, "a.demo")).leaving == ["c.demo"]


async def test_two_that_are_left_restrict_and_publish_nothing_about_persons(
    trio: Fleet,
) -> None:
    signal = await trio.publish("somebody@mail.example")
    asked = request_for("other@mail.example", scope=Scope.FEDERATION)
    draft = await trio["a.demo"].services.signals.add(asked, ANNA)
    before = membership_of(trio, "a.demo").epoch
    await left(trio, "c.demo")
    await trio.stop("c.demo")
    signals = trio["a.demo"].services.signals
    with pytest.raises(WrongStateError) as early:
        await signals.add(asked, ANNA)
    with pytest.raises(WrongStateError) as late:
        await signals.approve([draft.signal], RITA)

    assert early.value.code == late.value.code == "too_few_holders"
    assert "federation invite" in early.value.detail
    for name in ("a.demo", "b.demo"):
        await trio.stop(name)
        await trio.start(name)
    await trio.covered()
    epoch = membership_of(trio, "a.demo").epoch
    assert (epoch.public, epoch.threshold) == (before.public, 2)
    assert (await trio["b.demo"].services.node.status()).too_few_holders
    assert (await trio.look_up("b.demo", "somebody@mail.example")).matches
    await trio.revoke(signal, by=["b.demo"])
    assert not (await trio.look_up("b.demo", "somebody@mail.example")).matches
    own = await trio["a.demo"].services.signals.add(
        request_for("third@mail.example", scope=Scope.SELF), ANNA
    )
    assert own.state is SignalState.OWN
    await joined(trio, "d.demo")
    again = await trio["a.demo"].services.signals.add(asked, ANNA)
    assert again.state is SignalState.DRAFT


async def test_who_takes_part_leaves_by_a_vote_and_not_by_a_wish(trio: Fleet) -> None:
    version = (await present(trio, "c.demo")).version
    key = trio["c.demo"].base.keys.statement
    said = sign_leaving(version, signer="c.demo", key=key)

    with pytest.raises(MalformedError, match="not suspended"):
        await trio["a.demo"].services.wishes.take(said)
    assert (await show(trio, "a.demo")).leaving == []
