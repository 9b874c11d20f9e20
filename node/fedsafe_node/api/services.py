# SPDX-License-Identifier: Apache-2.0
"""What the API calls: the services of the node.

Handlers decode, authenticate, call exactly one of these methods and encode. Every
method writes its own audit event durably before it returns; a refusal raises an
error of `fedsafe_node.ground.errors` or `fedsafe_federation.errors`, which one table
maps to a problem (`problems.py`).
"""

from dataclasses import dataclass
from typing import Protocol

from fedsafe_node.acts.bodies import (
    StatusAnswer,
)
from fedsafe_node.api.refusal_events import Refusals
from fedsafe_node.audit.backup_note import Backups
from fedsafe_node.audit.breaches.service import Breaches
from fedsafe_node.audit.compliance_service import Sheets
from fedsafe_node.audit.inspection import Inspector
from fedsafe_node.audit.keeper import Keeping
from fedsafe_node.audit.packs.service import EvidenceService
from fedsafe_node.audit.rounds.service import Rounds
from fedsafe_node.audit.service import AuditService
from fedsafe_node.audit.tile_export import TileService
from fedsafe_node.casework.cases.partners import Partners
from fedsafe_node.casework.cases.rendering import CaseRenderings
from fedsafe_node.casework.cases.service import Cases
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.outbox import SendingSwitch
from fedsafe_node.casework.dispatch.outcomes import DispatchNotes
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.casework.dispatch.service import Dispatches
from fedsafe_node.casework.orders.service import Orders
from fedsafe_node.lookup.service import LookupService
from fedsafe_node.members.ceremonies.exchange import Carrying
from fedsafe_node.members.ceremonies.resharing_requests import Rotations
from fedsafe_node.members.charter.admission import Admitting
from fedsafe_node.members.charter.departures import Wishes
from fedsafe_node.members.charter.invitations import Inviting
from fedsafe_node.members.charter.join import Joining
from fedsafe_node.members.charter.view import Governance
from fedsafe_node.members.charter.votes import Charters
from fedsafe_node.members.forks import Forks
from fedsafe_node.members.founding_ceremony import FoundingService
from fedsafe_node.members.peering.receipts import ReceiptTaker
from fedsafe_node.members.peering.recipients import Recipients
from fedsafe_node.members.peering.service import PeeringService
from fedsafe_node.members.peering.sightings import Sightings, SightingsExchange
from fedsafe_node.members.peering.witnessing import WitnessServer
from fedsafe_node.members.quarantine import Quarantines
from fedsafe_node.notices.provider_events.feed import EventFeed
from fedsafe_node.notices.service import Notices
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.gate import Gates
from fedsafe_node.people.policy_changes import PolicyChanges
from fedsafe_node.people.register import Registers
from fedsafe_node.people.staff import Staff
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.inquiry_exchange import InquiryTaker
from fedsafe_node.review.service import ReviewService
from fedsafe_node.review.trial_service import TrialService
from fedsafe_node.rights.appeals import Appeals
from fedsafe_node.rights.control_proof import Proofs
from fedsafe_node.rights.dispute_relay import DisputeForwarding
from fedsafe_node.rights.disputes import Disputes
from fedsafe_node.rights.help_directory import HelpDesk
from fedsafe_node.rights.inquiries import ListingInquiries
from fedsafe_node.rights.requests import Requests
from fedsafe_node.rules.budgets.service import BudgetService
from fedsafe_node.rules.idempotency import StoredAnswers
from fedsafe_node.signals.own_reviews import Validations
from fedsafe_node.signals.publication import SignalService
from fedsafe_node.store.change_counter import ALONE, Following
from fedsafe_policies.ground.catalogue import Phrase


class Node(Protocol):
    """The node itself."""

    async def status(self) -> StatusAnswer:
        """Tell the node's state at a glance."""
        ...

    async def checks(self) -> dict[str, str]:
        """Say what `verdicts` does, in English."""
        ...

    async def verdicts(self) -> dict[Phrase, Phrase]:
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
    rounds: Rounds
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
