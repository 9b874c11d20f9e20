# SPDX-License-Identifier: Apache-2.0
"""OPRF outputs and tokens: under the node's own key, and under the federation's.

The own key is the same construction with n = t = 1. An output lives in memory for
the length of one act; it is never stored, sent or shown.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Final

from fedsafe_crypto.oprf.tokens import media_token, origin_token
from fedsafe_crypto.oprf.voprf import Blinded, Mode, output_direct
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.seal.secretbox import KEY_BYTES, decrypt, encrypt
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.metering import Budget
from fedsafe_federation.evaluation.quorum import Quorum
from fedsafe_node.keys.lookup_items import Asked, File, Person
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_policies.vocabulary import EvaluationPurpose

OWN_EPOCH: Final = 1
OWN_GENERATION: Final = 1
MARK_BYTES: Final = 16
_MARKS: Final = b"fedsafe-marks"
_LISTINGS: Final = b"fedsafe-listings"
_PICTURES: Final = b"fedsafe-pictures"
_BEGINNING: Final = 10 * 60
"""So many seconds a member takes at most to take up a new epoch."""


@dataclass(frozen=True, slots=True)
class Output:
    """The OPRF output of one identifier under one key; never shown."""

    epoch: int
    y: bytes = field(repr=False)


class OwnList:
    """The list that this provider keeps for itself."""

    def __init__(self, node: str, keys: OwnKeys) -> None:
        self.name = f"own:{node}"
        self._keys = keys

    @property
    def media(self) -> MediaKeys:
        """The media keys of own signals."""
        return self._keys.media

    def output(self, person: Person) -> Output:
        """Evaluate an identifier under the own key."""
        y = output_direct(self._keys.scalar, person.input(self.name), Mode.VOPRF)
        return Output(OWN_EPOCH, y)

    def token(self, output: Output) -> bytes:
        """Derive the own list's token."""
        return origin_token(output.y, output.epoch, self.name)

    def file_token(self, file: File) -> bytes:
        """Derive the own list's token of a file."""
        return media_token(self._keys.media.token, file.kind, file.digest)

    @property
    def file_keys(self) -> list[bytes]:
        """The keys under which tokens of files are derived: for `DigestColumn`."""
        return [self._keys.media.token]

    def seal_picture(self, digest: bytes, place: bytes) -> bytes:
        """Seal a PDQ digest for its place, so that no key opens it but the own ones.

        What is sealed under a month's key alone is not covered by the outside key.
        """
        return encrypt(self._picture_key(), digest, place)

    def open_picture(self, sealed: bytes, place: bytes) -> bytes:
        """Open a PDQ digest that was sealed for its place.

        Raises:
            OpenError: it was sealed under another key or for another place.
        """
        return decrypt(self._picture_key(), sealed, place)

    def _picture_key(self) -> bytes:
        key = self._keys.media.group
        return blake2b(key=key, digest_size=KEY_BYTES, person=_PICTURES).digest()

    def mark(self, subject: str) -> bytes:
        """Mark an account, so that it can be counted once and not be named."""
        return blake2b(
            subject.encode(),
            digest_size=MARK_BYTES,
            key=self._keys.media.group,
            person=_MARKS,
        ).digest()

    def mark_listing(self, origin: str, listed: Asked) -> bytes:
        """Mark what an origin lists, whatever signal and key epoch it does so in."""
        if isinstance(listed, File):
            value = listed.digest
        else:
            value = listed.canonical.value.encode()
        return blake2b(
            lp_text(origin) + lp_text(listed.kind.name) + value,
            digest_size=MARK_BYTES,
            key=self._keys.media.group,
            person=_LISTINGS,
        ).digest()


