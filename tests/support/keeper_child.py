# SPDX-License-Identifier: Apache-2.0
"""A node whose people work on its audit log, and at their desk, until a kill.

`work` says each act on a line of its own once the node has acknowledged it; `check`
starts the node anew, reads those lines, and holds it to them.
"""

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from secrets import token_hex

from tests.node.audit.conftest import AUDRA, DORA, RUTH
from tests.support.fleet import Fleet
from tests.support.keeper_desk import EVENTS, NODE, OLGA, DeskWork, check_desk

from fedsafe_node.acts.audit_upkeep import (
    EraseRequest,
    HoldRequest,
    SubjectRequest,
)
from fedsafe_node.acts.people import NewAccountRequest
from fedsafe_node.acts.register import EntryRequest
from fedsafe_node.ground.telemetry import configure_logging
from fedsafe_node.log.audit import Event
from fedsafe_node.log.pseudonyms import quarter_of
from fedsafe_node.log.span import ExportRequest
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.register import Status


class Worker:
    """Does one audited act after the other."""

    def __init__(self, fleet: Fleet, seed: str) -> None:
        self._node = fleet[NODE]
        self._random = Random(seed)  # noqa: S311 - no secret hangs on it
        self._desk = DeskWork(self._node, self._random)
        self._holds: list[str] = []
        self._acts: list[str] = []

    async def work(self) -> None:
        """Work until killed."""
        kinds: list[Callable[[], Awaitable[tuple[str, str]]]] = [
            self._hold,
            self._lift,
            self._erase,
            self._ask,
            self._withdraw,
            self._hire,
            self._register,
            self._export,
            self._destroy,
            *self._desk.acts,
        ]
        while True:
            kind, name = await self._random.choice(kinds)()
            say(kind, name)

    async def _hold(self) -> tuple[str, str]:
        name = token_hex(8)
        request = HoldRequest(reason="order:1", until=4_000_000_000, subject_ref=name)
        hold = (await self._node.services.keeping.holding.add(request, DORA)).hold
        self._holds.append(hold)
        return "placed", hold

    async def _lift(self) -> tuple[str, str]:
        if not self._holds:
            return await self._hold()
        hold = self._holds.pop()
        await self._node.services.keeping.holding.lift(hold, DORA)
        return "lifted", hold

    async def _erase(self) -> tuple[str, str]:
        name, services = token_hex(8), self._node.services
        await self._node.base.store.write(lambda tx: self._meet(tx, name))
        request = EraseRequest(subject_ref=name, reason="ticket:1")
        asked = await services.keeping.erasure.ask(request, DORA)
        digest = bytes.fromhex(asked.digest)
        await services.staff.approvals.approve(asked.act, digest, RUTH)
        return "erased", name

    async def _meet(self, tx: Transaction, name: str) -> None:
        trail, now = self._node.base.trail, self._node.base.clock.now()
        entry: LogEntry = trail.entry(Event.LOOKUP, at=now, actor="bot", subject=name)
        await tx.append(trail.log, entry.record, entry.openings)

    async def _ask(self) -> tuple[str, str]:
        evidence = self._node.services.evidence
        act = (await evidence.ask(ExportRequest(last=0), AUDRA)).act
        self._acts.append(act)
        return "asked", act

    async def _withdraw(self) -> tuple[str, str]:
        if not self._acts:
            return await self._ask()
        act = self._acts.pop()
        await self._node.services.staff.approvals.withdraw(act, AUDRA)
        return "withdrawn", act

    async def _hire(self) -> tuple[str, str]:
        name = f"p{token_hex(6)}"
        request = NewAccountRequest(name=name, display=name)
        await self._node.services.staff.accounts.add(request, OLGA)
        base = self._node.base
        return "hired", base.pseudonyms.of(name, quarter_of(base.clock.now()))

    async def _register(self) -> tuple[str, str]:
        expires = date(2026, 12, 24)
        request = EntryRequest(status=Status.PLANNED, expires_on=expires)
        registers = self._node.services.registers
        answer = await registers.enter("S-V-1", request, RUTH)
        (item,) = [each for each in answer.items if each.item == "S-V-1"]
        entry = item.waits or item.counts
        assert entry is not None
        return "entered", entry.entry

    async def _export(self) -> tuple[str, str]:
        evidence = self._node.services.evidence
        pieces = await evidence.export(ExportRequest(last=0), AUDRA)
        async for _ in pieces:
            pass
        return "exported", ""

    async def _destroy(self) -> tuple[str, str]:
        while True:
            year, month = self._random.randint(1000, 2020), self._random.randint(1, 12)
            period = f"{year}-{month:02d}"
            effects = await self._node.base.store.read(lambda r: r.effects())
            if period not in {effect.target for effect in effects}:
                break
        keys = self._node.base.periods
        await asyncio.to_thread(lambda: keys.seal(period, b"x", b""))
        await self._node.keeper.destroying.destroy(EffectKind.PERIOD_KEY, period)
        return "destroyed", period


