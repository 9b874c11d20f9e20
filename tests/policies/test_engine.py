# SPDX-License-Identifier: Apache-2.0
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policy_requests import (
    ALLOWED,
    CLOSED,
    DEMO,
    MOMENTS,
    SITE,
    ask,
    near,
)

from fedsafe_policies.documents.policy import SHIPPED, shipped
from fedsafe_policies.engine import RULINGS, Request
from fedsafe_policies.rules.decision import Obligation, Verdict
from fedsafe_policies.rules.gate import Site


def test_every_type_of_request_has_a_ruling_and_an_allowed_example() -> None:
    types = set(get_args(Request))

    assert types == set(RULINGS) == {type(request) for request in ALLOWED}


@pytest.mark.parametrize("request_", ALLOWED)
def test_the_german_policy_allows_the_ordinary(request_: Request) -> None:
    decision = ask(request_)

    assert decision.effect is Verdict.ALLOW, decision
    assert Obligation.AUDIT_EVENT in decision.obligations


def test_what_is_no_request_is_denied() -> None:
    decision = ask(cast("Any", object()))

    assert (decision.effect, decision.code) == ("deny", "not_allowed")


@given(
    near(*ALLOWED),
    MOMENTS,
    st.sampled_from(SHIPPED),
    st.sampled_from([SITE, CLOSED, DEMO]),
)
def test_any_request_gets_a_decision_with_reason_and_trace(
    request: Request, now: int, name: str, site: Site
) -> None:
    decision = ask(request, shipped(name), now=now, site=site)

    assert decision.effect in Verdict
    assert decision.reason.de
    assert decision.reason.en
    assert decision.policy == shipped(name).reference
    assert Obligation.AUDIT_EVENT in decision.obligations
