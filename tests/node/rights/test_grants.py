# SPDX-License-Identifier: Apache-2.0
"""Erasing what this provider lists takes the data-protection officer and another."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.disputes import DORA, LEA, STANDS, matching
from tests.support.fleet import NAMES, Fleet
from tests.support.rights_requests import SHOP, WHO, asked, requests_of

from fedsafe_node.acts.audit_upkeep import HoldRequest
from fedsafe_node.acts.bodies import ImportRequest, Kind, Question, SignalState
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.acts.notices import NoticeKind
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import (
    CloseRequest,
    CollectRequest,
    Remains,
    RequestKind,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.mentions import entries_naming
from fedsafe_node.notices.upkeep import NoticeUpkeep
from fedsafe_node.people.credentials import People
from fedsafe_node.store.reader import Reader
from fedsafe_policies.vocabulary import Purpose, Role, Scope

RUTH = Principal("ruth", Role.REVIEWER, fresh=True)
ACCOUNT = "account-7"
SECOND = "second@mail.example"
THIRD = "third@mail.example"
OTHER = "other@mail.example"
PLACE = "192.0.2.7"


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


@pytest.mark.promise("LR-19")
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
        "account": True,
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
    assert states == ["erased", "erased"]
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
    table = [request_for(WHO, scope=scope) for scope in (Scope.SELF, Scope.FEDERATION)]
    again = await node.services.signals.add_many(ImportRequest(signals=table), ANNA)
    assert [(each.reason, each.positions) for each in again.taken_off] == [
        ("request_of_the_person", [0, 1])
    ]


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
    other = await node.services.signals.add(
        request_for("other@mail.example", scope=Scope.FEDERATION), ANNA
    )
    act = await requests.grant(opened.request, "decision-3", DORA)
    await approve(staffed, act)
    await staffed.level("a.demo", ("b.demo", "c.demo"))

    assert await matching(staffed, WHO) == []
    states = [
        (await node.services.signals.show(each, LEA)).state.value
        for each in (first.signal, later, other.signal)
    ]
    assert states == ["erased", "erased", "draft"]
    assert (await node.services.audits.verify(BOT)).ok


async def test_a_grant_withdraws_a_draft_that_waits_beside_what_is_published(
    staffed: Fleet,
) -> None:
    node, requests = staffed["a.demo"], requests_of(staffed, "a.demo")
    signals = node.services.signals
    published = await staffed.publish(WHO)
    # The same person for fewer members is another signal.
    fewer = request_for(WHO, scope=Scope.FEDERATION, nodes=["b.demo"])
    before = await signals.add(fewer, ANNA)
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    fewest = request_for(WHO, scope=Scope.FEDERATION, nodes=["c.demo"])
    after = await signals.add(fewest, ANNA)
    other = await signals.add(request_for(OTHER, scope=Scope.FEDERATION), ANNA)
    waiting = [before.signal, after.signal]
    assert {before.state, after.state} == {SignalState.DRAFT}
    act = await requests.grant(opened.request, "decision-3", DORA)
    await approve(staffed, act)
    await staffed.level("a.demo", ("b.demo", "c.demo"))

    states = [
        (await signals.show(each, LEA)).state
        for each in (published, *waiting, other.signal)
    ]
    assert states == [
        SignalState.ERASED,
        *[SignalState.WITHDRAWN] * 2,
        SignalState.DRAFT,
    ]
    assert await matching(staffed, WHO) == []
    for each in waiting:
        with pytest.raises(WrongStateError) as gone:
            await signals.approve([each], RITA)
        assert gone.value.code == "not_pending"
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


@dataclass(frozen=True)
class Met:
    """What lists an account, and where it was met."""

    shared: str
    own: str
    draft: str


async def meet(fleet: Fleet) -> Met:
    """List the account in every way, and let it match."""
    services = fleet["a.demo"].services
    signals = services.signals
    shared = await signals.add(
        request_for(WHO, scope=Scope.FEDERATION, subject_ref=ACCOUNT), ANNA
    )
    assert (await signals.approve([shared.signal], RITA)).approved
    own = await signals.add(request_for(SECOND, subject_ref=ACCOUNT), ANNA)
    await signals.add(request_for(OTHER, subject_ref="account-9"), ANNA)
    draft = await signals.add(
        request_for(THIRD, scope=Scope.FEDERATION, subject_ref=ACCOUNT), ANNA
    )
    await fleet.level("a.demo", ("b.demo", "c.demo"))
    questions = [
        Question(kind=Kind.EMAIL, value=value) for value in (WHO, SECOND, THIRD)
    ]
    asking = LookupRequest(
        questions=questions, purpose=Purpose.SIGNUP_CHECK, subject_ref=ACCOUNT
    )
    assert len((await services.lookups.lookup(asking, BOT)).matches) == 3
    return Met(shared.signal, own.signal, draft.signal)


async def matched(fleet: Fleet) -> list[bool]:
    values = (SECOND, THIRD, OTHER)
    return [bool((await fleet.look_up("a.demo", each)).matches) for each in values]


async def test_a_grant_reaches_all_that_names_the_account(staffed: Fleet) -> None:
    met, node = await meet(staffed), staffed["a.demo"]
    base, requests = node.base, requests_of(staffed, "a.demo")
    earlier = await requests.open(asked(RequestKind.ACCESS, OTHER), SHOP)
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    act = await requests.grant(opened.request, "decision-3", DORA)
    before = await matched(staffed)
    await approve(staffed, act)
    await staffed.level("a.demo", ("b.demo", "c.demo"))

    assert before == [True, True, True]  # asking alone clears nobody
    assert await matched(staffed) == [False, False, True]
    assert await matching(staffed, WHO) == []

    async def left(reader: Reader) -> list[object]:
        rows = [
            row
            for name, origin in (
                (met.shared, "a.demo"),
                (met.own, base.situation.own.name),
            )
            if (row := await reader.signal(origin, read_signal_id(name))) is not None
        ]
        ids = [read_signal_id(each) for each in (met.shared, met.own, met.draft)]
        return [
            [row.token for row in rows],
            [await reader.opening(row.log, row.index, row.group) for row in rows],
            [await reader.custody(each) for each in ids],
            await entries_naming(reader, base.trail.log, {ACCOUNT}),
            [task.state for task in await reader.tasks_about(ACCOUNT)],
        ]

    gone = await base.store.read(left)
    assert gone == [[None, None], [None, None], [None, None, None], [], []]
    shown = await requests.show(opened.request, DORA)
    assert shown.signals == []
    erased = {each.part: each.count for each in shown.erased or []}
    assert erased.keys() >= {"own_bans", "shared", "drafts", "openings", "events"}
    counted = ("own_bans", "shared", "drafts", "reviews")
    assert [erased[each] for each in counted] == [2, 1, 1, 1]
    remains = {(each.what.value, each.who) for each in shown.remains or []}
    assert remains >= {("recipient", "b.demo"), ("recipient", "c.demo")}
    assert ("request", earlier.request) in remains
    assert {what for what, _ in remains} >= {"backups", "ledger", "records", "cases"}
    assert "account" not in {what for what, _ in remains}
    assert opened.collect is not None
    collecting = CollectRequest(request=opened.request, code=opened.collect)
    note = (await requests.collect(collecting, PLACE)).note
    assert note is not None
    for name in ("b.demo", "c.demo"):
        assert name in note
        # It has neither mail nor a hook, so its form takes nothing.
        assert f"{staffed[name].base.config.url}/rights" not in note
    for name in NAMES:
        answer = await staffed[name].services.audits.verify(BOT)
        assert answer.ok, answer


async def test_an_account_that_is_held_keeps_its_data_but_matches_no_more(
    staffed: Fleet,
) -> None:
    await meet(staffed)
    node, requests = staffed["a.demo"], requests_of(staffed, "a.demo")
    until = int((staffed.clock.now() + timedelta(days=9)).timestamp())
    hold = HoldRequest(reason="order:17", until=until, subject_ref=ACCOUNT)
    await node.services.keeping.holding.add(hold, DORA)
    opened = await requests.open(asked(RequestKind.ERASURE), SHOP)
    await approve(staffed, await requests.grant(opened.request, "decision-3", DORA))
    shown = await requests.show(opened.request, DORA)
    log = node.base.trail.log

    assert await matching(staffed, WHO) == []
    held = [each for each in shown.remains or [] if each.what is Remains.HELD]
    assert [each.until is not None for each in held] == [True]
    assert await node.base.store.read(lambda r: entries_naming(r, log, {ACCOUNT}))


async def test_a_dispute_that_is_granted_leaves_the_account_alone(
    staffed: Fleet,
) -> None:
    met, desk = await meet(staffed), staffed["a.demo"].desk
    requests = requests_of(staffed, "a.demo")
    opened = await requests.open(asked(RequestKind.DISPUTE), SHOP)
    act = await requests.grant(opened.request, "decision-3", DORA)
    await approve(staffed, act)
    shown = await requests.show(opened.request, DORA)
    await NoticeUpkeep(desk.store, desk.notices).run()
    signal, end = read_signal_id(met.shared), NoticeKind.END
    told = await desk.store.read(lambda reader: reader.notice(signal, end))

    assert told is not None  # the account lives on, and its person hears of the end
    assert act.content is not None
    assert act.content["account"] is False
    assert await matching(staffed, WHO) == []
    assert await matched(staffed) == [True, True, True]
    assert Remains.ACCOUNT in {each.what for each in shown.remains or []}
