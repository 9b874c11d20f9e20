# SPDX-License-Identifier: Apache-2.0

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import MalformedInputError, WrongLengthError
from fedsafe_crypto.tlog.tiles import TILE_WIDTH, Place, Tile, TileSource, locate, tiles
from fedsafe_crypto.tlog.tree import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
    verify_consistency,
    verify_inclusion,
)

SIZE = 70_000
SIZES = st.one_of(st.integers(1, 600), st.integers(1, SIZE))
LEAVES = [leaf_hash(place.to_bytes(4)) for place in range(SIZE)]
ROWS = {row.level: row.hashes for row in Frontier().extend(LEAVES)}


def read(tile: Tile) -> bytes:
    start = tile.index * TILE_WIDTH
    return b"".join(ROWS[8 * tile.level][start : start + tile.width])


def test_the_example_of_the_specification() -> None:
    found = Counter((tile.level, tile.width) for tile in tiles(70_000))

    assert found == {(0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1}
    assert list(tiles(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles(0)) == []


def test_paths_are_those_of_the_specification() -> None:
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert Tile(2, 0, 1).path == "tile/2/000.p/1"
    assert Tile(0, 1000, 112).entries_path == "tile/entries/x001/000.p/112"


@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_a_path_round_trips(level: int, index: int, width: int) -> None:
    tile = Tile(level, index, width)

    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/x000/067",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/../../key",
        "tile/0/" + "x001/" * 5000 + "000",
    ],
)
def test_no_other_path_is_a_tile(path: str) -> None:
    with pytest.raises(MalformedInputError):
        Tile.parse(path)


@given(st.text(max_size=30))
def test_junk_raises_only_our_error(path: str) -> None:
    with pytest.raises(MalformedInputError):
        Tile.parse(path)


@given(st.integers(0, 200_000), st.integers(0, 70_000))
def test_a_grown_tree_adds_exactly_the_tiles_it_did_not_have(
    since: int, growth: int
) -> None:
    before, after = set(tiles(since)), set(tiles(since + growth))

    assert set(tiles(since + growth, since=since)) == after - before


def test_a_tree_does_not_shrink() -> None:
    with pytest.raises(MalformedInputError):
        list(tiles(4, since=5))


def test_a_hash_lies_in_the_tile_below_it() -> None:
    assert locate(0, 300) == Place(0, 1, 44, 1)
    assert locate(7, 3) == Place(0, 1, 128, 128)
    assert locate(8, 3) == Place(1, 0, 3, 1)
    assert locate(17, 1) == Place(2, 0, 2, 2)


@settings(max_examples=60)
@given(SIZES, st.data())
def test_tiles_are_enough_for_roots_and_proofs(size: int, data: st.DataObject) -> None:
    source = TileSource(size, read)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    frontier, older = Frontier.load(source, size), Frontier()
    older.extend(LEAVES[:old])

    assert frontier.root() == root_at(source, size)
    verify_inclusion(
        LEAVES[index],
        index,
        size,
        inclusion_proof(source, index, size),
        frontier.root(),
    )
    verify_consistency(
        old,
        older.root(),
        size,
        frontier.root(),
        consistency_proof(source, old, size),
    )


def test_every_subtree_comes_out_of_the_tiles() -> None:
    source = TileSource(700, read)

    for level in range(10):
        for index in range(700 >> level):
            assert source.subtree_hash(level, index) == ROWS[level][index]


@pytest.mark.parametrize(("level", "index"), [(0, 700), (9, 1), (-1, 0), (0, -1)])
def test_a_subtree_that_is_not_complete_is_refused(level: int, index: int) -> None:
    with pytest.raises(MalformedInputError):
        TileSource(700, read).subtree_hash(level, index)


def test_only_tiles_that_the_size_has_are_read() -> None:
    asked = list[Tile]()

    def record(tile: Tile) -> bytes:
        asked.append(tile)
        return read(tile)

    root_at(TileSource(600, record), 600)

    assert set(asked) <= set(tiles(600))


def test_a_tile_that_is_too_short_is_refused() -> None:
    with pytest.raises(WrongLengthError):
        TileSource(700, lambda tile: read(tile)[:-1]).subtree_hash(0, 0)
