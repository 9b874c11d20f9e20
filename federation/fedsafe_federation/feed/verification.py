# SPDX-License-Identifier: Apache-2.0
"""Verify a feed batch, or reject it whole.

Pure: bytes and what the peer knew before go in, what may be applied comes out.
The order of the checks:

1. restrictions, each on its own signature and authority: they are returned even
   when the rest of the batch is rejected, because nothing may hold them up;
2. the trailer's count and digest (`feed.batch.decode_batch`);
3. the checkpoint's signature, and that it shows no second tree of the known size;
4. the records are the next ones, every opening fits its commitment;
5. the checkpoint does not lie behind the known one and extends it, and with the
   records the peer's own tree leads to it (RFC 6962 consistency).

Only what convicts the origin is called an equivocation: two signed trees of one
size; an answer that goes on from records which its own tree no longer has (an old
answer that is repeated does not); a proof that binds the new tree to another past.

A record, or an opening that fits its commitment, which says nothing we understand
is a *poison addition*: the record is kept, the signal is not, replication goes on.

A batch that another member *carries* while the origin is away may hold less than the
origin has, so it convicts the origin by its signatures alone. It brings no openings
(their origin must know to whom they went), and what it says of them is not believed.
"""

from base64 import b64encode
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.commitment import verify_commitment
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.checkpoint import open_checkpoint as open_note_of_log
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_crypto.tlog.tree import (
    Frontier,
    leaf_hash,
    root_before,
    verify_consistency,
)
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.charter.former_keys import Trust, keys_of
from fedsafe_federation.errors import (
    EquivocationError,
    FederationError,
    FeedError,
    MalformedError,
)
from fedsafe_federation.feed.appeals import (
    APPEAL,
    APPEAL_RULING,
    AppealOutcome,
    Heard,
    Ruled,
    open_appeal,
    open_appeal_ruling,
    stop_of,
)
from fedsafe_federation.feed.batch import Batch, FeedOpening, RecordLine
from fedsafe_federation.feed.records import (
    Record,
    RestrictionRecord,
    RulingRecord,
    SignalRecord,
    decode_record,
)
from fedsafe_federation.feed.restrictions import Restriction, open_restriction
from fedsafe_federation.feed.rulings import Ruling, open_ruling
from fedsafe_federation.feed.signals import (
    SIGNAL_GROUP,
    SignalHeader,
    SignalOpening,
    decode_opening,
)
from fedsafe_federation.wire.signed import Signed

SLICE: Final = 256
"""So many records or statements are verified at once."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a peer holds of a feed: its own tree, and the largest checkpoint.

    `note` is that checkpoint as signed; empty before the first.
    """

    frontier: Frontier
    note: str = ""
    checkpoint: Checkpoint | None = None


# Of the two that follow there are thousands in a batch: the collector need not look.


class VerifiedSignal(msgspec.Struct, frozen=True, gc=False):
    """A signal whose opening fits its commitment."""

    signal: bytes
    header: SignalHeader
    opening: SignalOpening


class VerifiedRecord(msgspec.Struct, frozen=True, gc=False):
    """A record of the feed with what may be kept of its opening.

    `signal` is None without a usable opening; `fault` says why a committed
    opening was not usable. A *withheld* one is neither here nor erased: the origin
    may give it another time.
    """

    index: int
    record: bytes
    opening: FeedOpening | None
    signal: VerifiedSignal | None = None
    fault: str = ""
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class VerifiedRestriction:
    """A restriction statement with authority; *ruled* if an appeal has led to it."""

    statement: Signed
    restriction: Restriction
    ruled: Ruled | None = None


@dataclass(frozen=True, slots=True)
class VerifiedAppeal:
    """An appeal of the feed's own member, or its ruling by which a signal stands."""

    statement: Signed
    said: Heard | Ruled


@dataclass(frozen=True, slots=True)
class VerifiedRuling:
    """A ruling of the feed's own origin."""

    statement: Signed
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """What may be applied in one transaction, and the peer's new position.

    From `again` on its origin gives openings that were meant for others before, and
    `waiting` more records wait for witnesses.
    """

    records: Sequence[VerifiedRecord]
    restrictions: Sequence[VerifiedRestriction]
    known: Known
    rulings: Sequence[VerifiedRuling] = ()
    again: int | None = None
    waiting: int = 0
    appeals: Sequence[VerifiedAppeal] = ()


def verify_restrictions(
    statements: Sequence[Signed], charter: Charter, *, feed: str = ""
) -> tuple[list[VerifiedRestriction], list[str]]:
    """Keep the restrictions with signature and authority; say what others lack.

    They are records of the *feed* of that member, if one is named.
    """
    good: list[VerifiedRestriction] = []
    faults: list[str] = []
    for statement in statements:
        try:
            trust = Trust.VOUCHED if statement.signer == feed else Trust.NOW
            if statement.type == APPEAL_RULING:
                ruled = open_appeal_ruling(statement, charter, trust=trust)
                item = VerifiedRestriction(statement, stop_of(ruled), ruled)
            else:
                restriction = open_restriction(statement, charter, trust=trust)
                item = VerifiedRestriction(statement, restriction)
        except FederationError as error:
            faults.append(str(error))
        else:
            good.append(item)
    return good, faults


