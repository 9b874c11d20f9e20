# SPDX-License-Identifier: Apache-2.0
"""The states of a case, and which step leads where.

Delivered is not acknowledged: what a transport says proves transport only. What was
sent in error is recalled from every state after the dispatch. A case that goes to
nobody is closed where it is.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from fedsafe_policies.documents.phenomena import Switch, phenomena
from fedsafe_policies.escalation.vocabulary import Danger, Urgency
from fedsafe_policies.vocabulary import Phenomenon, Plane


@unique
class CaseState(StrEnum):
    """Where a case is between its opening and its end."""

    DRAFT = "draft"
    LEGAL_REVIEW = "legal_review"
    APPROVED = "approved"
    PACKAGED = "packaged"
    DISPATCHING = "dispatching"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    NEEDS_INFO = "needs_info"
    SUPPLEMENTED = "supplemented"
    FAILED = "failed"
    FALLBACK = "fallback"
    RECALLED = "recalled"
    CLOSED = "closed"


_S = CaseState
STEPS: Final[Mapping[CaseState, frozenset[CaseState]]] = MappingProxyType(
    {
        _S.DRAFT: frozenset({_S.LEGAL_REVIEW, _S.APPROVED, _S.CLOSED}),
        _S.LEGAL_REVIEW: frozenset({_S.DRAFT, _S.APPROVED, _S.CLOSED}),
        _S.APPROVED: frozenset({_S.DRAFT, _S.PACKAGED, _S.CLOSED}),
        _S.PACKAGED: frozenset({_S.DRAFT, _S.DISPATCHING}),
        _S.DISPATCHING: frozenset({_S.DELIVERED, _S.FAILED, _S.RECALLED}),
        _S.DELIVERED: frozenset(
            {_S.ACKNOWLEDGED, _S.DISPATCHING, _S.FAILED, _S.RECALLED}
        ),
        _S.ACKNOWLEDGED: frozenset(
            {_S.DISPATCHING, _S.FAILED, _S.NEEDS_INFO, _S.CLOSED, _S.RECALLED}
        ),
        _S.NEEDS_INFO: frozenset(
            {_S.DISPATCHING, _S.FAILED, _S.SUPPLEMENTED, _S.RECALLED}
        ),
        _S.SUPPLEMENTED: frozenset(
            {_S.DISPATCHING, _S.FAILED, _S.NEEDS_INFO, _S.CLOSED, _S.RECALLED}
        ),
        _S.FAILED: frozenset({_S.FALLBACK, _S.RECALLED}),
        _S.FALLBACK: frozenset({_S.DISPATCHING, _S.DELIVERED, _S.RECALLED}),
        _S.RECALLED: frozenset({_S.DRAFT, _S.CLOSED}),
        _S.CLOSED: frozenset(),
    }
)
"""What may follow a state."""

ANSWERED: Final = frozenset({_S.ACKNOWLEDGED, _S.NEEDS_INFO, _S.SUPPLEMENTED})
"""All who have the case have acknowledged it, and may have asked for more since."""

EDITABLE: Final = frozenset({_S.DRAFT, _S.LEGAL_REVIEW})
"""In which states what is known of a case is entered."""


def may_follow(state: CaseState, following: CaseState) -> bool:
    """Tell whether a step leads from one state to another."""
    return following in STEPS[state]


def is_borderline(phenomenon: Phenomenon | None, danger: Danger | None) -> bool:
    """Tell whether a case waits for the legal adviser's opinion.

    So do the phenomena of which no signal is shared without a legal review, and a
    threat of which nobody can say whether it is one.
    """
    if danger is Danger.UNCLEAR:
        return True
    if phenomenon is None:
        return False
    return phenomena()[phenomenon].switch(Plane.ACTOR) is Switch.LEGAL_REVIEW


def is_for_many(urgency: Urgency) -> bool:
    """Tell whether this is a pattern, of which only aggregates ever go out."""
    return urgency is Urgency.U3
