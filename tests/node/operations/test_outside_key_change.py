# SPDX-License-Identifier: Apache-2.0
"""Who takes the directory opens no media; with the outside key all is as it was."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from secrets import token_bytes

import numpy as np
import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.backups import back_up, medium
from tests.support.fleet import Fleet, make

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.envelope import open_media
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.feed.signals import SIGNAL_GROUP, decode_opening
from fedsafe_node.acts.bodies import ImportRequest, Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import (
    KeyFileError,
    NodeError,
    OutsideKeyError,
    OutsideKeyMissingError,
    StoreBusyError,
)
from fedsafe_node.ground.key_files import read_secret, replace_secret
from fedsafe_node.ground.outside_key import (
    find_outside_key,
    read_key_file,
    wrappable,
    wrapped_under,
)
from fedsafe_node.keys import own_keys
from fedsafe_node.keys.own_keys import MediaKeys, load_media_keys, load_own
from fedsafe_node.log.openings import PeriodKeys, unseal_opening
from fedsafe_node.lookup.index.pdq import PdqIndex
from fedsafe_node.lookup.index.pdq_file import open_rows
from fedsafe_node.lookup.index.pdq_memory import Memory
from fedsafe_node.operations import outside_key_change
from fedsafe_node.operations.outside_key_change import (
    KeyState,
    make_key,
    recover_key,
    remove_key,
    rotate_key,
    state_of,
)
from fedsafe_node.operations.restore.journey import restore_node
from fedsafe_node.operations.restore.placement import Request
from fedsafe_node.store.rows import SealedOpening
from fedsafe_policies.vocabulary import Scope

__all__ = ["medium"]

NODE = "a.demo"
aside = asyncio.to_thread
PICTURE = token_bytes(32)
MEDIA = MediaKeys(token_bytes(32), token_bytes(32))


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give a node that stands still, with a picture and media keys of a federation."""
    fleet = await make(tmp_path / "nodes", NODE)
    await fleet.start(NODE)
    await record(fleet, PICTURE)
    await fleet.stop(NODE)
    await asyncio.to_thread(own_keys.write_media_keys, fleet.place(NODE), 1, 1, MEDIA)
    yield fleet
    await fleet.close()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    made = tmp_path / "safe"
    made.mkdir()
    return made / "outside.key"


async def record(fleet: Fleet, *pictures: bytes) -> None:
    requests = [
        request_for(each.hex(), kind=Kind.PDQ, scope=Scope.SELF) for each in pictures
    ]
    request = ImportRequest(signals=requests)
    answer = await fleet[NODE].services.signals.add_many(request, ANNA)
    assert not answer.problems


async def made(fleet: Fleet, path: Path | None) -> KeyState:
    place = fleet.place(NODE)
    config = await asyncio.to_thread(load_config, place)
    return await make_key(place, config, fleet.clock, path)


async def finds(fleet: Fleet, picture: bytes = PICTURE) -> bool:
    await fleet.start(NODE)
    answer = await fleet.look_up(NODE, picture.hex(), Kind.PDQ)
    await fleet.stop(NODE)
    return answer.result is Result.REVIEW


def lose(key: Path) -> None:
    key.unlink()


def open_to_all(key: Path) -> None:
    key.chmod(0o644)


def key_files(place: Place) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in place.keys.iterdir() if path.is_file()}


def wrapped_files(place: Place) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in wrappable(place)}


def windows(place: Place, *, with_key: bool) -> set[bytes]:
    """Give whatever may be a key in the files below a directory's keys."""
    found: set[bytes] = set()
    for path in place.keys.rglob("*"):
        if path.is_file():
            read = read_key_file(place, path) if with_key else path.read_bytes()
            found |= {read[at : at + 32] for at in range(len(read) - 31)}
    return found


def sealed_media(place: Place) -> Iterator[tuple[bytes, int, int, bytes]]:
    """Give what the keys of the months open: sealed media of the own list."""
    periods = PeriodKeys(place.periods, tidy=False)
    with closing(sqlite3.connect(place.database)) as connection:
        rows = connection.execute(
            "SELECT l.origin, o.idx, o.grp, o.period, o.sealed, s.signal_id "
            "FROM openings o JOIN logs l ON l.id = o.log JOIN signals s "
            "ON s.log = l.origin AND s.idx = o.idx AND s.grp = o.grp"
        ).fetchall()
    for log, index, group, period, sealed, signal in rows:
        assert group == SIGNAL_GROUP
        row = SealedOpening(index=index, group=group, period=period, sealed=sealed)
        opening = unseal_opening(periods, log, row)
        assert opening is not None
        header, body = decode_opening(opening.payload)
        yield signal, header.epoch, header.generation, body.sealed


