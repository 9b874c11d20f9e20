# SPDX-License-Identifier: Apache-2.0
"""What a backup holds: `manifest.json`, with size and digest of each file."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_node.acts.backup import Digest
from fedsafe_node.operations.backup.errors import (
    BackupBrokenError,
    BackupRefusedError,
    BadPart,
)
from fedsafe_node.store.sealed_parts import SealKey
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

FILE: Final = "manifest.json"
DATABASE: Final = "store.db"
_SEALED: Final = "backup/manifest.json"
_CHUNK: Final = 1 << 20
_LARGEST: Final = 16 << 20
Read = Callable[[int], None]
"""Is told how many bytes more were read."""


class FilePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file: its bytes and their SHA-256 in hexadecimal."""

    size: Annotated[int, msgspec.Meta(ge=0)]
    sha256: Digest


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose backup it is and of when, how far the logs had come, and which files.

    `keys` is the file that went apart, as it was sealed. `seal` is a digest of all the
    rest under the node's own key: nobody else writes another manifest.
    """

    format: Literal[1]
    node: str
    at: str
    program: str
    schema: int
    logs: dict[str, int]
    files: dict[str, FilePart]
    keys: FilePart | None = None
    seal: Digest | None = None

    def sealed(self, key: SealKey) -> "Manifest":
        """Seal it."""
        content = msgspec.structs.replace(self, seal=None).encode()
        seal = key.file_digest(_SEALED, content).hex()
        return msgspec.structs.replace(self, seal=seal)

    def is_sealed(self, key: SealKey) -> bool:
        """Tell whether the node with this key has written it."""
        own = self.sealed(key).seal
        return compare_digest(self.seal or "", own or "-")

    @property
    def size(self) -> int:
        """How many bytes all files have together."""
        return sum(part.size for part in self.files.values())

    def encode(self) -> bytes:
        """Write it as it lies in the backup."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def digest_of(manifest: bytes) -> str:
    """Name a backup by its manifest; the audit event of it says the same."""
    return hashlib.sha256(manifest).hexdigest()


def part_of(path: Path, read: Read = lambda _: None) -> FilePart:
    """Measure a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            read(len(chunk))
    return FilePart(size, digest.hexdigest())


def part_of_bytes(content: bytes) -> FilePart:
    """Measure what is in memory."""
    return FilePart(len(content), hashlib.sha256(content).hexdigest())


def read_manifest(directory: Path) -> tuple[Manifest, str]:
    """Read what a backup holds, and its name.

    Raises:
        BackupRefusedError: the directory holds no backup of this version.
    """
    path = directory / FILE
    try:
        if path.stat().st_size > _LARGEST:
            raise BackupRefusedError(
                Phrase("{path} is no manifest of a backup").filled(path=path)
            )
        content = path.read_bytes()
        manifest = msgspec.json.decode(content, type=Manifest)
    except OSError as error:
        raise BackupRefusedError(
            Phrase("{path}: {why}").filled(path=path, why=reason_of(error)),
            Phrase("name a directory that `fedsafe backup` has made"),
        ) from None
    except ValueError:
        raise BackupRefusedError(
            Phrase("{path} is no manifest of a backup that this program knows").filled(
                path=path
            ),
            Phrase("use the program that made the backup, or a newer one"),
        ) from None
    if DATABASE not in manifest.files:
        raise BackupRefusedError(Phrase("{path} names no store").filled(path=path))
    for name in manifest.files:
        parts = Path(name).parts
        if Path(name).is_absolute() or ".." in parts:
            raise BackupRefusedError(
                Phrase("{path} names a file that is not in the backup").filled(
                    path=path
                )
            )
        # A key that others know, or what SQLite would play into the store.
        beside = name != DATABASE and parts[:1] != () and parts[0].startswith(DATABASE)
        if beside or parts[:1] in {(), ("keys",), ("restore.json",)}:
            raise BackupRefusedError(
                Phrase("{path} names a file that no backup holds").filled(path=path)
            )
    return manifest, digest_of(content)


def check_files(
    directory: Path, manifest: Manifest, read: Read = lambda _: None
) -> None:
    """Compare all files of a backup with its manifest.

    Raises:
        BackupBrokenError: names those that are not as they were made.
    """
    bad = list(_bad_files(directory, manifest.files, read))
    known = {FILE, *manifest.files}
    found = (path for path in sorted(directory.rglob("*")) if not path.is_dir())
    names = (str(path.relative_to(directory)) for path in found)
    bad += [
        BadPart(name, Phrase("it was added")) for name in names if name not in known
    ]
    if bad:
        raise BackupBrokenError(bad)


def _bad_files(
    directory: Path, files: Mapping[str, FilePart], read: Read
) -> Iterator[BadPart]:
    for name, part in files.items():
        path = directory / name
        if path.is_symlink() or not path.is_file():
            yield BadPart(name, Phrase("it is gone"), is_missing=True)
            continue
        try:
            found = part_of(path, read)
        except OSError as error:
            yield BadPart(name, error.strerror or "it cannot be read")
            continue
        if found.size < part.size:
            yield BadPart(
                name,
                Phrase("{saved} bytes were saved, {found} are here").filled(
                    saved=part.size, found=found.size
                ),
            )
        elif found != part:
            yield BadPart(name, Phrase("it was changed"))
