# SPDX-License-Identifier: Apache-2.0
"""A federation in memory: members with real keys, and logs that serve real feeds."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from fedsafe_crypto.oprf.shares import split
from fedsafe_crypto.oprf.threshold import Generation, KeyShare, Pins
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.primitives.ristretto import multiply_base, scalar_from_int
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tree import (
    Frontier,
    consistency_proof,
    leaf_hash,
    node_hash,
    root_at,
)
from fedsafe_federation.charter.card import Card, MemberKeys, sign_card
from fedsafe_federation.charter.charter import (
    Charter,
    Epoch,
    Member,
    Pin,
    PolicyReference,
)
from fedsafe_federation.errors import EquivocationError, MalformedError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.exchange.replication import Fetch, Position, Replicator
from fedsafe_federation.exchange.transfer import Take
from fedsafe_federation.feed.batch import (
    MAX_RESTRICTIONS,
    Batch,
    BatchReader,
    FeedOpening,
    FeedRequest,
    RecordLine,
    decode_batch,
    encode_batch,
)
from fedsafe_federation.feed.records import (
    RestrictionRecord,
    encode_record,
    signal_record,
)
from fedsafe_federation.feed.restrictions import (
    Reason,
    Restriction,
    Terms,
    sign_restriction,
)
from fedsafe_federation.feed.signals import SignalHeader, encode_opening
from fedsafe_federation.feed.verification import (
    Known,
    VerifiedBatch,
    VerifiedRestriction,
    feed_name,
)
from fedsafe_federation.wire.pace import Offload, Pace, Patience
from fedsafe_federation.wire.signed import Signed
from fedsafe_policies.vocabulary import Contention, Control, Effect, Plane, Scope

T = TypeVar("T")
Fetched = Callable[[Member, FeedRequest], Awaitable[bytes]]
"""A fetch whose answer comes in one piece."""
FEDERATION = "demo.example#1"
NOW = datetime(2026, 1, 15, 12, 0, 0, tzinfo=UTC)
NAMES = ("a.example", "b.example", "c.example", "d.example", "e.example")
POLICY = PolicyReference("policy", hashlib.sha256(b"policy").digest())
GENERATION = Generation(1, 1)
ANSWERS = {"email/1": bytes(32), "phone/1": bytes(32)}


def key_of(*words: str) -> SigningKey:
    """Make a key that is the same in every run."""
    return SigningKey.from_bytes(hashlib.sha256("/".join(words).encode()).digest())


@lru_cache
def keys_of(name: str) -> MemberKeys:
    return MemberKeys(
        feed=key_of(name, "feed").public,
        audit=key_of(name, "audit").public,
        statement=key_of(name, "statement").public,
        transport=key_of(name, "transport").public,
        witness=key_of(name, "witness").public,
        sealing=RecipientKey.generate().public,
    )


def member(index: int, name: str) -> Member:
    return Member(index, name, f"https://{name}", "DE", keys_of(name))


@lru_cache
def signed_card(name: str) -> Signed:
    card = Card(1, name, f"https://{name}", "DE", keys_of(name), ANSWERS)
    return sign_card(card, key_of(name, "statement"))


@dataclass(frozen=True, slots=True)
class World:
    """A founded federation, with everybody's secrets."""

    charter: Charter
    pins: Pins
    shares: dict[str, KeyShare]
    secret: bytes


@lru_cache
def world(
    count: int = 3, threshold: int = 2, *, secret: int = 4711, number: int = 1
) -> World:
    """Found a federation of *count* members from one secret."""
    names = NAMES[:count]
    generation = Generation(1, number)
    scalar = scalar_from_int(secret)
    dealt = split(scalar, threshold, count)
    pins = Pins(
        generation=generation,
        threshold=threshold,
        public=multiply_base(scalar),
        members={index: multiply_base(share) for index, share in dealt.items()},
    )
    epoch = Epoch(
        epoch=1,
        generation=number,
        threshold=threshold,
        public=pins.public,
        pins=[Pin(index, share) for index, share in pins.members.items()],
        transcript=bytes(32),
        starts=1_768_000_000,
        ends=1_799_000_000,
    )
    charter = Charter(
        v=1,
        version=1,
        federation=FEDERATION,
        created=0,
        members=[member(index, name) for index, name in enumerate(names, start=1)],
        next_index=count + 1,
        quorum=count // 2 + 1,
        policy=POLICY,
        arrangement=POLICY,
        witness_quorum="none",
        epochs=[epoch],
    )
    shares = {
        name: KeyShare(
            generation=generation, index=index, threshold=threshold, secret=dealt[index]
        )
        for index, name in enumerate(names, start=1)
    }
    return World(charter, pins, shares, scalar)


def header(**changes: object) -> SignalHeader:
    values: dict[str, object] = {
        "v": 1,
        "plane": Plane.ACTOR,
        "epoch": 1,
        "generation": 1,
        "scope": Scope.FEDERATION,
        "match_until": 1_800_000_000,
        "erase_after": 1_810_000_000,
    }
    return SignalHeader(**{**values, **changes})  # type: ignore[arg-type]


