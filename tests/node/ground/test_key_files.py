# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path
from stat import S_IMODE

import pytest

from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import (
    KeyFileError,
    KeyFileExistsError,
    KeyFileMissingError,
    LooseKeyFileError,
)
from fedsafe_node.ground.key_files import (
    MAX_SECRET_BYTES,
    destroy_secret,
    read_secret,
    write_secret,
)
from fedsafe_node.keys.ceremony_files import RENEWAL, destroy_states

SECRET = b"a secret that is never shown"


def test_a_secret_comes_back_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "feed.key"

    write_secret(path, SECRET)

    assert read_secret(path) == SECRET
    assert S_IMODE(path.stat().st_mode) == 0o600
    assert S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["feed.key"]  # noqa: PTH208


def test_a_secret_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "feed.key"
    write_secret(path, SECRET)

    with pytest.raises(KeyFileExistsError, match=r"feed\.key exists"):
        write_secret(path, b"other")

    assert read_secret(path) == SECRET
    assert os.listdir(tmp_path) == ["feed.key"]  # noqa: PTH208


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o777])
def test_a_loose_file_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "feed.key"
    write_secret(path, SECRET)
    path.chmod(mode)

    with pytest.raises(LooseKeyFileError, match=f"{mode:04o}") as caught:
        read_secret(path)

    assert SECRET.decode() not in str(caught.value)


def test_a_file_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "feed.key"
    write_secret(path, SECRET)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)

    with pytest.raises(LooseKeyFileError, match="another user"):
        read_secret(path)


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    write_secret(tmp_path / "feed.key", SECRET)
    (tmp_path / "link").symlink_to(tmp_path / "feed.key")
    (tmp_path / "large").touch(0o600)
    os.truncate(tmp_path / "large", MAX_SECRET_BYTES + 1)

    with pytest.raises(KeyFileMissingError, match="does not exist"):
        read_secret(tmp_path / "none")
    with pytest.raises(KeyFileError, match="link"):
        read_secret(tmp_path / "link")
    with pytest.raises(KeyFileError, match="too large"):
        read_secret(tmp_path / "large")
    with pytest.raises(KeyFileError):
        read_secret(tmp_path)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    with pytest.raises(KeyFileError, match="no regular file"):
        read_secret(tmp_path / "pipe")


def test_a_directory_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(KeyFileError, match="file"):
        write_secret(tmp_path / "file" / "feed.key", SECRET)


def test_a_disk_that_does_not_give_a_key_back_is_named() -> None:
    if not Path("/proc/self/mem").exists():
        pytest.skip("needs /proc/self/mem, whose first page cannot be read")
    with pytest.raises(KeyFileError, match="/proc/self/mem: Input/output error"):
        read_secret(Path("/proc/self/mem"))


def test_a_destroyed_secret_is_overwritten_wherever_it_is_linked(
    tmp_path: Path,
) -> None:
    path = tmp_path / "feed.key"
    write_secret(path, SECRET)
    os.link(path, tmp_path / "second")

    destroy_secret(path)
    destroy_secret(path)

    assert not path.exists()
    assert (tmp_path / "second").read_bytes() == bytes(len(SECRET))


def test_what_a_crash_left_of_a_secret_is_destroyed_with_it(tmp_path: Path) -> None:
    write_secret(tmp_path / "share-1-1.key", SECRET)
    os.link(tmp_path / "share-1-1.key", tmp_path / ".share-1-1.key.0a1b2c3d")
    write_secret(tmp_path / ".share-1-1.key.1a2b3c4d", SECRET)
    os.link(tmp_path / "share-1-1.key", tmp_path / "seen")

    destroy_secret(tmp_path / "share-1-1.key")

    assert [path.name for path in tmp_path.iterdir()] == ["seen"]
    assert (tmp_path / "seen").read_bytes() == bytes(len(SECRET))


def test_no_state_of_a_ceremony_outlives_a_crash(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for name in (".renewal-aa-1.key.gone", ".renewal-bb-2.key.01020304"):
        write_secret(place.keys / name, SECRET)
    write_secret(place.keys / ".renewal-cc-1.key.gone", SECRET)

    destroy_states(place, RENEWAL, but={"cc"})

    assert [each.name for each in place.keys.iterdir()] == [".renewal-cc-1.key.gone"]


def test_the_systems_clock_tells_utc() -> None:
    offset = SystemClock().now().utcoffset()

    assert offset is not None
    assert not offset
