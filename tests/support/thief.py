# SPDX-License-Identifier: Apache-2.0
"""A thief with a dictionary: tries every number against all that was stolen.

For every candidate it derives what a node would have derived, under every key that
it holds or can make out of what it holds, and looks for it in the loot:

* tokens and envelopes under each share alone, each share with the coefficients of
  every quorum that it belongs to (as if the others were zero), sums and products
  with the node's own scalar, every symmetric key taken as a scalar, and 1;
* tokens under the own key, which do fall: an own ban hangs on that key alone;
* with t shares: the whole key, which recovers all;
* plain and keyed hashes of the number in several spellings, whole or cut to 16
  bytes, anywhere in any file, raw, in hexadecimal or base64;
* the number itself, in several spellings and encodings.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from blake3 import blake3
from tests.support.loot import Envelope, Loot
from tests.support.search import Haystack

from fedsafe_crypto.errors import CryptoError, OpenError
from fedsafe_crypto.oprf.shares import lagrange_at_zero, recover
from fedsafe_crypto.oprf.tokens import frame_input, origin_token
from fedsafe_crypto.oprf.voprf import Mode, output_direct, output_of
from fedsafe_crypto.primitives.ristretto import (
    hash_to_group,
    multiply,
    scalar_add,
    scalar_from_int,
    scalar_invert,
    scalar_multiply,
)
from fedsafe_crypto.seal.envelope import open_envelope
from fedsafe_node.keys.evaluators import OWN_EPOCH
from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISER: Final = "phone/1"
EPOCH: Final = 1
PART: Final = 2_000
_DST: Final = b"HashToGroup-" + Mode.VOPRF.context


@dataclass(slots=True)
class Takings:
    """What was recovered, by the way in which it was."""

    by_way: dict[str, set[str]] = field(default_factory=dict)

    def add(self, way: str, number: str) -> None:
        self.by_way.setdefault(way, set()).add(number)

    @property
    def numbers(self) -> set[str]:
        return set().union(*self.by_way.values())

    def shared(self) -> set[str]:
        """What was recovered in any way but with a node's own key."""
        ways = [
            found for way, found in self.by_way.items() if not way.startswith("own")
        ]
        return set().union(*ways)

    def own(self) -> set[str]:
        """What was recovered with a node's own key."""
        ways = [found for way, found in self.by_way.items() if way.startswith("own")]
        return set().union(*ways)


def attack(
    loot: Loot,
    numbers: Sequence[str],
    *,
    truth: Mapping[str, Sequence[Envelope]] | None = None,
    thorough: bool = True,
) -> Takings:
    """Try every number in every way; without *thorough*, under the likely keys.

    *truth* tells the thief which envelopes hold which number: even then none opens.
    """
    takings = Takings()
    haystack = Haystack(loot.everything())
    parts = [numbers[start : start + PART] for start in range(0, len(numbers), PART)]
    guesses = _guesses(loot, thorough=thorough)
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(
            lambda part: [
                *_by_tokens(loot, part, guesses, truth or {}),
                *_by_bytes(loot, part, haystack),
            ],
            parts,
        ):
            for way, number in found:
                takings.add(way, number)
    return takings


def likely_guesses(loot: Loot) -> dict[str, bytes]:
    """Give the scalars that might be the federation's key, were it built badly."""
    guesses: dict[str, bytes] = {}
    for quorum in combinations(sorted(loot.shares), loot.threshold):
        shares = {index: loot.shares[index] for index in quorum}
        guesses[f"shares {quorum}"] = recover(shares)
    guesses["no key"] = scalar_from_int(1)
    for index, share in loot.shares.items():
        guesses[f"share {index}"] = share
        for quorum in combinations(loot.members, loot.threshold):
            if index in quorum:
                coefficient = lagrange_at_zero(quorum)[index]
                weighed = scalar_multiply(coefficient, share)
                guesses[f"share {index} in {quorum}, others zero"] = weighed
    for name, own in loot.own_scalars.items():
        guesses[f"the key of own bans of {name}"] = own
    return guesses


def odd_guesses(loot: Loot) -> dict[str, bytes]:
    """Give scalars that only a confused program would take for the key."""
    guesses: dict[str, bytes] = {}
    for index, share in loot.shares.items():
        guesses[f"share {index} inverted"] = scalar_invert(share)
        for name, own in loot.own_scalars.items():
            product, total = scalar_multiply(share, own), scalar_add(share, own)
            guesses[f"share {index} times the own key of {name}"] = product
            guesses[f"share {index} plus the own key of {name}"] = total
    for name, key in loot.keys.items():
        number = int.from_bytes(key, "little")
        guesses[f"key {name} as a scalar"] = scalar_from_int(number)
    return guesses


