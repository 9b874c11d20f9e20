# SPDX-License-Identifier: Apache-2.0
"""The rooms stand one above the other, and the map of their names is whole."""

from collections import Counter
from dataclasses import replace
from typing import Final

import pytest

from tests.rooms import LOOSE, SMALL, TABLE, House, circles, contracts, read_house

SIGNALS: Final = "fedsafe_node.signals.desk"
LOOKUP: Final = "fedsafe_node.lookup.service"
CLOCK: Final = "fedsafe_node.ground.clock"
CASES: Final = "fedsafe_node.casework.cases.service"


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


def test_every_module_stands_in_a_room(house: House) -> None:
    assert house.homeless() == [], f"give each a line in {TABLE.name}"
    assert house.stale() == [], f"take these lines out of {TABLE.name}"


def test_no_modules_import_each_other_in_a_circle(house: House) -> None:
    assert house.module_circles() == []


def test_no_rooms_import_each_other_in_a_circle(house: House) -> None:
    assert house.room_circles() == []


def test_a_room_imports_what_stands_below_it(house: House) -> None:
    assert house.against_order() == []


def test_a_small_file_says_why_it_stands_alone(house: House) -> None:
    assert house.unexplained() == [], f"join each, or say why in {TABLE.name}"
    assert house.overexplained() == [], f"take these out of `small` in {TABLE.name}"


def test_a_small_file_without_a_reason_is_found(house: House) -> None:
    small = {"fedsafe_node.attic.trunk": SMALL - 1, "fedsafe_node.__main__": 1}
    worse = replace(house, lines=dict(house.lines) | small)
    assert worse.unexplained() == ["fedsafe_node.attic.trunk"]
    assert worse.overexplained() == []


@pytest.mark.parametrize("count", [None, SMALL])
def test_a_reason_for_what_is_not_small_is_found(
    house: House, count: int | None
) -> None:
    rest = {name: lines for name, lines in house.lines.items() if name != CLOCK}
    worse = replace(house, lines=rest if count is None else rest | {CLOCK: count})
    assert worse.overexplained() == [CLOCK]
    assert worse.unexplained() == []


def test_names_by_the_map_are_fit(house: House) -> None:
    later = [house.name(each) for each in house.names]
    assert [name for name, count in Counter(later).items() if count > 1] == []
    assert house.gerunds(later) == []
    assert all(len(loose) <= LOOSE for loose in house.loose(later).values())
    folders = {each.rpartition(".")[0] for each in later}
    assert folders & set(later) == set()


def test_a_circle_is_found_with_its_path() -> None:
    straight = {"a": ["b", "c"], "b": ["c"], "c": []}
    assert circles(straight) == []

    (found,) = circles({"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": []})
    assert found[0] == found[-1]
    assert "".join(found) in {"abca", "bcab", "cabc"}


@pytest.mark.parametrize(
    ("importer", "imported", "why"),
    [
        (LOOKUP, SIGNALS, "fedsafe_node.signals stands above fedsafe_node.lookup"),
        (SIGNALS, CASES, "fedsafe_node.casework and fedsafe_node.signals stand apart"),
        ("fedsafe_crypto.tlog.tree", "fedsafe_policies.ground.span", "stand apart"),
        ("fedsafe_policies.ground.span", "fedsafe_node.ground.clock", "stands above"),
    ],
)
def test_an_import_against_the_order_is_found(
    house: House, importer: str, imported: str, why: str
) -> None:
    worse = replace(house, imports=frozenset({(importer, imported)}))
    (found,) = worse.against_order()
    assert why in found


def test_a_module_that_nobody_has_placed_is_found(house: House) -> None:
    worse = replace(house, names=house.names | {"fedsafe_node.attic.trunk"})
    assert worse.homeless() == ["fedsafe_node.attic.trunk"]


def test_a_gerund_is_found_wherever_it_stands(house: House) -> None:
    names = {"fedsafe_node.attic.wondering", "fedsafe_node.attic.flood_hearing"}
    assert house.gerunds(names) == ["fedsafe_node.attic.wondering"]


def test_contracts_name_every_room(house: House) -> None:
    written = contracts(house)
    for rooms in house.table["rooms"].values():
        assert all(f'  "{room}",\n' in written for room in rooms)
