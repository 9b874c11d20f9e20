# SPDX-License-Identifier: Apache-2.0
"""Key files are sealed with the tables: which come, which may go, which may change."""

import asyncio
from pathlib import Path

import pytest
from tests.node.signals.conftest import BOT
from tests.support.fleet import Fleet

from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import (
    KeyFileError,
    KeyFileExistsError,
    NodeError,
    SealBrokenError,
)
from fedsafe_node.ground.key_files import write_secret
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.sealed_files import SealedFiles


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    for name in ("feed.key", "periods/2026-10.key", "founding-a-1.key"):
        write_secret(place.keys / name, b"x" * 32)
    return place


def none() -> set[str]:
    return set()


def test_the_key_is_new_until_the_first_seal_is_durable(place: Place) -> None:
    first = SealedFiles(place, {})
    first.begin_sealing()
    again = SealedFiles(place, {})
    again.begin_sealing()
    again.end_sealing()
    last = SealedFiles(place, {})

    assert (first.was_sealed, again.was_sealed, last.was_sealed) == (False, True, True)
    box = first.key.close("main", b"body")
    assert last.key.open("main", box) == b"body"
    assert not (place.keys / "seal-new.key").exists()


def test_of_two_keys_that_are_made_at_once_one_counts(place: Place) -> None:
    first, second = SealedFiles(place, {}), SealedFiles(place, {})
    first.begin_sealing()

    with pytest.raises(KeyFileExistsError):
        second.begin_sealing()

    box = first.key.close("main", b"body")
    assert SealedFiles(place, {}).key.open("main", box) == b"body"


def test_files_are_told_by_name_and_content(place: Place) -> None:
    files = SealedFiles(place, {})
    before = files.digests()
    (place.keys / "feed.key").write_bytes(b"y" * 32)
    after = files.digests()

    assert set(before) == {"feed.key", "periods/2026-10.key"}
    assert before["feed.key"] != before["periods/2026-10.key"]
    assert after["feed.key"] != before["feed.key"]


def test_what_comes_is_added_and_what_was_changed_is_not(place: Place) -> None:
    files = SealedFiles(place, {})
    sealed = files.news({}, none)
    assert sealed is not None
    assert files.news(sealed, none) is None
    (place.keys / "feed.key").write_bytes(b"y" * 32)
    write_secret(place.keys / "own.key", b"z")
    news = files.news(sealed, none)
    again = files.news(sealed, none)  # it was taken back with its transaction

    assert news is not None
    assert again == news
    assert files.news(news, none) is None
    assert news["feed.key"] == sealed["feed.key"] != files.digests()["feed.key"]
    assert news["own.key"] == files.digests()["own.key"]


def test_only_what_was_to_be_destroyed_may_go(place: Place) -> None:
    files = SealedFiles(place, {})
    sealed = files.news({}, none)
    assert sealed is not None
    for name in sealed:
        (place.keys / name).unlink()
    news = files.news(sealed, lambda: {"periods/2026-10.key", "periods/2026-09.key"})

    assert news is not None
    assert set(news) == {"feed.key"}


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_length_is_refused(place: Place, content: bytes) -> None:
    write_secret(place.keys / "seal.key", content)

    with pytest.raises(KeyFileError, match=r"seal\.key"):
        SealedFiles(place, {})


@pytest.mark.parametrize("how", ["flip", "truncate", "delete"])
async def test_a_node_whose_keys_were_touched_names_the_file(
    alone: Fleet, how: str
) -> None:
    await alone.stop("a.demo")
    keys = alone.place("a.demo").keys
    names = await asyncio.to_thread(
        lambda: sorted(path for path in keys.rglob("*.key") if path.is_file())
    )
    assert len(names) > 8
    for path in names:
        secret = await asyncio.to_thread(path.read_bytes)
        await asyncio.to_thread(harm, path, secret, how)
        with pytest.raises(NodeError) as error:
            await alone.start("a.demo")
        assert path.name in str(error.value), (path.name, str(error.value))
        path.unlink(missing_ok=True)
        await asyncio.to_thread(write_secret, path, secret)
    await alone.start("a.demo")


def harm(path: Path, secret: bytes, how: str) -> None:
    match how:
        case "flip":
            path.write_bytes(bytes([secret[0] ^ 1]) + secret[1:])
        case "truncate":
            path.write_bytes(secret[:-1])
        case _:
            path.unlink()


async def test_a_key_that_was_to_be_destroyed_is_not_missed(alone: Fleet) -> None:
    base = alone["a.demo"].base
    october, september = (base.place.periods / f"2026-{n}.key" for n in ("10", "09"))
    for path in (october, september):
        await asyncio.to_thread(write_secret, path, b"x" * 32)
    kind = EffectKind.PERIOD_KEY
    await base.store.write(lambda tx: tx.begin_effect(kind, "2026-10", at=7))
    await alone.stop("a.demo")
    await asyncio.to_thread(october.unlink)
    await alone.start("a.demo")
    verified = await alone["a.demo"].services.audits.verify(BOT)
    await alone.stop("a.demo")
    await asyncio.to_thread(september.unlink)

    assert verified.ok
    with pytest.raises(SealBrokenError, match=r"periods/2026-09\.key"):
        await alone.start("a.demo")
