# SPDX-License-Identifier: Apache-2.0
"""P1, the legal gate: closed until everything is recorded, and closed again after.

Two things open it. A `LegalGate` that is complete and unexpired, and for actor
signals a Schutzkonzept register that is met (`documents.register`); or, under a
policy whose mode is *synthetic*, a site that is a demonstration. A synthetic policy on
any other site refuses everything, own bans included.
"""

from dataclasses import dataclass

from fedsafe_policies.documents.document import GateMode
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.span import today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Plane


@dataclass(frozen=True, slots=True)
class GateRequest:
    """Is this plane open?

    A node asks this at start, on a schedule to relock, and before it attests its
    gate to peers.
    """

    plane: Plane


def rule_on_gate(request: GateRequest, ground: Ground) -> Decision:
    """Decide whether a plane is open."""
    refusal = refuse_gate(request.plane, ground)
    return ground.ruled(refusal, grant_of(request.plane, ground.policy))


def refuse_gate(plane: Plane, ground: Ground) -> Refusal | None:
    """Return why `plane` is closed, or nothing if it is open."""
    gate, site = ground.document.gate, ground.site
    if gate.mode is GateMode.SYNTHETIC:
        return None if site.demo else Refusal.SYNTHETIC_ONLY
    if plane not in gate.planes:
        return None
    if today(ground.now) not in site.open_days:
        return Refusal.LEGAL_GATE
    if plane is Plane.ACTOR and ground.now >= site.register_until:
        return Refusal.LEGAL_GATE
    return None


def grant_of(plane: Plane, policy: Policy) -> Grant:
    """Return what an open gate of `plane` rests on."""
    if policy.document.gate.mode is GateMode.SYNTHETIC:
        return Grant.SYNTHETIC
    return Grant.GATE_OPEN if plane in policy.document.gate.planes else Grant.MEDIA
