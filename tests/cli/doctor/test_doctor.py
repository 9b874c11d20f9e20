# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import os
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import Outcome
from tests.support.fleet import config_of, make

from fedsafe_cli.doctor.diagnosis import Level
from fedsafe_cli.doctor.doctor import (
    clock,
    disk,
    letters,
    memory,
    permissions,
    room,
    swaps_in,
)
from fedsafe_cli.doctor.texts import said
from fedsafe_cli.rights.notice import notice
from fedsafe_node.ground.config import render_config
from fedsafe_node.store.sqlite import residues as sqlite_residues

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run


def by_check(outcome: Outcome) -> dict[str, Any]:
    return {entry["check"]: entry for entry in outcome.document["findings"]}


@pytest.fixture
def healthy(node: "FakeNode") -> "FakeNode":
    node.always("GET /v1/health", {"checks": {"store": "ok"}})
    status = {"node": "a.demo", "version": "1", "policy": "strict@1", "peers": []}
    node.always("GET /v1/status", status)
    return node


def test_a_machine_and_node_that_are_well_exit_0(
    ask: "Run", healthy: "FakeNode"
) -> None:
    outcome = ask("doctor")
    lines = [line.split() for line in outcome.out.splitlines()[1:]]

    assert outcome.status == 0
    assert "fail" not in {words[1] for words in lines}
    assert "a.demo 1, policy strict@1" in outcome.out
    assert healthy.tokens == [None, None]


