# SPDX-License-Identifier: Apache-2.0
"""The foundings proposed to this node, and what its operator says to each.

A proposal waits until the operator confirms it, by two groups of each other member's
fingerprint (`federation.consent`), or refuses it. Without that the node says nothing
in a founding, whoever asks. What waits is one document of the store: a few proposals,
each for a week. Strangers take half of the places at most and push nobody out; what
the operator brings takes the place of theirs.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from fedsafe_crypto.randomness import draw
from fedsafe_federation.card import fingerprint, open_card
from fedsafe_federation.charter import charter_digest
from fedsafe_federation.consent import (
    CONSENT_LIFE,
    Consent,
    are_groups,
    asked_groups,
    concealed,
)
from fedsafe_federation.errors import FoundingError
from fedsafe_federation.proposal import Proposal, open_proposal
from fedsafe_federation.signed import Signed
from fedsafe_federation.wireformat import decode, encode
from fedsafe_node.ceremony_files import FOUNDING, has_dealt
from fedsafe_node.config import Place
from fedsafe_node.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.messages import FoundingAnswer, FoundingMember
from fedsafe_node.people.office import Office
from fedsafe_node.principal import Principal
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_node.store.rows import Row
from fedsafe_node.tracing import nothing_happened
from fedsafe_node.workers import Workers

MOST_WAITING: Final = 8
MOST_OF_STRANGERS: Final = 4
MOST_BYTES: Final = 256 * 1024
MOST_TRIES: Final = 5
"""So often wrong groups are typed for one proposal; then it is refused for good."""
_AHEAD: Final = 3600
_DOCUMENT: Final = "foundings"
_SECRET_BYTES: Final = 32
_WAITS: Final = (
    "this node waits for its operator to confirm the founding: there `fedsafe "
    "federation found review`, then `fedsafe federation found confirm`"
)
_REFUSED: Final = "the operator of this node has refused the founding"


class Proposed(Row, frozen=True):
    """A proposal: when it came, by whom, and what was said to it."""

    proposal: Signed
    at: int
    local: bool
    tries: int = 0
    confirmed: int | None = None
    refused: bool = False

    @property
    def digest(self) -> str:
        """Name it by the SHA-256 of its exact bytes."""
        return charter_digest(self.proposal.payload).hex()

    @property
    def state(self) -> str:
        """Say how it stands in a word."""
        if self.refused:
            return "refused"
        return "waiting" if self.confirmed is None else "confirmed"

    @property
    def until(self) -> int:
        """Say when it, or what was said to it, ends."""
        return (self.at if self.confirmed is None else self.confirmed) + CONSENT_LIFE

    def consents_to(self, asked: Signed) -> bool:
        """Whether it was confirmed, and that covers what is asked."""
        is_open = self.confirmed is not None and not self.refused
        return is_open and Consent(self.proposal).covers(asked)


class _Kept(Row, frozen=True):
    secret: bytes
    proposals: tuple[Proposed, ...] = ()

    def find(self, digest: str) -> Proposed:
        for each in self.proposals:
            if each.digest == digest:
                return each
        raise NotFoundError("founding")

    def alive(self, now: int) -> list[Proposed]:
        """Give what is not over; a refusal lasts while a consent would cover it."""
        fresh = [each for each in self.proposals if now < each.until]
        return [
            each
            for each in self.proposals
            if each in fresh or (each.refused and _is_covered(each, fresh))
        ]

    def put(self, *entries: Proposed) -> "_Kept":
        new = {each.digest: each for each in entries}
        kept = [new.pop(each.digest, each) for each in self.proposals]
        return replace(self, proposals=(*kept, *new.values()))


class Consents:
    """Keeps what was proposed, asks for the groups, and says what is consented to."""

    def __init__(
        self,
        office: Office,
        place: Place,
        *,
        card: Callable[[], Awaitable[Signed]],
        offload: Workers,
    ) -> None:
        self._office = office
        self._place = place
        self._card = card
        self._offload = offload

    async def shown(self) -> list[FoundingAnswer]:
        """Tell of all that are here, without the groups that are asked for."""
        kept, own = await self._office.store.read(_read), await self._card()
        return [_answer(kept, each, own) for each in kept.alive(self._office.now())]

    async def proposals(self) -> list[Signed]:
        """Give those that are here and not refused."""
        kept = await self._office.store.read(_read)
        alive = kept.alive(self._office.now())
        return [each.proposal for each in alive if not each.refused]

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
            FoundingError: it lacks this node's own card, or its terms cannot be.
            UntrustedError: a card or the convenor's signature is bad.
            WrongStateError: no more proposals of strangers are kept.
        """
        own = await self._check(proposal)
        kept = await self._keep(
            Proposed(proposal=proposal, at=self._office.now(), local=local)
        )
        return _answer(kept, kept.find(_digest(proposal)), own)

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
            self._check_open(entry, now)
            wrong = next(_wrong(kept, entry, own, groups), "")
            tries = entry.tries + bool(wrong)
            if wrong:
                entry = replace(entry, tries=tries, refused=tries >= MOST_TRIES)
            else:
                entry = replace(entry, confirmed=now, refused=False)
            event = Event.FOUNDING_MISMATCH if wrong else Event.FOUNDING_CONFIRMED
            kept = await self._write(tx, kept.put(entry))
            more: Detail = {"member": wrong, "tries": tries} if wrong else {}
            await self._note(tx, event, entry, who.name, more)
            return kept, wrong

        kept, wrong = await self._office.store.write(act)
        if wrong:
            raise BadRequestError(
                "wrong_groups",
                f"what was typed for {wrong} is not in the fingerprint of its card "
                "in this proposal: the card may have been swapped",
                pointer="/groups",
            )
        return _answer(kept, kept.find(digest), own)

    async def withdraw(self, digest: str, who: Principal) -> FoundingAnswer:
        """Refuse a proposal, or take consent to it back; nobody makes a step meanwhile.

        Raises:
            NotFoundError: no such proposal is here.
            WrongStateError: this node's share is made.
        """
        own, kept = await self._card(), await self._office.store.read(_read)
        first = kept.find(digest).proposal
        covered = [e for e in kept.proposals if Consent(first).covers(e.proposal)]
        for each in covered:
            if await self._has_dealt(each.proposal):
                raise WrongStateError(
                    "share_made", "this node has made its share for that founding"
                )

        async def act(tx: Transaction) -> _Kept:
            kept = await _read(tx)
            found = [kept.find(each.digest) for each in covered]
            kept = await self._write(
                tx, kept.put(*(replace(each, refused=True) for each in found))
            )
            entry = kept.find(digest)
            await self._note(tx, Event.FOUNDING_REFUSED, entry, who.name)
            return kept

        kept = await self._office.store.write(act)
        return _answer(kept, kept.find(digest), own)

    async def consent_to(self, proposal: Signed, *, local: bool) -> Consent:
        """Give the consent that covers a proposal; nobody withdraws it meanwhile.

        A share that is made needs none any more: what the others lack is handed on.

        Raises:
            FoundingError: it lacks this node's own card, or its terms cannot be.
            UntrustedError: a card or the convenor's signature is bad.
            WrongStateError: nobody has consented, and it waits here; or it is refused.
        """
        await self._check(proposal)
        if await self._has_dealt(proposal):
            return Consent(proposal)
        kept, now = await self._office.store.read(_read), self._office.now()
        alive = kept.alive(now)
        known = [each for each in alive if each.proposal.payload == proposal.payload]
        if any(each.refused for each in known):
            raise WrongStateError("founding_refused", _REFUSED)
        found = [each for each in alive if each.consents_to(proposal)]
        if not found:
            await self._keep(Proposed(proposal=proposal, at=now, local=local))
            raise WrongStateError("founding_waits", _WAITS)
        first = found[0]
        if not any(each.confirmed for each in known):
            entry = replace(first, proposal=proposal, at=now, local=local, tries=0)
            await self._keep(entry, by=first)
        return Consent(first.proposal)

    def _check_open(self, entry: Proposed, now: int) -> None:
        created = decode(entry.proposal.payload, Proposal).created
        if entry.tries >= MOST_TRIES:
            raise WrongStateError(
                "founding_refused",
                f"wrong groups were typed {MOST_TRIES} times for this proposal: "
                "compare the cards; the convenor withdraws it and proposes anew",
            )
        if not now < entry.until or not -_AHEAD < now - created < CONSENT_LIFE:
            raise WrongStateError(
                "wrong_state",
                "this proposal is not of this week: have it proposed anew",
            )

    async def _check(self, proposal: Signed) -> Signed:
        """Check what could be founded at all; give the own card."""
        own = await self._card()
        if len(proposal.payload) > MOST_BYTES:
            raise FoundingError("the proposal is too long")
        await self._offload(lambda: open_proposal(proposal))
        if own not in decode(proposal.payload, Proposal).cards:
            raise FoundingError("the proposal does not hold this node's own card")
        return own

    async def _has_dealt(self, proposal: Signed) -> bool:
        return await self._offload(lambda: has_dealt(self._place, proposal, FOUNDING))

    async def _keep(self, entry: Proposed, *, by: Proposed | None = None) -> _Kept:
        """Keep what is new, as far as there is room; *by* covers it."""

        async def act(tx: Transaction) -> _Kept:
            kept = await _read(tx)
            is_known = any(each.digest == entry.digest for each in kept.proposals)
            if is_known and by is None:
                nothing_happened()
                return kept
            if not is_known:
                kept = _with_room(kept, entry, self._office.now())
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


