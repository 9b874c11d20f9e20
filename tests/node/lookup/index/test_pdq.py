# SPDX-License-Identifier: Apache-2.0
import hashlib
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fedsafe_federation.media.pdq import PDQ_BYTES, hamming_distance
from fedsafe_node.ground.errors import PictureIndexError
from fedsafe_node.lookup.index.pdq import BLOCK_ROWS, FEW, PdqIndex
from fedsafe_node.lookup.index.pdq_recent import (
    LEAST_BITS,
    MOST_BITS,
    MOST_LOOSE,
    Recent,
)
from fedsafe_node.lookup.index.pdq_tables import Asked, Tables

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
        self.index = PdqIndex(few=0)
        self.rows: list[tuple[int, bytes]] = []

    @rule()
    def merge(self) -> None:
        self.index.merge()
        assert self.index.waiting == 0

    @rule(added=st.lists(st.tuples(few_ids, some_digests), max_size=12))
    def add(self, added: list[tuple[int, bytes]]) -> None:
        self.index.add([row for row, _ in added], [digest for _, digest in added])
        self.rows += added

    @rule(row=few_ids)
    def remove(self, row: int) -> None:
        left = [known for known in self.rows if known[0] != row]
        assert self.index.remove(row) == len(self.rows) - len(left)
        self.rows = left

    @rule(asked=some_digests, radius=st.integers(0, 31) | st.integers(0, 256))
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

    @rule(asked=st.lists(some_digests, max_size=10), radius=st.integers(0, 40))
    def search_many(self, asked: list[bytes], radius: int) -> None:
        found = self.index.search_many(asked, radius)
        told = zip(*(column.tolist() for column in found), strict=True)
        assert list(told) == [
            (question, match.id, match.distance)
            for question, digest in enumerate(asked)
            for match in self.index.query(digest, radius)
        ]

    @invariant()
    def counts_what_can_be_found(self) -> None:
        assert len(self.index) == len(self.rows)
        assert len(self.index.query(DIGEST, 256)) == len(self.rows)


TestIndexAgainstList = IndexAgainstList.TestCase
TestIndexAgainstList.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None
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
    was_due = index.wants_merge
    index.remove(*range(FEW + 1, BLOCK_ROWS + 1))
    index.merge()
    assert index.memory_bytes == before // 2
    assert len(index) == FEW
    assert (was_due, index.wants_merge) == (True, False)
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
                if turn % 10 == 0:
                    index.merge()
        finally:
            done.set()

        assert all(reader.result() > 0 for reader in readers)
    assert len(index) == 1 + 3000 * len([turn for turn in range(2, 52) if turn % 3])


_MANY = 20_000
_DRAWN = np.random.default_rng(23)


def drawn(count: int) -> np.ndarray:
    return _DRAWN.integers(0, 256, (count, PDQ_BYTES), dtype=np.uint8)


