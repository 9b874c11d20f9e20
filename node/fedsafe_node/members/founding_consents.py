# SPDX-License-Identifier: Apache-2.0
"""The foundings proposed to this node, and what its operator says to each.

A proposal waits until the operator confirms it, by two groups of each other member's
fingerprint (`charter.consent`), or refuses it. Without that the node says nothing
in a founding, whoever asks. What waits is one document of the store: a few proposals,
each for a week, and longer only if this node has made its share. Two that say the same
in other bytes never are. Strangers take half of the places at most, and the same with
fewer members, which a consent covers, three; neither pushes anybody out, and what the
operator brings takes the place of theirs.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_crypto.primitives.sodium import draw
from fedsafe_federation.charter.card import fingerprint, open_card
from fedsafe_federation.charter.charter import FEWEST_HOLDERS, charter_digest, majority
from fedsafe_federation.charter.consent import (
    CONSENT_LIFE,
    Consent,
    are_groups,
    asked_groups,
    concealed,
    says_same,
)
from fedsafe_federation.charter.proposal import Proposal, open_proposal
from fedsafe_federation.errors import FoundingError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import FoundingAnswer, FoundingMember
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.ground.networks import leads_inside
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.ceremony_files import FOUNDING, dealt_runs, run_of
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

MOST_WAITING: Final = 8
MOST_OF_STRANGERS: Final = 4
MOST_COVERED: Final = 3
"""So many foundings that only a consent to more members covers are kept."""
MOST_BYTES: Final = 256 * 1024
MOST_TRIES: Final = 5
"""So often wrong groups are typed for one proposal; then it is refused for good."""
_AHEAD: Final = 3600
_DOCUMENT: Final = "foundings"
_SECRET_BYTES: Final = 32
_WAITS: Final = Phrase(
    "this node waits for its operator to confirm the founding: there `fedsafe "
    "federation found review`, then `fedsafe federation found confirm`"
)
_REFUSED: Final = Phrase("the operator of this node has refused the founding")
_SPENT: Final = Phrase(
    "wrong groups were typed {tries} times for this proposal: compare "
    "the whole cards; then the convenor proposes anew"
).filled(tries=MOST_TRIES)
_NOT_OF_THIS_WEEK: Final = Phrase(
    "this proposal is not of this week: have it proposed anew"
)
_OTHER_BYTES: Final = Phrase(
    "the convenor has proposed the same before, written otherwise: that one counts"
)


class Proposed(Row, frozen=True):
    """A proposal: when it came, by whom, and what was said to it.

    With `alone` that was said of no other one: a consent to more members covers it, or
    is left of a consent that was taken back.
    """

    proposal: Signed
    at: int
    local: bool
    tries: int = 0
    confirmed: int | None = None
    refused: bool = False
    alone: bool = False

    @property
    def digest(self) -> str:
        """Name it by the SHA-256 of its exact bytes."""
        return charter_digest(self.proposal.payload).hex()

    @property
    def is_spent(self) -> bool:
        """Whether wrong groups were typed too often."""
        return self.tries >= MOST_TRIES

    @property
    def is_consent(self) -> bool:
        """Whether it was confirmed, and that stands."""
        return self.confirmed is not None and not self.refused

    @property
    def until(self) -> int:
        """Say when it, or what was said to it, ends."""
        return (self.at if self.confirmed is None else self.confirmed) + CONSENT_LIFE

    def covers(self, asked: Signed) -> bool:
        """Whether what was said to it was said to that proposal too."""
        return Consent(self.proposal, alone=self.alone).covers(asked)

    def is_kept(self, now: int, dealt: Collection[str]) -> bool:
        """Whether it is of this week, or what was consented to has been dealt for."""
        return now < self.until or self.is_dealt(dealt)

    def is_dealt(self, dealt: Collection[str]) -> bool:
        """Whether this node has made its share for it, by consent."""
        return self.is_consent and run_of(self.proposal) in dealt

    def state(self, dealt: Collection[str]) -> str:
        """Say how it stands in a word."""
        if self.is_dealt(dealt):
            return "dealt"
        if self.refused:
            return "refused"
        return "waiting" if self.confirmed is None else "confirmed"


class _Kept(Row, frozen=True):
    secret: bytes
    proposals: tuple[Proposed, ...] = ()

    def find(self, digest: str) -> Proposed:
        for each in self.proposals:
            if each.digest == digest:
                return each
        raise NotFoundError(Phrase("no such founding"))

    def alive(self, now: int, dealt: Collection[str]) -> list[Proposed]:
        """Give what is not over; a refusal lasts while a consent would cover it."""
        fresh = [each for each in self.proposals if now < each.until]
        return [
            each
            for each in self.proposals
            if each.is_kept(now, dealt) or (each.refused and _is_covered(each, fresh))
        ]

    def put(self, *entries: Proposed) -> "_Kept":
        new = {each.digest: each for each in entries}
        kept = [new.pop(each.digest, each) for each in self.proposals]
        return replace(self, proposals=(*kept, *new.values()))


@dataclass(frozen=True, slots=True)
class Known:
    """A proposal that is here, and whether a founding can still come of it."""

    proposal: Signed
    is_open: bool


class Consents:
    """Keeps what was proposed, asks for the groups, and says what is consented to."""

    def __init__(
        self,
        office: Office,
        place: Place,
        *,
        card: Callable[[], Awaitable[Signed]],
        offload: Workers,
        inside: Sequence[str],
    ) -> None:
        self._office = office
        self._place = place
        self._card = card
        self._offload = offload
        self._inside = inside

    async def shown(self) -> list[FoundingAnswer]:
        """Tell of all that are here, without the groups that are asked for."""
        kept, answer = await self._office.store.read(_read), await self._answers()
        alive = kept.alive(self._office.now(), answer.dealt)
        return [answer.of(kept, each) for each in alive]

    async def known(self) -> list[Known]:
        """Give those that are here."""
        kept, dealt = await self._office.store.read(_read), await self._dealt()
        now = self._office.now()
        return [
            Known(
                each.proposal,
                not each.refused
                and (each.is_dealt(dealt) or _is_of_this_week(each.proposal, now)),
            )
            for each in kept.alive(now, dealt)
        ]

    async def terms(self, digest: str) -> Proposal:
        """Give the terms of a proposal.

        Raises:
            NotFoundError: no such proposal is here.
        """
        kept = await self._office.store.read(_read)
        return decode(kept.find(digest).proposal.payload, Proposal)

    async def take(self, proposal: Signed, *, local: bool) -> FoundingAnswer:
        """Keep a proposal until somebody has said something to it.

        Raises:
            FoundingError: it lacks this node's own card, its terms cannot be, or it
                says the same as one that is here.
            UntrustedError: a card or the convenor's signature is bad.
            WrongStateError: no more proposals of strangers are kept.
        """
        await self._check(proposal)
        answer = await self._answers()
        kept = await self._office.store.read(_read)
        _same(kept.alive(self._office.now(), answer.dealt), proposal)
        kept = await self._keep(
            Proposed(proposal=proposal, at=self._office.now(), local=local),
            answer.dealt,
        )
        return answer.of(kept, kept.find(_digest(proposal)))

    async def confirm(
        self, digest: str, groups: Mapping[str, Sequence[str]], who: Principal
    ) -> FoundingAnswer:
        """Consent to a proposal, by two groups of each other member's fingerprint.

        Raises:
            NotFoundError: no such proposal waits here.
            WrongStateError: it is too old, or wrong groups were typed too often.
            BadRequestError: the groups are not those of the cards in the proposal.
        """
        own, now = await self._card(), self._office.now()

        async def act(tx: Transaction) -> tuple[_Kept, str]:
            kept = await _read(tx)
            entry = kept.find(digest)
            _check_open(entry, now)
            wrong = next(_wrong(kept, entry, own, groups), "")
            tries = entry.tries + bool(wrong)
            if wrong:
                entry = replace(entry, tries=tries, refused=tries >= MOST_TRIES)
            else:
                entry = replace(entry, confirmed=now, refused=False, alone=False)
            event = Event.FOUNDING_MISMATCH if wrong else Event.FOUNDING_CONFIRMED
            kept = await self._write(tx, kept.put(entry))
            more: Detail = {"member": wrong, "tries": tries} if wrong else {}
            await self._note(tx, event, entry, who.name, more)
            return kept, wrong

        kept, wrong = await self._office.store.write(act)
        entry = kept.find(digest)
        if wrong:
            raise BadRequestError(
                "wrong_groups",
                Phrase(
                    "what was typed for {name} is not in the fingerprint of its "
                    "card in this proposal: the card may have been swapped; tries "
                    "left: {count}"
                ).filled(name=wrong, count=MOST_TRIES - entry.tries),
                pointer="/groups",
            )
        return (await self._answers()).of(kept, entry)

    async def withdraw(self, digest: str, who: Principal) -> FoundingAnswer:
        """Refuse a proposal, or take consent to it back; nobody makes a step meanwhile.

        And so for the same with fewer members. For what this node has made its share,
        it stays; the others are refused.

        Raises:
            NotFoundError: no such proposal is here.
            WrongStateError: this node's share is made, and nothing else is covered.
        """
        answer = await self._answers()

        async def act(tx: Transaction) -> _Kept:
            kept = await _read(tx)
            entry = kept.find(digest)
            changed = list(_taken_back(kept, entry, answer.dealt))
            if not changed and entry.is_dealt(answer.dealt):
                raise WrongStateError(
                    "share_made",
                    Phrase("this node has made its share for that founding"),
                )
            kept = await self._write(tx, kept.put(*changed))
            is_left = kept.find(digest).is_dealt(answer.dealt)
            more: Detail = {"share_made": True} if is_left else {}
            await self._note(tx, Event.FOUNDING_REFUSED, entry, who.name, more)
            return kept

        kept = await self._office.store.write(act)
        return answer.of(kept, kept.find(digest))

    async def consent_to(self, proposal: Signed, *, local: bool) -> Consent:
        """Give the consent that covers a proposal; nobody withdraws it meanwhile.

        One that this node has made its share for lasts: what the others lack is handed
        on. A share alone, without a consent that is kept here, is none.

        Raises:
            FoundingError: it lacks this node's own card, its terms cannot be, or it
                says the same as one that is here.
            UntrustedError: a card or the convenor's signature is bad.
            WrongStateError: nobody has consented, and it waits here; or it is refused,
                or too old.
        """
        await self._check(proposal)
        dealt, now = await self._dealt(), self._office.now()
        kept = await self._office.store.read(_read)
        alive = kept.alive(now, dealt)
        known = _same(alive, proposal)
        if known is not None and known.refused:
            raise _refusal(known)
        if known is not None and known.is_dealt(dealt):
            return Consent(proposal)
        first = _nearest([e for e in alive if e.refused or now < e.until], proposal)
        if first is None:
            if not _is_of_this_week(proposal, now):
                raise WrongStateError("founding_stale", _NOT_OF_THIS_WEEK)
            await self._keep(Proposed(proposal=proposal, at=now, local=local), dealt)
            raise WrongStateError("founding_waits", _WAITS)
        if known is None or known.confirmed is None:
            entry = replace(
                first,
                proposal=proposal,
                at=now,
                local=local,
                tries=0 if known is None else known.tries,
                alone=True,
            )
            await self._keep(entry, dealt, by=first)
        return Consent(first.proposal)

    async def _check(self, proposal: Signed) -> Signed:
        """Check what could be founded at all; give the own card."""
        own = await self._card()
        if len(proposal.payload) > MOST_BYTES:
            raise FoundingError(Phrase("the proposal is too long"))
        await self._offload(lambda: open_proposal(proposal))
        if own not in decode(proposal.payload, Proposal).cards:
            raise FoundingError(
                Phrase("the proposal does not hold this node's own card")
            )
        return own

    async def _dealt(self) -> frozenset[str]:
        return await self._offload(lambda: dealt_runs(self._place, FOUNDING))

    async def _answers(self) -> "_Answers":
        return _Answers(await self._card(), await self._dealt(), self._inside)

    async def _keep(
        self, entry: Proposed, dealt: Collection[str], *, by: Proposed | None = None
    ) -> _Kept:
        """Keep what is new, as far as there is room; *by* covers it."""

        async def act(tx: Transaction) -> _Kept:
            kept = await _read(tx)
            is_known = any(each.digest == entry.digest for each in kept.proposals)
            if is_known and by is None:
                nothing_happened()
                return kept
            if not is_known:
                kept = _with_room(kept, entry, self._office.now(), dealt)
            event = Event.FOUNDING_PROPOSED if by is None else Event.FOUNDING_CONFIRMED
            more: Detail = {} if by is None else {"covered": by.digest}
            await self._note(tx, event, entry, "", more)
            return await self._write(tx, kept.put(entry))

        return await self._office.store.write(act)

    async def _write(self, tx: Transaction, kept: _Kept) -> _Kept:
        await tx.put_document(_DOCUMENT, encode(kept))
        return kept

    async def _note(
        self,
        tx: Transaction,
        event: Event,
        entry: Proposed,
        actor: str,
        more: Detail | None = None,
    ) -> None:
        proposal = decode(entry.proposal.payload, Proposal)
        detail: Detail = {
            "proposal": entry.digest,
            "federation": proposal.federation,
            "by": entry.proposal.signer,
            "members": len(proposal.cards),
            "threshold": proposal.threshold,
            **(more or {}),
        }
        outcome = "failed" if event is Event.FOUNDING_MISMATCH else "ok"
        await self._office.note(tx, event, actor, detail, outcome=outcome)


async def forget_foundings(tx: Transaction) -> None:
    """Forget all: the node belongs to a federation now."""
    await tx.put_document(_DOCUMENT, b"")


def _is_of_this_week(proposal: Signed, now: int) -> bool:
    created = decode(proposal.payload, Proposal).created
    return -_AHEAD < now - created < CONSENT_LIFE


def _check_open(entry: Proposed, now: int) -> None:
    if entry.is_spent:
        raise _refusal(entry)
    if not now < entry.until or not _is_of_this_week(entry.proposal, now):
        raise WrongStateError("founding_stale", _NOT_OF_THIS_WEEK)


def _refusal(entry: Proposed) -> WrongStateError:
    if entry.is_spent:
        return WrongStateError("founding_spent", _SPENT)
    return WrongStateError("founding_refused", _REFUSED)


def _same(entries: Sequence[Proposed], proposal: Signed) -> Proposed | None:
    """Find a proposal among others, and one that is refused in other bytes too.

    Raises:
        FoundingError: one that is not refused says the same in other bytes.
    """
    for each in entries:
        if says_same(each.proposal, proposal):
            if not each.refused and each.proposal.payload != proposal.payload:
                raise FoundingError(_OTHER_BYTES)
            return each
    return None


def _nearest(entries: Sequence[Proposed], asked: Signed) -> Proposed | None:
    """Find the consent that covers what is asked, if no refusal stands nearer to it."""
    is_said = (each for each in entries if each.refused or each.is_consent)
    covering = [each for each in is_said if each.covers(asked)]
    nearest = [
        each
        for each in covering
        if not any(each.covers(o.proposal) for o in covering if o is not each)
    ]
    is_refused = any(each.refused for each in nearest)
    return None if is_refused or not nearest else nearest[0]


def _taken_back(
    kept: _Kept, entry: Proposed, dealt: Collection[str]
) -> Iterator[Proposed]:
    """Give what changes if consent to a proposal is taken back, as far as it can be."""
    for each in kept.proposals:
        if not Consent(entry.proposal).covers(each.proposal):
            continue
        if not each.is_dealt(dealt):
            if not each.refused or each is entry:
                yield replace(each, refused=True, alone=False)
        elif not each.alone and _fewest(each.proposal) is not None:
            yield replace(each, alone=True)


def _fewest(proposal: Signed) -> int | None:
    """Say how few of its members could found on the same terms; None if only all."""
    said = decode(proposal.payload, Proposal)
    fewest = max(FEWEST_HOLDERS, said.threshold + 1)
    return fewest if fewest < len(said.cards) else None


def _with_room(kept: _Kept, entry: Proposed, now: int, dealt: Collection[str]) -> _Kept:
    """Let go of what is over or, for room, was refused; for the operator of more."""
    alive = kept.alive(now, dealt)
    refused = (each for each in alive if each.refused and not each.is_spent)
    fresh = [each for each in alive if now < each.until]
    idle = [each for each in refused if not _is_covered(each, fresh)]
    others = [each for each in alive if each not in idle]
    if entry.local or entry.alone:
        idle += [each for each in others if _is_of_stranger(each)]
    if entry.local:
        idle += [e for e in others if _is_derived(e) and not e.is_dealt(dealt)]
    while _is_full([e for e in alive if e.refused or now < e.until], entry):
        if not idle:
            raise WrongStateError(
                "founding_full",
                Phrase(
                    "too many foundings wait at this node: its operator can "
                    "refuse some (`fedsafe federation found review`, `withdraw`)"
                ),
            )
        alive.remove(idle.pop(0))
    return replace(kept, proposals=tuple(alive))


def _is_covered(entry: Proposed, others: Sequence[Proposed]) -> bool:
    return any(each.is_consent and each.covers(entry.proposal) for each in others)


def _is_of_stranger(entry: Proposed) -> bool:
    return not entry.local and entry.confirmed is None


def _is_derived(entry: Proposed) -> bool:
    return entry.alone and entry.is_consent


def _is_full(alive: Sequence[Proposed], entry: Proposed) -> bool:
    if len(alive) >= MOST_WAITING:
        return True
    if _is_of_stranger(entry):
        return sum(map(_is_of_stranger, alive)) >= MOST_OF_STRANGERS
    return _is_derived(entry) and sum(map(_is_derived, alive)) >= MOST_COVERED


def _wrong(
    kept: _Kept, entry: Proposed, own: Signed, groups: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Name the members whose groups were not typed as they are."""
    cards = decode(entry.proposal.payload, Proposal).cards
    others = [card for card in cards if card != own]
    if groups.keys() != {card.signer for card in others}:
        raise BadRequestError(
            "wrong_groups",
            Phrase("two groups of the fingerprint of each other member are needed"),
            pointer="/groups",
        )
    for card in others:
        asked = asked_groups(kept.secret, card)
        if not are_groups(card, asked, groups[card.signer]):
            yield card.signer


