# SPDX-License-Identifier: Apache-2.0
"""Erasing what this provider lists takes the data-protection officer and another."""

import pytest
from tests.node.fleet import NAMES, Fleet
from tests.node.rights.test_disputes import DORA, LEA, STANDS, matching
from tests.node.rights.test_requests import SHOP, WHO, asked, requests_of
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for

from fedsafe_node.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.messages import SignalState
from fedsafe_node.people.credentials import People
from fedsafe_node.people.messages import ActAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.rights.request_messages import CloseRequest, RequestKind
from fedsafe_policies.vocabulary import Role, Scope

RUTH = Principal("ruth", Role.REVIEWER, fresh=True)


@pytest.fixture
async def staffed(trio: Fleet) -> Fleet:
    """Give three nodes of which a.demo has people who decide."""
    base = trio["a.demo"].base
    people = People(base.store, base.trail, base.clock)
    for name, role in (
        ("dora", Role.DPO),
        ("lea", Role.LEGAL_ADVISER),
        ("ruth", Role.REVIEWER),
        ("otto", Role.OPERATOR),
    ):
        await people.add(name, role, by="setup")
    return trio


async def approve(fleet: Fleet, act: ActAnswer, who: Principal = RUTH) -> ActAnswer:
    approvals = fleet["a.demo"].services.staff.approvals
    return await approvals.approve(act.act, bytes.fromhex(act.digest), who)


async def test_two_persons_erase_what_this_provider_lists(staffed: Fleet) -> None:
    signal = await staffed.publish(WHO)
    node, requests = staffed["a.demo"], requests_of(staffed, "a.demo")
    own = await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    act = await requests.grant(opened.request, "decision-3", DORA)

    assert act.content == {
        "request": opened.request,
        "reason": "decision-3",
        "signals": 2,
    }
    shown = await node.services.signals.show(own.signal, LEA)
    assert shown.state is SignalState.DISPUTED
    await approve(staffed, act)
    await staffed.level("a.demo", ("b.demo", "c.demo"))

    assert await matching(staffed, WHO) == []
    states = [
        (await node.services.signals.show(name, LEA)).state.value
        for name in (signal, own.signal)
    ]
    assert states == ["revoked", "erased"]
    closed = await requests.show(opened.request, DORA)
    assert (closed.state, closed.outcome, closed.ended_by) == (
        "closed",
        "granted",
        "dora",
    )
    disputes = await node.services.disputes.list(LEA, ruled=True)
    assert sorted((found.state, found.own) for found in disputes.disputes) == [
        ("revoked", False),
        ("revoked", True),
    ]
    for name in NAMES:
        answer = await staffed[name].services.audits.verify(BOT)
        assert answer.ok, answer


@pytest.mark.parametrize(
    "who",
    [
        Principal("dora", Role.REVIEWER, fresh=True),
        Principal("anna", Role.ANALYST, fresh=True),
        Principal("otto", Role.OPERATOR, fresh=True),
    ],
)
async def test_nobody_erases_alone(staffed: Fleet, who: Principal) -> None:
    await staffed.publish(WHO)
    requests = requests_of(staffed, "a.demo")
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    act = await requests.grant(opened.request, "decision-3", DORA)

    with pytest.raises(DeniedError):
        await approve(staffed, act, who)

    assert (await requests.show(opened.request, DORA)).state == "open"


async def test_only_the_data_protection_officer_asks_for_it(staffed: Fleet) -> None:
    await staffed.publish(WHO)
    requests = requests_of(staffed, "a.demo")
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    act = await requests.grant(opened.request, "decision-3", LEA)

    with pytest.raises(DeniedError) as denied:
        await approve(staffed, act)

    assert denied.value.decision.code == "role"


async def test_what_cannot_be_granted(staffed: Fleet) -> None:
    await staffed.publish(WHO)
    requests = requests_of(staffed, "b.demo")
    access = await requests.open(asked(), SHOP)
    foreign = await requests.open(asked(RequestKind.ERASURE), SHOP)

    for name in (access.request, foreign.request):
        with pytest.raises(WrongStateError) as refused:
            await requests.grant(name, "decision-3", DORA)
        assert refused.value.code == "nothing_to_erase"
    closing = CloseRequest(outcome="withdrawn", reason="letter-3")
    await requests.close(foreign.request, closing, DORA)
    with pytest.raises(WrongStateError) as refused:
        await requests.grant(foreign.request, "decision-3", DORA)
    assert refused.value.code == "request_closed"
    with pytest.raises(NotFoundError):
        await requests.grant("0" * 32, "decision-3", DORA)


async def test_a_grant_erases_what_was_listed_after_the_request(
    staffed: Fleet,
) -> None:
    node, requests = staffed["a.demo"], requests_of(staffed, "a.demo")
    first = await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    opened = await requests.open(asked(RequestKind.RECTIFICATION), SHOP)
    later = await staffed.publish(WHO)
    waiting = await node.services.signals.add(
        request_for(WHO, scope=Scope.FEDERATION), ANNA
    )
    other = await node.services.signals.add(
        request_for("other@mail.example", scope=Scope.FEDERATION), ANNA
    )
    act = await requests.grant(opened.request, "decision-3", DORA)
    await approve(staffed, act)
    await staffed.level("a.demo", ("b.demo", "c.demo"))

    assert await matching(staffed, WHO) == []
    states = [
        (await node.services.signals.show(each, LEA)).state.value
        for each in (first.signal, later, waiting.signal, other.signal)
    ]
    assert states == ["erased", "revoked", "withdrawn", "draft"]
    assert (await node.services.audits.verify(BOT)).ok


async def test_nobody_is_published_while_their_erasure_is_open(
    staffed: Fleet,
) -> None:
    signals, requests = (
        staffed["a.demo"].services.signals,
        requests_of(staffed, "a.demo"),
    )
    drafts = [
        (await signals.add(request_for(value, scope=Scope.FEDERATION), ANNA)).signal
        for value in (WHO, "other@mail.example")
    ]
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    answer = await signals.approve(drafts, RITA)

    assert answer.approved == drafts[1:]
    assert [each.code for each in answer.problems] == ["erasure_open"]
    (contested,) = (await requests.show(opened.request, DORA)).disputes or []
    await staffed["a.demo"].services.disputes.rule(contested, STANDS, RUTH)
    await requests.close(
        opened.request, CloseRequest(outcome="withdrawn", reason="letter-3"), DORA
    )
    assert (await signals.approve(drafts[:1], RITA)).approved == drafts[:1]
