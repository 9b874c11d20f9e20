# SPDX-License-Identifier: Apache-2.0
"""The one entry: a request goes in, a decision comes out.

Pure and total: no I/O, no clock, no exception for values of the declared types.
What is no request that a rule knows is denied.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fedsafe_policies.documents.legal_calendar import Calendar
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.escalation.case_start import CaseRequest, rule_on_case
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.access import (
    ExportRequest,
    ReadRequest,
    rule_on_export,
    rule_on_reading,
)
from fedsafe_policies.rules.budgets import (
    EvaluationBudgetRequest,
    LookupBudgetRequest,
    PublicationBudgetRequest,
    rule_on_evaluation_budget,
    rule_on_lookup_budget,
    rule_on_publication_budget,
)
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.continuation import KeepRequest, rule_on_keeping
from fedsafe_policies.rules.corroboration import (
    CorroborationRequest,
    rule_on_corroboration,
)
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disclosure import (
    OpeningRequest,
    TransferRequest,
    rule_on_opening,
    rule_on_transfer,
)
from fedsafe_policies.rules.disputes import (
    DisputeRequest,
    RulingRequest,
    rule_on_dispute,
    rule_on_ruling,
)
from fedsafe_policies.rules.erasures import (
    EraseRequest,
    ErasureDebtRequest,
    rule_on_debt,
    rule_on_erasing,
)
from fedsafe_policies.rules.floods import (
    FloodRequest,
    FloodRulingRequest,
    rule_on_flood,
    rule_on_flood_ruling,
)
from fedsafe_policies.rules.four_eyes import ActRequest, rule_on_act
from fedsafe_policies.rules.gate import Site
from fedsafe_policies.rules.legal_gate import GateRequest, rule_on_gate
from fedsafe_policies.rules.lookups import LookupRequest, rule_on_lookup
from fedsafe_policies.rules.matching import (
    MatchRequest,
    ReceiptRequest,
    rule_on_match,
    rule_on_receipt,
)
from fedsafe_policies.rules.notices import WithholdingRequest, rule_on_withholding
from fedsafe_policies.rules.publication import PublishRequest, rule_on_publication
from fedsafe_policies.rules.reviews import ReviewRequest, rule_on_review
from fedsafe_policies.rules.roles import RoleRequest, rule_on_role
from fedsafe_policies.rules.trials import (
    TrialRequest,
    TrialRulingRequest,
    rule_on_trial,
    rule_on_trial_ruling,
)

Request = (
    GateRequest
    | PublishRequest
    | KeepRequest
    | ReceiptRequest
    | MatchRequest
    | LookupRequest
    | ReadRequest
    | ExportRequest
    | ActRequest
    | RoleRequest
    | DisputeRequest
    | RulingRequest
    | ReviewRequest
    | WithholdingRequest
    | OpeningRequest
    | TransferRequest
    | EraseRequest
    | ErasureDebtRequest
    | LookupBudgetRequest
    | PublicationBudgetRequest
    | EvaluationBudgetRequest
    | CorroborationRequest
    | FloodRequest
    | FloodRulingRequest
    | TrialRequest
    | TrialRulingRequest
    | CaseRequest
)

RULINGS: Final[Mapping[type, Callable[[Any, Ground], Decision]]] = MappingProxyType(
    {
        GateRequest: rule_on_gate,
        PublishRequest: rule_on_publication,
        KeepRequest: rule_on_keeping,
        ReceiptRequest: rule_on_receipt,
        MatchRequest: rule_on_match,
        LookupRequest: rule_on_lookup,
        ReadRequest: rule_on_reading,
        ExportRequest: rule_on_export,
        ActRequest: rule_on_act,
        RoleRequest: rule_on_role,
        DisputeRequest: rule_on_dispute,
        RulingRequest: rule_on_ruling,
        ReviewRequest: rule_on_review,
        WithholdingRequest: rule_on_withholding,
        OpeningRequest: rule_on_opening,
        TransferRequest: rule_on_transfer,
        EraseRequest: rule_on_erasing,
        ErasureDebtRequest: rule_on_debt,
        LookupBudgetRequest: rule_on_lookup_budget,
        PublicationBudgetRequest: rule_on_publication_budget,
        EvaluationBudgetRequest: rule_on_evaluation_budget,
        CorroborationRequest: rule_on_corroboration,
        FloodRequest: rule_on_flood,
        FloodRulingRequest: rule_on_flood_ruling,
        TrialRequest: rule_on_trial,
        TrialRulingRequest: rule_on_trial_ruling,
        CaseRequest: rule_on_case,
    }
)
"""Which rule speaks on which request."""


def decide(
    request: Request, policy: Policy, calendar: Calendar, now: int, site: Site
) -> Decision:
    """Decide on `request` under `policy` at `now` (UTC seconds) for `site`."""
    ground = Ground(policy, calendar, site, now)
    ruling = RULINGS.get(type(request))
    if ruling is None:
        return ground.deny(Refusal.NOT_ALLOWED)
    return ruling(request, ground)