def media_opened(place: Place, keys: set[bytes]) -> int:
    """Try each key; count what the one opens that opens the first."""
    (first, *rest) = sealed_media(place)
    fits = [key for key in keys if opens(key, first)]
    return sum(any(opens(key, each) for key in fits) for each in (first, *rest))


def opens(key: bytes, media: tuple[bytes, int, int, bytes]) -> bool:
    signal, epoch, generation, sealed = media
    try:
        open_media(
            key,
            federation_id=f"own:{NODE}",
            origin=f"own:{NODE}",
            signal_id=signal,
            epoch=epoch,
            generation=generation,
            sealed=sealed,
        )
    except CryptoError:
        return False
    return True


def everything_in(*directories: Path) -> list[bytes]:
    return [
        path.read_bytes()
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file()
    ]


def runs_found(files: Sequence[bytes], digests: Sequence[bytes]) -> int:
    """Count the runs of eight bytes of digests that lie in files, at any place."""
    runs = b"".join(each[at : at + 8] for each in digests for at in range(25))
    wanted = np.unique(np.frombuffer(runs, np.uint64))
    may_be = np.zeros(1 << 20, np.bool_)
    may_be[wanted & 0xFFFFF] = True
    content, count = b"".join(files), 0
    for at in range(8):
        whole = content[at : at + (len(content) - at) // 8 * 8]
        found = np.frombuffer(whole, np.uint64)
        count += int(np.isin(found[may_be[found & 0xFFFFF]], wanted).sum())
    return count


async def test_a_thief_without_the_key_opens_nothing(
    fleet: Fleet, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = PdqIndex.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "few", 500)
    place = fleet.place(NODE)
    await made(fleet, key)
    await fleet.start(NODE)
    listed = [token_bytes(32) for _ in range(1_000)]
    for start in range(0, 1_000, 250):
        await record(fleet, *listed[start : start + 250])
    await fleet[NODE].pictures.merge()
    backup, stolen = tmp_path / "backup", tmp_path / "stolen"

    def take() -> None:  # with its write-ahead log
        shutil.copytree(
            place.directory, stolen, ignore=shutil.ignore_patterns("*.sock")
        )

    await back_up(fleet, backup)
    await asyncio.to_thread(take)
    await fleet.stop(NODE)
    own = await asyncio.to_thread(load_own, place)
    keys = (own.scalar, own.media.group, own.media.token, MEDIA.group, MEDIA.token)

    def search() -> tuple[int, int, int, int, int, int]:
        there = Place(stolen)
        assert list(there.index.glob("pictures-*"))
        assert (there.directory / "store.db-wal").stat().st_size > 0
        files = everything_in(stolen, backup)
        bodies = [sealed for _, _, _, sealed in sealed_media(there)]
        # The same search with the key is one that finds.
        lists = [bytes(each) for each in _tables(there)]
        return (
            media_opened(there, windows(there, with_key=False)),
            runs_found([*files, *bodies], listed),
            sum(each in content for each in keys for content in files),
            media_opened(there, windows(there, with_key=True)),
            runs_found(lists, listed),
            sum(each in windows(there, with_key=True) for each in keys),
        )

    found = await asyncio.to_thread(search)

    assert found[:3] == (0, 0, 0)
    assert found[3] == 1_001
    assert found[4] >= 1_000
    assert found[5] == len(keys)


def _tables(place: Place) -> Iterator[memoryview]:
    key = find_outside_key(place)
    assert key is not None
    with closing(sqlite3.connect(place.database)) as connection:
        ((store,),) = connection.execute(
            "SELECT value FROM meta WHERE key = 'store.identity'"
        ).fetchall()
    for path in place.index.glob("pictures-*"):
        identity = bytes.fromhex(path.stem.removeprefix("pictures-"))
        file = open_rows(place.index, identity, key, store, Memory.private)
        # By rows, as nobody lays them out on disk.
        yield memoryview(file.tables.columns.T.tobytes())


async def test_a_node_goes_on_with_the_key(fleet: Fleet, key: Path) -> None:
    place = fleet.place(NODE)

    state = await made(fleet, key)

    assert state.path == key
    assert state.wrapped == ["media-1-1.key", "own.key"]
    assert (state.plain, state.others) == ([], [])
    assert await aside(read_secret, key)  # which is nobody else's
    assert await aside(load_media_keys, place) == {(1, 1): MEDIA}
    assert await finds(fleet)
    assert await made(fleet, key) == state  # once more is no harm
    await fleet.start(NODE)
    report = await fleet[NODE].base.store.check_seal()
    (event, _) = await fleet.audit(NODE, "outside_key.changed")
    assert report.faults == ()
    assert state.name is not None
    assert state.name in event.text


async def test_what_comes_later_is_wrapped(fleet: Fleet, key: Path) -> None:
    place = fleet.place(NODE)
    await made(fleet, key)

    await asyncio.to_thread(own_keys.write_media_keys, place, 1, 2, MEDIA)
    await aside(lose, key)
    with pytest.raises(OutsideKeyError):
        await asyncio.to_thread(own_keys.write_media_keys, place, 1, 3, MEDIA)

    content = await aside(read_secret, place.keys / "media-1-2.key")
    assert wrapped_under(content)
    assert not (place.keys / "media-1-3.key").exists()


async def test_without_the_key_a_node_says_what_is_lost(
    fleet: Fleet, key: Path
) -> None:
    place = fleet.place(NODE)
    await made(fleet, key)
    secret = await aside(read_secret, key)
    await aside(lose, key)

    with pytest.raises(OutsideKeyError, match="own bans and all media stay closed"):
        await fleet.start(NODE)
    text = place.config.read_text()
    place.config.write_text(text.partition("\n")[2])
    with pytest.raises(OutsideKeyMissingError, match="outside-key recover"):
        await fleet.start(NODE)

    config = await aside(load_config, place)
    custody = place.directory.parent / "custody" / f"{NODE}.key"
    private = RecipientKey.from_bytes(await aside(read_secret, custody))
    with pytest.raises(OutsideKeyError, match="does not open with this custody key"):
        await aside(recover_key, place, config, key, RecipientKey.generate())
    state = await aside(recover_key, place, config, key, private)
    assert (await aside(read_secret, key), state.plain) == (secret, [])
    assert await finds(fleet)


async def test_a_restore_without_the_key_says_so_and_goes_on_with_it(
    fleet: Fleet, key: Path, medium: Path
) -> None:
    place = fleet.place(NODE)
    await made(fleet, key)
    await fleet.start(NODE)
    await back_up(fleet, medium / "monday", medium / "keys")
    await fleet.stop(NODE)
    custody = place.directory.parent / "custody" / f"{NODE}.key"
    private = RecipientKey.from_bytes(await aside(read_secret, custody))
    await aside(shutil.rmtree, place.directory)
    await aside(lose, key)
    request = Request(
        medium / "monday", "rita", "ticket-7", keys=medium / "keys", custody=custody
    )

    with pytest.raises(OutsideKeyError, match="own bans and all media stay closed"):
        await restore_node(place, request, fleet.clock)
    config = await aside(load_config, place)
    state = await aside(recover_key, place, config, key, private)
    await restore_node(place, request, fleet.clock)

    assert state.wrapped == ["media-1-1.key", "own.key"]
    assert await finds(fleet)


async def test_another_key_takes_its_place(fleet: Fleet, key: Path) -> None:
    place = fleet.place(NODE)
    old = await made(fleet, key)
    config, other = await aside(load_config, place), key.with_name("second.key")

    state = await rotate_key(place, config, fleet.clock, other)
    await aside(lose, key)

    assert state.path == other
    assert state.wrapped == old.wrapped
    assert state.name != old.name
    assert await finds(fleet)


@pytest.mark.parametrize("files", [0, 1])
async def test_a_rotation_that_was_cut_off_is_finished(
    fleet: Fleet, key: Path, files: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fleet.place(NODE)
    await made(fleet, key)
    config, other = await aside(load_config, place), key.with_name("second.key")
    left = [files]

    def replace(path: Path, secret: bytes) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        replace_secret(path, secret)

    monkeypatch.setattr(outside_key_change, "replace_secret", replace)
    with pytest.raises(KeyboardInterrupt):
        await rotate_key(place, config, fleet.clock, other)
    monkeypatch.undo()

    if files:
        assert len((await aside(state_of, place)).others) == files
    assert await finds(fleet)  # with the key that it had
    third = key.with_name("third.key")
    with pytest.raises(OutsideKeyError, match="was cut off"):
        await rotate_key(place, config, fleet.clock, third)
    state = await rotate_key(place, config, fleet.clock, other)

    assert (state.others, state.plain) == ([], [])
    assert not place.outside_turn.exists()
    assert await finds(fleet)


async def test_the_key_can_be_removed(fleet: Fleet, key: Path) -> None:
    place = fleet.place(NODE)
    before = await aside(wrapped_files, place)
    await made(fleet, key)

    state = await remove_key(place, await aside(load_config, place), fleet.clock)
    await aside(lose, key)

    assert state == KeyState(None, None, [], sorted(before), [])
    assert await aside(wrapped_files, place) == before
    assert not place.outside_sealed.exists()
    assert not list(place.keys.glob(".*"))
    assert await finds(fleet)


async def test_a_credential_of_systemd_is_the_key(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fleet.place(NODE)
    text = place.config.read_text()
    credential = tmp_path / "credentials" / "fedsafe-outside-key"
    credential.parent.mkdir()
    credential.write_bytes(token_bytes(32))
    credential.chmod(0o440)  # as systemd makes it
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credential.parent))

    state = await made(fleet, None)

    assert state.path == credential
    assert state.plain == []
    assert place.config.read_text() == text
    assert await finds(fleet)
    credential.chmod(0o444)
    with pytest.raises(OutsideKeyError, match="everybody"):
        await fleet.start(NODE)


async def test_what_is_no_outside_key_is_refused(
    fleet: Fleet, key: Path, tmp_path: Path
) -> None:
    place = fleet.place(NODE)
    before = {
        path: path.read_bytes() for path in place.keys.iterdir() if path.is_file()
    }
    link = tmp_path / "link.key"
    link.symlink_to(place.keys / "own.key")
    short = tmp_path / "short.key"
    short.write_bytes(b"short")
    short.chmod(0o600)

    for path, why in (
        (place.directory / "outside.key", "lies in the node's directory"),
        (link, "lies in the node's directory"),
        (short, "5 bytes, want 32"),
        (tmp_path / "nowhere" / "outside.key", "is no directory"),
    ):
        with pytest.raises(OutsideKeyError, match=why):
            await made(fleet, path)
    with pytest.raises(OutsideKeyMissingError):
        await made(fleet, None)
    await fleet.start(NODE)
    with pytest.raises(StoreBusyError):
        await made(fleet, key)
    await fleet.stop(NODE)
    open_to_all(key)
    with pytest.raises((KeyFileError, NodeError), match="lets others in"):
        await made(fleet, key)

    after = await aside(key_files, place)
    assert {path: after[path] for path in before} == before


async def test_a_key_that_goes_with_the_directory_by_another_name_is_refused(
    fleet: Fleet, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fleet.place(NODE)
    await made(fleet, key)
    inside = place.keys / "o.key"
    inside.hardlink_to(key)
    with pytest.raises(OutsideKeyError, match="lies in the node's directory"):
        await fleet.start(NODE)
    inside.unlink()
    (tmp_path / "second.key").hardlink_to(key)  # another place outside is no matter
    await fleet.start(NODE)
    await fleet.stop(NODE)
    named = place.config.read_text()
    line = next(each for each in named.splitlines() if "outside_key" in each)
    place.config.write_text(named.replace(line, ""))
    credential = place.directory / "creds" / "fedsafe-outside-key"
    credential.parent.mkdir()
    shutil.copy(key, credential)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credential.parent))
    with pytest.raises(OutsideKeyError, match="lies in the node's directory"):
        await fleet.start(NODE)


async def test_files_in_each_others_place_do_not_open(fleet: Fleet, key: Path) -> None:
    place = fleet.place(NODE)
    await made(fleet, key)
    content = await aside(read_secret, place.keys / "media-1-1.key")
    (place.keys / "media-1-2.key").write_bytes(content)
    (place.keys / "media-1-2.key").chmod(0o600)

    with pytest.raises(OutsideKeyError, match="it was changed"):
        await aside(load_media_keys, place)
