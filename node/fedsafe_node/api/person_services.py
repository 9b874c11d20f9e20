# SPDX-License-Identifier: Apache-2.0
"""What the API calls about persons who are listed; see `services.py`."""

from typing import Protocol

from fedsafe_node.appeals import Ways
from fedsafe_node.idempotency import Once
from fedsafe_node.messages import Kind
from fedsafe_node.notices.messages import (
    NoticesAnswer,
    SignOffRequest,
    TextsAnswer,
    WithheldAnswer,
    WithholdRequest,
)
from fedsafe_node.people.messages import ActAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.provider_events.messages import (
    EventReceipt,
    FollowQuery,
    ProviderEvents,
)
from fedsafe_node.rights.appeal_messages import (
    AppealAnswer,
    AppealRulingRequest,
    AppealsAnswer,
    NewAppealRequest,
)
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
    Language,
    NewRightsRequest,
    ProofRequest,
    RightsRequestAnswer,
    RightsRequestsAnswer,
)
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_policies.vocabulary import Purpose


class Notices(Protocol):
    """What persons are told, and in which words."""

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
        self, about: str, request: WithholdRequest, who: Principal
    ) -> WithheldAnswer:
        """Hold back what is told of a signal or a review.

        Raises:
            DeniedError: this role may not, or the policy takes no such reason or day.
            NotFoundError: no such signal has a notice that can wait.
            WrongStateError: the notice has gone out, or was held back before.
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
        self,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        ruled: bool = False,
        after: str | None = None,
    ) -> DisputesAnswer:
        """List disputes."""
        ...


class Appeals(Protocol):
    """Appeals, and the rulings on them."""

    async def file(
        self,
        dispute: str,
        request: NewAppealRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> AppealAnswer:
        """Appeal against the origin's ruling on a dispute."""
        ...

    async def rule(
        self, appeal: str, request: AppealRulingRequest, who: Principal
    ) -> ActAnswer:
        """Ask that an appeal be ruled on so; a second person approves."""
        ...

    async def show(
        self, appeal: str, who: Principal, purpose: Purpose | None = None
    ) -> AppealAnswer:
        """Show an appeal and how it ended."""
        ...

    async def list(
        self,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        ruled: bool = False,
        after: str | None = None,
    ) -> AppealsAnswer:
        """List appeals."""
        ...


class Requests(Protocol):
    """Requests of persons."""

    async def open(
        self, request: NewRightsRequest, who: Principal
    ) -> RightsRequestAnswer:
        """Open a request for somebody whose control of the identifier was shown."""
        ...

    async def list(
        self,
        who: Principal,
        state: RequestState = RequestState.OPEN,
        after: str | None = None,
    ) -> RightsRequestsAnswer:
        """List requests of a state behind one of them, without what was found."""
        ...

    async def show(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Show a request with what was found."""
        ...

    async def answer(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Write the answer."""
        ...

    async def check(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Ask another officer again to decide on one's own identity check."""
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
    """The public form: proof of control of an address or number."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of identifiers to which this node can send a code."""
        ...

    @property
    def contact(self) -> str:
        """Where people can write to instead."""
        ...

    @property
    def ways(self) -> Ways:
        """Every way beside this form."""
        ...

    @property
    def ruling_days(self) -> int:
        """How many working days an origin has to rule on a dispute."""
        ...

    async def marks(self, language: Language) -> tuple[str, ...]:
        """Return what stands before the form: of a demonstration, and of a draft."""
        ...

    def help(self, language: Language) -> str:
        """Name whom a child can talk to."""
        ...

    async def send_code(self, request: CodeRequest, source: str) -> CodeSent:
        """Send a code to an address or number, listed or not."""
        ...

    async def prove(self, request: ProofRequest, source: str) -> RightsRequestAnswer:
        """Open a request for who has read the code."""
        ...