def say(*words: str) -> None:
    sys.stdout.write(f"{json.dumps(words)}\n")
    sys.stdout.flush()


_NAMED = EVENTS | {
    "act.asked": ("asked", "act"),
    "act.withdrawn": ("withdrawn", "act"),
    "account.added": ("hired", "name"),
    "register.entered": ("entered", "entry"),
}


async def _in_the_log(fleet: Fleet) -> Counter[tuple[str, str]]:
    told = Counter[tuple[str, str]]()
    for each in await fleet.audit(NODE):
        detail = json.loads(each.openings.get("detail", b"{}"))
        event, outcome = each.record.event.value, each.record.outcome
        if event == "audit.held":
            told[outcome, detail["hold"]] += 1
        elif event == "audit.exported":
            told["exported", ""] += 1
        elif event in _NAMED:
            kind, named = _NAMED[event]
            told[kind, str(detail[named])] += 1
    return told


_BY_STATE = {"erased", "destroyed", "imported", "assessed"}


async def check(fleet: Fleet, said: list[list[str]]) -> None:
    """Hold a node to what it has acknowledged.

    Raises:
        AssertionError: something is lost, or does not verify.
    """
    node, told = fleet[NODE], await _in_the_log(fleet)
    kept = Counter((kind, name) for kind, name in said)
    for (kind, name), count in kept.items():
        if kind in _BY_STATE:
            continue
        assert told[kind, name] >= count, f"{kind} {name} is lost"
        assert kind == "exported" or told[kind, name] == 1, f"{kind} {name} twice"
    for kind, name in said[-20:]:
        if kind == "erased":
            request = SubjectRequest(subject_ref=name)
            answer = await node.services.keeping.telling.subject(request, DORA)
            left = {event.event for event in answer.events}
            assert left <= {"audit.read"}, f"{name} is back"  # asking is one itself
    await check_desk(node, [(kind, name) for kind, name in said], told)
    gone = {name for kind, name in said if kind == "destroyed"}
    assert gone.isdisjoint(node.base.periods.periods())
    before = await node.services.keeping.telling.gaps()
    dangling = [key.target for key in before.keys if key.ended_at is None]
    status = await node.services.node.status()
    assert status.keys_unfinished == len(dangling)
    await node.keeper.destroying.resume()
    after = await node.services.keeping.telling.gaps()
    assert all(key.ended_at is not None for key in after.keys)
    assert set(dangling).isdisjoint(node.base.periods.periods())
    verified = await node.services.audits.verify(DORA)
    assert verified.ok, verified
    ends = sum(gap.kind == "unclean_end" for gap in after.gaps)
    say("kept", str(len(said)), str(ends), str(len(dangling)))


async def main(root: Path, mode: str, seed: str) -> None:
    configure_logging(level=logging.CRITICAL)
    fleet = Fleet(root)
    await fleet.start(NODE)
    if mode == "work":
        say("ready", "")
        await Worker(fleet, seed).work()
    said = [json.loads(line) for line in await asyncio.to_thread(sys.stdin.readlines)]
    await check(fleet, said)
    await fleet.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
