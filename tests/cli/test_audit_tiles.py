# SPDX-License-Identifier: Apache-2.0
import io
import stat
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fedsafe_crypto.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.identity import SigningKey
from fedsafe_crypto.tree import leaf_hash

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

FETCH = "GET /v1/audit/tiles?log=audit"
LEAF = leaf_hash(b"entry")
NOTE = sign_checkpoint(Checkpoint("a.demo/audit", 1, LEAF), SigningKey.generate())
FILES = {
    "checkpoint": NOTE,
    "tile/0/000.p/1": LEAF,
    "tile/entries/000.p/1": b"\0\5entry",
}


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
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_there_stays_and_nothing_is_asked(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    assert ask("audit", "tiles", str(tmp_path)).status == 2
    assert node.asked == []
