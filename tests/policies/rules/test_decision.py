# SPDX-License-Identifier: Apache-2.0
import pytest

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.decision import Obligation, allow, deny
from fedsafe_policies.rules.grants import ALLOWED
from fedsafe_policies.rules.refusals import REFUSED


@pytest.mark.parametrize("grant", Grant)
def test_every_grant_has_a_reason_in_two_languages(grant: Grant) -> None:
    decision = allow(grant, "p@12345678")

    assert decision.allowed
    assert decision.code == grant
    assert decision.reason.de != decision.reason.en
    assert Obligation.AUDIT_EVENT in decision.obligations


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_a_reason_in_two_languages(refusal: Refusal) -> None:
    decision = deny(refusal, "p@12345678")

    assert not decision.allowed
    assert decision.code == refusal
    assert decision.reason.de != decision.reason.en
    assert decision.policy == "p@12345678"
    assert Obligation.AUDIT_EVENT in decision.obligations


def test_no_reason_is_told_twice() -> None:
    texts = [text.en for _, text in (*ALLOWED.values(), *REFUSED.values())]

    assert len(texts) == len(set(texts)) == len(Grant) + len(Refusal)
