# SPDX-License-Identifier: Apache-2.0
"""An approved case goes to partners once each, sealed, and people note the rest."""

from dataclasses import replace
from typing import Any, Final

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.package_desk import Post
from tests.support.sent_cases import post

from fedsafe_node.acts.cases import ApproveCase, AssessCase
from fedsafe_node.acts.dispatches import SendCase
from fedsafe_node.api.census import is_audited
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.timeline import course_of
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import begin
from fedsafe_node.rules.idempotency import recognise
from fedsafe_policies.escalation.clocks import Milestone, terms
from fedsafe_policies.escalation.dispatches import DispatchState, Outcome
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Element, PartnerClass
from fedsafe_policies.vocabulary import Role

__all__ = ["ada", "ben", "desk", "post", "tables", "team"]

HOTLINE: Final = PartnerClass.HOTLINE
DAYS: Final = 86_400


@pytest.fixture
async def case(post: Post, ada: Principal, ben: Principal) -> str:
    await post.enter(ada, ben)
    return await post.approved(ada, ben)


async def test_a_case_is_sealed_for_its_partner_in_the_act_that_sends_it(
    post: Post, ada: Principal, case: str
) -> None:
    answer = await post.send(case, ada)
    (made,) = answer.dispatches
    opened = await post.opened(made.dispatch)

    assert answer.state is CaseState.DISPATCHING
    assert (made.state, made.ways) == (DispatchState.BY_HAND, [Way.PORTAL, Way.PHONE])
    assert opened.signer == post.signer.public
    assert opened.statement.dispatch == made.key
    assert str(opened.package.package_id) == made.package
    assert not opened.package.test
    steps = (await post.desk.cases.show(case, ada)).steps
    assert [each.step for each in steps[-2:]] == ["packaged", "dispatching"]


async def test_asking_twice_gives_the_same_dispatch(
    post: Post, ada: Principal, case: str
) -> None:
    first = await post.send(case, ada)
    before = await post.desk.store.read(
        lambda r: r.dispatch(first.dispatches[0].dispatch)
    )
    asking = begin()
    again = await post.send(case, ada)

    assert is_audited("sendCase", asking)
    assert again.dispatches == first.dispatches
    assert [
        each.dispatch for each in (await post.dispatches.list(case, ada)).dispatches
    ] == [first.dispatches[0].dispatch]
    assert before == await post.desk.store.read(
        lambda r: r.dispatch(first.dispatches[0].dispatch)
    )


async def test_a_dry_run_names_paths_and_ways_and_keeps_nothing(
    post: Post, ada: Principal, case: str
) -> None:
    answer = await post.send(case, ada, dry_run=True)
    (plan,) = answer.plans

    assert (plan.ways, plan.sealing) == (["portal", "phone"], "hpke")
    assert "network[].source_port" in plan.paths
    assert not any("4711" in path for path in plan.paths)
    assert (answer.state, answer.dispatches) == (CaseState.APPROVED, [])
    assert (await post.dispatches.list(case, ada)).dispatches == []


async def test_each_class_of_partner_receives_its_own_part(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    await post.enter(ada, ben, "eco", partner_class=HOTLINE)
    case = await post.approved(ada, ben, PartnerClass.LAW_ENFORCEMENT, HOTLINE)
    answer = await post.send(case, ada, "bka", "eco")
    paths = {plan.partner: plan.paths for plan in answer.plans}
    packages = [
        (await post.opened(each.dispatch)).package for each in answer.dispatches
    ]

    assert any(path.startswith(Element.SUSPECTS) for path in paths["bka"])
    assert not any(path.startswith(Element.SUSPECTS) for path in paths["eco"])
    assert [each.partner_class for each in packages] == [
        PartnerClass.LAW_ENFORCEMENT,
        HOTLINE,
    ]
    assert packages[1].elements.suspects is msgspec.UNSET
    assert len({each.key for each in answer.dispatches}) == 2


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"test": True}, "test_contact"),
        ({"partner_class": HOTLINE}, "not_approved"),
    ],
)
async def test_a_case_goes_only_where_it_may(
    post: Post, ada: Principal, ben: Principal, facts: dict[str, Any], code: str
) -> None:
    await post.enter(ada, ben, **facts)
    case = await post.approved(ada, ben)
    error = await refused(post.send(case, ada))

    assert (type(error), error.code) == (WrongStateError, code)
    assert await post.desk.state(case) == CaseState.APPROVED


