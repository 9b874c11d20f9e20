# SPDX-License-Identifier: Apache-2.0
import io
import json
import os
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tiles import tiles
from fedsafe_crypto.tlog.tree import Frontier, leaf_hash
from fedsafe_federation.charter.card import Card, MemberKeys, sign_card
from fedsafe_federation.wire.wireformat import encode

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

FETCH = "GET /v1/audit/tiles?log=audit"
LEAF = leaf_hash(b"entry")
KEY_USES = ("feed", "audit", "statement", "transport", "witness")
KEYS = {use: SigningKey.generate() for use in KEY_USES}
CARD = sign_card(
    Card(
        v=1,
        name="a.demo",
        url="https://a.demo",
        jurisdiction="DE",
        keys=MemberKeys(
            sealing=bytes(32), **{use: key.public for use, key in KEYS.items()}
        ),
        canonicalisers={"email/1": bytes(32)},
    ),
    KEYS["statement"],
)


def signed(origin: str, size: int = 1, use: str = "audit") -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, LEAF), KEYS[use])


NOTE = signed("a.demo/audit")
FILES = {
    "checkpoint": NOTE,
    "tile/0/000.p/1": LEAF,
    "tile/entries/000.p/1": b"\0\5entry",
}


@pytest.fixture(autouse=True)
def card(node: "FakeNode") -> None:
    node.always("GET /v1/card", json.loads(encode(CARD)))


def archive(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def test_the_files_lie_where_the_specification_says(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    out = tmp_path / "log"
    node.always(FETCH, archive(FILES))
    outcome = ask("audit", "tiles", str(out), "--json")

    assert outcome.status == 0, outcome.err
    assert (outcome.document["entries"], outcome.document["files"]) == (1, 3)
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == set(FILES)
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"checkpoint": b"\xff"},
        {"checkpoint": b"a.demo/audit\n1\n"},
        {"checkpoint": NOTE},
        {"checkpoint": signed("a.demo/audit", size=10**15)},
        FILES | {"checkpoint": signed("a.demo/feed")},
        FILES | {"checkpoint": signed("x.demo/audit")},
        FILES | {"checkpoint": signed("a.demo/audit", use="feed")},
        FILES | {"tile/0/000.p/1": bytes(32)},
        FILES | {"tile/entries/000.p/1": b"\0\5other"},
        FILES | {"tile/entries/000.p/1": b"\0\6entry"},
        FILES | {"../../escaped": b"x"},
        {"checkpoint": NOTE, "../escaped": LEAF},
    ],
)
def test_whatever_is_no_log_leaves_no_directory(
    ask: "Run", node: "FakeNode", tmp_path: Path, files: dict[str, bytes]
) -> None:
    node.always(FETCH, archive(files))
    outcome = ask("audit", "tiles", str(tmp_path / "log"))

    assert outcome.status == 1, outcome.err
    assert "Traceback" not in outcome.err
    assert list(tmp_path.iterdir()) == []


def pruned_log(bundles: set[int], size: int = 600) -> dict[str, bytes]:
    """Give the files of a log that has only these bundles."""
    entries = [b"%d" % number for number in range(size)]
    tree = Frontier()
    files = {"checkpoint": b""}
    rows = tree.extend(map(leaf_hash, entries))
    note = sign_checkpoint(Checkpoint("a.demo/audit", size, tree.root()), KEYS["audit"])
    files["checkpoint"] = note
    for tile in tiles(size):
        hashes = next(row.hashes for row in rows if row.level == 8 * tile.level)
        start = 256 * tile.index
        files[tile.path] = b"".join(hashes[start : start + tile.width])
        if tile.level == 0 and tile.index in bundles:
            files[tile.entries_path] = b"".join(
                len(entry).to_bytes(2) + entry
                for entry in entries[start : start + tile.width]
            )
    return files


@pytest.mark.parametrize(
    ("bundles", "minimum"), [({0, 1, 2}, 0), ({1, 2}, 256), ({2}, 512)]
)
def test_a_pruned_log_has_a_minimum(
    ask: "Run", node: "FakeNode", tmp_path: Path, bundles: set[int], minimum: int
) -> None:
    node.always(FETCH, archive(pruned_log(bundles)))
    outcome = ask("audit", "tiles", str(tmp_path / "log"), "--json")

    assert outcome.status == 0, outcome.err
    assert outcome.document["minimum"] == minimum
    assert outcome.document["files"] == 1 + 4 + len(bundles)


@pytest.mark.parametrize("bundles", [{0, 2}, {0, 1}, set()])
def test_only_a_beginning_is_ever_pruned(
    ask: "Run", node: "FakeNode", tmp_path: Path, bundles: set[int]
) -> None:
    node.always(FETCH, archive(pruned_log(bundles)))
    outcome = ask("audit", "tiles", str(tmp_path / "log"))

    assert outcome.status == 1, outcome.err
    assert list(tmp_path.iterdir()) == []


def test_hashes_of_pruned_entries_count(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    files = pruned_log({1, 2})
    files["tile/0/000"] = bytes(32) + files["tile/0/000"][32:]
    node.always(FETCH, archive(files))

    assert ask("audit", "tiles", str(tmp_path / "log")).status == 1
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_there_stays_and_nothing_is_asked(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    assert ask("audit", "tiles", str(tmp_path)).status == 2
    assert node.asked == []


@pytest.mark.parametrize("log", ["feed", "anchor"])
def test_each_log_is_verified_under_its_own_key(
    ask: "Run", node: "FakeNode", tmp_path: Path, log: str
) -> None:
    note = signed(f"a.demo/{log}", use="feed" if log == "feed" else "audit")
    answer = archive(FILES | {"checkpoint": note})
    node.always(f"GET /v1/audit/tiles?log={log}", answer)
    outcome = ask("audit", "tiles", str(tmp_path / "log"), "--log", log)

    assert outcome.status == 0, outcome.err


def test_what_others_have_there_stays(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    out, other = tmp_path / "log", tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("mine")
    (tmp_path / f"log.{os.getpid()}.part").symlink_to(other)

    def answer(_: object) -> tuple[int, object]:
        out.mkdir()  # somebody was faster
        return 200, archive(FILES)

    node.on(FETCH, answer)
    outcome = ask("audit", "tiles", str(out))

    assert outcome.status == 2, outcome.err
    assert "Traceback" not in outcome.err
    assert (other / "precious").read_text() == "mine"
    assert list(out.iterdir()) == []
    assert len(list(tmp_path.glob("*.part"))) == 1
