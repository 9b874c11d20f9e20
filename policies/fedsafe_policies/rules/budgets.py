# SPDX-License-Identifier: Apache-2.0
"""P18: how much, and when a pattern breaks the circuit.

Pure rules over counters that the caller keeps: nothing here remembers.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import EvaluationPurpose, Purpose

_FEW: Final = 100  # below that many identifiers no pattern shows


@dataclass(frozen=True, slots=True)
class LookupBudgetRequest:
    """What one credential has asked for one purpose within the last hour.

    `spent` counts lookups before this request, `wanted` those in it.
    `identifiers` and `accounts` count distinct ones within the hour.
    """

    purpose: Purpose
    spent: int
    wanted: int
    identifiers: int = 0
    accounts: int = 0


@dataclass(frozen=True, slots=True)
class PublicationBudgetRequest:
    """What one origin has published within the last hour and day."""

    last_hour: int
    last_day: int
    wanted: int


@dataclass(frozen=True, slots=True)
class EvaluationBudgetRequest:
    """What one member has had evaluated for a purpose within the UTC hour and day.

    Counted in elements; `wanted` are those of this request.
    """

    purpose: EvaluationPurpose
    last_hour: int
    last_day: int
    wanted: int


def rule_on_lookup_budget(request: LookupBudgetRequest, ground: Ground) -> Decision:
    """Decide whether so many lookups fit."""
    budgets = ground.document.budgets
    left = budgets.lookups_an_hour.get(request.purpose, 0) - request.spent
    if request.wanted > left:
        return ground.deny(Refusal.BUDGET, request.purpose)
    most = max(_FEW, budgets.identifiers_an_account * request.accounts)
    if request.identifiers > most:
        return ground.deny(Refusal.ENUMERATION, request.purpose)
    return ground.allow(Grant.WITHIN_BUDGET, about=request.purpose)


def rule_on_publication_budget(
    request: PublicationBudgetRequest, ground: Ground
) -> Decision:
    """Decide whether an origin may publish so many signals more."""
    budgets = ground.document.budgets
    if request.last_day + request.wanted > budgets.publications_a_day:
        return ground.deny(Refusal.BUDGET)
    if request.last_hour + request.wanted > budgets.publications_an_hour:
        return ground.deny(Refusal.MASS_LISTING)
    return ground.allow(Grant.WITHIN_BUDGET)


def rule_on_evaluation_budget(
    request: EvaluationBudgetRequest, ground: Ground
) -> Decision:
    """Decide whether a member may have so many elements more evaluated.

    The day holds what a member declared and a reserve for when another is away:
    whoever asks for more than that tries identifiers out.
    """
    budgets = ground.document.budgets
    day = budgets.evaluations_a_day.get(request.purpose, 0)
    if request.last_day + request.wanted > day:
        tries = 0 < day <= request.last_day
        refusal = Refusal.ENUMERATION if tries else Refusal.BUDGET
        return ground.deny(refusal, request.purpose)
    hour = budgets.evaluations_an_hour.get(request.purpose, 0)
    if request.last_hour + request.wanted > hour:
        return ground.deny(Refusal.BUDGET, request.purpose)
    return ground.allow(Grant.WITHIN_BUDGET, about=request.purpose)
