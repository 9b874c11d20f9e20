# SPDX-License-Identifier: Apache-2.0
from itertools import product
from typing import Any, Final

import pytest

from fedsafe_policies.escalation.next_steps import NextStep, Standing, next_steps
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Urgency

_S = CaseState
_N = NextStep
HAND: Final = frozenset({_N.HAND_OVER})


def steps(state: CaseState, **facts: Any) -> list[NextStep]:  # noqa: ANN401
    given: dict[str, Any] = {"urgency": Urgency.U1} | facts
    return list(next_steps(Standing(state=state, **given)))


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        (_S.DRAFT, {}, [_N.APPROVE]),
        (_S.DRAFT, {"lacks": True}, [_N.FILL_IN]),
        (_S.DRAFT, {"asked": True}, [_N.APPROVE_SECOND]),
        (_S.DRAFT, {"unanswered": True}, [_N.APPROVE, _N.ANSWER]),
        (_S.DRAFT, {"urgency": Urgency.U3}, [_N.CLOSE]),
        (_S.DRAFT, {"urgency": Urgency.U3, "unanswered": True}, [_N.ANSWER]),
        (_S.LEGAL_REVIEW, {}, [_N.GIVE_OPINION]),
        (_S.LEGAL_REVIEW, {"lacks": True}, [_N.GIVE_OPINION, _N.FILL_IN]),
        (_S.APPROVED, {}, [_N.SEND]),
        (_S.APPROVED, {"waits_for_look": True}, [_N.SECOND_LOOK, _N.SEND]),
        (_S.PACKAGED, {}, [_N.WAIT]),
        (_S.DISPATCHING, {}, [_N.WAIT]),
        (_S.DISPATCHING, {"work": HAND}, [_N.HAND_OVER]),
        (_S.FALLBACK, {"work": HAND}, [_N.HAND_OVER]),
        (_S.FAILED, {}, [_N.WAIT]),
        (_S.DELIVERED, {}, [_N.ASK_FOR_RECEIPT]),
        (_S.DELIVERED, {"recall_due": True}, [_N.RECALL, _N.ASK_FOR_RECEIPT]),
        (_S.ACKNOWLEDGED, {}, [_N.CLOSE]),
        (_S.ACKNOWLEDGED, {"unanswered": True}, [_N.ANSWER]),
        (_S.NEEDS_INFO, {"questioned": True}, [_N.SUPPLEMENT]),
        (_S.DISPATCHING, {"questioned": True}, [_N.SUPPLEMENT]),
        (
            _S.NEEDS_INFO,
            {"unanswered": True, "questioned": True},
            [_N.SUPPLEMENT, _N.ANSWER],
        ),
        (_S.SUPPLEMENTED, {}, [_N.CLOSE]),
        (_S.SUPPLEMENTED, {"unanswered": True}, [_N.ANSWER]),
        (_S.RECALLED, {}, [_N.PUT_RIGHT]),
        (_S.RECALLED, {"recall_due": True, "unanswered": True}, [_N.PUT_RIGHT]),
        (_S.RECALLED, {"work": HAND}, [_N.HAND_OVER, _N.PUT_RIGHT]),
        (_S.CLOSED, {"waits_for_look": True}, []),
        (_S.CLOSED, {"work": HAND}, [_N.HAND_OVER]),
    ],
)
def test_the_next_step_is_what_a_person_can_do(
    state: CaseState, facts: dict[str, Any], expected: list[NextStep]
) -> None:
    assert steps(state, **facts) == expected


def test_what_may_do_harm_comes_first() -> None:
    work = frozenset({_N.SEE_THROUGH, _N.HAND_OVER, _N.RECALL_AGAIN, _N.SAY_WHAT_CAME})

    assert steps(_S.RECALLED, work=work)[:4] == [
        _N.SAY_WHAT_CAME,
        _N.RECALL_AGAIN,
        _N.HAND_OVER,
        _N.SEE_THROUGH,
    ]


def test_every_case_that_is_not_closed_says_what_comes_next() -> None:
    flags = ("recall_due", "lacks", "asked", "waits_for_look", "unanswered")
    both = product(*[(False, True)] * len(flags))
    given = [dict(zip(flags, each, strict=True)) for each in both]
    for state, urgency, facts in product(CaseState, Urgency, given):
        found = steps(state, urgency=urgency, **facts)

        assert bool(found) is (state is not _S.CLOSED)
        assert len(set(found)) == len(found)
