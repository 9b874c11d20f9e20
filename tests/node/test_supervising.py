# SPDX-License-Identifier: Apache-2.0
import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.node.databases import Preparing
from tests.node.fleet import STAFF, config_of
from tests.postgresql.fixtures import MAJORS

from fedsafe_cli.fleet import free_ports
from fedsafe_node.clock import SystemClock
from fedsafe_node.config import Config, Place, load_config
from fedsafe_node.errors import ConfigError, StoreBusyError
from fedsafe_node.init import create_node
from fedsafe_node.log.audit import Event, decode_audit_record
from fedsafe_node.log.engine import examine_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.sequencer import Sequencer
from fedsafe_node.storage import Storage, store_at
from fedsafe_node.store.protocol import Reader
from fedsafe_node.supervising import Supervisor, alone_in

COUNT = 2
PATIENCE = 60.0
PACE = 0.02

pytestmark = pytest.mark.timeout(240)  # whole processes, one after the other


def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; other processes make it so, and tell nobody."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(PACE)


class Running:
    """A node that runs as several processes."""

    def __init__(self, place: Place, count: int = COUNT) -> None:
        self.place = place
        command = [sys.executable, "-m", "fedsafe_cli", "node", "run"]
        self.process = subprocess.Popen(
            [*command, "--config", str(place.directory), "--workers", str(count)],
            stderr=subprocess.PIPE,
        )
        self.log = b""

    def workers(self) -> list[int]:
        """Give the processes that the parent has started."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]

    def who_answers(self, *, local: bool = False) -> str | None:
        """Ask over TCP or the Unix socket; give the name of who answers."""
        listen = load_config(self.place).listen
        line = http.client.HTTPConnection(listen.host, listen.port, timeout=10)
        try:
            if local:
                line.sock = socket.socket(socket.AF_UNIX)
                line.sock.connect(str(self.place.socket))
            line.request("GET", "/v1/health")
            answer = line.getresponse()
            answer.read()
            return answer.headers["X-Request-Id"].partition("-")[0]
        except OSError:
            return None
        finally:
            line.close()

    def wait(self) -> int:
        _, self.log = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.wait()


@pytest.fixture(scope="module")
def made(
    prepare: Callable[[int], Preparing], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Make a node whose store is on a server."""
    databases = prepare(MAJORS[-1])
    prepared = databases.make()
    root = tmp_path_factory.mktemp("node")
    place, (port,) = Place(root / "n"), free_ports(1)
    config = config_of("a.demo", port)
    asyncio.run(
        create_node(
            place,
            msgspec.structs.replace(config, store=Storage(prepared.node)),
            custody_private=root / "custody.key",
            staff=STAFF,
            clock=SystemClock(),
        )
    )
    yield place
    databases.drop(prepared)


@pytest.fixture
def running(made: Place) -> Iterator[Running]:
    node = Running(made)
    eventually(lambda: len(node.workers()) == COUNT)
    eventually(node.who_answers)
    yield node
    if node.process.poll() is None:
        assert node.stop() == 0, node.log.decode()


def events(place: Place) -> list[Event]:
    """Read which events the audit log has, whoever writes it."""

    async def query(reader: Reader) -> list[Event]:
        records = await reader.records("a.demo/audit", 0, 10_000)
        return [decode_audit_record(record).event for record in records]

    where = store_at(place.database, load_config(place).store)
    return examine_store(
        where, query, Sequencer(PeriodKeys(place.periods, tidy=False), SystemClock())
    )


def test_all_processes_answer_and_the_node_starts_and_stops_once(
    running: Running,
) -> None:
    before = events(running.place)
    answered: set[str | None] = set()

    def all_have_answered() -> bool:
        answered.add(running.who_answers())
        return len(answered - {None}) == COUNT

    eventually(all_have_answered)
    assert running.who_answers(local=True) in answered
    assert running.stop() == 0

    assert not running.place.socket.exists()
    new = events(running.place)[len(before) :]
    assert new.count(Event.NODE_STOPPED) == 1
    assert new[-1] is Event.NODE_STOPPED
    assert Event.AUDIT_GAP not in new


def test_a_process_that_is_killed_is_started_anew(running: Running) -> None:
    before = set(running.workers())
    killed = min(before)

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: len(set(running.workers()) - {killed}) == COUNT)
    eventually(running.who_answers)
    assert running.stop() == 0
    assert events(running.place)[-1] is Event.NODE_STOPPED


def test_no_process_outlives_the_parent(running: Running) -> None:
    workers = running.workers()

    running.process.kill()
    running.wait()

    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_second_parent_is_refused(running: Running) -> None:
    other = Running(running.place)

    assert other.wait() == 5
    assert b"a node runs in this directory already?" in other.log
    assert running.who_answers()


def test_a_process_that_cannot_start_says_why_and_leaves_none_behind(
    made: Place,
) -> None:
    seal = made.keys / "seal.key"
    seal.chmod(0o640)
    try:
        node = Running(made)
        assert node.wait() == 1
    finally:
        seal.chmod(0o600)

    assert b"worker 0 cannot start" in node.log
    assert b"lets others in" in node.log
    assert not made.socket.exists()


def config(place: Place) -> Config:
    place.directory.mkdir(exist_ok=True)
    return config_of("a.demo", 8443)


def test_several_processes_want_a_store_on_a_server(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with pytest.raises(ConfigError, match=r"name it as \[store\] url, or run one"):
        Supervisor(place, config(place), 2)


def test_one_parent_at_a_time_has_a_directory(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with alone_in(place), pytest.raises(StoreBusyError), alone_in(place):
        pass
    with alone_in(place):
        pass
