# SPDX-License-Identifier: Apache-2.0
"""Asks the other members what they hold of the own feed, before anything is appended.

Each copy is walked from its begin and verified by itself: its checkpoint has the own
signature, its records lead there, and what opens them fits. What a member has cosigned
says how much it has seen. A member that does not answer may have seen more than all
others, so a person has to name it before it is left out.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.tree import Frontier
from fedsafe_federation.charter.charter import Charter, Member, SignedCharter
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.errors import (
    FederationError,
    FeedError,
    PeerError,
    PeerRefusedError,
)
from fedsafe_federation.exchange.peer import WITNESS_PATH, PeerClient
from fedsafe_federation.feed.batch import BatchReader, FeedRequest
from fedsafe_federation.feed.verification import (
    Known,
    VerifiedBatch,
    feed_name,
    open_checkpoint,
    verify_batch,
    verify_restrictions,
)
from fedsafe_federation.feed.witnessing import MOST_LIVES, anchor_name
from fedsafe_node.operations.backup.errors import (
    BackupRefusedError,
    MembersAwayError,
    PastLostError,
)
from fedsafe_policies.ground.catalogue import Phrase

_LIVES_AHEAD: Final = 16
_NOT_FOUND: Final = 404
_UNKNOWN: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Said:
    """What one member says of this node's logs.

    `copy` is the size of its copy of the feed, `seen` the feed's checkpoints that it
    has, with the own signature, and `life` the newest anchor that it has cosigned.
    """

    member: Member
    copy: int
    seen: Sequence[Checkpoint]
    life: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What all members say together; `away` are those that a person has left out."""

    said: Sequence[Said]
    away: Sequence[str] = ()

    @property
    def longest(self) -> Said | None:
        """The member with the longest copy."""
        return max(self.said, key=lambda each: each.copy, default=None)

    @property
    def seen(self) -> int:
        """The largest size of the feed that anybody has seen."""
        sizes = [each.size for said in self.said for each in said.seen]
        return max(sizes, default=0)

    @property
    def life(self) -> int:
        """The newest anchor that anybody has cosigned."""
        return max((each.life for each in self.said), default=0)


