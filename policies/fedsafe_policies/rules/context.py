# SPDX-License-Identifier: Apache-2.0
"""What every decision stands on: policy, legal calendar, site and moment."""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsafe_policies.documents.document import Document, GateMode
from fedsafe_policies.documents.legal_calendar import Calendar
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.decision import Decision, Obligation, allow, deny
from fedsafe_policies.rules.gate import Site


@dataclass(frozen=True, slots=True)
class Ground:
    """The present of one decision; `now` is in UTC seconds."""

    policy: Policy
    calendar: Calendar
    site: Site
    now: int

    @property
    def document(self) -> Document:
        """The policy as written."""
        return self.policy.document

    @property
    def misplaced(self) -> bool:
        """Whether a policy for demonstrations rules a node that is none."""
        mode = self.policy.document.gate.mode
        return mode is GateMode.SYNTHETIC and not self.site.demo

    def allow(self, grant: Grant, *duties: Obligation, about: str = "") -> Decision:
        """Allow for `grant`."""
        return allow(grant, self.policy.reference, frozenset(duties), about)

    def deny(self, refusal: Refusal, about: str = "") -> Decision:
        """Deny for `refusal`."""
        return deny(refusal, self.policy.reference, about)

    def ruled(
        self, refusal: Refusal | None, grant: Grant, duties: Iterable[Obligation] = ()
    ) -> Decision:
        """Deny for `refusal` if there is one, and allow for `grant` if not."""
        if refusal is not None:
            return self.deny(refusal)
        return self.allow(grant, *duties)
