# SPDX-License-Identifier: Apache-2.0
"""May an opening go to this member, and may data go to this place?

An opening goes where the signal is meant for (P14), to a member whose gate is
attested (P1), in an admitted jurisdiction (P15), that is not behind with erasing
(P11), and only with its line in the recipient ledger (P12). Asked anew for every
hand-over, so a change of membership re-evaluates what is old.
"""

from dataclasses import dataclass

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.erasures import refuse_debtor
from fedsafe_policies.rules.legal_gate import refuse_gate
from fedsafe_policies.vocabulary import Circle, Plane, Purpose


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom a signal is meant; `names` are groups or nodes, by the circle."""

    circle: Circle
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Recipient:
    """A node that is to get an opening, as this node knows it now.

    `attested_until` is the end of its gate's attestation, `owes_since` the moment
    since which an erasure receipt is owed; both in UTC seconds.
    """

    name: str
    member: bool
    jurisdiction: str
    attested_until: int | None = None
    owes_since: int | None = None


@dataclass(frozen=True, slots=True)
class OpeningRequest:
    """May this member get this signal's opening? `basis` refers to why it may."""

    plane: Plane
    audience: Audience
    recipient: Recipient
    purpose: Purpose | None
    basis: str


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """May a partner or an authority in this place get something?

    `transfer_basis` refers to what a transfer to a third country rests on.
    """

    jurisdiction: str
    purpose: Purpose | None
    basis: str
    transfer_basis: str | None = None


def rule_on_opening(request: OpeningRequest, ground: Ground) -> Decision:
    """Decide whether an opening may be handed over."""
    refusal = (
        refuse_gate(request.plane, ground)
        or _refuse_recipient(request, ground)
        or _refuse_audience(request, ground)
        or _refuse_place(request.recipient.jurisdiction, None, ground)
        or _refuse_ledger(request.purpose, request.basis)
    )
    return ground.ruled(refusal, Grant.OPENING, (Obligation.RECIPIENT_LEDGER,))


def rule_on_transfer(request: TransferRequest, ground: Ground) -> Decision:
    """Decide whether data may go to a place."""
    refusal = _refuse_place(
        request.jurisdiction, request.transfer_basis, ground
    ) or _refuse_ledger(request.purpose, request.basis)
    if ground.misplaced:
        refusal = Refusal.SYNTHETIC_ONLY
    return ground.ruled(refusal, Grant.TRANSFER, (Obligation.RECIPIENT_LEDGER,))


def _refuse_recipient(request: OpeningRequest, ground: Ground) -> Refusal | None:
    recipient = request.recipient
    if not recipient.member:
        return Refusal.SCOPE
    if request.plane in ground.document.gate.planes and not ground.site.demo:
        until = recipient.attested_until
        if until is None or ground.now >= until:
            return Refusal.GATE_UNATTESTED
    if recipient.owes_since is None:
        return None
    return refuse_debtor(recipient.owes_since, ground)


def _refuse_audience(request: OpeningRequest, ground: Ground) -> Refusal | None:
    scopes, audience = ground.document.scopes, request.audience
    name = request.recipient.name
    if audience.circle not in scopes.circles:
        return Refusal.SCOPE
    if audience.circle is Circle.FEDERATION:
        return None
    if audience.circle is Circle.NODES:
        return None if name in audience.names else Refusal.SCOPE
    groups = (scopes.groups.get(group, frozenset()) for group in audience.names)
    return None if any(name in members for members in groups) else Refusal.SCOPE


def _refuse_place(place: str, basis: str | None, ground: Ground) -> Refusal | None:
    if place in ground.policy.jurisdictions:
        return None
    recorded = ground.document.jurisdictions.transfers.get(place)
    if recorded is None or (basis is not None and basis != recorded):
        return Refusal.JURISDICTION
    return None


def _refuse_ledger(purpose: Purpose | None, basis: str) -> Refusal | None:
    if purpose is None or not is_reference(basis):
        return Refusal.LEDGER_INCOMPLETE
    return None
