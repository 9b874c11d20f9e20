# SPDX-License-Identifier: Apache-2.0
"""P21 and P22: what signals that match many, or are on trial, may do."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policy_requests import ANNA, GERMANY, RUTH, ask

from fedsafe_policies.documents.document import Flood
from fedsafe_policies.documents.effects import effects
from fedsafe_policies.documents.policy import load_policy, shipped, shipped_text
from fedsafe_policies.documents.strictness import loosened
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.rules.decision import Obligation
from fedsafe_policies.rules.floods import FloodRequest, FloodRulingRequest, flood_bound
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.trials import (
    CHANCES,
    MOST_DRAWN,
    Closings,
    TrialRequest,
    TrialRulingRequest,
    least_share,
    wants_probation,
)
from fedsafe_policies.vocabulary import Act, IdentifierKind, MediaKind

MAIL = IdentifierKind.EMAIL
KINDS = (*IdentifierKind, *MediaKind)
BOUND = flood_bound(MAIL, GERMANY)
RULING = FloodRulingRequest(RUTH, stands=False, reason="ticket-7")


# --- P21, match flood -----------------------------------------------------------------


@pytest.mark.promise("TM-12")
def test_beyond_its_bound_a_signal_restricts_nobody_by_itself() -> None:
    at_bound = ask(FloodRequest(MAIL, BOUND))

    assert (at_bound.rule, at_bound.code) == ("P21", "flood")
    assert at_bound.about == str(BOUND)
    assert at_bound.obligations >= {Obligation.ALARM, Obligation.REVIEW_TASK}
    assert not ask(FloodRequest(MAIL, 2 * BOUND, raised=2 * BOUND)).allowed


def test_below_its_bound_a_signal_restricts_by_itself() -> None:
    below = ask(FloodRequest(MAIL, BOUND - 1))

    assert (below.rule, below.allowed) == ("P21", True)
    assert ask(FloodRequest(MAIL, BOUND, raised=BOUND + 1)).allowed
    # What two people have raised never lowers what a policy allows.
    assert ask(FloodRequest(MAIL, BOUND - 1, raised=1)).allowed


@given(st.sampled_from(KINDS), st.integers(0, 2_000), st.none() | st.integers(0, 500))
def test_no_count_beyond_the_bound_restricts(
    kind: IdentifierKind | MediaKind, restricted: int, raised: int | None
) -> None:
    bound = max(flood_bound(kind, GERMANY), raised or 0)
    allowed = ask(FloodRequest(kind, restricted, raised)).allowed

    assert allowed is (restricted < bound)


def test_one_person_who_rules_on_disputes_rules_on_a_flood() -> None:
    rests, stands = ask(RULING), ask(replace(RULING, stands=True))

    assert Obligation.SUSPEND_MATCHING in rests.obligations
    assert Obligation.SUSPEND_MATCHING not in stands.obligations
    assert stands.allowed
    assert ask(replace(RULING, ruler=ANNA)).code == "role"
    assert ask(replace(RULING, reason="he did it, I am sure")).code == "free_text"


def test_two_people_raise_a_bound_and_no_policy_has_to_name_it() -> None:
    raise_ = ActRequest(Act.FLOOD_BOUND, RUTH, None, "ticket-7")
    second = replace(RUTH, name="rolf")

    assert ask(raise_).code == "four_eyes"
    assert ask(replace(raise_, second=RUTH)).code == "four_eyes"
    assert ask(replace(raise_, second=second)).allowed
    assert not ask(replace(raise_, first=ANNA, second=second)).allowed
    assert Act.FLOOD_BOUND not in GERMANY.document.four_eyes.acts


@pytest.mark.parametrize("name", ["strict", "germany", "synthetic"])
def test_every_shipped_policy_bounds_every_kind(name: str) -> None:
    written = shipped_text(name).decode().partition("\n[flood]\n")[2]
    document = shipped(name).document

    assert {kind.name.lower() for kind in KINDS} == set(Flood.__struct_fields__)
    for kind in Flood.__struct_fields__:
        assert f"{kind} = {getattr(document.flood, kind)}\n" in written


def test_a_policy_from_before_the_bounds_has_those_of_germany() -> None:
    text = shipped_text("germany").decode()
    head, _, tail = text.partition("[flood]\n")
    older = load_policy((head + tail.partition("\n\n")[2]).encode())

    assert older.document.flood == GERMANY.document.flood
    assert loosened(older, GERMANY) == loosened(GERMANY, older) == []


@pytest.mark.parametrize("bound", ["0", "1001", '"few"'])
def test_a_bound_that_fits_nothing_is_named_with_its_key(bound: str) -> None:
    text = shipped_text("germany").replace(b"\npdq = 50", f"\npdq = {bound}".encode())
    with pytest.raises(PolicyFileError) as refused:
        load_policy(text)

    assert refused.value.key == "flood.pdq"
    assert refused.value.line is not None


def test_a_diff_tells_of_each_bound_in_both_languages() -> None:
    told = {item.key: item for item in effects(shipped("strict"), GERMANY)}
    mail = told["flood.email"]

    assert mail.direction == "looser"
    assert "E-Mail-Adressen" in mail.text.de
    assert mail.text.en.endswith("now 10, was 5")
    assert {f"flood.{kind}" for kind in Flood.__struct_fields__} <= set(told)


# --- P22, trial -----------------------------------------------------------------------


def test_the_first_and_a_drawn_part_are_reviewed() -> None:
    first = ask(TrialRequest(9, 9, CHANCES - 1))

    assert (first.rule, first.code) == ("P22", "sampled")
    assert Obligation.REVIEW_TASK in first.obligations
    assert ask(TrialRequest(10, 10, 499)).allowed


def test_what_is_not_drawn_is_not_reviewed() -> None:
    decision = ask(TrialRequest(10, 10, 500))

    assert (decision.rule, decision.code) == ("P22", "on_trial")
    assert not ask(TrialRequest(10_000, MOST_DRAWN, 0)).allowed


@given(st.integers(0, 20_000), st.integers(0, 600), st.integers(0, CHANCES - 1))
def test_no_trial_has_more_than_its_sample_reviewed(
    matches: int, drawn: int, draw: int
) -> None:
    allowed = ask(TrialRequest(matches, drawn, draw)).allowed

    assert allowed is (drawn < MOST_DRAWN and (matches < 10 or draw < 500))


def test_a_trial_is_prolonged_once_and_ended_only_after_its_time() -> None:
    prolong = TrialRulingRequest(RUTH, prolong=True, reason="ticket-7")
    end = replace(prolong, prolong=False, is_over=True)

    assert ask(prolong).allowed
    assert ask(replace(prolong, prolonged=True)).code == "trial_prolonged"
    assert ask(end).allowed
    assert ask(replace(end, is_over=False)).code == "trial_runs"
    assert ask(replace(prolong, ruler=ANNA)).code == "role"
    assert ask(replace(end, reason="it seems fine to me")).code == "free_text"


@pytest.mark.parametrize("lasts", ["29 days", "91 days", "1 month"])
def test_a_trial_is_neither_shorter_nor_much_longer(lasts: str) -> None:
    text = shipped_text("germany").replace(
        b'lasts = "30 days"', f'lasts = "{lasts}"'.encode()
    )
    with pytest.raises(PolicyFileError) as refused:
        load_policy(text)

    assert refused.value.key == "trial.lasts"


def test_a_diff_tells_of_trials_in_both_languages() -> None:
    text = shipped_text("germany").replace(b"percent = 5\n", b"percent = 20\n")
    text = text.replace(b'lasts = "30 days"', b'lasts = "60 days"')
    told = {item.key: item for item in effects(GERMANY, load_policy(text))}

    assert told["trial.lasts"].direction == "stricter"
    assert "60 Tage" in told["trial.lasts"].text.de
    assert told["trial.percent"].direction == "other"
    assert "now 20, was 5" in told["trial.percent"].text.en


# --- P22, probation -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "tries", "least"),
    [(0, 30, 0.0), (30, 30, 0.8577), (8, 30, 0.1044), (7, 30, 0.0830)],
)
def test_the_lower_bound_on_a_share_is_the_exact_one(
    found: int, tries: int, least: float
) -> None:
    assert least_share(found, tries) == pytest.approx(least, abs=1e-4)


def test_the_lower_bound_is_what_the_binomial_sum_says() -> None:
    for tries in (1, 30, 31, 400):
        for found in {1, tries // 3 or 1, tries}:
            share = least_share(found, tries)
            more = sum(
                math.comb(tries, each) * share**each * (1 - share) ** (tries - each)
                for each in range(found, tries + 1)
            )
            assert more == pytest.approx(0.01, rel=1e-3)


def test_an_origin_is_on_probation_from_thirty_reviews_by_two_on() -> None:
    trial = GERMANY.document.trial

    assert not wants_probation(Closings(29, 29, 29), trial)
    assert not wants_probation(Closings(90, 29, 29), trial)
    assert wants_probation(Closings(30, 30, 8), trial)
    assert not wants_probation(Closings(30, 30, 7), trial)
    assert not wants_probation(Closings(300, 30, 30), trial)


def chance_of_probation(share: float, reviews: int) -> float:
    """Give the chance of ever being on probation, looked at after each review."""
    trial = GERMANY.document.trial
    alive, ended, most = {0: 1.0}, 0.0, 0
    for done in range(1, reviews + 1):
        after: dict[int, float] = {}
        for wrong, chance in alive.items():
            after[wrong] = after.get(wrong, 0.0) + chance * (1 - share)
            after[wrong + 1] = after.get(wrong + 1, 0.0) + chance * share
        while not wants_probation(Closings(done, done, most), trial) and most <= done:
            most += 1  # so many wrong ones are too many
        ended += sum(chance for wrong, chance in after.items() if wrong >= most)
        alive = {wrong: chance for wrong, chance in after.items() if wrong < most}
    return ended


def test_an_honest_origin_is_hardly_ever_on_probation() -> None:
    assert chance_of_probation(0.05, 300) < 0.000_001
    assert chance_of_probation(0.10, 300) < 0.03
    assert chance_of_probation(0.30, 300) > 0.99


@pytest.mark.parametrize(
    ("key", "value"), [("probation_reviews", "29"), ("probation_percent", "51")]
)
def test_no_probation_rests_on_few_reviews_or_on_none(key: str, value: str) -> None:
    text = re.sub(
        rf"\n{key} = \d+", f"\n{key} = {value}", shipped_text("germany").decode()
    )
    with pytest.raises(PolicyFileError) as refused:
        load_policy(text.encode())

    assert refused.value.key == f"trial.{key}"


# --- P13, a decision that is too fast -------------------------------------------------


def test_every_shipped_policy_says_when_a_decision_is_asked_once_more() -> None:
    for name, seconds in (("strict", 15), ("germany", 10), ("synthetic", 10)):
        assert f"\nask_again_seconds = {seconds}\n" in shipped_text(name).decode()
    older = load_policy(
        shipped_text("germany").replace(b"ask_again_seconds = 10\n", b"")
    )
    assert older.document.review.ask_again_seconds == 10


@pytest.mark.parametrize("seconds", ["0", "601", "true"])
def test_no_policy_asks_never_or_for_ever(seconds: str) -> None:
    text = shipped_text("germany").replace(
        b"again_seconds = 10", f"again_seconds = {seconds}".encode()
    )
    with pytest.raises(PolicyFileError) as refused:
        load_policy(text)

    assert refused.value.key == "review.ask_again_seconds"


def test_a_diff_tells_of_the_seconds_in_both_languages() -> None:
    told = {item.key: item for item in effects(shipped("strict"), GERMANY)}
    asked = told["review.ask_again_seconds"]

    assert asked.direction == "looser"
    assert asked.text.de.endswith("jetzt 10, bisher 15")
    assert "asked once more" in asked.text.en
