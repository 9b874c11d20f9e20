# SPDX-License-Identifier: Apache-2.0
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.postgresql.databases import name_in
from tests.postgresql.fixtures import MAJORS
from tests.support.databases import Preparing
from tests.support.fleet import config_of
from tests.support.lookup_socket import QUESTION, lookup_socket
from tests.support.several import PATIENCE, Made, Running, eventually, made_on

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import RefusedError
from fedsafe_cli.terminal.remote import addressed
from fedsafe_node.app.supervisor import Supervisor
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Config, Place, load_config
from fedsafe_node.ground.errors import ConfigError, StoreBusyError
from fedsafe_node.log.audit import Event, decode_audit_record
from fedsafe_node.log.engine import examine_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.sequencer import Sequencer
from fedsafe_node.operations.stopped_node import alone_in
from fedsafe_node.store.address import store_at
from fedsafe_node.store.reader import Reader

COUNT = 2
RUN = (sys.executable, "-m", "fedsafe_cli", "node", "run", "--config")

pytestmark = pytest.mark.timeout(240)  # whole processes, one after the other


@pytest.fixture(scope="module")
def made(
    prepare: Callable[[int], Preparing], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Made]:
    with made_on(prepare(MAJORS[-1]), tmp_path_factory.mktemp("node")) as made:
        yield made


@pytest.fixture
def running(made: Made) -> Iterator[Running]:
    node = Running(made.place, COUNT)
    eventually(node.are_ready)
    yield node
    if node.process.poll() is None:
        assert node.stop() == 0, node.log


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


def test_all_processes_share_the_socket_for_lookups(made: Made) -> None:
    with lookup_socket(made.place) as path:
        node = Running(made.place, COUNT)
        shop = addressed(f"unix:{path}").holding(made.credentials["shop"])
        local = Client(str(made.place.socket), None, str(made.place.directory))
        try:
            eventually(node.are_ready)
            told = [shop.post("/v1/lookup", QUESTION)["result"] for _ in range(4)]
            told.append(local.post("/v1/lookup", QUESTION)["result"])
            with pytest.raises(RefusedError, match="lookups alone"):
                shop.get("/v1/status")
        finally:
            status = node.stop()

        assert set(told) == {"none"}
        assert status == 0, node.log
        assert not path.exists()
        assert not made.place.socket.exists()


def test_a_node_on_a_server_tells_no_room_of_a_disk_of_its_own(
    running: Running,
) -> None:
    place = running.place
    told = Client(str(place.socket), None, str(place.directory)).get("/v1/status")

    assert told["disk"] == "ok"
    assert told["disk_free_mib"] is told["reserve_mib"] is None


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
    running.process.wait(PATIENCE)

    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def run_another(
    place: Place, workers: int = COUNT
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*RUN, str(place.directory), "--workers", str(workers)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_a_second_parent_is_refused(running: Running) -> None:
    refused = run_another(running.place)

    assert refused.returncode == 5
    assert "a node runs in this directory already?" in refused.stderr
    assert running.who_answers()


def test_a_parent_is_refused_while_a_process_of_another_one_works(
    running: Running,
) -> None:
    slow = running.numbers()[1]
    os.kill(slow, signal.SIGSTOP)
    running.process.kill()
    running.process.wait(PATIENCE)
    try:
        refused = run_another(running.place)
    finally:
        os.kill(slow, signal.SIGCONT)

    assert refused.returncode == 5
    eventually(lambda: not Path(f"/proc/{slow}").exists())


def test_a_process_that_is_killed_while_the_node_starts_is_started_anew(
    made: Made,
) -> None:
    node = Running(made.place, COUNT)
    try:
        eventually(lambda: 1 in node.numbers())
        os.kill(node.numbers()[1], signal.SIGKILL)
        os.kill(node.numbers()[0], signal.SIGKILL)

        eventually(node.are_ready)
        eventually(lambda: len(node.numbers()) == COUNT)
        assert node.log.count("a worker ended; it is started anew") == 2
    finally:
        assert node.stop() == 0, node.log


def test_a_process_that_cannot_start_says_why_and_leaves_none_behind(
    made: Made,
) -> None:
    seal = made.place.keys / "seal.key"
    seal.chmod(0o640)
    try:
        node = Running(made.place, COUNT)
        assert node.process.wait(PATIENCE) == 1
    finally:
        seal.chmod(0o600)

    assert "worker 0 cannot start" in node.log
    assert "lets others in" in node.log
    assert not made.place.socket.exists()


def test_more_processes_than_the_server_has_connections_for_are_refused(
    made: Made, prepare: Callable[[int], Preparing]
) -> None:
    store = load_config(made.place).store
    assert store is not None
    superuser = prepare(MAJORS[-1]).at(store.url).superuser
    limited(superuser, 23)
    try:
        refused = run_another(made.place, workers=3)
    finally:
        limited(superuser, -1)

    assert refused.returncode == 2
    assert "3 workers need 24 connections to the database" in refused.stderr
    assert "its server lets in 23" in refused.stderr
    assert "start with --workers 2" in refused.stderr


def limited(database: str, connections: int) -> None:
    command = SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(
        Identifier(name_in(database)), connections
    )
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(command)


def config(place: Place) -> Config:
    place.directory.mkdir(exist_ok=True)
    return config_of("a.demo", 8443)


def test_several_processes_want_a_store_on_a_server(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with pytest.raises(ConfigError, match=r"name it as \[store\] url, or run one"):
        Supervisor(place, config(place), 2, lock=-1)


def test_one_parent_at_a_time_has_a_directory(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with alone_in(place), pytest.raises(StoreBusyError), alone_in(place):
        pass
    with alone_in(place):
        pass
