# SPDX-License-Identifier: Apache-2.0
"""Kill whole nodes at random moments, and hold them to what they acknowledged.

In every round three people work at three nodes, one node (or two) is killed with
SIGKILL, started again, and then:

* what got no answer is repeated under its Idempotency-Key, and happens once,
* every acknowledged act is in the audit log, exactly once,
* every published signal matches at all nodes, a revoked one nowhere, an own ban and
  a waiting draft at their own node alone,
* drafts are pending or published, never both,
* every log verifies, and every copy of a feed equals its origin's.

The seed decides who does what and when a kill falls; the machine decides the rest.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from tests.support.federation import Answer, Federation, until

from fedsafe_cli.demo.nodes import DemoNode

_PERSON: Final = {"purpose": "signup_check"}
_UNAVAILABLE: Final = 503
_LATEST_KILL: Final = 0.5
_TWO: Final = 0.2
_PAGE: Final = 1_000
_KINDS: Final = {
    "own": "own_ban.recorded",
    "draft": "signal.drafted",
    "publish": "signal.published",
    "revoke": "signal.revoked",
}


@dataclass(slots=True)
class Act:
    """A write under way, or done; `key` makes its repetition harmless."""

    kind: str
    value: str
    target: str
    person: str
    body: dict[str, Any]
    status: int
    signal: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(slots=True)
class Read:
    """What a node's audit log says, up to where it was read."""

    since: int = 0
    acts: Counter[tuple[str, str]] = field(default_factory=Counter)
    matches: Counter[str] = field(default_factory=Counter)
    negatives: int = 0
    accused: set[str] = field(default_factory=set)
    failed_by: list[str] = field(default_factory=list)
    """Who was named for each resharing that failed."""

    def take(self, event: dict[str, Any]) -> None:
        """Take the next event in."""
        name, detail = event["event"], event.get("detail") or {}
        if name == "lookup":
            self.matches.update(str(detail.get("signals", "")).split())
            self.negatives += int(detail.get("lookups", 0))
        elif name in _KINDS.values():
            self.acts[name, detail["signal"]] += 1
        elif name == "evaluation.wrong_answer":
            self.accused.add(detail["peer"])
        elif name == "federation.resharing_failed":
            self.failed_by.append(detail["gone"])


@dataclass(slots=True)
class Desk:
    """What one node has acknowledged; its worker alone changes it."""

    node: DemoNode
    random: Random
    own: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    revoked: dict[str, str] = field(default_factory=dict)
    unanswered: Act | None = None
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    matches: Counter[str] = field(default_factory=Counter)
    negatives: int = 0
    acts: int = 0
    read: Read = field(default_factory=Read)

    def take(self, act: Act, answer: Answer) -> None:
        """Believe an acknowledgement."""
        assert answer.status == act.status, (act.kind, answer.status, answer.body)
        self.acts += 1
        match act.kind:
            case "own":
                act.signal = self.own[act.value] = answer.body["signal"]
            case "draft":
                act.signal = self.pending[act.value] = answer.body["signal"]
            case "publish":
                assert answer.body["approved"] == [act.signal], answer.body
                self.published[act.value] = self.pending.pop(act.value)
            case _:
                assert answer.body["state"] == "revoked", answer.body
                self.revoked[act.value] = self.published.pop(act.value)
        self.events[_KINDS[act.kind], act.signal] += 1


