# SPDX-License-Identifier: Apache-2.0
"""Cases of a small team: who opens, assesses, approves and closes them."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import (
    ANSWERS,
    BKA,
    KNOWN,
    REPORT,
    YES,
    Desk,
    ada,
    ben,
    desk,
    holding,
    refused,
    tables,
)
from tests.support.maximal import MAXIMAL

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.cases import (
    ApproveCase,
    AssessCase,
    AttachEvidence,
    CaseAnswer,
    NewHold,
    OpenCase,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.api.census import is_audited
from fedsafe_node.casework.cases.keeper import CaseParts
from fedsafe_node.casework.cases.queue import Listable, Queue, queue_of
from fedsafe_node.casework.cases.release import CaseRelease, dispatch_content
from fedsafe_node.casework.cases.service import Cases
from fedsafe_node.casework.cases.timeline import course_of
from fedsafe_node.ground.errors import (
    BadRequestError,
    CorruptRowError,
    DeniedError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import begin
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.people.approvals import LIFETIME, Approvals
from fedsafe_node.rules.idempotency import recognise
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.closure import Help
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import (
    Elements,
    NetworkTrace,
    Threat,
    present,
)
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    AgeBand,
    Condition,
    Danger,
    Element,
    PartnerClass,
    Urgency,
)
from fedsafe_policies.vocabulary import Act, Phenomenon, Purpose, Role

__all__ = ["ada", "ben", "desk", "tables", "team"]

WELFARE: Final = ApproveCase(partners=(PartnerClass.YOUTH_WELFARE,))


async def test_a_case_goes_from_its_opening_to_its_end(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada)
    asked = await desk.cases.approve(case, BKA, ada)
    assert (asked.state, await desk.state(case)) == (CaseState.DRAFT, "draft")

    await desk.approve(asked, ben)
    approved = await desk.cases.show(case, ben)
    assert approved.state is CaseState.APPROVED
    assert approved.release is not None
    assert (approved.release.first, approved.release.second) == ("ada", "ben")

    await desk.cases.assess(case, ANSWERS, ada)
    closed = await desk.cases.close(case, ada)

    assert closed.state is CaseState.CLOSED
    shown = await desk.cases.show(case, ada)
    assert [step.step for step in shown.steps] == [
        *("opened", "assessed", "approved", "assessed", "closed"),
    ]
    assert (await desk.cases.list(ada)).cases == []


@pytest.mark.usefixtures("ben")
async def test_whoever_asks_again_for_an_approval_is_given_the_act_that_waits(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.full(ada)
    first = await desk.cases.approve(case, BKA, ada)
    asking = begin()
    again = await desk.cases.approve(case, BKA, ada)
    assert is_audited("approveCase", asking)
    await desk.cases.assess(case, AssessCase(feature="chat"), ada)
    later = await desk.cases.approve(case, BKA, ada)
    waiting = (await desk.approvals.pending()).acts

    assert first == again
    acts = {first.act, later.act}
    assert {each.act for each in waiting} == acts
    assert len(acts) == len(waiting) == 2


async def test_one_approval_of_a_case_as_it_stands_waits_and_is_named(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    eve = await desk.hire("eve", Role.ESCALATION_OFFICER)
    case, elsewhere = await desk.full(ada), await desk.full(ada)
    other = await desk.cases.approve(elsewhere, WELFARE, ada)
    first = await desk.cases.approve(case, BKA, ada)
    wider = await refused(desk.cases.approve(case, WELFARE, ada))
    by_another = await refused(desk.cases.approve(case, BKA, eve))
    waiting = {each.act for each in (await desk.approvals.pending()).acts}
    assert first.act is not None
    await desk.approvals.withdraw(first.act, ada)
    assert other.act is not None
    await desk.approvals.withdraw(other.act, ada)
    both = ApproveCase(partners=(*BKA.partners, *WELFARE.partners))
    await desk.approve(await desk.cases.approve(case, both, ada), ben)

    assert waiting == {first.act, other.act}
    for error in (wider, by_another):
        assert error.code == "approval_waits"
        assert str(error) == (
            "an approval of this case for law_enforcement waits already, asked for by "
            f"ada: act {first.act}"
        )
    assert await desk.state(case) == "approved"


@pytest.mark.usefixtures("ben")
async def test_an_approval_that_has_expired_keeps_no_other_out(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.full(ada)
    await desk.cases.approve(case, BKA, ada)
    desk.team.pass_time(LIFETIME)
    asked = await desk.cases.approve(case, WELFARE, ada)

    assert [each.act for each in (await desk.approvals.pending()).acts] == [asked.act]


async def test_an_approved_case_says_for_whom_and_how_others_come_in(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada)
    await desk.approve(await desk.cases.approve(case, BKA, ada), ben)
    error = await refused(desk.cases.approve(case, WELFARE, ada))
    await desk.cases.assess(case, AssessCase(feature="chat"), ada)  # as it says
    both = ApproveCase(partners=(*BKA.partners, *WELFARE.partners))
    await desk.approve(await desk.cases.approve(case, both, ada), ben)

    assert error.code == "already_approved"
    assert str(error) == (
        "this case is approved already, for law_enforcement; for others change it "
        "(`fedsafe case assess`), and let it be approved anew for all of them at once"
    )
    assert await desk.state(case) == "approved"


async def test_an_act_that_was_withdrawn_is_asked_for_anew(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada)
    first = await desk.cases.approve(case, BKA, ada)
    assert first.act is not None
    await desk.approvals.withdraw(first.act, ada)
    second = await desk.cases.approve(case, BKA, ada)

    assert second.act != first.act
    await desk.approve(second, ben)


async def test_a_foreign_signal_alone_is_refused_with_the_rules_name(
    desk: Desk, ada: Principal
) -> None:
    alone = (CaseSource.FOREIGN_SIGNAL,)
    error = await refused(desk.open(ada, sources=alone, evidence=("vault-7",)))

    assert isinstance(error, DeniedError)
    assert (error.decision.rule, error.decision.code) == ("P13", "foreign_signal_only")
    assert (await desk.cases.list(ada)).cases == []


@pytest.mark.promise("LR-15")
async def test_what_is_known_lies_sealed_and_opens_in_its_place_only(
    desk: Desk, ada: Principal
) -> None:
    case, other = await desk.full(ada), await desk.open(ada)
    row = await desk.store.read(lambda reader: reader.case(case))
    second = await desk.store.read(lambda reader: reader.case(other))
    assert row is not None
    assert second is not None
    assert row.sealed is not None

    replaced = msgspec.structs.replace
    for stray in (
        replace_all(second, row),
        replaced(row, revision=row.revision - 1),
        replaced(row, key=second.key),
        replaced(row, sealed=row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])),
    ):
        with pytest.raises(CorruptRowError):
            desk.vault.open(stray)
    assert desk.vault.open(row).elements.suspects == MAXIMAL.suspects
    assert row.key != second.key


def replace_all(row: Any, content: Any) -> Any:  # noqa: ANN401
    return msgspec.structs.replace(row, key=content.key, sealed=content.sealed)


async def test_a_case_whose_key_is_gone_says_so(
    desk: Desk, ada: Principal, keys: PeriodKeys
) -> None:
    case = await desk.open(ada)
    (period,) = keys.periods()
    await asyncio.to_thread(keys.destroy, period, present="9999-12")
    error = await refused(desk.cases.show(case, ada))

    assert isinstance(error, WrongStateError)
    assert error.code == "wiped"


async def test_no_single_case_goes_to_who_receives_numbers_of_many(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.full(ada)
    asked = ApproveCase(partners=(PartnerClass.BZKJ, PartnerClass.LAW_ENFORCEMENT))
    error = await refused(desk.cases.approve(case, asked, ada))

    assert error.code == "not_releasable"
    assert "`fedsafe case pack`" in str(error)
    assert (await desk.approvals.pending()).acts == []


async def test_a_case_of_art_18_lacks_nothing_when_it_goes(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada)
    error = await refused(desk.cases.approve(case, BKA, ada))

    assert error.code == "not_releasable"
    for element in ("network", "preservation", "contact", "sender", "attachments"):
        assert element in str(error)


async def test_in_imminent_danger_one_officer_releases_and_another_looks(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada, urgency=Urgency.U0)
    police = ApproveCase(partners=(PartnerClass.POLICE_EMERGENCY,))
    refusal = await refused(desk.cases.approve(case, police, ben))
    released = await desk.cases.approve(case, police, ada)
    waiting = (await desk.cases.show(case, ada)).release
    again = await refused(desk.cases.approve(case, police, ada))
    await desk.cases.approve(case, police, ben)
    looked = (await desk.cases.show(case, ada)).release

    assert refusal.decision.code == "role"
    assert (released.state, released.act) == (CaseState.APPROVED, None)
    assert waiting is not None
    assert waiting.second_by == waiting.at + 12 * 60 * 60
    assert again.decision.code == "four_eyes"
    assert looked is not None
    assert (looked.second, looked.second_by) == ("ben", None)


async def test_a_case_shows_the_approval_that_waits_and_for_whom(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case, other = await desk.full(ada), await desk.full(ada)
    asked = await desk.cases.approve(case, BKA, ada)
    found = (await desk.cases.show(case, ben)).approval
    elsewhere = (await desk.cases.show(other, ben)).approval
    await desk.cases.assess(case, ANSWERS, ada)  # nobody approves the case of before
    changed = (await desk.cases.show(case, ben)).approval
    again = await desk.cases.approve(case, BKA, ada)
    anew = (await desk.cases.show(case, ben)).approval
    desk.team.pass_time(LIFETIME)
    expired = (await desk.cases.show(case, ben)).approval

    assert found is not None
    assert anew is not None
    assert (found.act, found.asked_by) == (asked.act, "ada")
    assert found.partners == [PartnerClass.LAW_ENFORCEMENT]
    assert Role.REVIEWER in found.roles
    assert Role.ANALYST not in found.roles
    assert anew.act == again.act != asked.act
    assert (elsewhere, changed, expired) == (None, None, None)


async def test_nobody_approves_alone_or_what_has_changed(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada)
    asked = await desk.cases.approve(case, BKA, ada)
    own = await refused(desk.approve(asked, ada))
    await desk.cases.assess(case, ANSWERS, ada)
    changed = await refused(desk.approve(asked, ben))

    assert own.decision.code == "four_eyes"
    assert changed.code == "case_changed"
    assert await desk.state(case) == "draft"


async def test_a_change_takes_an_approval_back(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada)
    await desk.approve(await desk.cases.approve(case, BKA, ada), ben)
    receipt = await desk.cases.assess(case, ANSWERS, ada)

    assert receipt.state is CaseState.DRAFT
    assert (await desk.cases.show(case, ada)).release is None


@pytest.mark.usefixtures("ben")
async def test_a_borderline_case_waits_for_the_adviser_and_nobody_else(
    desk: Desk, ada: Principal
) -> None:
    lea = await desk.hire("lea", Role.LEGAL_ADVISER)
    case = await desk.open(ada, phenomenon=Phenomenon.AVATAR_ACTS, urgency=Urgency.U2)
    known = msgspec.structs.replace(KNOWN, phenomenon=Phenomenon.AVATAR_ACTS)
    await desk.cases.assess(case, AssessCase(elements=known), ada)
    waits = await refused(desk.cases.approve(case, BKA, ada))
    opinion = AssessCase(opinion="opinion-7")
    not_hers = await refused(desk.cases.assess(case, opinion, ada))
    more = AssessCase(opinion="opinion-7", help=Help.OFFERED)
    too_much = await refused(desk.cases.assess(case, more, lea))

    assert await desk.state(case) == "legal_review"
    assert (waits.decision.rule, waits.decision.code) == ("P7", "legal_review")
    assert isinstance(not_hers, ForbiddenError)
    assert isinstance(too_much, ForbiddenError)
    assert (await desk.cases.assess(case, opinion, lea)).state is CaseState.DRAFT
    assert (await desk.cases.approve(case, BKA, ada)).act is not None


@pytest.mark.parametrize(
    ("lacking", "name"),
    [
        ({"help": None}, "help"),
        ({"level": None}, "level"),
        ({"evidence_decision": None}, "evidence"),
    ],
)
async def test_a_case_is_not_closed_with_an_open_question(
    desk: Desk, ada: Principal, lacking: dict[str, None], name: str
) -> None:
    case = await desk.full(ada)
    answers = msgspec.structs.replace(ANSWERS, **lacking)
    await desk.cases.assess(case, answers, ada)
    error = await refused(desk.cases.close(case, ada))

    assert error.code == "unanswered"
    assert str(error).endswith(f": {name}")


async def test_a_closed_case_is_never_changed(desk: Desk, ada: Principal) -> None:
    case = await desk.full(ada)
    await desk.cases.assess(case, ANSWERS, ada)
    await desk.cases.close(case, ada)
    for work in (
        desk.cases.assess(case, ANSWERS, ada),
        desk.cases.attach(case, AttachEvidence(attachments=MAXIMAL.attachments), ada),  # type: ignore[arg-type]
        desk.cases.approve(case, BKA, ada),
    ):
        assert (await refused(work)).code in {"case_closed", "case_state"}


async def test_a_pattern_is_no_single_case(desk: Desk, ada: Principal) -> None:
    case = await desk.full(ada, urgency=Urgency.U3)
    error = await refused(desk.cases.approve(case, BKA, ada))

    assert error.code == "not_releasable"


async def test_help_is_handed_over_by_one_officer_with_consent(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.full(ada, urgency=Urgency.UH)
    to = ApproveCase(partners=(PartnerClass.COUNSELLING,))
    revoke = AssessCase(remove=(Element.CONSENT,))
    await desk.cases.assess(case, revoke, ada)
    lacking = await refused(desk.cases.approve(case, to, ada))
    consent = AssessCase(elements=Elements(consent=MAXIMAL.consent))
    await desk.cases.assess(case, consent, ada)

    assert "consent" in str(lacking)
    assert (await desk.cases.approve(case, to, ada)).state is CaseState.APPROVED
    steps = [step.step for step in (await desk.cases.show(case, ada)).steps]
    assert "consent_revoked" in steps


@pytest.mark.parametrize(
    ("urgency", "partner"),
    [
        (Urgency.UH, PartnerClass.LAW_ENFORCEMENT),
        (Urgency.U0, PartnerClass.WORKING_GROUP),
    ],
)
async def test_another_urgency_is_no_way_round_the_second_person(
    desk: Desk, ada: Principal, urgency: Urgency, partner: PartnerClass
) -> None:
    case = await desk.full(ada)
    await desk.cases.assess(case, AssessCase(urgency=urgency), ada)
    to = ApproveCase(partners=(partner,))
    error = await refused(desk.cases.approve(case, to, ada))

    assert error.code == "not_releasable"
    assert await desk.state(case) == "draft"


async def test_an_opinion_stands_for_what_the_adviser_was_asked(
    desk: Desk, ada: Principal
) -> None:
    lea = await desk.hire("lea", Role.LEGAL_ADVISER)
    case = await desk.full(ada)
    await desk.cases.assess(case, AssessCase(opinion="opinion-7"), lea)
    await desk.cases.assess(case, ANSWERS, ada)
    kept = (await desk.cases.show(case, ada)).opinion
    other = Elements(phenomenon=Phenomenon.AVATAR_ACTS)
    changed = await desk.cases.assess(case, AssessCase(elements=other), ada)

    assert kept == "opinion-7"
    assert changed.state is CaseState.LEGAL_REVIEW
    assert (await desk.cases.show(case, ada)).opinion is None


@pytest.mark.promise("LR-15")
async def test_each_role_sees_what_is_its_to_see(desk: Desk, ada: Principal) -> None:
    yara = await desk.hire("yara", Role.YOUTH_PROTECTION_OFFICER)
    case = await desk.full(ada)
    seen = await desk.cases.show(case, yara)

    assert Element.SUSPECTS not in present(seen.elements)
    assert Element.SUSPECTS in seen.hidden
    assert Element.FEATURE in present(seen.elements)
    assert b"user-99" not in encode(seen)


async def test_who_runs_the_node_sees_no_case(desk: Desk, ada: Principal) -> None:
    olaf = await desk.hire("olaf", Role.OPERATOR)
    case = await desk.open(ada)
    for purpose in (None, Purpose.OPERATIONS, Purpose.ESCALATION):
        error = await refused(desk.cases.show(case, olaf, purpose))
        assert isinstance(error, DeniedError)


async def test_the_queue_is_in_the_order_of_work(desk: Desk, ada: Principal) -> None:
    adult = await desk.open(ada, ages=(AgeBand.ADULT,), known_at=desk.team.now - 600)
    minor = await desk.open(ada)
    urgent = await desk.open(ada, urgency=Urgency.U0, ages=())
    cases = (await desk.cases.list(ada)).cases

    assert [each.case for each in cases] == [urgent, minor, adult]
    assert cases[0].dispatch_by == cases[0].known_at + 30 * 60


async def test_no_exercise_comes_before_a_case_about_somebody(
    desk: Desk, ada: Principal
) -> None:
    exercise = await desk.open(ada, urgency=Urgency.U0, test=True)
    real = await desk.open(ada, urgency=Urgency.U2)
    cases = (await desk.cases.list(ada)).cases

    assert [(each.case, each.test) for each in cases] == [
        (real, False),
        (exercise, True),
    ]


@pytest.mark.promise("LR-52")
async def test_whose_age_nobody_knows_comes_with_the_minors(
    desk: Desk, ada: Principal
) -> None:
    now = desk.team.now
    adult = await desk.open(ada, ages=(AgeBand.ADULT,), known_at=now - 600)
    minor = await desk.open(ada, known_at=now - 60)
    unsaid = await desk.open(ada, ages=(), known_at=now - 120)
    unknown = await desk.open(
        ada, ages=(AgeBand.ADULT, AgeBand.UNKNOWN), known_at=now - 90
    )
    cases = (await desk.cases.list(ada)).cases

    assert [each.case for each in cases] == [unsaid, unknown, minor, adult]
    assert [each.minors for each in cases] == [True, True, True, False]
    assert [each.ages_known for each in cases] == [False, False, True, True]


async def test_a_case_kept_before_is_read_for_its_ages(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada, ages=())
    row = await desk.store.read(lambda reader: reader.case(case))
    assert row is not None
    old = msgspec.structs.replace(row, minors=False)
    queue = Queue(desk.vault, Calendar(), shipped_matrix(), desk.team.now)
    course = course_of(row, ())
    (listed,) = queue_of(queue, [Listable(row=old, course=course)])
    damaged = msgspec.structs.replace(old, sealed=b"nothing")
    (unread,) = queue_of(queue, [Listable(row=damaged, course=course)])

    assert row.minors
    assert (listed.minors, listed.ages_known) == (True, False)
    assert (unread.minors, unread.ages_known) == (True, False)


async def test_what_is_entered_adds_to_what_was_and_is_taken_back_by_name(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada)
    unknown = Absence.UNKNOWN
    for request in (
        AssessCase(
            done=("secure_evidence",),
            conditions=(Condition.NECESSITY,),
            unavailable={Element.NETWORK: unknown},
        ),
        AssessCase(
            done=("ask_danger",),
            conditions=(Condition.TO_SAVE,),
            unavailable={Element.LOCATION: unknown},
        ),
    ):
        await desk.cases.assess(case, request, ada)
    added = await desk.cases.show(case, ada)
    back = AssessCase(
        undone=("secure_evidence",),
        lapsed=(Condition.NECESSITY,),
        remove=(Element.NETWORK,),
    )
    await desk.cases.assess(case, back, ada)
    left = await desk.cases.show(case, ada)

    assert done(added) == {"secure_evidence", "ask_danger"}
    assert set(added.conditions) == {Condition.NECESSITY, Condition.TO_SAVE}
    assert added.unavailable == {Element.NETWORK: unknown, Element.LOCATION: unknown}
    assert done(left) == {"ask_danger"}
    assert left.conditions == [Condition.TO_SAVE]
    assert left.unavailable == {Element.LOCATION: unknown}


def done(case: CaseAnswer) -> set[str]:
    return {step.step for step in case.checklist if step.done}


@pytest.mark.parametrize(
    ("fields", "pointer", "told"),
    [
        (
            {"unavailable": {Element.CONTACT: Absence.UNKNOWN}},
            "/unavailable",
            "may not be called unavailable: contact",
        ),
        (
            {"unavailable": {Element.VICTIM_AGES: Absence.UNKNOWN}},
            "/unavailable",
            "there, and said to be unavailable: victim_ages",
        ),
        (
            {"done": ("ask_danger",), "undone": ("ask_danger",)},
            "/undone",
            "taken back",
        ),
        (
            {
                "conditions": (Condition.NECESSITY,),
                "lapsed": (Condition.NECESSITY,),
            },
            "/lapsed",
            "taken back",
        ),
        ({"undone": ("ask_adviser",)}, "/undone", "ask_danger"),
    ],
)
async def test_what_cannot_be_entered_is_refused_by_its_name(
    desk: Desk, ada: Principal, fields: dict[str, Any], pointer: str, told: str
) -> None:
    case = await desk.open(ada)
    error = await refused(desk.cases.assess(case, AssessCase(**fields), ada))

    assert (error.code, error.pointer) == ("invalid_body", pointer)
    assert told in str(error)


async def test_ticks_outlast_another_phenomenon(desk: Desk, ada: Principal) -> None:
    case = await desk.open(ada)
    ticked = tuple(playbooks()[Phenomenon.GROOMING].steps)
    await desk.cases.assess(case, AssessCase(done=ticked), ada)
    for phenomenon in (Phenomenon.SEX_DOLL_ORDER, Phenomenon.GROOMING):
        other = AssessCase(elements=Elements(phenomenon=phenomenon))
        await desk.cases.assess(case, other, ada)

    assert done(await desk.cases.show(case, ada)) == set(ticked)


async def test_the_playbook_is_a_checklist(desk: Desk, ada: Principal) -> None:
    case = await desk.open(ada)
    ticked = AssessCase(done=("secure_evidence",))
    await desk.cases.assess(case, ticked, ada)
    foreign = AssessCase(done=("ask_adviser",))
    error = await refused(desk.cases.assess(case, foreign, ada))
    checklist = (await desk.cases.show(case, ada)).checklist

    assert [step.step for step in checklist if step.done] == ["secure_evidence"]
    assert error.pointer == "/done"


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"until": 10**10}, "/hold/until"),
        ({"until": 0}, "/hold/until"),
        ({}, None),
    ],
)
async def test_a_hold_ends_within_thirty_days(
    desk: Desk, ada: Principal, changed: dict[str, int], pointer: str | None
) -> None:
    case = await desk.open(ada)
    hold = NewHold(authority="zac-nrw", basis="order-17", until=desk.team.now + 86_400)
    request = AssessCase(hold=msgspec.structs.replace(hold, **changed))
    if pointer is not None:
        error = await refused(desk.cases.assess(case, request, ada))
        assert (error.code, error.pointer) == ("bad_hold", pointer)
        return
    await desk.cases.assess(case, request, ada)

    (kept,) = (await desk.cases.show(case, ada)).holds
    assert (kept.authority, kept.since) == ("zac-nrw", desk.team.now)


async def test_an_object_is_attached_once_with_the_same_facts(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada)
    (attachment,) = MAXIMAL.attachments  # type: ignore[misc]
    again = AttachEvidence(attachments=(attachment,))
    await desk.cases.attach(case, again, ada)
    await desk.cases.attach(case, again, ada)
    other = msgspec.structs.replace(attachment, size=1)
    error = await refused(
        desk.cases.attach(case, AttachEvidence(attachments=(other,)), ada)
    )

    assert error.code == "evidence_differs"
    shown = (await desk.cases.show(case, ada)).elements
    assert shown.attachments == (attachment,)


async def test_evidence_and_consent_are_not_rewritten_by_an_assessment(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.full(ada)
    (attachment,) = MAXIMAL.attachments  # type: ignore[misc]
    other = msgspec.structs.replace(attachment, sha256="00" * 32)
    facts = AssessCase(elements=Elements(attachments=(other,)))
    differs = await refused(desk.cases.assess(case, facts, ada))
    given_at = datetime(9999, 1, 1, tzinfo=UTC)
    later = msgspec.structs.replace(MAXIMAL.consent, given_at=given_at)  # type: ignore[type-var]
    consent = AssessCase(elements=Elements(consent=later))
    early = await refused(desk.cases.assess(case, consent, ada))

    assert differs.code == "evidence_differs"
    assert early.pointer == "/elements/consent/given_at"


@pytest.mark.promise("LR-04")
async def test_no_field_takes_media_and_nothing_of_them_is_kept(
    desk: Desk, ada: Principal, tmp_path: Path
) -> None:
    encoded = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(64))).decode()
    case = await desk.open(ada)
    threat = Threat(danger=Danger.YES, reason=f"siehe {encoded}")
    opened = await refused(desk.open(ada, threat=threat))
    summary = AssessCase(elements=Elements(summary=encoded))
    assessed = await refused(desk.cases.assess(case, summary, ada))

    assert isinstance(opened, BadRequestError)
    assert (opened.code, opened.pointer) == ("media_refused", "/threat/reason")
    assert (assessed.code, assessed.pointer) == ("media_refused", "/elements/summary")
    assert encoded not in str(opened) + str(assessed)
    assert await asyncio.to_thread(holding, tmp_path, encoded.encode()) == []


async def test_a_kept_answer_holds_nothing_of_the_case(
    desk: Desk, ada: Principal
) -> None:
    once = recognise("a" * 22, ada, route="openCase", body=b"{}", status=201)
    request = OpenCase(
        urgency=Urgency.U1, known_at=desk.team.now, threat=YES, sources=REPORT
    )
    await desk.cases.open(request, ada, once=once)
    kept = await desk.store.read(lambda reader: reader.idempotent_answer(once.key))

    assert kept is not None
    assert YES.reason.encode() not in kept.body
    assert set(msgspec.json.decode(kept.body)) == {
        *("case", "state", "revision", "act", "ended", "noted")
    }


async def test_conditions_are_recorded_and_what_is_given_is_not_missing(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada)
    facts = AssessCase(conditions=(Condition.NECESSITY,), elements=KNOWN)
    await desk.cases.assess(case, facts, ada)
    shown = await desk.cases.show(case, ada)

    assert shown.conditions == [Condition.NECESSITY]
    assert shown.gaps == []


async def test_there_is_no_such_case(desk: Desk, ada: Principal) -> None:
    for work in (
        desk.cases.show("00" * 16, ada),
        desk.cases.assess("00" * 16, ANSWERS, ada),
        desk.cases.close("00" * 16, ada),
    ):
        assert isinstance(await refused(work), NotFoundError)


@pytest.mark.parametrize("ip", ["192.0.2.777", "1.2.3", "2001:db8::1::2", "::ffff"])
async def test_no_address_is_kept_that_there_cannot_be(
    desk: Desk, ada: Principal, ip: str
) -> None:
    case = await desk.open(ada)
    (trace, *_) = cast("tuple[NetworkTrace, ...]", MAXIMAL.network)
    traces = (trace, msgspec.structs.replace(trace, ip=ip))
    request = AssessCase(elements=Elements(network=traces))
    if ip == "::ffff":
        await desk.cases.assess(case, request, ada)
        return
    found = await refused(desk.cases.assess(case, request, ada))

    assert (found.code, found.pointer) == ("invalid_body", "/elements/network/1/ip")
    assert ip not in str(found)


@pytest.mark.parametrize("char", ["\0", "\x1b", "\x7f", "\x85", "\u202e", "\u2066"])
async def test_no_text_looks_like_another_on_a_screen(
    desk: Desk, ada: Principal, char: str
) -> None:
    case = await desk.open(ada)
    threat = Threat(danger=Danger.YES, reason=f"sie{char}he")
    opened = await refused(desk.open(ada, threat=threat))
    summary = AssessCase(elements=Elements(summary=f"eine{char} Zeile"))
    assessed = await refused(desk.cases.assess(case, summary, ada))
    lines = AssessCase(elements=Elements(summary="eine Zeile\n\tund noch eine"))
    await desk.cases.assess(case, lines, ada)

    assert (opened.code, opened.pointer) == ("bad_text", "/threat/reason")
    assert (assessed.code, assessed.pointer) == ("bad_text", "/elements/summary")
    assert char not in str(opened) + str(assessed)


async def test_what_waits_for_a_second_person_ends_with_its_case(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    other = await desk.full(ada)
    waiting = await desk.cases.approve(other, BKA, ada)
    case = await desk.full(ada)
    await desk.cases.assess(case, ANSWERS, ada)
    asked = await desk.cases.approve(case, BKA, ada)
    pending = {each.act: each.digest for each in (await desk.approvals.pending()).acts}
    closed = await desk.cases.close(case, ada)
    left = [each.act for each in (await desk.approvals.pending()).acts]
    ended = [(e, o) for e, o, _ in await desk.team.events() if e == "act.withdrawn"]
    assert asked.act is not None
    digest = bytes.fromhex(pending[asked.act])
    late = await refused(desk.approvals.approve(asked.act, digest, ben))
    unseen = await refused(desk.approvals.approve(asked.act, bytes(32), ben))

    assert closed.ended == [asked.act]
    assert left == [waiting.act]
    assert ended == [("act.withdrawn", "overtaken")]
    assert (late.code, unseen.code) == ("case_closed", "case_closed")
    assert "closed, by ada" in str(late)
    assert await desk.state(case) == "closed"


async def test_no_approval_is_asked_of_a_case_that_is_closed_meanwhile(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    class Late(Approvals):
        async def ask(self, *given: Any, **more: Any) -> ActAnswer:  # noqa: ANN401
            await desk.cases.close(case, ben)
            return await super().ask(*given, **more)

    case = await desk.full(ada)
    await desk.cases.assess(case, ANSWERS, ada)
    effect = CaseRelease(desk.keeper, shipped_matrix)
    late = Late(desk.team.office, {Act.DISPATCH: effect})
    parts = CaseParts(desk.team.situation, desk.keeper, late, shipped_matrix)
    error = await refused(Cases(parts).approve(case, BKA, ada))

    assert error.code == "case_changed"
    assert (await desk.approvals.pending()).acts == []


async def test_an_approval_that_an_older_node_let_wait_on_says_the_same(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada)
    await desk.cases.assess(case, ANSWERS, ada)
    await desk.cases.close(case, ada)
    row = await desk.store.read(lambda reader: reader.case(case))
    assert row is not None
    content = dispatch_content(row, BKA.partners)
    asked = await desk.approvals.ask(Act.DISPATCH, content, ada)
    digest = bytes.fromhex(asked.digest)
    error = await refused(desk.approvals.approve(asked.act, digest, ben))

    assert error.code == "case_closed"
    assert (await desk.approvals.pending()).acts == []


LATER: Final = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("network", "at"),
        ("content", "at"),
        ("measures", "taken_at"),
        ("attachments", "captured_at"),
    ],
)
async def test_nothing_that_is_known_of_a_case_has_yet_to_be(
    desk: Desk, ada: Principal, name: str, field: str
) -> None:
    case = await desk.open(ada)
    (first, *_) = getattr(MAXIMAL, name)
    later = msgspec.structs.replace(first, **{field: LATER})
    known: dict[str, Any] = {name: (first, later)}
    asked = AssessCase(elements=Elements(**known))
    error = await refused(desk.cases.assess(case, asked, ada))

    assert (error.code, error.pointer) == ("bad_span", f"/elements/{name}/1/{field}")
    assert present((await desk.cases.show(case, ada)).elements).isdisjoint({name})


async def test_evidence_is_not_captured_in_the_future_but_for_clocks_that_differ(
    desk: Desk, ada: Principal
) -> None:
    case = await desk.open(ada)
    (first, *_) = MAXIMAL.attachments  # type: ignore[misc]
    at = datetime.fromtimestamp(desk.team.now, UTC)
    for seconds, is_taken in ((301, False), (300, True)):
        later = msgspec.structs.replace(
            first, captured_at=at + timedelta(seconds=seconds)
        )
        asked = AttachEvidence(attachments=(later,))
        if is_taken:
            await desk.cases.attach(case, asked, ada)
            continue
        error = await refused(desk.cases.attach(case, asked, ada))
        assert (error.code, error.pointer) == (
            "bad_span",
            "/attachments/0/captured_at",
        )
