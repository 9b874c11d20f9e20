# SPDX-License-Identifier: Apache-2.0
"""Where no event can be written nothing is answered; the node goes on by itself."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import ClientSession, UnixConnector
from tests.node.audit.conftest import DORA
from tests.node.crash.read_only import BAN, LOOKUP, ask
from tests.programs import do_without, program
from tests.support.fleet import Fleet

from fedsafe_node.acts.audit_upkeep import HoldRequest
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.store.sealing import Sealer

REPOSITORY: Final = Path(__file__).parents[3]
UNAVAILABLE: Final = (503, "audit_unavailable")


class Killing:
    """Ends what the writer's thread is about, in its next batch, once it is armed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.armed = False
        write = Sealer.write

        def killed(sealer: Sealer) -> None:
            if self.armed:
                self.armed = False
                raise SystemExit
            write(sealer)

        monkeypatch.setattr(Sealer, "write", killed)


async def test_a_writer_that_is_killed_answers_nothing_and_goes_on(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, killing = alone["a.demo"], Killing(monkeypatch)
    line = UnixConnector(str(node.base.place.socket))
    before = len(await alone.audit("a.demo"))
    async with ClientSession("http://node", connector=line) as session:
        killing.armed = True
        killed = await ask(session, "/v1/signals", BAN)
        bans = (await node.services.node.status()).own_bans
        after = len(await alone.audit("a.demo"))
        again = await ask(session, "/v1/signals", BAN)
        found = await ask(session, "/v1/lookup", LOOKUP)
    await node.keeper.gaps.watch()
    gaps = (await node.services.keeping.telling.gaps()).gaps

    assert (killed, bans, after) == (UNAVAILABLE, 0, before)
    assert again[0] == 201
    assert found == (200, "review")
    assert [(gap.kind, gap.reason) for gap in gaps] == [("unwritable", "failed")]


async def test_all_that_wait_are_told_when_the_writer_is_killed(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, killing = alone["a.demo"], Killing(monkeypatch)
    line = UnixConnector(str(node.base.place.socket))
    async with ClientSession("http://node", connector=line) as session:
        for _ in range(20):
            killing.armed = True
            asked = [ask(session, "/v1/lookup", LOOKUP) for _ in range(20)]
            async with asyncio.timeout(30):
                told = set(await asyncio.gather(*asked))
            assert told <= {UNAVAILABLE, (200, "none"), (200, "incomplete")}
    verified = await node.services.audits.verify(LOCAL)

    assert verified.ok


async def test_a_writer_killed_behind_a_commit_goes_on_from_what_is_kept(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, before = alone["a.demo"], len(await alone.audit("a.demo"))
    confirm, left = Sealer.confirm, [SystemExit()]

    def killed(sealer: Sealer) -> None:
        if left:
            raise left.pop()
        confirm(sealer)

    monkeypatch.setattr(Sealer, "confirm", killed)
    holding = node.services.keeping.holding
    request = HoldRequest(reason="order:1", until=4_000_000_000, first=0, last=1)
    with pytest.raises(StoreFailedError):
        await holding.add(request, DORA)
    await holding.add(request, DORA)

    assert len(await alone.audit("a.demo")) == before + 2
    assert (await node.services.audits.verify(LOCAL)).ok
    await alone.stop("a.demo")
    await alone.start("a.demo")
    assert (await alone["a.demo"].services.audits.verify(LOCAL)).ok


def run_mounted(
    child: str, mount: str, root: Path, *, mapped: bool = True
) -> dict[str, Any]:
    """Run a child in a mount namespace, as its root; skip where there is none.

    *mapped* maps whoever runs the tests to root: not for a mount of a device.
    """
    unshare = program("unshare", "util-linux")
    script = f'{mount} || exit 77; exec "$2" "$3" "$1/n"'
    started = str(Path(__file__).with_name(child))
    command = ["sh", "-c", script, "sh", str(root), sys.executable, started]
    paths = [str(REPOSITORY), *filter(None, sys.path)]
    done = subprocess.run(  # noqa: PLW1510
        [unshare, "-rm" if mapped else "-m", *command],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(paths)},
    )
    if done.returncode == 77 or "Operation not permitted" in done.stderr:
        do_without("user namespaces", "to mount a file system")
    assert (done.returncode, done.stderr) == (0, "")
    return dict(json.loads(done.stdout))


def test_a_disk_that_became_read_only_answers_nothing_and_is_outlived(
    tmp_path: Path,
) -> None:
    maker = program("mkfs.ext4", "e2fsprogs")
    if os.geteuid() != 0:
        do_without("root", "to mount a disk image")
    image, disk = tmp_path / "disk.img", tmp_path / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    subprocess.run([maker, "-q", str(image)], check=True)
    mount = 'mount -o loop "$1.img" "$1"'
    said = run_mounted("dying_disk.py", mount, disk, mapped=False)

    assert said["told"] == [list(UNAVAILABLE)] * 3
    assert said["descriptor"] in {"Read-only file system", "Input/output error"}
    assert said["file"] == "Read-only file system"
    assert said["stands"] is True
    assert said["bans"] == 1
    assert said["found"] == [200, "review"]
    assert said["verified"] is True
    assert said["gaps"] == [["unclean_end", "no_end"]]


def test_a_disk_that_suits_no_node_is_named_and_one_that_does_again_is_used(
    tmp_path: Path,
) -> None:
    mount = 'mount -t tmpfs -o size=64m small "$1"'
    said = run_mounted("frozen_node.py", mount, tmp_path)

    assert "needs 90 MiB free here: make room" in said["small"]
    assert "read-only" in said["refused"].lower()
    assert said["readable"] is True
    assert said["same"] is True
    assert said["again"] == 201
    assert said["verified"] is True


def test_a_month_whose_key_cannot_be_made_answers_nothing(tmp_path: Path) -> None:
    probe = 'mount --bind "$1" "$1" && umount "$1"'
    said = run_mounted("read_only.py", probe, tmp_path)

    assert said["told"][:2] == [list(UNAVAILABLE)] * 2
    assert said["sizes"][0] == said["sizes"][1]
    assert said["bans"] == 0
    assert said["told"][2][0] == 201
    assert said["told"][3] == [200, "review"]
    assert said["gaps"] == [["unwritable", "failed", 90]]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give what a node said on a disk that was full, and once there was room again."""
    mount = 'mount -t tmpfs -o size=48m small "$1"; mkdir -p "$1/n"'
    return run_mounted("full_node.py", mount, tmp_path_factory.mktemp("full"))


def test_a_full_disk_answers_nothing_and_is_outlived(full: dict[str, Any]) -> None:
    assert full["refused"] == "audit_unavailable"
    assert full["looked"] == list(UNAVAILABLE)
    assert full["again"] == 201
    assert full["bans"] == full["kept"] - full["stopped"]
    assert full["gaps"] == [["unwritable", "full", True]] * 2
    assert full["verified"] is True


def test_a_full_disk_keeps_what_makes_safer_in_its_reserve(
    full: dict[str, Any],
) -> None:
    assert full["stopped"] == 20
    assert full["destroyed"] is True
    assert full["lasting"] == [["unwritable", "full", False]]
    assert full["events"] == [False, True, False, True]


def test_a_node_tells_that_it_lives_on_its_reserve(full: dict[str, Any]) -> None:
    assert full["health"].startswith("full: ")
    assert full["health"].endswith("make room")
    assert full["held"] == "0.0"
    assert (full["full"], full["room"]) == ("full", "ok")


def test_a_node_started_on_a_full_disk_goes_on_without_its_reserve(
    full: dict[str, Any],
) -> None:
    assert full["anew"] == list(UNAVAILABLE)
    assert full["ended"] == 200
    assert full["given_up"] is True
    assert full["reserve"] == 4 << 20
