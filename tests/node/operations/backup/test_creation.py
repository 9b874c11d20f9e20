# SPDX-License-Identifier: Apache-2.0
import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.support.backups import back_up, medium
from tests.support.fleet import BEGAN, Fleet, StandingClock, copy_of
from tests.support.forks import Forks, forks

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_node.acts.backup import BackupNote
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.faults import FaultPoint
from fedsafe_node.ground.key_files import read_secret
from fedsafe_node.ground.mail_settings import Mail, Phone
from fedsafe_node.operations.backup.check import check_backup
from fedsafe_node.operations.backup.creation import (
    Made,
    Wanted,
    make_backup,
    note_stopped,
)
from fedsafe_node.operations.backup.errors import BackupBrokenError, BackupRefusedError
from fedsafe_node.operations.backup.manifest import part_of, read_manifest
from fedsafe_node.operations.backup.secrets import MAGIC, open_keys

__all__ = ["medium"]

pytestmark = pytest.mark.embedded
PERSON: Final = "anna@example.de"


def silent(_request: BackupNote, _schema: int) -> None:
    """Enter nothing."""


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.fixture
def stopped(founded: Path, tmp_path: Path) -> Place:
    """Give the directory of a node of three that does not run."""
    return copy_of(founded, tmp_path / "n").place("a.demo")


@pytest.fixture
def custody(stopped: Place) -> RecipientKey:
    """Give the private custody key of that node."""
    path = stopped.directory.parent / "custody" / "a.demo.key"
    return RecipientKey.from_bytes(read_secret(path))


def save(place: Place, target: Path, keys: Path | None = None) -> Made:
    """Back up a node that stands still."""
    config = load_config(place)
    return make_backup(place, config, Wanted(target, keys), BEGAN, silent)


async def test_a_running_node_is_backed_up_whole_and_says_so(
    trio: Fleet, medium: Path
) -> None:
    await trio.publish(PERSON)

    made = await back_up(trio, medium / "monday", medium / "monday.keys")
    checked = await asyncio.to_thread(
        check_backup, medium / "monday", trio.place("a.demo")
    )
    (event,) = await trio.audit("a.demo", "backup.made")

    assert checked.digest == made.digest
    assert checked.verified is not None
    assert checked.verified.ok, checked.verified
    assert made.digest in event.text
    assert await asyncio.to_thread(names_in, medium) == {"monday", "monday.keys"}
    assert made.manifest.logs["a.demo/feed"] == 1


async def test_what_is_written_meanwhile_does_not_spoil_the_copy(
    trio: Fleet, medium: Path
) -> None:
    place, loop = trio.place("a.demo"), asyncio.get_running_loop()
    published: list[str] = []

    def publish(_done: int, _total: int) -> None:
        if not published:
            publishing = trio.publish(PERSON)
            done = asyncio.run_coroutine_threadsafe(publishing, loop)
            published.append(done.result(10))

    made = await asyncio.to_thread(
        lambda: make_backup(
            place,
            load_config(place),
            Wanted(medium / "monday"),
            trio.clock.now(),
            silent,
            copied=publish,
        )
    )
    checked = await asyncio.to_thread(check_backup, medium / "monday", place)

    assert published
    assert made.manifest.logs.get("a.demo/feed", 0) == 0
    assert checked.verified is not None
    assert checked.verified.ok, checked.verified


async def test_a_stopped_node_is_backed_up_and_learns_of_it(
    fleet: Fleet, medium: Path
) -> None:
    place = fleet.place("a.demo")
    config = await asyncio.to_thread(load_config, place)

    def note(request: BackupNote, schema: int) -> None:
        clock = StandingClock()
        asyncio.run(note_stopped(place, config, clock, request, schema=schema))

    made = await asyncio.to_thread(
        lambda: make_backup(place, config, Wanted(medium / "monday"), BEGAN, note)
    )
    await fleet.start("a.demo")
    (event,) = await fleet.audit("a.demo", "backup.made")

    assert made.digest in event.text


