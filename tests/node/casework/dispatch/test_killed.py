# SPDX-License-Identifier: Apache-2.0
"""Killed at any moment of a dispatch, a node loses none and sends none elsewhere."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest

from fedsafe_node.ground.faults import FaultPoint
from fedsafe_policies.escalation.dispatches import correction_key

NEVER: Final = "never 1"
# Sending is one act, each attempt two; before and after each of them.
PLAN: Final = [
    *(
        (point, hits)
        for point in (FaultPoint.WRITER_BEFORE_COMMIT, FaultPoint.WRITER_AFTER_COMMIT)
        for hits in (1, 2, 3)
    ),
    (FaultPoint.DISPATCH_BEFORE_CARRY, 1),
    (FaultPoint.DISPATCH_AFTER_CARRY, 1),
]


class Child:
    """The process that is killed, and what it leaves behind."""

    def __init__(self, process: subprocess.Popen[str], ready: Path) -> None:
        self.process = process
        self.ready = ready

    def run(self, directory: Path, plan: str, what: str = "send") -> int:
        """Send, or recall, in a directory; return the signal that it died of."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{directory} {plan} {what}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    ready = tmp_path_factory.mktemp("ready")
    command = [sys.executable, "-m", "tests.node.casework.dispatch.killed"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Child(process, ready)
        assert process.stdin is not None
        process.stdin.close()


def arrived(directory: Path) -> list[str]:
    file = directory / "arrived"
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture(scope="module")
def prepared(child: Child) -> Path:
    """A store with an approved case that was killed before it was sent."""
    assert child.run(child.ready, f"{FaultPoint.WRITER_BEFORE_COMMIT} 1") == SIGKILL
    assert arrived(child.ready) == []
    return child.ready


@pytest.mark.parametrize(("point", "hits"), PLAN)
def test_a_killed_node_delivers_at_least_once_under_one_key_to_one_partner(
    child: Child, prepared: Path, tmp_path: Path, point: FaultPoint, hits: int
) -> None:
    directory = tmp_path / "node"
    shutil.copytree(prepared, directory)
    died = child.run(directory, f"{point} {hits}")
    before = arrived(directory)
    again = child.run(directory, NEVER)
    after = arrived(directory)
    with closing(sqlite3.connect(directory / "node.db")) as database:
        (dispatch,) = database.execute("SELECT id, state FROM dispatches").fetchall()
        attempts = database.execute(
            "SELECT outcome FROM attempts ORDER BY number"
        ).fetchall()

    assert (died, again) == (SIGKILL, 0)
    assert len(set(after)) == 1
    assert after[0].split()[:2] == [dispatch[0], "intake@lka.example"]
    assert dispatch[1] == "delivered"
    assert len(attempts) >= len(after) >= max(1, len(before))
    assert [each for (each,) in attempts[:-1]] == ["in_doubt"] * (len(attempts) - 1)
    assert attempts[-1] == ("delivered",)


def rows(directory: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(directory / "node.db")) as database:
        return database.execute(query).fetchall()


# The sending, its listing, the taking, the recall and the note are one act each.
@pytest.mark.parametrize("hits", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "point", [FaultPoint.WRITER_BEFORE_COMMIT, FaultPoint.WRITER_AFTER_COMMIT]
)
def test_killed_between_any_two_steps_of_a_recall_nothing_taken_is_forgotten(
    child: Child, prepared: Path, tmp_path: Path, point: FaultPoint, hits: int
) -> None:
    directory = tmp_path / "node"
    shutil.copytree(prepared, directory)
    died = child.run(directory, f"{point} {hits}", "recall")
    sent = rows(directory, "SELECT id FROM dispatches WHERE recalls IS NULL")[0][0]
    takers = rows(directory, "SELECT by FROM takings")
    corrections = rows(directory, "SELECT id FROM dispatches WHERE recalls IS NOT NULL")
    was_taken = (directory / "taken").exists()
    was_recalled = (directory / "recalled").exists()
    again = child.run(directory, NEVER, "recall")
    after = rows(directory, "SELECT id, state FROM dispatches ORDER BY made_at, id")

    correction = correction_key(str(sent))[: len(str(sent))]
    assert (died, again) == (SIGKILL, 0)
    assert takers == [("ada",)] or not was_taken
    assert corrections == [(correction,)] or not was_recalled
    assert sorted(after) == sorted([(sent, "stopped"), (correction, "stopped")])
    assert set(rows(directory, "SELECT kept_back_by FROM takings")) == {("ada",)}
