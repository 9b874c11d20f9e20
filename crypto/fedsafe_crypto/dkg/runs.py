# SPDX-License-Identifier: Apache-2.0
"""What all agree on before a key is generated, or its shares are dealt anew.

A run without a source makes a new key: everybody in the roster deals and receives.
A run with one reshares the key of an older generation: holders of that generation
deal, whoever is in the roster receives; refresh, join, leave and a new threshold are
all this. Who deals is part of the run, so all combine the same deals. Whether
somebody vanished is a question of time that no transcript answers: when one does,
or is convicted, the federation decides and repeats the run without it.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Final, Self

from fedsafe_crypto.errors import DkgError
from fedsafe_crypto.oprf.keys import Generation, Pins
from fedsafe_crypto.oprf.shares import check_index, check_sizes
from fedsafe_crypto.primitives.framing import lp, lp_text

DIGEST_BYTES: Final = 32
MAX_ATTEMPT_BYTES: Final = 64

Roster = tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The generation whose key a run shares anew.

    Attributes:
        pins: Its pins, encoded.
        dealers: Share index and identity of the holders who deal, in index order.
        token_commitment: To the media token key of its epoch.
    """

    pins: bytes
    dealers: Roster
    token_commitment: bytes

    def read_pins(self) -> Pins:
        """Read the pins.

        Raises:
            CryptoError: They are none.
        """
        return _pins(self.pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all participants agree on before they start.

    Attributes:
        generation: The one that the run makes.
        threshold: Its t.
        roster: Share index and identity (public key) of each who receives a share,
            in index order. An index is never given to another member.
        attempt: Tells apart runs that agree in all else.
        source: What is shared anew; none for a new key.

    Raises:
        SharesError: Threshold, indices or their order are out of bounds, or the
            source's pins do not fit together.
        DkgError: The parts contradict each other, or one is too long.
    """

    federation_id: str
    generation: Generation
    threshold: int
    roster: Roster
    attempt: bytes = b""
    source: Source | None = None

    def __post_init__(self) -> None:
        """Check every part."""
        check_sizes(self.threshold, len(self.roster))
        _check_roster(self.roster)
        if len(self.attempt) > MAX_ATTEMPT_BYTES:
            raise DkgError("attempt is longer than 64 bytes")
        if self.source is not None:
            _check_source(self, self.source)
        self.digest()

    @property
    def indices(self) -> tuple[int, ...]:
        """The share indices of those who receive, ascending."""
        return tuple(index for index, _ in self.roster)

    @property
    def dealers(self) -> tuple[int, ...]:
        """The share indices of those who deal, ascending."""
        source = self.source
        return self.indices if source is None else _indices(source.dealers)

    @property
    def newcomers(self) -> tuple[int, ...]:
        """Who receives and does not deal, and so is handed the media token key."""
        return tuple(index for index in self.indices if index not in self.dealers)

    @property
    def participants(self) -> tuple[int, ...]:
        """Everybody who deals or receives, ascending."""
        return tuple(sorted({*self.indices, *self.dealers}))

    def dealers_to(self, index: int) -> tuple[int, ...]:
        """Name those who deal to an index, itself left out; none if it gets nothing."""
        return _others(self.dealers, index) if index in self.indices else ()

    def recipients_of(self, index: int) -> tuple[int, ...]:
        """Name those whom an index deals to, itself left out; none if it deals not."""
        return _others(self.indices, index) if index in self.dealers else ()

    def check_participant(self, index: int) -> None:
        """Refuse an index that takes no part.

        Raises:
            DkgError: It neither deals nor receives.
        """
        if index not in self.participants:
            raise DkgError(f"index {index} is not in the roster")

    def digest(self) -> bytes:
        """Hash everything that the run is bound to."""
        parts = (
            b"fedsafe/v1/dkg run\n",
            lp_text(self.federation_id),
            self.generation.to_bytes(),
            bytes((self.threshold, len(self.roster))),
            lp(self.attempt),
            _framed(self.roster),
            b"" if self.source is None else _source_bytes(self.source),
        )
        return sha256(b"".join(parts)).digest()

    def without(self, gone: Collection[int], *, attempt: bytes) -> Self:
        """Make the run that follows a failed one: without those, nothing else new.

        Raises:
            SharesError: Too few are left for the old or the new threshold.
            DkgError: The attempt is not another one.
        """
        if attempt == self.attempt:
            raise DkgError("a repeated run needs another attempt")
        source = self.source
        if source is not None:
            source = replace(source, dealers=_left(source.dealers, gone))
        return replace(
            self, roster=_left(self.roster, gone), attempt=attempt, source=source
        )


@lru_cache(maxsize=16)
def _pins(data: bytes) -> Pins:
    return Pins.from_bytes(data)


def _indices(roster: Roster) -> tuple[int, ...]:
    return tuple(index for index, _ in roster)


def _others(indices: tuple[int, ...], index: int) -> tuple[int, ...]:
    return tuple(other for other in indices if other != index)


def _left(roster: Roster, gone: Collection[int]) -> Roster:
    return tuple(member for member in roster if member[0] not in gone)


def _framed(roster: Roster) -> bytes:
    return b"".join(bytes((index,)) + lp(identity) for index, identity in roster)


def _source_bytes(source: Source) -> bytes:
    dealers = bytes((len(source.dealers),)) + _framed(source.dealers)
    return lp(source.pins) + source.token_commitment + dealers


def _check_roster(roster: Roster) -> None:
    indices = [check_index(index) for index in _indices(roster)]
    if indices != sorted(set(indices)):
        raise DkgError("roster out of order")
    if len({identity for _, identity in roster}) != len(roster):
        raise DkgError("one identity twice in the roster")


def _check_source(run: Run, source: Source) -> None:
    _check_roster(source.dealers)
    pins = source.read_pins()
    pins.check_subset(_indices(source.dealers))
    old, new = pins.generation, run.generation
    if old.epoch != new.epoch or old.number >= new.number:
        raise DkgError(f"generation {new} does not follow {old} in one epoch")
    if len(source.token_commitment) != DIGEST_BYTES:
        raise DkgError("commitment to the media token key is not of 32 bytes")
    members = {*run.roster, *source.dealers}
    if len(members) != len({index for index, _ in members}):
        raise DkgError("one share index for two identities")
    if len(members) != len({identity for _, identity in members}):
        raise DkgError("one identity with two share indices")
    # Whoever knows all contributions to the media group key must not have left.
    if not set(run.indices) & set(run.dealers):
        raise DkgError("none of the dealers stays")
