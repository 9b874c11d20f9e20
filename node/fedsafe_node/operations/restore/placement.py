# SPDX-License-Identifier: Apache-2.0
"""Puts the files of a backup where they belong, beside what is still there.

A directory that has its keys keeps them, and its guard: they are newer. Without keys it
is a new one, and gets them out of the file that went apart.
"""

import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_node.ground.config import Config, Place, load_config
from fedsafe_node.ground.errors import BadRequestError, words_of
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.key_files import (
    make_private_directory,
    read_secret,
    sync_directory,
    write_durably,
    write_secret,
)
from fedsafe_node.log.guard import read_kept
from fedsafe_node.operations.backup.check import verify_copy
from fedsafe_node.operations.backup.errors import (
    BackupBrokenError,
    BackupRefusedError,
    BadPart,
)
from fedsafe_node.operations.backup.manifest import (
    DATABASE,
    Manifest,
    Read,
    check_files,
    read_manifest,
)
from fedsafe_node.operations.backup.secrets import STATEMENT_KEY, open_keys
from fedsafe_node.operations.offline_inspect import read_own_keys
from fedsafe_node.operations.restore.mark import Mark, put_mark, read_mark
from fedsafe_node.people.names import check_name
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.ground.system_reasons import reason_of

DRAFT: Final = "store.db.restoring"
_BESIDE: Final = ("", "-wal", "-shm", ".lock")


