# SPDX-License-Identifier: Apache-2.0
"""Measure the desk's pages while ten officers work, beside a long audit log.

A federation of three node processes. The first has so many entries in its log, taken
into the index, and so many open reviews; then officers, each in a session of their
own, go round through the pages that answer three questions: is the log intact and who
vouches, who looked at an account in seven days, where did a signal go. Between pages
they read for up to two seconds. Meanwhile, and in turn without officers, a service asks
at a fixed rate. A page's time is that between its request and the last byte of its
answer; what leads on is asked as a page of its own.

    python benchmarks/desk.py [--entries 100000] [--tasks 2000] [--officers 10]
"""

import argparse
import asyncio
import base64
import socket
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from time import perf_counter, sleep

from federation import SERVICE, Federation, Line, pid_of, port_of, post, request_of
from federation import running as running_nodes
from fedsafe_cli.demo.fleet import answers, free_ports, start, stop
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_node.acts.people import NewAccountRequest
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.event_index import take_in
from fedsafe_node.operations.stopped_node import open_node_store, open_trail
from fedsafe_node.people.accounts import invite
from fedsafe_node.people.totp import code_at, step_of
from fedsafe_node.store.people_rows import GrantRow, TrainingRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Module, Role
from imports import actor_signal, approve
from measuring import Row, cpu_of, parser, percentile, report

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.support.desk import PASSWORD, Reader, Shown

ACT = 100
LOOKS = 20
"""Entries that name each account which is asked about."""
ACCOUNTS = 50
YEAR = 360 * 24 * 60 * 60
RATE = 40.0
"""Lookups a second."""
READS = 2.0
EVENTS = (Event.LOOKUP,) * 97 + (Event.AUDIT_READ, Event.TASK_READ, Event.REFUSED)
INTACT = "is the log intact, and who vouches"
ACCOUNT = "who looked at an account in 7 days"
WENT = "where did a signal go, and is it erased"


@dataclass
class Days:
    """The times of pages, and of lookups, by what they belong to."""

    pages: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lookups: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


