# SPDX-License-Identifier: Apache-2.0
"""Kill a node while its cases go to partners, and hold it to what it acknowledged.

In every round people work at one node that runs as a process of its own, with a mail
server, an SSH server and a web server as its partners. It dies by SIGKILL: at a fault
point of its store or its outbox, when a partner has taken a parcel and has not said so
yet, or at some moment. It is started again, and then:

* what got no answer is repeated, and happens once,
* each dispatch has arrived at its partner and nobody else, under one key and as the
  same bytes, which that partner's key opens; every arrival has its attempt, each with
  an end; nothing that was stopped arrives any more,
* what somebody took out is in their hands until they say what came of it; a recall
  corrects it, and the correction is withdrawn once it was kept back,
* what answers a package is noted whole or not at all: the receipt and the state of its
  dispatch say the same; so are letters of an authority and their answers,
* of a consent that was revoked nothing is left in its case, and whoever got the
  package got one correction,
* the audit log verifies, and tells of each of them as often as it happened.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import chain
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from signal import SIGKILL
from typing import Final

from tests.node.casework.transports.conftest import issue_papers
from tests.support import ready_programme
from tests.support.case_desk import (
    DANGER,
    HELP,
    Act,
    Case,
    Letter,
    entering,
    next_of_case,
    next_of_letter,
    opening,
)
from tests.support.case_oracle import Oracle
from tests.support.case_partners import Partners
from tests.support.case_receivers import Receivers, Taken
from tests.support.federation import Answer, until
from tests.support.hatchery import Hatchery, hatchery
from tests.support.node_orders import order
from tests.support.ordered_node import DIED, move_clock

from fedsafe_cli.demo.fleet import answers, find, stop
from fedsafe_node.ground.faults import FaultPoint

_PATIENCE: Final = 120.0
_PACE: Final = 0.1
_STEP: Final = 60
"""Seconds that the clock moves with each look."""
_LONGEST: Final = 5.0
_PLANNED: Final = 15.0
"""Seconds that a death may take: one at some moment, and one at a point."""
_NEW_CASES: Final = 4
_NEW_LETTERS: Final = 3
_OLD: Final = 3
_OK: Final = frozenset({200, 201})
_ENDS: Final = frozenset({"delivered", "acknowledged", "by_hand", "stopped"})
_POINTS: Final = (
    FaultPoint.DISPATCH_BEFORE_CARRY,
    FaultPoint.DISPATCH_AFTER_CARRY,
    FaultPoint.WRITER_BEFORE_COMMIT,
    FaultPoint.WRITER_AFTER_COMMIT,
    FaultPoint.LOG_AFTER_APPEND,
)
_MOST_HITS: Final = {
    FaultPoint.DISPATCH_BEFORE_CARRY: 4,
    FaultPoint.DISPATCH_AFTER_CARRY: 4,
}


@dataclass(slots=True)
class Told:
    """What was counted in all rounds."""

    deaths: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    repeated: int = 0


class CaseLoop:
    """A node that dies while its cases go to partners."""

    def __init__(
        self, partners: Partners, hatched: Hatchery, receivers: Receivers, seed: int
    ) -> None:
        self._partners = partners
        self._node = partners.node
        self._hatched = hatched
        self._receivers = receivers
        self._random = Random(seed)  # noqa: S311 - no secret hangs on it
        self._moved = 0
        self._cases: list[Case] = []
        self._letters: list[Letter] = []
        self._unanswered: list[Act] = []
        self._oracle = Oracle(partners, receivers)
        self._strike: Callable[[], None] | None = None
        self._failures: list[BaseException] = []
        self.told = Told()
        receivers.struck = self._struck

    def counted(self) -> Mapping[str, Counter[str]]:
        """Return what was counted in all rounds, by what it is about."""
        arrived = Counter(each.way for each in self._receivers.taken())
        return {
            "deaths": self.told.deaths,
            "acknowledged acts": self.told.acts,
            "dispatches": Counter(self._oracle.dispatches.values()),
            "attempts": Counter(chain(*self._oracle.outcomes.values())),
            "parcels that arrived": arrived,
        }

    def round(self) -> None:
        """Let them work, let the node die, start it again, and check."""
        latest = self._plan()
        with self._working():
            self._wait_for_death(latest)
        self._kill()
        self._start()
        self._repeat()
        self.settle()
        self.check()

    def lose(self) -> bool:
        """Let a parcel not have arrived that has: `check` must fail; False without one.

        One in doubt is none: nobody has said that it arrived.
        """
        for case in reversed(self._cases):
            for dispatch in self._oracle.carried.intersection(case.arrived):
                case.is_fresh = True
                self._receivers.forget(dispatch)
                return True
        return False

    def _plan(self) -> float:
        """Choose where the node dies, and after how many seconds at the latest."""
        draw = self._random.random()
        if draw < 0.35:
            left = self._random.randrange(1, 6)

            def strike() -> None:
                nonlocal left
                left -= 1
                if not left:
                    self._note("partner.before_answer")
                    self._kill()

            self._strike = strike
        elif draw < 0.85:
            point = self._random.choice(_POINTS)
            hits = self._random.randrange(1, _MOST_HITS.get(point, 40))
            order(self._node, "die", after=hits, at=point.value)
        else:
            return self._random.uniform(1, _LONGEST)
        return _PLANNED

    def _struck(self, _taken: Taken) -> None:
        if self._strike is not None:
            self._strike()

    def _note(self, point: str) -> None:
        with (self._node.directory / DIED).open("a", encoding="ascii") as file:
            file.write(f"{point}\n")

    def _kill(self) -> None:
        process = find(self._node.directory)
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, SIGKILL)
            until(lambda: not process.alive(), "the end of a node")
        self._strike = None

    def _wait_for_death(self, latest: float) -> None:
        """Move the clock until it has died, or has had its time."""
        begin = time.monotonic()
        while find(self._node.directory) is not None:
            if time.monotonic() - begin > latest:
                self._note("some.moment")
                return
            self._pass()
            time.sleep(_PACE)  # the pace of looking; what counts is the death

    def _start(self) -> None:
        with suppress(FileNotFoundError):
            file = self._node.directory / DIED
            self.told.deaths.update(file.read_text().split())
            file.unlink()
        until(self._is_up, "the start", patience=_PATIENCE, pace=_PACE)

    def _is_up(self) -> bool:
        """Start it, again if the one before had not let go of the store yet."""
        if find(self._node.directory) is None:
            self._hatched.start(self._node.directory)
        return answers(self._node.directory)

    def _pass(self) -> None:
        self._moved += _STEP
        move_clock(self._hatched.clock, self._moved)

    @contextmanager
    def _working(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._work, args=(work, Random(seed)))  # noqa: S311
            for work, seed in (
                (self._next_of_cases, self._random.random()),
                (self._next_of_letters, self._random.random()),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._kill()
            for thread in threads:
                thread.join()
        if self._failures:
            raise self._failures[0]

    def _work(self, work: Callable[[Random, int], Act | None], random: Random) -> None:
        count = 0
        try:
            while find(self._node.directory) is not None:
                act = work(random, count)
                if act is None:
                    time.sleep(_PACE)  # there is nothing to do until one arrives
                    continue
                count += act.is_new
                self._do(act)
        except (OSError, HTTPException):
            return  # it was killed; what was under way is in `_unanswered`
        except BaseException as failure:  # noqa: BLE001 - told to the main thread
            self._failures.append(failure)

    def _next_of_cases(self, random: Random, count: int) -> Act | None:
        taken = {each.dispatch: each for each in self._receivers.taken()}
        open_ = [case for case in self._cases if not case.is_over]
        for case in random.sample(open_, len(open_)):
            act = next_of_case(case, taken, random)
            if act is not None:
                return act
        if count >= _NEW_CASES:
            return None
        return opening(random.choice((DANGER, DANGER, HELP)))

    def _next_of_letters(self, random: Random, count: int) -> Act | None:
        open_ = [letter for letter in self._letters if not letter.is_over]
        if open_ and (count >= _NEW_LETTERS or random.random() < 0.7):
            return next_of_letter(random.choice(open_), random)
        return entering(Letter.any(random)) if count < _NEW_LETTERS else None

    def _do(self, act: Act) -> None:
        if act.kind == "keep back":
            act.body["at"] = self._taken_at(act)
        self._unanswered.append(act)
        answer = self._send(act)
        self._unanswered.remove(act)
        self._take(act, answer)

    def _taken_at(self, act: Act) -> int:
        """Ask when a package was taken last: it is not kept back before that."""
        assert isinstance(act.on, Case)
        listed = self._partners.dispatches(act.on.id)
        (found,) = [each for each in listed if each["dispatch"] == act.about]
        return max(int(each["at"]) for each in found["takings"])

    def _send(self, act: Act) -> Answer:
        caller = self._partners.caller(act.person)
        if act.kind == "take":
            return caller.get(act.path)
        return caller.post(act.path, act.body, key=act.key)

    def _take(self, act: Act, answer: Answer) -> None:
        """Believe an acknowledgement."""
        assert answer.status in _OK, (act.kind, answer.status, answer.body)
        self.told.acts[act.kind] += 1
        act.take(answer.body)
        if isinstance(act.on, Case) and act.is_new:
            self._cases.append(act.on)
        if isinstance(act.on, Letter) and act.is_new:
            self._letters.append(act.on)

    def _repeat(self) -> None:
        """Send again what got no answer; once more changes nothing."""
        unanswered, self._unanswered = self._unanswered, []
        for act in unanswered:
            self.told.repeated += 1
            if act.kind in {"reply", "bounce"}:
                self._receive(act)
                continue
            if act.kind == "approve" and self._is_approved(act):
                act.take({"state": "approved"})
                self.told.acts[act.kind] += 1
                continue
            self._take(act, self._send(act))

    def _is_approved(self, act: Act) -> bool:
        assert isinstance(act.on, Case)
        shown = self._partners.caller("ada").get(f"/v1/cases/{act.on.id}")
        return bool(shown.body["state"] == "approved")

    def _receive(self, act: Act) -> None:
        """Hand a reply in again as the command line does."""
        assert act.mail is not None
        done = ready_programme.run(
            [
                *("case", "receive", "-", "--json", "--config", self._node.dir),
                *("--credential", str(self._partners.credential("ada"))),
            ],
            typed=act.mail,
            environment=os.environ | {"LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, done.stderr.decode()
        act.take(None)
        self.told.acts[act.kind] += 1

    def settle(self) -> None:
        """Move the clock until nothing waits in the outbox."""
        until(self._is_settled, "an empty outbox", patience=_PATIENCE, pace=_PACE)

    def _is_settled(self) -> bool:
        self._pass()
        return all(
            each["state"] in _ENDS and all(a["outcome"] for a in each["attempts"])
            for case in self._cases
            if case.is_fresh
            for each in self._partners.dispatches(case.id)
        )

    def check(self) -> None:
        """Hold the node to all that it acknowledged."""
        fresh = [case for case in self._cases if case.is_fresh]
        old = [case for case in self._cases if not case.is_fresh]
        again = self._random.sample(old, min(_OLD, len(old)))
        self._oracle.check(fresh + again, self._letters)
        for case in fresh:
            case.is_fresh = not case.is_over


@contextmanager
def case_loop(root: Path, seed: int) -> Iterator[CaseLoop]:
    """Raise a node and its partners for such rounds."""
    papers = root / "papers"
    papers.mkdir(parents=True)
    receivers = Receivers(issue_papers(papers), root)
    partners = Partners(root, receivers)
    with receivers.running(), hatchery(root / "clock") as hatched:
        try:
            hatched.start(partners.node.directory)
            partners.enter()
            yield CaseLoop(partners, hatched, receivers, seed)
        finally:
            stop(partners.node.directory)
