# SPDX-License-Identifier: Apache-2.0
"""What a decision needs to know of the node's present: policy, site, members.

One mutable object, owned by the event loop. The policy, and what it leans on, changes
when two people have approved other texts. `shared` changes when a founding ends and
with each version of the charter, `agreed`, its policy, before that; `site` with it, and
when a legal-gate record counts; `coverage` with every answer of a peer, `features`
(what its program can do) as well, `debts` when members owe erasures. `rests` says why
the node exchanges nothing, though it is a member: it has no policy that goes with the
members'.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from fedsafe_federation.charter.attestation import LIFE, Attestations
from fedsafe_federation.charter.charter import Member, MemberRole
from fedsafe_node.ground.config import Config
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.evaluators import OwnList, SharedLists
from fedsafe_node.keys.lookup_items import File
from fedsafe_node.rules.policy_bundle import Provisions
from fedsafe_policies.documents.document import GateMode
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.engine import Request, decide
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.access import ReadRequest
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.gate import LegalGate, Site
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.vocabulary import Matter, Plane, Purpose

GATE_SHUT: Final = Phrase("its gate is shut")
RESTS: Final = Phrase("this node rests: it lacks the policy of the federation")
WAITS: Final = Phrase("its additions wait for witnesses")
SET_ASIDE: Final = Phrase("what came of it lately is in quarantine here")
_SUSPENDED: Final = Phrase("suspended")
_STALE: Final = Phrase("stale")
_LACKING: Final = Phrase("openings are lacking")
_NO_ARRANGEMENT: Final = sha256(b"").digest()


class Coverage:
    """When each origin's feed was last known to be complete.

    In memory, and told to the other processes of the node if there are any: after a
    restart an origin is covered again with its first answer. A suspended origin is
    never covered. Of one that is *lacking* the records are here, and some openings are
    not; one that is *ahead* has published under a later version of the charter.
    `waiting` has since when an origin's additions have waited for witnesses, and
    made no step forward; of the own feed as well.
    `set_aside` has from where on an origin's feed is in quarantine here: it is never
    covered then.

    What an origin has stopped arrives from others as well, but nobody who carries it
    can say that there is no more: it counts up to the moment that witnesses have signed
    for. Who has heard of the origin not since it began, and of what is proven not for
    a day, does not know what was revoked meanwhile: such a copy is not *current*, and
    nothing of it matches.
    """

    def __init__(self, stale_after: timedelta) -> None:
        self._stale_after = stale_after
        self._seen: dict[str, datetime] = {}
        self._caught: dict[str, datetime] = {}
        self.since: datetime | None = None
        self.suspended: set[str] = set()
        self.lacking: set[str] = set()
        self.ahead: set[str] = set()
        self.waiting: dict[str, datetime] = {}
        self.set_aside: dict[str, int] = {}

    def saw(self, origin: str, at: datetime) -> None:
        """Note that our copy was complete at that moment."""
        self._seen[origin] = at

    def caught_up(self, origin: str, at: datetime) -> None:
        """Note that our copy provably had all restrictions of that moment."""
        before = self._caught.get(origin)
        self._caught[origin] = at if before is None else max(at, before)

    def is_current(self, origin: str, now: datetime) -> bool:
        """Whether what an origin has stopped is stopped here, as far as one can know.

        Since this node began: it may have been away for days.
        """
        seen, caught = self._seen.get(origin), self._caught.get(origin)
        if caught is not None and now - caught <= LIFE:
            return True
        if seen is None or now - seen > LIFE:
            return False
        return self.since is None or seen >= self.since - self._stale_after

    def caught(self) -> dict[str, datetime]:
        """Give the last moment at which each origin's restrictions were all here."""
        return dict(self._caught)

    def seen(self) -> dict[str, datetime]:
        """Give the last moment of every origin."""
        return dict(self._seen)

    def last(self, origin: str) -> datetime | None:
        """Give the last moment at which the copy was complete."""
        return self._seen.get(origin)

    def holds_back(self, origin: str, index: int) -> bool:
        """Whether what lies there in an origin's feed is set aside."""
        first = self.set_aside.get(origin)
        return first is not None and index >= first

    def covers(self, origin: str, now: datetime) -> bool:
        """Whether the copy is fresh enough to say *none*."""
        seen = self._seen.get(origin)
        return (
            origin not in self.suspended
            and origin not in self.set_aside
            and seen is not None
            and now - seen <= self._stale_after
        )