def verify_batch(  # noqa: PLR0913 - what it is held against, and how far
    batch: Batch,
    origin: Member,
    known: Known,
    charter: Charter,
    *,
    carried: bool = False,
    trust: Trust = Trust.NOW,
) -> VerifiedBatch:
    """Verify records, openings and checkpoint of a batch; *carried* by another member.

    *trust* is how far the origin's keys count. What is carried bears its present one:
    a copy under a former key may be a thief's, and its records are taken in only once.

    Raises:
        FeedError: something does not verify; nothing may be applied but the
            restrictions, which `verify_restrictions` judges alone.
        EquivocationError: the origin showed two trees.
    """
    work = verifying(batch, origin, known, charter, carried=carried, trust=trust)
    while True:
        try:
            next(work)
        except StopIteration as stop:
            verified: VerifiedBatch = stop.value
            return verified


def verifying(  # noqa: PLR0913 - what it is held against, and how far
    batch: Batch,
    origin: Member,
    known: Known,
    charter: Charter,
    *,
    carried: bool = False,
    trust: Trust = Trust.NOW,
) -> Generator[None, None, VerifiedBatch]:
    """Verify as `verify_batch` does, and pause behind every `SLICE` records.

    Statements in records are verified once their tree is.
    """
    if carried:
        batch = _as_carried(batch, origin.name)
    checkpoint = open_checkpoint(origin, batch.trailer.checkpoint, trust=trust)
    if carried and known.frontier.size > checkpoint.size:
        raise FeedError(origin.name, "the courier has less than is here")
    _check_one_tree(origin.name, checkpoint, known, batch)
    frontier = known.frontier.copy()
    records: list[VerifiedRecord] = []
    statements: list[Signed] = []
    said: list[Signed] = []
    for start in range(0, len(batch.records), SLICE):
        lines = batch.records[start : start + SLICE]
        for index, line in enumerate(lines, start=frontier.size):
            record = _read(line)
            records.append(_verify_record(line, record, index, origin.name))
            if isinstance(record, RestrictionRecord):
                statements.append(record.statement)
            elif isinstance(record, RulingRecord):
                said.append(record.statement)
        frontier.extend(leaf_hash(entry.record) for entry in records[start:])
        yield
    if batch.trailer.next != frontier.size:
        raise FeedError(origin.name, "the trailer's next index does not fit")
    _check_extends(origin.name, checkpoint, known, batch)
    _check_leads_to(origin.name, frontier, checkpoint, batch)
    restrictions: list[VerifiedRestriction] = []
    rulings: list[VerifiedRuling] = []
    for part in _sliced(statements):
        restrictions += verify_restrictions(part, charter, feed=origin.name)[0]
        yield
    for part in _sliced(said):
        rulings += _verify_rulings(part, origin.name, charter)
        yield
    newest = Known(frontier, batch.trailer.checkpoint, checkpoint)
    again, waiting = batch.trailer.again, batch.trailer.waiting
    appeals = verify_appeals(statements, origin.name, charter)
    return VerifiedBatch(
        records, restrictions, newest, rulings, again, waiting, appeals
    )


def _sliced(statements: Sequence[Signed]) -> Iterator[Sequence[Signed]]:
    for start in range(0, len(statements), SLICE):
        yield statements[start : start + SLICE]


def _as_carried(batch: Batch, origin: str) -> Batch:
    """Take of a carried batch what its origin has signed."""
    if any(line.opening is not None for line in batch.records):
        raise FeedError(origin, "a courier gave an opening")
    records = [msgspec.structs.replace(line, erased=False) for line in batch.records]
    trailer = msgspec.structs.replace(batch.trailer, again=None)
    return Batch(batch.restrictions, records, trailer)


def _verify_rulings(
    statements: Sequence[Signed], origin: str, charter: Charter
) -> list[VerifiedRuling]:
    good: list[VerifiedRuling] = []
    for statement in statements:
        try:
            trust = Trust.VOUCHED if statement.signer == origin else Trust.NOW
            ruling = open_ruling(statement, charter, trust=trust)
        except FederationError:
            continue  # a poison addition: its record is kept, and nothing follows
        if ruling.origin == origin:
            good.append(VerifiedRuling(statement, ruling))
    return good


