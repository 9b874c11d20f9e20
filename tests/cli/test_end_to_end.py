# SPDX-License-Identifier: Apache-2.0
"""Real nodes in processes of their own, driven by the command alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fedsafe_cli.fleet import answers, find, free_ports, start, stop, wait_until


def fedsafe(
    *arguments: str, stdin: str = "", want: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "fedsafe_cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=os.environ | {"LANG": "C.UTF-8"},
        check=False,
    )
    assert done.returncode == want, done.stdout + done.stderr
    return done


@pytest.fixture
def demo(short_path: Path) -> Iterator[Path]:
    """Where a demo may be raised; it is stopped at the end."""
    yield short_path / "d"
    fedsafe("demo", "down", "--dir", str(short_path / "d"))


@pytest.mark.timeout(120)
def test_the_story_holds(demo: Path) -> None:
    done = fedsafe("demo", "story", "--once", "--lang", "en", "--dir", str(demo))

    assert "DOES NOT HOLD" not in done.stdout
    assert "reads 0 of 175 persons" in done.stdout
    assert 12 <= len(done.stdout.splitlines()) <= 20
    assert find(demo / "a.demo") is None


@pytest.mark.timeout(120)
def test_a_demo_comes_up_once_and_goes_down(demo: Path) -> None:
    up = ("demo", "up", "--nodes", "1", "--json", "--dir", str(demo))
    first = json.loads(fedsafe(*up).stdout)
    process = find(demo / "a.demo")
    second = json.loads(fedsafe(*up).stdout)

    assert first == second
    assert find(demo / "a.demo") == process
    (node,) = first["nodes"]
    assert set(node) == {"name", "url", "dir", "config"}
    assert not list(Path(node["dir"]).rglob("*custody*.key"))
    modes = {p.stat().st_mode & 0o777 for p in (demo / "credentials").rglob("*.key")}
    assert modes == {0o600}
    fedsafe("demo", "down", "--dir", str(demo))
    fedsafe("demo", "status", "--dir", str(demo), want=4)


@pytest.mark.timeout(120)
def test_a_demo_that_fails_leaves_nothing_running(demo: Path) -> None:
    fedsafe("demo", "up", "--nodes", "2", "--dir", str(demo))
    fedsafe("demo", "down", "--dir", str(demo))
    (demo / "b.demo" / "keys" / "feed.key").unlink()
    failed = fedsafe("demo", "up", "--dir", str(demo), want=1)

    assert "b.demo has ended" in failed.stderr
    assert find(demo / "a.demo") is None
    assert find(demo / "b.demo") is None


@pytest.mark.timeout(120)
def test_one_node_alone_finds_its_own_ban_however_it_is_written(demo: Path) -> None:
    fedsafe("demo", "up", "--nodes", "1", "--dir", str(demo))
    config = ("--config", str(demo / "a.demo"))
    finding = (
        *("--phenomenon", "grooming", "--surface", "public_content"),
        *("--grade", "confirmed_conduct", "--rule", "tos-1"),
        *("--removed-on", time.strftime("%Y-%m-%d", time.gmtime())),
    )
    add = ("signal", "add", "--kind", "email", *finding, *config)
    fedsafe(*add, stdin="Anna.B@Example.de\n")
    lookup = ("lookup", "--kind", "email", "-", *config)

    fedsafe(*lookup, stdin="anna.b@EXAMPLE.DE\n", want=10)
    fedsafe(*lookup, stdin="other@example.de\n", want=0)
    fedsafe("audit", "verify", *config)
    fedsafe("doctor", *config)


@pytest.mark.timeout(120)
def test_three_organisations_found_a_federation_by_files(short_path: Path) -> None:
    shared = short_path / "shared"
    shared.mkdir()
    names = ("a", "b", "c")
    homes = {name: short_path / name for name in names}
    for name, port in zip(names, free_ports(3), strict=True):
        fedsafe(
            *("node", "init", "--dir", str(homes[name]), "--name", f"{name}.demo"),
            *("--listen", f"127.0.0.1:{port}", "--policy", "synthetic"),
            *("--contact", f"trust@{name}.demo", "--staff", "anna:analyst"),
        )
    with ExitStack() as stack:
        for home in homes.values():
            stack.callback(stop, home)
        running = [(home, start(home)) for home in homes.values()]
        wait_until(lambda: all(map(answers, homes.values())), running, "starting")
        for home in homes.values():
            fedsafe("federation", "card", "--out", str(shared), "--config", str(home))
        fedsafe(
            *("federation", "found", "propose", "--federation", "by-files.demo"),
            *(str(shared), "--config", str(homes["a"])),
        )
        founded: set[str] = set()
        for _ in range(6):
            for name, home in homes.items():
                step = ("federation", "found", "step", str(shared))
                done = fedsafe(*step, "--json", "--config", str(home))
                if json.loads(done.stdout)["founded"]:
                    founded.add(name)

        assert founded == set(names)
        shown = fedsafe("federation", "show", "--config", str(homes["c"]))
        assert "2 of 3" in shown.stdout


@pytest.mark.timeout(60)
def test_ctrl_c_ends_a_command_cleanly(short_path: Path) -> None:
    (short_path / "node.toml").touch()
    child = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            (
                "import sys, _thread; sys.argv[1:] = ['lookup', '--kind', 'ip', '-'];"
                "sys.stdin = type('Stuck', (), {'closed': False,"
                " 'isatty': lambda s: False,"
                "'buffer': type('B', (), {'fileno': lambda s: 0, 'readline':"
                "lambda s, n: _thread.interrupt_main()})()})();"
                "from fedsafe_cli.main import main; sys.exit(main())"
            ),
        ],
        env=os.environ | {"FEDSAFE_CONFIG": str(short_path)},
        stderr=subprocess.PIPE,
    )
    _, err = child.communicate()

    assert child.returncode == 130
    assert b"Traceback" not in err
