# SPDX-License-Identifier: Apache-2.0
"""Checks a backup without bringing it back: `fedsafe backup --check`.

Files are compared with the manifest; with the node's keys the logs in the store are
verified, and its tables compared with their seal. Keys that were destroyed since are
rightly gone, and the guard may have come further while the store was copied.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fedsafe_node.acts.audit import TableCheck, VerifyAnswer
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.log.engine import examine_store
from fedsafe_node.log.guard import Kept, read_kept
from fedsafe_node.operations.backup.errors import (
    BackupBrokenError,
    BackupRefusedError,
    BadPart,
)
from fedsafe_node.operations.backup.manifest import (
    DATABASE,
    FILE,
    Manifest,
    Read,
    check_files,
    read_manifest,
)
from fedsafe_node.operations.offline_inspect import unsealing_of, verify_reader
from fedsafe_node.operations.restore.key_check import may_lack
from fedsafe_node.store.address import store_at
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_node.store.sealed_files import SealedFiles, key_names, key_of_seal
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Checked:
    """A backup whose files are whole; `verified` where the keys were there."""

    manifest: Manifest
    digest: str
    verified: VerifyAnswer | None


def check_backup(
    directory: Path, keys: Place | None, read: Read = lambda _: None
) -> Checked:
    """Check a backup, with the keys that lie in the directory of its node.

    Raises:
        BackupRefusedError: it is no backup, or another node's.
        BackupBrokenError: a file is not as it was made.
        NodeError: a key or node.toml cannot be read.
    """
    manifest, digest = read_manifest(directory)
    if keys is not None:
        _check_whose(directory, manifest, keys)
    check_files(directory, manifest, read)
    verified = None
    if keys is not None:
        verified = verify_copy(directory, manifest, keys)
    return Checked(manifest, digest, verified)


def _check_whose(directory: Path, manifest: Manifest, keys: Place) -> None:
    """Refuse another node's keys, to which every backup looks changed."""
    if not keys.config.exists():
        return  # the keys alone, put back
    name = load_config(keys).name
    if name != manifest.node:
        raise BackupRefusedError(
            Phrase(
                "{directory} is a backup of {node}, and {other} is the "
                "directory of another node, {name}"
            ).filled(
                directory=directory, node=manifest.node, other=keys.directory, name=name
            ),
            Phrase(
                "name the directory of {node} with --config, or leave "
                "--config out: then the files alone are checked"
            ).filled(node=manifest.node),
        )


def verify_copy(directory: Path, manifest: Manifest, keys: Place) -> VerifyAnswer:
    """Verify manifest, logs and tables of the store in a backup.

    Raises:
        BackupRefusedError: there is no key to verify it with.
        BackupBrokenError: the node with these keys has not written the manifest.
        NodeError: a key or the guard of the backup cannot be read.
        StoreFailedError: it is no store.
    """
    key = key_of_seal(keys)
    if key is None:
        raise BackupRefusedError(
            Phrase("{directory} holds no key of the seal").filled(
                directory=keys.directory
            ),
            Phrase("name the node's directory"),
        )
    if not manifest.is_sealed(key):
        why = "it was not written by the node with these keys"
        raise BackupBrokenError([BadPart(FILE, why)])
    kept = read_kept(Place(directory).guard)
    marks = {log: each.size for log, each in kept.items()}
    around = SealedFiles(keys, marks)

    async def query(reader: Reader) -> VerifyAnswer:
        until = await _until(reader, kept)
        return await verify_reader(reader, until, manifest.node, around)

    where = store_at(directory / DATABASE, None)
    found = examine_store(where, query, unsealing_of(keys.periods))
    here = set(key_names(keys.keys))
    tables = [each for each in found.tables if not _is_destroyed(each, here)]
    ok = all(each.ok for each in found.logs) and all(each.ok for each in tables)
    return msgspec.structs.replace(found, ok=ok, tables=tables)


async def _until(
    reader: Reader, kept: Mapping[LogName, Kept]
) -> Mapping[LogName, Kept]:
    """Leave out what the guard has kept since the store was copied."""
    return {
        log: each
        for log, each in kept.items()
        if each.size <= await reader.log_size(log)
    }


def _is_destroyed(table: TableCheck, here: Collection[str]) -> bool:
    name = table.first_bad or ""
    is_gone = table.table == "keys" and table.damage == "incomplete"
    return is_gone and may_lack(name, here)