class KillLoop:
    """A federation under fire; *refusals* are what a lookup may be refused with."""

    refusals: frozenset[int] = frozenset()

    def __init__(self, federation: Federation, seed: int) -> None:
        self._federation = federation
        self._random = Random(seed)  # noqa: S311 - no secret hangs on it
        self._desks = [
            Desk(node, Random(f"{seed} {node.name}"))  # noqa: S311
            for node in federation.nodes
        ]
        self._stop = threading.Event()
        self._failures: list[BaseException] = []

    @property
    def acts(self) -> int:
        """How many writes were acknowledged."""
        return sum(desk.acts for desk in self._desks)

    def claim(self, kind: str, signal: str) -> None:
        """Say that an act was acknowledged that never was: `check` must fail."""
        self._desks[0].events[_KINDS[kind], signal] += 1

    def round(self) -> None:
        """Work, kill, start again, check."""
        victims = self._random.sample(
            self._desks, 2 if self._random.random() < _TWO else 1
        )
        with self._working():
            time.sleep(self._random.uniform(0.02, _LATEST_KILL))  # when the kill falls
            for desk in victims:
                self._federation.kill(desk.node)
        self._federation.start(*(desk.node for desk in victims))
        until(self._federation.caught_up, "catching up")
        for desk in self._desks:
            self._repeat(desk)
        until(self._federation.caught_up, "catching up")
        self.check()

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Let people work at all nodes meanwhile."""
        self._stop.clear()
        workers = [
            threading.Thread(target=self._work, args=(desk,)) for desk in self._desks
        ]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            self._stop.set()
            for worker in workers:
                worker.join()
        if self._failures:
            raise self._failures[0]

    def _work(self, desk: Desk) -> None:
        try:
            while not self._stop.is_set():
                self._something(desk)
        except (OSError, HTTPException):
            return  # it was killed; what was under way is in `unanswered`
        except BaseException as failure:  # noqa: BLE001 - told to the main thread
            self._failures.append(failure)

    def _something(self, desk: Desk) -> None:
        draw = desk.random.random()
        if draw < 0.3:
            self._ask(desk)
        elif draw < 0.4:
            self._write(desk, self._record(desk, "own"))
        elif draw < 0.6 or not (desk.pending or desk.published):
            self._write(desk, self._record(desk, "draft"))
        elif desk.pending and (draw < 0.9 or not desk.published):
            value = self._choose(desk, desk.pending)
            if value is None:
                return
            signal = desk.pending[value]
            body: dict[str, Any] = {"signals": [signal]}
            target = "/v1/signals/approve"
            act = Act("publish", value, target, "ben", body, 200, signal)
            self._write(desk, act)
        else:
            value = self._choose(desk, desk.published)
            if value is None:
                return
            signal = desk.published[value]
            target = f"/v1/signals/{signal}/revoke"
            body = {"reason": "mistake"}
            self._write(desk, Act("revoke", value, target, "ben", body, 200, signal))

    def _choose(self, desk: Desk, among: dict[str, str]) -> str | None:
        """Choose an identifier of these to go on with."""
        return desk.random.choice(list(among)) if among else None

    def _record(self, desk: Desk, kind: str) -> Act:
        desk_number = self._desks.index(desk)
        value = f"person{desk.random.getrandbits(60)}.{desk_number}@mail.example"
        body = {
            "about": _about(value),
            "phenomenon": "grooming",
            "surface": "public_content",
            "grade": "confirmed_conduct",
            "rule": "tos-4.2",
            "removed_on": time.strftime("%Y-%m-%d", time.gmtime()),
            "scope": "self" if kind == "own" else "federation",
            "findings": ["adult"],
        }
        return Act(kind, value, "/v1/signals", "anna", body, 201)

    def _write(self, desk: Desk, act: Act) -> None:
        desk.unanswered = act
        answer = self._send(desk, act)
        if answer.status == _UNAVAILABLE:
            raise ConnectionError  # too few members: repeated after the round
        desk.unanswered = None
        desk.take(act, answer)

    def _send(self, desk: Desk, act: Act) -> Answer:
        caller = self._federation.caller(desk.node, act.person)
        return caller.post(act.target, act.body, key=act.key)

    def _ask(self, desk: Desk) -> None:
        known = [
            value
            for other in self._desks
            for value in [*other.published, *other.own, *other.revoked]
        ]
        value = desk.random.choice(known) if known else "nobody@mail.example"
        answer = self._federation.lookup(
            desk.node, _about(value), subject_ref=f"account-{desk.acts}", **_PERSON
        )
        if answer.status in self.refusals:
            return
        assert answer.status == 200, answer.body
        if value in desk.revoked:
            assert answer.body["result"] != "review", "revoked here, yet it matches"
        for match in answer.body["matches"]:
            desk.matches[match["signal"]] += 1
        desk.negatives += not answer.body["matches"]

    def _repeat(self, desk: Desk) -> None:
        """Send again what got no answer; once more changes nothing."""
        act, desk.unanswered = desk.unanswered, None
        if act is None:
            return
        answer = self._send(desk, act)
        again = self._send(desk, act)
        assert answer.body == again.body, (act.kind, answer.body, again.body)
        desk.take(act, answer)

    def check(self) -> None:
        """Hold every node to all that was acknowledged."""
        roots = [self._verified(desk) for desk in self._desks]
        for desk in self._desks:
            feed = f"{desk.node.name}/feed"
            copies = {root.get(feed) for root in roots}
            assert len(copies) == 1, f"copies of {feed} differ"
            self._check_state(desk)
            self._check_matches(desk)
            self._check_events(desk)

    def _verified(self, desk: Desk) -> dict[str, tuple[int, str]]:
        answer = self._federation.caller(desk.node).post("/v1/audit/verify")
        assert answer.body["ok"], answer.body
        return {log["log"]: (log["size"], log["root"]) for log in answer.body["logs"]}

    def _check_state(self, desk: Desk) -> None:
        caller = self._federation.caller(desk.node)
        state = caller.get("/v1/status").body
        reviewer = self._federation.caller(desk.node, "ben")
        drafts = reviewer.get("/v1/signals?state=draft").body["signals"]

        assert {draft["signal"] for draft in drafts} == {*desk.pending.values()}
        assert state["feed_size"] == self._records(desk)
        assert state["own_bans"] == len(desk.own) + len(desk.pending)

    def _records(self, desk: Desk) -> int:
        """Count the records that a desk's acts have put into its feed."""
        return len(desk.published) + 2 * len(desk.revoked)

    def _resting(self) -> set[str]:
        """Name the signals that may not match now, and are not revoked."""
        return set()

    def _check_matches(self, desk: Desk) -> None:
        here = desk.own | desk.pending
        away: dict[str, str] = {}
        listed: dict[str, str] = {}
        gone: dict[str, str] = {}
        for other in self._desks:
            listed |= other.published
            gone |= other.revoked
            if other is not desk:
                away |= other.own | other.pending
        everyone = [*here, *listed, *away, *gone]
        lookups = [{"questions": [_about(value)]} for value in everyone]
        if not lookups:
            return
        answer = self._federation.caller(desk.node).post(
            "/v1/lookup/batch", {"lookups": lookups, "purpose": "recheck"}
        )
        assert (answer.status, answer.body["problems"]) == (200, [])
        resting = self._resting()
        for value, found in zip(everyone, answer.body["answers"], strict=True):
            signals = {match["signal"] for match in found["matches"]}
            if listed.get(value) in resting:
                assert found["result"] == "none", "a disputed signal matches"
            elif value in listed:
                assert signals == {listed[value]}, "a published signal is lost"
            elif value in here:
                assert len(signals) == 1, "a ban does not match at its own node"
            else:
                assert found["result"] == "none", (found, value in gone)

    def _check_events(self, desk: Desk) -> None:
        self._read(desk)
        read = desk.read

        assert read.acts == desk.events, "acts and audit log differ"
        assert not desk.matches - read.matches, "an answered match left no trace"
        assert read.negatives >= desk.negatives, "an answered lookup left no trace"

    def _read(self, desk: Desk) -> None:
        """Read on in a node's audit log."""
        caller = self._federation.caller(desk.node, "audit")
        read = desk.read
        while True:
            target = f"/v1/audit/events?since={read.since}&limit={_PAGE}"
            page = caller.get(target).body
            for event in page["events"]:
                read.take(event)
            read.since = page["next"]
            if len(page["events"]) < _PAGE:
                return


def _about(value: str) -> dict[str, str]:
    return {"kind": "email", "value": value}


def run(
    federation: Federation,
    *,
    seed: int,
    rounds: int,
    told: Callable[[int, KillLoop], None] = lambda _number, _loop: None,
) -> KillLoop:
    """Run a loop of so many rounds; *told* hears of each."""
    loop = KillLoop(federation, seed)
    for number in range(1, rounds + 1):
        loop.round()
        told(number, loop)
    return loop