async def test_a_test_case_goes_to_test_contacts_only_and_says_so(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    await post.enter(ada, ben, "try", test=True)
    case = await post.approved(ada, ben, test=True)
    error = await refused(post.send(case, ada, "bka"))
    answer = await post.send(case, ada, "try")

    assert error.code == "production_contact"
    assert (await post.opened(answer.dispatches[0].dispatch)).statement.test


async def test_nobody_receives_a_case_whom_nobody_else_has_verified(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, None)
    case = await post.approved(ada, ben)
    error = await refused(post.send(case, ada, called="call-2"))

    assert error.code == "partner_unverified"


async def test_after_a_verification_has_expired_a_call_is_asked_for(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    post.desk.team.pass_time(181 * DAYS)
    dry = await post.send(case, ada, dry_run=True)
    error = await refused(post.send(case, ada))
    sent = await post.send(case, ada, called="call-2")

    assert [each.code for each in dry.plans[0].warnings] == ["partner_expired"]
    assert error.code == "partner_expired"
    assert sent.state is CaseState.DISPATCHING


async def test_what_is_not_approved_any_more_does_not_go(
    post: Post, ada: Principal, case: str
) -> None:
    await post.desk.cases.assess(case, AssessCase(feature="chat"), ada)
    changed = await refused(post.send(case, ada))
    unknown = await refused(post.send(case, ada, "nobody"))

    assert changed.code == "not_approved"
    assert isinstance(unknown, WrongStateError | NotFoundError)


async def test_a_case_whose_approval_waits_does_not_go_and_names_the_act(
    post: Post, ada: Principal, ben: Principal, case: str
) -> None:
    await post.desk.cases.assess(case, AssessCase(feature="chat"), ada)
    before = await refused(post.send(case, ada))
    asked = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
    receipt = await post.desk.cases.approve(case, asked, ada)
    waits = await refused(post.send(case, ada))
    await post.desk.approve(receipt, ben)
    sent = await post.send(case, ada)

    assert str(before).endswith("does not go out: `fedsafe case approve`")
    assert waits.code == "not_approved"
    assert str(waits) == (
        "a case that is draft does not go out: an approval of it waits for a second "
        f"person: `fedsafe act approve {receipt.act}`"
    )
    assert sent.state is CaseState.DISPATCHING


async def test_only_the_escalation_officer_sends(
    post: Post, ben: Principal, case: str
) -> None:
    error = await refused(post.send(case, ben))

    assert isinstance(error, DeniedError)
    assert error.decision.code == "role"
    assert await post.desk.state(case) == CaseState.APPROVED


async def test_a_case_that_rests_on_a_foreign_signal_alone_is_never_sent(
    post: Post, ada: Principal, case: str
) -> None:
    await _rest_on(post, case, "foreign_signal")
    error = await refused(post.send(case, ada))

    assert isinstance(error, DeniedError)
    assert error.decision.code == "foreign_signal_only"


async def _rest_on(post: Post, case: str, source: str) -> None:
    keeper = post.desk.keeper

    async def act(tx: Any) -> None:  # noqa: ANN401
        row, file = await keeper.read(tx, case)
        other: CaseFile = msgspec.convert(
            msgspec.to_builtins(file) | {"sources": [source]}, CaseFile
        )
        period, key, sealed = keeper.vault.seal(
            row, case, other, post.desk.team.clock.now()
        )
        changed = msgspec.structs.replace(
            row, revision=row.revision + 1, period=period, key=key, sealed=sealed
        )
        await tx.put_case(changed)

    await post.desk.store.write(act)


async def test_a_hand_over_delivers_and_an_acknowledgement_ends_the_clock(
    post: Post, ada: Principal, case: str
) -> None:
    (made,) = (await post.send(case, ada)).dispatches
    task = (await post.desk.cases.show(case, ada)).tasks
    handed = await post.notes.hand(case, made.dispatch, post.handed(), ada)
    post.desk.team.pass_time(60)
    done = await post.notes.acknowledge(case, made.dispatch, post.acknowledged(), ada)
    found = await post.only(case, ada)
    row, file = await post.desk.store.read(
        lambda reader: post.desk.keeper.read(reader, case)
    )
    steps = await post.desk.store.read(lambda reader: reader.case_steps(case))
    course = course_of(row, steps)

    assert [each.dispatch for each in task] == [made.dispatch]
    assert handed.state is CaseState.DELIVERED
    assert done.state is CaseState.ACKNOWLEDGED
    assert [each.reference for each in found.receipts] == ["BKA-2026/4711", "AZ-17"]
    assert [each.reference for each in file.receipts] == ["BKA-2026/4711", "AZ-17"]
    assert (course.dispatched_at, course.acknowledged_at) == (
        post.desk.team.now - 60,
        post.desk.team.now,
    )
    assert (await post.desk.cases.show(case, ada)).tasks == []


async def test_a_case_is_delivered_when_all_of_its_dispatches_are(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    await post.enter(ada, ben, "eco", partner_class=HOTLINE)
    case = await post.approved(ada, ben, PartnerClass.LAW_ENFORCEMENT, HOTLINE)
    first, second = (await post.send(case, ada, "bka", "eco")).dispatches
    await post.notes.hand(case, first.dispatch, post.handed(), ada)
    states = [
        (await post.notes.acknowledge(case, first.dispatch, post.acknowledged(), ada)),
        (await post.notes.hand(case, second.dispatch, post.handed(), ada)),
        (await post.notes.acknowledge(case, second.dispatch, post.acknowledged(), ada)),
    ]

    assert [each.state for each in states] == [
        CaseState.DISPATCHING,
        CaseState.DELIVERED,
        CaseState.ACKNOWLEDGED,
    ]


async def test_a_delivered_case_that_goes_to_one_more_is_on_its_way_again(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    await post.enter(ada, ben, "eco", partner_class=HOTLINE)
    case = await post.approved(ada, ben, PartnerClass.LAW_ENFORCEMENT, HOTLINE)
    (first,) = (await post.send(case, ada, "bka")).dispatches
    before = await post.notes.hand(case, first.dispatch, post.handed(), ada)
    sent = await post.send(case, ada, "bka", "eco")

    assert (before.state, sent.state) == (CaseState.DELIVERED, CaseState.DISPATCHING)


async def test_what_was_met_is_owed_anew_from_when_the_case_goes_to_one_more(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    await post.enter(ada, ben, "eco", partner_class=HOTLINE)
    case = await post.approved(ada, ben, PartnerClass.LAW_ENFORCEMENT, HOTLINE)
    desk = post.desk

    async def owed() -> dict[Milestone, tuple[int, int | None]]:
        row, _ = await desk.store.read(lambda r: desk.keeper.read(r, case))
        steps = await desk.store.read(lambda reader: reader.case_steps(case))
        found = terms(course_of(row, steps), Calendar())
        return {each.milestone: (each.since, each.met_at) for each in found}

    handed_at = desk.team.now
    (first,) = (await post.send(case, ada, "bka")).dispatches
    await post.notes.hand(case, first.dispatch, post.handed(), ada)
    desk.team.pass_time(60)
    await post.notes.acknowledge(case, first.dispatch, post.acknowledged(), ada)
    met = await owed()
    desk.team.pass_time(30 * DAYS)
    again = desk.team.now
    sent = await post.send(case, ada, "eco")
    anew = await owed()
    (_, second) = (await post.dispatches.list(case, ada)).dispatches
    handed = await post.notes.hand(case, second.dispatch, post.handed(), ada)
    delivered = await owed()
    done = await post.notes.acknowledge(case, second.dispatch, post.acknowledged(), ada)

    dispatch, answer = Milestone.DISPATCH, Milestone.ACKNOWLEDGEMENT
    assert (sent.state, handed.state, done.state) == (
        CaseState.DISPATCHING,
        CaseState.DELIVERED,
        CaseState.ACKNOWLEDGED,
    )
    assert (met[dispatch][1], met[answer][1]) == (handed_at, handed_at + 60)
    assert (anew[dispatch], anew[answer]) == ((again, None), (again, None))
    assert (delivered[dispatch], delivered[answer]) == (met[dispatch], (again, None))
    assert await owed() == met


async def test_a_call_that_nobody_answers_is_an_attempt_and_the_task_stays(
    post: Post, ada: Principal, case: str
) -> None:
    (made,) = (await post.send(case, ada)).dispatches
    missed = post.handed(way=Way.PHONE, outcome="unreachable", reference=None)
    await post.notes.hand(case, made.dispatch, missed, ada)
    found = await post.only(case, ada)

    assert [(each.way, each.outcome) for each in found.attempts] == [
        ("phone", Outcome.UNREACHABLE)
    ]
    assert found.state is DispatchState.BY_HAND


async def test_attempts_in_vain_have_an_end_and_a_hand_over_is_noted_all_the_same(
    post: Post, ada: Principal, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.casework.dispatch.outcomes._MOST", 2)
    (made,) = (await post.send(case, ada)).dispatches
    missed = post.handed(way=Way.PHONE, outcome="refused", reference=None)
    for _ in range(2):
        await post.notes.hand(case, made.dispatch, missed, ada)
    error = await refused(post.notes.hand(case, made.dispatch, missed, ada))
    done = await post.notes.hand(case, made.dispatch, post.handed(), ada)
    found = await post.only(case, ada)

    assert (error.code, "no more than" in str(error)) == ("case_full", True)
    assert done.dispatch_state is DispatchState.DELIVERED
    assert len(found.attempts) == 3


async def test_what_nobody_can_have_is_acknowledged_by_nobody(
    post: Post, ada: Principal, case: str
) -> None:
    (made,) = (await post.send(case, ada)).dispatches
    missed = post.handed(way=Way.PHONE, outcome="unreachable", reference=None)
    await post.notes.hand(case, made.dispatch, missed, ada)
    early = await refused(
        post.notes.acknowledge(case, made.dispatch, post.acknowledged(), ada)
    )
    found = await post.only(case, ada)
    await post.notes.hand(case, made.dispatch, post.handed(), ada)
    done = await post.notes.acknowledge(case, made.dispatch, post.acknowledged(), ada)

    assert early.code == "nothing_arrived"
    assert "fedsafe case handed" in str(early)
    assert (found.state, found.receipts) == (DispatchState.BY_HAND, [])
    assert done.dispatch_state is DispatchState.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("facts", "code"),
    [({"reference": None}, "reference_missing"), ({"at": 1 << 37}, "bad_span")],
)
async def test_a_hand_over_says_when_and_under_which_reference(
    post: Post, ada: Principal, case: str, facts: dict[str, Any], code: str
) -> None:
    (made,) = (await post.send(case, ada)).dispatches
    error = await refused(
        post.notes.hand(case, made.dispatch, post.handed(**facts), ada)
    )

    assert isinstance(error, BadRequestError)
    assert error.code == code


async def test_a_receipt_that_is_repeated_is_noted_once(
    post: Post, ada: Principal, case: str
) -> None:
    (made,) = (await post.send(case, ada)).dispatches
    once = recognise("k" * 22, ada, route="noteHanded", body=b"", status=200)
    asked = post.handed()
    await post.notes.hand(case, made.dispatch, asked, ada, once=once)
    again = await refused(post.notes.hand(case, made.dispatch, asked, ada))
    other = await refused(post.notes.hand("0a" * 16, made.dispatch, asked, ada))

    assert again.code == "already_noted"
    assert isinstance(other, NotFoundError)
    assert len((await post.only(case, ada)).attempts) == 1


async def test_a_partner_without_a_key_is_reached_by_hand_with_nothing_sealed(
    post: Post, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben, key=None)
    case = await post.approved(ada, ben)
    (made,) = (await post.send(case, ada)).dispatches

    assert (made.sealing, made.state) == ("none", DispatchState.BY_HAND)


async def test_whoever_sees_no_case_sees_no_dispatch(
    post: Post, ada: Principal, case: str
) -> None:
    auditor = Principal("eve", Role.AUDITOR)
    await post.send(case, ada)
    error = await refused(post.dispatches.list(case, auditor))

    assert isinstance(error, DeniedError)


async def test_what_was_approved_under_another_matrix_does_not_go(
    post: Post, ada: Principal, case: str
) -> None:
    shipped = shipped_matrix()
    other = replace(shipped, digest="0" * 64)
    changed = replace(post.dispatches, matrix=lambda: other)
    error = await refused(changed.send(case, SendCase(partners=("bka",)), ada))

    assert error.code == "not_approved"
    assert await post.desk.state(case) == CaseState.APPROVED
