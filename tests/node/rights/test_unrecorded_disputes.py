# SPDX-License-Identifier: Apache-2.0
"""A member that tells each other member something else, between real nodes."""

from datetime import timedelta
from functools import partial

import pytest
from tests.node.signals.conftest import BOT
from tests.support.disputes import FALLS, RUTH, STANDS, WHO, dispute, matching
from tests.support.fleet import NAMES, Fleet

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.restrictions import (
    Forwarded,
    Reason,
    Restriction,
    Terms,
    sign_restriction,
)
from fedsafe_federation.feed.verification import verify_restrictions
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.forks import LiftRequest
from fedsafe_node.ground.errors import BadRequestError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.rights.dispute_relay import PATIENCE
from fedsafe_node.rights.unrecorded_disputes import alarm_overdue, let_go_unrecorded
from fedsafe_node.signals.dispute_intake import UNRECORDED
from fedsafe_policies.vocabulary import Contention, Control, Effect, Role

LIAR, ORIGIN, OTHER = "b.demo", "a.demo", "c.demo"
DORA = Principal("dora", Role.DPO)


def say(
    fleet: Fleet,
    signal: str,
    *,
    sequence: int = 1,
    contention: Contention = Contention.WRONG_PERSON,
) -> Signed:
    """Sign a dispute in the liar's name, and put it into no feed."""
    shared = fleet[LIAR].base.situation.shared
    assert shared is not None
    at = int(fleet.clock.now().timestamp())
    said = Restriction(
        v=1,
        origin=ORIGIN,
        author=LIAR,
        sequence=sequence,
        effect=Effect.DISPUTED,
        reason=Reason.REQUEST_OF_THE_PERSON,
        at=at,
        signals=[read_signal_id(signal)],
        terms=Terms(contention, Control.MAILED_CODE, at + 86_400),
    )
    key = fleet[LIAR].desk.statement_key
    return sign_restriction(
        said, key=key, federation=shared.membership.charter.federation
    )


async def lead(fleet: Fleet, name: str, *statements: Signed) -> None:
    """Let a member hear what the liar's feed leads with, for it alone."""
    shared = fleet[name].base.situation.shared
    assert shared is not None
    good, faults = verify_restrictions(statements, shared.membership.charter, feed=LIAR)
    assert faults == []
    await fleet[name].intake.restrict(LIAR, good)


async def forward(fleet: Fleet, name: str) -> None:
    await fleet[name].services.forwarding.run()


async def knows(fleet: Fleet, name: str, said: Signed) -> bool:
    row = await fleet[name].base.store.read(lambda r: r.dispute(digest(said)))
    return row is not None


async def verified(fleet: Fleet) -> bool:
    return all([(await fleet[n].services.audits.verify(BOT)).ok for n in NAMES])