async def test_who_is_listed_is_not_in_a_backup(trio: Fleet, medium: Path) -> None:
    await trio.publish(PERSON)
    await back_up(trio, medium / "monday", medium / "monday.keys")

    def saved() -> bytes:
        paths = [path for path in medium.rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in paths)

    assert PERSON.encode() not in await asyncio.to_thread(saved)


def test_no_secret_is_in_the_backup_and_all_are_in_the_keys(
    stopped: Place, custody: RecipientKey, medium: Path
) -> None:
    secrets = {
        str(path.relative_to(stopped.keys)): path.read_bytes()
        for path in stopped.keys.rglob("*.key")
    }

    save(stopped, medium / "monday", medium / "monday.keys")
    written = b"".join(
        path.read_bytes() for path in medium.rglob("*") if path.is_file()
    )

    assert any(name.startswith("share-") for name in secrets)
    assert open_keys(medium / "monday.keys", custody, "a.demo") == secrets
    assert not [name for name, secret in secrets.items() if secret in written]


def test_keys_open_with_no_other_key_and_for_no_other_node(
    stopped: Place, custody: RecipientKey, medium: Path
) -> None:
    path = medium / "monday.keys"
    save(stopped, medium / "monday", path)

    for key, node in ((RecipientKey.generate(), "a.demo"), (custody, "b.demo")):
        with pytest.raises(BackupRefusedError, match="does not open"):
            open_keys(path, key, node)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BackupRefusedError, match="does not open"):
        open_keys(path, custody, "a.demo")


def test_keys_are_signed_and_a_forged_file_is_refused(
    stopped: Place, custody: RecipientKey, medium: Path
) -> None:
    path, foreign = medium / "monday.keys", SigningKey.generate()
    save(stopped, medium / "monday", path)
    secrets = open_keys(path, custody, "a.demo")
    own = SigningKey.from_bytes(secrets["statement.key"]).public
    whole = path.read_bytes()

    assert open_keys(path, custody, "a.demo", {foreign.public, own}) == secrets
    with pytest.raises(BackupRefusedError, match=r"not signed by a\.demo"):
        open_keys(path, custody, "a.demo", {foreign.public})
    path.write_bytes(whole[: len(MAGIC)] + bytes(64) + whole[len(MAGIC) + 64 :])
    for signers in ({own}, set[bytes]()):
        with pytest.raises(BackupRefusedError, match=r"not signed by a\.demo"):
            open_keys(path, custody, "a.demo", signers)
    path.write_bytes(b"fedsafe-keys-1\n" + whole[len(MAGIC) + 64 :])
    with pytest.raises(BackupRefusedError, match="earlier version"):
        open_keys(path, custody, "a.demo")


def test_a_backup_that_cannot_be_entered_is_none(stopped: Place, medium: Path) -> None:
    def refuse(_request: BackupNote, _schema: int) -> None:
        raise StoreFailedError("the disk is full")

    wanted = Wanted(medium / "monday", medium / "monday.keys")
    with pytest.raises(StoreFailedError):
        make_backup(stopped, load_config(stopped), wanted, BEGAN, refuse)

    assert names_in(medium) == set()


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def _rewrite(path: Path) -> None:
    path.write_text("x")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("node.toml", _rewrite),
        ("store.db", _shorten),
        ("guard/a.demo%2Faudit.checkpoint", Path.unlink),
        ("added", Path.touch),
    ],
)
def test_what_was_changed_in_a_backup_is_named(
    stopped: Place, medium: Path, name: str, change: Callable[[Path], None]
) -> None:
    save(stopped, medium / "monday")
    change(medium / "monday" / name)

    with pytest.raises(BackupBrokenError) as caught:
        check_backup(medium / "monday", None)

    assert [part.name for part in caught.value.parts] == [name]


def test_keys_that_were_destroyed_since_are_no_fault_of_a_backup(
    stopped: Place, medium: Path
) -> None:
    save(stopped, medium / "monday")
    for path in stopped.periods.glob("*.key"):
        path.unlink()

    destroyed = check_backup(medium / "monday", stopped)
    (stopped.keys / "feed.key").unlink()
    lost = check_backup(medium / "monday", stopped)

    assert destroyed.verified is not None
    assert destroyed.verified.ok, destroyed.verified
    assert lost.verified is not None
    assert [each.first_bad for each in lost.verified.tables if not each.ok] == [
        "feed.key"
    ]