def verify_appeals(
    statements: Sequence[Signed], origin: str, charter: Charter
) -> list[VerifiedAppeal]:
    """Keep the appeals of a feed, and what lets a signal stand; what ends one acts."""
    good: list[VerifiedAppeal] = []
    for statement in statements:
        if statement.type not in {APPEAL, APPEAL_RULING} or statement.signer != origin:
            continue
        said: Heard | Ruled
        try:
            if statement.type == APPEAL:
                said = open_appeal(statement, charter, trust=Trust.VOUCHED)
            else:
                said = open_appeal_ruling(statement, charter, trust=Trust.VOUCHED)
        except FederationError:
            continue  # its record is kept, and nothing follows
        if isinstance(said, Heard) or said.outcome is AppealOutcome.STANDS:
            good.append(VerifiedAppeal(statement, said))
    return good


def open_checkpoint(
    origin: Member, note: str, *, trust: Trust = Trust.NOW
) -> Checkpoint:
    """Open a signed checkpoint of a member's feed; *trust* is how far keys count.

    Raises:
        FeedError: it is not signed by the origin's feed key, or malformed.
    """
    name, why = feed_name(origin.name), "not signed"
    for keys in keys_of(origin, trust):
        try:
            return open_note_of_log(note.encode(), VerifierKey.of(name, keys.feed))
        except (CryptoError, UnicodeEncodeError) as error:
            why = str(error)
    raise FeedError(origin.name, f"bad checkpoint: {why}")


def feed_name(node: str) -> str:
    """Name a node's feed as a C2SP log origin."""
    return f"{node}/feed"


def _check_one_tree(
    origin: str, checkpoint: Checkpoint, known: Known, batch: Batch
) -> None:
    before = known.checkpoint
    if before is None or checkpoint.size != before.size:
        return
    if checkpoint.root != before.root:
        evidence = (known.note, batch.trailer.checkpoint)
        raise EquivocationError(origin, "two trees of one size", evidence)


def _check_extends(
    origin: str, checkpoint: Checkpoint, known: Known, batch: Batch
) -> None:
    before = known.checkpoint
    size = before.size if before is not None else 0
    proof = batch.trailer.consistency
    evidence = (known.note, batch.trailer.checkpoint)
    if known.frontier.size > checkpoint.size:
        raise EquivocationError(origin, "the log lost entries", evidence)
    if checkpoint.size < size:
        raise FeedError(origin, "an older checkpoint than the known one")
    if before is None or size in {0, checkpoint.size}:
        if proof:
            raise FeedError(origin, "a consistency proof of nothing")
        return
    new, root = checkpoint.size, checkpoint.root
    try:
        verify_consistency(size, before.root, new, root, proof)
    except CryptoError:
        past = root_before(size, new, root, proof)
        if past is None:
            raise FeedError(
                origin, "the checkpoint is not shown to extend the known one"
            ) from None
        shown = "\n".join(b64encode(node).decode() for node in proof)
        raise EquivocationError(
            origin, "the log was forked", (*evidence, shown)
        ) from None


def _check_leads_to(
    origin: str, frontier: Frontier, checkpoint: Checkpoint, batch: Batch
) -> None:
    size = frontier.size
    if size > checkpoint.size:
        raise FeedError(origin, "more records than the checkpoint covers")
    if size < checkpoint.size and not batch.records:
        raise FeedError(origin, "no records although the log has more")
    if size == checkpoint.size:
        if frontier.root() != checkpoint.root:
            raise FeedError(origin, "the records do not lead to the checkpoint")
        if batch.trailer.extends:
            raise FeedError(origin, "a consistency proof of nothing")
        return
    try:
        verify_consistency(
            size,
            frontier.root(),
            checkpoint.size,
            checkpoint.root,
            batch.trailer.extends,
        )
    except CryptoError:
        raise FeedError(origin, "the records do not lead to the checkpoint") from None


def _read(line: RecordLine) -> Record | str:
    """Read a record, or say why it is none that we understand."""
    try:
        return decode_record(line.record)
    except MalformedError as error:
        return str(error)


def _verify_record(
    line: RecordLine, record: Record | str, index: int, origin: str
) -> VerifiedRecord:
    if line.index != index:
        raise FeedError(origin, f"record {line.index} where {index} is next")
    if isinstance(record, str):
        return VerifiedRecord(index, line.record, None, fault=record)
    if line.opening is None:
        withheld = isinstance(record, SignalRecord) and not line.erased
        return VerifiedRecord(index, line.record, None, withheld=withheld)
    if not isinstance(record, SignalRecord):
        raise FeedError(origin, f"record {index} has no commitment to open")
    payload = line.opening.payload
    try:
        verify_commitment(
            record.commitment,
            feed_name(origin),
            SIGNAL_GROUP,
            line.opening.salt,
            payload,
        )
    except CryptoError:
        raise FeedError(
            origin, f"the opening of record {index} does not fit its commitment"
        ) from None
    try:
        header, opening = decode_opening(payload)
    except MalformedError as error:
        return VerifiedRecord(index, line.record, line.opening, fault=str(error))
    signal = VerifiedSignal(record.signal, header, opening)
    return VerifiedRecord(index, line.record, line.opening, signal)
