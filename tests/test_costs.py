# SPDX-License-Identifier: Apache-2.0
"""What tests cost is measured, and what is slow is left out of a quick run."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import pytest_ignore_collect
from tests.costs import (
    ALWAYS,
    Cost,
    function_of,
    read_costs,
    read_slow,
    slow_names,
    summed,
)

ROOT = Path(__file__).parents[1]
TEST = """\
import subprocess, sys, time

def test_works():
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass

def test_lets_work():
    work = "import time\\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", work], check=True)

def test_waits():
    time.sleep(0.2)
"""


def cost(test: str, seconds: float) -> Cost:
    return Cost(test, setup=0.0, call=seconds, teardown=0.0)


def test_processor_time_counts_and_that_of_children_but_no_waiting(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    kept = tmp_path / "costs.jsonl"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.costs"]
    options = ["--costs", str(kept), "-p", "no:cacheprovider", "--rootdir"]
    done = subprocess.run(
        [*command, *options, str(tmp_path), "-c", "/dev/null", str(tmp_path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout
    found = {each.test.rpartition("_")[2]: each.call for each in read_costs(kept)}

    assert found["works"] >= 0.2
    assert found["work"] >= 0.2
    assert found["waits"] < 0.1


def test_costs_are_added_up_by_folder_file_and_test() -> None:
    costs = [cost("tests/a/test_b.py::test_c[1]", 1), cost("tests/a/test_d.py::t", 2)]

    assert summed(costs, "folder") == [("tests/a", 2, 3.0)]
    assert [row[0] for row in summed(costs, "file")] == [
        "tests/a/test_d.py",
        "tests/a/test_b.py",
    ]


def test_what_is_slow_is_named_by_function_or_by_file() -> None:
    costs = [
        cost("tests/test_a.py::test_slow[1]", 0.3),
        cost("tests/test_a.py::test_slow[2]", 0.3),
        cost("tests/test_a.py::test_quick", 0.4),
        cost("tests/test_b.py::test_slow", 2.0),
        cost(f"{min(ALWAYS)}::test_slow", 2.0),
        cost("tests/test_b.py::test_quick", 0.1),
        cost("tests/test_c.py::test_quick", 0.5),
    ]

    assert slow_names(costs, 0.5) == ["tests/test_a.py::test_slow", "tests/test_b.py"]


def test_a_quick_run_leaves_out_what_is_there() -> None:
    gone = [name for name in read_slow() if not _is_there(name)]

    assert gone == []


def _is_there(name: str) -> bool:
    file, _, path = name.partition("::")
    if not (ROOT / file).is_file():
        return False
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    for part in filter(None, path.split("::")):
        found = [each for each in body if getattr(each, "name", None) == part]
        if not found:
            # Written as `TestPdqIndex = PdqMachine.TestCase`, it has no body.
            return part in (ROOT / file).read_text(encoding="utf-8")
        body = getattr(found[0], "body", [])
    return True


def test_a_quick_run_runs_what_is_not_slow() -> None:
    slow = min(name for name in read_slow() if "::" in name)
    file = slow.partition("::")[0]
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--quick"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", file],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    seen = {function_of(line) for line in done.stdout.splitlines() if "::" in line}

    assert seen
    assert slow not in seen


@pytest.mark.parametrize("quick", [True, False])
def test_a_quick_run_does_not_read_files_in_which_all_is_slow(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    quick: bool,  # noqa: FBT001 - a case
) -> None:
    monkeypatch.setattr(pytestconfig.option, "quick", quick)
    whole = ROOT / min(name for name in read_slow() if "::" not in name)

    assert bool(pytest_ignore_collect(whole, pytestconfig)) is quick
    assert not pytest_ignore_collect(ROOT / min(ALWAYS), pytestconfig)


def test_what_is_run_no_more_names_what_runs_it_and_why() -> None:
    moved = tomllib.loads((ROOT / "tests" / "moved.toml").read_text("utf-8"))
    rows = [*moved["moved"], *moved["fewer"]]
    modules = [name for row in rows for name in re.findall(r"-m (\S+)", row["runs"])]
    files = [
        row["tests"] for row in moved["fewer"] if row["tests"].startswith("tests/")
    ]

    assert all(row["why"] and row["runs"] for row in rows)
    assert modules
    assert [m for m in modules if not _is_there(f"{m.replace('.', '/')}.py")] == []
    assert [name for name in files if not _is_there(name)] == []
    assert all(row["count"] > 0 for row in moved["moved"])
    assert all(
        0 < r["examples"]["now"] < r["examples"]["before"] for r in moved["fewer"]
    )