def test_no_backup_is_made_where_it_would_be_none(stopped: Place, medium: Path) -> None:
    (medium / "there").mkdir()
    for wanted, why in (
        (Wanted(medium / "there"), "exists already"),
        (Wanted(medium / "no" / "where"), "is no directory"),
        (Wanted(stopped.directory / "backup"), "in the node's directory"),
        (Wanted(medium / "x", medium / "there"), "exists already"),
        (Wanted(medium / "x", stopped.directory / "k"), "in the node's directory"),
    ):
        with pytest.raises(BackupRefusedError, match=why):
            make_backup(stopped, load_config(stopped), wanted, BEGAN, silent)

    assert names_in(medium) == {"there"}


def _link(draft: Path, kept: Path) -> None:
    draft.symlink_to(kept)


def _loose(draft: Path, kept: Path) -> None:
    kept.rename(draft)
    draft.chmod(0o777)


@pytest.mark.parametrize("lay", [_link, _loose])
def test_what_others_laid_in_its_way_is_left_alone(
    stopped: Place, medium: Path, lay: Callable[[Path, Path], None]
) -> None:
    kept, draft = medium / "kept", medium / ".x.part"
    kept.mkdir()
    (kept / "photo").touch()
    lay(draft, kept)

    with pytest.raises(BackupRefusedError, match="was not made by"):
        save(stopped, medium / "x")

    assert names_in(draft) == {"photo"}


def test_the_help_document_is_saved_and_a_key_that_is_named_is_not(
    stopped: Place, medium: Path
) -> None:
    config = msgspec.structs.replace(load_config(stopped), help="help.toml")
    (stopped.directory / "help.toml").write_text("format = 1")
    made = make_backup(stopped, config, Wanted(medium / "x"), BEGAN, silent)
    key = msgspec.structs.replace(config, help="keys/feed.key")

    assert "help.toml" in made.manifest.files
    with pytest.raises(BackupRefusedError, match="among the keys"):
        make_backup(stopped, key, Wanted(medium / "y"), BEGAN, silent)
    assert names_in(medium) == {"x"}


def test_what_node_toml_names_and_a_backup_does_not_hold_is_said(
    stopped: Place, medium: Path, tmp_path: Path
) -> None:
    (tmp_path / "lists.toml").write_text("format = 1")
    (stopped.directory / "help.toml").symlink_to(tmp_path / "lists.toml")
    (stopped.directory / "calendar.toml").write_text("format = 1")
    (stopped.directory / "mail-password").write_text("secret")
    mail = Mail("127.0.0.1", "a@a.example", user="a", password_file="mail-password")
    config = msgspec.structs.replace(
        load_config(stopped),
        help="help.toml",
        calendar=str(stopped.directory / "calendar.toml"),
        do_not_share=str(tmp_path / "lists.toml"),
        policy="gone.toml",
        mail=mail,
        phone=Phone("https://sms.a.example/code", "hook-secret"),
    )
    (stopped.policies).mkdir(exist_ok=True)
    (stopped.policies / "own.toml").write_text("format = 1")
    kept = msgspec.structs.replace(mail, password_file="keys/mail-password")
    calm = msgspec.structs.replace(
        load_config(stopped), mail=kept, policy="policies/own.toml"
    )

    made = make_backup(stopped, config, Wanted(medium / "x"), BEGAN, silent)
    whole = make_backup(stopped, calm, Wanted(medium / "y"), BEGAN, silent)

    assert {
        "help.toml",
        "calendar.toml",
        config.custody_key,
    } <= made.manifest.files.keys()
    lists = str(tmp_path / "lists.toml")
    wanted = ["mail-password", "hook-secret", "gone.toml", lists]
    assert sorted(made.left_out) == sorted(wanted)
    assert not (medium / "x" / "help.toml").is_symlink()
    assert "mail-password" not in made.manifest.files
    assert whole.left_out == []


