# SPDX-License-Identifier: Apache-2.0
"""Storms over a federation: broken links, dead nodes, wrong clocks, liars.

A storm is drawn from its seed: which links are closed, what befalls requests on the
others, who is killed when, whose clock is wrong, who evaluates falsely. People work at
all nodes meanwhile; what gets no answer is repeated once the storm is over. Then the
model, which knows nothing but what was acknowledged, says what every honest node must
answer: a signal that stands matches everywhere, one that was revoked or rests nowhere;
all copies of a feed are equal and verify; whoever is accused has lied.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from signal import SIGKILL
from string import ascii_lowercase
from typing import Final

from tests.system.federation import Answer, Federation, federation, until
from tests.system.killing import Act, Desk, KillLoop
from tests.system.links import CALM, FAULTS, Links, Weather, linked
from tests.system.lying_node import LIES
from typing_extensions import override

from fedsafe_cli.demo import STAFF, STATE, DemoNode, make_shown
from fedsafe_cli.fleet import answers, find, free_ports, start
from fedsafe_policies.vocabulary import Role

_ROOT: Final = Path(__file__).parents[2]
_AFTERMATH: Final = 60.0
_MOST_DISPUTES: Final = 45  # a day, of one member: below its budget
_LIBRARIES: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
_STAFF: Final = (*STAFF, ("rita", Role.REVIEWER))


@dataclass(frozen=True, slots=True)
class Storm:
    """What is drawn for one storm."""

    weather: Weather
    seconds: float
    killed: tuple[str, ...] = ()
    skewed: tuple[tuple[str, float], ...] = ()
    liar: tuple[str, str] | None = None


def draw_storm(random: Random, names: list[str]) -> Storm:
    """Draw a storm over these nodes."""
    closed: set[tuple[str, str]] = set()
    split = random.random()
    if split < 0.25:  # two parts
        part = set(random.sample(names, random.randrange(1, len(names))))
        closed = {(a, b) for a in names for b in names if (a in part) != (b in part)}
    elif split < 0.5:  # some directions
        pairs = [(a, b) for a in names for b in names if a != b]
        closed = set(random.sample(pairs, random.randrange(1, len(pairs))))
    kinds = tuple(random.sample(FAULTS, random.randrange(1, len(FAULTS) + 1)))
    weather = Weather(random.choice([0.0, 0.1, 0.3, 0.6]), kinds, frozenset(closed))
    killed = random.sample(names, random.choice([0, 0, 1, 1, 2]))
    skewed: tuple[tuple[str, float], ...] = ()
    if _LIBRARIES and random.random() < 0.2:
        offset = random.choice([-3600, -200, -3, 3, 200, 3600])
        skewed = ((random.choice(names), offset),)
    liar = None
    if random.random() < 0.2:
        liar = random.choice(names), random.choice(list(LIES))
    seconds = random.uniform(0.3, 1.5)
    return Storm(weather, seconds, tuple(killed), skewed, liar)


@dataclass(slots=True)
class Stormy:
    """What a desk's people have done beside what a `Desk` knows."""

    disputes: dict[str, str] = field(default_factory=dict)
    """The dispute of each signal that was disputed here."""
    rulings: dict[str, bool] = field(default_factory=dict)
    """Whether the signal stands, by dispute that was ruled on here."""
    late: list[Act] = field(default_factory=list)


