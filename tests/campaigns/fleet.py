# SPDX-License-Identifier: Apache-2.0
"""Kill processes of a whole node, and its PostgreSQL server, while clients write.

    .venv/bin/python -m tests.campaigns.fleet --rounds 24 [--seed N] [--major 17]

The long version of `tests/node/app/test_worker_kills.py`: `fedsafe node run --workers
4` on a throw-away server, in a federation with a second node, and 64 clients that ban,
publish and ask over HTTP. Killed (-9) are, by chance, a worker, half of them, the one
that leads, the supervisor (started again at once, as systemd does), the server, and
two of these together.

Afterwards every act that was acknowledged is there once: every worker finds each person
with one signal, the other member too, and the audit log has each act once and no lookup
too few. No two workers led at a time, and logs and tables verify. Prints its seed first
and a line every round, and ends at the first thing that does not hold.
"""

import argparse
import asyncio
import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from aiohttp import ClientSession
from tests.campaigns.fleet_acts import Acts, audited, find_once, staff_of
from tests.campaigns.fleet_terms import check_terms, complaints, terms_in
from tests.postgresql.fixtures import MAJORS, installation_of
from tests.postgresql.making import serving
from tests.postgresql.server import Server
from tests.support.clients import post
from tests.support.databases import preparing
from tests.support.several import PATIENCE, Made, Running, eventually, made_on, make

from fedsafe_cli.demo import fleet
from fedsafe_cli.federation.ceremony import Terms, carry, confirm_at, propose
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.remote import remote
from fedsafe_node.ground.config import load_config
from fedsafe_node.operations.offline_inspect import verify_node

WORKERS: Final = 4
WRITERS: Final = 64
EACH: Final = 100  # acts that are acknowledged between two kills, on average
_OTHERS: Final = ("b.demo", "c.demo")
_PACE: Final = 0.05
_LONGEST: Final = 600.0  # seconds until all have been asked about everybody
_KINDS: Final = (
    ("worker",),
    ("worker",),
    ("workers",),
    ("leader",),
    ("server",),
    ("supervisor",),
    ("leader", "server"),
    ("server", "supervisor"),
)


class Node:
    """The node, started again whenever its supervisor has ended; one run a file."""

    def __init__(self, made: Made) -> None:
        self.made = made
        self.url = load_config(made.place).url
        self.outputs: list[Path] = []
        self.run = self._start()

    def _start(self) -> Running:
        name = f"output-{len(self.outputs):03}"
        run = Running(self.made.place, WORKERS, output=name)
        self.outputs.append(run.output)
        return run

    async def keep(self) -> None:
        """Start it again as systemd does, until this is cancelled."""
        while True:
            if self.run.process.poll() is not None:
                self.run = self._start()
            await asyncio.sleep(_PACE)

    async def are_there(self) -> None:
        """Wait until all of its workers run."""
        async with asyncio.timeout(PATIENCE):
            while not self._is_complete():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_PACE)

    def _is_complete(self) -> bool:
        return self.run.are_ready() and len(self._numbers()) == WORKERS

    async def kill(self, kind: str, choice: Random) -> None:
        """Kill some of it; what has just ended by itself is as good."""
        if kind == "supervisor":
            self.run.process.kill()
            await asyncio.to_thread(self.run.process.wait)
            return
        workers = sorted(self._numbers().items())
        count = WORKERS // 2 if kind == "workers" else 1
        chosen = choice.sample(workers, min(count, len(workers)))
        if kind == "leader":
            chosen = [each for each in workers if each[0] == self._leader()]
        for _, pid in chosen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _leader(self) -> int | None:
        terms = terms_in([self.run.output])
        return next((each.number for each in terms if each.ended is None), None)

    def _numbers(self) -> dict[int, int]:
        with suppress(OSError):  # the supervisor has ended
            return self.run.numbers()
        return {}

    def end(self) -> None:
        """Leave nothing of it."""
        if self.run.process.poll() is None:
            self.run.stop()


async def campaign(node: Node, server: Server, rounds: int, seed: int) -> Acts:
    """Write at many clients, and kill; return what was acknowledged."""
    acts, choice = Acts(), Random(seed)  # noqa: S311 - what to kill
    keeping = asyncio.create_task(node.keep())
    try:
        async with (
            staff_of(node.url, node.made.credentials) as staff,
            asyncio.TaskGroup() as group,
        ):
            for number in range(WRITERS):
                random = Random(seed + number + 1)  # noqa: S311 - what to do
                group.create_task(acts.write(staff, random))
            await _kill(node, server, rounds, acts, choice)
            acts.over.set()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    return acts


