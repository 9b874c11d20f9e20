# SPDX-License-Identifier: Apache-2.0
"""Storms over a federation: broken links, dead nodes, wrong clocks, liars.

A storm is drawn from its seed: which links are closed, what befalls requests on the
others, who is killed when, whose clock is wrong, whose disk is full, who evaluates
falsely or shows two trees. People work at all nodes meanwhile; what gets no answer is
repeated once the storm is over. Then the model, which knows nothing but what was
acknowledged, says what every honest node must answer: a signal that stands matches
everywhere, one that was revoked or rests nowhere; all copies of a feed are equal and
verify; whoever has lied is accused, and nobody else; all go by one charter.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.client import HTTPException
from signal import SIGKILL
from typing import Final

from tests.support.federation import Answer, Federation, until
from tests.support.full_disks import filled
from tests.support.hatchery import Hatchery
from tests.support.links import CALM, Links, Weather
from tests.support.lying_node import BEHIND, DEALS, FORGED, LIES, VIEWS
from tests.support.node_kills import Act, Desk, KillLoop
from tests.support.node_orders import order
from tests.support.storm_terms import (
    FORK,
    Storm,
    Stormy,
    Tally,
    draw_storm,
    liar_of,
)
from tests.support.strays import Strays
from tests.support.two_trees import TwoTrees
from typing_extensions import override

from fedsafe_cli.demo.fleet import answers, find

_AFTERMATH: Final = 120.0
_MOST_DISPUTES: Final = 45  # a day, of one member: below its budget
_LOOKUPS: Final = 48
"""Each asks one of two by chance, or more: a liar is asked in one of so many."""
_SHOWN: Final = 3


class StormLoop(KillLoop):
    """A federation under storms."""

    refusals = frozenset({429, 503})

    def __init__(
        self, federation: Federation, links: Links, hatchery: Hatchery, seed: int
    ) -> None:
        super().__init__(federation, seed)
        self._links = links
        self._hatchery = hatchery
        self._disks = all(os.path.ismount(node.dir) for node in federation.nodes)
        self._more = {desk.node.name: Stormy() for desk in self._desks}
        self._liars: set[str] = set()
        self._skewed: set[str] = set()
        self._strays = Strays(federation, self._desks, self._random)
        self.tally = Tally()

    @property
    def faults(self) -> Counter[str]:
        """How many requests between nodes met which fault."""
        return self._links.count

    @override
    def round(self, storm: Storm | None = None) -> None:
        """Let people work through one storm, then check what is left of it.

        It is drawn, if none is given.
        """
        names = [desk.node.name for desk in self._desks]
        storm = storm or draw_storm(self._random, names, disks=self._disks)
        liar, before = storm.liar, self.acts
        with self._wrong(liar[0], how=liar[1]) if liar else nullcontext():
            self._links.weather = storm.weather
            self._through(storm)
            self._links.weather = CALM
            self._raise()
            self._strays.read_on()
            if liar:
                self._accuse(*liar)
        self._raise()
        for desk in self._desks:
            self._repeat(desk)
        self._calm_down()
        befell = storm.named()
        done = self.acts - before
        self._stray(storm, befell)
        self.check()
        self.tally.note(done, befell)

    def _stray(self, storm: Storm, befell: Counter[str]) -> None:
        """Let members lie about their feeds, the charter and keys."""
        if storm.forks is not None and self._fork(storm.forks):
            befell[f"liar: {FORK}"] += 1
        if storm.views is not None:
            self._show_views(storm.views)
            befell[liar_of(VIEWS)] += 1
        if storm.behind is not None:
            with self._wrong(storm.behind, how=BEHIND):
                self._strays.leave_behind(storm.behind)
            befell[liar_of(BEHIND)] += 1
            self._raise()
        if storm.deals is not None and self._strays.may_deal_badly(storm.deals):
            self._deal_badly(storm.deals)
            befell[liar_of(DEALS)] += 1

    def _deal_badly(self, name: str) -> None:
        strays = self._strays
        with self._wrong(name, how=DEALS):
            strays.name_dealer(name, self._read)
        self.tally.named += len(self._desks) - 1
        self._raise()
        strays.share_with_all()

    def _through(self, storm: Storm) -> None:
        name, skew = storm.skewed or ("", 0.0)
        with self._wrong(name, skew=skew) if name else nullcontext(), self._working():
            full = self._desk(storm.full).node.directory if storm.full else None
            with filled(full) if full else nullcontext():
                time.sleep(storm.seconds)  # how long it lasts
                for each in storm.killed:
                    self._kill(each)

    def _raise(self) -> None:
        """Start whoever is down, and wait until all know what the others know."""
        dead = [desk.node for desk in self._desks if not answers(desk.node.directory)]
        self._federation.start(*dead, patience=_AFTERMATH)
        self._calm_down()

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
    def _wrong(self, name: str, *, how: str = "", skew: float = 0.0) -> Iterator[None]:
        """Let a node go by a wrong clock, or evaluate falsely."""
        node = self._desk(name).node
        self._kill(name)
        if how in LIES:
            self._liars.add(name)
        if skew:
            self._skewed.add(name)
        self._hatchery.start(node.directory, how, skew)
        # It may say that it is not well: nobody tells it what they have seen.
        until(
            lambda: self._federation.listens(node),
            f"the start of {name}",
            patience=_AFTERMATH,
        )
        try:
            yield
        finally:
            self._kill(name)

    def _accuse(self, liar: str, how: str) -> None:
        """Look up at all others until they have seen what the liar answers."""
        if how == FORGED:
            self._strays.refuse_forged(liar)
            self._exchange_beside(liar)
            self.tally.named += len(self._desks) - 1
            return
        for desk in self._desks:
            if desk.node.name == liar:
                continue
            for number in range(_LOOKUPS):
                if number == _LOOKUPS // 2:
                    # It may have been slow in the storm: others are asked first then.
                    self._links.weather = self._without_others(desk, liar)
                self._read(desk)
                if liar in desk.read.accused:
                    self.tally.named += 1
                    break
                about = {"kind": "email", "value": f"nobody{number}@mail.example"}
                answer = self._federation.lookup(desk.node, about)
                assert answer.status in {200, *self.refusals}, answer.body
                assert answer.body.get("matches", []) == [], "a false match"
            else:
                raise AssertionError(f"{desk.node.name} never named {liar}, which lied")
            self._links.weather = CALM

    def _without_others(self, desk: Desk, liar: str) -> Weather:
        """Let a desk's node reach too few of the honest to do without the liar."""
        me = desk.node.name
        honest = {each.node.name for each in self._desks} - {me, liar}
        return Weather(closed=frozenset((me, other) for other in honest))

    def _fork(self, name: str) -> bool:
        trees = TwoTrees(self._federation, self._desk(name).node, self._random)
        if not trees.show():
            return False
        self._rest(name, trees)
        self._calm_down()
        return True

    def _show_views(self, name: str) -> None:
        """Let a member's feed bear another tree of the size that all others have."""
        desk = self._desk(name)
        if not self._records(desk):
            self._publish_one(desk)
            self._calm_down()
        trees = TwoTrees(self._federation, desk.node, self._random)
        with self._wrong(name, how=VIEWS):
            trees.is_named()
        self._rest(name, trees)
        self._raise()

    def _publish_one(self, desk: Desk) -> str:
        act = self._record(desk, "draft")
        self._take(desk, act, self._taken(desk, act))
        body = {"signals": [act.signal]}
        target = "/v1/signals/approve"
        act = Act("publish", act.value, target, "ben", body, 200, act.signal)
        self._take(desk, act, self._taken(desk, act))
        return act.value

    def _exchange_beside(self, liar: str) -> None:
        """See that what the others exchange meanwhile is not held up."""
        first, *others = [desk for desk in self._desks if desk.node.name != liar]
        about = {"kind": "email", "value": self._publish_one(first)}
        for node in [desk.node for desk in others]:
            until(
                lambda node=node: bool(  # type: ignore[misc]
                    self._federation.lookup(node, about).body.get("matches")
                ),
                f"a match at {node.name} beside {liar}, which lies,",
            )

    def _rest(self, name: str, trees: TwoTrees) -> None:
        """See that nothing of a member matches, until it is excused."""
        self.tally.named += len(self._desks) - 1
        listed = list(self._desk(name).published)[:_SHOWN]
        trees.rests([{"kind": "email", "value": value} for value in listed])
        trees.excuse()

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
        if act.kind == "rule" and answer.body.get("code") == "ruling_late":
            assert desk.node.name in self._skewed, answer.body
            return  # it came at a time that has not come yet
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
            answer = self._taken(desk, act)
            if answer.status == act.status:
                again = self._send(desk, act)
                assert answer.body == again.body, (act.kind, answer.body, again.body)
            self._take(desk, act, answer)

    def _taken(self, desk: Desk, act: Act) -> Answer:
        """Send until it is taken: a disk has room again only once its node looks."""
        given: list[Answer] = []

        def is_taken() -> bool:
            given.append(self._send(desk, act))
            return given[-1].status not in self.refusals

        until(is_taken, f"{act.kind} at {desk.node.name}", patience=_AFTERMATH)
        return given[-1]

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
        shown = {str(order(desk.node, "state")["digest"]) for desk in self._desks}
        assert len(shown) == 1, "they go by different charters"
        for desk in self._desks:
            accused = desk.read.accused
            assert accused <= self._liars, f"{accused - self._liars} never lied"
            failed = set(desk.read.failed_by)
            assert failed <= self._strays.dealers, f"{failed} never dealt badly"
            self._strays.check_refused(desk)
            peers = self._federation.caller(desk.node).get("/v1/status").body["peers"]
            assert not any(peer["suspended"] for peer in peers), "nobody forked a feed"
