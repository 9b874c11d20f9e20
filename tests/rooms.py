# SPDX-License-Identifier: Apache-2.0
"""The rooms of the house: which module stands where, and what it may import.

`tests/rooms.toml` gives each module its room, as the name that it has once rooms are
folders. Every import counts, also inside a function and under TYPE_CHECKING.

`python -m tests.rooms` reports and ends with 1 if anything is amiss. `--renames` prints
the map old to new, `--lists` the gerunds, loose and small files of today, `--contracts`
the contracts of import-linter for these rooms. A small file joins its subject, or the
table says why it stands alone.
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Final

import grimp

TABLE: Final = Path(__file__).with_name("rooms.toml")
LOOSE: Final = 3
"""So many modules at most lie in the root of a package, beside its folders."""
SMALL: Final = 60

Import = tuple[str, str]
Graph = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class House:
    """The modules, their imports, and the table of rooms."""

    names: frozenset[str]
    imports: frozenset[Import]
    table: Mapping[str, Any]
    lines: Mapping[str, int]
    """How many each module has."""

    @cached_property
    def renames(self) -> dict[str, str]:
        """The name of each module once rooms are folders."""
        return {
            old: new for part in self.table["modules"].values() for old, new in part
        }

    def name(self, module: str) -> str:
        """Give the name that a module is to have, which it may have already."""
        return self.renames.get(module, module)

    def room(self, module: str) -> str:
        """Give a module's room, such as `fedsafe_node.rights`."""
        return ".".join(self.name(module).split(".")[:2])

    def homeless(self) -> list[str]:
        """Name the modules that stand in no room of the table."""
        rooms = set(self._places)
        return sorted(each for each in self.names if self.room(each) not in rooms)

    def stale(self) -> list[str]:
        """Name the lines of the table that speak of no module."""
        return sorted(
            old for old, new in self.renames.items() if not {old, new} & self.names
        )

    def against_order(self) -> list[str]:
        """List the imports of what stands above, or apart."""
        return [
            f"{importer} imports {imported}: {self.room(imported)} {why}"
            for importer, imported in sorted(self.imports)
            if (why := self._forbids(self.room(importer), self.room(imported)))
        ]

    def _forbids(self, importer: str, imported: str) -> str | None:
        above, below = self._places.get(importer), self._places.get(imported)
        if importer == imported or above is None or below is None:
            return None
        is_neighbour = above[0] == below[0] and not _in_one_package(importer, imported)
        if above > below and not is_neighbour:
            return f"stands above {importer}"
        if is_neighbour or self._are_apart(importer, imported):
            return f"and {importer} stand apart"
        return None

    def _are_apart(self, importer: str, imported: str) -> bool:
        apart = self.table["apart"]
        return imported in apart.get(importer, ()) or importer in apart.get(
            imported, ()
        )

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """On which floor each room is, from the roof down, and how deep there."""
        return {
            f"{package}.{room}": (floor, depth)
            for floor, packages in enumerate(self.table["floors"])
            for package in packages
            for depth, room in enumerate(self.table["rooms"][package])
        }

    def module_circles(self) -> list[list[str]]:
        """List circles of modules, each as a path; none if there is none."""
        return circles(_graph(self.imports))

    def room_circles(self) -> list[list[str]]:
        """List circles of rooms, each as a path; none if there is none."""
        between = {(self.room(one), self.room(other)) for one, other in self.imports}
        return circles(_graph((a, b) for a, b in between if a != b))

    @cached_property
    def small(self) -> set[str]:
        """The modules of few lines; what `python -m` starts needs no more of them."""
        return {
            name
            for name, count in self.lines.items()
            if count < SMALL and not name.endswith(".__main__")
        }

    @cached_property
    def _reasons(self) -> dict[str, str]:
        return {
            name: each["reason"]
            for each in self.table["small"]
            for name in each["modules"]
        }

    def unexplained(self) -> list[str]:
        """Name the small modules whose reason to stand alone the table does not say."""
        return sorted(each for each in self.small if not self._reasons.get(each))

    def overexplained(self) -> list[str]:
        """Name what has a reason to be small, and is not, or is no module."""
        return sorted(self._reasons.keys() - self.small)

    def loose(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Give by package the modules that lie in no folder."""
        found: dict[str, list[str]] = {}
        for each in sorted(names):
            package, _, rest = each.partition(".")
            if rest and "." not in rest and not rest.startswith("__"):
                found.setdefault(package, []).append(rest)
        return found

    def gerunds(self, names: Iterable[str]) -> list[str]:
        """List the names that end in a gerund which is not on the kept list."""
        kept = set(self.table["gerunds"]["kept"])
        leaving = set(self.table["gerunds"]["leaving"])
        return sorted(
            each
            for each in names
            if (word := each.rpartition(".")[2].rpartition("_")[2]).endswith("ing")
            and word not in kept
            and each not in leaving
        )


def circles(graph: Graph) -> list[list[str]]:
    """List circles, until what is left has none; each is broken where it closes."""
    left = {node: set(others) for node, others in graph.items()}
    found: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1][::-1]  # so that each imports the next
            found.append(circle)
            left[circle[0]].discard(circle[1])
        else:
            return found


def _in_one_package(one: str, other: str) -> bool:
    return one.partition(".")[0] == other.partition(".")[0]


def _graph(imports: Iterable[Import]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for importer, imported in imports:
        graph.setdefault(importer, set()).add(imported)
    return graph


def read_house() -> House:
    """Read the imports of all packages, and the table of rooms."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    table["modules"] = {
        package: tuple(part.items()) for package, part in table["modules"].items()
    }
    packages = [package for floor in table["floors"] for package in floor]
    graph = grimp.build_graph(packages[0], *packages[1:], cache_dir=None)
    # A folder's own file says what the folder is for, and imports nothing as a rule.
    folders = {each.rpartition(".")[0] for each in graph.modules}
    names = {each for each in graph.modules if each not in folders}
    imports = {
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    return House(frozenset(names), frozenset(imports), table, dict(_sizes()))


def _sizes() -> Iterator[tuple[str, int]]:
    """Give each module of the five packages, and how many lines it has."""
    root = TABLE.parent.parent
    for package in ("node", "policies", "federation", "crypto", "cli"):
        for path in sorted((root / package / f"fedsafe_{package}").rglob("*.py")):
            if path.name != "__init__.py":
                parts = path.relative_to(root / package).with_suffix("").parts
                yield ".".join(parts), path.read_text(encoding="utf-8").count("\n")


def contracts(house: House) -> str:
    """Write the contracts of import-linter that hold once rooms are folders."""
    parts = []
    for package, rooms in house.table["rooms"].items():
        layers = "".join(f'  "{room}",\n' for room in rooms)
        parts.append(
            "[[tool.importlinter.contracts]]\n"
            f'id = "{package.removeprefix("fedsafe_")}-rooms"\n'
            f'name = "A room of {package} stands above all that it imports"\n'
            'type = "layers"\n'
            f'containers = ["{package}"]\nexhaustive = true\nlayers = [\n{layers}]\n'
        )
    for one, others in house.table["apart"].items():
        for sources, targets in (([one], others), (others, [one])):
            parts.append(
                "[[tool.importlinter.contracts]]\n"
                f'name = "{sources[0]} and {targets[0]} stand apart"\n'
                'type = "forbidden"\n'
                f"source_modules = {sources}\nforbidden_modules = {targets}\n"
                "allow_indirect_imports = true\n".replace("'", '"')
            )
    return "\n".join(parts)


def report(house: House) -> bool:
    """Print how the house stands; False if anything is amiss."""
    amiss = {
        "modules in no room": house.homeless(),
        "lines about no module": house.stale(),
        "circles of modules": [" > ".join(each) for each in house.module_circles()],
        "circles of rooms": [" > ".join(each) for each in house.room_circles()],
        "imports against the order": house.against_order(),
        "small files without a reason": house.unexplained(),
        "reasons for what is not small": house.overexplained(),
    }
    for name, found in amiss.items():
        print(f"{name}: {len(found)}", *found, sep="\n  ")
    today, later = house.names, {house.name(each) for each in house.names}
    for when, names in (("today", today), ("by the map", later)):
        loose = house.loose(names)
        counted = ", ".join(f"{name} {len(each)}" for name, each in loose.items())
        gerunds = house.gerunds(names)
        same = Counter(each.rpartition(".")[2] for each in names)
        shown = ", ".join(f"{name} {n} times" for name, n in same.most_common(3))
        print(f"{when}: {len(gerunds)} gerunds; loose: {counted}; same names: {shown}")
    return not any(amiss.values())


def lists(house: House) -> None:
    """Print what is to be renamed, moved, or joined."""
    print("gerunds:", *house.gerunds(house.names), sep="\n  ")
    for package, found in house.loose(house.names).items():
        print(f"loose in {package}:", *found, sep="\n  ")
    small = [f"{name} {house.lines[name]}" for name in sorted(house.small)]
    print(f"under {SMALL} lines:", *small, sep="\n  ")


def main(arguments: list[str]) -> int:
    """Report, or print what is asked for."""
    house = read_house()
    match arguments:
        case []:
            return 0 if report(house) else 1
        case ["--renames"]:
            for old, new in house.renames.items():
                if old != new:
                    print(old, new)
        case ["--lists"]:
            lists(house)
        case ["--contracts"]:
            print(contracts(house))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
