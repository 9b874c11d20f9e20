# SPDX-License-Identifier: Apache-2.0
"""May this question be asked?

Every lookup has a purpose (P8). It must be allowed to the role by the policy, and
fit the plane that is asked: `signup_check` and `recheck` ask about accounts,
`media_matching` about files. Nobody asks in order to operate or to audit.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_policies.decision import Decision, Obligation, allow, deny
from fedsafe_policies.gate import Site, refuse_gate
from fedsafe_policies.policy import GateMode, Policy
from fedsafe_policies.reasons import Grant, Refusal
from fedsafe_policies.vocabulary import Plane, Purpose, Role

_ACTOR: Final = frozenset({Plane.ACTOR})
_MEDIA: Final = frozenset({Plane.MEDIA})
_BOTH: Final = _ACTOR | _MEDIA

_PLANES: Final[dict[Purpose, frozenset[Plane]]] = {
    Purpose.SIGNUP_CHECK: _ACTOR,
    Purpose.RECHECK: _ACTOR,
    Purpose.MODERATION_REVIEW: _BOTH,
    Purpose.MEDIA_MATCHING: _MEDIA,
    Purpose.ESCALATION: _BOTH,
    Purpose.RIGHTS_OF_THE_PERSON: _ACTOR,
    Purpose.AUDIT_REVIEW: frozenset(),
    Purpose.SUPERVISION: frozenset(),
    Purpose.OPERATIONS: frozenset(),
}


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """Who asks about which plane, and why."""

    role: Role
    purpose: Purpose
    plane: Plane


def decide_lookup(
    request: LookupRequest, site: Site, policy: Policy, now: int
) -> Decision:
    """Decide whether a lookup may run.

    With a closed gate it may still ask the provider's own list; the decision then
    carries `Obligation.OWN_BANS_ONLY`, and no peer is asked for an evaluation.
    """
    if policy.document.gate.mode is GateMode.SYNTHETIC and not site.demo:
        return deny(Refusal.SYNTHETIC_ONLY, policy.reference)
    allowed = policy.document.purposes.get(request.role, frozenset())
    if request.purpose not in allowed or request.plane not in _PLANES[request.purpose]:
        return deny(Refusal.PURPOSE, policy.reference)
    closed = (
        request.plane not in policy.document.share.planes
        or refuse_gate(site, request.plane, policy, now) is not None
    )
    duties = frozenset({Obligation.OWN_BANS_ONLY}) if closed else frozenset()
    return allow(Grant.PURPOSE, policy.reference, duties)