async def test_what_one_member_alone_was_shown_reaches_the_origin_that_rules(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    said = say(trio, signal)
    await lead(trio, OTHER, said)

    assert await matching(trio) == [ORIGIN, LIAR]
    await forward(trio, OTHER)
    assert not await knows(trio, ORIGIN, said)  # its feed may still show it
    trio.clock.advance(timedelta(seconds=PATIENCE))
    await forward(trio, OTHER)
    assert await matching(trio) == [LIAR]
    await trio[ORIGIN].services.disputes.rule(digest(said).hex(), STANDS, RUTH)
    await trio.level(ORIGIN, [OTHER, LIAR])

    assert await matching(trio) == list(NAMES)
    assert await verified(trio)


async def test_what_no_feed_shows_rests_for_days_and_not_for_ever(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = await trio.publish(WHO)
    other = trio[OTHER]
    monkeypatch.setattr(other.services.forwarding, "_told", _All())  # nobody takes it
    await lead(trio, OTHER, say(trio, signal))
    trio.clock.advance(timedelta(seconds=UNRECORDED - 1))
    assert await let_go_unrecorded(other.desk) == 0
    trio.clock.advance(timedelta(seconds=1))

    assert await let_go_unrecorded(other.desk) in {0, 1}  # or the clockwork did
    (event,) = await trio.audit(OTHER, "rights.dispute_let_go")
    assert event.record.outcome == "alarm"
    assert LIAR in event.text
    # Nor do other facts of the same author, while no feed shows them.
    await lead(trio, OTHER, say(trio, signal, sequence=2, contention=Contention.MINOR))
    await trio.attested()
    await trio.covered()
    assert await matching(trio) == list(NAMES)
    assert await verified(trio)


class _All(set[tuple[str, bytes]]):
    """Holds everything."""

    def __contains__(self, _: object) -> bool:
        return True


async def test_two_disputes_with_one_number_convict_before_all_until_people_lift_it(
    trio: Fleet,
) -> None:
    first, second = [await trio.publish(each) for each in ("one@m.example", WHO)]
    third = await trio.publish("three@m.example")
    one, two = say(trio, first), say(trio, second)
    await lead(trio, ORIGIN, one)
    await lead(trio, OTHER, two)
    await lead(trio, ORIGIN, two)
    await lead(trio, OTHER, one)

    for name in (ORIGIN, OTHER):
        (event,) = await trio.audit(name, "rights.disputed_twice")
        assert event.record.outcome == "equivocation"
        assert await knows(trio, name, one)
        assert await knows(trio, name, two)
        (kept,) = (await trio[name].services.forks.kept()).doubles
        assert (kept.log, kept.origin) == ("b.demo/disputes", LIAR)
        assert {digest(each) for each in kept.evidence} == {digest(one), digest(two)}
    assert await matching(trio) == list(NAMES)
    ruled = trio[ORIGIN].services.disputes
    await ruled.rule(digest(two).hex(), FALLS, RUTH)  # the person was right after all
    await trio.level(ORIGIN, [OTHER, LIAR])
    assert await matching(trio) == []

    (kept,) = (await trio[OTHER].services.forks.kept()).doubles
    lift = partial(LiftRequest, log=kept.log, reference="minutes-7")
    forks = trio[OTHER].services.forks
    with pytest.raises(NotFoundError):
        await forks.lift(lift(digest="0" * 64), DORA)
    await lead(trio, OTHER, say(trio, third, sequence=2))
    assert await matching(trio, "three@m.example") == list(NAMES)
    answer = await forks.lift(lift(digest=kept.digest), DORA)
    assert answer.doubles == []
    await lead(trio, OTHER, say(trio, third, sequence=3, contention=Contention.MINOR))
    assert await matching(trio, "three@m.example") == [ORIGIN, LIAR]
    assert await verified(trio)


async def test_both_statements_go_to_a_member_that_has_neither(trio: Fleet) -> None:
    signals = [await trio.publish(each) for each in ("one@m.example", WHO)]
    one, two = [say(trio, each) for each in signals]
    await lead(trio, OTHER, one, two)
    await forward(trio, OTHER)

    assert await knows(trio, ORIGIN, one)
    assert await knows(trio, ORIGIN, two)
    assert len(await trio.audit(ORIGIN, "rights.disputed_twice")) == 1


async def test_a_node_of_the_version_before_is_handed_nothing(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = say(trio, await trio.publish(WHO))
    await lead(trio, OTHER, said)
    trio.clock.advance(timedelta(seconds=PATIENCE))
    monkeypatch.setattr(trio[OTHER].client, "features", lambda _: frozenset())
    await forward(trio, OTHER)

    assert not await knows(trio, ORIGIN, said)


async def test_nothing_but_disputes_of_members_is_handed_on(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    said = say(trio, signal)
    forged = Signed(said.type, said.signer, said.payload, bytes(64))
    with pytest.raises(BadRequestError):
        await trio[ORIGIN].services.forwarding.take(Forwarded(1, [forged]), OTHER)


async def test_members_hear_of_an_origin_that_does_not_rule_and_the_person_rests_on(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    await dispute(trio, signal, control=Control.ACCOUNT_LOGIN)
    other = trio[OTHER]
    for _ in range(20):
        trio.clock.advance(timedelta(days=1))
    await let_go_unrecorded(other.desk)
    await alarm_overdue(other.desk)

    assert await alarm_overdue(other.desk) == 0
    (event,) = await trio.audit(OTHER, "rights.ruling_due")
    assert event.record.outcome == "alarm"
    assert ORIGIN in event.text
    assert await trio.audit(OTHER, "rights.dispute_let_go") == []
    await trio.attested()
    await trio.covered()
    assert await matching(trio) == []
