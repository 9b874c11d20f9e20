# SPDX-License-Identifier: Apache-2.0
"""P11, P12, P14, P15, P18 and P20: what leaves a node, and to whom."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policy_requests import (
    ALLOWED,
    CLOSED,
    DANA,
    GERMANY,
    HOUR,
    MOMENTS,
    NOW,
    OPENING,
    RUTH,
    ask,
    near,
)

from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.engine import Request
from fedsafe_policies.rules.access import ExportRequest
from fedsafe_policies.rules.budgets import (
    EvaluationBudgetRequest,
    LookupBudgetRequest,
    PublicationBudgetRequest,
)
from fedsafe_policies.rules.corroboration import (
    CorroborationRequest,
    Statement,
    independent,
    second_hand,
)
from fedsafe_policies.rules.decision import Obligation
from fedsafe_policies.rules.disclosure import Audience, OpeningRequest, TransferRequest
from fedsafe_policies.rules.erasures import EraseRequest, ErasureDebtRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import (
    Circle,
    Effect,
    ErasureMethod,
    EvaluationPurpose,
    Grade,
    Matter,
    Plane,
    Provenance,
    Purpose,
    Role,
    Scope,
)

TAKEN_OUT = ExportRequest(
    DANA, Purpose.AUDIT_REVIEW, Matter.AUDIT, openings=True, second=RUTH
)
ABROAD = TransferRequest("US", Purpose.ESCALATION, "dsa-18")
WITH_BASIS = load_policy(
    shipped_text("germany").replace(
        b"[jurisdictions.transfers]", b'[jurisdictions.transfers]\nUS = "scc-1"'
    )
)


# --- P11, erasure ---------------------------------------------------------------------


def test_a_missing_receipt_alarms_and_then_stops_new_openings() -> None:
    def owed(hours: int) -> ErasureDebtRequest:
        return ErasureDebtRequest(NOW - hours * HOUR)

    assert Obligation.ALARM not in ask(owed(23)).obligations
    assert Obligation.ALARM in ask(owed(24)).obligations
    assert ask(owed(71)).allowed
    stopped = ask(owed(72))
    assert (stopped.rule, stopped.code) == ("P11", "receipt_missing")
    assert Obligation.ALARM in stopped.obligations


def test_a_receipt_counts_with_method_and_horizon_only() -> None:
    owed = ErasureDebtRequest(NOW - 90 * HOUR, ErasureMethod.KEY_DESTROYED)

    assert not ask(owed).allowed
    assert ask(replace(owed, residual_days=30)).code == "receipts_in_time"


def test_ending_a_signal_erases_it_everywhere() -> None:
    expired = ask(EraseRequest(Effect.EXPIRED))

    for decision in (expired, ask(EraseRequest(Effect.ERASED, RUTH))):
        assert decision.allowed
        assert {
            Obligation.ERASE_OPENINGS,
            Obligation.ERASURE_RECEIPTS,
            Obligation.NOTICE_TO_RECIPIENTS,
        } <= decision.obligations
    assert ask(EraseRequest(Effect.REVOKED)).code == "role"
    assert ask(EraseRequest(Effect.REVOKED, Person("dora", Role.DPO))).allowed
    olga = Person("olga", Role.OPERATOR)
    assert ask(EraseRequest(Effect.REVOKED, olga)).code == "role"
    assert ask(EraseRequest(Effect.DISPUTED, RUTH)).code == "not_allowed"


@pytest.mark.parametrize(
    ("plane", "scope", "allowed"),
    [
        (Plane.ACTOR, Scope.FEDERATION, False),
        (Plane.ACTOR, Scope.SELF, True),
        (Plane.MEDIA, Scope.FEDERATION, True),
    ],
)
def test_a_machine_ends_what_it_may_write(
    plane: Plane,
    scope: Scope,
    allowed: bool,  # noqa: FBT001 - a table
) -> None:
    machine = Person("import", Role.SERVICE)

    assert ask(EraseRequest(Effect.REVOKED, machine, plane, scope)).allowed is allowed


@given(near(OPENING), MOMENTS)
def test_a_debtor_gets_no_opening(request: OpeningRequest, now: int) -> None:
    owes = request.recipient.owes_since
    if ask(request, now=now).allowed and owes is not None:
        assert now < owes + 72 * HOUR


# --- P12, P14, recipients -------------------------------------------------------------

ELSEWHERE = replace(OPENING.recipient, name="c.example.org")
TO_B = Audience(Circle.NODES, frozenset({"b.example.org"}))


@pytest.mark.parametrize(
    ("change", "rule", "code"),
    [
        ({"purpose": None}, "P12", "ledger_incomplete"),
        ({"basis": "he did it"}, "P12", "ledger_incomplete"),
        ({"audience": TO_B, "recipient": ELSEWHERE}, "P14", "scope"),
        ({"audience": Audience(Circle.NODES)}, "P14", "scope"),
        (
            {"audience": Audience(Circle.GROUP, frozenset({"unknown"}))},
            "P14",
            "scope",
        ),
        ({"recipient": replace(OPENING.recipient, member=False)}, "P14", "scope"),
        (
            {"recipient": replace(OPENING.recipient, jurisdiction="US")},
            "P15",
            "jurisdiction",
        ),
        (
            {"recipient": replace(OPENING.recipient, attested_until=None)},
            "P1",
            "gate_unattested",
        ),
        (
            {"recipient": replace(OPENING.recipient, attested_until=NOW)},
            "P1",
            "gate_unattested",
        ),
        (
            {"recipient": replace(OPENING.recipient, owes_since=NOW - 72 * HOUR)},
            "P11",
            "receipt_missing",
        ),
    ],
)
def test_an_opening_is_withheld(
    change: dict[str, object], rule: str, code: str
) -> None:
    decision = ask(replace(OPENING, **change))  # type: ignore[arg-type]

    assert (decision.effect, decision.rule, decision.code) == ("deny", rule, code)


def test_an_opening_goes_where_it_is_meant_for_and_is_entered() -> None:
    decision = ask(replace(OPENING, audience=TO_B))

    assert (decision.rule, decision.code) == ("P14", "opening")
    assert Obligation.RECIPIENT_LEDGER in decision.obligations


def test_without_the_own_gate_no_opening_leaves() -> None:
    assert ask(OPENING, site=CLOSED).code == "legal_gate"


@given(near(OPENING, replace(OPENING, audience=TO_B)), MOMENTS)
def test_nobody_outside_of_the_circle_gets_an_opening(
    request: OpeningRequest, now: int
) -> None:
    if ask(request, now=now).allowed:
        assert request.recipient.member
        inside = request.recipient.name in request.audience.names
        assert inside or request.audience.circle is Circle.FEDERATION


@given(near(*ALLOWED), MOMENTS)
def test_whatever_is_handed_over_is_entered_in_the_ledger(
    request: Request, now: int
) -> None:
    decision = ask(request, now=now)
    if decision.allowed and decision.code in {"opening", "transfer"}:
        assert Obligation.RECIPIENT_LEDGER in decision.obligations
        assert getattr(request, "purpose", None) is not None


@given(near(TAKEN_OUT), MOMENTS)
def test_an_export_is_entered_in_the_ledger_if_it_has_openings(
    request: ExportRequest, now: int
) -> None:
    decision = ask(request, now=now)
    is_entered = Obligation.RECIPIENT_LEDGER in decision.obligations

    assert is_entered is (decision.allowed and request.openings)


# --- P15, jurisdiction ----------------------------------------------------------------


@pytest.mark.promise("LR-32")
def test_a_place_outside_needs_a_recorded_basis() -> None:
    decision = ask(ABROAD)

    assert (decision.rule, decision.code) == ("P15", "jurisdiction")
    assert not ask(replace(ABROAD, transfer_basis="scc-1")).allowed
    assert not ask(replace(ABROAD, transfer_basis="scc-2"), WITH_BASIS).allowed


@pytest.mark.promise("LR-24")
def test_the_eea_and_recorded_transfers_are_allowed() -> None:
    for place in ("DE", "NO", "IS", "LI"):
        assert ask(replace(ABROAD, jurisdiction=place)).allowed
    assert ask(replace(ABROAD, transfer_basis="scc-1"), WITH_BASIS).allowed


@pytest.mark.promise("LR-32")
@given(near(ABROAD, OPENING))
def test_nothing_goes_to_a_place_that_is_not_admitted(
    request: TransferRequest | OpeningRequest,
) -> None:
    to = request.recipient if isinstance(request, OpeningRequest) else request
    if ask(request, WITH_BASIS).allowed:
        assert to.jurisdiction in WITH_BASIS.jurisdictions | {"US"}


# --- P18, budgets ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (LookupBudgetRequest(Purpose.SIGNUP_CHECK, 20_000, 1), "budget"),
        (LookupBudgetRequest(Purpose.SIGNUP_CHECK, 19_990, 11), "budget"),
        (LookupBudgetRequest(Purpose.OPERATIONS, 0, 1), "budget"),
        (LookupBudgetRequest(Purpose.SIGNUP_CHECK, 0, 1, 101, 5), "enumeration"),
        (PublicationBudgetRequest(0, 2_000, 1), "budget"),
        (EvaluationBudgetRequest(EvaluationPurpose.LOOKUP, 500, 500, 1), "budget"),
        (EvaluationBudgetRequest(EvaluationPurpose.LOOKUP, 0, 1_999, 2), "budget"),
        (EvaluationBudgetRequest(EvaluationPurpose.LOOKUP, 0, 2_000, 1), "enumeration"),
        (EvaluationBudgetRequest(EvaluationPurpose.BACKFILL, 0, 0, 2_001), "budget"),
        (PublicationBudgetRequest(500, 500, 1), "mass_listing"),
    ],
)
def test_beyond_the_budget_is_refused(
    request_: LookupBudgetRequest | PublicationBudgetRequest | EvaluationBudgetRequest,
    code: str,
) -> None:
    decision = ask(request_)

    assert (decision.rule, decision.code) == ("P18", code)
    assert (Obligation.ALARM in decision.obligations) is (code != "budget")


def test_within_the_budget_is_allowed() -> None:
    assert ask(LookupBudgetRequest(Purpose.SIGNUP_CHECK, 19_989, 11)).allowed
    assert ask(LookupBudgetRequest(Purpose.SIGNUP_CHECK, 0, 1, 100, 5)).allowed
    assert ask(PublicationBudgetRequest(499, 1_999, 1)).allowed
    assert ask(EvaluationBudgetRequest(EvaluationPurpose.LOOKUP, 499, 1_999, 1)).allowed
    assert ask(EvaluationBudgetRequest(EvaluationPurpose.RIGHTS, 0, 75, 25)).allowed


@given(
    st.from_type(Purpose),
    st.lists(st.integers(1, 30_000), max_size=6),
)
def test_no_order_of_requests_gets_more_than_the_budget(
    purpose: Purpose, wishes: list[int]
) -> None:
    spent = 0
    for wanted in wishes:
        if ask(LookupBudgetRequest(purpose, spent, wanted)).allowed:
            spent += wanted

    assert spent <= GERMANY.document.budgets.lookups_an_hour.get(purpose, 0)


# --- P20, corroboration ---------------------------------------------------------------

OWN, CONDUCT = Provenance.OWN_FINDING, Grade.CONFIRMED_CONDUCT
TWO = tuple(Statement(name, name, OWN, CONDUCT) for name in "bc")


def test_relayed_and_imported_signals_add_nothing() -> None:
    relayed = (TWO[0], replace(TWO[1], provenance=Provenance.RELAYED))
    imported = (TWO[0], replace(TWO[1], provenance=Provenance.IMPORTED_LIST))
    reported = (TWO[0], replace(TWO[1], grade=Grade.SINGLE_REPORT))
    same_house = (TWO[0], replace(TWO[1], organisation="b"))

    for signals in (relayed, imported, reported, same_house, TWO[:1], ()):
        decision = ask(CorroborationRequest(signals))
        assert (decision.rule, decision.code) == ("P20", "uncorroborated")
    assert [second_hand(each) for each in (relayed, imported, reported)] == [1, 1, 1]
    assert second_hand(same_house) == second_hand(TWO) == 0


def test_who_has_a_finding_of_its_own_as_well_is_no_hearsay() -> None:
    listed = [replace(each, provenance=Provenance.IMPORTED_LIST) for each in TWO]
    said = [*TWO[:1], *listed, *listed]

    assert (independent(said), second_hand(said)) == (1, 1)


def test_two_that_found_it_themselves_corroborate() -> None:
    decision = ask(CorroborationRequest(TWO))

    assert (decision.code, decision.about) == ("corroborated", "2")


@given(
    st.lists(
        st.builds(
            Statement,
            st.sampled_from("abcd"),
            st.sampled_from("xyz"),
            st.sampled_from(Provenance),
            st.sampled_from(Grade),
        )
    ),
    st.text(max_size=2),
)
def test_repetition_and_relaying_never_raise_the_count(
    signals: list[Statement], relay: str
) -> None:
    said = Statement(relay, relay, Provenance.RELAYED, CONDUCT)
    told = [*signals, *signals, said]

    assert independent(told) == independent(signals)
    assert independent(signals) <= len({signal.organisation for signal in signals})
