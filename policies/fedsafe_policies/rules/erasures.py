# SPDX-License-Identifier: Apache-2.0
"""P11: what stops to match is erased everywhere, and every recipient says so.

A receipt names its method and how long backups may still hold the data. A receipt
that is missing alarms, and then stops new openings for that peer.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Effect, ErasureMethod, Plane, Role, Scope

_HOUR: Final = 3_600
_MAY: Final = frozenset({Role.ANALYST, Role.REVIEWER, Role.DPO})
_ERASING: Final = frozenset({Effect.REVOKED, Effect.EXPIRED, Effect.ERASED})


@dataclass(frozen=True, slots=True)
class EraseRequest:
    """A signal ends; `by` is a person, or nobody when its time is over.

    A machine ends what it may write: what concerns its own provider alone (`scope`),
    and signals about files (`plane`).
    """

    effect: Effect
    by: Person | None = None
    plane: Plane = Plane.ACTOR
    scope: Scope = Scope.FEDERATION

    @property
    def of_machines(self) -> bool:
        """Whether a machine may have written it."""
        return self.plane is Plane.MEDIA or self.scope is Scope.SELF


@dataclass(frozen=True, slots=True)
class ErasureDebtRequest:
    """May a peer get new openings that was told to erase at `told` (UTC seconds)?

    `method` and `residual_days` are what its receipt says, if one has come.
    """

    told: int
    method: ErasureMethod | None = None
    residual_days: int | None = None


def rule_on_erasing(request: EraseRequest, ground: Ground) -> Decision:
    """Decide whether a signal's data are erased."""
    if request.effect not in _ERASING:
        return ground.deny(Refusal.NOT_ALLOWED)
    if request.effect is not Effect.EXPIRED and not _may(request):
        return ground.deny(Refusal.ROLE)
    return ground.allow(
        Grant.ERASURE,
        Obligation.ERASE_OPENINGS,
        Obligation.ERASURE_RECEIPTS,
        Obligation.NOTICE_TO_RECIPIENTS,
    )


def _may(request: EraseRequest) -> bool:
    if request.by is None:
        return False
    role = request.by.role
    return role in _MAY or (request.of_machines and role is Role.SERVICE)


def rule_on_debt(request: ErasureDebtRequest, ground: Ground) -> Decision:
    """Decide whether a peer that was told to erase may get new openings."""
    complete = request.method is not None and request.residual_days is not None
    if complete:
        return ground.allow(Grant.RECEIPTS_IN_TIME)
    refusal = refuse_debtor(request.told, ground)
    if refusal is not None:
        return ground.deny(refusal)
    late = ground.now >= request.told + ground.document.erasure.alarm_hours * _HOUR
    return ground.allow(Grant.RECEIPTS_IN_TIME, *([Obligation.ALARM] if late else []))


def refuse_debtor(owed_since: int, ground: Ground) -> Refusal | None:
    """Refuse a peer whose receipt has been missing for too long."""
    end = owed_since + ground.document.erasure.stop_hours * _HOUR
    return Refusal.RECEIPT_MISSING if ground.now >= end else None