@dataclass(frozen=True, slots=True)
class _Answers:
    """What is told of proposals, and what else it takes to tell it."""

    own: Signed
    dealt: frozenset[str]
    inside: Sequence[str]

    def of(self, kept: _Kept, entry: Proposed) -> FoundingAnswer:
        proposal = decode(entry.proposal.payload, Proposal)
        fewest = None if entry.alone else _fewest(entry.proposal)
        return FoundingAnswer(
            proposal=entry.digest,
            state=entry.state(self.dealt),
            expires=entry.until,
            tries_left=max(0, MOST_TRIES - entry.tries),
            federation=proposal.federation,
            by=entry.proposal.signer,
            threshold=proposal.threshold,
            quorum=majority(len(proposal.cards)),
            fewest=fewest,
            since=proposal.created,
            until=proposal.ends,
            policy=proposal.policy.name,
            policy_sha256=proposal.policy.sha256.hex(),
            arrangement_sha256=proposal.arrangement.sha256.hex(),
            members=[self._member(kept, card) for card in proposal.cards],
        )

    def _member(self, kept: _Kept, signed: Signed) -> FoundingMember:
        card = open_card(signed)
        is_own = signed == self.own
        asked = () if is_own else asked_groups(kept.secret, signed)
        return FoundingMember(
            name=card.name,
            url=card.url,
            jurisdiction=card.jurisdiction,
            fingerprint=fingerprint(signed) if is_own else concealed(signed, asked),
            asked=list(asked),
            inside=not is_own and leads_inside(card.url, self.inside),
        )


def _digest(proposal: Signed) -> str:
    return charter_digest(proposal.payload).hex()


async def _read(reader: Reader) -> _Kept:
    stored = await reader.document(_DOCUMENT)
    return decode(stored, _Kept) if stored else _Kept(secret=draw(_SECRET_BYTES))
