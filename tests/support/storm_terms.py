# SPDX-License-Identifier: Apache-2.0
"""What is drawn for a storm, and what has befallen a federation in all of them."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from tests.support.links import FAULTS, Weather
from tests.support.lying_node import BEHIND, DEALS, FORGED, LIES, VIEWS
from tests.support.node_kills import Act

FORK: Final = "two checkpoints shown to a witness"
"""A lie that suspends its origin at all others, until a person excuses it."""
LIARS: Final = {
    FORGED: "forged and replayed statements",
    BEHIND: "stale charter",
    DEALS: "bad shares dealt",
    VIEWS: "two views of a feed",
}
"""What a liar is counted as that evaluates rightly."""
_SKEWS: Final = (-3600, -200, -3, 3, 200, 3600)


@dataclass(frozen=True, slots=True)
class Storm:
    """One storm; *full* names the node whose disk has no room.

    Once it is over *forks*, *views*, *behind* and *deals* name who lies to the others.
    """

    weather: Weather
    seconds: float
    parted: str = ""
    killed: tuple[str, ...] = ()
    skewed: tuple[str, float] | None = None
    full: str | None = None
    liar: tuple[str, str] | None = None
    forks: str | None = None
    views: str | None = None
    behind: str | None = None
    deals: str | None = None

    def named(self) -> Counter[str]:
        """Name what befalls whole nodes in it, and how one of them evaluates."""
        found = Counter[str]()
        found["killed"] = len(self.killed)
        found["clock wrong"] = int(self.skewed is not None)
        found["disk full"] = int(self.full is not None)
        if self.parted:
            found[self.parted] = 1
        if self.liar is not None:
            found[liar_of(self.liar[1])] = 1
        return +found


def liar_of(how: str) -> str:
    """Say as what a liar is counted."""
    return f"liar: {how}" if how in LIES else f"liar: {LIARS[how]}"


@dataclass(slots=True)
class Stormy:
    """What a desk's people have done beside what a `Desk` knows."""

    disputes: dict[str, str] = field(default_factory=dict)
    """The dispute of each signal that was disputed here."""
    rulings: dict[str, bool] = field(default_factory=dict)
    """Whether the signal stands, by dispute that was ruled on here."""
    late: list[Act] = field(default_factory=list)


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
    liar = skewed = full = None
    if random.random() < 0.3:
        liar = random.choice(names), random.choice([*LIES, FORGED, FORGED])
    forks, views, behind, deals = (
        random.choice(names) if random.random() < 0.1 else None for _ in range(4)
    )
    honest = [name for name in names if liar is None or name != liar[0]]
    if random.random() < 0.2:
        skewed = random.choice(honest), random.choice(_SKEWS)
    if disks and random.random() < 0.2:
        full = random.choice(names)
    killed = random.sample(honest, random.choice([0, 0, 1, 1, 2]))
    return Storm(
        weather,
        random.uniform(0.2, 1.0),
        parted,
        tuple(killed),
        skewed,
        full,
        liar,
        forks,
        views,
        behind,
        deals,
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