def _with_room(kept: _Kept, entry: Proposed, now: int) -> _Kept:
    """Let go of what is over or, for room, was refused; for the operator of more."""
    alive = kept.alive(now)
    refused = (each for each in alive if each.refused and each.tries < MOST_TRIES)
    idle = [each for each in refused if not _is_covered(each, alive)]
    if entry.local:
        idle += [each for each in alive if _is_of_stranger(each) and each not in idle]
    while _is_full(alive, entry):
        if not idle:
            raise WrongStateError(
                "founding_full",
                "too many foundings wait at this node: its operator can refuse some "
                "(`fedsafe federation found review`, `withdraw`)",
            )
        alive.remove(idle.pop(0))
    return replace(kept, proposals=tuple(alive))


def _is_covered(entry: Proposed, others: Sequence[Proposed]) -> bool:
    return any(each.consents_to(entry.proposal) for each in others)


def _is_of_stranger(entry: Proposed) -> bool:
    return not entry.local and entry.confirmed is None


def _is_full(alive: Sequence[Proposed], entry: Proposed) -> bool:
    strangers = sum(map(_is_of_stranger, alive))
    is_of_stranger = _is_of_stranger(entry)
    return len(alive) >= MOST_WAITING or (
        is_of_stranger and strangers >= MOST_OF_STRANGERS
    )