class Entries:
    """Makes entries of a log, of which a few accounts are named a few times."""

    def __init__(self, trail: AuditTrail, count: int) -> None:
        self._trail, self._clock = trail, SystemClock()
        self._dice = Random(25)  # noqa: S311 - no secret hangs on it
        self._every = max(1, count // (ACCOUNTS * LOOKS))

    def entry(self, number: int) -> LogEntry:
        """Make one."""
        looked, rest = divmod(number, self._every)
        asked = rest == 0 and looked < ACCOUNTS * LOOKS
        account = looked % ACCOUNTS if asked else self._dice.randrange(10**6)
        return self._trail.entry(
            Event.LOOKUP if asked else self._dice.choice(EVENTS),
            at=self._clock.now(),
            outcome=self._dice.choice(("none", "review")),
            actor=SERVICE,
            subject=f"{SERVICE}/{'asked' if asked else 'other'}-{account}",
            detail={"lookups": 1},
        )


async def _fill(node: DemoNode, officers: int, entries: int) -> dict[str, str]:
    """Fill the log of a node that does not run; give the officers' codes."""
    place = Place(Path(node.dir))
    config = load_config(place)
    store = await open_node_store(place, config, SystemClock())
    try:
        trail = await open_trail(place, config.name, store)
        codes = {f"dora{number}": "" for number in range(officers)}
        for name in codes:
            codes[name] = await _hire(store, name)
        made = Entries(trail, entries)
        for begin in range(0, entries, ACT):
            batch = [made.entry(each) for each in range(begin, begin + ACT)]
            await store.write(
                lambda tx, batch=batch: tx.append_many(trail.log, batch)  # type: ignore[misc]
            )
        await take_in(store, trail.log)
        return codes
    finally:
        await store.close()


async def _hire(store: Store, name: str) -> str:
    now = int(SystemClock().now().timestamp())
    row, answer = invite(NewAccountRequest(name=name, display=name.title()), now)

    async def act(tx: Transaction) -> None:
        await tx.add_person(row)
        await tx.add_grant(GrantRow(row.id, Role.DPO.value, now, None, "setup"))
        for module in Module:
            await tx.add_training(
                TrainingRow(
                    id=f"{row.id}-{module.value}",
                    person=row.id,
                    kind=module.value,
                    organisation="Fachstelle",
                    since=now,
                    until=now + YEAR,
                    recorded_by="setup",
                )
            )

    await store.write(act)
    return answer.code


def _list_and_ask(node: DemoNode, tasks: int) -> list[str]:
    """Let a node have signals, and an open review for each; give the signals."""
    anna, ben, shop = (node.client(name) for name in ("anna", "ben", SERVICE))
    signals: list[str] = []
    for begin in range(0, tasks, 500):
        made = [actor_signal(each) for each in range(begin, min(tasks, begin + 500))]
        answer = post(anna, "/v1/signals/import", {"signals": made})
        ids = answer["signals"]
        if not isinstance(ids, list):
            raise SystemExit(f"refused: {answer}")
        approve(ben, ids)
        signals += ids
    for number in range(tasks):
        post(shop, "/v1/lookup", _question(f"user{number}", f"matched-{number}"))
    return signals


def _question(user: str, account: str) -> dict[str, object]:
    return {
        "questions": [{"kind": "email", "value": f"{user}@mail.example"}],
        "purpose": "signup_check",
        "subject_ref": account,
        "deadline_ms": 5000,
    }


@contextmanager
def _desk(
    directory: Path, options: argparse.Namespace
) -> Iterator[tuple[Federation, str, dict[str, str], list[str]]]:
    with running_nodes(directory) as federation:
        node = federation.nodes[0]
        signals = _list_and_ask(node, options.tasks)
        stop(node.directory)
        codes = asyncio.run(_fill(node, options.officers, options.entries))
        (port,) = free_ports(1)
        origin = f"http://localhost:{port}"
        path = Path(node.config)
        listen = f'{{ host = "127.0.0.1", port = {port} }}'
        desk = f'\n[desk]\norigin = "{origin}"\nlisten = {listen}\n'
        path.write_text(path.read_text() + desk)
        start(node.directory)
        while not (answers(node.directory) and _listens(port)):
            pid_of(node)
            sleep(0.1)
        yield federation, origin, codes, signals


def _listens(port: int) -> bool:
    with closing(socket.socket()) as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


class Officer:
    """Somebody at work, whose pages are timed."""

    def __init__(
        self, reader: Reader, days: Days, signals: list[str], number: int
    ) -> None:
        self._reader, self._days, self._signals = reader, days, signals
        self._dice = Random(number)  # noqa: S311 - no secret hangs on it

    async def come(self, name: str, code: str) -> None:
        """Set an account up, and log in."""
        await self._reader.open("/desk/setup")
        given = {"name": name, "code": code, "password": PASSWORD}
        done = await self._reader.send("/desk/setup", given)
        words = done.html.replace("<", " ").replace(">", " ").split()
        secret = next(w for w in words if len(w) >= 32 and w.isupper() and w.isalnum())
        key = base64.b32decode(secret)
        await self._reader.open("/desk/login")
        given = {"name": name, "password": PASSWORD}
        given["code"] = code_at(key, step_of(SystemClock().now()))
        shown = await self._reader.send("/desk/login", given)
        if shown.status != 200:
            raise SystemExit(shown.text)

    async def go_round(self) -> None:
        """Ask the three questions once, and look at what is due."""
        open_ = self._reader.open
        await self._see("Today", lambda: open_("/desk/today"))
        await self._see(INTACT, lambda: open_("/desk/log/state"))
        await self._see(f"{ACCOUNT}: form", lambda: open_("/desk/log/account"))
        account = f"{SERVICE}/asked-{self._dice.randrange(ACCOUNTS)}"
        given = {"subject_ref": account, "days": "7"}
        await self._see(ACCOUNT, lambda: self._reader.send("/desk/log/account", given))
        await self._see("own signals", lambda: open_("/desk/signals/own"))
        path = f"/desk/signals/own/{self._dice.choice(self._signals)}"
        await self._see(WENT, lambda: open_(path))
        await self._see("events, the newest", lambda: open_("/desk/log/events"))
        await self._see("open reviews", lambda: open_("/desk/reviews/matches"))

    async def _see(self, what: str, page: Callable[[], Awaitable[Shown]]) -> None:
        began = perf_counter()
        shown = await page()
        self._days.pages[what].append(perf_counter() - began)
        if shown.status != 200:
            raise SystemExit(f"{what}: {shown.status} {shown.text}")
        await asyncio.sleep(self._dice.random() * READS)


def _ask_on(port: int, token: str, told: Connection) -> None:
    """Ask at a fixed rate until it is told to end; give how long each answer took."""
    request = request_of("/v1/lookup", _question("nobody", "account-1"), token)
    taken: list[float] = []
    with closing(Line(port)) as line:
        line.ask(request)
        told.send(taken)
        due = perf_counter()
        while not told.poll(max(0.0, due - perf_counter())):
            line.ask(request)
            taken.append(perf_counter() - due)
            due = max(due + 1 / RATE, perf_counter() - 1)
    told.send(taken)


@contextmanager
def _asked(node: DemoNode, into: list[float]) -> Iterator[None]:
    """Let a service ask meanwhile.

    It is a process of its own: in one with the officers it would wait for them.
    """
    here, there = Pipe()
    token = node.client(SERVICE).token
    asker = get_context("spawn").Process(
        target=_ask_on, args=(port_of(node), token, there)
    )
    asker.start()
    here.recv()
    try:
        yield
    finally:
        here.send(None)
        into += here.recv()
        asker.join()


async def _work(
    node: DemoNode,
    officers: list[Officer],
    days: Days,
    options: argparse.Namespace,
) -> None:
    for number in range(options.rounds + 1):  # the first warms up
        for name in ("alone", "beside officers"):
            taken: list[float] = []
            with _asked(node, taken):
                if name == "alone":
                    await asyncio.sleep(options.seconds)
                else:
                    end = asyncio.get_running_loop().time() + options.seconds
                    await asyncio.gather(*(_until(end, each) for each in officers))
            if number:
                days.lookups[name] += taken
            else:
                days.pages.clear()


async def _until(end: float, officer: Officer) -> None:
    while asyncio.get_running_loop().time() < end:
        await officer.go_round()


async def _measure(
    federation: Federation,
    origin: str,
    codes: dict[str, str],
    signals: list[str],
    options: argparse.Namespace,
) -> list[Row]:
    node, days = federation.nodes[0], Days()
    readers = [Reader(origin) for _ in codes]
    try:
        officers: list[Officer] = []
        for number, (name, reader) in enumerate(zip(codes, readers, strict=True)):
            await reader.__aenter__()
            officers.append(Officer(reader, days, signals, number))
            await officers[-1].come(name, codes[name])
        pid, burned = pid_of(node), cpu_of([pid_of(node)])
        await _work(node, officers, days, options)
        print(f"CPU of the node: {cpu_of([pid]) - burned:.1f} s")
    finally:
        for reader in readers:
            await reader.__aexit__()
    rows = [_row(what, waits) for what, waits in days.pages.items()]
    return rows + [_row(f"lookup, {name}", got) for name, got in days.lookups.items()]


def _row(what: str, waits: list[float]) -> Row:
    return {
        "what": what,
        "times": len(waits),
        **{
            f"p{round(share * 100)} ms": round(percentile(waits, share) * 1e3, 1)
            for share in (0.5, 0.95, 0.99)
        },
    }


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("--entries", type=int, default=100_000)
    options.add_argument("--tasks", type=int, default=2_000)
    options.add_argument("--officers", type=int, default=10)
    options.add_argument("--seconds", type=float, default=20.0, help="of each part")
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=chosen.dir) as directory,
        _desk(Path(directory), chosen) as made,
    ):
        table = asyncio.run(_measure(*made, chosen))
    report(table, chosen, entries=chosen.entries)


if __name__ == "__main__":
    main()