def clustered() -> np.ndarray:
    """A fifth of all in twenty families, whose members differ in few bits."""
    content = drawn(_MANY)
    families = drawn(20).repeat(_MANY // 100, axis=0)
    noise = drawn(len(families)) & drawn(len(families)) & drawn(len(families))
    content[: len(families)] = families ^ (noise & drawn(len(families)))
    return content


def sharing_a_word() -> np.ndarray:
    """A member publishes rows that have one word in common."""
    content = drawn(_MANY)
    content[::2, 6:8] = 0x5A
    return content


def sharing_all() -> np.ndarray:
    """A member publishes one picture, over and over."""
    content = drawn(_MANY)
    content[::2] = content[0]
    content[::4, 5] ^= 1
    return content


SETS = {
    "uniform": lambda: drawn(_MANY),
    "clustered": clustered,
    "one word": sharing_a_word,
    "one picture": sharing_all,
}


def brute_force(
    rows: dict[int, bytes], asked: bytes, radius: int
) -> list[tuple[int, int]]:
    content = np.frombuffer(b"".join(rows.values()), np.uint64).reshape(-1, 4)
    bits = np.bitwise_count(content ^ np.frombuffer(asked, np.uint64)).sum(axis=1)
    near = zip(rows, bits.tolist(), strict=True)
    return sorted(
        ((row, count) for row, count in near if count <= radius),
        key=lambda match: (match[1], match[0]),
    )


def questions_about(content: np.ndarray) -> list[bytes]:
    """Rows with up to 33 bits flipped, in all places and in one word, and strangers."""
    asked = [each.tobytes() for each in drawn(8)]
    for row, flips in zip(
        range(0, len(content), len(content) // 40), [31, 32, 7] * 14, strict=False
    ):
        places = _DRAWN.permutation(256)[:flips].tolist()
        asked.append(flipped(content[row].tobytes(), places))
        first = 16 * int(_DRAWN.integers(16))
        near = (place % 256 for place in range(first, first + flips))
        asked.append(flipped(content[row].tobytes(), near))
    return asked


@pytest.mark.parametrize("kind", SETS)
def test_tables_find_what_comparing_every_row_finds(kind: str) -> None:
    content = SETS[kind]()
    rows = {row: each.tobytes() for row, each in enumerate(content)}
    index = PdqIndex(few=0)
    held, later = list(rows)[: -_MANY // 8], list(rows)[-_MANY // 8 :]
    index.add(held, [rows[row] for row in held])
    index.merge()
    for start in range(0, len(later), 500):
        some = later[start : start + 500]
        index.add(some, [rows[row] for row in some])
    for row in range(0, _MANY, 20):
        assert index.remove(row) == 1
        del rows[row]
    asked = questions_about(content)

    def check() -> None:
        for radius in (31, 12):
            expected = [brute_force(rows, each, radius) for each in asked]
            assert [index.query(each, radius) for each in asked] == expected
            found = index.search_many(asked, radius)
            for question, matches in enumerate(expected):
                here = found.questions == question
                ids, distances = found.ids[here], found.distances[here]
                pairs = zip(ids.tolist(), distances.tolist(), strict=True)
                assert list(pairs) == matches

    assert index.waiting > 0
    check()
    index.merge()
    assert index.waiting == 0
    check()


@given(
    st.sets(st.integers(0, 255), min_size=20, max_size=31),
    st.sampled_from(range(0, 3_000, 100)),
)
def test_tables_alone_find_a_row_wherever_31_bits_differ(
    bits: set[int], row: int
) -> None:
    near, dear = _TABLES.search(Asked(flipped(digest_of(row), bits)), 31)

    assert not dear.size
    assert set(zip(near.rows.tolist(), near.distances.tolist(), strict=True)) == {
        (row, len(bits))
    }


@pytest.mark.parametrize("bits", [LEAST_BITS, MOST_BITS])
@pytest.mark.parametrize(("own", "following"), [(0, 3), (1, 2)])
@pytest.mark.parametrize("word", range(16))
def test_row_that_one_word_alone_finds_is_found(
    word: int, own: int, following: int, bits: int
) -> None:
    high = [0, 0x8000, 0xC000, 0xE000]  # by low bits another word may find it, too
    damage = np.full(16, high[2], np.uint16)
    damage[[word, (word + 1) % 16]] = high[own], high[following]
    content = np.frombuffer(b"".join(map(digest_of, range(3_000))), np.uint64)
    recent = Recent(bits)
    assert recent.add(np.arange(3_000, dtype=np.uint32), content.reshape(-1, 4).T).all()
    words = np.frombuffer(digest_of(700), np.uint16) ^ damage
    asked = Asked(words.tobytes())

    assert recent.search(asked, 31).once().distances.tolist() == [31]
    near, _ = _TABLES.search(asked, 31)
    assert near.once().rows.tolist() == [700]


def tables_of(content: np.ndarray) -> Tables:
    ids = np.arange(len(content), dtype=np.uint32)
    return Tables(ids, content.view(np.uint64).T)


_TABLES = tables_of(
    np.frombuffer(b"".join(map(digest_of, range(3_000))), np.uint8).reshape(-1, 32)
)


def test_dear_question_is_left_to_comparing_every_row() -> None:
    content = sharing_a_word()
    content[::2, 20:22] = 0x77
    tables = tables_of(content)
    asked = [1, 0, 3, 2]
    near, dear = tables.search(Asked(content[asked].tobytes()), 31)

    assert dear.tolist() == [1, 3]
    assert {*zip(near.questions, near.rows, strict=True)} == {(0, 1), (2, 3)}
    for row in asked:
        _, dear = tables.search(Asked(content[row].tobytes()), 31)
        assert dear.size == (row % 2 == 0)
    index = PdqIndex(few=0)
    index.add(range(len(content)), [each.tobytes() for each in content])
    index.merge()
    found = index.search_many([content[row].tobytes() for row in asked])
    assert (found.questions.tolist(), found.ids.tolist()) == ([0, 1, 2, 3], asked)


def test_dear_rows_are_counted_for_each_question() -> None:
    content = drawn(_MANY)
    content[: _MANY // 12, :4] = 0x5A
    tables = tables_of(content)

    for rows in ([-1, 0, -2], [1, -1, 2], [1]):  # some are read whole, some tried
        near, dear = tables.search(Asked(content[rows].tobytes()), 31)
        shared = [place for place, row in enumerate(rows) if row >= 0]
        assert dear.tolist() == shared
        assert {*near.questions.tolist(), *shared} == set(range(len(rows)))


def test_ids_of_tables_ascend() -> None:
    content = drawn(2).view(np.uint64).T
    with pytest.raises(ValueError, match="order"):
        Tables(np.array([2, 1], np.uint32), content)


def test_recent_rows_beyond_their_places_are_refused_not_lost() -> None:
    recent = Recent()
    content = np.tile(drawn(1), (MOST_LOOSE + 100, 1))
    ids = np.arange(len(content), dtype=np.uint32)
    taken = recent.add(ids, content.view(np.uint64).T)
    near = recent.search(Asked(content[0].tobytes()), 31)

    assert np.count_nonzero(taken) == MOST_LOOSE + 16
    assert set(recent.ids[near.rows].tolist()) == set(ids[taken].tolist())


def test_recent_rows_get_more_room_where_they_come_and_lose_none() -> None:
    index = PdqIndex(few=0)
    content = [each.tobytes() for each in drawn(6_000)]
    index.add(range(10), content[:10])
    index.merge()
    few = index.memory_bytes
    index.add([10], content[10:11])
    assert index.memory_bytes - few < 1.3e6  # of each process
    for start in range(11, 6_000, 499):
        index.add(range(start, min(start + 499, 6_000)), content[start : start + 499])
        index.remove(start)
    gone = set(range(11, 6_000, 499))

    for row in (*range(0, 6_000, 97), *gone):
        found = index.query(content[row])
        assert found == ([] if row in gone else [(row, 0)])
    assert index.memory_bytes - few > 8e6
    assert len(index) == 6_000 - len(gone)


@pytest.mark.parametrize("part", ["_first", "_next", "_low"])
def test_tables_that_miss_a_row_are_not_used(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = PdqIndex(few=0)
    content = drawn(3_000)
    index.add(range(len(content)), [each.tobytes() for each in content])
    check = Tables.check

    def check_broken(tables: Tables) -> None:
        array = getattr(tables, part)
        array[: len(array) // 2] = np.roll(array[: len(array) // 2], 1_000)
        check(tables)

    monkeypatch.setattr(Tables, "check", check_broken)
    with pytest.raises(PictureIndexError, match="unsound"):
        index.merge()

    assert index.waiting == len(content)
    assert index.query(content[7].tobytes()) == [(7, 0)]


def test_what_comes_and_goes_during_a_merge_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = PdqIndex(few=0)
    before = drawn(3_000)
    index.add(range(3_000), [each.tobytes() for each in before])
    index.merge()
    index.add(range(3_000, 4_000), [each.tobytes() for each in before[:1_000]])
    built, goes_on = Event(), Event()
    check = Tables.check

    def check_later(tables: Tables) -> None:
        check(tables)
        built.set()
        assert goes_on.wait(30)

    monkeypatch.setattr(Tables, "check", check_later)
    merge = Thread(target=index.merge)
    merge.start()
    try:
        assert built.wait(30)
        late = drawn(2_000)
        index.add(range(4_000, 4_600), [each.tobytes() for each in late[:600]])
        index.add(range(4_600, 6_000), [each.tobytes() for each in late[600:]])
        removed = [5, 3_005, 4_005, 5_005]
        assert [index.remove(row) for row in removed] == [1, 1, 1, 1]
        assert index.query(before[5].tobytes()) == []
        during = index.query(before[6].tobytes())
    finally:
        goes_on.set()
        merge.join()

    assert during == index.query(before[6].tobytes()) == [(6, 0), (3_006, 0)]
    assert len(index) == 6_000 - len(removed)
    assert index.waiting == 2_000 - 2
    assert index.query(before[5].tobytes()) == index.query(late[5].tobytes()) == []
    assert index.query(late[6].tobytes()) == [(4_006, 0)]
    assert index.query(late[1_006].tobytes()) == [(5_006, 0)]
    assert index.remove(5) == index.remove(4_005) == 0
    monkeypatch.undo()
    index.merge()
    assert len(index) == 6_000 - len(removed)


def test_a_node_that_knows_no_picture_does_without_numpy(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from fedsafe_node.lookup.index.picture_keeper import PictureKeeper\n"
        "from fedsafe_node.lookup.index.lists import Lists\n"
        "from fedsafe_node.lookup.index.tokens import TokenIndex\n"
        "tokens = TokenIndex.open(pathlib.Path(sys.argv[1]), covered=0)\n"
        "lists = Lists(tokens)\n"
        "asyncio.run(PictureKeeper(lists, *[None] * 3).merge())\n"
        "assert lists.similar([bytes(32)], 31) == [((), 0)]\n"
        "sys.exit('numpy' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], check=False)

    assert done.returncode == 0
