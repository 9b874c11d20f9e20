# SPDX-License-Identifier: Apache-2.0
"""What the API calls for other members; see `services.py`."""

from collections.abc import Collection, Sequence
from typing import Protocol

from fedsafe_federation.feed import FeedRequest
from fedsafe_federation.forks import ForkEvidence
from fedsafe_federation.signed import Signed
from fedsafe_node.log.fork_messages import ForksAnswer, ForkTaken, LiftRequest
from fedsafe_node.messages import (
    ConfirmRequest,
    FoundingAnswer,
    FoundingsAnswer,
    Poke,
    ProposalRequest,
    WithdrawRequest,
)
from fedsafe_node.peering.messages import RecipientsAnswer
from fedsafe_node.peering.witnessing import WitnessAnswer
from fedsafe_node.principal import Principal
from fedsafe_policies.vocabulary import Purpose


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


class Receipts(Protocol):
    """What members have signed that they erased."""

    async def take(self, statement: Signed) -> None:
        """Keep a receipt; one that covers no more than another does no harm.

        Raises:
            UntrustedError: no member signed it, or it is for another origin.
            BadRequestError: this node has not restricted that much.
            WrongStateError: this node has no federation.
        """
        ...


class Peering(Protocol):
    """What members of the federation ask of each other."""

    def speaks(self) -> str | None:
        """Say what this node speaks, and which charter it holds, if any."""
        ...

    def shake(self, said: str | None) -> None:
        """Judge what an asking node says of itself, if it says anything.

        Raises:
            ArrangementError: no protocol version, or no arrangement, in common.
            MalformedError: it does not fit.
        """
        ...

    async def feed(self, request: FeedRequest, peer: str) -> bytes:
        """Give a batch of the own feed to a member."""
        ...

    async def poked(self, poke: Poke, peer: str) -> None:
        """Wake the replication of the member's feed."""
        ...

    async def evaluate(self, request: Signed) -> Signed:
        """Evaluate blinded elements for a member."""
        ...

    async def tally(self, day: int, peer: str) -> Signed:
        """Give what was counted with a member on a day.

        Raises:
            WrongStateError: the day is not over yet.
            NotFoundError: it was too long ago.
        """
        ...

    async def attestation(self) -> Signed:
        """Give the attestation of the own gate and register.

        Raises:
            WrongStateError: this node has no federation.
        """
        ...

    def hosts(self) -> Collection[str]:
        """Give the names by which members reach this node, as Host headers say them."""
        ...

    def authenticate(
        self, *, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> str:
        """Check a member's RFC 9421 signature on a *target*, and name the member.

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


class Forks(Protocol):
    """Evidence that members have forked their logs."""

    async def take(self, evidence: ForkEvidence, *, by: str) -> ForkTaken:
        """Check evidence that somebody brought, and act on it.

        Raises:
            BadRequestError: it proves nothing, or of no log of another member.
        """
        ...

    async def kept(self) -> ForksAnswer:
        """List the evidence that is kept and was not lifted."""
        ...

    async def lift(self, request: LiftRequest, who: Principal) -> ForksAnswer:
        """Excuse one contradiction; the member's signals match again.

        Raises:
            NotFoundError: it is not kept here.
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

    async def shown(self) -> FoundingsAnswer:
        """Tell of the foundings that were proposed to this node."""
        ...

    async def review(self, proposal: Signed) -> FoundingAnswer:
        """Take a proposal that the operator brings, and show it.

        Raises:
            FoundingError: it lacks this node's own card, or its terms cannot be.
            WrongStateError: this node has a charter, or too many proposals wait.
        """
        ...

    async def confirm(self, request: ConfirmRequest, who: Principal) -> FoundingAnswer:
        """Consent to a proposal, by two groups of each other member's fingerprint.

        Raises:
            NotFoundError: no such proposal waits here.
            BadRequestError: the groups are not those of the cards in the proposal.
        """
        ...

    async def withdraw(
        self, request: WithdrawRequest, who: Principal
    ) -> FoundingAnswer:
        """Refuse a proposal, or take the consent to it back until the share is made.

        Raises:
            NotFoundError: no such proposal is here.
            WrongStateError: this node's share is made, or it has a charter.
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
            WrongStateError: this node's operator has not confirmed it, or it has
                another charter.
        """
        ...

    async def charter(self) -> bytes | None:
        """Give the signed charter as JSON, once there is one."""
        ...