def signal_id(number: int) -> bytes:
    return number.to_bytes(16)


def salt_of(number: int) -> bytes:
    return hashlib.sha256(b"salt %d" % number).digest()


def payload_of(number: int) -> bytes:
    token = hashlib.sha256(b"token %d" % number).digest()[:16]
    return encode_opening(header(), sealed=b"sealed %d" % number, token=token)


TERMS = Terms(Contention.WRONG_PERSON, Control.MAILED_CODE, 1_700_100_000)


def restriction(  # noqa: PLR0913
    author: str,
    sequence: int,
    signals: Sequence[bytes],
    *,
    origin: str | None = None,
    effect: Effect = Effect.REVOKED,
    signer: str | None = None,
    terms: Terms = TERMS,
    at: int = 1_700_000_000,
) -> Signed:
    """Sign a restriction; honest unless origin or signer is another."""
    statement = Restriction(
        v=1,
        origin=origin or author,
        author=author,
        sequence=sequence,
        effect=effect,
        reason=Reason.MISTAKE,
        at=at,
        signals=list(signals),
        terms=terms if effect is Effect.DISPUTED else None,
    )
    key = key_of(signer or author, "statement")
    return sign_restriction(statement, key=key, federation=FEDERATION)


class Leaves:
    """The hash source over a list of leaf hashes."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves

    def subtree_hash(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaves[index]
        left = self.subtree_hash(level - 1, 2 * index)
        return node_hash(left, self.subtree_hash(level - 1, 2 * index + 1))


@dataclass(slots=True)
class Log:
    """An origin's feed: what a node would serve, without its disk."""

    name: str = "a.example"
    records: list[bytes] = field(default_factory=list)
    openings: dict[int, FeedOpening] = field(default_factory=dict)
    statements: list[Signed] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.records)

    def add_signal(self, number: int, payload: bytes | None = None) -> None:
        salt, data = salt_of(number), payload or payload_of(number)
        record = signal_record(
            feed_name(self.name), signal_id(number), salt=salt, payload=data
        )
        self.openings[self.size] = FeedOpening(salt, data)
        self.records.append(encode_record(record))

    def add_restriction(self, number: int) -> None:
        statement = restriction(
            self.name, len(self.statements) + 1, [signal_id(number)]
        )
        self.statements.append(statement)
        self.records.append(encode_record(RestrictionRecord(statement)))

    def fill(self, count: int) -> "Log":
        for number in range(count):
            self.add_signal(number)
        return self

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.size if size is None else size
        root = root_at(self.hashes(), size)
        return Checkpoint(feed_name(self.name), size, root)

    def note(self, size: int | None = None) -> str:
        key = key_of(self.name, "feed")
        return sign_checkpoint(self.checkpoint(size), key).decode()

    def hashes(self) -> Leaves:
        return Leaves([leaf_hash(record) for record in self.records])

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(self.hashes(), old, new) if 0 < old < new else []

    def lines(self, since: int, until: int) -> list[RecordLine]:
        return [
            RecordLine(index, self.records[index], self.openings.get(index))
            for index in range(since, until)
        ]

    def batch(self, request: FeedRequest, *, size: int | None = None) -> bytes:
        """Serve a request, as of when the log had *size* records."""
        size = self.size if size is None else size
        until = max(request.since, min(size, request.since + request.limit))
        return encode_batch(
            self.statements[request.restrictions :][:MAX_RESTRICTIONS],
            self.lines(request.since, until),
            next_index=until,
            checkpoint=self.note(size),
            consistency=self.proof(request.known, size),
            extends=self.proof(until, size),
            bulk=request.bulk,
        )


def known_of(log: Log, since: int, size: int) -> Known:
    """What a peer holds that has *since* records and saw the log at *size*."""
    frontier = Frontier()
    frontier.extend(leaf_hash(record) for record in log.records[:since])
    if size == 0:
        return Known(frontier)
    return Known(frontier, log.note(size), log.checkpoint(size))


def request_from(known: Known, *, limit: int = 5_000) -> FeedRequest:
    size = known.checkpoint.size if known.checkpoint else 0
    return FeedRequest("a.example", known.frontier.size, size, 0, limit)


def served(log: Log, known: Known, *, limit: int = 5_000) -> Batch:
    return decode_batch("a.example", log.batch(request_from(known, limit=limit)))


def flipped(data: bytes, place: int, flip: int) -> bytes:
    changed = bytearray(data)
    changed[place % len(changed)] ^= flip
    return bytes(changed)


async def fetched(client: PeerClient, member: Member, request: FeedRequest) -> bytes:
    """Fetch a batch's bytes whole."""
    pieces: list[bytes] = []

    async def take(piece: bytes) -> None:
        pieces.append(piece)

    await client.fetch(member, request, take)
    return b"".join(pieces)


