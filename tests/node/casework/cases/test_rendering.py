# SPDX-License-Identifier: Apache-2.0
"""Papers of cases: who gets which, marked as what, and what the log says of it."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.case_team import BKA, KNOWN, Desk, desk, refused

from fedsafe_node.acts.cases import (
    AssessCase,
    PackQuery,
    RenderCase,
    RenderingAnswer,
)
from fedsafe_node.casework.cases.keeper import Change
from fedsafe_node.casework.cases.rendering import CaseRenderings
from fedsafe_node.casework.rendering.forms import Rendering
from fedsafe_node.casework.rendering.texts import wording
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_policies.documents.phenomena import ladder, phenomena
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Vignette
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import (
    Element,
    Form,
    Language,
    Mark,
    PartnerClass,
    Urgency,
    Written,
)
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

__all__ = ["desk", "team"]

POLICE: Final = PartnerClass.LAW_ENFORCEMENT
SHEET: Final = RenderCase(form=Form.PORTAL_SHEET, partner=POLICE)


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    for table in (phenomena, playbooks, urgencies, wording, ladder):
        table()  # as a node reads them, off the loop


@pytest.fixture(name="papers")
def papers_fixture(desk: Desk) -> CaseRenderings:
    async def at_once(work: Callable[[], Rendering]) -> Rendering:
        return work()

    return CaseRenderings(
        desk.team.situation, desk.keeper, shipped_matrix, offload=at_once
    )


@pytest.fixture(name="ada")
async def ada_fixture(desk: Desk) -> Principal:
    return await desk.hire("ada", Role.ESCALATION_OFFICER)


async def _case(desk: Desk, who: Principal, **more: Any) -> str:  # noqa: ANN401
    case = await desk.open(who)
    known = msgspec.structs.replace(KNOWN, **more)
    await desk.cases.assess(case, AssessCase(elements=known), who)
    return case


def _text(paper: RenderingAnswer) -> str:
    return paper.content.decode()


async def test_a_case_is_a_draft_until_it_is_approved_for_that_class(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    before = await papers.render(case, SHEET, ada)
    ben = await desk.hire("ben", Role.REVIEWER)
    await desk.approve(await desk.cases.approve(case, BKA, ada), ben)
    after = await papers.render(case, SHEET, ada)
    other = RenderCase(form=Form.NOTICE, partner=PartnerClass.HOTLINE)
    elsewhere = await papers.render(case, other, ada)

    assert (before.mark, after.mark, elsewhere.mark) == (Mark.DRAFT, None, Mark.DRAFT)
    assert "ENTWURF" in _text(before)
    assert "ENTWURF" not in _text(after)
    assert "user-99" in _text(after)
    assert "user-99" not in _text(elsewhere)


async def test_an_exercise_says_so_even_when_approved(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    asked = msgspec.structs.replace(SHEET, test="yes", language=Language.EN)
    paper = await papers.render(case, asked, ada)

    assert paper.mark is Mark.TEST
    assert "exercise" in _text(paper)


async def test_the_log_names_form_and_digest_and_nothing_of_the_case(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    paper = await papers.render(case, SHEET, ada)
    events = await desk.team.events()
    (told,) = [told for name, _, told in events if name == Event.CASE_RENDERED]

    assert sha256(paper.content).hexdigest() in told
    assert "portal-sheet" in told
    assert "law_enforcement" in told
    assert "user-99" not in told


async def test_who_sees_a_part_of_a_case_gets_a_draft_of_that_part(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    ben = await desk.hire("ben", Role.REVIEWER)
    await desk.approve(await desk.cases.approve(case, BKA, ada), ben)
    yara = await desk.hire("yara", Role.YOUTH_PROTECTION_OFFICER)
    paper = await papers.render(case, SHEET, yara)

    assert paper.mark is Mark.DRAFT
    for name in ("user-99", "192.0.2.7", "Meldende", "user-12"):
        assert name not in _text(paper)


async def test_who_sees_no_case_gets_no_paper(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    who = await desk.hire("olga", Role.OPERATOR)

    assert isinstance(await refused(papers.render(case, SHEET, who)), DeniedError)


async def test_a_class_without_that_form_is_refused_by_the_field(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    wrong = RenderCase(form=Form.PORTAL_SHEET, partner=PartnerClass.HOTLINE)
    nobody = RenderCase(form=Form.LETTER)
    first = await refused(papers.render(case, wrong, ada))
    second = await refused(papers.render(case, nobody, ada))

    assert isinstance(first, BadRequestError)
    assert isinstance(second, BadRequestError)
    assert (first.pointer, second.pointer) == ("/form", "/partner")


async def test_what_a_form_lacks_is_said(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada, vignette=Vignette(text="Kim@mail.example schrieb."))
    vignette = RenderCase(form=Form.VIGNETTE, partner=PartnerClass.WORKING_GROUP)
    abroad = RenderCase(form=Form.PACKAGE, partner=PartnerClass.NCMEC)
    row = RenderCase(form=Form.DSA_ROW)
    for asked, word in ((vignette, "email"), (abroad, "transfer_basis"), (row, "auto")):
        error = await refused(papers.render(case, asked, ada))

        assert isinstance(error, WrongStateError)
        assert error.code == "not_renderable"
        assert word in error.detail
        assert "Kim@" not in error.detail


async def test_a_row_is_for_nobody(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    asked = RenderCase(form=Form.DSA_ROW, automated_detection="no", partner=POLICE)
    error = await refused(papers.render(case, asked, ada))

    assert isinstance(error, BadRequestError)
    assert error.pointer == "/partner"


async def test_a_row_names_the_case_by_no_number_of_it(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    asked = RenderCase(form=Form.DSA_ROW, automated_detection="no")
    first = await papers.render(case, asked, ada)
    again = await papers.render(case, asked, ada)

    assert first.content == again.content
    assert first.mark is None
    assert case[:12] not in _text(first)


async def test_a_revoked_consent_leaves_a_hand_over_without_a_name(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    case = await _case(desk, ada)
    asked = RenderCase(
        form=Form.HAND_OVER, partner=PartnerClass.COUNSELLING, written=Written.TEXT
    )
    before = await papers.render(case, asked, ada)
    await desk.cases.assess(case, AssessCase(remove=(Element.CONSENT,)), ada)
    after = await papers.render(case, asked, ada)

    assert "user-12" in _text(before)
    assert "user-12" not in _text(after)
    assert "10 bis 13" not in _text(after)


async def test_there_is_no_paper_of_a_case_that_is_not_there(
    ada: Principal, papers: CaseRenderings
) -> None:
    error = await refused(papers.render("0" * 32, SHEET, ada))

    assert isinstance(error, NotFoundError)


async def test_a_pack_tells_of_many_cases_and_of_none(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    quarter = f"{desk.team.clock.now():%Y}-Q{(desk.team.clock.now().month + 2) // 3}"
    for _ in range(10):
        await _case(desk, ada)
    query = PackQuery(written=Written.TEXT)
    paper = await papers.pack(quarter, query, ada)
    other = await papers.pack("2001-Q1", query, ada)
    events = await desk.team.events()
    told = [told for name, _, told in events if name == Event.CASE_RENDERED]

    assert "direct_messages: 10" in _text(paper)
    assert "user-99" not in _text(paper)
    assert "direct_messages" not in _text(other)
    assert paper.sha256 in told[0]
    assert quarter in told[0]


async def test_a_pack_counts_a_feature_that_was_named_too_late_for_a_package(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    quarter = f"{desk.team.clock.now():%Y}-Q{(desk.team.clock.now().month + 2) // 3}"
    person = Person(ada.name, ada.role)
    for _ in range(10):
        case = await _case(desk, ada, feature=msgspec.UNSET)
        row, file = await desk.store.read(lambda r, c=case: desk.keeper.read(r, c))  # type: ignore[misc]
        late = msgspec.structs.replace(file, late_feature="direct_messages")
        change = Change(
            step="answered",
            state=CaseState(row.state),
            urgency=Urgency(row.urgency),
            known_at=row.known_at,
            file=late,
        )
        await desk.store.write(
            lambda tx, r=row, n=change: desk.keeper.keep(tx, r, r.id, n, person)  # type: ignore[misc]
        )
    paper = await papers.pack(quarter, PackQuery(written=Written.TEXT), ada)

    assert "direct_messages: 10" in _text(paper)


async def test_an_erased_case_is_not_counted(
    desk: Desk, ada: Principal, papers: CaseRenderings
) -> None:
    quarter = f"{desk.team.clock.now():%Y}-Q{(desk.team.clock.now().month + 2) // 3}"
    cases = [await _case(desk, ada) for _ in range(10)]
    row = await desk.store.read(lambda reader: reader.case(cases[0]))
    assert row is not None
    gone = msgspec.structs.replace(
        row, revision=row.revision + 1, key=None, sealed=None
    )
    await desk.store.write(lambda tx: tx.put_case(gone))
    paper = await papers.pack(quarter, PackQuery(written=Written.TEXT), ada)

    assert "direct_messages" not in _text(paper)
