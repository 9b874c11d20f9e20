# SPDX-License-Identifier: Apache-2.0
"""Kill nodes while members share their key anew, make another, or take new keys.

In each round one node dies by SIGKILL at a fault point that the seed chose, is started
again, and often dies again on its way. People look up at all nodes meanwhile. Then:

* what was begun has ended: all agree on one version of the charter, and it brings what
  was asked for, once,
* every node evaluates with a whole share of what the charter shows, and with no other,
  and signs with the keys that the members know it by,
* whoever is listed still matches everywhere (the tokens are the same), and was never
  told to be on no list while the round lasted,
* nobody is accused, and every log verifies.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from string import ascii_lowercase
from typing import Any, Final

from tests.support.federation import Federation, until
from tests.support.hatchery import Hatchery, hatchery
from tests.support.node_orders import order, propose_keys, share_anew
from tests.support.ordered_node import DIED, move_clock

from fedsafe_cli.demo.fleet import answers, find, free_ports, stop
from fedsafe_cli.demo.nodes import STATE, DemoNode, make_shown

SHARES: Final = "shares"
KEYS: Final = "keys"
EPOCH: Final = "epoch"
KINDS: Final = (SHARES, KEYS, EPOCH)
_PATIENCE: Final = 120.0
_PACE: Final = 0.1
_BETWEEN: Final = 0.2
"""Seconds between two questions at a node: budgets are for a day."""
_POINTS: Final = 90
"""So many fault points a node comes past in a round, about."""
_DEATHS: Final = 3
_OVERLAP: Final = 32 * 24 * 3600
"""After so many seconds no signal of an epoch that was followed matches any more."""
_ACCUSING: Final = ("evaluation.wrong_answer", "federation.resharing_failed")
_PAGE: Final = 1_000


@dataclass(slots=True)
class Told:
    """What was counted in all rounds."""

    rounds: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    """How often a node died at each fault point."""
    lookups: Counter[str] = field(default_factory=Counter)
    """How often an answer about somebody who is listed said what."""


class CeremonyLoop:
    """A federation whose nodes die while keys change."""

    def __init__(self, federation: Federation, hatched: Hatchery, seed: int) -> None:
        self._federation = federation
        self._hatched = hatched
        self._random = Random(seed)  # noqa: S311 - no secret hangs on it
        self._moved = 0
        self._listed: dict[str, str] = {}
        self._since = dict.fromkeys((node.name for node in federation.nodes), 0)
        self.told = Told()
        for node in federation.nodes:
            self._list(node)

    def round(self, kind: str) -> None:
        """Let it be done, a node die meanwhile, and check."""
        victim = self._random.choice(self._federation.nodes)
        before = self._agreed()
        order(victim, "die", after=self._random.randrange(1, _POINTS))
        with self._asking():
            if kind == KEYS:
                self._change_keys(victim, before)
            else:
                self._share(victim, before, opens=kind == EPOCH)
        self._note_deaths()
        until(self._federation.caught_up, "catching up", patience=_PATIENCE)
        if kind == KEYS:
            self._list(victim)  # they take what it signs with the new keys
        self.check()
        if kind == EPOCH:
            self._end_epoch()
        self.told.rounds[kind] += 1

    def claim(self, value: str, signal: str) -> None:
        """Say that somebody is listed whom nobody has listed: `check` must fail."""
        self._listed[value] = signal

    def _share(self, victim: DemoNode, before: dict[str, Any], *, opens: bool) -> None:
        nodes, epochs = self._federation.nodes, before["epochs"]
        epoch, generation = epochs[-1]
        wanted = [*epochs[:-1], [epoch, generation + 1]]
        if opens:  # an epoch that is over leaves the charter when another begins
            wanted = [*before["live"], [epoch + 1, 1]]
        convenor = self._random.choice(nodes)

        def is_done() -> bool:
            share_anew(nodes, convenor, before["version"], opens=opens)
            states = [order(node, "state") for node in nodes]
            return all(each and each["epochs"] == wanted for each in states)

        self._through(victim, is_done, "a key shared anew")

    def _change_keys(self, victim: DemoNode, before: dict[str, Any]) -> None:
        nodes, version = self._federation.nodes, before["version"]

        def is_done() -> bool:
            propose_keys(victim, nodes, version)
            states = [order(node, "state") for node in nodes]
            return all(each and each["version"] == version + 1 for each in states)

        self._through(victim, is_done, "new keys")
        after = self._agreed()
        assert after["keys"][victim.name] != before["keys"][victim.name]
        others = {node.name for node in nodes} - {victim.name}
        assert {name: after["keys"][name] for name in others} == {
            name: before["keys"][name] for name in others
        }

    def _through(
        self, victim: DemoNode, is_done: Callable[[], bool], what: str
    ) -> None:
        """Go on until it is done, and start the victim again whenever it dies."""
        deaths = 0

        def is_over() -> bool:
            nonlocal deaths
            process = find(victim.directory)
            if process is None:
                deaths += 1
                dies = 0
                if deaths < _DEATHS and self._random.random() < 0.6:
                    dies = self._random.randrange(1, _POINTS)
                self._hatched.start(victim.directory, dies=dies)
            return is_done()

        until(is_over, what, patience=_PATIENCE, pace=_PACE)
        until(lambda: self._is_safe(victim), "the start", patience=_PATIENCE)
        until(lambda: answers(victim.directory), "the start", patience=_PATIENCE)

    def _is_safe(self, victim: DemoNode) -> bool:
        """Whether it runs, and does not die any more."""
        if find(victim.directory) is None:
            self._hatched.start(victim.directory)
        return order(victim, "die", after=0) is True

    def check(self) -> None:
        """Hold all nodes to what was agreed on."""
        nodes = self._federation.nodes
        charter = self._agreed()
        until(
            lambda: all(self._is_whole(node, charter) for node in nodes),
            "the end of older shares",
            patience=_PATIENCE,
            pace=_PACE,
        )
        for node in nodes:
            for value, signal in self._listed.items():
                self._matches(node, value, signal)
            self._accuses_nobody(node)
            verified = self._federation.caller(node).post("/v1/audit/verify").body
            assert verified["ok"], verified

    def _agreed(self) -> dict[str, Any]:
        """Give what all nodes say of the charter, once they all say the same."""
        nodes, found = self._federation.nodes, dict[str, Any]()
        shown = ("version", "digest", "epochs", "live", "holders", "keys")

        def is_one() -> bool:
            states = [order(node, "state") or {} for node in nodes]
            said = [{key: each.get(key) for key in shown} for each in states]
            found.update(said[0])
            return bool(states[0]) and all(each == said[0] for each in said)

        until(is_one, "agreeing", patience=_PATIENCE, pace=_PACE)
        return found

    def _is_whole(self, node: DemoNode, charter: dict[str, Any]) -> bool:
        """Whether it holds what the charter shows; older shares go with a job."""
        state = order(node, "state")
        assert state is not None
        assert state["rests"] is None, (node.name, state["rests"])
        assert state["serves"] == charter["live"], (node.name, state["serves"])
        assert state["signs_with"] == charter["keys"][node.name], node.name
        order(node, "tend")
        return bool(state["held"] == charter["live"])

    def _matches(self, node: DemoNode, value: str, signal: str) -> None:
        found = set[str]()

        def is_answered() -> bool:
            answer = self._federation.lookup(node, _about(value))
            assert answer.status in {200, 429, 503}, answer.body
            if answer.status != 200:
                return False
            result = answer.body["result"]
            assert result != "none", f"{node.name} has lost a signal"
            found.update(match["signal"] for match in answer.body["matches"])
            return bool(result == "review")

        until(is_answered, f"a match at {node.name}", patience=_PATIENCE)
        assert found == {signal}

    def _accuses_nobody(self, node: DemoNode) -> None:
        caller, name = self._federation.caller(node, "audit"), node.name
        while True:
            target = f"/v1/audit/events?since={self._since[name]}&limit={_PAGE}"
            page = caller.get(target).body
            for event in page["events"]:
                named = event["event"] in _ACCUSING
                assert not named, f"{name} accuses: {event.get('detail')}"
            self._since[name] = page["next"]
            if len(page["events"]) < _PAGE:
                return

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Look up at all nodes meanwhile; no answer says that nobody is listed."""
        stop, failures = threading.Event(), list[BaseException]()

        def ask(node: DemoNode, random: Random) -> None:
            try:
                while not stop.wait(_BETWEEN):
                    with suppress(OSError, HTTPException):
                        self._look(node, random.choice(list(self._listed)))
            except BaseException as failure:  # noqa: BLE001 - told to the main thread
                failures.append(failure)

        threads = [
            threading.Thread(target=ask, args=(node, Random(self._random.random())))  # noqa: S311
            for node in self._federation.nodes
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]

    def _look(self, node: DemoNode, value: str) -> None:
        answer = self._federation.lookup(node, _about(value))
        if answer.status != 200:
            assert answer.status in {429, 503}, answer.body
            self.told.lookups["unavailable"] += 1
            return
        result, matches = answer.body["result"], answer.body["matches"]
        self.told.lookups[result] += 1
        assert result != "none", f"{node.name} says of {value} that nobody lists it"
        assert {each["signal"] for each in matches} <= {self._listed[value]}

    def _list(self, node: DemoNode) -> None:
        """Let a node publish a signal."""
        value = f"person{self._random.getrandbits(60)}@mail.example"
        found = list[str]()

        def is_published() -> bool:
            with suppress(AssertionError):  # a member was slow to evaluate
                found[:] = self._federation.publish(node, [_about(value)])
            return bool(found)

        until(is_published, "publishing", patience=_PATIENCE)
        until(self._federation.caught_up, "catching up", patience=_PATIENCE)
        self._listed[value] = found[0]

    def _pass(self, seconds: int) -> None:
        self._moved += seconds
        move_clock(self._hatched.clock, self._moved)
        until(self._federation.caught_up, "catching up", patience=_PATIENCE)
        for node in self._federation.nodes:
            assert order(node, "credentials")

    def _end_epoch(self) -> None:
        """Let the older of two epochs end: what was published in it ends as well."""
        epochs = self._agreed()["epochs"]
        self._listed.clear()
        for node in self._federation.nodes:
            self._list(node)
        self._pass(_OVERLAP)
        for node in self._federation.nodes:
            until(
                lambda node=node: self._holds(node, epochs[-1:]),  # type: ignore[misc]
                "the end of an epoch",
                patience=_PATIENCE,
                pace=_PACE,
            )

    def _holds(self, node: DemoNode, epochs: list[list[int]]) -> bool:
        order(node, "tend")
        return bool((order(node, "state") or {}).get("held") == epochs)

    def _note_deaths(self) -> None:
        for node in self._federation.nodes:
            with suppress(FileNotFoundError):
                self.told.deaths.update((node.directory / DIED).read_text().split())
                (node.directory / DIED).unlink()


def _about(value: str) -> dict[str, str]:
    return {"kind": "email", "value": value}


@contextmanager
def ceremonies(root: Path, count: int, seed: int) -> Iterator[CeremonyLoop]:
    """Raise a federation for such rounds."""
    root.mkdir()
    names = [f"{letter}.demo" for letter in ascii_lowercase[:count]]
    nodes = [
        make_shown(root / name, port)
        for name, port in zip(names, free_ports(count), strict=True)
    ]
    said = json.dumps({"nodes": [asdict(node) for node in nodes]})
    (root / STATE).write_text(said, encoding="utf-8")
    with hatchery(root / "clock") as hatched:
        try:
            for node in nodes:
                hatched.start(node.directory)
            fed = Federation(root, count)
            fed.starter = hatched.start
            yield CeremonyLoop(fed, hatched, seed)
        finally:
            for node in nodes:
                stop(node.directory)
