# SPDX-License-Identifier: Apache-2.0
import shutil
import sqlite3
from pathlib import Path
from stat import S_IMODE

import pytest

from fedsafe_crypto.oprf.threshold import Generation, KeyShare
from fedsafe_crypto.primitives.ristretto import random_scalar
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import (
    KeyFileError,
    KeyFileExistsError,
    KeyFileMissingError,
    LooseKeyFileError,
    MembershipError,
)
from fedsafe_node.keys.membership import load_membership
from fedsafe_node.keys.own_keys import (
    MediaKeys,
    create_keys,
    load_keys,
    load_media_keys,
    load_shares,
    write_epoch_keys,
)

FILES = ("feed", "audit", "statement", "transport", "witness", "sealing", "own")
NOW = 1_795_000_000
MEDIA = MediaKeys(bytes(32), bytes(range(32)))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    create_keys(place)
    return place


def share(epoch: int = 1) -> KeyShare:
    return KeyShare(
        generation=Generation(epoch, 1), index=2, threshold=2, secret=random_scalar()
    )


def overwrite(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)


def test_every_key_is_in_a_file_of_its_own_that_others_cannot_read(
    place: Place,
) -> None:
    made = {path.name: S_IMODE(path.stat().st_mode) for path in place.keys.iterdir()}

    assert made == {f"{name}.key": 0o600 for name in FILES}
    assert S_IMODE(place.keys.stat().st_mode) == 0o700


def test_all_keys_differ_and_are_loaded_again(place: Place) -> None:
    public = load_keys(place).public()

    assert public == load_keys(place).public()
    assert len({public.feed, public.audit, public.statement, public.transport}) == 4


def test_keys_are_never_made_twice(place: Place) -> None:
    with pytest.raises(KeyFileExistsError):
        create_keys(place)


@pytest.mark.parametrize("name", FILES)
def test_a_loose_missing_or_foreign_key_file_is_refused_by_name(
    place: Place, name: str
) -> None:
    path = place.keys / f"{name}.key"
    path.chmod(0o640)
    with pytest.raises(LooseKeyFileError, match=f"{name}.key.*0640"):
        load_keys(place)
    for junk in (b"", b"junk", bytes(96), b"\xff" * 96):
        overwrite(path, junk)
        with pytest.raises(KeyFileError, match=f"{name}.key"):
            load_keys(place)
    path.unlink()

    with pytest.raises(KeyFileMissingError, match=f"{name}.key"):
        load_keys(place)


def test_no_secret_is_shown(place: Place) -> None:
    keys = load_keys(place)
    secrets = [(place.keys / f"{name}.key").read_bytes() for name in FILES]
    shown = repr(keys) + repr(MEDIA) + repr(share())

    assert not any(
        secret[:32].hex() in shown or repr(secret[:32])[2:-1] in shown
        for secret in secrets
    )
    assert "token" not in repr(MEDIA)


def test_epoch_keys_are_kept_and_found_again(place: Place) -> None:
    first, second = share(1), share(2)
    write_epoch_keys(place, first, MEDIA)
    write_epoch_keys(place, second, MEDIA)

    assert load_shares(place) == {(1, 1): first, (2, 1): second}
    assert load_media_keys(place) == {(1, 1): MEDIA, (2, 1): MEDIA}


def test_epoch_keys_that_are_there_stay(place: Place) -> None:
    first = share()
    write_epoch_keys(place, first, MEDIA)
    write_epoch_keys(place, share(), MediaKeys(bytes(32), bytes(32)))

    assert load_shares(place) == {(1, 1): first}
    assert load_media_keys(place) == {(1, 1): MEDIA}


@pytest.mark.parametrize("junk", [b"", b"{}", b"junk", b"\xff" * 10])
def test_a_share_that_is_none_is_refused(place: Place, junk: bytes) -> None:
    overwrite(place.keys / "share-1-1.key", junk)

    with pytest.raises(KeyFileError, match=r"share-1-1\.key"):
        load_shares(place)


@pytest.mark.parametrize("name", ["media-1-1.key", "media-x-y.key", "media-1.key"])
def test_media_keys_that_are_none_are_refused(place: Place, name: str) -> None:
    overwrite(place.keys / name, b"junk")

    with pytest.raises(KeyFileError, match="media"):
        load_media_keys(place)


# --- membership


@pytest.fixture
def member(founded: Path, tmp_path: Path) -> Place:
    shutil.copytree(founded / "a.demo", tmp_path / "member")
    return Place(tmp_path / "member")


def test_a_charter_that_is_none_is_refused(member: Place) -> None:
    with pytest.raises(MembershipError):
        load_membership(member, "a.demo", b"{}", now=NOW)


@pytest.mark.embedded
def test_a_share_that_does_not_fit_its_pin_is_refused(
    member: Place, charter: bytes
) -> None:
    (member.keys / "share-1-1.key").unlink()
    write_epoch_keys(member, share(), MEDIA)

    with pytest.raises(MembershipError):
        load_membership(member, "a.demo", charter, now=NOW)


@pytest.mark.embedded
def test_a_charter_of_others_is_refused(member: Place, charter: bytes) -> None:
    with pytest.raises(MembershipError):
        load_membership(member, "x.demo", charter, now=NOW)


@pytest.mark.embedded
def test_missing_epoch_keys_are_named(member: Place, charter: bytes) -> None:
    (member.keys / "media-1-1.key").unlink()

    with pytest.raises(KeyFileError, match="epoch 1"):
        load_membership(member, "a.demo", charter, now=NOW)


@pytest.mark.embedded
def test_a_member_without_its_share_is_one_all_the_same(
    member: Place, charter: bytes
) -> None:
    (member.keys / "share-1-1.key").unlink()
    membership = load_membership(member, "a.demo", charter, now=NOW)

    assert membership.shares == {}
    assert membership.media.keys() == {(1, 1)}
    assert membership.served(1, 1) is None


@pytest.mark.embedded
def test_the_newest_epoch_is_the_one_to_publish_in(
    member: Place, charter: bytes
) -> None:
    membership = load_membership(member, "a.demo", charter, now=NOW)

    assert membership.epoch.epoch == 1
    assert [other.name for other in membership.others] == ["b.demo", "c.demo"]
    assert membership.shares[1].secret.hex() not in repr(membership)


@pytest.fixture(scope="session")
def charter(founded: Path) -> bytes:
    with sqlite3.connect(founded / "a.demo" / "store.db") as database:
        (body,) = database.execute(
            "SELECT body FROM documents WHERE name = 'charter'"
        ).fetchone()
    database.close()
    return bytes(body)
