# SPDX-License-Identifier: Apache-2.0
"""May this question be asked?

Every lookup has a purpose (P8). It must be allowed to the role by the policy, be
bound to the credential where there is such a bond, and fit the plane that is
asked: `signup_check` and `recheck` ask about accounts, `media_matching` about
files. Nobody asks in order to operate or to audit.

Where the account or file is met is part of the question (P3): private messages may be
matched only while the legal calendar holds a basis. Some purposes say it themselves:
what an account was registered with. The others name it, or are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.legal_gate import refuse_gate
from fedsafe_policies.vocabulary import Plane, Purpose, Role, Surface

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
IMPLIED_SURFACES: Final[Mapping[Purpose, Surface]] = {
    Purpose.SIGNUP_CHECK: Surface.REGISTRATION,
    Purpose.RECHECK: Surface.REGISTRATION,
    Purpose.RIGHTS_OF_THE_PERSON: Surface.REGISTRATION,
}
"""Where an account is met by purpose, where the purpose leaves no doubt."""
NEED_SURFACE: Final = frozenset(
    purpose
    for purpose, planes in _PLANES.items()
    if planes and purpose not in IMPLIED_SURFACES
)
"""The purposes of a lookup that say nothing of the surface."""


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """Who asks about which plane, why, and where the account or file is met.

    Without a `surface` it is the one that the purpose implies. `bound` are the
    purposes that the credential is bound to; none means no bond.
    """

    role: Role
    purpose: Purpose
    plane: Plane
    surface: Surface | None = None
    bound: frozenset[Purpose] | None = None


def rule_on_lookup(request: LookupRequest, ground: Ground) -> Decision:
    """Decide whether a lookup may run.

    With a closed gate it may still ask the provider's own list; the decision then
    carries `Obligation.OWN_BANS_ONLY`, and no peer is asked for an evaluation.
    """
    document, purpose = ground.document, request.purpose
    if ground.misplaced:
        return ground.deny(Refusal.SYNTHETIC_ONLY)
    allowed = document.purposes.get(request.role, frozenset())
    if request.bound is not None:
        allowed &= request.bound
    if purpose not in allowed or request.plane not in _PLANES[purpose]:
        return ground.deny(Refusal.PURPOSE, purpose)
    surface = request.surface or IMPLIED_SURFACES.get(purpose)
    if surface is None:
        return ground.deny(Refusal.SURFACE_MISSING, purpose)
    if not ground.calendar.opens(surface, ground.now):
        return ground.deny(Refusal.SURFACE, ground.calendar.nearest(surface))
    closed = (
        request.plane not in document.share.planes
        or refuse_gate(request.plane, ground) is not None
    )
    duties = (Obligation.OWN_BANS_ONLY,) if closed else ()
    return ground.allow(Grant.PURPOSE, *duties, about=purpose)
