# SPDX-License-Identifier: Apache-2.0
"""Own bans rest while their person contests them, as signals do (GDPR Art. 18, 21)."""

from datetime import timedelta

import msgspec
import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.disputes import (
    DORA,
    FALLS,
    LEA,
    RUTH,
    STANDS,
    contest,
    limit_disputes,
    suppressed,
)
from tests.support.fleet import NAMES, Fleet
from tests.support.rights_requests import SHOP, WHO, asked, requests_of

from fedsafe_node.acts.bodies import SignalState
from fedsafe_node.acts.disputes import DisputeAnswer
from fedsafe_node.acts.requests import (
    CloseRequest,
    RefusalGround,
    RequestKind,
    RightsRequestAnswer,
)
from fedsafe_node.ground.errors import CorruptRowError, DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rights.rulings import end_disputes
from fedsafe_node.signals.dispute_budget import weigh_again
from fedsafe_node.signals.dispute_check import check_unstated, own_digest
from fedsafe_node.store.rights_rows import DisputeRow, Weight
from fedsafe_policies.vocabulary import Scope

REFUSED = CloseRequest(
    outcome="refused", reason="letter-3", ground=RefusalGround.FOUNDED
)


async def ban(
    fleet: Fleet, value: str = WHO, scope: Scope = Scope.SELF, by: Principal = ANNA
) -> str:
    signals = fleet["a.demo"].services.signals
    return (await signals.add(request_for(value, scope=scope), by)).signal


async def objected(
    fleet: Fleet,
    kind: RequestKind = RequestKind.OBJECTION,
    value: str = WHO,
    who: Principal = SHOP,
) -> RightsRequestAnswer:
    """Open a person's request and show it to an officer."""
    requests = requests_of(fleet, "a.demo")
    opened = await requests.open(asked(kind, value), who)
    return await requests.show(opened.request, DORA)


async def disputed(fleet: Fleet, request: RightsRequestAnswer) -> DisputeAnswer:
    (name,) = request.disputes or []
    return await fleet["a.demo"].services.disputes.show(name, LEA)


async def matches(fleet: Fleet, value: str = WHO) -> bool:
    return bool((await fleet.look_up("a.demo", value)).matches)


async def state(fleet: Fleet, signal: str) -> SignalState:
    return (await fleet["a.demo"].services.signals.show(signal, LEA)).state


async def verifies(fleet: Fleet) -> bool:
    answer = await fleet["a.demo"].services.audits.verify(BOT)
    assert answer.ok, answer
    return answer.ok


CONTESTING = [kind for kind in RequestKind if kind is not RequestKind.ACCESS]


@pytest.mark.parametrize("kind", CONTESTING)
async def test_an_own_ban_rests_while_its_person_contests_it(
    alone: Fleet, kind: RequestKind
) -> None:
    signal = await ban(alone)
    assert await matches(alone)
    found = await disputed(alone, await objected(alone, kind))

    assert (found.weight, found.state) == ("suspends", "open")
    assert (found.origin, found.author, found.signal) == ("a.demo", "a.demo", signal)
    assert (found.own, found.ours) == (True, True)
    assert not await matches(alone)
    assert await suppressed(alone, "a.demo") == 1
    assert await state(alone, signal) is SignalState.DISPUTED
    (event,) = await alone.audit("a.demo", "rights.disputed")
    assert f'"signal":"{signal}"' in event.text
    assert '"origin":"a.demo"' in event.text
    assert await verifies(alone)


async def test_who_only_asks_for_access_contests_nothing(alone: Fleet) -> None:
    await ban(alone)
    request = await objected(alone, RequestKind.ACCESS)

    assert request.disputes == []
    assert await matches(alone)


