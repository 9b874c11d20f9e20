# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis.strategies import integers

from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, Frontier, leaf_hash
from fedsafe_node.log.edge import Edge, tile_root

SIZES = integers(0, 1300)
LEAVES = [leaf_hash(b"%d" % number) for number in range(70_000)]


def grow(edge: Edge, start: int, stop: int) -> list[tuple[int, int, bytes]]:
    return [tile for leaf in LEAVES[start:stop] for tile in edge.append(leaf)]


def root_of(size: int) -> bytes:
    frontier = Frontier()
    frontier.extend(LEAVES[:size])
    return frontier.root()


def test_an_empty_edge_has_the_empty_root() -> None:
    assert Edge().root() == EMPTY_ROOT


@given(SIZES)
def test_the_root_is_that_of_rfc_6962(size: int) -> None:
    edge = Edge()
    grow(edge, 0, size)

    assert edge.size == size
    assert edge.root() == root_of(size)


def test_the_root_may_be_asked_for_after_every_append() -> None:
    edge, frontier = Edge(), Frontier()
    for leaf in LEAVES[: 3 * TILE_WIDTH + 3]:
        edge.append(leaf)
        frontier.extend([leaf])

        assert edge.root() == frontier.root()


@given(SIZES, SIZES)
def test_the_root_may_be_asked_for_on_the_way(first: int, more: int) -> None:
    edge = Edge()
    grow(edge, 0, first)
    edge.root()
    grow(edge, first, first + more)

    assert edge.root() == root_of(first + more)


def test_every_full_tile_is_told_once_with_its_root() -> None:
    edge = Edge()

    tiles = grow(edge, 0, 70_000)

    level_1 = [tile for tile in tiles if tile[0] == 1]
    level_2 = [tile for tile in tiles if tile[0] == 2]
    assert [index for _, index, _ in level_1] == list(range(70_000 // TILE_WIDTH))
    assert level_2 == [(2, 0, tile_root(LEAVES[: TILE_WIDTH**2]))]
    assert level_1[5][2] == tile_root(LEAVES[5 * TILE_WIDTH : 6 * TILE_WIDTH])
    assert edge.root() == root_of(70_000)


@given(SIZES, SIZES)
def test_extending_is_appending_many(first: int, more: int) -> None:
    one, many = Edge(), Edge()
    tiles = grow(one, 0, first + more)
    told = many.extend(LEAVES[:first])
    assert many.root() == root_of(first)
    told += many.extend(LEAVES[first : first + more])

    assert (many.size, many.root(), told) == (one.size, one.root(), tiles)
    assert many.unfinished() == one.unfinished()


@given(SIZES, SIZES, SIZES)
def test_going_back_forgets_what_was_appended(
    before: int, undone: int, after: int
) -> None:
    edge = Edge()
    grow(edge, 0, before)
    mark = edge.mark()
    grow(edge, 1000, 1000 + undone)
    assert edge.size == before + undone
    edge.root()

    edge.back_to(mark)
    assert (edge.size, edge.root()) == (before, root_of(before))

    again = grow(edge, before, before + after)
    expected = grow(Edge(), 0, before + after)
    assert edge.root() == root_of(before + after)
    assert again == expected[len(grow(Edge(), 0, before)) :]