def test_nothing_is_put_into_another_backup(stopped: Place, medium: Path) -> None:
    save(stopped, medium / "monday")
    inside = medium / "monday" / "keys"
    for wanted in (Wanted(medium / "x", inside), Wanted(inside)):
        with pytest.raises(BackupRefusedError, match="lies in the backup") as refused:
            make_backup(stopped, load_config(stopped), wanted, BEGAN, silent)
        assert refused.value.way_out

    assert names_in(medium) == {"monday"}
    assert check_backup(medium / "monday", None).digest


def test_another_nodes_keys_are_refused_by_name(stopped: Place, medium: Path) -> None:
    save(stopped, medium / "monday")
    other = Place(stopped.directory.parent / "b.demo")

    with pytest.raises(BackupRefusedError, match="another node, b") as refused:
        check_backup(medium / "monday", other)

    assert "a.demo" in str(refused.value.way_out)


@pytest.mark.parametrize(
    "name", ["keys/periods/2026-12.key", "./keys/x.key", "store.db-wal", "restore.json"]
)
def test_a_backup_brings_neither_keys_nor_a_journal(
    stopped: Place, medium: Path, name: str
) -> None:
    save(stopped, medium / "x")
    manifest, _ = read_manifest(medium / "x")
    more = manifest.files | {name: manifest.files["node.toml"]}
    planted = msgspec.structs.replace(manifest, files=more)
    (medium / "x" / "manifest.json").write_bytes(planted.encode())

    with pytest.raises(BackupRefusedError, match="no backup holds"):
        check_backup(medium / "x", None)


def test_a_link_among_the_policies_brings_no_key(stopped: Place, medium: Path) -> None:
    stopped.policies.mkdir(exist_ok=True)
    (stopped.policies / "link").symlink_to(stopped.keys / "feed.key")
    made = save(stopped, medium / "x")

    assert "policies/link" not in made.manifest.files


def test_a_backup_that_somebody_has_written_anew_is_broken(
    stopped: Place, medium: Path
) -> None:
    save(stopped, medium / "x")
    (medium / "x" / "node.toml").write_text("name = 'mine'")
    manifest, _ = read_manifest(medium / "x")
    files = manifest.files | {"node.toml": part_of(medium / "x" / "node.toml")}
    written = msgspec.structs.replace(manifest, files=files)

    for each in (written, msgspec.structs.replace(written, seal=None)):
        (medium / "x" / "manifest.json").write_bytes(each.encode())
        with pytest.raises(BackupBrokenError, match=r"manifest\.json"):
            check_backup(medium / "x", stopped)


def test_a_manifest_without_a_store_is_no_backup(stopped: Place, medium: Path) -> None:
    save(stopped, medium / "x")
    manifest, _ = read_manifest(medium / "x")
    (medium / "empty").mkdir()
    none = msgspec.structs.replace(manifest, files={})
    (medium / "empty" / "manifest.json").write_bytes(none.encode())

    with pytest.raises(BackupRefusedError, match="names no store"):
        check_backup(medium / "empty", None)


@pytest.fixture(scope="module")
def backing_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """Give what backs nodes up in processes of their own."""
    folder = tmp_path_factory.mktemp("forked")
    with forks("tests.node.operations.backup.child", folder) as forked:
        yield forked


@pytest.mark.parametrize(
    "point", [point for point in FaultPoint if point.value.startswith("backup.")]
)
def test_a_backup_that_was_killed_is_none_and_is_made_anew(
    backing_up: Forks, stopped: Place, medium: Path, point: FaultPoint
) -> None:
    paths = map(str, (stopped.directory, medium / "x", medium / "k"))
    killed = backing_up.run(*paths, point)
    left = names_in(medium)

    save(stopped, medium / "x", medium / "k2")

    assert killed.status == -signal.SIGKILL, killed.said
    assert "x" not in left
    assert names_in(medium) - {"k"} == {"x", "k2"}
    assert check_backup(medium / "x", stopped).digest