class Situation:
    """The node's present, as decisions see it."""

    def __init__(self, config: Config, provisions: Provisions, own: OwnList) -> None:
        self.config = config
        self.agreed: Policy | None = None
        self.rests: Phrase | None = None
        self.debts: dict[str, int] = {}
        self.features: dict[str, frozenset[str]] = {}
        self.adopt(provisions)
        self.own = own
        self.coverage = Coverage(timedelta(seconds=config.lookup.stale_after))
        self.shared: SharedLists | None = None
        self.gate: LegalGate | None = None
        self.register_until = 0
        self.attestations = Attestations()
        self.site = self._site([])

    @property
    def node(self) -> str:
        """The node's own name."""
        return self.config.name

    def decide(self, request: Request, now: datetime) -> Decision:
        """Decide on a request by this node's policy, calendar and surroundings."""
        at = int(now.timestamp())
        return decide(request, self.policy, self.calendar, at, self.site)

    def adopt(self, provisions: Provisions) -> None:
        """Decide by these texts from now on."""
        self.provisions = provisions
        self.policy = provisions.policy
        self.calendar = provisions.calendar
        self.do_not_share = provisions.do_not_share
        self.matrix = provisions.matrix

    def join(self, shared: SharedLists) -> None:
        """Belong to a federation from now on."""
        self.shared = shared
        self.site = self._site(shared.membership.others)

    def all_speak(self, feature: str) -> bool:
        """Whether all other members that take part have said that they know a feature.

        Nobody has said so of whom nothing was heard since this node began.
        """
        others = self.shared.membership.others if self.shared is not None else []
        return all(feature in self.features.get(each.name, ()) for each in others)

    def leave(self) -> None:
        """Belong to no federation any more."""
        self.shared = None
        self.agreed = None
        self.rests = None
        self.site = self._site([])

    def record_gate(self, gate: LegalGate) -> None:
        """Decide with this legal-gate record from now on."""
        self.gate = gate
        self.site = self._site(self.shared.membership.others if self.shared else [])

    def record_register(self, until: int) -> None:
        """Take the register for met until that moment (UTC seconds) from now on."""
        self.register_until = until
        self.site = self._site(self.shared.membership.others if self.shared else [])

    @property
    def arrangement(self) -> str:
        """What a gate record has to cite of the charter's arrangement; empty if none.

        A federation may be founded on none: its digest is then that of no text.
        """
        if self.shared is None:
            return ""
        digest = self.shared.membership.charter.arrangement.sha256
        return "" if digest == _NO_ARRANGEMENT else digest.hex()[:8]

    @property
    def synthetic(self) -> bool:
        """Whether the policy is one for demonstrations, and this is one."""
        mode = self.policy.document.gate.mode
        return mode is GateMode.SYNTHETIC and self.site.demo

    def opens(self, now: datetime) -> bool:
        """Whether this node's own gate lets actor signals out and in."""
        if Plane.ACTOR not in self.policy.document.share.planes:
            return False
        return self.decide(GateRequest(Plane.ACTOR), now).allowed

    def attested(self, member: str, now: datetime) -> bool:
        """Whether a member attests that its gate is open; one look into memory."""
        return self.attestations.allows(member, now, demo=self.synthetic)

    def exchanges(self, member: str, now: datetime) -> bool:
        """Whether actor signals pass between this node and a member, either way."""
        both = all(self.keeps(name, Plane.ACTOR) for name in (member, self.node))
        return both and self.attested(member, now) and self.opens(now)

    def keeps(self, member: str, plane: Plane) -> bool:
        """Whether the charter lets a member keep a list of a plane, and get others'."""
        role = MemberRole.MEDIA if plane is Plane.MEDIA else MemberRole.LISTER
        members = [] if self.shared is None else self.shared.membership.charter.members
        return any(each.name == member and role in each.roles for each in members)

    def not_covered(self, now: datetime, *, actor: bool = False) -> list[str]:
        """Name the other members whose feed is stale or suspended.

        For *actor* signals those as well that attest no open gate. Those of whose
        openings some are lacking, unless it can only be the other plane's. Who keeps no
        such list by the charter has nothing to cover.
        """
        return [
            name
            for name in self.others()
            if self._could_answer(name, actor) and not self._covers(name, now, actor)
        ]

    def _could_answer(self, name: str, actor: bool) -> bool:  # noqa: FBT001
        node = self.node
        if self.keeps(name, Plane.MEDIA) and self.keeps(node, Plane.MEDIA):
            return True
        return actor and self.keeps(name, Plane.ACTOR) and self.keeps(node, Plane.ACTOR)

    def why_not_covered(self, name: str, now: datetime, *, actor: bool) -> Phrase:
        """Say why a member is not covered: whether it is away, or its gate is shut."""
        if self.rests is not None:
            return RESTS
        if name in self.coverage.suspended or not self.takes_part(name):
            return _SUSPENDED
        if name in self.coverage.set_aside:
            return SET_ASIDE
        if not self.coverage.covers(name, now):
            return WAITS if name in self.coverage.waiting else _STALE
        if actor and not self.attested(name, now):
            return GATE_SHUT
        return _LACKING

    def unseen(self, now: datetime) -> list[str]:
        """Name the others whose actor signals are not, or not all, here now.

        All of them while the own gate is closed: a relock has erased what was here.
        """
        if not self.opens(now):
            return [each for each in self.others() if self.keeps(each, Plane.ACTOR)]
        return self.not_covered(now, actor=True)

    def _covers(self, name: str, now: datetime, actor: bool) -> bool:  # noqa: FBT001
        actor = actor and self.keeps(name, Plane.ACTOR)
        if not self.takes_part(name) or (actor and not self.attested(name, now)):
            return False
        if name in self.coverage.ahead:
            return False
        if name in self.coverage.lacking and (
            actor or not self._lacks_actors(name, now)
        ):
            return False
        return self.coverage.covers(name, now)

    def _lacks_actors(self, name: str, now: datetime) -> bool:
        """Whether only actor signals can be lacking: their gate is shut, files' not."""
        said = self.attestations.newest(name)
        shut = said is None or int(now.timestamp()) >= said.gate_until
        if shut and Plane.MEDIA in self.policy.document.gate.planes:
            return False
        files = self.decide(GateRequest(Plane.MEDIA), now).allowed
        return files and not self.exchanges(name, now)

    def listed(self, file: File) -> str | None:
        """Name the do-not-share list that holds a file, if any does."""
        return self.do_not_share.find_file(file.kind, file.digest)

    def takes_part(self, member: str) -> bool:
        """Whether the federation lets a member's signals match here now.

        The node's own always; nobody else's while the node itself is suspended, or
        rests.
        """
        if self.shared is None:
            return False
        membership = self.shared.membership
        if member == membership.me.name:
            return True
        return (
            self.rests is None
            and membership.me.active
            and any(each.name == member for each in membership.others)
        )

    def has_others(self) -> bool:
        """Whether there is a federation with other members."""
        return bool(self.others())

    def others(self) -> list[str]:
        """Name the other members that take part in the federation now."""
        if self.shared is None:
            return []
        return [member.name for member in self.shared.membership.others]

    def url_of(self, member: str) -> str | None:
        """Give the address of another member; None of who is none."""
        members = self.shared.membership.others if self.shared is not None else []
        return next((each.url for each in members if each.name == member), None)

    def _site(self, others: Sequence[Member]) -> Site:
        config = self.config
        host = config.listen.host
        listen = f"[{host}]" if ":" in host else host
        return Site(
            names=(config.name, *(member.name for member in others)),
            addresses=(
                f"{listen}:{config.listen.port}",
                config.url,
                *(member.url for member in others),
            ),
            gate=self.gate,
            register_until=self.register_until,
            arrangement=self.arrangement,
        )


_USUAL: Final = (
    Purpose.MODERATION_REVIEW,
    Purpose.AUDIT_REVIEW,
    Purpose.ESCALATION,
    Purpose.RIGHTS_OF_THE_PERSON,
    Purpose.SUPERVISION,
    Purpose.RECHECK,
    Purpose.OPERATIONS,
)


def rule_on_reading(
    situation: Situation,
    who: Principal,
    matter: Matter,
    purpose: Purpose | None,
    now: datetime,
) -> Decision:
    """Decide whether somebody may see something, and what for.

    Who names no purpose reads for the most usual one that policy gives their role
    for such a matter. The decision to allow is about the purpose.
    """
    # A credential for publishing names no purposes: its scope is its bound.
    bound = who.purposes or None
    for one in _USUAL if purpose is None else (purpose,):
        request = ReadRequest(who.role, one, matter, bound)
        decision = situation.decide(request, now)
        if decision.allowed or purpose is not None:
            return decision
    return deny(Refusal.PURPOSE, situation.policy.reference)
