# SPDX-License-Identifier: Apache-2.0
"""What the API calls: one protocol for each service of the node.

Handlers decode, authenticate, call exactly one of these methods and encode. Every
method writes its own audit event durably before it returns; a refusal raises an
error of `fedsafe_node.errors` or `fedsafe_federation.errors`, which one table maps
to a problem (`problems.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fedsafe_federation.restrictions import Reason
from fedsafe_node.api.audit_services import (
    Audits,
    Backups,
    Evidence,
    Inspections,
    Seen,
    Sheets,
    Tiling,
)
from fedsafe_node.api.peer_services import (
    Forks,
    Foundings,
    Ledger,
    Peering,
    Receipts,
    Witness,
)
from fedsafe_node.api.person_services import (
    Appeals,
    Disputes,
    Events,
    Notices,
    Proofs,
    Requests,
)
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
from fedsafe_node.evidence.keeping import Keeping
from fedsafe_node.following import ALONE, Following
from fedsafe_node.governing.admitting import Admitting
from fedsafe_node.governing.inviting import Inviting
from fedsafe_node.governing.joining import Joining
from fedsafe_node.governing.leaving import Wishes
from fedsafe_node.governing.showing import Governance
from fedsafe_node.governing.voting import Charters
from fedsafe_node.help.service import HelpDesk
from fedsafe_node.idempotency import KeptAnswers, Once
from fedsafe_node.lookup_messages import (
    BatchAnswer,
    BatchRequest,
    LookupAnswer,
    LookupRequest,
)
from fedsafe_node.messages import (
    ApproveAnswer,
    GateAnswer,
    ImportAnswer,
    ImportRequest,
    NewSignalRequest,
    Question,
    RevokeRequest,
    SignalAnswer,
    StatusAnswer,
)
from fedsafe_node.orders.service import Orders
from fedsafe_node.peering.inquiries import InquiryTaker
from fedsafe_node.peering.sightings import SightingsExchange
from fedsafe_node.people.policy_changes import PolicyChanges
from fedsafe_node.people.staff import Staff
from fedsafe_node.principal import Principal
from fedsafe_node.refusals import Refused
from fedsafe_node.register_messages import (
    EntryRequest,
    PublicRegister,
    RegisterAnswer,
)
from fedsafe_node.renewing.carrying import Carrying
from fedsafe_node.renewing.wishing import Rotations
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.service import ReviewService
from fedsafe_node.review.trial_service import TrialService
from fedsafe_node.rights.forwarding import DisputeForwarding
from fedsafe_node.rights.inquiries import ListingInquiries
from fedsafe_node.signals.messages import (
    BegunImport,
    ExaminedList,
    FinishImportRequest,
    HoldersAnswer,
    ImportsAnswer,
    ImportShown,
    ImportsQuery,
    ListApproved,
    RevokeAccountRequest,
    RevokedAccount,
    SignalsAnswer,
    SignalsQuery,
    UndoneImport,
    WaitingLists,
)
from fedsafe_node.signals.quarantining import Quarantines
from fedsafe_node.signals.reviewing import Validations
from fedsafe_policies.gate import LegalGate
from fedsafe_policies.vocabulary import Purpose


class Lookups(Protocol):
    """Answers questions."""

    async def lookup(self, request: LookupRequest, who: Principal) -> LookupAnswer:
        """Answer one account's questions.

        Raises:
            BadRequestError: a question has no canonical form.
            DeniedError: the purpose is not this credential's.
        """
        ...

    async def batch(self, request: BatchRequest, who: Principal) -> BatchAnswer:
        """Answer for many accounts; bad questions become problems of the answer."""
        ...


class Lists(Protocol):
    """The lists of files that wait for one approval."""

    async def waiting(self, who: Principal, purpose: Purpose | None) -> WaitingLists:
        """Name the lists that wait."""
        ...

    async def examine(
        self, name: str, rehearsal: Sequence[Question], who: Principal
    ) -> ExaminedList:
        """Show a list to its second person, and rehearse it."""
        ...

    async def approve(self, name: str, digest: str, who: Principal) -> ListApproved:
        """Publish the list of that digest as its second person."""
        ...


class Imports(Protocol):
    """Imports, and their undoing."""

    async def begin(self, digest: str | None, who: Principal) -> BegunImport:
        """Begin an import, or go on with the one of that file that is open."""
        ...

    async def finish(
        self, run: str, request: FinishImportRequest, who: Principal
    ) -> ImportShown:
        """Say what came of all rows of an import."""
        ...

    async def listed(self, query: ImportsQuery, who: Principal) -> ImportsAnswer:
        """List imports, newest first."""
        ...

    async def show(
        self, run: str, who: Principal, purpose: Purpose | None
    ) -> ImportShown:
        """Show an import."""
        ...

    async def undo(self, run: str, reason: Reason, who: Principal) -> UndoneImport:
        """Stop what an import has added, or go on with that."""
        ...


class Signals(Protocol):
    """The life of the node's own signals.

    What changes something takes `once`, if the request came with an
    Idempotency-Key: its row belongs into the same act as the change.
    """

    async def add(
        self, request: NewSignalRequest, who: Principal, *, once: Once | None = None
    ) -> SignalAnswer:
        """Record an own ban, or a draft for the federation."""
        ...

    async def add_many(
        self, request: ImportRequest, who: Principal, *, once: Once | None = None
    ) -> ImportAnswer:
        """Record many in one act; bad ones become problems, the others are kept."""
        ...

    @property
    def imports(self) -> Imports:
        """Imports, and their undoing."""
        ...

    @property
    def lists(self) -> Lists:
        """The lists of files that wait for one approval."""
        ...

    async def approve(
        self, signals: Sequence[str], who: Principal, *, once: Once | None = None
    ) -> ApproveAnswer:
        """Publish drafts as their second person."""
        ...

    async def revoke(
        self,
        signal: str,
        request: RevokeRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> SignalAnswer:
        """Stop a signal everywhere; a draft or own ban is withdrawn."""
        ...

    async def revoke_account(
        self,
        request: RevokeAccountRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RevokedAccount:
        """Stop all that is listed about an account, or say what that would be."""
        ...

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> SignalAnswer:
        """Tell where a signal stands."""
        ...

    async def listed(self, query: SignalsQuery, who: Principal) -> SignalsAnswer:
        """List the node's own signals."""
        ...

    async def holders(
        self, who: Principal, purpose: Purpose | None = None
    ) -> HoldersAnswer:
        """Count by member which of this node's signals it has received."""
        ...