class SharedLists:
    """The lists of all members, under one membership."""

    def __init__(
        self,
        membership: Membership,
        quorums: Mapping[int, Quorum],
        former: Mapping[int, Quorum] | None = None,
        *,
        now: Callable[[], datetime],
    ) -> None:
        """Evaluate by *quorums*, and while others lag behind by the *former* ones."""
        self.membership = membership
        self._now = now
        self._quorums = quorums
        self._former = former or {}

    async def settle(self) -> None:
        """Wait until every report of a wrong answer is kept."""
        for quorum in [*self._quorums.values(), *self._former.values()]:
            await quorum.settle()

    def many(self, now: datetime, otherwise: Budget) -> Budget:
        """Say which budget much at once is counted against: a backfill, if granted."""
        membership = self.membership
        me, second = membership.me.name, int(now.timestamp())
        found = membership.charter.backfill(me, second)
        if found is None:
            return otherwise
        return Budget(EvaluationPurpose.BACKFILL, found.digest)

    async def outputs(
        self, persons: Sequence[Person], budget: Budget, *, within: float
    ) -> list[tuple[Output, ...]]:
        """Evaluate identifiers under every live epoch, each charged once.

        One that too few members know yet to publish under it gives no output.

        Raises:
            QuorumError: fewer than t members answered in time.
        """
        federation, live = self.membership.charter.federation, self.live()
        inputs = [person.input(federation) for person in persons]
        quorums = {each: self._quorums[each] for each in sorted(live)}
        if not quorums:  # all epochs are over: nobody's signals match any more
            return [()] * len(persons)
        columns = await self._evaluate(quorums, inputs, budget, within)
        return list(zip(*columns, strict=True))

    def live(self) -> set[int]:
        """Name the epochs whose signals may match now."""
        return self.membership.live(int(self._now().timestamp()))

    async def newest(
        self, persons: Sequence[Person], budget: Budget, *, within: float
    ) -> list[Output]:
        """Evaluate identifiers under the epoch in which signals are published.

        Raises:
            QuorumError: fewer than t members answered in time.
        """
        federation = self.membership.charter.federation
        epoch = self.membership.epoch.epoch
        inputs = [person.input(federation) for person in persons]
        newest = {epoch: self._quorums[epoch]}
        (outputs,) = await self._evaluate(newest, inputs, budget, within)
        return outputs

    async def _evaluate(
        self,
        quorums: Mapping[int, Quorum],
        inputs: Sequence[bytes],
        budget: Budget,
        within: float,
    ) -> list[list[Output]]:
        end = asyncio.get_running_loop().time() + within
        first = next(iter(quorums.values()))
        blinds, done = await first.blind(inputs), False
        columns: list[list[Output]] = []
        try:
            for epoch, quorum in quorums.items():
                asked = [quorum, *self._former_of(epoch)]
                try:
                    found = await _first_of(asked, inputs, budget, end, blinds)
                except QuorumError as error:
                    if columns and error.unused and self._begins(epoch):
                        break  # nothing is listed under it
                    raise
                columns.append([Output(epoch, y) for y in found])
            done = True
        finally:
            first.tried(inputs, blinds, done=done)
        return columns

    def _begins(self, epoch: int) -> bool:
        """Whether an epoch is so new that members may not have taken it up.

        It has an end, lest many who lie hide what is listed under it for long.
        """
        found = self.membership.epoch
        since = max(found.starts, self.membership.charter.created)
        later = int(self._now().timestamp()) - since
        return found.epoch == epoch and later < _BEGINNING

    def _former_of(self, epoch: int) -> list[Quorum]:
        former = self._former.get(epoch)
        return [] if former is None else [former]

    def tokens(self, output: Output) -> Mapping[str, bytes]:
        """Derive one token for each origin whose signals may match."""
        return {
            member.name: origin_token(output.y, output.epoch, member.name)
            for member in self.membership.charter.active()
        }

    def file_tokens(self, file: File) -> list[bytes]:
        """Derive a file's token under every live epoch."""
        return [media_token(key, file.kind, file.digest) for key in self.file_keys]

    @property
    def file_keys(self) -> list[bytes]:
        """The keys of every live epoch, under which tokens of files are derived."""
        live, media = self.live(), self.membership.media
        return sorted(
            {each.token for (epoch, _), each in media.items() if epoch in live}
        )


async def _first_of(
    quorums: Sequence[Quorum],
    inputs: Sequence[bytes],
    budget: Budget,
    end: float,
    blinds: Sequence[Blinded],
) -> Sequence[bytes]:
    """Evaluate by the first generation of which enough members answer in time.

    All share one key, so any gives the same output. Members that do not know a new
    generation yet refuse it at once, and the silent are not waited for then, which
    leaves the time for the one before.
    """
    loop = asyncio.get_running_loop()
    *newer, oldest = quorums
    for quorum in newer:
        try:
            return await quorum.evaluate(
                inputs, budget, within=end - loop.time(), blinds=blinds, last=False
            )
        except QuorumError:
            if loop.time() >= end:
                raise
    return await oldest.evaluate(
        inputs, budget, within=end - loop.time(), blinds=blinds
    )