async def test_a_restored_own_ban_matches_and_rests_on_the_same_facts_no_more(
    alone: Fleet,
) -> None:
    signal = await ban(alone)
    first = await disputed(alone, await objected(alone))
    ruled = await alone["a.demo"].services.disputes.rule(first.dispute, STANDS, RUTH)
    again = await disputed(alone, await objected(alone))

    assert (ruled.state, ruled.ruled_by) == ("restored", "ruth")
    assert again.dispute != first.dispute
    assert again.weight == "repeat"
    assert await matches(alone)
    other = await disputed(alone, await objected(alone, RequestKind.RECTIFICATION))
    assert other.weight == "suspends"  # other facts
    assert not await matches(alone)
    assert await state(alone, signal) is SignalState.DISPUTED


async def test_who_contests_twice_has_one_dispute(alone: Fleet) -> None:
    await ban(alone)
    first, second = await objected(alone), await objected(alone)

    assert first.disputes == second.disputes
    assert len(await alone.audit("a.demo", "rights.disputed")) == 1


async def test_a_ruling_against_an_own_ban_erases_it(alone: Fleet) -> None:
    signal = await ban(alone)
    found = await disputed(alone, await objected(alone))
    ruled = await alone["a.demo"].services.disputes.rule(found.dispute, FALLS, RUTH)

    assert ruled.state == "revoked"
    assert await state(alone, signal) is SignalState.ERASED
    assert not await matches(alone)
    assert await suppressed(alone, "a.demo") == 0  # nothing is left to suppress
    (event,) = await alone.audit("a.demo", "signal.withdrawn")
    assert '"bans":1' in event.text
    assert await verifies(alone)


async def test_an_own_ban_that_nobody_rules_on_is_erased(alone: Fleet) -> None:
    signal = await ban(alone)
    found = await disputed(alone, await objected(alone, who=LEA))
    node = alone["a.demo"]
    alone.clock.moment += timedelta(days=13)
    reminded = await end_disputes(node.desk, node.base.announcer)
    alone.clock.moment += timedelta(days=4)
    await end_disputes(node.desk, node.base.announcer)  # or the node's own clockwork
    shown = await node.services.disputes.show(found.dispute, LEA)

    assert reminded.lapsed == 0
    assert shown.state == "lapsed"
    assert await state(alone, signal) is SignalState.ERASED
    assert len(await alone.audit("a.demo", "rights.ruling_due")) == 1
    assert await verifies(alone)


@pytest.mark.parametrize("by", [RITA, Principal("rita", RUTH.role, session="s")])
async def test_who_recorded_an_own_ban_does_not_rule_on_it(
    alone: Fleet, by: Principal
) -> None:
    await ban(alone, by=RITA)
    found = await disputed(alone, await objected(alone))
    alone["a.demo"].base.trail.know_people("rita")

    with pytest.raises(DeniedError) as refused:
        await alone["a.demo"].services.disputes.rule(found.dispute, STANDS, by)

    assert refused.value.decision.code == "not_independent"
    assert not await matches(alone)


async def test_who_recorded_an_own_ban_does_not_refuse_the_person(
    alone: Fleet,
) -> None:
    await ban(alone, by=RITA)
    request = await objected(alone)

    with pytest.raises(DeniedError) as refused:
        await requests_of(alone, "a.demo").close(request.request, REFUSED, RITA)

    assert refused.value.decision.code == "not_independent"


async def test_a_person_is_refused_only_after_a_ruling(alone: Fleet) -> None:
    await ban(alone)
    request, requests = await objected(alone), requests_of(alone, "a.demo")
    found = await disputed(alone, request)

    with pytest.raises(WrongStateError) as refused:
        await requests.close(request.request, REFUSED, LEA)
    assert refused.value.code == "not_ruled"
    await alone["a.demo"].services.disputes.rule(found.dispute, STANDS, RUTH)
    assert (await requests.close(request.request, REFUSED, LEA)).outcome == "refused"


async def test_an_officer_contests_an_own_ban(alone: Fleet) -> None:
    signal = await ban(alone)
    found = await alone["a.demo"].services.disputes.open(contest(signal), LEA)
    listed = await alone["a.demo"].services.disputes.list(RUTH)

    assert (found.own, found.weight, found.opened_by) == (True, "suspends", "lea")
    assert [each.dispute for each in listed.disputes] == [found.dispute]
    assert not await matches(alone)