class People(Protocol):
    """Credentials and sessions."""

    @property
    def demonstration(self) -> bool:
        """Whether invented people act here, who need no account."""
        ...

    async def authenticate(self, token: str) -> Principal:
        """Find who a token stands for, in constant time.

        Raises:
            ForbiddenError: unknown, ended or expired; or the role has lapsed.
        """
        ...


class Gates(Protocol):
    """The legal gate."""

    async def show(self) -> GateAnswer:
        """Tell whether the actor plane is open, and what keeps it closed."""
        ...

    async def record(
        self, gate: LegalGate, who: Principal, *, once: Once | None = None
    ) -> GateAnswer:
        """Enter a legal-gate record."""
        ...


class Registers(Protocol):
    """The Schutzkonzept register."""

    async def show(self) -> RegisterAnswer:
        """Tell how the register stands, item by item."""
        ...

    async def public(self) -> PublicRegister:
        """Tell what anybody may know: roles instead of persons."""
        ...

    async def enter(
        self,
        item: str,
        request: EntryRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RegisterAnswer:
        """Enter how far the provider is with an item."""
        ...

    async def review(
        self, item: str, entry: str, who: Principal, *, once: Once | None = None
    ) -> RegisterAnswer:
        """Confirm an entry as its second person."""
        ...


class Node(Protocol):
    """The node itself."""

    async def status(self) -> StatusAnswer:
        """Tell the node's state at a glance."""
        ...

    async def checks(self) -> dict[str, str]:
        """Say for each part whether it is `ok`, or what is wrong with it."""
        ...


class RefusalBook(Protocol):
    """What the API refuses, as events."""

    async def note(self, refused: Refused) -> None:
        """Write a refusal down before its answer leaves, or count it.

        Raises:
            StoreError: it can't, and whoever asks is somebody.
        """
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """All services of a node; `name` is the node's own."""

    name: str
    lookups: Lookups
    tasks: ReviewService
    floods: FloodService
    trials: TrialService
    signals: Signals
    people: People
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
    audits: Audits
    evidence: Evidence
    tiling: Tiling
    inspections: Inspections
    keeping: Keeping
    peering: Peering
    receipts: Receipts
    witness: Witness
    forks: Forks
    foundings: Foundings
    charters: Charters
    governance: Governance
    admitting: Admitting
    inviting: Inviting
    wishes: Wishes
    joining: Joining
    quarantines: Quarantines
    carrying: Carrying
    rotations: Rotations
    events: Events
    recipients: Ledger
    notices: Notices
    sightings: Seen
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
    refusals: RefusalBook
    answers: KeptAnswers
    following: Following = ALONE