class StormLoop(KillLoop):
    """A federation under storms."""

    refusals = frozenset({429, 503})

    def __init__(self, federation: Federation, links: Links, seed: int) -> None:
        super().__init__(federation, seed)
        self._links = links
        self._more = {desk.node.name: Stormy() for desk in self._desks}
        self._liars: set[str] = set()

    @property
    def faults(self) -> int:
        """How many requests between nodes met a fault."""
        return self._links.count

    @override
    def round(self) -> None:
        """Let people work through one storm, then check what is left of it."""
        names = [desk.node.name for desk in self._desks]
        storm = draw_storm(self._random, names)
        with ExitStack() as stack:
            for name, offset in storm.skewed:
                stack.enter_context(self._skewed(name, offset))
            if storm.liar is not None:
                stack.enter_context(self._lying(*storm.liar))
            self._links.weather = storm.weather
            self._through(storm)
            self._links.weather = CALM
        dead = [desk.node for desk in self._desks if not answers(desk.node.directory)]
        self._federation.start(*dead, patience=_AFTERMATH)
        self._calm_down()
        for desk in self._desks:
            self._repeat(desk)
        self._calm_down()
        self.check()

    def _through(self, storm: Storm) -> None:
        with self._working():
            time.sleep(storm.seconds)  # how long it lasts
            for name in storm.killed:
                self._kill(name)

    def _kill(self, name: str) -> None:
        process = find(self._desk(name).node.directory)
        if process is not None:
            os.kill(process.pid, SIGKILL)
            until(lambda: not process.alive(), f"the end of {name}")

    def _desk(self, name: str) -> Desk:
        return next(desk for desk in self._desks if desk.node.name == name)

    def _calm_down(self) -> None:
        until(self._federation.caught_up, "catching up", patience=_AFTERMATH)

    @contextmanager
    def _skewed(self, name: str, offset: float) -> Iterator[None]:
        """Let a node's clock be wrong until the storm is over."""
        node = self._desk(name).node
        self._kill(name)
        wrong = {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME": f"{offset:+}s",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        os.environ.update(wrong)
        try:
            start(node.directory)
        finally:
            for variable in wrong:
                del os.environ[variable]
        # It may say that it is not well: nobody tells it what they have seen.
        until(lambda: self._listens(node), f"the start of {name}", patience=_AFTERMATH)
        try:
            yield
        finally:
            self._kill(name)

    def _listens(self, node: DemoNode) -> bool:
        try:
            self._federation.caller(node).get("/v1/health", timeout=2)
        except (OSError, HTTPException):
            return False
        return True

    @contextmanager
    def _lying(self, name: str, how: str) -> Iterator[None]:
        """Let a node evaluate falsely until the storm is over."""
        node = self._desk(name).node
        self._kill(name)
        self._liars.add(name)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.system.lying_node", node.dir, how],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as liar:
            try:
                until(
                    lambda: answers(node.directory),
                    "the start of the liar",
                    patience=_AFTERMATH,
                )
                yield
            finally:
                liar.kill()
                liar.wait()

    @override
    def _something(self, desk: Desk) -> None:
        draw = desk.random.random()
        more = self._more[desk.node.name]
        if draw < 0.08 and len(more.disputes) < _MOST_DISPUTES:
            self._dispute(desk)
        elif draw < 0.14:
            self._rule(desk)
        else:
            super()._something(desk)

    def _dispute(self, desk: Desk) -> None:
        mine = self._desks.index(desk)
        for place, other in enumerate(self._desks):
            # Each signal has one member that may dispute it: of two that say the same
            # only one rests it, and which differs until all have heard of both.
            for signal in list(other.published.values()):
                chosen = (place + 1 + sum(signal.encode()) % (len(self._desks) - 1)) % (
                    len(self._desks)
                )
                if chosen != mine or self._named(signal):
                    continue
                body = {"signal": signal, "contention": "wrong_person"}
                target = "/v1/disputes"
                act = Act("dispute", signal, target, "ben", body, 201, signal)
                self._write(desk, act)
                return

    def _rule(self, desk: Desk) -> None:
        caller = self._federation.caller(desk.node, "rita")
        answer = caller.get("/v1/disputes?state=open")
        if answer.status != 200:
            return
        late = {act.signal for act in self._more[desk.node.name].late}
        for found in answer.body["disputes"]:
            value = next(
                (v for v, s in desk.published.items() if s == found["signal"]), None
            )
            if not found["ours"] or value is None or found["signal"] in late:
                continue
            body = {"stands": desk.random.random() < 0.5, "reason": "ruling-1"}
            target = f"/v1/disputes/{found['dispute']}/ruling"
            self._write(
                desk, Act("rule", value, target, "rita", body, 200, found["signal"])
            )
            return

    def _named(self, signal: str) -> bool:
        return any(
            signal in more.disputes or any(act.signal == signal for act in more.late)
            for more in self._more.values()
        )

    @override
    def _choose(self, desk: Desk, among: dict[str, str]) -> str | None:
        late = {act.signal for act in self._more[desk.node.name].late}
        free = [value for value, signal in among.items() if signal not in late]
        return desk.random.choice(free) if free else None

    @override
    def _write(self, desk: Desk, act: Act) -> None:
        try:
            answer = self._send(desk, act)
        except (OSError, HTTPException):
            self._more[desk.node.name].late.append(act)
            raise
        if answer.status in self.refusals:
            self._more[desk.node.name].late.append(act)
        else:
            self._take(desk, act, answer)

    def _take(self, desk: Desk, act: Act, answer: Answer) -> None:
        more = self._more[desk.node.name]
        if act.kind in {"dispute", "rule"} and answer.status in {404, 409}:
            return  # it has not come yet, or was revoked or ruled on before
        match act.kind:
            case "dispute":
                assert answer.status == act.status, (answer.status, answer.body)
                more.disputes[act.signal] = answer.body["dispute"]
                desk.acts += 1
            case "rule":
                assert answer.status == act.status, (answer.status, answer.body)
                more.rulings[act.target.split("/")[3]] = act.body["stands"]
                desk.acts += 1
                if not act.body["stands"]:
                    desk.revoked[act.value] = desk.published.pop(act.value)
            case _:
                desk.take(act, answer)

    @override
    def _repeat(self, desk: Desk) -> None:
        more = self._more[desk.node.name]
        late, more.late = more.late, []
        for act in late:
            answer = self._send(desk, act)
            again = self._send(desk, act)
            assert answer.body == again.body, (act.kind, answer.body, again.body)
            self._take(desk, act, answer)

    @override
    def _resting(self) -> set[str]:
        ruled = {one for more in self._more.values() for one in more.rulings}
        return {
            signal
            for more in self._more.values()
            for signal, dispute in more.disputes.items()
            if dispute not in ruled
        }

    @override
    def _records(self, desk: Desk) -> int:
        more = self._more[desk.node.name]
        return super()._records(desk) + len(more.disputes) + len(more.rulings)

    @override
    def check(self) -> None:
        """Hold every node to the model, and every accusation to the truth."""
        super().check()
        for desk in self._desks:
            accused = desk.read.accused
            assert accused <= self._liars, f"{accused - self._liars} never lied"
            peers = self._federation.caller(desk.node).get("/v1/status").body["peers"]
            assert not any(peer["suspended"] for peer in peers), "nobody forked a feed"


@contextmanager
def stormy(root: Path, count: int, seed: int) -> Iterator[StormLoop]:
    """Raise a federation whose nodes are reached through links."""
    names = [f"{letter}.demo" for letter in ascii_lowercase[:count]]
    free = free_ports(2 * count)
    ports = dict(zip(names, zip(free[::2], free[1::2], strict=True), strict=True))
    root.mkdir()
    nodes = [
        asdict(
            make_shown(
                root / name, inside, url=f"http://127.0.0.1:{outside}", staff=_STAFF
            )
        )
        for name, (outside, inside) in ports.items()
    ]
    (root / STATE).write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    random = Random(f"{seed} links")  # noqa: S311 - no secret hangs on it
    with linked(Links(random, ports)) as links, federation(root, count) as fed:
        yield StormLoop(fed, links, seed)
