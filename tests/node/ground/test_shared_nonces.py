# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fedsafe_federation.errors import StaleStatementError
from fedsafe_federation.wire.freshness import SKEW, WINDOW
from fedsafe_node.ground.errors import KeyFileError
from fedsafe_node.ground.shared_nonces import SharedNonces, make_shared

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PEER = "b.demo"
ADMITTING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from fedsafe_federation.errors import StaleStatementError
from fedsafe_node.ground.shared_nonces import SharedNonces

seen, now = SharedNonces(Path(sys.argv[1])), datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
for number in range(2_000):
    try:
        seen.admit("b.demo", number.to_bytes(16), made=now, now=now)
    except StaleStatementError:
        continue
    print(number)
"""
Open = Callable[[], SharedNonces]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "nonces"
    make_shared(path, began=NOW, pages=16)
    return path


@pytest.fixture
def open_it(path: Path) -> Iterator[Open]:
    opened: list[SharedNonces] = []

    def open_one() -> SharedNonces:
        opened.append(SharedNonces(path))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def admit(seen: SharedNonces, nonce: bytes, *, now: datetime = NOW) -> None:
    seen.admit(PEER, nonce, made=now, now=now)


def admit_many(seen: SharedNonces, count: int, *, now: datetime = NOW) -> None:
    for number in range(count):
        admit(seen, number.to_bytes(16), now=now)


def test_what_one_process_has_seen_another_refuses(open_it: Open) -> None:
    one, other = open_it(), open_it()
    admit(one, b"1")

    with pytest.raises(StaleStatementError, match="seen before"):
        admit(other, b"1")
    admit(other, b"2")
    other.admit("c.demo", b"1", made=NOW, now=NOW)


def test_a_process_that_starts_later_remembers_what_was_before(open_it: Open) -> None:
    admit(open_it(), b"1")

    with pytest.raises(StaleStatementError, match="seen before"):
        admit(open_it(), b"1")


def test_what_was_made_before_the_run_is_refused(open_it: Open) -> None:
    early = NOW - timedelta(milliseconds=1)

    with pytest.raises(StaleStatementError, match="too old"):
        open_it().admit(PEER, b"1", made=early, now=NOW)


def test_places_are_free_again_after_the_window(open_it: Open, path: Path) -> None:
    seen = open_it()
    with pytest.raises(StaleStatementError, match="too many"):
        admit_many(seen, 16 * 170 + 1)

    later = NOW + WINDOW + 3 * SKEW
    admit_many(seen, 1_000, now=later)
    assert path.stat().st_size == 17 * 4_096


def test_no_nonce_and_no_name_is_in_the_file(open_it: Open, path: Path) -> None:
    admit(open_it(), b"a nonce of sixteen")

    content = path.read_bytes()
    assert b"a nonce" not in content
    assert PEER.encode() not in content
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_new_run_forgets_and_refuses_what_is_older(tmp_path: Path) -> None:
    path = tmp_path / "nonces"
    make_shared(path, began=NOW, pages=1)
    old = SharedNonces(path)
    admit(old, b"1")
    make_shared(path, began=NOW + timedelta(seconds=1), pages=1)
    new = SharedNonces(path)

    with pytest.raises(StaleStatementError, match="too old"):
        new.admit(PEER, b"2", made=NOW, now=NOW + timedelta(seconds=1))
    old.close()
    new.close()


@pytest.mark.parametrize("content", [None, b"", b"x" * 8_192])
def test_a_file_of_something_else_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "nonces"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(KeyFileError):
        SharedNonces(path)


def test_processes_at_once_admit_each_nonce_once(path: Path) -> None:
    make_shared(path, began=NOW, pages=64)
    command = [sys.executable, "-c", ADMITTING, str(path)]

    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    admitted = [
        int(number) for child in running for number in child.communicate()[0].split()
    ]

    assert sorted(admitted) == list(range(2_000))
