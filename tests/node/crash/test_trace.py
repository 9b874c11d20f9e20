# SPDX-License-Identifier: Apache-2.0
"""What the kernel sees: one fdatasync a batch, and no answer before it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.programs import program

from fedsafe_node.ground.faults import FaultPoint

APPENDS = 1 + 1 + 5 + 40 + 200
CALL = re.compile(
    r'\d+ +(?:write\(1, "(?P<told>[^"]*)\\n"|(?P<sync>f(?:data)?sync)\(\d+\)'
    r"|<\.\.\. (?P<resumed>f(?:data)?sync) resumed>)(?P<rest>.*)"
)


def events(trace: str) -> list[str]:
    """Return what was told and what was synced, in the order of completion."""
    found = []
    for line in trace.splitlines():
        call = CALL.match(line)
        if call is None:
            continue
        if call["told"]:
            found.append(call["told"])
        elif "unfinished" not in call["rest"]:
            assert call["rest"].endswith("= 0")
            found.append(call["sync"] or call["resumed"])
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    strace = program("strace", "strace")
    directory = tmp_path_factory.mktemp("traced")
    command = [strace, "-f", "-e", "trace=write,fsync,fdatasync", "-o"]
    command += [str(directory / "trace"), sys.executable]
    command += [str(Path(__file__).parent / "traced.py"), str(directory)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found = events((directory / "trace").read_text())
    return found[found.index("ready") + 1 : found.index("done")]


def test_the_trace_shows_everything_that_was_done(told: list[str]) -> None:
    assert told.count("acknowledged") == APPENDS
    assert told.count(FaultPoint.WRITER_AFTER_ACT) == APPENDS


def test_a_batch_is_one_fdatasync_however_many_acts_it_has(told: list[str]) -> None:
    commits = told.count(FaultPoint.WRITER_BEFORE_COMMIT)

    assert told.count("fdatasync") == commits
    assert told.count("fsync") == 0
    assert 5 <= commits <= APPENDS // 5


def test_the_fdatasync_lies_between_the_last_act_and_the_commits_end(
    told: list[str],
) -> None:
    writer = [word for word in told if word != "acknowledged"]
    batch = " ".join(writer).split(FaultPoint.WRITER_BEFORE_BEGIN)

    for steps in batch[1:]:
        assert steps.split()[-3:] == [
            FaultPoint.WRITER_BEFORE_COMMIT,
            "fdatasync",
            FaultPoint.WRITER_AFTER_COMMIT,
        ]


def test_nobody_is_told_before_the_fdatasync_of_the_batch(told: list[str]) -> None:
    acts = durable = acknowledged = 0
    for word in told:
        if word == FaultPoint.WRITER_AFTER_ACT:
            acts += 1
        elif word == "fdatasync":
            durable = acts
        elif word == "acknowledged":
            acknowledged += 1
        assert acknowledged <= durable
