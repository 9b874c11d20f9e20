# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime
from pathlib import Path
from stat import S_IMODE

import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers, text

from fedsafe_crypto.errors import OpenError
from fedsafe_node.ground.errors import (
    CorruptLogError,
    KeyFileError,
    LogError,
    LooseKeyFileError,
)
from fedsafe_node.log.openings import (
    PeriodKeys,
    period_of,
    seal_opening,
    unseal_opening,
)
from fedsafe_node.store.rows import Opening, SealedOpening

LOG = "a.demo/feed"
SALT = bytes(range(32))


def sealed_row(keys: PeriodKeys, index: int, opening: Opening) -> SealedOpening:
    return SealedOpening(
        index=index,
        group=opening.group,
        period="2026-11",
        sealed=seal_opening(keys, "2026-11", LOG, index, opening),
    )


def test_a_period_is_a_month() -> None:
    assert period_of(datetime(2026, 1, 31, 23, 59, tzinfo=UTC)) == "2026-01"
    assert period_of(datetime(999, 12, 1, tzinfo=UTC)) == "0999-12"


@pytest.fixture(scope="module")
def shared_keys(tmp_path_factory: pytest.TempPathFactory) -> PeriodKeys:
    return PeriodKeys(tmp_path_factory.mktemp("keys"))


@given(index=integers(0, 2**62), group=text(max_size=9), payload=binary(max_size=99))
def test_an_opening_comes_back(
    shared_keys: PeriodKeys, index: int, group: str, payload: bytes
) -> None:
    try:
        group.encode()
    except UnicodeEncodeError:
        group = ""
    opening = Opening(group=group, salt=SALT, payload=payload)

    row = sealed_row(shared_keys, index, opening)

    assert unseal_opening(shared_keys, LOG, row) == opening


def test_an_opening_cannot_be_moved(keys: PeriodKeys) -> None:
    opening = Opening(group="subject", salt=SALT, payload=b"p")
    sealed = sealed_row(keys, 5, opening).sealed
    keys.seal("2026-12", b"", b"")  # another key

    for log, index, group, period in (
        ("b.demo/feed", 5, "subject", "2026-11"),
        (LOG, 6, "subject", "2026-11"),
        (LOG, 5, "detail", "2026-11"),
        (LOG, 5, "subject", "2026-12"),
    ):
        row = SealedOpening(index=index, group=group, period=period, sealed=sealed)
        with pytest.raises(CorruptLogError, match="does not open"):
            unseal_opening(keys, log, row)


def test_a_short_salt_is_refused(keys: PeriodKeys) -> None:
    with pytest.raises(LogError, match="salt has 32 bytes"):
        sealed_row(keys, 0, Opening(group="g", salt=SALT[1:], payload=b"p"))


def test_keys_are_read_back_and_kept_private(tmp_path: Path) -> None:
    keys = PeriodKeys(tmp_path / "k")
    sealed = keys.seal("2026-11", b"plain", b"aad")

    again = PeriodKeys(tmp_path / "k")

    assert again.unseal("2026-11", sealed, b"aad") == b"plain"
    assert again.periods() == ["2026-11"]
    assert S_IMODE((tmp_path / "k" / "2026-11.key").stat().st_mode) == 0o600
    assert S_IMODE((tmp_path / "k").stat().st_mode) == 0o700
    with pytest.raises(OpenError):
        again.unseal("2026-11", sealed, b"other")


def test_a_destroyed_key_is_gone_from_memory_and_disk(tmp_path: Path) -> None:
    keys = PeriodKeys(tmp_path)
    opening = Opening(group="g", salt=SALT, payload=b"p")
    row = sealed_row(keys, 0, opening)

    assert keys.destroy("2026-11", present="2026-12")
    assert not keys.destroy("2026-11", present="2026-12")

    assert unseal_opening(keys, LOG, row) is None
    assert unseal_opening(PeriodKeys(tmp_path), LOG, row) is None
    assert list(tmp_path.iterdir()) == []


def test_the_present_periods_key_is_not_destroyed(keys: PeriodKeys) -> None:
    sealed = keys.seal("2026-11", b"plain", b"")

    for present in ("2026-11", "2026-10"):
        with pytest.raises(KeyFileError, match="not over"):
            keys.destroy("2026-11", present=present)
    assert keys.unseal("2026-11", sealed, b"") == b"plain"


@pytest.mark.parametrize("period", ["", "2026-13", "2026-1", "../../x", "2026-11\n"])
def test_only_months_have_keys(keys: PeriodKeys, period: str) -> None:
    with pytest.raises(KeyFileError, match="year and month"):
        keys.seal(period, b"", b"")


def test_a_loose_or_broken_key_is_refused(tmp_path: Path) -> None:
    PeriodKeys(tmp_path).seal("2026-11", b"", b"")
    path = tmp_path / "2026-11.key"

    path.chmod(0o640)
    with pytest.raises(LooseKeyFileError, match="0640"):
        PeriodKeys(tmp_path)

    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(KeyFileError, match="has 5 bytes, want 32"):
        PeriodKeys(tmp_path)


def test_a_draft_of_a_key_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".2026-11.key.0a0b").write_bytes(b"left by a crash")

    assert PeriodKeys(tmp_path).periods() == []
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_another_process_has_made_is_found(tmp_path: Path) -> None:
    one, other = (PeriodKeys(tmp_path, shared=True) for _ in range(2))

    sealed = one.seal("2026-11", b"plain", b"aad")

    assert other.unseal("2026-11", sealed, b"aad") == b"plain"
    assert other.unseal("2026-10", sealed, b"aad") is None
    assert other.unseal("no month", sealed, b"aad") is None


def test_two_processes_make_one_key(tmp_path: Path) -> None:
    one, other = (PeriodKeys(tmp_path, shared=True) for _ in range(2))

    sealed = [keys.seal("2026-11", b"plain", b"aad") for keys in (one, other)]

    for keys in (one, other, PeriodKeys(tmp_path)):
        assert [keys.unseal("2026-11", box, b"aad") for box in sealed] == [b"plain"] * 2


def test_a_key_that_another_process_destroyed_is_let_go(tmp_path: Path) -> None:
    one, other = (PeriodKeys(tmp_path, shared=True) for _ in range(2))
    sealed = one.seal("2026-11", b"plain", b"aad")
    one.seal("2026-12", b"", b"")
    assert other.unseal("2026-11", sealed, b"aad") == b"plain"

    assert one.destroy("2026-11", present="2026-12")
    other.follow()

    assert other.unseal("2026-11", sealed, b"aad") is None
    assert other.periods() == ["2026-12"]


def test_a_process_destroys_a_key_that_it_never_used(tmp_path: Path) -> None:
    one, other = (PeriodKeys(tmp_path, shared=True) for _ in range(2))
    one.seal("2026-11", b"plain", b"aad")

    assert other.destroy("2026-11", present="2026-12")
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_is_being_destroyed_opens_nothing(tmp_path: Path) -> None:
    one, other = (PeriodKeys(tmp_path, shared=True) for _ in range(2))
    sealed = one.seal("2026-11", b"plain", b"aad")
    (tmp_path / "2026-11.key").write_bytes(bytes(32))

    assert other.unseal("2026-11", sealed, b"aad") is None


def test_keys_are_never_shown(tmp_path: Path) -> None:
    keys = PeriodKeys(tmp_path)
    keys.seal("2026-11", b"", b"")

    assert repr(keys) == "PeriodKeys(2026-11)"