def rescued(data: bytes) -> list[Signed]:
    """Give the restrictions that are known of a batch when it breaks off."""
    reader = BatchReader("a.example")
    with suppress(MalformedError):
        for start in range(0, len(data), 65_536):
            reader.take(data[start : start + 65_536])
    return reader.restrictions


def in_trailer(batch: Batch, **changes: Any) -> Batch:  # noqa: ANN401
    return Batch(
        batch.restrictions,
        batch.records,
        msgspec.structs.replace(batch.trailer, **changes),
    )


async def in_place(work: Callable[[], T]) -> T:
    """Offload to nowhere, but let others run first."""
    await asyncio.sleep(0)
    return work()


def make_log(signals: int, restrictions: int) -> Log:
    log = Log().fill(signals)
    for number in range(restrictions):
        log.add_restriction(number)
    return log


@dataclass(slots=True)
class MemoryShelf:
    """A shelf whose every call is one transaction, with awaits around it."""

    records: list[bytes] = field(default_factory=list)
    signals: set[bytes] = field(default_factory=set)
    restricted: set[bytes] = field(default_factory=set)
    known: Known = field(default_factory=lambda: Known(Frontier()))
    sequence: int = 0
    touched: int = 0
    carried: int = 0
    asked_of_couriers: int = 0
    waited: int = 0
    vouched: list[datetime] = field(default_factory=list)
    suspended: EquivocationError | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def position(self, origin: str, *, carried: bool = False) -> Position:
        assert origin == NAMES[0]
        self.asked_of_couriers += carried
        await asyncio.sleep(0)
        return Position(self.known, self.sequence)

    async def restrict(
        self, origin: str, restrictions: Sequence[VerifiedRestriction]
    ) -> None:
        assert origin == NAMES[0]
        await asyncio.sleep(0)
        self._restrict(restrictions)
        await asyncio.sleep(0)

    async def apply(
        self,
        origin: str,
        batch: VerifiedBatch,
        *,
        at: datetime,
        carried: bool = False,
    ) -> None:
        assert (origin, at) == (NAMES[0], NOW)
        self.carried += len(batch.records) if carried else 0
        await asyncio.sleep(0)
        assert batch.known.frontier.size == len(self.records) + len(batch.records)
        self._restrict(batch.restrictions)
        self.records += [entry.record for entry in batch.records]
        self.signals |= {e.signal.signal for e in batch.records if e.signal}
        self.known = batch.known
        self.moved.set()
        await asyncio.sleep(0)

    async def touch(self, origin: str, *, at: datetime) -> None:
        assert (origin, at) == (NAMES[0], NOW)
        await asyncio.sleep(0)
        self.touched += 1

    async def vouch(self, origin: str, *, until: datetime) -> None:
        assert origin == NAMES[0]
        await asyncio.sleep(0)
        self.vouched.append(until)

    async def wait(self, origin: str, *, at: datetime) -> None:
        assert (origin, at) == (NAMES[0], NOW)
        self.waited += 1

    async def suspend(self, origin: str, error: EquivocationError) -> None:
        assert origin == NAMES[0]
        await asyncio.sleep(0)
        self.suspended = error

    def _restrict(self, restrictions: Sequence[VerifiedRestriction]) -> None:
        for item in restrictions:
            self.restricted |= set(item.restriction.signals)
            self.sequence = max(self.sequence, item.restriction.sequence)

    def state(self) -> object:
        return (
            self.records,
            self.signals,
            self.restricted,
            self.known.frontier.root(),
            self.known.note,
        )


@dataclass(slots=True)
class Turns:
    """A clock that only the waits for a turn move on."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def pace(self) -> Pace:
        return Pace(monotonic=lambda: self.now, sleep=self.sleep)


def patience(turns: Turns | None = None) -> Patience:
    """Give patience whose time only its own waits move on."""
    turns = turns or Turns()
    return Patience(monotonic=lambda: turns.now, sleep=turns.sleep, jitter=lambda: 1.0)


def replicator(  # noqa: PLR0913
    shelf: MemoryShelf,
    fetch: Fetched,
    *,
    poll: float = 0.001,
    jitter: Callable[[], float] = lambda: 1.0,
    pace: Pace | None = None,
    bears: Patience | None = None,
    couriers: Callable[[], Sequence[Member]] = tuple,
    charter: Charter | None = None,
    offload: Offload = in_place,
    give_back: Callable[[], None] = lambda: None,
    by_pieces: Fetch | None = None,
) -> Replicator:
    async def in_one_piece(member: Member, request: FeedRequest, take: Take) -> None:
        await take(await fetch(member, request))

    return Replicator(
        world().charter.members[0],
        charter=charter or world().charter,
        fetch=by_pieces or in_one_piece,
        shelf=shelf,
        offload=offload,
        now=lambda: NOW,
        jitter=jitter,
        pace=pace or Turns().pace(),
        patience=bears or patience(),
        poll=poll,
        give_back=give_back,
        couriers=couriers,
    )
