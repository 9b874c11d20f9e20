# SPDX-License-Identifier: Apache-2.0
"""The node's present, held still while a request about signals is decided on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from fedsafe_node.ground.errors import NodeError, UnavailableError
from fedsafe_node.keys.evaluators import OwnList, SharedLists
from fedsafe_node.keys.lookup_items import Asked, File
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.documents.do_not_share import DoNotShareLists
from fedsafe_policies.documents.legal_calendar import Calendar
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.engine import decide
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.gate import Site
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane


@dataclass(frozen=True, slots=True)
class Present:
    """The node's present, held still for one request."""

    now: datetime
    node: str
    contact: str
    synthetic: bool
    site: Site
    policy: Policy
    calendar: Calendar
    do_not_share: DoNotShareLists
    own: OwnList
    shared: SharedLists | None
    keeps: frozenset[Plane]

    @property
    def at(self) -> int:
        """The moment in UTC seconds."""
        return int(self.now.timestamp())

    def decide(self, request: PublishRequest) -> Decision:
        """Decide on a signal."""
        return decide(request, self.policy, self.calendar, self.at, self.site)

    def listed(self, asked: Asked) -> str | None:
        """Name the do-not-share list that holds an identifier or file, if any does."""
        if isinstance(asked, File):
            return self.do_not_share.find_file(asked.kind, asked.digest)
        value = asked.canonical.value
        return self.do_not_share.find(asked.kind, value, self.policy)

    def compared(self, kind: IdentifierKind | MediaKind) -> dict[str, str]:
        """Digest the do-not-share lists that a kind of identifier is compared with."""
        if isinstance(kind, MediaKind):
            return {}
        return self.do_not_share.digests(kind, self.policy)

    def is_like(self, other: "Present") -> bool:
        """Whether two differ in nothing but the moment, the gate and the register.

        What these are good for changes with the moment: ask for the decisions.
        """
        return replace(other, now=self.now, site=self.site) == self


def hold(situation: Situation, now: datetime) -> Present:
    """Hold the node's present still."""
    return Present(
        now=now,
        node=situation.node,
        contact=situation.config.contact,
        synthetic=situation.synthetic,
        site=situation.site,
        policy=situation.policy,
        calendar=situation.calendar,
        do_not_share=situation.do_not_share,
        own=situation.own,
        shared=situation.shared,
        keeps=frozenset(
            each for each in Plane if situation.keeps(situation.node, each)
        ),
    )


# Decide anew where the node's present has changed between decision and act.
#
# What is costly (evaluation, sealing) lies between the two, and meanwhile a gate can
# close or two people can approve another policy. So an act looks once more, within its
# transaction; where it would decide otherwise nothing is kept, and all begins again.

T = TypeVar("T")
_TRIES: Final = 3
_RETRY_AFTER_MS: Final = 2_000


class OutdatedError(NodeError):
    """What was decided is no longer what would be decided now."""


async def until_it_holds(attempt: Callable[[], Awaitable[T]]) -> T:
    """Decide and act, anew as long as the present changes in between.

    Raises:
        UnavailableError: it changes at every try.
    """
    for _ in range(_TRIES):
        try:
            return await attempt()
        except OutdatedError:
            continue
    raise UnavailableError(
        "deferred",
        Phrase(
            "what this rests on (gate, policy, keys) is changing just now: try again"
        ),
        retry_after_ms=_RETRY_AFTER_MS,
    )
