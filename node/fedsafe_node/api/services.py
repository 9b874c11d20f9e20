# SPDX-License-Identifier: Apache-2.0
"""What the API calls: one protocol for each service of the node.

Handlers decode, authenticate, call exactly one of these methods and encode. Every
method writes its own audit event durably before it returns; a refusal raises an
error of `fedsafe_node.errors` or `fedsafe_federation.errors`, which one table maps
to a problem (`problems.py`).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from fedsafe_federation.feed import FeedRequest
from fedsafe_federation.signed import Signed
from fedsafe_node.breaches.service import Breaches
from fedsafe_node.budgets.service import BudgetService
from fedsafe_node.compliance.model import Language, SheetAnswer, SheetKind
from fedsafe_node.evidence.keeping import Keeping
from fedsafe_node.evidence.span import ExportRequest
from fedsafe_node.evidence.tiled import OwnLog
from fedsafe_node.idempotency import KeptAnswers, Once
from fedsafe_node.messages import (
    ApproveAnswer,
    AuditEntry,
    AuditEvents,
    BatchAnswer,
    BatchRequest,
    DraftsAnswer,
    FoundEvents,
    GateAnswer,
    ImportAnswer,
    ImportRequest,
    LookupAnswer,
    LookupRequest,
    NewSignalRequest,
    Poke,
    ProposalRequest,
    RevokeRequest,
    SignalAnswer,
    StatusAnswer,
    VerifyAnswer,
)
from fedsafe_node.notices.messages import (
    NoticesAnswer,
    SignOffRequest,
    TextsAnswer,
    WithheldAnswer,
    WithholdRequest,
)
from fedsafe_node.peering.messages import RecipientsAnswer, SightingsAnswer
from fedsafe_node.peering.witnessing import WitnessAnswer
from fedsafe_node.people.messages import ActAnswer
from fedsafe_node.people.staff import Staff
from fedsafe_node.principal import Principal
from fedsafe_node.provider_events.messages import (
    EventReceipt,
    FollowQuery,
    ProviderEvents,
)
from fedsafe_node.register_messages import (
    EntryRequest,
    PublicRegister,
    RegisterAnswer,
)
from fedsafe_node.review.service import ReviewService
from fedsafe_node.rights.dispute_messages import (
    DisputeAnswer,
    DisputesAnswer,
    NewDisputeRequest,
    RulingRequest,
)
from fedsafe_node.rights.request_messages import (
    CloseRequest,
    CodeRequest,
    CodeSent,
    CollectedAnswer,
    CollectRequest,
    NewRightsRequest,
    ProofRequest,
    RightsRequestAnswer,
    RightsRequestsAnswer,
)
from fedsafe_node.searching import Wanted
from fedsafe_node.signals.reviewing import Validations
from fedsafe_node.standing_messages import AuditStanding
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

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> SignalAnswer:
        """Tell where a signal stands."""
        ...

    async def drafts(
        self, who: Principal, purpose: Purpose | None = None
    ) -> DraftsAnswer:
        """List the drafts that wait for a second person."""
        ...


class People(Protocol):
    """Credentials and sessions."""

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


class Audits(Protocol):
    """The node's two logs, as a person checks them."""

    async def verify(self, who: Principal) -> VerifyAnswer:
        """Verify feed, audit log and all replicated feeds from end to end."""
        ...

    async def events(
        self, since: int, limit: int, who: Principal, purpose: Purpose | None = None
    ) -> AuditEvents:
        """Read the audit log in order.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...

    async def search(
        self,
        wanted: Wanted,
        since: int,
        limit: int,
        who: Principal,
        purpose: Purpose | None = None,
    ) -> FoundEvents:
        """Find events of the audit log.

        Raises:
            BadRequestError: a class of events that there is not.
            DeniedError: this role may not, or not for that purpose.
        """
        ...


class Inspections(Protocol):
    """The audit log as a log."""

    async def standing(self) -> AuditStanding:
        """Tell how the log stands."""
        ...

    async def entry(
        self, index: int, who: Principal, purpose: Purpose | None, *, proof: bool
    ) -> AuditEntry:
        """Show one entry.

        Raises:
            NotFoundError: the log has no such entry.
        """
        ...


class Evidence(Protocol):
    """Parts of the audit log, for others to verify."""

    async def ask(self, request: ExportRequest, who: Principal) -> ActAnswer:
        """Ask for an export with openings."""
        ...

    async def export(
        self, request: ExportRequest, who: Principal, *, act: str | None = None
    ) -> AsyncIterator[bytes]:
        """Give an evidence pack in pieces.

        Raises:
            WrongStateError: *act* is no approved export of this part and person.
        """
        ...


class Tiling(Protocol):
    """Whole logs, as files that others can read and verify."""

    async def export(self, log: OwnLog, who: Principal) -> AsyncIterator[bytes]:
        """Give all files of a log as pieces of a tar archive."""
        ...


class Seen(Protocol):
    """What came of other members' signals."""

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> SightingsAnswer:
        """Tell the sums for each other member.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...


class Notices(Protocol):
    """What listed persons are told."""

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> NoticesAnswer:
        """List the notices that wait or are on their way.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...

    async def texts(self) -> TextsAnswer:
        """Show all texts, and who has signed them off."""
        ...

    async def sign_off(
        self, name: str, request: SignOffRequest, who: Principal
    ) -> TextsAnswer:
        """Sign off a text with exactly these words.

        Raises:
            WrongStateError: its words are others.
            BadRequestError: the day does not fit.
        """
        ...

    async def withhold(
        self, signal: str, request: WithholdRequest, who: Principal
    ) -> WithheldAnswer:
        """Hold back the notice of a signal.

        Raises:
            DeniedError: this role may not, or the policy takes no such reason or day.
            NotFoundError: no such signal has a notice that can wait.
            WrongStateError: the notice has gone out, or was held back before.
        """
        ...


