# SPDX-License-Identifier: Apache-2.0
import asyncio

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, Node, request_for

from fedsafe_federation.feed.records import RestrictionRecord, decode_record
from fedsafe_federation.feed.restrictions import Reason, open_restriction
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import (
    Kind,
    NewSignalRequest,
    RevokeRequest,
    SignalAnswer,
    SignalState,
)
from fedsafe_node.ground.errors import (
    ConflictError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import Event
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.rows import NewSignal, SignalStatus
from fedsafe_policies.vocabulary import Effect, Purpose, Role, Scope

PERSON = "person@mail.example"
DIGEST = "ab" * 32
ONCE = Once("key", b"digest", 200)
MISTAKE = RevokeRequest(reason=Reason.MISTAKE)


async def publish(node: Node, person: str = PERSON) -> str:
    answer = await node.signals.add(request_for(person, scope=Scope.FEDERATION), ANNA)
    await node.signals.approve([answer.signal], RITA)
    return answer.signal


async def test_a_revoked_signal_stops_at_once_and_leaves_no_opening(
    node: Node,
) -> None:
    signal = await publish(node)

    answer = await node.signals.revoke(signal, MISTAKE, RITA, once=ONCE)

    assert answer.state is SignalState.REVOKED
    assert (answer.author, answer.approver) == ("anna", "rita")
    assert (await node.look_up(PERSON)).matches == []
    signal_id = read_signal_id(signal)
    row = await node.store.read(lambda reader: reader.signal("a.demo", signal_id))
    assert row is not None
    assert row.status is SignalStatus.REVOKED
    assert row.token is not None
    assert node.desk.lists.rows(row.token) == ()
    opening = await node.store.read(lambda r: r.opening(row.log, row.index, row.group))
    assert opening is None
    assert await node.store.read(lambda reader: reader.custody(signal_id)) is None
    assert node.announced == [1, 2]
    assert (await node.events())[-1] == (Event.REVOKED, "ok")
    kept = await node.store.read(lambda reader: reader.idempotent_answer("key"))
    assert kept is not None
    assert msgspec.json.decode(kept.body, type=SignalAnswer) == answer


async def test_every_member_can_check_the_restriction(node: Node) -> None:
    signals = [await publish(node), await publish(node, "other@mail.example")]

    for signal in signals:
        await node.signals.revoke(signal, MISTAKE, ANNA)

    kept = await node.store.read(lambda r: r.restrictions_by("a.demo", 0, 10))
    statements = [msgspec.json.decode(row.statement, type=Signed) for row in kept]
    opened = [open_restriction(s, node.federation.charter) for s in statements]
    assert [item.sequence for item in opened] == [1, 2]
    assert [item.signals for item in opened] == [
        [read_signal_id(signal)] for signal in signals
    ]
    assert {(item.effect, item.reason) for item in opened} == {
        (Effect.REVOKED, Reason.MISTAKE)
    }
    repeated = [decode_record(record) for record in (await node.feed())[2:]]
    assert repeated == [RestrictionRecord(statement) for statement in statements]


async def test_a_signal_is_revoked_once(node: Node) -> None:
    signal = await publish(node)
    await node.signals.revoke(signal, MISTAKE, RITA)

    with pytest.raises(WrongStateError) as refused:
        await node.signals.revoke(signal, MISTAKE, RITA)

    assert refused.value.code == "already_revoked"
    assert len(await node.feed()) == 2


async def test_a_repeated_key_revokes_nothing(node: Node) -> None:
    first, second = await publish(node), await publish(node, "other@mail.example")
    await node.signals.revoke(first, MISTAKE, RITA, once=ONCE)

    with pytest.raises(ConflictError):
        await node.signals.revoke(second, MISTAKE, RITA, once=ONCE)

    assert (await node.signals.show(second, RITA)).state is SignalState.PUBLISHED
    restrictions = await node.store.read(lambda r: r.restrictions_by("a.demo", 0, 9))
    assert len(restrictions) == 1
    await node.signals.revoke(second, MISTAKE, RITA)
    restrictions = await node.store.read(lambda r: r.restrictions_by("a.demo", 1, 9))
    assert [row.sequence for row in restrictions] == [2]


async def test_a_withdrawn_draft_leaves_nothing(node: Node) -> None:
    answer = await node.signals.add(request_for(PERSON, scope=Scope.FEDERATION), ANNA)

    withdrawn = await node.signals.revoke(answer.signal, MISTAKE, ANNA)

    assert withdrawn.state is SignalState.WITHDRAWN
    assert (await node.look_up(PERSON)).matches == []
    (own,) = await node.rows()
    assert (own.status, own.token) == (SignalStatus.ERASED, None)
    signal_id = read_signal_id(answer.signal)
    assert await node.store.read(lambda reader: reader.custody(signal_id)) is None
    shown = await node.signals.show(answer.signal, RITA)
    assert shown.state is SignalState.WITHDRAWN
    assert shown.approver is None
    with pytest.raises(WrongStateError):
        await node.signals.approve([answer.signal], RITA)
    with pytest.raises(WrongStateError):
        await node.signals.revoke(answer.signal, MISTAKE, ANNA)
    assert await node.feed() == []


async def test_a_draft_that_cannot_be_read_can_be_withdrawn(
    node: Node, keys: PeriodKeys
) -> None:
    answer = await node.signals.add(request_for(PERSON, scope=Scope.FEDERATION), ANNA)
    await asyncio.to_thread(keys.destroy, "2026-11", present="2026-12")

    withdrawn = await node.signals.revoke(answer.signal, MISTAKE, RITA)

    assert withdrawn.state is SignalState.WITHDRAWN


@pytest.mark.parametrize(
    "request_", [request_for(PERSON), request_for(DIGEST, kind=Kind.PDQ)]
)
async def test_an_own_ban_is_erased(node: Node, request_: NewSignalRequest) -> None:
    answer = await node.signals.add(request_, BOT)

    erased = await node.signals.revoke(answer.signal, MISTAKE, BOT)

    assert erased.state is SignalState.ERASED
    assert erased.author == "local"
    found = await node.look_up(request_.about.value, request_.about.kind)
    assert found.matches == []
    (row,) = await node.rows()
    assert row.token is None
    opening = await node.store.read(lambda r: r.opening(row.log, row.index, row.group))
    assert opening is None
    assert (await node.events())[-1] == (Event.WITHDRAWN, "ok")
    assert (await node.signals.show(answer.signal, ANNA)).state is SignalState.ERASED
    with pytest.raises(WrongStateError) as refused:
        await node.signals.revoke(answer.signal, MISTAKE, ANNA)
    assert refused.value.code == "already_erased"


@pytest.mark.parametrize("who", [BOT, Principal("olga", Role.OPERATOR)])
async def test_who_may_not_accuse_may_not_revoke(node: Node, who: Principal) -> None:
    signal = await publish(node)

    with pytest.raises(DeniedError) as denied:
        await node.signals.revoke(signal, MISTAKE, who)

    assert denied.value.decision.code == "role"
    assert (await node.events())[-1] == (Event.REFUSED, "role")
    assert (await node.signals.show(signal, RITA)).state is SignalState.PUBLISHED


async def test_the_data_protection_officer_may_revoke(node: Node) -> None:
    signal = await publish(node)
    dora = Principal("dora", Role.DPO)
    revoked = await node.signals.revoke(signal, MISTAKE, dora)

    assert revoked.state is SignalState.REVOKED
    assert (await node.events())[-1] == (Event.REVOKED, "ok")


@pytest.mark.parametrize("what", ["signal", "draft", "ban"])
async def test_the_event_of_an_end_names_rule_and_policy(node: Node, what: str) -> None:
    if what == "signal":
        name = await publish(node)
    else:
        scope = Scope.FEDERATION if what == "draft" else Scope.SELF
        name = (await node.signals.add(request_for(scope=scope), ANNA)).signal
    await node.signals.revoke(name, MISTAKE, RITA)
    said = await node.newest()

    assert said.event in {Event.REVOKED, Event.WITHDRAWN}
    assert (said.rule, said.code) == ("P11", "erasure")
    assert said.policy == node.desk.situation.policy.reference


async def test_a_machine_may_revoke_a_file(node: Node) -> None:
    signal = await node.publish(DIGEST, Kind.SHA256)

    revoked = await node.signals.revoke(signal, MISTAKE, BOT)

    assert revoked.state is SignalState.REVOKED


async def test_another_nodes_signal_is_not_ours_to_stop_or_show(node: Node) -> None:
    signal = await publish(node)
    (own, mine) = await node.rows()
    foreign = NewSignal(
        **{
            name: getattr(mine, name)
            for name in NewSignal.__struct_fields__
            if name not in {"origin", "signal_id"}
        },
        origin="b.demo",
        signal_id=bytes(16),
    )
    await node.store.write(lambda tx: tx.add_signal(foreign))

    for name in ("00000000-0000-0000-0000-000000000000", "no-uuid"):
        with pytest.raises(NotFoundError):
            await node.signals.revoke(name, MISTAKE, RITA)
        with pytest.raises(NotFoundError):
            await node.signals.show(name, RITA)
    assert own.own
    assert (await node.signals.show(signal, RITA)).state is SignalState.PUBLISHED


async def test_showing_is_written_down(node: Node) -> None:
    signal = await publish(node)

    shown = await node.signals.show(signal, Principal("audra", Role.AUDITOR))

    assert shown.origin == "a.demo"
    assert (await node.events())[-1] == (Event.SIGNAL_READ, "ok")
    await node.signals.show(signal, Principal("dora", Role.DPO))
    with pytest.raises(DeniedError):
        await node.signals.show(signal, Principal("olga", Role.OPERATOR))
    with pytest.raises(DeniedError):
        await node.signals.show(signal, RITA, Purpose.OPERATIONS)