async def _kill(
    node: Node, server: Server, rounds: int, acts: Acts, choice: Random
) -> None:
    bag: list[tuple[str, ...]] = []
    for number in range(1, rounds + 1):
        if not bag:
            bag = choice.sample(_KINDS, len(_KINDS))
        kinds = bag.pop()
        await acts.reach(len(acts.moments) + choice.randint(1, 2 * EACH))
        since = time.monotonic()
        for kind in kinds:
            if kind == "server":
                await asyncio.to_thread(server.kill)
            else:
                await node.kill(kind, choice)
        if "server" in kinds:
            await asyncio.sleep(choice.uniform(0, 4))  # how long it is away
            await asyncio.to_thread(server.start)
        await acts.reach(len(acts.moments) + WRITERS + 1)  # one of them began later
        print(
            f"round {number}: {' and '.join(kinds)} killed, {acts.gap(since):.1f} s "
            f"without an answer, {len(acts.moments)} acts acknowledged",
            flush=True,
        )


async def check(node: Node, other: Made, acts: Acts) -> None:
    """Compare what the node says with what was acknowledged."""
    shop = node.made.credentials["shop"]
    everybody = {**acts.bans, **acts.publications}
    await node.are_there()
    names = set[str]()
    async with asyncio.timeout(_LONGEST):
        while len(names) < WORKERS:
            names.add(await find_once(node.url, shop, everybody, names))
    async with staff_of(node.url, node.made.credentials) as staff:
        await audited(staff["audit"], acts)
        verified = await post(staff["audit"], "/v1/audit/verify")
        assert verified["ok"], verified
        base = load_config(other.place).url
        async with staff_of(base, other.credentials) as others:
            await _level(staff["audit"], others["audit"])
    await find_once(base, other.credentials["shop"], acts.publications)


async def _level(here: ClientSession, there: ClientSession) -> None:
    """Wait until another member holds all of the node's feed."""
    async with asyncio.timeout(PATIENCE):
        while True:
            size = (await _status(here))["feed_size"]
            [peer, *_] = (await _status(there))["peers"]
            if peer["covered"] and peer["cursor"] == size:
                return
            await asyncio.sleep(_PACE)


async def _status(http: ClientSession) -> dict[str, Any]:
    async with http.get("/v1/status") as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == 200, told
        return told


@contextmanager
def founded(server: Server, root: Path) -> Iterator[tuple[Node, Made]]:
    """Run three nodes that have founded a federation; the first one is to suffer."""
    with ExitStack() as ends:
        made = ends.enter_context(made_on(ends.enter_context(preparing(server)), root))
        others = {name: make(root, name) for name in _OTHERS}
        for each in others.values():
            fleet.start(each.place.directory)
            ends.callback(fleet.stop, each.place.directory)
        node = Node(made)
        ends.callback(node.end)
        eventually(node.run.are_ready)
        everybody = {made.place.directory.name: made, **others}
        for each in others.values():
            eventually(lambda each=each: fleet.answers(each.place.directory))  # type: ignore[misc]
        clients = {
            name: remote(load_config(each.place).url)
            for name, each in everybody.items()
        }
        cards = [client.get("/v1/card") for client in clients.values()]
        terms = Terms(federation="campaign.demo")
        proposal = propose(_local(made), cards, terms)
        confirm_at([_local(each) for each in everybody.values()], proposal)
        carry(clients, proposal)
        for each in everybody.values():
            eventually(lambda each=each: _is_covered(each))  # type: ignore[misc]
        yield node, others[_OTHERS[0]]


def _local(made: Made) -> Client:
    return Client(str(made.place.socket), None, str(made.place.directory))


def _is_covered(made: Made) -> bool:
    told: Any = _local(made).get("/v1/status")
    return bool(told["peers"]) and all(peer["covered"] for peer in told["peers"])


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--major", type=int, default=MAJORS[-1])
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fedsafe-fleet-"))
    print(f"seed {given.seed}, {given.rounds} rounds, in {root}", flush=True)
    with (
        serving(installation_of(given.major), durable=True) as server,
        founded(server, root) as (node, other),
    ):
        acts = asyncio.run(campaign(node, server, given.rounds, given.seed))
        asyncio.run(check(node, other, acts))
        assert node.run.stop() == 0
        place = node.made.place
        verified = asyncio.run(verify_node(place, load_config(place)))
        assert verified.ok, verified
    terms = terms_in(node.outputs)
    check_terms(terms)
    for told, count in complaints(node.outputs).most_common():
        print(f"{count:5} {told}")
    print(
        f"{given.rounds} rounds, {len(acts.moments)} acknowledged acts "
        f"({len(acts.bans)} bans, {len(acts.publications)} publications, "
        f"{acts.negatives} negative answers): all kept, each once; {len(terms)} terms, "
        "never two at a time"
    )


if __name__ == "__main__":
    main()
