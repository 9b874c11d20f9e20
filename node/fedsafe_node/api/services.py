# SPDX-License-Identifier: Apache-2.0
"""What the API calls: the services of the node.

Handlers decode, authenticate, call exactly one of these methods and encode. Every
method writes its own audit event durably before it returns; a refusal raises an
error of `fedsafe_node.errors` or `fedsafe_federation.errors`, which one table maps
to a problem (`problems.py`).
"""

from dataclasses import dataclass
from typing import Protocol

from fedsafe_node.audits import AuditService
from fedsafe_node.backup.noting import Backups
from fedsafe_node.breaches.service import Breaches
from fedsafe_node.budgets.service import BudgetService
from fedsafe_node.cases.partners import Partners
from fedsafe_node.cases.rendering import CaseRenderings
from fedsafe_node.cases.service import Cases
from fedsafe_node.dispatch.noting import DispatchNotes
from fedsafe_node.dispatch.recalling import Recalls
from fedsafe_node.dispatch.service import Dispatches
from fedsafe_node.dispatch.switching import SendingSwitch
from fedsafe_node.dispatch.taking import SealedPackages
from fedsafe_node.evidence.inspecting import Inspector
from fedsafe_node.evidence.keeping import Keeping
from fedsafe_node.evidence.service import EvidenceService
from fedsafe_node.evidence.tiled import TileService
from fedsafe_node.following import ALONE, Following
from fedsafe_node.founding import FoundingService
from fedsafe_node.governing.admitting import Admitting
from fedsafe_node.governing.inviting import Inviting
from fedsafe_node.governing.joining import Joining
from fedsafe_node.governing.leaving import Wishes
from fedsafe_node.governing.showing import Governance
from fedsafe_node.governing.voting import Charters
from fedsafe_node.help.service import HelpDesk
from fedsafe_node.idempotency import StoredAnswers
from fedsafe_node.log.forks import Forks
from fedsafe_node.lookup.service import LookupService
from fedsafe_node.messages import (
    StatusAnswer,
)
from fedsafe_node.notices.service import Notices
from fedsafe_node.orders.service import Orders
from fedsafe_node.peering.inquiries import InquiryTaker
from fedsafe_node.peering.receipts import ReceiptTaker
from fedsafe_node.peering.recipients import Recipients
from fedsafe_node.peering.service import PeeringService
from fedsafe_node.peering.sightings import Sightings, SightingsExchange
from fedsafe_node.peering.witnessing import WitnessServer
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.gate import Gates
from fedsafe_node.people.policy_changes import PolicyChanges
from fedsafe_node.people.register import Registers
from fedsafe_node.people.staff import Staff
from fedsafe_node.provider_events.feed import EventFeed
from fedsafe_node.refusals import Refusals
from fedsafe_node.renewing.carrying import Carrying
from fedsafe_node.renewing.wishing import Rotations
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.service import ReviewService
from fedsafe_node.review.trial_service import TrialService
from fedsafe_node.rights.appeals import Appeals
from fedsafe_node.rights.disputes import Disputes
from fedsafe_node.rights.forwarding import DisputeForwarding
from fedsafe_node.rights.inquiries import ListingInquiries
from fedsafe_node.rights.proving import Proofs
from fedsafe_node.rights.requests import Requests
from fedsafe_node.sheets import Sheets
from fedsafe_node.signals.publish import SignalService
from fedsafe_node.signals.quarantining import Quarantines
from fedsafe_node.signals.reviewing import Validations


class Node(Protocol):
    """The node itself."""

    async def status(self) -> StatusAnswer:
        """Tell the node's state at a glance."""
        ...

    async def checks(self) -> dict[str, str]:
        """Say for each part whether it is `ok`, or what is wrong with it."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """All services of a node; `name` is the node's own."""

    name: str
    lookups: LookupService
    tasks: ReviewService
    floods: FloodService
    trials: TrialService
    signals: SignalService
    people: Entrance
    staff: Staff
    gates: Gates
    policies: PolicyChanges
    breaches: Breaches
    cases: Cases
    orders: Orders
    case_renderings: CaseRenderings
    partners: Partners
    dispatches: Dispatches
    dispatch_notes: DispatchNotes
    packages: SealedPackages
    recalls: Recalls
    sending: SendingSwitch
    budgets: BudgetService
    validations: Validations
    registers: Registers
    audits: AuditService
    evidence: EvidenceService
    tiling: TileService
    inspections: Inspector
    keeping: Keeping
    peering: PeeringService
    receipts: ReceiptTaker
    witness: WitnessServer
    forks: Forks
    foundings: FoundingService
    charters: Charters
    governance: Governance
    admitting: Admitting
    inviting: Inviting
    wishes: Wishes
    joining: Joining
    quarantines: Quarantines
    carrying: Carrying
    rotations: Rotations
    events: EventFeed
    recipients: Recipients
    notices: Notices
    sightings: Sightings
    disputes: Disputes
    appeals: Appeals
    inquiries: ListingInquiries
    inquiry_taker: InquiryTaker
    sightings_exchange: SightingsExchange
    forwarding: DisputeForwarding
    requests: Requests
    proofs: Proofs
    sheets: Sheets
    help: HelpDesk
    backups: Backups
    node: Node
    refusals: Refusals
    answers: StoredAnswers
    following: Following = ALONE