class Ledger(Protocol):
    """The recipient ledger."""

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> RecipientsAnswer:
        """Tell who has received a signal of this node.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: this node has no such signal.
        """
        ...


class Events(Protocol):
    """What the provider's back-end reads from a cursor."""

    async def read(self, query: FollowQuery, who: Principal) -> ProviderEvents:
        """Give events from behind a number on, as soon as there are any.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            BadRequestError: the cursor lies behind the newest event.
        """
        ...

    async def receipt(self, number: int, who: Principal) -> EventReceipt:
        """Note that an event has reached its person; once is enough.

        Raises:
            NotFoundError: there is no such event.
            WrongStateError: this kind of event takes no receipt.
        """
        ...


class Peering(Protocol):
    """What members of the federation ask of each other."""

    async def feed(self, request: FeedRequest, peer: str) -> bytes:
        """Give a batch of the own feed to a member."""
        ...

    async def poked(self, poke: Poke, peer: str) -> None:
        """Wake the replication of the member's feed."""
        ...

    async def evaluate(self, request: Signed) -> Signed:
        """Evaluate blinded elements for a member."""
        ...

    async def attestation(self) -> Signed:
        """Give the attestation of the own gate and register.

        Raises:
            WrongStateError: this node has no federation.
        """
        ...

    def authenticate(
        self, *, method: str, url: str, headers: dict[str, str], body: bytes
    ) -> str:
        """Check a member's RFC 9421 signature and name the member.

        Raises:
            UntrustedError: no valid signature of a member.
            StaleStatementError: replayed, or too old.
        """
        ...


