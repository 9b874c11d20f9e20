# SPDX-License-Identifier: Apache-2.0
import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fedsafe_federation.media.pdq import hamming_distance
from fedsafe_node.lookup.index.pdq import BLOCK_ROWS, PdqIndex

DIGEST = bytes(range(32))

few_ids = st.integers(0, 20)
digests = st.binary(min_size=32, max_size=32)


def digest_of(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8)).digest()


def flipped(digest: bytes, bits: Iterable[int]) -> bytes:
    mask = sum(1 << bit for bit in set(bits))
    return (int.from_bytes(digest) ^ mask).to_bytes(32)


near_digests = st.builds(
    flipped, st.just(DIGEST), st.sets(st.integers(0, 255), max_size=60)
)
some_digests = digests | near_digests


class IndexAgainstList(RuleBasedStateMachine):
    """The index gives what comparing every row of a list gives."""

    def __init__(self) -> None:
        super().__init__()
        self.index = PdqIndex()
        self.rows: list[tuple[int, bytes]] = []

    @rule(added=st.lists(st.tuples(few_ids, some_digests), max_size=12))
    def add(self, added: list[tuple[int, bytes]]) -> None:
        self.index.add([row for row, _ in added], [digest for _, digest in added])
        self.rows += added

    @rule(row=few_ids)
    def remove(self, row: int) -> None:
        left = [known for known in self.rows if known[0] != row]
        assert self.index.remove(row) == len(self.rows) - len(left)
        self.rows = left

    @rule(asked=some_digests, radius=st.integers(0, 256))
    def query(self, asked: bytes, radius: int) -> None:
        expected = sorted(
            (distance, row)
            for row, digest in self.rows
            if (distance := hamming_distance(asked, digest)) <= radius
        )
        actual = [
            (match.distance, match.id) for match in self.index.query(asked, radius)
        ]
        assert actual == expected

    @invariant()
    def counts_what_can_be_found(self) -> None:
        assert len(self.index) == len(self.rows)
        assert len(self.index.query(DIGEST, 256)) == len(self.rows)


TestIndexAgainstList = IndexAgainstList.TestCase
TestIndexAgainstList.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None
)


@given(st.sets(st.integers(0, 255), max_size=64))
def test_radius_is_inclusive_and_31_by_default(bits: set[int]) -> None:
    index = PdqIndex()
    index.add([7], [flipped(DIGEST, bits)])

    assert index.query(DIGEST) == ([(7, len(bits))] if len(bits) <= 31 else [])
    assert index.query(DIGEST, len(bits)) == [(7, len(bits))]
    assert index.query(DIGEST, len(bits) - 1) == []


def test_opposite_of_a_digest_is_256_bits_away() -> None:
    index = PdqIndex()
    index.add([1], [flipped(DIGEST, range(256))])

    assert index.query(DIGEST, 255) == []
    assert index.query(DIGEST, 256) == [(1, 256)]


def test_rows_beyond_one_block_are_found_and_stay_compact() -> None:
    count = 3 * BLOCK_ROWS
    index = PdqIndex()
    ids = range(count)
    index.add(ids[:5], [digest_of(row) for row in ids[:5]])
    index.add(ids[5:], [digest_of(row) for row in ids[5:]])
    borders = [0, 4, 5, BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS, count - 1]

    assert [index.query(digest_of(row)) for row in borders] == [
        [(row, 0)] for row in borders
    ]
    assert index.memory_bytes == 36 * count


def test_removed_rows_give_their_memory_back() -> None:
    index = PdqIndex()
    count = 2 * BLOCK_ROWS
    index.add([0] * BLOCK_ROWS + list(range(1, BLOCK_ROWS + 1)), [DIGEST] * count)
    before = index.memory_bytes

    assert index.remove(0) == BLOCK_ROWS
    assert len(index) == BLOCK_ROWS
    assert index.memory_bytes == before // 2
    assert index.remove(0) == 0


@pytest.mark.parametrize(
    ("rows", "added"),
    [
        ([1, 2], [DIGEST]),
        ([-1], [DIGEST]),
        ([1, 2**32 - 1], [DIGEST, DIGEST]),
        ([1, 2], [DIGEST, DIGEST[:31]]),
        ([1, 2], [DIGEST[:31], DIGEST + b"0"]),
    ],
    ids=["one short", "negative", "reserved id", "short digest", "shifted digests"],
)
def test_refused_rows_leave_the_index_as_it_was(
    rows: list[int], added: list[bytes]
) -> None:
    index = PdqIndex()
    with pytest.raises(ValueError, match=r"id|digest"):
        index.add(rows, added)

    assert len(index) == 0
    assert index.query(DIGEST, 256) == []


def test_query_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PdqIndex().query(DIGEST[:31])


def test_place_of_removed_rows_is_no_id() -> None:
    index = PdqIndex()
    index.add(range(9), [DIGEST] * 9)
    assert index.remove() == 0
    index.remove(3)

    assert index.remove(2**32 - 1) == 0
    assert len(index) == 8


def test_readers_never_miss_a_row_that_stays_while_a_writer_works() -> None:
    index = PdqIndex()
    index.add([1], [DIGEST])
    done = Event()

    def read() -> int:
        queries = 0
        while not done.is_set():
            assert index.query(DIGEST, 0) == [(1, 0)]
            queries += 1
        return queries

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for turn in range(2, 52):
                index.add([turn] * 3000, [flipped(DIGEST, [turn])] * 3000)
                index.remove(turn - turn % 3)
        finally:
            done.set()

        assert all(reader.result() > 0 for reader in readers)
    assert len(index) == 1 + 3000 * len([turn for turn in range(2, 52) if turn % 3])
