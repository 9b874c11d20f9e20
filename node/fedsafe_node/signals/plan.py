# SPDX-License-Identifier: Apache-2.0
"""What becomes of a request for a signal: own ban, draft or refusal.

Pure: a request and the node's present go in, a plan or the reason against it comes
out. Equal facts are ruled on once, so that an import of thousands of files decides
a handful of times.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from fedsafe_node.acts.bodies import ListSource, NewSignalRequest
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.lookup_items import Asked, File
from fedsafe_node.rules.audience import audience_of, of_group
from fedsafe_node.rules.canonical_question import read_question
from fedsafe_node.signals.creation import (
    EPOCH_ENDED,
    TOO_FEW_HOLDERS,
    Listing,
    Wording,
    make_header,
    own_listing,
    shared_listing,
)
from fedsafe_node.signals.decision_snapshot import OutdatedError, Present
from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, Obligation, deny
from fedsafe_policies.rules.people import Person as Author
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.rules.retention import explain_end
from fedsafe_policies.vocabulary import (
    Circle,
    Detection,
    Plane,
    Provenance,
    Scope,
    Source,
)

_EARLIEST_CLOCK: Final = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Address:
    """For which members or group a signal is meant (None: all), and about whom.

    `source` and `detection` are for that person: they never travel. `renews` names the
    signal that it follows, `list` the list of files that it belongs to.
    """

    nodes: frozenset[str] | None = None
    subject_ref: str | None = field(default=None, repr=False)
    source: Source | None = None
    detection: Detection | None = None
    renews: str | None = None
    list: ListSource | None = None


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """An own ban, at once."""

    asked: Asked
    own: Wording
    decision: Decision
    address: Address


@dataclass(frozen=True, slots=True)
class DraftPlan:
    """A signal that waits for its second person.

    `own` words the own ban that matches meanwhile, if one person may set that.
    `compared` digests the do-not-share lists that do not hold the identifier.
    """

    asked: Asked
    wording: Wording
    own: Wording | None
    compared: Mapping[str, str]
    decision: Decision
    address: Address


Plan = OwnPlan | DraftPlan


# The numbers of kinds mean something else on each plane.
_Key = tuple[Plane, PublishRequest, Provenance]


@dataclass(frozen=True, slots=True)
class _Ruling:
    decision: Decision
    wording: Wording
    waits: bool = False
    meanwhile: Wording | None = None
    compared: Mapping[str, str] = field(default_factory=dict)

    def agrees(self, other: "_Ruling") -> bool:
        """Whether another comes to the same; dates in the wording may differ."""
        return (
            self.decision == other.decision
            and self.waits is other.waits
            and (self.meanwhile is None) is (other.meanwhile is None)
        )


class Planner:
    """Plans the signals of one request; one caller at a time.

    `unsaid` is where a finding comes from, where a signal does not say; `listed` what
    was said of the list that all of them belong to.
    """

    def __init__(
        self,
        present: Present,
        who: Principal,
        unsaid: Provenance = Provenance.OWN_FINDING,
        listed: ListSource | None = None,
    ) -> None:
        self._present = present
        self._listed = listed
        self._unsaid = unsaid
        self._who = who
        self._author = Author(who.name, who.role)
        self._today = present.now.date()
        self._latest = (present.now + _EARLIEST_CLOCK).date()
        self._rulings: dict[_Key, _Ruling] = {}
        self.own: Listing = own_listing(present.own)
        shared = present.shared
        self.shared = shared_listing(shared.membership) if shared is not None else None

    def plan(self, request: NewSignalRequest, pointer: str) -> Plan | Decision:
        """Plan a signal, or return the decision against it.

        Raises:
            BadRequestError: the subject has no canonical form, or a date is wrong.
            WrongStateError: there is no federation to share with.
        """
        asked = read_question(request.about, pointer=f"{pointer}/about")
        self._check_listed(request, asked, pointer)
        if request.scope is not Scope.SELF:
            self._check_open()
            self._check_holders(asked)
        address = self._address(request, pointer)
        facts = self._facts(request, asked, pointer)
        provenance = request.provenance or self._unsaid
        key = (facts.plane, facts, provenance)
        ruling = self._rulings.get(key)
        if ruling is None:
            ruling = self._rulings[key] = self._rule(facts, provenance)
        decision = ruling.decision
        if not decision.allowed:
            return decision
        if not self._reaches(address):
            return deny(Refusal.SCOPE, self._present.policy.reference)
        self._check_stated(request, asked, pointer)
        if ruling.waits:
            return DraftPlan(
                asked,
                ruling.wording,
                ruling.meanwhile,
                ruling.compared,
                decision,
                address,
            )
        if request.scope is not Scope.SELF:
            raise AssertionError("policy lets one person share")
        return OwnPlan(asked, ruling.wording, decision, address)

    def _check_listed(
        self, request: NewSignalRequest, asked: Asked, pointer: str
    ) -> None:
        if self._listed is None:
            return
        if not isinstance(asked, File) or request.scope is Scope.SELF:
            raise BadRequestError(
                "not_on_a_list",
                Phrase("a list has files for the federation, and nothing else"),
                pointer=pointer,
            )
        if (request.provenance or self._unsaid) is not Provenance.IMPORTED_LIST:
            raise BadRequestError(
                "not_on_a_list",
                Phrase(
                    "a list is somebody else's, and all of it is on trial as "
                    "such: leave the provenance out, and record findings of your "
                    "own without a list"
                ),
                pointer=f"{pointer}/provenance",
            )

    def _check_open(self) -> None:
        if self._present.shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        closes = self.shared.closes if self.shared is not None else None
        if closes is None or self._present.at >= closes:
            raise WrongStateError("epoch_ended", EPOCH_ENDED)

    def _check_holders(self, asked: Asked) -> None:
        shared = self._present.shared
        is_short = shared is not None and shared.membership.charter.is_short
        if is_short and not isinstance(asked, File):
            raise WrongStateError("too_few_holders", TOO_FEW_HOLDERS)

    def check(self, now: Present) -> None:
        """Refuse to act on what would not be decided in the same way now.

        Raises:
            OutdatedError: the rest of the present, or a decision, is another.
        """
        if not self._present.is_like(now):
            raise OutdatedError
        anew = Planner(now, self._who, self._unsaid)
        for (_, facts, provenance), ruling in self._rulings.items():
            if not ruling.agrees(anew._rule(facts, provenance)):
                raise OutdatedError

    def _check_stated(
        self, request: NewSignalRequest, asked: Asked, pointer: str
    ) -> None:
        """Refuse what the person could not be told of (Art. 17 (3) b and c DSA).

        A demonstration has no person who would have to be told.
        """
        is_shared = request.scope is not Scope.SELF and not isinstance(asked, File)
        if not is_shared or self._present.synthetic:
            return
        for name in ("source", "detection"):
            if getattr(request, name) is None:
                raise BadRequestError(
                    "unstated",
                    Phrase("the person is told of it: state the {name}").filled(
                        name=name
                    ),
                    pointer=f"{pointer}/{name}",
                )

    def _reaches(self, address: Address) -> bool:
        circle = audience_of(address.nodes).circle
        circles = self._present.policy.document.scopes.circles
        return circle is Circle.FEDERATION or circle in circles

    def _address(self, request: NewSignalRequest, pointer: str) -> Address:
        place = f"{pointer}/nodes"
        if request.renews is not None and request.scope is Scope.SELF:
            raise BadRequestError(
                "bad_request",
                Phrase("an own ban follows no signal of the federation"),
                pointer=f"{pointer}/renews",
            )
        told = (
            request.subject_ref,
            request.source,
            request.detection,
            request.renews,
            self._listed,
        )
        if request.group is not None:
            return Address(self._group(request, pointer), *told)
        if request.nodes is None:
            return Address(None, *told)
        shared = self._present.shared
        if request.scope is Scope.SELF or shared is None:
            raise BadRequestError(
                "bad_nodes", Phrase("an own ban goes to no member"), pointer=place
            )
        known = {member.name for member in shared.membership.others}
        for position, name in enumerate(request.nodes):
            if name not in known:
                raise BadRequestError(
                    "bad_nodes",
                    Phrase("that is no other member of the federation"),
                    pointer=f"{place}/{position}",
                )
        return Address(frozenset(request.nodes), *told)

    def _group(self, request: NewSignalRequest, pointer: str) -> frozenset[str]:
        place = f"{pointer}/group"
        name, present = request.group or "", self._present
        if request.scope is Scope.SELF or present.shared is None:
            raise BadRequestError(
                "bad_group", Phrase("an own ban goes to no group"), pointer=place
            )
        if request.nodes is not None:
            raise BadRequestError(
                "bad_group", Phrase("name either a group or members"), pointer=place
            )
        scopes = present.policy.document.scopes
        if Circle.GROUP in scopes.circles and name not in scopes.groups:
            raise BadRequestError(
                "bad_group",
                Phrase("this node's policy has no such group"),
                pointer=place,
            )
        return of_group(name)

    def _since(self, request: NewSignalRequest, asked: Asked, pointer: str) -> date:
        place = f"{pointer}/removed_on"
        if isinstance(asked, File):
            if request.removed_on is not None:
                raise BadRequestError(
                    "not_for_media",
                    Phrase("a file has no day of removal"),
                    pointer=place,
                )
            return self._today
        if request.removed_on is None:
            raise BadRequestError(
                "removed_on_missing",
                Phrase("a signal about an account names the day of its removal"),
                pointer=place,
            )
        try:
            day = date.fromisoformat(request.removed_on)
        except ValueError:
            raise BadRequestError(
                "bad_date", Phrase("no such day"), pointer=place
            ) from None
        if day > self._latest:  # nowhere on earth has that day begun
            raise BadRequestError(
                "removed_on_future", Phrase("the day lies in the future"), pointer=place
            )
        return day

    def _facts(
        self, request: NewSignalRequest, asked: Asked, pointer: str
    ) -> PublishRequest:
        if isinstance(asked, File) and request.findings:
            raise BadRequestError(
                "not_for_media",
                Phrase("findings are about a person, not a file"),
                pointer=f"{pointer}/findings",
            )
        return PublishRequest(
            kind=asked.kind,
            phenomenon=request.phenomenon,
            surface=request.surface,
            grade=request.grade,
            scope=request.scope,
            rule=request.rule,
            since=self._since(request, asked, pointer),
            author=self._author,
            contact=self._present.contact,
            suspected_minor=request.minor,
            findings=frozenset(request.findings),
            legal_review=request.legal_review,
            listed=self._present.listed(asked),
        )

    def _rule(self, facts: PublishRequest, provenance: Provenance) -> _Ruling:
        present = self._present
        decision = present.decide(replace(facts, draft=True))
        waits = Obligation.SECOND_PERSON in decision.obligations
        if decision.allowed and not waits:
            decision = present.decide(facts)
        listing = self.own
        if facts.scope is not Scope.SELF and self.shared is not None:
            listing = self.shared
        if listing is not self.own and facts.plane not in present.keeps:
            decision = deny(Refusal.ROLE, present.policy.reference)
        wording, meanwhile = self._word(listing, facts, provenance), None
        if decision.allowed and wording.header.match_until <= present.at:
            decision = deny(Refusal.RETENTION, present.policy.reference)
        if decision.code == Refusal.RETENTION:
            decision = _explained(decision, facts, present)
        if waits and listing is not self.own and facts.plane is Plane.ACTOR:
            alone = present.decide(replace(facts, scope=Scope.SELF))
            if alone.allowed:
                meanwhile = self._word(self.own, facts, provenance)
            elif decision.allowed and alone.code != Refusal.FOUR_EYES:
                decision = alone
        compared = present.compared(facts.kind) if waits else {}
        return _Ruling(decision, wording, waits, meanwhile, compared)

    def _word(
        self, listing: Listing, facts: PublishRequest, provenance: Provenance
    ) -> Wording:
        return Wording(
            listing=listing,
            facts=facts,
            provenance=provenance,
            header=make_header(listing, facts, self._present.policy),
            contact=self._present.contact,
            published_on=self._today.isoformat(),
        )


def _explained(decision: Decision, facts: PublishRequest, present: Present) -> Decision:
    """Say of a signal whose time is over how long it had, and what still counts."""
    policy = present.policy
    term = explain_end(facts.kind, facts.since, policy, present.at)
    if facts.since >= term.first:
        return decision  # its key epoch is over, not its term
    kind, rule = facts.kind.name.lower(), decision.rule.value
    reason = Phrase(
        "Its time is over: {kind} is listed for {span} from the removal ({rule}), here "
        "until {ended}; removals from {first} on still count. If the account was "
        "removed again later, state that day."
    ).filled(
        kind=kind, span=said(term.span), rule=rule, ended=term.ended, first=term.first
    )
    return replace(decision, reason=reason.both())
