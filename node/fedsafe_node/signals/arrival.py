# SPDX-License-Identifier: Apache-2.0
"""What of a verified record this node keeps, by its policy.

Pure and offloadable: no store, no network. An opening that policy does not let in,
that has run out or that does not open is not kept; its record is. One of an epoch or a
generation that the charter here does not show yet comes *early*: its origin holds a
later version, and the feed is read again once this node holds it too
(`missing_openings`). What its origin has committed to and nobody can read is *poison*:
it is left out and told of, and what follows it goes on. So is a file that is evidence
of nothing (P17).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.tokens import media_token
from fedsafe_federation.charter.charter import OVERLAP
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import SIGNAL_GROUP, SignalHeader
from fedsafe_federation.feed.verification import (
    VerifiedRecord,
    VerifiedSignal,
    feed_name,
)
from fedsafe_node.keys.lookup_items import File
from fedsafe_node.keys.membership import Membership
from fedsafe_node.rules.media_bodies import open_media_body
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.rows import NewSignal, Opening
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.matching import HeaderFacts, ReceiptRequest
from fedsafe_policies.vocabulary import MediaKind, Plane


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """A record to keep; with its signal and opening if policy lets them in.

    It *lacks* an opening that its origin withholds, or that may not come in until
    both gates are open. It is *early* if a later version of the charter brings its key.
    `harmless` is the refusal of an opening whose file is on a do-not-share list.
    """

    index: int
    record: bytes
    openings: tuple[Opening, ...] = ()
    signal: NewSignal | None = None
    pdq: bytes | None = None
    lacks: bool = False
    early: bool = False
    poison: bool = False
    harmless: Decision | None = None

    def __repr__(self) -> str:
        """Name the record, and nothing of what it says."""
        return f"Arrival({self.index})"


class _Ruling(Enum):
    """What becomes of all openings that share a header."""

    KEPT = auto()
    LEFT = auto()
    EARLY = auto()


class _Token(NamedTuple):
    token: bytes
    file: File | None = None


def read_arrivals(
    origin: str,
    records: Sequence[VerifiedRecord],
    situation: Situation,
    now: datetime,
) -> list[Arrival]:
    """Decide for each record of *origin*'s feed what is kept of it."""
    exchanges = situation.exchanges(origin, now)
    files = all(situation.keeps(name, Plane.MEDIA) for name in (origin, situation.node))
    ruled: dict[SignalHeader, _Ruling] = {}  # thousands of records share a few headers
    for record in records:
        if record.signal is not None and record.signal.header not in ruled:
            header = record.signal.header
            ruled[header] = _rule(header, situation, now)
    return [
        Arrival(record.index, record.record, lacks=True)
        if _lacks(record, exchanges=exchanges, files=files)
        else _arrival(origin, record, situation, ruled, now)
        for record in records
    ]


def _lacks(record: VerifiedRecord, *, exchanges: bool, files: bool) -> bool:
    if record.signal is None:
        return record.withheld
    return not (exchanges if record.signal.header.plane is Plane.ACTOR else files)


def _arrival(
    origin: str,
    record: VerifiedRecord,
    situation: Situation,
    ruled: Mapping[SignalHeader, _Ruling],
    now: datetime,
) -> Arrival:
    if record.signal is None or record.opening is None:
        return Arrival(record.index, record.record, poison=bool(record.fault))
    header = record.signal.header
    if ruled[header] is not _Ruling.KEPT:
        early = ruled[header] is _Ruling.EARLY
        return Arrival(record.index, record.record, early=early)
    token = _token(origin, record.signal, situation)
    if token is None:
        return Arrival(record.index, record.record, poison=True)
    file = token.file
    listed = situation.listed(file) if file is not None else None
    if listed is not None:
        refused = situation.decide(ReceiptRequest(_facts(header), listed), now)
        return Arrival(record.index, record.record, harmless=refused)
    signal = NewSignal(
        signal_id=record.signal.signal,
        origin=origin,
        plane=header.plane.value,
        scope=header.scope.value,
        epoch=header.epoch,
        generation=header.generation,
        token=token.token,
        match_until=header.match_until,
        erase_after=header.erase_after,
        log=feed_name(origin),
        index=record.index,
        group=SIGNAL_GROUP,
        media_kind=file.kind.value if file is not None else None,
    )
    opening = Opening(
        group=SIGNAL_GROUP,
        salt=record.opening.salt,
        payload=record.opening.payload,
    )
    pdq = file.digest if file is not None and file.kind is MediaKind.PDQ else None
    return Arrival(record.index, record.record, (opening,), signal, pdq)


def _rule(header: SignalHeader, situation: Situation, now: datetime) -> _Ruling:
    shared = situation.shared
    if shared is None:
        return _Ruling.LEFT
    if not situation.decide(ReceiptRequest(_facts(header)), now).allowed:
        return _Ruling.LEFT
    if _is_early(header, shared.membership):
        return _Ruling.EARLY
    kept = _lives(header, shared.membership, int(now.timestamp()))
    return _Ruling.KEPT if kept else _Ruling.LEFT


def _facts(header: SignalHeader) -> HeaderFacts:
    return HeaderFacts(
        plane=header.plane,
        scope=header.scope,
        match_until=header.match_until,
        erase_after=header.erase_after,
    )


def _lives(header: SignalHeader, membership: Membership, now: int) -> bool:
    """Whether its epoch lives, and the signal does not outlive its key."""
    ends = {each.epoch: each.ends for each in membership.charter.epochs}
    if header.epoch not in membership.live(now):
        return False
    last = max(header.match_until, header.erase_after)
    return last <= ends[header.epoch] + OVERLAP


def _is_early(header: SignalHeader, membership: Membership) -> bool:
    if header.epoch > membership.epoch.epoch:
        return True
    return header.plane is Plane.MEDIA and any(
        entry.epoch == header.epoch and header.generation > entry.generation
        for entry in membership.charter.epochs
    )


def _token(origin: str, signal: VerifiedSignal, situation: Situation) -> _Token | None:
    header, opening = signal.header, signal.opening
    if header.plane is Plane.ACTOR:
        return _Token(opening.token) if opening.token is not None else None
    try:
        body = open_media_body(signal.signal, origin, header, opening, situation)
    except (CryptoError, MalformedError):
        return None
    shared = situation.shared
    if shared is None:
        return None
    keys = shared.membership.media[header.epoch, header.generation]
    token = media_token(keys.token, body.kind, body.digest)
    return _Token(token, File(body.kind, body.digest))