def test_no_node_is_a_fault_only_where_one_was_named(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    nothing = run("doctor", "--json")
    named = run("doctor", "--json", "--config", str(tmp_path / "nowhere"))

    assert (nothing.status, by_check(nothing)["node"]["level"]) == (0, "warn")
    assert (named.status, by_check(named)["node"]["level"]) == (1, "fail")


def test_a_node_that_is_ill_and_peers_that_are_gone_are_named(
    ask: "Run", healthy: "FakeNode"
) -> None:
    healthy.always("GET /v1/health", {"checks": {"store": "full", "clock": "ok"}})
    peers = [
        {"name": "b.demo", "covered": True, "synced_at": "10:00"},
        {"name": "c.demo", "covered": False, "synced_at": None},
        {"name": "d.demo", "covered": True, "suspended": True},
    ]
    healthy.always("GET /v1/status", {"node": "a.demo", "peers": peers})
    outcome = ask("doctor", "--json")
    found = by_check(outcome)

    assert outcome.status == 1
    assert (found["node: store"]["level"], found["node: store"]["found"]) == (
        "fail",
        "full",
    )
    assert found["node: clock"]["level"] == "ok"
    assert found["peer b.demo"]["level"] == "ok"
    assert found["peer c.demo"] == {
        "check": "peer c.demo",
        "level": "warn",
        "found": "last seen never",
        "way_out": "is its node running? ask it",
    }
    assert found["peer d.demo"]["level"] == "fail"


def test_a_node_that_was_stopped_is_a_warning(run: "Run", short_path: Path) -> None:
    asyncio.run(make(short_path, "a.demo"))
    directory = short_path / "a.demo"
    stopped = run("doctor", "--json", "--config", str(directory))
    with socket.socket(socket.AF_UNIX) as listener:  # closed, it leaves its file
        listener.bind(str(directory / "node.sock"))
    died = run("doctor", "--json", "--config", str(directory))

    assert (stopped.status, by_check(stopped)["node"]["level"]) == (0, "warn")
    assert (died.status, by_check(died)["node"]["level"]) == (1, "fail")


def test_a_node_that_cannot_start_fails(run: "Run", short_path: Path) -> None:
    (short_path / "node.toml").touch()
    outcome = run("doctor", "--json", "--config", str(short_path))

    assert outcome.status == 1
    assert "fedsafe node run" in by_check(outcome)["node"]["way_out"]
    assert by_check(outcome)["configuration"]["level"] == "fail"


def test_a_machine_without_a_node_is_a_warning(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    outcome = run("doctor", "--json")

    assert outcome.status == 0
    assert by_check(outcome)["node"]["level"] == "warn"


def test_a_package_that_is_missing_is_named(
    ask: "Run", healthy: "FakeNode", monkeypatch: pytest.MonkeyPatch
) -> None:
    ask("doctor")  # loads all that it needs
    monkeypatch.setattr(sys, "path", [str(healthy.directory)])
    outcome = ask("doctor", "--json")

    assert outcome.status == 1
    assert by_check(outcome)["versions"]["found"] == "fedsafe is missing"


def test_a_machine_without_libsodium_fails(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fedsafe_cli", "doctor", "--json"],
        capture_output=True,
        cwd=tmp_path,
        env=os.environ | {"FEDSAFE_SODIUM": "none", "HOME": str(tmp_path)},
        check=False,
    )
    findings = {each["check"]: each for each in json.loads(done.stdout)["findings"]}

    assert done.returncode == 1
    assert findings["libsodium"]["level"] == "fail"


@pytest.mark.parametrize(
    ("now", "level"), [(0.0, Level.FAIL), (1_800_000_000.0, Level.OK)]
)
def test_a_clock_before_this_version_is_wrong(now: float, level: Level) -> None:
    assert clock(now).level is level


def ticks(step: float) -> Iterator[float]:
    return (number * step for number in count())


@pytest.mark.parametrize(("step", "level"), [(1.0, Level.WARN), (0.001, Level.OK)])
def test_a_slow_disk_is_a_warning(tmp_path: Path, step: float, level: Level) -> None:
    clock_ticks = ticks(step)

    assert disk(tmp_path, lambda: next(clock_ticks)).level is level


def test_a_directory_that_is_gone_cannot_be_written(tmp_path: Path) -> None:
    found = disk(tmp_path / "gone", lambda: 0.0)

    assert found.level is Level.FAIL
    assert "No such file" in str(found.found)


def test_key_files_that_others_can_read_fail(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    key = tmp_path / "keys" / "new\nline.key"
    key.touch(mode=0o600)

    assert permissions(tmp_path).level is Level.OK
    key.chmod(0o640)
    found = permissions(tmp_path)
    assert found.level is Level.FAIL
    assert shlex.split(str(found.way_out)) == [
        *("chmod", "go="),
        f"{tmp_path}/keys/new\\nline.key",
    ]


def test_a_key_that_leads_nowhere_fails(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "feed.key").symlink_to(tmp_path / "gone")

    assert permissions(tmp_path).level is Level.FAIL


def test_what_letters_and_the_form_lack_is_named(tmp_path: Path) -> None:
    node = config_of("chat.anbieter.de", 8401, policy="strict")
    path = tmp_path / "node.toml"
    path.write_text(render_config(node))
    bare = {each.check: each for each in letters(tmp_path)}
    mail = '\n[mail]\nhost = "127.0.0.1"\nsender = "safety@chat.anbieter.de"\n'
    named = '[provider]\nlegal_name = "Chat GmbH"\naddress = "Ort"\nauthority = "LfD"\n'
    path.write_text(render_config(node).replace("[provider]\n", named))
    no_body = {each.check: each for each in letters(tmp_path)}["letters"]
    named += 'out_of_court = "Schlichtung Netz e. V., https://schlichtung.org"\n'
    path.write_text(render_config(node).replace("[provider]\n", named) + mail)
    full = {each.check: each for each in letters(tmp_path)}

    assert bare["letters"].level is bare["form"].level is Level.WARN
    assert "provider.authority" in str(bare["letters"].found)
    assert no_body.level is Level.WARN
    assert str(no_body.found).endswith(": provider.out_of_court")
    assert "[mail]" in str(bare["form"].way_out)
    assert full["letters"].level is full["form"].level is Level.OK
    for each in (*bare.values(), *full.values()):
        for text in (each.found, each.way_out):
            assert text is None or said(text, language="de") != text


def test_the_logs_of_a_stopped_node_are_examined(run: "Run", short_path: Path) -> None:
    asyncio.run(make(short_path, "a.demo"))
    directory = short_path / "a.demo"
    well = by_check(run("doctor", "--json", "--config", str(directory)))
    with closing(sqlite3.connect(directory / "store.db")) as database, database:
        database.execute("DROP TRIGGER entries_no_delete")
        database.execute("DELETE FROM entries WHERE idx = 0")
    outcome = run("doctor", "--json", "--config", str(directory))
    found = by_check(outcome)["log a.demo/audit"]

    assert well["log a.demo/audit"]["level"] == "ok"
    assert outcome.status == 1
    assert found["level"] == "fail"
    assert "entry 0" in found["found"]
    assert "evidence" in found["way_out"]


SWAPS = """Filename                Type        Size      Used    Priority
/dev/zram0              partition   4194304   0       100
/swap\\040file           file        2097148   0       -2
"""


@pytest.mark.parametrize(
    ("state", "swaps", "level", "told"),
    [
        ("resident", ["/swap"], Level.OK, "no swap"),
        ("swappable", [], Level.OK, "this machine has no swap"),
        ("swappable", ["/swap"], Level.WARN, "written to swap: /swap"),
        ("swappable", None, Level.WARN, "written to swap"),
        ("readable", [], Level.WARN, "a crash may dump it"),
    ],
)
def test_keys_that_could_leave_the_memory_are_told_with_the_way_out(
    state: str, swaps: list[str] | None, level: Level, told: str
) -> None:
    (found,) = memory({"memory": state}, swaps)

    assert found.level is level
    assert told in str(found.found)
    assert (found.way_out is None) is (level is Level.OK)


def test_a_node_that_says_nothing_of_its_memory_is_not_blamed() -> None:
    assert list(memory({}, ["/swap"])) == []


def test_swap_is_what_lies_on_a_disk(tmp_path: Path) -> None:
    table = tmp_path / "swaps"
    table.write_text(SWAPS)

    assert swaps_in(table) == ["/swap\\040file"]
    table.write_text(SWAPS.splitlines()[0])
    assert swaps_in(table) == []
    assert swaps_in(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("free", "file", "level"),
    [
        (2 << 20, "reserve", Level.OK),
        ((2 << 20) - 1, "reserve", Level.WARN),
        (0, "given up", Level.FAIL),
        (2 << 20, "given up", Level.OK),  # the next start takes it up
    ],
)
def test_a_disk_that_will_not_last_is_told_early(
    short_path: Path, free: int, file: str, level: Level
) -> None:
    asyncio.run(make(short_path, "a.demo"))
    directory = short_path / "a.demo"
    (directory / "reserve").rename(directory / file)
    (found,) = room(directory, free)

    assert found.level is level
    assert (found.way_out is None) is (level is Level.OK)


def test_a_member_whose_gate_is_shut_is_not_called_away(
    ask: "Run", healthy: "FakeNode"
) -> None:
    shut = "its gate is shut"
    healthy.always("GET /v1/health", {"checks": {"feed of b.demo": shut}})
    away = {"covered": False, "synced_at": "10:00"}
    peers = [
        {"name": "b.demo", "uncovered": shut} | away,
        {"name": "c.demo", "uncovered": "stale"} | away,
    ]
    healthy.always("GET /v1/status", {"node": "a.demo", "peers": peers})
    outcome = ask("doctor", "--json")
    found = by_check(outcome)

    assert outcome.status == 0
    assert found["node: feed of b.demo"]["level"] == "warn"
    assert found["peer b.demo"]["found"] == "its gate is shut, last seen 10:00"
    assert "no signals about persons" in found["peer b.demo"]["way_out"]
    assert found["peer c.demo"]["found"] == "stale, last seen 10:00"
    assert "is its node running" in found["peer c.demo"]["way_out"]


def test_packages_that_somebody_took_out_are_counted_with_what_to_do(
    ask: "Run", healthy: "FakeNode"
) -> None:
    status = {"node": "a.demo", "peers": [], "packages_in_hand": 2}
    healthy.always("GET /v1/status", status)
    found = by_check(ask("doctor", "--json"))["packages taken"]
    german = ask("doctor", "--lang", "de").out

    assert (found["level"], found["found"][-1]) == ("warn", "2")
    assert "fedsafe case handed" in found["way_out"]
    assert "entnommene Fallpakete" in german
    assert "trägt ein, was daraus wurde" in german


def test_texts_that_nobody_approved_are_named_with_the_way_out(
    ask: "Run", healthy: "FakeNode"
) -> None:
    status = {"node": "a.demo", "peers": [], "not_approved": ["policy", "calendar"]}
    healthy.always("GET /v1/status", status)
    written = render_config(config_of("a.demo", 8443))
    (healthy.directory / "node.toml").write_text(written)
    found = by_check(ask("doctor", "--json"))["policy"]

    assert found["level"] == "warn"
    assert "another policy, calendar" in found["found"]
    assert "fedsafe policy propose" in found["way_out"]


def test_a_stopped_node_tells_which_texts_nobody_approved(
    run: "Run", short_path: Path
) -> None:
    async def run_once() -> None:
        fleet = await make(short_path, "a.demo")
        await fleet.start("a.demo")
        await fleet.close()

    asyncio.run(run_once())
    directory = short_path / "a.demo"
    config = directory / "node.toml"
    before = by_check(run("doctor", "--json", "--config", str(directory)))
    config.write_text(config.read_text().replace('"synthetic"', '"strict"'))
    after = by_check(run("doctor", "--json", "--config", str(directory)))

    assert "policy" not in before
    assert after["policy"]["level"] == "warn"
    assert "another policy" in after["policy"]["found"]


@pytest.mark.parametrize(
    ("text", "told"),
    [("no policy", "ours.toml: not TOML"), (None, "no such policy, only")],
)
@pytest.mark.parametrize("has_run", [True, False])
def test_a_policy_that_does_not_fit_is_told_and_what_counts_meanwhile(
    run: "Run", short_path: Path, text: str | None, told: str, *, has_run: bool
) -> None:
    async def run_once() -> None:
        fleet = await make(short_path, "a.demo")
        if has_run:
            await fleet.start("a.demo")
        await fleet.close()

    asyncio.run(run_once())
    directory = short_path / "a.demo"
    config = directory / "node.toml"
    config.write_text(config.read_text().replace('"synthetic"', '"ours.toml"'))
    if text is not None:
        (directory / "ours.toml").write_text(text)
    found = by_check(run("doctor", "--json", "--config", str(directory)))["policy"]

    assert found["level"] == ("warn" if has_run else "fail")
    assert ("decides by what was approved" in found["found"]) is has_run
    assert told in found["found"]
    assert "mend or put back the file" in found["way_out"]


def test_a_running_node_is_told_what_does_not_fit(
    ask: "Run", healthy: "FakeNode"
) -> None:
    status = {"node": "a.demo", "peers": [], "not_approved": ["node.toml"]}
    healthy.always("GET /v1/status", status)
    found = by_check(ask("doctor", "--json"))["policy"]

    assert found["level"] == "warn"
    assert "what node.toml names does not fit" in found["found"]
    assert "fedsafe policy propose" not in found["way_out"]


def test_networks_that_are_as_good_as_all_are_warned_of(
    ask: "Run", healthy: "FakeNode", short_path: Path
) -> None:
    asyncio.run(make(short_path, "a.demo"))
    text = (short_path / "a.demo" / "node.toml").read_text()
    place = healthy.directory / "node.toml"
    empty = "[peering]\ninside = []"
    place.write_text(text.replace(empty, '[peering]\ninside = ["10.0.0.0/8"]'))
    narrow = by_check(ask("doctor", "--json"))
    named = '[peering]\ninside = ["10.1.2.0/24", "0.0.0.0/0", "::/0"]'
    sending = ("[sending]\ninside = []", '[sending]\ninside = ["::/0"]')
    place.write_text(text.replace(empty, named).replace(*sending))
    wide = by_check(ask("doctor", "--json"))
    german = ask("doctor", "--lang", "de").out
    desk = '[desk]\norigin = "https://d.example"\n[desk.listen]\nport = 1\nhost = "::1"'
    place.write_text(f"{text}\n{desk}\n")
    alone = by_check(ask("doctor", "--json"))
    place.write_text(f'{text}\n{desk}\nproxies = ["::1/128"]\n')
    listed = by_check(ask("doctor", "--json"))
    place.write_text(f"{text}\n{desk}\n".replace("https://d.example", "http://[::1]"))
    own = by_check(ask("doctor", "--json"))

    assert alone["desk.listen.proxies"]["level"] == "warn"
    assert "desk.listen.proxies" not in {*narrow, *listed, *own}
    assert "peering.inside" not in narrow
    assert wide["peering.inside"]["level"] == wide["sending.inside"]["level"] == "warn"
    assert wide["peering.inside"]["found"].startswith("0.0.0.0/0, ::/0 opens all")
    assert "10.1.2.0/24" in wide["sending.inside"]["way_out"]
    assert "öffnet das ganze Haus" in german


def test_an_sqlite_that_leaves_copies_is_warned_of(
    ask: "Run",
    healthy: "FakeNode",
    short_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(make(short_path, "a.demo"))
    text = (short_path / "a.demo" / "node.toml").read_text()
    (healthy.directory / "node.toml").write_text(text)
    monkeypatch.setattr(sqlite_residues, "can_clear_here", lambda: True)
    able = by_check(ask("doctor", "--json"))
    monkeypatch.setattr(sqlite_residues, "can_clear_here", lambda: False)
    unable = by_check(ask("doctor", "--json"))
    german = ask("doctor", "--lang", "de").out

    assert "pages" not in able
    assert unable["pages"]["level"] == "warn"
    assert "ENABLE_DBPAGE_VTAB" in unable["pages"]["way_out"]
    assert "lässt versiegelte Kopien" in " ".join(german.split())


def test_a_resharing_that_is_overdue_is_told_with_who_is_missing(
    ask: "Run", healthy: "FakeNode"
) -> None:
    late = "generation 1.1 was to be shared anew by 2026-12-18; missing: b.demo"
    made = {
        "template": "generation {generation} was to be shared anew by {day}; missing: "
        "{names}",
        "params": {"generation": "1.1", "day": "2026-12-18", "names": "b.demo"},
    }
    status: dict[str, object] = {"node": "a.demo", "peers": []}
    status |= {"resharings_overdue": [late], "resharings_overdue_made": [made]}
    healthy.always("GET /v1/status", status)
    found = by_check(ask("doctor", "--json"))["resharing"]
    german = " ".join(ask("doctor", "--lang", "de").out.split())

    assert (found["level"], found["found"]) == ("warn", late)
    assert "fedsafe federation suspend" in found["way_out"]
    assert "Generation 1.1 war bis 2026-12-18 neu aufzuteilen; es fehlen:" in german
    assert "diese Knoten starten lassen" in german


def test_a_review_round_that_is_overdue_is_told(
    ask: "Run", healthy: "FakeNode"
) -> None:
    healthy.always("GET /v1/status", {"node": "a.demo", "peers": []})
    assert "review round" not in by_check(ask("doctor", "--json"))
    status = {"node": "a.demo", "peers": [], "rounds_overdue": 1}
    healthy.always("GET /v1/status", status)
    found = by_check(ask("doctor", "--json"))["review round"]

    assert found["level"] == "warn"
    assert "fedsafe round open" in found["way_out"]
    assert "Prüfrunde" in ask("doctor", "--lang", "de").out


def test_requests_that_wait_for_longer_than_promised_are_told(
    ask: "Run", healthy: "FakeNode"
) -> None:
    def waiting(longest: int) -> dict[str, object]:
        waits = {"requests_waiting": 2, "longest_wait_s": longest}
        return {"node": "a.demo", "peers": [], **waits}

    healthy.always("GET /v1/status", waiting(300))
    in_time = by_check(ask("doctor", "--json"))
    healthy.always("GET /v1/status", waiting(26 * 3_600 + 299))
    late = by_check(ask("doctor", "--json"))["requests that wait"]
    german = " ".join(ask("doctor", "--lang", "de").out.split())

    assert "requests that wait" not in in_time
    assert late["level"] == "warn"
    assert late["found"].startswith("2 requests of persons wait")
    assert late["found"].endswith("the oldest for 26 h 4 min")
    assert "`fedsafe rights open`" in late["way_out"]
    assert "zum ältesten seit 26 Std. 4 Min." in german
    assert "ob es antwortet" in german


def test_floods_that_wait_are_told_with_the_way_out(
    ask: "Run", healthy: "FakeNode"
) -> None:
    checks = {"floods": "2 wait for a ruling", "reviews": "ok"}
    healthy.always("GET /v1/health", {"status": "failing", "checks": checks})
    found = by_check(ask("doctor", "--json"))
    german = " ".join(ask("doctor", "--lang", "de").out.split())

    assert found["node: floods"]["level"] == "fail"
    assert "`fedsafe flood rule`" in found["node: floods"]["way_out"]
    assert found["node: reviews"]["way_out"] is None
    assert "entscheiden Sie über jede" in german


def test_a_federation_in_which_nobody_hears_appeals_is_told(
    ask: "Run", healthy: "FakeNode"
) -> None:
    status = {"node": "a.demo", "peers": [], "appeals_unheard": True}
    healthy.always("GET /v1/status", status)
    found = by_check(ask("doctor", "--json"))["appeals"]
    german = " ".join(ask("doctor", "--lang", "de").out.split())

    assert found["level"] == "warn"
    assert "fedsafe federation set-policy --appeal MEMBER" in found["way_out"]
    assert "kein anderes Mitglied entscheidet über Beschwerden" in german


def test_what_waits_for_a_sign_off_is_told_with_whole_commands(
    ask: "Run", healthy: "FakeNode"
) -> None:
    status = {"node": "a.demo", "peers": [], "notices_waiting": 2}
    unsigned = ["end_of_signal"]
    healthy.always("GET /v1/status", status | {"texts_unsigned": unsigned})
    found = by_check(ask("doctor", "--json"))
    german = ask("doctor", "--lang", "de").out

    for check in ("notices", "texts"):
        for command in re.findall("`fedsafe notice (.+?)`", found[check]["way_out"]):
            name, *words = command.split()
            options = {
                name for each in notice.commands[name].params for name in each.opts
            }
            assert {word for word in words if word.startswith("--")} <= options
            needed = {
                each.opts[0] for each in notice.commands[name].params if each.required
            }
            assert {each for each in needed if each.startswith("--")} <= set(words)
    assert "`fedsafe notice sign-off TEXT --until TAG`" in german
    assert "--all --until TAG --digest HEX" in german


def test_a_member_in_an_inner_network_is_told_from_one_that_is_away(
    ask: "Run", healthy: "FakeNode", short_path: Path
) -> None:
    asyncio.run(make(short_path, "a.demo"))
    text = (short_path / "a.demo" / "node.toml").read_text()
    (healthy.directory / "node.toml").write_text(text)
    away = {"covered": False, "uncovered": "stale", "synced_at": "10:00"}
    urls = {"b.demo": "https://10.1.2.3", "c.demo": "https://localhost:1"}
    peers = [{"name": name, "url": url} | away for name, url in urls.items()]
    healthy.always("GET /v1/status", {"node": "a.demo", "peers": peers})
    found = by_check(ask("doctor", "--json"))
    empty, net = "[peering]\ninside = []", '[peering]\ninside = ["10.1.0.0/16"]'
    named = text.replace(empty, net)
    assert named != text
    (healthy.directory / "node.toml").write_text(named)
    then = by_check(ask("doctor", "--json"))

    assert found["peer b.demo"]["level"] == "fail"
    assert "inner network" in found["peer b.demo"]["found"]
    assert "peering.inside" in found["peer b.demo"]["way_out"]
    assert found["peer c.demo"]["level"] == then["peer b.demo"]["level"] == "warn"
