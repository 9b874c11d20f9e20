# SPDX-License-Identifier: Apache-2.0
"""P7 and P17 at a node under `germany`: what is shared, and what it rests on."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import (
    ANNA,
    BOT,
    DRAFTS,
    RITA,
    Node,
    NodeMaker,
    request_for,
)

from fedsafe_node.acts.bodies import (
    ImportRequest,
    Kind,
    NewSignalRequest,
    Question,
    SignalState,
)
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import DETAIL
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.texts import texts
from fedsafe_node.signals.drafts import draft_row, open_draft
from fedsafe_node.store.notices_rows import SignOffRow
from fedsafe_policies.documents.do_not_share import load_lists, shipped_lists
from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate
from fedsafe_policies.vocabulary import Finding, Phenomenon, Scope

PERSON = "person@mail.example"
GERMANY = shipped_text("germany")
TEXTS = texts()  # read before an event loop runs
REVIEW = "review-2026-4"
YEAR_END = int(datetime(2027, 12, 31, tzinfo=UTC).timestamp())
GATE = LegalGate(
    legal_basis="gdpr-6-1-f/2026-03",
    balancing_test="doc:bt-7",
    dpia="doc:dpia-2",
    consultation=Consultation.NOT_REQUIRED,
    consultation_reference="note:art36-1",
    dpo_approval=Approval("dana", date(2026, 9, 1)),
    management_approval=Approval("max", date(2026, 9, 2)),
    valid_until=date(2027, 9, 1),
)
OWN_LIST = """
format = 1
dated = 2026-11-24
[lists.guests]
kind = "email"
match = "whole"
version = 1
source = "front desk"
entries = ["%s"]
"""


@pytest.fixture
async def node(make_node: NodeMaker) -> Node:
    node = make_node(policy="germany")
    situation = node.desk.situation
    agreed = f"jca:{situation.arrangement}"
    situation.record_gate(replace(GATE, arrangement=agreed))
    situation.record_register(YEAR_END)
    for text in TEXTS.values():
        row = SignOffRow(
            name=text.name.value,
            digest=text.digest,
            signed_by="rita",
            role="reviewer",
            signed_at=0,
            valid_until=YEAR_END,
        )
        await node.store.write(lambda tx, row=row: tx.add_sign_off(row))  # type: ignore[misc]
    return node


def wanted(phenomenon: str, rule: str, *findings: str, **more: Any) -> NewSignalRequest:  # noqa: ANN401
    return request_for(
        PERSON,
        scope=Scope.FEDERATION,
        phenomenon=Phenomenon(phenomenon),
        rule=rule,
        findings=[Finding(word) for word in ("adult", *findings)],
        **more,
    )


COMPLETE = {
    "grooming": wanted("grooming", "house-1"),
    "exhibitionism": wanted("exhibitionism", "house-4", "aimed_at_minor"),
    "abuse_depiction": wanted("abuse_depiction", "house-2"),
    "sextortion": wanted("sextortion", "house-3"),
    "unwanted_confrontation": wanted("unwanted_confrontation", "house-4", "targeted"),
    "sex_doll_order": wanted("sex_doll_order", "house-5", legal_review=REVIEW),
    "avatar_acts": wanted("avatar_acts", "house-1", legal_review=REVIEW),
}
ADULT = [Finding.ADULT]
INCOMPLETE = [
    *(
        (name, {"findings": []}, "finding_missing", "adult")
        for name in ("grooming", "abuse_depiction", "sextortion", "avatar_acts")
    ),
    ("exhibitionism", {"findings": ADULT}, "finding_missing", "aimed_at_minor"),
    ("unwanted_confrontation", {"findings": ADULT}, "finding_missing", "targeted"),
    ("sex_doll_order", {"legal_review": None}, "legal_review", ""),
    ("avatar_acts", {"legal_review": None}, "legal_review", ""),
]


@pytest.mark.parametrize("phenomenon", sorted(COMPLETE))
async def test_what_the_policy_switches_on_can_be_published(
    node: Node, phenomenon: str
) -> None:
    draft = await node.signals.add(COMPLETE[phenomenon], ANNA)

    answer = await node.signals.approve([draft.signal], RITA)

    assert draft.state is SignalState.DRAFT
    assert answer.approved == [draft.signal]
    (match,) = (await node.look_up(PERSON)).matches
    assert match.phenomenon.value == phenomenon


@pytest.mark.parametrize(("phenomenon", "lacks", "code", "about"), INCOMPLETE)
async def test_a_phenomenon_is_refused_without_what_it_rests_on(
    node: Node, phenomenon: str, lacks: dict[str, Any], code: str, about: str
) -> None:
    with pytest.raises(DeniedError) as denied:
        await node.signals.add(replace(COMPLETE[phenomenon], **lacks), ANNA)

    decision = denied.value.decision
    assert (decision.rule, decision.code, decision.about) == ("P7", code, about)
    assert node.federation.asked == 0


async def test_a_review_is_named_by_a_person_and_by_no_machine(node: Node) -> None:
    with pytest.raises(DeniedError) as denied:
        await node.signals.add(COMPLETE["sex_doll_order"], BOT)

    assert denied.value.decision.code == "role"


async def test_a_review_that_is_free_text_is_refused(node: Node) -> None:
    request = wanted("avatar_acts", "house-1", legal_review="stgb-184b")

    with pytest.raises(DeniedError) as denied:
        await node.signals.add(request, ANNA)

    assert denied.value.decision.code == "free_text"


async def test_findings_about_a_file_are_refused(node: Node) -> None:
    request = request_for("ab" * 32, kind=Kind.SHA256, findings=[Finding.REPEATED])

    with pytest.raises(BadRequestError) as refused:
        await node.signals.add(request, ANNA)

    assert (refused.value.code, refused.value.pointer) == ("not_for_media", "/findings")


async def test_the_second_person_sees_what_a_draft_rests_on(
    node: Node,
) -> None:
    request = wanted("avatar_acts", "house-1", "targeted", legal_review=REVIEW)
    draft = await node.signals.add(request, ANNA)
    (listed,) = (await node.signals.listed(DRAFTS, RITA)).signals
    shown = await node.signals.show(draft.signal, RITA)
    await node.signals.approve([draft.signal], RITA)
    published = await node.signals.show(draft.signal, RITA)

    for seen in (draft, listed, shown):
        assert seen.findings == [Finding.ADULT, Finding.TARGETED]
        assert seen.legal_review == REVIEW
    assert (published.findings, published.legal_review) == (None, None)
    log = node.desk.trail.log
    last = await node.store.scan(lambda reader: reader.log_size(log)) - 2
    detail = await node.store.read(lambda reader: reader.opening(log, last, DETAIL))
    assert detail is not None
    assert REVIEW.encode() in detail.payload


async def test_an_import_rules_on_each_with_its_own_findings(node: Node) -> None:
    complete = COMPLETE["exhibitionism"]
    without = wanted("exhibitionism", "house-4")
    batch = ImportRequest(signals=[without, complete, without])
    answer = await node.signals.add_many(batch, ANNA)

    assert [signal is not None for signal in answer.signals] == [False, True, False]
    assert [problem.code for problem in answer.problems] == ["finding_missing"] * 2
    assert answer.problems[0].detail.endswith("(aimed_at_minor)")


async def test_approval_refuses_what_was_switched_off_meanwhile(node: Node) -> None:
    draft = await node.signals.add(COMPLETE["avatar_acts"], ANNA)
    text = GERMANY.replace(b'avatar_acts = ["actor"]', b"")
    node.desk.situation.policy = load_policy(text)

    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([draft.signal], RITA)

    assert denied.value.decision.code == "phenomenon_off"


@pytest.mark.parametrize(
    ("change", "code"),
    [({"minor": True}, "help_instead"), ({"findings": []}, "finding_missing")],
)
async def test_approval_refuses_a_draft_about_a_minor_or_nobody_said_an_adult(
    node: Node, keys: PeriodKeys, change: dict[str, Any], code: str
) -> None:
    draft = await node.signals.add(COMPLETE["grooming"], ANNA)
    row = await node.store.read(lambda r: r.draft(read_signal_id(draft.signal)))
    assert row is not None
    kept, signal_id = open_draft(row, keys), bytes(6) + b"\x70\x00\x80" + bytes(7)
    changed = draft_row(
        kept.made(signal_id, "a.demo", node.desk.situation.own),
        own=None,
        facts=replace(kept.facts, **change),
        periods=keys,
        own_list=node.desk.situation.own,
        now=node.desk.clock.now(),
    )
    await node.store.write(lambda tx: tx.add_draft(changed))

    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([signal_name(signal_id)], RITA)

    assert denied.value.decision.code == code


# --- lists that change while a draft waits (P17) --------------------------------------


async def test_a_list_that_changed_since_the_draft_refuses_it_by_name(
    node: Node,
) -> None:
    draft = await node.signals.add(COMPLETE["grooming"], ANNA)
    lists = load_lists((OWN_LIST % PERSON).encode(), shipped_lists())
    node.desk.situation.do_not_share = lists

    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([draft.signal], RITA)

    decision = denied.value.decision
    assert (decision.rule, decision.code) == ("P17", "lists_changed")
    assert decision.about == "guests"
    with pytest.raises(DeniedError) as anew:
        await node.signals.add(COMPLETE["grooming"], ANNA)
    assert anew.value.decision.code == "do_not_share"
    assert await node.feed() == []


async def test_lists_of_other_kinds_may_change(node: Node) -> None:
    draft = await node.signals.add(COMPLETE["grooming"], ANNA)
    text = OWN_LIST.replace('"email"', '"username"') % "guest"
    node.desk.situation.do_not_share = load_lists(text.encode(), shipped_lists())

    answer = await node.signals.approve([draft.signal], RITA)

    assert answer.approved == [draft.signal]


async def test_a_shorter_name_that_is_too_short_by_now_is_refused(node: Node) -> None:
    about = Question(kind=Kind.USERNAME, value="lurker", namespace="chat.example")
    request = replace(COMPLETE["grooming"], about=about)
    draft = await node.signals.add(request, ANNA)
    text = GERMANY.replace(b"shortest = 4", b"shortest = 9")
    node.desk.situation.policy = load_policy(text)

    with pytest.raises(DeniedError) as denied:
        await node.signals.approve([draft.signal], RITA)

    assert denied.value.decision.about == "short_strings"


async def test_a_draft_keeps_digests_of_lists_and_no_identifier(
    node: Node, keys: PeriodKeys
) -> None:
    draft = await node.signals.add(COMPLETE["grooming"], ANNA)
    signal_id = read_signal_id(draft.signal)
    row = await node.store.read(lambda reader: reader.draft(signal_id))
    assert row is not None
    facts = open_draft(row, keys).facts

    assert set(facts.compared) == {"role_addresses", "disposable_domains"}
    assert "mail.example" not in str(facts)