def whose(loot: Loot, numbers: Iterable[str]) -> dict[str, list[Envelope]]:
    """Find the envelopes of numbers under the whole key; it takes t shares."""
    secret = recover(loot.shares)
    found: dict[str, list[Envelope]] = {}
    for number in numbers:
        x = frame_input(loot.federation, IdentifierKind.PHONE, CANONICALISER, number)
        y = output_direct(secret, x, Mode.VOPRF)
        found[number] = [
            envelope
            for origin in loot.origins
            for envelope in loot.envelopes.get(origin_token(y, EPOCH, origin), ())
        ]
    return found


_Guess = tuple[str, str, int, bytes]  # way, federation of x, epoch, scalar


def _guesses(loot: Loot, *, thorough: bool) -> list[_Guess]:
    scalars = likely_guesses(loot) | (odd_guesses(loot) if thorough else {})
    shared = [(way, loot.federation, EPOCH, scalar) for way, scalar in scalars.items()]
    own = [
        (f"own key of {name}", f"own:{name}", OWN_EPOCH, scalar)
        for name, scalar in loot.own_scalars.items()
    ]
    return own + shared


def _by_tokens(
    loot: Loot,
    numbers: Sequence[str],
    guesses: Sequence[_Guess],
    truth: Mapping[str, Sequence[Envelope]],
) -> Iterator[tuple[str, str]]:
    points: dict[str, list[tuple[bytes, bytes]]] = {}
    for way, federation, epoch, scalar in guesses:
        if federation not in points:
            points[federation] = [_point(federation, number) for number in numbers]
        own = way.startswith("own")
        origins = {federation} if own else loot.origins
        fell = False
        for number, (x, point) in zip(numbers, points[federation], strict=True):
            y = output_of(x, multiply(scalar, point))
            if _lists(loot, y, epoch, origins) or _opens(y, truth.get(number, ())):
                fell = True
                yield way, number
        if fell and not own:
            return  # that is the key: no other will do


def _point(federation: str, number: str) -> tuple[bytes, bytes]:
    x = frame_input(federation, IdentifierKind.PHONE, CANONICALISER, number)
    return x, hash_to_group(x, _DST)


def _lists(loot: Loot, y: bytes, epoch: int, origins: Iterable[str]) -> bool:
    for origin in origins:
        token = origin_token(y, epoch, origin)
        if token in loot.tokens:
            envelopes = loot.envelopes.get(token, ())
            # A token whose opening is erased still tells that the number was listed.
            if not envelopes or _opens(y, envelopes):
                return True
    return False


def _opens(y: bytes, envelopes: Iterable[Envelope]) -> bool:
    for envelope in envelopes:
        try:
            open_envelope(
                y,
                epoch=envelope.epoch,
                origin=envelope.origin,
                signal_id=envelope.signal_id,
                header=bytes(envelope.opening.header),
                envelope=envelope.opening.sealed,
            )
        except (OpenError, CryptoError):
            continue
        return True
    return False


def _by_bytes(
    loot: Loot, numbers: Sequence[str], haystack: Haystack
) -> Iterator[tuple[str, str]]:
    needles: list[bytes] = []
    owners: list[str] = []
    for number in numbers:
        mine = [*_spelled(number), *_hashed(number, loot)]
        needles += mine
        owners += [number] * len(mine)
    for place in haystack.find(needles):
        yield "bytes in a file", owners[place]


def _spelled(number: str) -> Iterator[bytes]:
    national = f"0{number[3:]}"
    for text in (number, number[1:], national, f"{national[:4]} {national[4:]}"):
        raw = text.encode()
        yield raw
        yield text.encode("utf-16-le")
        yield raw.hex().encode()
        for lead in range(3):
            encoded = base64.b64encode(b"\0" * lead + raw)
            yield encoded[(0, 3, 4)[lead] : -4]


def _hashed(number: str, loot: Loot) -> Iterator[bytes]:
    x = frame_input(loot.federation, IdentifierKind.PHONE, CANONICALISER, number)
    plain = number.encode()
    for data in (plain, plain[1:], x):
        for name in ("md5", "sha1", "sha256", "sha512"):
            yield hashlib.new(name, data, usedforsecurity=False).digest()[:16]
        yield blake3(data).digest()[:16]
        for key in loot.keys.values():
            yield blake3(data, key=key).digest()[:16]
            yield hmac.digest(key, data, "sha256")[:16]