def _wrong(
    kept: _Kept, entry: Proposed, own: Signed, groups: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Name the members whose groups were not typed as they are."""
    cards = decode(entry.proposal.payload, Proposal).cards
    others = [card for card in cards if card != own]
    if groups.keys() != {card.signer for card in others}:
        raise BadRequestError(
            "wrong_groups",
            "two groups of the fingerprint of each other member are needed",
            pointer="/groups",
        )
    for card in others:
        asked = asked_groups(kept.secret, card)
        if not are_groups(card, asked, groups[card.signer]):
            yield card.signer


def _answer(kept: _Kept, entry: Proposed, own: Signed) -> FoundingAnswer:
    proposal = decode(entry.proposal.payload, Proposal)
    return FoundingAnswer(
        proposal=entry.digest,
        state=entry.state,
        expires=entry.until,
        tries_left=max(0, MOST_TRIES - entry.tries),
        federation=proposal.federation,
        by=entry.proposal.signer,
        threshold=proposal.threshold,
        since=proposal.created,
        until=proposal.ends,
        policy=proposal.policy.name,
        policy_sha256=proposal.policy.sha256.hex(),
        arrangement_sha256=proposal.arrangement.sha256.hex(),
        members=[_member(kept, card, own) for card in proposal.cards],
    )


def _member(kept: _Kept, signed: Signed, own: Signed) -> FoundingMember:
    card = open_card(signed)
    is_own = signed == own
    asked = () if is_own else asked_groups(kept.secret, signed)
    return FoundingMember(
        name=card.name,
        url=card.url,
        jurisdiction=card.jurisdiction,
        fingerprint=fingerprint(signed) if is_own else concealed(signed, asked),
        asked=list(asked),
    )


def _digest(proposal: Signed) -> str:
    return charter_digest(proposal.payload).hex()


async def _read(reader: Reader) -> _Kept:
    stored = await reader.document(_DOCUMENT)
    return decode(stored, _Kept) if stored else _Kept(secret=draw(_SECRET_BYTES))