@dataclass(frozen=True, slots=True)
class Request:
    """Which backup is brought back, who wants it and why.

    `keys` and `custody` are for a directory that has no keys; `statement_key` is the
    public key that has signed them, if the backup does not know it. `absent` are
    members that a person has left out, and `give_up` gives up what only the guard
    knows of.
    """

    backup: Path
    by: str
    reason: str
    keys: Path | None = None
    custody: Path | None = field(default=None, repr=False)
    statement_key: bytes | None = None
    absent: Collection[str] = ()
    give_up: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A node whose files are there; `mark` says if its store is as well."""

    config: Config
    manifest: Manifest
    mark: Mark


def check_said(request: Request) -> None:
    """Take nothing into the audit log that could tell of somebody.

    Raises:
        BackupRefusedError: the reason is no reference, or the name none of a person.
    """
    if not is_reference(request.reason):
        raise BackupRefusedError(
            Phrase("the reason (--reason) refers, such as ticket-7; it tells nothing"),
            Phrase("write down elsewhere why, and give the number of that"),
        )
    try:
        check_name(request.by)
    except BadRequestError as error:
        raise BackupRefusedError(
            Phrase("who restores (--by) is no name of a person here: {why}").filled(
                why=words_of(error)
            ),
            Phrase("give the name of your account"),
        ) from None


def place_backup(place: Place, request: Request, read: Read, faults: Faults) -> Placed:
    """Check the backup, mark the directory and put everything there but the store.

    Raises:
        BackupRefusedError: it is not brought back like this, with the way out.
        BackupBrokenError: the backup is not as it was made.
        NodeError: a file in the directory does not fit.
    """
    manifest, digest = read_manifest(request.backup)
    check_files(request.backup, manifest, read)
    mark = read_mark(place)
    if place.database.exists() and (mark is None or mark.ready is None):
        raise BackupRefusedError(
            Phrase("{file} is there; nothing was changed").filled(file=place.database),
            Phrase(
                "if it is no good, move it and what begins with its name "
                "away, as evidence"
            ),
        )
    if not (place.keys / "seal.key").exists() and request.keys is None:
        raise BackupRefusedError(
            Phrase("{directory} has no keys, and a backup holds none").filled(
                directory=place.directory
            ),
            Phrase(
                "name the file that `fedsafe backup --keys` wrote with "
                "--keys, and the private custody key with --custody-key"
            ),
        )
    make_private_directory(place.directory)
    if mark is None or mark.ready is None:
        mark = _marked(place, request, mark, digest)
        put_mark(place, mark)
        faults.reach(FaultPoint.RESTORE_AFTER_MARK)
        _place_files(place, request, manifest)
        faults.reach(FaultPoint.RESTORE_AFTER_FILES)
    config = load_config(place)
    if config.name != manifest.node:
        raise BackupRefusedError(
            Phrase("this is the directory of {name}, and a backup of {node}").filled(
                name=config.name, node=manifest.node
            ),
            Phrase("name the directory of that node, or a new one"),
        )
    if config.store is not None:
        raise BackupRefusedError(
            Phrase("node.toml keeps the store on a PostgreSQL server"),
            Phrase(
                "take [store] out of node.toml; `fedsafe store migrate` moves it again"
            ),
        )
    if mark.ready is None:
        _verify(place, request, manifest)
        _copy_store(place, request)
        faults.reach(FaultPoint.RESTORE_AFTER_COPY)
    return Placed(config, manifest, mark)


def _marked(place: Place, request: Request, before: Mark | None, digest: str) -> Mark:
    kept = before.kept if before is not None else {}
    mark = Mark(digest, request.by, request.reason, kept)
    if place.guard.is_dir():
        mark = mark.with_kept(read_kept(place.guard))
    return mark.with_kept(read_kept(Place(request.backup).guard))


def _place_files(place: Place, request: Request, manifest: Manifest) -> None:
    if request.keys is not None:
        for name, secret in _opened(place, request, manifest).items():
            if not (place.keys / name).exists():
                write_secret(place.keys / name, secret)
    for name in sorted(manifest.files):
        target = place.directory / name
        if name == DATABASE or target.exists():
            continue
        make_private_directory(target.parent)
        draft = target.with_name(f".{target.name}.part")
        draft.unlink(missing_ok=True)
        write_durably(draft, (request.backup / name).read_bytes())
        draft.rename(target)
        sync_directory(target.parent)


def _opened(place: Place, request: Request, manifest: Manifest) -> dict[str, bytes]:
    if request.keys is None or request.custody is None:
        raise BackupRefusedError(
            Phrase("the keys are sealed"),
            Phrase("name the private custody key with --custody-key"),
        )
    try:
        custody = RecipientKey.from_bytes(read_secret(request.custody))
    except CryptoError:
        raise BackupRefusedError(
            Phrase("{file} is no custody key").filled(file=request.custody)
        ) from None
    signers = _signers(place, request, manifest.node)
    return dict(open_keys(request.keys, custody, manifest.node, signers))


def _signers(place: Place, request: Request, node: str) -> set[bytes]:
    """Give the keys by which this node's statements are known; none without others."""
    if request.statement_key is not None:
        return {request.statement_key}
    path = place.keys / STATEMENT_KEY
    if path.exists():
        try:
            return {SigningKey.from_bytes(read_secret(path)).public}
        except CryptoError:
            raise BackupRefusedError(
                Phrase("{path} is no key").filled(path=path)
            ) from None
    known = read_own_keys(place, request.backup / DATABASE, node)
    return {keys.statement for keys in known}


def _verify(place: Place, request: Request, manifest: Manifest) -> None:
    found = verify_copy(request.backup, manifest, place)
    bad = [
        BadPart(each.log, each.why or "it does not verify")
        for each in found.logs
        if not each.ok
    ]
    bad += [
        BadPart(each.first_bad or each.table, each.why or "it does not verify")
        for each in found.tables
        if not each.ok
    ]
    if bad:
        raise BackupBrokenError(bad)


def _copy_store(place: Place, request: Request) -> None:
    draft = place.directory / DRAFT
    try:
        for end in _BESIDE:
            draft.with_name(f"{DRAFT}{end}").unlink(missing_ok=True)
        shutil.copyfile(request.backup / DATABASE, draft)
        draft.chmod(0o600)
        descriptor = os.open(draft, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise BackupRefusedError(
            Phrase("{path}: {why}").filled(path=draft, why=reason_of(error)),
            Phrase("make room there, and run this again"),
        ) from None