class Witness(Protocol):
    """Cosigns the logs of other members."""

    async def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Cosign a checkpoint that extends what was seen, or say why not."""
        ...

    async def checkpoint(self, origin_hash: str) -> bytes:
        """Give the largest checkpoint of a log that was cosigned here.

        Raises:
            NotFoundError: none was.
        """
        ...


class Foundings(Protocol):
    """The founding ceremony, as this node takes part in it."""

    async def card(self) -> Signed:
        """Give the node's own signed card."""
        ...

    async def propose(self, request: ProposalRequest) -> Signed:
        """Propose a founding as its convenor.

        Raises:
            WrongStateError: this node has a charter already.
        """
        ...

    async def step(
        self, messages: Sequence[Signed], *, local: bool
    ) -> Sequence[Signed]:
        """Take messages seen so far, return those that this node owes.

        *local* messages came over the node's Unix socket.

        Raises:
            ForbiddenError: this node takes part in no founding over the network.
            FoundingError: the ceremony cannot go on.
            WrongStateError: this node takes part in none, or has a charter.
        """
        ...

    async def charter(self) -> bytes | None:
        """Give the signed charter as JSON, once there is one."""
        ...


class Disputes(Protocol):
    """Disputes and rulings."""

    async def open(
        self, request: NewDisputeRequest, who: Principal, *, once: Once | None = None
    ) -> DisputeAnswer:
        """Dispute a signal of this node or of another."""
        ...

    async def rule(
        self,
        dispute: str,
        request: RulingRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DisputeAnswer:
        """Rule on a dispute of an own signal."""
        ...

    async def show(
        self, dispute: str, who: Principal, purpose: Purpose | None = None
    ) -> DisputeAnswer:
        """Show a dispute."""
        ...

    async def list(
        self, who: Principal, purpose: Purpose | None = None, *, ruled: bool = False
    ) -> DisputesAnswer:
        """List disputes."""
        ...


class Sheets(Protocol):
    """Documents for compliance officers."""

    async def write(
        self,
        kind: SheetKind,
        language: Language,
        who: Principal,
        purpose: Purpose | None = None,
    ) -> SheetAnswer:
        """Write a document out of what the node runs with now.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...


class Requests(Protocol):
    """Requests of persons."""

    async def open(
        self, request: NewRightsRequest, who: Principal
    ) -> RightsRequestAnswer:
        """Open a request for somebody whose control of the identifier was shown."""
        ...

    async def list(
        self, who: Principal, *, closed: bool = False
    ) -> RightsRequestsAnswer:
        """List requests, without what was found."""
        ...

    async def show(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Show a request with what was found."""
        ...

    async def answer(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Write the answer."""
        ...

    async def extend(
        self, request: str, reason: str, who: Principal
    ) -> RightsRequestAnswer:
        """Take two months more, once."""
        ...

    async def close(
        self, request: str, closing: CloseRequest, who: Principal
    ) -> RightsRequestAnswer:
        """End a request."""
        ...

    async def grant(self, request: str, reason: str, who: Principal) -> ActAnswer:
        """Ask that what this provider lists be erased; a second person approves."""
        ...

    async def collect(self, asked: CollectRequest, source: str) -> CollectedAnswer:
        """Hand an answer out, once, to who has the code."""
        ...


class Proofs(Protocol):
    """The public form: proof of control of an address."""

    @property
    def takes_requests(self) -> bool:
        """Whether this node can mail a code at all."""
        ...

    @property
    def contact(self) -> str:
        """Where people can write to instead."""
        ...

    async def send_code(self, request: CodeRequest, source: str) -> CodeSent:
        """Mail a code to an address, listed or not."""
        ...

    async def prove(self, request: ProofRequest, source: str) -> RightsRequestAnswer:
        """Open a request for who has read the mail."""
        ...


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
    lookups: Lookups
    tasks: ReviewService
    signals: Signals
    people: People
    staff: Staff
    gates: Gates
    breaches: Breaches
    budgets: BudgetService
    validations: Validations
    registers: Registers
    audits: Audits
    evidence: Evidence
    tiling: Tiling
    inspections: Inspections
    keeping: Keeping
    peering: Peering
    witness: Witness
    foundings: Foundings
    events: Events
    recipients: Ledger
    notices: Notices
    sightings: Seen
    disputes: Disputes
    requests: Requests
    proofs: Proofs
    sheets: Sheets
    node: Node
    answers: KeptAnswers
