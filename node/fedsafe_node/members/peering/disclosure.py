# SPDX-License-Identifier: Apache-2.0
"""Which openings of a batch go to a member, and what the recipient ledger says of it.

Policy decides on every opening for this recipient (P1, P11, P12, P14, P15), once for
each kind of signal and audience. A signal that is meant for others is to this member
as if it were erased: asking again would be in vain. Should it come to be in a group
later, it is told from where on to ask again (`feed_server`). What is withheld for
another reason may be had later, and the member asks again by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fedsafe_federation.feed.batch import RecordLine
from fedsafe_federation.feed.signals import decode_opening
from fedsafe_node.members.peering.repeats import grant_of
from fedsafe_node.rules.audience import audience_of, groups_of, members_in
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.peering_rows import HandedRow
from fedsafe_policies.ground.reasons import Rule
from fedsafe_policies.rules.disclosure import OpeningRequest, Recipient
from fedsafe_policies.vocabulary import Plane, Purpose

NOWHERE: Final = ""
"""The jurisdiction of a member that none is known of: no policy admits it."""
PURPOSES: Final = {
    Plane.ACTOR: Purpose.MODERATION_REVIEW,
    Plane.MEDIA: Purpose.MEDIA_MATCHING,
}


@dataclass(frozen=True, slots=True)
class _Terms:
    """How one kind of opening is handed over, or why it is not."""

    plane: Plane
    allowed: bool
    for_others: bool
    basis: str


@dataclass(slots=True)
class _Run:
    """Entries in a row that are handed over on the same terms."""

    first: int
    last: int
    terms: _Terms

    def goes_on(self, index: int, terms: _Terms) -> bool:
        """Whether an entry is the next one of this run."""
        if self.last != index - 1:
            return False
        mine = self.terms
        return mine is terms or (mine.plane, mine.basis) == (terms.plane, terms.basis)


@dataclass(frozen=True, slots=True)
class HandOver:
    """The lines as this member gets them, and the runs that the ledger keeps."""

    records: Sequence[RecordLine]
    runs: Sequence[HandedRow]


class Hander:
    """Decides for one member at one moment."""

    def __init__(self, situation: Situation, member: str, now: datetime) -> None:
        self._situation = situation
        self._member = member
        self._now = now
        self._exchanges = situation.exchanges(member, now)
        self._recipient = self._describe()
        self._terms: dict[tuple[Plane, frozenset[str] | None], _Terms] = {}

    @property
    def groups(self) -> frozenset[str]:
        """The groups that this member is in now, as the store writes them."""
        return groups_of(self._member, self._situation.policy)

    @property
    def grant(self) -> bytes:
        """By what right this member gets openings now (`repeats`)."""
        situation = self._situation
        shared = situation.shared
        members = shared.membership.charter.members if shared is not None else ()
        place = next((each for each in members if each.name == self._member), None)
        return grant_of(place, situation.gate)

    def anew(self) -> "Hander":
        """Decide for the same member by what holds now."""
        return Hander(self._situation, self._member, self._now)

    def agrees(self, other: "Hander") -> bool:
        """Whether another decides all that was decided here in the same way."""
        return all(
            other._rule(*asked) == terms  # noqa: SLF001 - of the same class
            for asked, terms in self._terms.items()
        )

    def hand_over(
        self,
        lines: Sequence[RecordLine],
        audiences: Mapping[int, frozenset[str]],
    ) -> HandOver:
        """Leave out what may not go to this member, and enter what goes.

        *audiences* names the members that a signal is meant for, by its place in
        the feed; one that is missing is meant for all.
        """
        records: list[RecordLine] = []
        runs: list[_Run] = []
        for line in lines:
            if line.opening is None:
                records.append(line)
                continue
            header, _ = decode_opening(line.opening.payload)
            terms = self._rule(header.plane, audiences.get(line.index))
            if terms.allowed:
                records.append(line)
                run = runs[-1] if runs else None
                if run is not None and run.goes_on(line.index, terms):
                    run.last = line.index
                else:
                    runs.append(_Run(line.index, line.index, terms))
            else:
                records.append(
                    RecordLine(line.index, line.record, erased=terms.for_others)
                )
        return HandOver(records, [self._row(run) for run in runs])

    def _rule(self, plane: Plane, names: frozenset[str] | None) -> _Terms:
        known = self._terms.get((plane, names))
        if known is None:
            known = self._terms[plane, names] = self._decide(plane, names)
        return known

    def _decide(self, plane: Plane, names: frozenset[str] | None) -> _Terms:
        audience, meant = audience_of(names), members_in(names, self._situation.policy)
        basis = self._basis(plane)
        request = OpeningRequest(
            plane, audience, self._recipient, PURPOSES[plane], basis
        )
        decision = self._situation.decide(request, self._now)
        others = meant is not None and self._member not in meant
        closed = plane is Plane.ACTOR and not self._exchanges
        closed = closed or not self._situation.keeps(self._member, plane)
        return _Terms(
            plane=plane,
            allowed=decision.allowed and not closed,
            for_others=others and decision.rule is Rule.SCOPE,
            basis=basis,
        )

    def _row(self, run: _Run) -> HandedRow:
        return HandedRow(
            recipient=self._member,
            first=run.first,
            last=run.last,
            at=int(self._now.timestamp()),
            purpose=PURPOSES[run.terms.plane].value,
            basis=run.terms.basis,
        )

    def _describe(self) -> Recipient:
        situation, member = self._situation, self._member
        shared = situation.shared
        others = shared.membership.others if shared is not None else []
        places = {other.name: other.jurisdiction for other in others}
        attestation = situation.attestations.newest(member)
        return Recipient(
            name=member,
            member=member in places,
            jurisdiction=places.get(member, NOWHERE),
            attested_until=attestation.until if attestation is not None else None,
            owes_since=situation.debts.get(member),
        )

    def _basis(self, plane: Plane) -> str:
        """Name what the hand-over rests on: the gate's legal basis, or the charter."""
        gate, shared = self._situation.site.gate, self._situation.shared
        if plane is Plane.ACTOR and gate is not None and gate.legal_basis is not None:
            return gate.legal_basis
        if shared is None:
            return NOWHERE
        return f"charter:epoch-{shared.membership.epoch.epoch}"
