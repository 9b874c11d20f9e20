# SPDX-License-Identifier: Apache-2.0
"""Line 7 of the acceptance table: one changed byte anywhere is refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    Log,
    flipped,
    header,
    in_trailer,
    key_of,
    known_of,
    payload_of,
    request_from,
    restriction,
    salt_of,
    served,
    signal_id,
    world,
)

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tree import Frontier
from fedsafe_federation.errors import (
    FederationError,
    FeedError,
)
from fedsafe_federation.feed import verification
from fedsafe_federation.feed.batch import Batch, FeedOpening, decode_batch
from fedsafe_federation.feed.records import RulingRecord, encode_record, signal_record
from fedsafe_federation.feed.signals import encode_opening
from fedsafe_federation.feed.verification import (
    Known,
    VerifiedBatch,
    feed_name,
    open_checkpoint,
    verify_batch,
    verify_restrictions,
    verifying,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_policies.vocabulary import Plane

replace = msgspec.structs.replace
CHARTER = world().charter
ORIGIN, OTHER = CHARTER.members[:2]
SIZE, SINCE, EARLIER = 13, 3, 6
LOG = Log().fill(SIZE - 2)
LOG.add_restriction(1)
LOG.add_restriction(2)


def verified(batch: Batch, known: Known) -> VerifiedBatch:
    return verify_batch(batch, ORIGIN, known, CHARTER)


KNOWN = known_of(LOG, SINCE, EARLIER)
BATCH = served(LOG, KNOWN, limit=7)  # both proofs are needed


@given(
    since=st.integers(0, SIZE),
    ahead=st.integers(0, SIZE),
    limit=st.integers(1, SIZE),
)
def test_an_honest_batch_is_verified_from_any_position(
    since: int, ahead: int, limit: int
) -> None:
    size = min(SIZE, since + ahead)
    known = known_of(LOG, since, size) if size else Known(Frontier())
    result = verified(served(LOG, known, limit=limit), known)

    until = min(SIZE, since + limit)
    assert [entry.record for entry in result.records] == LOG.records[since:until]
    assert [entry.index for entry in result.records] == list(range(since, until))
    assert result.known.frontier.size == until
    assert result.known.checkpoint == LOG.checkpoint()
    assert known.frontier.size == since


def test_a_feed_without_a_record_is_verified() -> None:
    known = Known(Frontier())
    result = verified(served(Log(), known), known)

    assert list(result.records) == []
    assert result.known.checkpoint == Log().checkpoint()


def test_signals_and_restrictions_are_read() -> None:
    result = verified(served(LOG, Known(Frontier())), Known(Frontier()))

    signals = [entry.signal for entry in result.records if entry.signal is not None]
    assert [signal.signal for signal in signals] == [
        signal_id(number) for number in range(SIZE - 2)
    ]
    assert signals[0].header == header()
    assert [item.statement for item in result.restrictions] == LOG.statements


def in_line(batch: Batch, line: int, **changes: Any) -> Batch:  # noqa: ANN401
    records = list(batch.records)
    records[line] = replace(records[line], **changes)
    return Batch(batch.restrictions, records, batch.trailer)


def change_salt(batch: Batch, line: int, place: int, flip: int) -> Batch:
    opening = batch.records[line].opening
    assert opening is not None
    salt = flipped(opening.salt, place, flip)
    return in_line(batch, line, opening=replace(opening, salt=salt))


def change_payload(batch: Batch, line: int, place: int, flip: int) -> Batch:
    opening = batch.records[line].opening
    assert opening is not None
    payload = flipped(opening.payload, place, flip)
    return in_line(batch, line, opening=replace(opening, payload=payload))


def change_header(batch: Batch, line: int, place: int, flip: int) -> Batch:
    # The header stands first in the payload, as its own JSON object.
    return change_payload(batch, line, len('{"header":') + place % 120, flip)


def change_record(batch: Batch, line: int, place: int, flip: int) -> Batch:
    return in_line(batch, line, record=flipped(batch.records[line].record, place, flip))


def change_index(batch: Batch, line: int, place: int, flip: int) -> Batch:
    del place
    return in_line(batch, line, index=batch.records[line].index ^ flip)


def change_note(batch: Batch, line: int, place: int, flip: int) -> Batch:
    del line
    note = flipped(batch.trailer.checkpoint.encode(), place, flip)
    return in_trailer(batch, checkpoint=note.decode("utf-8", "surrogateescape"))


def change_next(batch: Batch, line: int, place: int, flip: int) -> Batch:
    del line, place
    return in_trailer(batch, next=batch.trailer.next ^ flip)


def change_proof(batch: Batch, line: int, place: int, flip: int) -> Batch:
    name = "consistency" if flip & 1 else "extends"
    proof = list(getattr(batch.trailer, name))
    proof[line % len(proof)] = flipped(proof[line % len(proof)], place, flip)
    return in_trailer(batch, **{name: proof})


CHANGES: list[Callable[[Batch, int, int, int], Batch]] = [
    change_salt,
    change_payload,
    change_header,
    change_record,
    change_index,
    change_note,
    change_next,
    change_proof,
]


@pytest.mark.parametrize("change", CHANGES)
@given(
    line=st.integers(0, 6),
    place=st.integers(0, 10_000),
    flip=st.integers(1, 255),
)
def test_one_changed_byte_of_any_field_is_refused(
    change: Callable[[Batch, int, int, int], Batch], line: int, place: int, flip: int
) -> None:
    # The batch is closed again behind the change: no digest helps here.
    with pytest.raises(FeedError):
        verified(change(BATCH, line, place, flip), KNOWN)


@pytest.mark.parametrize("where", ["consistency", "extends"])
@given(
    seen=st.sampled_from([None, 0, SIZE]),
    proof=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=3),
)
def test_a_proof_of_nothing_is_refused(
    where: str, seen: int | None, proof: list[bytes]
) -> None:
    known = Known(Frontier())
    if seen is not None:
        known = Known(Frontier(), LOG.note(seen), LOG.checkpoint(seen))
    batch = served(LOG, known)

    assert len(verified(batch, known).records) == SIZE
    with pytest.raises(FeedError, match="a consistency proof of nothing"):
        verified(in_trailer(batch, **{where: proof}), known)


def test_an_older_checkpoint_than_the_known_one_is_refused() -> None:
    known = known_of(LOG, SINCE, SIZE)
    stream = LOG.batch(request_from(known), size=EARLIER)

    with pytest.raises(FeedError, match="an older checkpoint than the known one"):
        verified(decode_batch("a.example", stream), known)


@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_changed_restriction_is_dropped_and_the_others_stay(
    place: int, flip: int
) -> None:
    for name in ("payload", "signature"):
        bad = replace(
            LOG.statements[0],
            **{name: flipped(getattr(LOG.statements[0], name), place, flip)},
        )
        good, faults = verify_restrictions([bad, LOG.statements[1]], CHARTER)

        assert [item.statement for item in good] == LOG.statements[1:]
        assert len(faults) == 1


@given(
    name=st.sampled_from(["signer", "type"]),
    value=st.sampled_from(["b.example", "e.example", "restriction", "member.card"]),
)
def test_a_restriction_under_another_name_or_type_is_dropped(
    name: str, value: str
) -> None:
    bad: Signed = replace(LOG.statements[0], **{name: value})
    if bad != LOG.statements[0]:
        assert verify_restrictions([bad], CHARTER)[0] == []


@given(bit=st.integers(0, 7), offset=st.integers(0, 31))
def test_one_flipped_bit_of_the_stream_is_refused(bit: int, offset: int) -> None:
    stream = LOG.batch(request_from(KNOWN, limit=7))
    for place in range(offset, len(stream), 97):
        changed = flipped(stream, place, 1 << bit)
        with pytest.raises(FederationError):
            verified(decode_batch("a.example", changed), KNOWN)


def test_records_dropped_doubled_or_swapped_are_refused() -> None:
    lines = list(BATCH.records)
    for other in (
        lines[1:],
        [lines[0], *lines],
        [lines[1], lines[0], *lines[2:]],
        lines[:-1],
        [],
    ):
        with pytest.raises(FeedError):
            verified(Batch([], other, BATCH.trailer), KNOWN)


def test_dropping_records_does_not_help_with_another_next_index() -> None:
    fewer = Batch([], [], replace(BATCH.trailer, next=SINCE, extends=[]))
    with pytest.raises(FeedError, match="no records although the log has more"):
        verified(fewer, KNOWN)


def test_more_records_than_the_checkpoint_covers_are_refused() -> None:
    known = Known(Frontier())
    batch = in_trailer(served(LOG, known), checkpoint=LOG.note(SIZE - 1))

    with pytest.raises(FeedError, match="more records than the checkpoint covers"):
        verified(batch, known)


def test_records_that_do_not_make_the_root_are_refused() -> None:
    known = Known(Frontier())
    other = Log()
    for number in range(SIZE):
        other.add_signal(100 + number)
    batch = in_trailer(served(other, known), checkpoint=LOG.note())

    with pytest.raises(FeedError, match="the records do not lead to the checkpoint"):
        verified(batch, known)


def test_a_batch_of_another_origin_is_refused() -> None:
    foreign = Log("b.example").fill(3)
    known = Known(Frontier())
    batch = served(foreign, known)

    assert len(verify_batch(batch, OTHER, known, CHARTER).records) == 3
    with pytest.raises(FeedError, match="bad checkpoint"):
        verified(batch, known)


def test_openings_are_bound_to_their_feed() -> None:
    copied = Log()
    record = signal_record(
        "b.example/feed", signal_id(1), salt=salt_of(1), payload=payload_of(1)
    )
    copied.records.append(encode_record(record))
    copied.openings[0] = FeedOpening(salt_of(1), payload_of(1))
    known = Known(Frontier())

    with pytest.raises(FeedError, match="does not fit its commitment"):
        verified(served(copied, known), known)


def test_a_restriction_record_has_nothing_to_open() -> None:
    line = SIZE - 1
    known = known_of(LOG, line, line)
    opening = FeedOpening(salt_of(1), payload_of(1))

    with pytest.raises(FeedError, match="no commitment to open"):
        verified(in_line(served(LOG, known), 0, opening=opening), known)


def test_a_withheld_opening_is_no_fault() -> None:
    known = Known(Frontier())
    batch = in_line(served(LOG, known), 0, opening=None)
    result = verified(in_line(batch, 1, opening=None, erased=True), known)
    withheld = [entry.withheld for entry in result.records]

    assert withheld == [True] + [False] * (SIZE - 1)  # nor what has none to give
    assert [entry.signal for entry in result.records[:2]] == [None, None]
    assert {entry.fault for entry in result.records} == {""}


def test_others_have_a_turn_behind_every_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SLICE", 4)
    log = Log().fill(2)
    for number in range(5):
        log.add_restriction(number)
    log.records.append(encode_record(RulingRecord(log.statements[0])))
    known = Known(Frontier())
    turns = list(verifying(served(log, known), ORIGIN, known, CHARTER))

    assert len(turns) == 2 + 2 + 1  # of eight records five restrict, and one rules


POISON = [
    b"",
    b"not json",
    encode_opening(header(plane=Plane.MEDIA), sealed=b"", token=bytes(16)),
    encode_opening(header(v=2), sealed=b"", token=bytes(16)),
]


@pytest.mark.parametrize("payload", POISON)
def test_a_poison_opening_does_not_stop_replication(payload: bytes) -> None:
    log = Log().fill(1)
    salt = salt_of(7)
    record = signal_record(
        feed_name(log.name), signal_id(7), salt=salt, payload=payload
    )
    log.openings[log.size] = FeedOpening(salt, payload)
    log.records.append(encode_record(record))
    log.add_signal(8)
    known = Known(Frontier())

    first, poison, last = verified(served(log, known), known).records

    assert poison.signal is None
    assert poison.fault.startswith(("SignalOpening: ", "SignalHeader: "))
    assert first.signal is not None
    assert last.signal is not None


@pytest.mark.parametrize("record", [b"", b"not json", b'{"v":2,"entry":{}}'])
def test_a_poison_record_does_not_stop_replication(record: bytes) -> None:
    log = Log().fill(1)
    log.openings[log.size] = FeedOpening(salt_of(1), payload_of(1))
    log.records.append(record)
    log.add_restriction(0)
    known = Known(Frontier())
    result = verified(served(log, known), known)

    poison = result.records[1]
    assert (poison.record, poison.signal, poison.opening) == (record, None, None)
    assert poison.fault
    assert len(result.restrictions) == 1
    assert result.known.frontier.size == 3


def test_a_restriction_in_a_record_needs_authority_too() -> None:
    log = Log()
    log.statements.append(
        restriction("a.example", 1, [signal_id(1)], origin="b.example")
    )
    log.add_restriction(1)
    record = msgspec.json.decode(log.records[0])
    record["entry"]["statement"]["signer"] = "b.example"
    log.records.append(msgspec.json.encode(record))
    log.statements.clear()
    known = Known(Frontier())
    result = verified(served(log, known), known)

    assert [item.restriction.author for item in result.restrictions] == ["a.example"]


@given(note=st.text(max_size=200))
def test_a_note_of_junk_is_a_bad_checkpoint(note: str) -> None:
    with pytest.raises(FeedError, match="bad checkpoint"):
        open_checkpoint(ORIGIN, note)
    with pytest.raises(FeedError, match="bad checkpoint"):
        open_checkpoint(ORIGIN, "\ud800" + note)


def test_a_checkpoint_is_signed_by_the_feed_key_and_for_the_feed() -> None:
    audit = sign_checkpoint(LOG.checkpoint(), key_of("a.example", "audit")).decode()
    other = sign_checkpoint(
        Checkpoint("a.example/audit", 1, bytes(32)), key_of("a.example", "feed")
    ).decode()

    assert open_checkpoint(ORIGIN, LOG.note()) == LOG.checkpoint()
    for note in (audit, other):
        with pytest.raises(FeedError, match="bad checkpoint"):
            open_checkpoint(ORIGIN, note)


@given(data=st.binary(max_size=100))
def test_faults_of_restrictions_are_told_not_raised(data: bytes) -> None:
    statement = replace(LOG.statements[0], payload=data)
    good, faults = verify_restrictions([statement], CHARTER)

    assert good == []
    assert len(faults) == 1