@dataclass(slots=True)
class Members:
    """The other members, as a node asks them that has been put back."""

    me: Member
    charter: Charter
    client: PeerClient
    others: Sequence[Member] = field(default_factory=list)

    async def hear(self, life: int, absent: Collection[str]) -> Heard:
        """Ask all others at once; *life* is the anchor that the backup knows.

        Raises:
            MembersAwayError: one does not answer, and is not among the *absent*.
            BackupRefusedError: one that is named is no other member, or one does not
                know this node by its keys.
        """
        strangers = sorted(set(absent) - {each.name for each in self.others})
        if strangers:
            raise BackupRefusedError(
                Phrase("{name} is no other member that takes part").filled(
                    name=strangers[0]
                ),
                Phrase("members: {names}").filled(
                    names=", ".join(each.name for each in self.others)
                ),
            )
        asked = [each for each in self.others if each.name not in absent]
        answers = await asyncio.gather(
            *(self._ask(each, life) for each in asked), return_exceptions=True
        )
        said: list[Said] = []
        away: list[str] = []
        strange: list[str] = []
        for member, answer in zip(asked, answers, strict=True):
            if isinstance(answer, Said):
                said.append(answer)
            elif isinstance(answer, PeerRefusedError) and answer.status in _UNKNOWN:
                strange.append(member.name)
            elif isinstance(answer, FederationError):
                away.append(member.name)
            else:
                raise answer
        if strange:
            raise BackupRefusedError(
                Phrase("{names} knows this node by other keys than these").filled(
                    names=", ".join(strange)
                ),
                Phrase(
                    "it has newer ones: bring back the newest file of keys, "
                    "and look at the clock"
                ),
            )
        if away:
            raise MembersAwayError(away)
        return Heard(said, sorted(absent))

    async def _ask(self, member: Member, life: int) -> Said:
        seen = await self._seen(member)
        copy = 0
        try:
            batch = await self._fetch(member, Known(Frontier()), 0, limit=1)
        except PeerRefusedError as error:
            if error.status != _NOT_FOUND:
                raise
        else:
            checkpoint = batch.known.checkpoint
            if checkpoint is not None:
                copy = checkpoint.size
                seen = [*seen, checkpoint]
        return Said(member, copy, seen, await self._life(member, life))

    async def _seen(self, member: Member) -> list[Checkpoint]:
        prefix, feed = member.url + WITNESS_PATH, feed_name(self.me.name)
        note = await self.client.witnessed(member.name, prefix, feed)
        if note is None:
            return []
        try:
            text = note.decode(errors="replace")
            return [open_checkpoint(self.me, text, trust=Trust.SOUND)]
        except FeedError:  # not signed by this node, so nobody has to believe it
            raise PeerError(member.name, "what it has seen is not ours") from None

    async def _life(self, member: Member, known: int) -> int:
        newest, prefix = known, member.url + WITNESS_PATH
        for life in range(known + 1, min(known + _LIVES_AHEAD, MOST_LIVES) + 1):
            name = anchor_name(self.me.name, life)
            if await self.client.witnessed(member.name, prefix, name) is not None:
                newest = life
        return newest

    async def walk(
        self, member: Member, known: Known, restrictions: int
    ) -> AsyncIterator[VerifiedBatch]:
        """Give a member's copy from a position on, and the own restrictions with it.

        Raises:
            PeerError: it gives no usable answer.
            FederationError: what it gives does not verify.
        """
        while True:
            batch = await self._fetch(member, known, restrictions)
            last = max(
                (
                    item.restriction.sequence
                    for item in batch.restrictions
                    if item.restriction.author == self.me.name
                ),
                default=restrictions,
            )
            yield batch
            size = batch.known.checkpoint.size if batch.known.checkpoint else 0
            is_through = batch.known.frontier.size >= size
            if is_through and last <= restrictions:
                return
            known, restrictions = batch.known, max(last, restrictions)

    async def _fetch(
        self,
        member: Member,
        known: Known,
        restrictions: int,
        limit: int | None = None,
    ) -> VerifiedBatch:
        size = known.checkpoint.size if known.checkpoint else 0
        request = FeedRequest(self.me.name, known.frontier.size, size, restrictions)
        if limit is not None:
            request = FeedRequest(*_parts(request), limit=limit)
        reader = BatchReader(self.me.name, most=request.limit)

        async def take(piece: bytes) -> None:
            await asyncio.to_thread(reader.take, piece)

        await self.client.fetch(member, request, take)

        def read() -> VerifiedBatch:
            batch = reader.close()
            good, _ = verify_restrictions(batch.restrictions, self.charter)
            # It may be of before this node had its present keys.
            verified = verify_batch(
                batch, self.me, known, self.charter, trust=Trust.SOUND
            )
            both = [*good, *verified.restrictions]
            newest, rulings = verified.known, verified.rulings
            return VerifiedBatch(verified.records, both, newest, rulings)

        return await asyncio.to_thread(read)


def _parts(request: FeedRequest) -> tuple[str, int, int, int]:
    return request.origin, request.since, request.known, request.restrictions


def check_reach(heard: Heard, here: int, kept: int, *, give_up: bool) -> None:
    """Check that nothing of the feed that somebody has seen would be contradicted.

    *here* is how much the backup holds, *kept* how much the guard says has left.

    Raises:
        PastLostError: somebody has seen more than anybody holds; or the guard knows of
            more, and nobody says to *give_up* what nobody has seen.
    """
    longest = heard.longest
    reach = max(here, longest.copy if longest is not None else 0)
    for said in heard.said:
        for seen in said.seen:
            if seen.size > reach:
                raise PastLostError(said.member.name, seen.size, reach)
    if kept > reach and not give_up:
        raise PastLostError(None, kept, reach)


async def newer_versions(
    client: PeerClient, members: Sequence[Member], after: int
) -> list[SignedCharter]:
    """Ask for the versions of the charter that the backup lacks; the most anybody has.

    They are not verified.
    """
    answers = await asyncio.gather(
        *(client.versions(each.name, each.url, after) for each in members),
        return_exceptions=True,
    )
    found = [each for each in answers if isinstance(each, list)]
    return max(found, key=len, default=[])
