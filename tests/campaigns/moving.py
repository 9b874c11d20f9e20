# SPDX-License-Identifier: Apache-2.0
"""Move a large store to a server and back, and kill the move in the middle each way.

    .venv/bin/python -m tests.campaigns.moving [--rows 1000000] [--dir DIR]

Fills a node's store with so many signals and so many events of its audit log, all
invented, and moves it with `fedsafe store migrate`. Each way the process is killed
(SIGKILL) once a third of the log is there, and called again. Prints what each step took
and the most memory that it had, and ends at the first root, opening or row that is not
what it was.
"""

import argparse
import asyncio
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from tests.postgresql.installation import installed
from tests.postgresql.making import serving
from tests.support.databases import Prepared, preparing
from tests.support.fleet import StandingClock, make

from fedsafe_node.app.container import Base, open_base
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.log.audit import Event
from fedsafe_node.store.rows import NewSignal
from fedsafe_node.store.transaction import Transaction

NODE: Final = "a.demo"
_ROOT: Final = Path(__file__).parents[2]
# SQLite takes longer for each row of a long act: it keeps the old pages in a list.
_PIECE: Final = 500
_LOOK: Final = 0.2  # seconds
_COUNT: Final = "SELECT count(*) FROM fedsafe.entries"
_KIB: Final = 1024
_MOST_MEMORY: Final = 256  # MiB of a move, however large the store is


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: what it said, seconds, and MiB of memory at most."""

    status: int
    said: str
    seconds: float
    memory: int


async def fill(root: Path, rows: int) -> None:
    """Make a node, and fill its store."""
    fleet = await make(root, NODE)
    place = fleet.place(NODE)
    await fleet.start(NODE)
    await fleet.stop(NODE)
    async with AsyncExitStack() as parts:
        config = await asyncio.to_thread(load_config, place)
        base = await open_base(place, config, StandingClock(), parts)
        for at in range(0, rows, _PIECE):
            await base.store.write(_act(base, at, min(_PIECE, rows - at)))


def _act(base: Base, at: int, count: int) -> Callable[[Transaction], Any]:
    log = base.trail.log
    signals = [
        NewSignal(
            signal_id=secrets.token_bytes(16),
            origin=NODE,
            plane="actor",
            scope="federation",
            epoch=1,
            generation=1,
            token=secrets.token_bytes(16),
            match_until=2_000_000_000,
            erase_after=2_000_000_000 + at,
            log=log,
            index=at + number,
            group="signal",
        )
        for number in range(count)
    ]
    events = [
        base.trail.entry(
            Event.LOOKUP,
            at=base.clock.now(),
            outcome="none",
            actor="shop-backend",
            detail={"purpose": "signup_check", "lookups": 1},
        )
        for _ in range(count)
    ]

    async def act(tx: Transaction) -> None:
        await tx.add_signals(signals)
        await tx.append_many(log, events)

    return act


def run(*words: str, until: Callable[[], bool] = lambda: False) -> Ended:
    """Run the command; kill it once *until* is so."""
    began, memory = time.monotonic(), 0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        command = [sys.executable, "-m", "fedsafe_cli", *words]
        process = subprocess.Popen(command, stdout=out, stderr=errors, cwd=_ROOT)
        while process.poll() is None:
            memory = _most_memory(process.pid) or memory
            if until():
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(_LOOK)
        status, seconds = process.wait(), time.monotonic() - began
        for file in (out, errors):
            file.seek(0)
        said = out.read().decode() or errors.read().decode()
    return Ended(status, said, seconds, memory // _KIB)


def _most_memory(pid: int) -> int:
    """Read how many KiB a process had at most; 0 of one that has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    found = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM")]
    return int(found[0]) if found else 0


def move(what: str, words: Sequence[str], until: Callable[[], bool]) -> dict[str, Any]:
    """Move, be killed, and move on; return what the command tells."""
    killed = run("store", "migrate", *words, "--json", until=until)
    assert killed.status == -signal.SIGKILL, f"it was too quick: {killed.said}"
    tell(f"{what}, killed", killed)
    ended = run("store", "migrate", *words, "--switch", "--json")
    assert ended.status == 0, ended.said
    tell(f"{what}, resumed", ended)
    assert max(killed.memory, ended.memory) < _MOST_MEMORY
    told: dict[str, Any] = json.loads(ended.said)
    assert not told["was_there"]
    return told


def tell(what: str, ended: Ended) -> None:
    print(f"{what}: {ended.seconds:.0f} s, {ended.memory} MiB at most", flush=True)


def campaign(root: Path, rows: int, database: Prepared) -> None:
    """Fill, move there and back, and compare."""
    began = time.monotonic()
    asyncio.run(fill(root, rows))
    place = Place(root / NODE)
    file, config = f"sqlite://{place.database}", str(place.directory)
    size = place.database.stat().st_size
    print(f"filled: {time.monotonic() - began:.0f} s, {size >> 20} MiB", flush=True)
    verified = run("audit", "verify", "--json", "--config", config)
    tell("verified", verified)
    before = json.loads(verified.said)["logs"]

    def has_a_third_there() -> bool:
        try:
            with psycopg.connect(database.superuser) as connection:
                (count,) = connection.execute(_COUNT).fetchone() or (0,)
        except psycopg.errors.UndefinedTable:
            return False
        return int(count) > rows // 3

    def has_a_third_back() -> bool:
        draft = place.database.with_name("store.db.moving")
        return draft.exists() and draft.stat().st_size > size // 3

    owner = ["--owner", database.owner]
    there = move(
        "there", ["--from", file, "--to", database.node, *owner], has_a_third_there
    )
    back = move("back", ["--from", database.node, "--to", file], has_a_third_back)
    assert there["logs"] == back["logs"] == before
    assert there["tables"] == back["tables"]
    assert there["tables"]["signals"] == rows
    assert there["tables"]["entries"] > rows
    after = run("audit", "verify", "--json", "--config", config)
    tell("verified", after)
    assert json.loads(after.said)["logs"] == before
    openings = sum(log["openings"] for log in before)
    print(f"{there['rows']:,} rows and {openings:,} openings there and back: the same")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, help="where to put the node")
    given = parser.parse_args()
    installation = installed()[-1]
    print(f"{given.rows:,} signals and events, PostgreSQL {installation.major}")
    with (
        tempfile.TemporaryDirectory(prefix="fs-", dir=given.dir) as folder,
        serving(installation, durable=True) as server,
        preparing(server) as databases,
    ):
        campaign(Path(folder), given.rows, databases.make_empty())


if __name__ == "__main__":
    main()
