# SPDX-License-Identifier: Apache-2.0
"""Who is convicted of showing two trees, and who is not."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    Log,
    flipped,
    in_trailer,
    known_of,
    served,
    world,
)

from fedsafe_crypto.tlog.tree import root_before
from fedsafe_federation.errors import EquivocationError, FeedError
from fedsafe_federation.feed.batch import Batch, FeedRequest, decode_batch
from fedsafe_federation.feed.verification import (
    Known,
    VerifiedBatch,
    open_checkpoint,
    verify_batch,
)

CHARTER = world().charter
ORIGIN = CHARTER.members[0]
SIZE = 13
LOG = Log().fill(SIZE)


def verified(batch: Batch, known: Known) -> VerifiedBatch:
    return verify_batch(batch, ORIGIN, known, CHARTER)


def forked(at: int, size: int) -> Log:
    """A log that agrees with LOG up to *at* and goes on otherwise."""
    other = Log(
        records=LOG.records[:at],
        openings={n: o for n, o in LOG.openings.items() if n < at},
    )
    for number in range(size - at):
        other.add_signal(1_000 + number)
    return other


@given(at=st.integers(0, SIZE - 1))
def test_two_trees_of_one_size_convict_the_origin(at: int) -> None:
    known = known_of(LOG, SIZE, SIZE)
    fork = forked(at, SIZE)

    with pytest.raises(EquivocationError, match="two trees of one size") as caught:
        verified(served(fork, known), known)

    assert caught.value.evidence == (LOG.note(), fork.note())
    first, second = (open_checkpoint(ORIGIN, note) for note in caught.value.evidence)
    assert first.size == second.size
    assert first.root != second.root


@given(at=st.integers(0, SIZE - 1), more=st.integers(1, 20))
def test_a_fork_convicts_the_origin(at: int, more: int) -> None:
    known = known_of(LOG, SIZE, SIZE)
    fork = forked(at, SIZE + more)

    with pytest.raises(EquivocationError, match="forked") as caught:
        verified(served(fork, known), known)

    old, new, shown = caught.value.evidence
    first, second = open_checkpoint(ORIGIN, old), open_checkpoint(ORIGIN, new)
    proof = [b64decode(line) for line in shown.split("\n")]
    past = root_before(first.size, second.size, second.root, proof)
    assert past == fork.checkpoint(SIZE).root
    assert past != first.root


def test_a_fork_behind_a_complete_tree_is_refused_without_a_verdict() -> None:
    known = known_of(LOG, 8, 8)

    with pytest.raises(FeedError, match="not shown to extend") as caught:
        verified(served(forked(4, 11), known), known)
    assert not isinstance(caught.value, EquivocationError)


@given(line=st.integers(0, 10), place=st.integers(0, 31), flip=st.integers(1, 255))
def test_a_garbled_proof_convicts_nobody(line: int, place: int, flip: int) -> None:
    known = known_of(LOG, 5, 5)
    batch = served(LOG, known)
    proof = list(batch.trailer.consistency)
    proof[line % len(proof)] = flipped(proof[line % len(proof)], place, flip)

    with pytest.raises(FeedError) as caught:
        verified(in_trailer(batch, consistency=proof), known)
    assert not isinstance(caught.value, EquivocationError)


def test_a_log_that_lost_entries_is_convicted() -> None:
    known = known_of(LOG, SIZE, SIZE)
    shrunk = in_trailer(served(LOG, known), checkpoint=LOG.note(SIZE - 1))

    with pytest.raises(EquivocationError, match="lost entries") as caught:
        verified(shrunk, known)
    assert caught.value.evidence == (LOG.note(), LOG.note(SIZE - 1))


@given(
    since=st.integers(0, SIZE), size=st.integers(0, SIZE), earlier=st.integers(0, SIZE)
)
def test_an_old_answer_convicts_nobody(since: int, size: int, earlier: int) -> None:
    earlier = min(earlier, since)
    size = max(size, earlier)
    old = decode_batch(
        "a.example",
        LOG.batch(FeedRequest("a.example", earlier, earlier, 0), size=size),
    )
    known = known_of(LOG, since, SIZE)
    fault: FeedError | None = None
    try:
        verified(old, known)
    except FeedError as error:
        fault = error

    assert not isinstance(fault, EquivocationError)
    assert fault is not None or (size, earlier) == (SIZE, since)
