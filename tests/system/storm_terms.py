# SPDX-License-Identifier: Apache-2.0
"""What is drawn for a storm, and what has befallen a federation in all of them."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from tests.system.links import FAULTS, Weather
from tests.system.lying_node import LIES

FORK: Final = "two trees"
"""A lie that suspends its origin at all others, until a person excuses it."""
_SKEWS: Final = (-3600, -200, -3, 3, 200, 3600)


@dataclass(frozen=True, slots=True)
class Storm:
    """One storm; *full* names the node whose disk has no room."""

    weather: Weather
    seconds: float
    parted: str = ""
    killed: tuple[str, ...] = ()
    skewed: tuple[str, float] | None = None
    full: str | None = None
    liar: tuple[str, str] | None = None
    forks: str | None = None

    def named(self) -> Counter[str]:
        """Name what befalls whole nodes in it, and how one of them evaluates."""
        found = Counter[str]()
        found["killed"] = len(self.killed)
        found["clock wrong"] = int(self.skewed is not None)
        found["disk full"] = int(self.full is not None)
        if self.parted:
            found[self.parted] = 1
        if self.liar is not None:
            found[f"liar: {self.liar[1]}"] = 1
        return +found


@dataclass(slots=True)
class Tally:
    """What was counted in some runs."""

    runs: int = 0
    acts: int = 0
    named: int = 0
    """How often an honest node named who lied."""
    seen: Counter[str] = field(default_factory=Counter)
    """How often each fault and lie befell the federation."""
    last: dict[str, int] = field(default_factory=dict)
    """What befell it in the last run."""

    def note(self, acts: int, befell: Counter[str]) -> None:
        """Count a run that is over."""
        self.runs, self.acts = self.runs + 1, self.acts + acts
        self.seen += befell
        self.last = dict(befell)

    def add(self, other: "Tally") -> None:
        """Add what was counted in others."""
        self.runs, self.acts = self.runs + other.runs, self.acts + other.acts
        self.named += other.named
        self.seen += other.seen


def draw_storm(random: Random, names: list[str], *, disks: bool = False) -> Storm:
    """Draw a storm over these nodes; with *disks* that can be filled."""
    parted, closed = _draw_parts(random, names)
    kinds = tuple(random.sample(FAULTS, random.randrange(1, len(FAULTS) + 1)))
    weather = Weather(random.choice([0.0, 0.1, 0.3, 0.6]), kinds, frozenset(closed))
    liar = forks = skewed = full = None
    if random.random() < 0.25:
        liar = random.choice(names), random.choice(list(LIES))
    if random.random() < 0.1:
        forks = random.choice(names)
    honest = [name for name in names if liar is None or name != liar[0]]
    if random.random() < 0.2:
        skewed = random.choice(honest), random.choice(_SKEWS)
    if disks and random.random() < 0.2:
        full = random.choice(names)
    killed = random.sample(honest, random.choice([0, 0, 1, 1, 2]))
    return Storm(
        weather,
        random.uniform(0.3, 1.5),
        parted,
        tuple(killed),
        skewed,
        full,
        liar,
        forks,
    )


def _draw_parts(random: Random, names: list[str]) -> tuple[str, set[tuple[str, str]]]:
    split = random.random()
    if split < 0.25:
        part = set(random.sample(names, random.randrange(1, len(names))))
        closed = {(a, b) for a in names for b in names if (a in part) != (b in part)}
        return "two parts", closed
    if split < 0.5:
        pairs = [(a, b) for a in names for b in names if a != b]
        return "one way", set(random.sample(pairs, random.randrange(1, len(pairs))))
    return "", set()
