# SPDX-License-Identifier: Apache-2.0
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policy_requests import ALLOWED, BAN, CONFIRM

from fedsafe_policies.checks.policy_cases import load_cases, shipped_cases
from fedsafe_policies.checks.written_requests import REQUESTS, facts_of, read_request
from fedsafe_policies.engine import RULINGS
from fedsafe_policies.errors import PolicyFileError, UnknownPolicyError
from fedsafe_policies.rules.corroboration import CorroborationRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.reviews import ReviewRequest
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Role

PUBLISH: dict[str, Any] = {
    "kind": "phone",
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "scope": "federation",
    "rule": "house-1",
    "since": "2026-09-20",
    "author": "anna:analyst",
    "approver": {"name": "ruth", "role": "reviewer"},
    "contact": "abuse@a.example.org",
    "findings": ["adult"],
}


def test_every_request_can_be_written() -> None:
    assert set(REQUESTS.values()) == set(RULINGS)
    assert facts_of("lookup") == ("role", "purpose", "plane", "surface", "bound")


def test_a_written_request_is_the_request() -> None:
    assert read_request("publish", PUBLISH) == BAN
    assert read_request("publish", {**PUBLISH, "since": date(2026, 9, 20)}) == BAN
    review = {
        "outcome": "confirm",
        "opened": CONFIRM.opened,
        "reviewer": "anna:analyst",
        "level": "L6",
        "evidence": "case-9",
        "hearing": "hearing-9",
        "rule": "house-1",
        "phenomenon": "grooming",
        "second": "ruth:reviewer",
    }
    assert read_request("review", review) == CONFIRM
    assert isinstance(CONFIRM, ReviewRequest)


@pytest.mark.parametrize(
    ("written", "kind"),
    [("email", IdentifierKind.EMAIL), ("sha256", MediaKind.SHA256)],
)
def test_kinds_of_both_planes_are_told_apart(
    written: str, kind: IdentifierKind | MediaKind
) -> None:
    request = read_request("publish", {**PUBLISH, "kind": written})

    assert getattr(request, "kind", None) is kind


def test_facts_within_facts_and_lists_are_read() -> None:
    statement = {"origin": "b", "organisation": "b", "provenance": "own_finding"}
    corroboration = read_request(
        "corroboration", {"signals": [{**statement, "grade": "confirmed_conduct"}]}
    )

    assert isinstance(corroboration, CorroborationRequest)
    assert corroboration.signals[0].first_hand is True
    opener = Person("olga", Role.OPERATOR)
    role = {"person": "ida", "role": "analyst", "granted_by": "olga:operator"}
    assert getattr(read_request("role", role), "granted_by", None) == opener


@pytest.mark.parametrize(
    ("change", "key", "problem"),
    [
        ({"kind": "fax"}, "kind", "want one of"),
        ({"since": "soon"}, "since", "want a day"),
        ({"since": 3}, "since", "want a day"),
        ({"rule": 3}, "rule", "want a text"),
        ({"suspected_minor": "no"}, "suspected_minor", "want true or false"),
        ({"author": "anna"}, "author", "want one of"),
        ({"author": 3}, "author", "want a table"),
        ({"author": {"name": "anna"}}, "author.role", "is missing"),
        ({"findings": "targeted"}, "findings", "want a list"),
        ({"victim": "x"}, "victim", "unknown key"),
    ],
)
def test_a_fact_that_does_not_fit_is_named(
    change: dict[str, Any], key: str, problem: str
) -> None:
    with pytest.raises(PolicyFileError) as refused:
        read_request("publish", {**PUBLISH, **change})

    assert refused.value.key == key
    assert problem in refused.value.problem


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "role", "circle"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


@given(st.sampled_from(sorted(REQUESTS)), st.data())
def test_junk_is_refused_with_the_own_error(name: str, data: st.DataObject) -> None:
    junk = data.draw(st.fixed_dictionaries(dict.fromkeys(facts_of(name), JSON)))
    try:
        request = read_request(name, junk)
    except PolicyFileError:
        return
    assert type(request) in {type(known) for known in ALLOWED}


@pytest.mark.parametrize("text", [b"\xff", b"a = [", b"format = 1\ncases = 3"])
def test_junk_is_no_file_of_cases(text: bytes) -> None:
    with pytest.raises(PolicyFileError):
        load_cases(text)


def test_cases_are_shipped_for_shipped_policies_only() -> None:
    with pytest.raises(UnknownPolicyError):
        shipped_cases("ours")
