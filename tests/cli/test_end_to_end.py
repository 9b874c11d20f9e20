# SPDX-License-Identifier: Apache-2.0
"""Real nodes in processes of their own, driven by the command alone."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGINT
from threading import Thread

import pytest
from tests.support import ready_programme
from tests.support.ready_programme import start

from fedsafe_cli.demo.fleet import answers, find, free_ports, stop, wait_until


def installed(
    *arguments: str, stdin: str = "", want: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command as people have it; the nodes that it starts are so as well."""
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


def fedsafe(
    *arguments: str, stdin: str = "", want: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run the command where it does not matter how its process has come to be."""
    ran = ready_programme.run(
        arguments, typed=stdin.encode(), environment=os.environ | {"LC_ALL": "C.UTF-8"}
    )
    out, err = ran.stdout.decode(), ran.stderr.decode()
    assert ran.returncode == want, out + err
    return subprocess.CompletedProcess(ran.args, ran.returncode, out, err)


@pytest.fixture
def demo(short_path: Path) -> Iterator[Path]:
    """Where a demo may be raised; it is stopped at the end."""
    yield short_path / "d"
    fedsafe("demo", "down", "--dir", str(short_path / "d"))


@pytest.mark.promise("RM-02")
@pytest.mark.timeout(120)
def test_the_story_holds(demo: Path) -> None:
    done = installed("demo", "story", "--once", "--lang", "en", "--dir", str(demo))

    assert "DOES NOT HOLD" not in done.stdout
    assert "reads 0 of 175 persons" in done.stdout
    assert 12 <= len(done.stdout.splitlines()) <= 20
    assert "http://" not in done.stdout
    assert not demo.exists()


@pytest.mark.timeout(120)
def test_a_story_that_is_interrupted_leaves_nothing(demo: Path) -> None:
    # Whatever runs the tests may have it ignored.
    heeded = ("env", "--default-signal=INT")
    command = [*heeded, sys.executable, "-m", "fedsafe_cli", "demo", "story", "--once"]
    with subprocess.Popen([*command, "--dir", str(demo)], stderr=subprocess.PIPE) as it:
        while not (demo / "a.demo").exists() and it.poll() is None:
            time.sleep(0.02)  # the pace of asking
        it.send_signal(SIGINT)
        said = it.communicate(timeout=60)[1]

    assert (it.returncode, said) == (130, b"\n")
    assert not demo.exists()


@pytest.mark.timeout(120)
def test_a_demo_comes_up_once_and_goes_down(demo: Path) -> None:
    up = ("demo", "up", "--nodes", "1", "--json", "--dir", str(demo))
    first = json.loads(installed(*up).stdout)
    process = find(demo / "a.demo")
    second = json.loads(installed(*up).stdout)

    assert first == second
    assert find(demo / "a.demo") == process
    (node,) = first["nodes"]
    assert set(node) == {"name", "url", "dir", "config"}
    assert not list(Path(node["dir"]).rglob("*custody*.key"))
    modes = {p.stat().st_mode & 0o777 for p in (demo / "credentials").rglob("*.key")}
    assert modes == {0o600}
    installed("demo", "down", "--dir", str(demo))
    installed("demo", "status", "--dir", str(demo), want=4)


@pytest.mark.timeout(120)
def test_a_demo_that_fails_leaves_nothing_running(demo: Path) -> None:
    fedsafe("demo", "up", "--nodes", "3", "--dir", str(demo))
    fedsafe("demo", "down", "--dir", str(demo))
    (demo / "b.demo" / "keys" / "feed.key").unlink()
    failed = fedsafe("demo", "up", "--dir", str(demo), want=1)

    assert "b.demo has ended" in failed.stderr
    assert find(demo / "a.demo") is None
    assert find(demo / "b.demo") is None


@pytest.mark.promise("RM-01")
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
        early = ("federation", "found", "step", str(shared))
        told = fedsafe(*early, "--config", str(homes["b"]), want=13)
        assert "b.demo: the operator has yet to confirm" in told.stderr
        assert not list(homes["b"].glob("keys/founding-*"))
        since = time.monotonic()
        confirm_all(*homes.values(), shared=(str(shared),))
        assert (time.monotonic() - since) / len(homes) < 60  # a person's minute
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


@contextmanager
def running(*homes: Path) -> Iterator[None]:
    with ExitStack() as stack:
        for home in homes:
            stack.callback(stop, home)
        started = [(home, start(home)) for home in homes]
        wait_until(lambda: all(map(answers, homes)), started, "starting")
        yield


def init(home: Path, port: int, *, policy: str = "synthetic") -> None:
    fedsafe(
        *("node", "init", "--dir", str(home), "--name", f"{home.name}.demo"),
        *("--listen", f"127.0.0.1:{port}", "--contact", f"trust@{home.name}.demo"),
        *("--policy", policy, "--staff", "ben:reviewer"),
    )


def confirm_all(*homes: Path, shared: tuple[str, ...] = ()) -> None:
    """Let each operator type what the others read out from their own nodes."""
    own: dict[str, list[str]] = {}
    for home in homes:
        card = fedsafe("federation", "card", "--config", str(home)).stdout
        own[f"{home.name}.demo"] = card.splitlines()[-1].split()[1:]
    found = ("federation", "found")
    for home in homes:
        here = (*shared, "--config", str(home))
        seen = fedsafe(*found, "review", "--json", *here).stdout
        [founding] = json.loads(seen)["foundings"]
        lines = [
            " ".join(own[each["name"]][at - 1] for at in each["asked"])
            for each in founding["members"]
            if each["asked"]
        ]
        screens = [fedsafe(*found, "review", *here).stdout, seen]
        fedsafe(*found, "confirm", *here, stdin="", want=5)
        done = fedsafe(*found, "confirm", *here, stdin="\n".join(lines) + "\n")
        screens += [done.stdout, done.stderr]
        for screen in (re.findall(r"[0-9a-f]+", each) for each in screens):
            assert not any(set(line.split()) <= set(screen) for line in lines)


@pytest.mark.timeout(120)
def test_three_organisations_found_a_federation_over_the_network(
    short_path: Path,
) -> None:
    homes = [short_path / name for name in ("a", "b", "c")]
    for home, port in zip(homes, free_ports(3), strict=True):
        init(home, port)
        file = home / "node.toml"
        text = file.read_text()
        assert "open = false" in text
        file.write_text(text.replace("open = false", "open = true"))
    configs = [tomllib.loads((home / "node.toml").read_text()) for home in homes[1:]]
    members = [part for each in configs for part in ("--member", each["url"])]
    run = ("federation", "found", "run", "--federation", "by-network.demo", *members)
    with running(*homes):
        waits = fedsafe(*run, "--config", str(homes[0]), want=13)
        again = fedsafe(*run, "--json", "--config", str(homes[0]), want=13)
        confirm_all(*homes)
        told = fedsafe(*run, "--config", str(homes[0]))
        shown = fedsafe("federation", "show", "--config", str(homes[1]))

        names = ["a.demo", "b.demo", "c.demo"]
        assert f"{', '.join(names)}: the operator has yet to confirm" in waits.stderr
        assert json.loads(again.stdout)["waiting"] == names
        assert told.stdout == f"founded: by-network.demo with {', '.join(names)}\n"
        assert "by-network.demo" in shown.stdout


GATE = """
legal_basis = "gdpr-6-1-f:file-2026-17"
balancing_test = "https://intranet.example/fedsafe/balancing"
dpia = "https://intranet.example/fedsafe/dpia"
consultation = "not_required"
consultation_reference = "note-2026-18"
arrangement = "joint-controllers/3"
"""


WHOLE_GATE = (
    GATE
    + """
dpo_approval = { person = "C. Weber", on = 2026-11-02 }
management_approval = { person = "D. Kaya", on = 2026-11-03 }
valid_until = 2099-11-03
"""
)


@pytest.mark.timeout(60)
def test_a_gate_record_is_kept_and_says_what_it_lacks(short_path: Path) -> None:
    home, record = short_path / "a", short_path / "gate.toml"
    init(home, free_ports(1)[0])
    record.write_text(GATE)
    config = ("--config", str(home))
    key = ("--credential", str(short_path / "a.credentials" / "ben.key"))
    with running(home):
        before = json.loads(fedsafe("gate", "show", "--json", *config).stdout)
        fedsafe("gate", "record", str(record), *config, want=3)
        record.write_text("not_a_field = 1\n")
        fedsafe("gate", "record", str(record), *key, *config, want=5)
        record.write_text(GATE)
        answer = fedsafe("gate", "record", str(record), "--json", *key, *config)
        record.write_text(WHOLE_GATE)
        alone = fedsafe("gate", "record", str(record), *key, *config, want=5)
        search = ("audit", "search", "--json", "--purpose", "audit_review")
        events = json.loads(fedsafe(*search, *config).stdout)

    after = json.loads(answer.stdout)
    assert set(before["missing"]) - set(after["missing"]) == {
        *("legal_basis", "balancing_test", "dpia", "consultation"),
        *("consultation_reference", "arrangement"),
    }
    recorded = [each for each in events["events"] if "gate" in each["event"]]
    assert len(recorded) == 1
    assert "fedsafe account add NAME" in alone.stderr


@pytest.mark.timeout(60)
def test_a_first_evening_takes_no_account_and_a_gate_does(short_path: Path) -> None:
    home, record = short_path / "a", short_path / "gate.toml"
    init(home, free_ports(1)[0], policy="strict")
    record.write_text(GATE)
    config = ("--config", str(home))
    key = ("--credential", str(short_path / "a.credentials" / "ben.key"))
    with running(home):
        add = [
            *("signal", "add", *key, "--kind", "email", "--phenomenon", "grooming"),
            *("--surface", "public_content", "--grade", "confirmed_conduct"),
            *("--rule", "r1", "--removed-on", time.strftime("%Y-%m-%d", time.gmtime())),
        ]
        fedsafe(*add, "-", *config, stdin="anna.muster@gmail.com")
        ask = ("lookup", "--kind", "email", "-", *config)
        found = fedsafe(*ask, stdin="AnnaMuster+new@googlemail.com", want=10)
        refused = fedsafe("gate", "record", str(record), *key, *config, want=3)

    assert found.stdout
    assert "account_needed" in refused.stderr
    assert "fedsafe account setup" in refused.stderr


def forward(front: socket.socket, back: Path, *, drops: int) -> None:
    """Carry requests to a node; so many of its first answers get lost."""
    while True:
        try:
            line = front.accept()[0]
        except OSError:
            return  # the test is over
        with line, socket.socket(socket.AF_UNIX) as node:
            node.connect(str(back))
            node.sendall(line.recv(65_536))
            answer = b"".join(iter(lambda: node.recv(65_536), b""))
            if drops > 0:
                drops -= 1
            else:
                line.sendall(answer)


@pytest.mark.timeout(60)
def test_a_ban_whose_answer_is_lost_twice_is_recorded_once(short_path: Path) -> None:
    home, front = short_path / "a", short_path / "front"
    init(home, free_ports(1)[0])
    front.mkdir()
    (front / "node.toml").touch()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(front / "node.sock"))
    listener.listen(5)
    with running(home), listener:
        Thread(
            target=forward,
            args=(listener, home / "node.sock"),
            kwargs={"drops": 2},
            daemon=True,
        ).start()
        fedsafe(
            *("signal", "add", "--kind", "email", "--config", str(front)),
            *("--phenomenon", "grooming", "--surface", "public_content"),
            *("--grade", "confirmed_conduct", "--rule", "tos-1", "--removed-on"),
            time.strftime("%Y-%m-%d", time.gmtime()),
            stdin="anna@example.de\n",
        )
        status = fedsafe("node", "status", "--json", "--config", str(home))

    assert json.loads(status.stdout)["own_bans"] == 1


@pytest.mark.timeout(60)
def test_ctrl_c_ends_a_command_cleanly(short_path: Path) -> None:
    (short_path / "node.toml").touch()
    child = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            (
                # A shell's background jobs ignore the signal; so would the child.
                "import signal; signal.signal(2, signal.default_int_handler);"
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
