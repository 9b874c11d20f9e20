# SPDX-License-Identifier: Apache-2.0
"""Each year a drawn part of the own signals is looked at by who had no part in them."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import (
    ANNA,
    RITA,
    Clocked,
    Federation,
    Node,
    NodeMaker,
    request_for,
)
from tests.support.insistence import insisting

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, RevokeRequest, SignalState
from fedsafe_node.acts.signal_reviews import (
    SampledSignal,
    SampleFinding,
    SampleQuery,
    SampleRequest,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.signals.own_reviews import Validations
from fedsafe_node.signals.samples import LEAST, YEAR, draw_sample, mark_of
from fedsafe_policies.vocabulary import Role, Scope

SECOND = timedelta(seconds=1)
RUTH = Principal("ruth", Role.REVIEWER)
STANDS = SampleRequest(finding=SampleFinding.STANDS, reason="note-7")
WRONG = SampleRequest(finding=SampleFinding.WRONG, reason="note-8")


@pytest.fixture
def node(make_node: NodeMaker, federation: Federation) -> Node:
    """A node in a key epoch that outlasts some samples."""
    epoch = federation.charter.epochs[0]
    longer = replace(epoch, ends=epoch.ends + 4 * 366 * 86_400)
    federation.charter = replace(federation.charter, epochs=[longer])
    return make_node()


@pytest.fixture
def validations(node: Node) -> Validations:
    return insisting(Validations(node.desk))


async def publish(node: Node, count: int = 1) -> list[str]:
    """Publish by anna, approved by rita."""
    made = []
    for number in range(count):
        file = f"{17 + number:02x}" * 32
        request = request_for(file, kind=Kind.SHA256, scope=Scope.FEDERATION)
        made.append((await node.signals.add(request, ANNA)).signal)
    await node.signals.approve(made, RITA)
    return made


async def happened(node: Node, wanted: Event) -> int:
    return [event for event, _ in await node.events()].count(wanted)


async def drawn(node: Node, clock: Clocked, count: int = 1) -> list[str]:
    """Publish, and draw a year later."""
    signals = await publish(node, count)
    clock.advance(timedelta(seconds=YEAR))
    await draw_sample(node.desk)
    return signals


async def waiting(
    validations: Validations, who: Principal = RUTH
) -> list[SampledSignal]:
    return (await validations.sample(SampleQuery(), who)).signals


async def test_a_year_after_the_first_publication_a_sample_is_drawn_once(
    node: Node, clock: Clocked, validations: Validations
) -> None:
    signals = await publish(node, LEAST + 5)
    clock.advance(timedelta(seconds=YEAR) - SECOND)
    assert await draw_sample(node.desk) == 0
    clock.advance(SECOND)
    assert await draw_sample(node.desk) == LEAST
    assert await draw_sample(node.desk) == 0

    row = await node.store.read(lambda r: r.last_sample())
    assert row is not None
    assert (row.published, row.drawn) == (LEAST + 5, LEAST)
    ids = sorted(map(read_signal_id, signals), key=lambda each: mark_of(row.seed, each))
    listed = {read_signal_id(each.signal) for each in await waiting(validations)}
    assert listed == set(ids[:LEAST])
    assert await happened(node, Event.SAMPLE_DRAWN) == 1
    clock.advance(timedelta(seconds=YEAR))
    assert await draw_sample(node.desk) > 0


async def test_a_crash_in_the_act_draws_nothing_and_the_next_run_all(
    node: Node,
    clock: Clocked,
    validations: Validations,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish(node, 3)
    clock.advance(timedelta(seconds=YEAR))

    def fail(*_given: object, **_named: object) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr(AuditTrail, "entry", fail)
        with pytest.raises(OSError):  # noqa: PT011 - whatever the disk says
            await draw_sample(node.desk)
    assert await node.store.read(lambda r: r.last_sample()) is None
    assert await waiting(validations) == []
    assert await draw_sample(node.desk) == 3


async def test_who_had_a_part_in_it_does_not_look_at_it(
    node: Node, clock: Clocked, validations: Validations
) -> None:
    (signal,) = await drawn(node, clock)
    author = Principal(ANNA.name, Role.REVIEWER)
    for who in (author, RITA):
        assert [each.is_yours for each in await waiting(validations, who)] == [False]
        with pytest.raises(DeniedError) as refused:
            await validations.look(signal, STANDS, who)
        assert refused.value.decision.code == "four_eyes"
    assert [each.is_yours for each in await waiting(validations)] == [True]
    found = await validations.look(signal, STANDS, RUTH)

    assert (found.finding, found.found_by) == (SampleFinding.STANDS, "ruth")
    assert await waiting(validations) == []
    with pytest.raises(WrongStateError) as twice:
        await validations.look(signal, STANDS, Principal("rolf", Role.REVIEWER))
    assert twice.value.code == "not_pending"
    # Whoever looked at it last year does not look at it this year.
    clock.advance(timedelta(seconds=YEAR))
    await draw_sample(node.desk)
    assert [each.is_yours for each in await waiting(validations)] == [False]


async def test_what_is_wrong_is_revoked_in_the_same_act(
    node: Node, clock: Clocked, validations: Validations
) -> None:
    (signal,) = await drawn(node, clock)
    assert len((await node.look_up("11" * 32, Kind.SHA256)).matches) == 1
    before = len(await node.feed())
    found = await validations.look(signal, WRONG, RUTH)

    assert (await node.look_up("11" * 32, Kind.SHA256)).matches == []
    assert len(await node.feed()) == before + 1  # its revocation, for every member
    assert node.announced[-1] == before + 1

    assert found.finding is SampleFinding.WRONG
    assert (await node.signals.show(signal, RITA)).state is SignalState.REVOKED
    assert await happened(node, Event.SAMPLE_REVIEWED) == 1
    assert await happened(node, Event.REVOKED) == 1


async def test_what_has_ended_or_was_not_drawn_is_not_looked_at(
    node: Node, clock: Clocked, validations: Validations
) -> None:
    (signal,) = await drawn(node, clock)
    await node.signals.revoke(signal, RevokeRequest(reason=Reason.MISTAKE), RITA)

    assert await waiting(validations) == []
    with pytest.raises(WrongStateError) as ended:
        await validations.look(signal, STANDS, RUTH)
    assert ended.value.code == "already_revoked"
    with pytest.raises(NotFoundError):
        await validations.look("01a20e5e-7e0b-7dca-b773-000000000009", STANDS, RUTH)


async def test_who_says_it_within_seconds_is_asked_once_more(
    node: Node, clock: Clocked
) -> None:
    plain = Validations(node.desk)
    (signal,) = await drawn(node, clock)
    await waiting(plain)
    with pytest.raises(WrongStateError) as asked:
        await plain.look(signal, WRONG, RUTH)

    assert asked.value.code == "look_again"
    assert (await node.signals.show(signal, RITA)).state is SignalState.PUBLISHED