async def test_a_draft_waits_for_the_ruling_on_its_own_ban(trio: Fleet) -> None:
    signals = trio["a.demo"].services.signals
    draft = await ban(trio, scope=Scope.FEDERATION)
    found = await disputed(trio, await objected(trio, RequestKind.DISPUTE))

    with pytest.raises(WrongStateError) as refused:
        await signals.approve([draft], RITA)
    assert refused.value.code == "contested"
    assert not await matches(trio)
    await trio["a.demo"].services.disputes.rule(found.dispute, STANDS, RUTH)
    assert (await signals.approve([draft], RITA)).approved == [draft]
    assert await verifies(trio)


async def test_a_draft_falls_with_its_own_ban(trio: Fleet) -> None:
    draft = await ban(trio, scope=Scope.FEDERATION)
    found = await disputed(trio, await objected(trio, RequestKind.DISPUTE))
    await trio["a.demo"].services.disputes.rule(found.dispute, FALLS, RUTH)

    assert await state(trio, draft) is SignalState.WITHDRAWN
    assert not await matches(trio)
    assert await verifies(trio)


async def test_no_other_member_hears_of_an_own_ban(trio: Fleet) -> None:
    await ban(trio)
    store = trio["a.demo"].base.store
    before = await store.read(lambda reader: reader.log_size("a.demo/feed"))
    found = await disputed(trio, await objected(trio))
    await trio["a.demo"].services.disputes.rule(found.dispute, STANDS, RUTH)
    after = await store.read(lambda reader: reader.log_size("a.demo/feed"))

    assert before == after
    assert [name for name in NAMES if await trio.audit(name, "rights.disputed")] == [
        "a.demo"
    ]


async def test_a_flood_disables_no_own_list(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [f"person{number}@mail.example" for number in range(3)]
    for person in people:
        await ban(alone, person)
    limit_disputes(alone, "a.demo", 2, monkeypatch)
    weights = [
        (await disputed(alone, await objected(alone, value=person))).weight
        for person in people
    ]
    status = await alone["a.demo"].services.node.status()

    assert weights == ["suspends", "suspends", "flood"]
    assert [await matches(alone, person) for person in people] == [False, False, True]
    assert status.disputes_beyond_budget == {"a.demo": 1}
    alone.clock.moment += timedelta(days=1)
    await weigh_again(alone["a.demo"].desk)  # or the node's own clockwork
    assert not await matches(alone, people[2])
    (event,) = await alone.audit("a.demo", "rights.disputes_weighed")
    assert '"author":"a.demo"' in event.text


async def test_an_own_ban_rests_on_after_a_restart(alone: Fleet) -> None:
    await ban(alone)
    found = await disputed(alone, await objected(alone))
    await alone.stop("a.demo")
    await alone.start("a.demo")

    assert not await matches(alone)
    assert await suppressed(alone, "a.demo") == 1
    await alone["a.demo"].services.disputes.rule(found.dispute, STANDS, RUTH)
    assert await matches(alone)


OWN = "own:a.demo"
UNSIGNED = DisputeRow(
    digest=b"",
    origin=OWN,
    signal_id=bytes(16),
    author=OWN,
    sequence=1,
    contention="conduct_denied",
    control="account_login",
    weight=Weight.SUSPENDS,
    received_at=1,
    charged_at=1,
    due_at=2,
    opened_by="shop",
)
KEPT = msgspec.structs.replace(UNSIGNED, digest=own_digest(UNSIGNED))


@pytest.mark.parametrize(
    "change",
    [
        {"signal_id": bytes(15) + b"\1"},
        {"sequence": 2},
        {"contention": "minor"},
        {"control": "officer"},
        {"received_at": 2},
        {"opened_by": None},
        {"author": "b.demo"},
        {"origin": "b.demo"},
    ],
)
def test_a_dispute_of_an_own_ban_that_was_changed_is_found(
    change: dict[str, object],
) -> None:
    check_unstated(KEPT, OWN)

    with pytest.raises(CorruptRowError):
        check_unstated(msgspec.structs.replace(KEPT, **change), OWN)
