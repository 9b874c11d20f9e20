# SPDX-License-Identifier: Apache-2.0
"""How far a case has come, read off its steps: what its clocks are computed from."""

from collections.abc import Iterable
from typing import Final

from fedsafe_node.store.casework_rows import CaseRow, CaseStepRow
from fedsafe_policies.escalation.clocks import Course
from fedsafe_policies.escalation.states import ANSWERED, EDITABLE, CaseState
from fedsafe_policies.escalation.urgency import Release, urgencies
from fedsafe_policies.escalation.vocabulary import Urgency

_S = CaseState
_ARRIVED: Final = ANSWERED | {_S.DELIVERED}
_UNDELIVERED: Final = frozenset({_S.DISPATCHING, _S.FAILED, _S.FALLBACK})
"""A case that was delivered before, and is here now, has come back or goes on."""
_UNACKNOWLEDGED: Final = _UNDELIVERED | {_S.DELIVERED}
CALLED: Final = "called"
NOT_REACHED: Final = "not_reached"
"""Somebody has called, and nobody answered: the call is owed still."""
LOOKED_AT: Final = "looked_at"
CLOSED: Final = "closed"
ERASED: Final = "erased"
_APPROVED: Final = "approved"


def course_of(row: CaseRow, steps: Iterable[CaseStepRow]) -> Course:
    """Return how far a case has come.

    It is dispatched while it has arrived: what waits in an outbox helps nobody. What
    was there, and is not there any more or goes to one more partner, is owed anew from
    then on; what came of it before counts again as soon as that has come too. A
    release that a change has undone before anything left asks for no second look.
    """
    urgency = Urgency(row.urgency)
    called = arrived = acknowledged = released = looked = None
    undelivered = unacknowledged = None
    for step in steps:
        led_to = CaseState(step.state)
        if step.step == CALLED and called is None:
            called = step.at
        if led_to in _ARRIVED and arrived is None:
            arrived = step.at
        if led_to in ANSWERED and acknowledged is None:
            acknowledged = step.at
        undelivered = _since(undelivered, step, arrived, _UNDELIVERED)
        unacknowledged = _since(unacknowledged, step, acknowledged, _UNACKNOWLEDGED)
        if step.step == _APPROVED:
            released, looked = step.at, None
        if step.step == LOOKED_AT:
            looked = step.at
    is_undone = CaseState(row.state) in EDITABLE and arrived is None
    is_alone = urgencies()[urgency].release is Release.ONE_THEN_SECOND
    return Course(
        urgency=urgency,
        known_at=row.known_at,
        called_at=called,
        dispatched_at=arrived if undelivered is None else None,
        acknowledged_at=acknowledged if unacknowledged is None else None,
        undelivered_at=undelivered,
        unacknowledged_at=unacknowledged,
        released_at=released if is_alone and not is_undone else None,
        looked_at=looked,
    )


def _since(
    before: int | None, step: CaseStepRow, came: int | None, owing: frozenset[CaseState]
) -> int | None:
    """Return since when something is owed again that had come at a moment."""
    if came is None or CaseState(step.state) not in owing:
        return None
    return step.at if before is None else before


def is_over(row: CaseRow) -> bool:
    """Tell whether a case owes nothing any more."""
    return CaseState(row.state) in {CaseState.CLOSED, CaseState.RECALLED}
