# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit tiles`: a whole log as files that other programs read."""

import json
import os
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from fedsafe_cli.audit.export import receive
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import (
    BrokenAnswerError,
    SettingsError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import field
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from fedsafe_crypto.tlog.note import VerifierKey

_TARGET: Final = "/v1/audit/tiles"
_CARD: Final = "/v1/card"
_MOST_BYTES: Final = 256 * (2 + 65_535)  # a bundle of the longest entries
_LOGS: Final = ("audit", "feed", "anchor")


@click.command("tiles", cls=SpokenCommand)
@click.argument("directory", metavar="DIR")
@click.option("--log", type=click.Choice(_LOGS), default="audit", help="Log to write.")
@shared_options
@click.pass_context
def tiles(context: click.Context, directory: str, log: str) -> ExitStatus:
    """Write a whole log as C2SP tiles to a new directory, without openings.

    Checkpoint, tiles and entry bundles follow c2sp.org/tlog-tiles, for any program that
    reads such logs. Pruned entries have hashes but no bundles: `minimum` is the first
    entry that has one. Everything is verified against the key on the node's card before
    DIR is created.

    \b
    Examples:
      fedsafe audit tiles audit-log
      fedsafe audit tiles --log feed feed-log
    """  # noqa: D301
    settings = settings_of(context)
    if os.path.lexists(directory):
        hint = Phrase("name a new directory")
        raise SettingsError(
            Phrase("{directory} exists already").filled(directory=printable(directory)),
            hint,
        )
    told = _fetch(personal(settings), log, directory)
    if settings.json:
        document(told)
    else:
        pairs([(field(name, settings), each) for name, each in told.items()], indent="")
    return OK


def _fetch(client: Client, log: str, directory: str) -> dict[str, object]:
    """Write the files beside their place, verify them, then give them their name."""
    key = _key_of(client, log)
    target, draft = Path(directory), None
    try:
        parent, name = target.absolute().parent, target.name
        draft = Path(tempfile.mkdtemp(prefix=f"{name}.", suffix=".part", dir=parent))
        with tempfile.TemporaryFile(dir=draft) as archive:
            receive(client, f"{_TARGET}?log={log}", archive.write)
            archive.seek(0)
            told = _unpack(archive, draft, key)
        for folder in (draft, *(each for each in draft.rglob("*") if each.is_dir())):
            _sync(folder)
        target.mkdir(mode=0o700)  # fails if it is there by now, whoever made it
        try:
            draft.rename(target)
        except OSError:
            target.rmdir()
            raise
        _sync(parent)
    except OSError as error:
        raise SettingsError(
            Phrase("{directory}: {why}").filled(
                directory=printable(directory), why=reason_of(error)
            )
        ) from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)  # gone if all went well
    return {"directory": directory, **told}


def _key_of(client: Client, log: str) -> "VerifierKey":
    """Give the key of one of the node's logs, from the card that it has signed."""
    from fedsafe_crypto.tlog.note import VerifierKey  # noqa: PLC0415 (slow to load)
    from fedsafe_federation.charter.card import open_card  # noqa: PLC0415
    from fedsafe_federation.errors import FederationError  # noqa: PLC0415
    from fedsafe_federation.wire.signed import Signed  # noqa: PLC0415
    from fedsafe_federation.wire.wireformat import decode  # noqa: PLC0415

    try:
        card = open_card(decode(json.dumps(client.get(_CARD)).encode(), Signed))
    except FederationError:
        raise BrokenAnswerError(Phrase("the node's answer holds no card")) from None
    public = card.keys.feed if log == "feed" else card.keys.audit
    return VerifierKey.of(f"{card.name}/{log}", public)


def _unpack(archive: IO[bytes], draft: Path, key: "VerifierKey") -> dict[str, object]:
    from fedsafe_crypto.errors import CryptoError  # noqa: PLC0415
    from fedsafe_crypto.tlog.checkpoint import open_checkpoint  # noqa: PLC0415
    from fedsafe_crypto.tlog.tile_files import CHECKPOINT, verify_files  # noqa: PLC0415

    try:
        with tarfile.open(fileobj=archive, mode="r:") as opened:
            files = _Files(opened, draft)
            checkpoint = open_checkpoint(files.take(CHECKPOINT), key)
            minimum = _take_tiles(files, checkpoint.size)
        verify_files(
            checkpoint, lambda name: (draft / name).read_bytes(), minimum=minimum
        )
    except (CryptoError, tarfile.TarError) as error:
        raise BrokenAnswerError(
            Phrase("the tiles do not verify: {why}").filled(why=error),
            Phrase("see `fedsafe audit verify`"),
        ) from None
    return {
        "log": checkpoint.origin,
        "entries": checkpoint.size,
        "minimum": minimum,
        "files": files.count,
        "root": checkpoint.root.hex(),
    }


def _take_tiles(files: "_Files", size: int) -> int:
    """Take all files of a log; return the index of the first entry that is there.

    Only the names that a log of this size has: nothing escapes, or is extra. What was
    pruned is a run of whole bundles at the beginning.
    """
    from fedsafe_crypto.tlog.tiles import TILE_WIDTH, tiles  # noqa: PLC0415 (slow to load)

    minimum = 0
    for tile in tiles(size):
        files.take(tile.path)
        if tile.level > 0:
            continue
        start = tile.index * TILE_WIDTH
        is_first = start == minimum and not tile.partial
        if is_first and not files.has(tile.entries_path):
            minimum = start + TILE_WIDTH
        else:
            files.take(tile.entries_path)
    files.end()
    return minimum


class _Files:
    """The files of the answer, one after the other; each that is taken is written."""

    def __init__(self, archive: tarfile.TarFile, draft: Path) -> None:
        self._archive = archive
        self._draft = draft
        self._next = archive.next()
        self.count = 0

    def has(self, name: str) -> bool:
        """Whether this one comes next."""
        return self._next is not None and self._next.name == name

    def take(self, name: str) -> bytes:
        """Take the next file, which must be this one."""
        member = self._next
        content = self._archive.extractfile(member) if member is not None else None
        if member is None or not self.has(name) or content is None:
            raise BrokenAnswerError(
                Phrase("the node's answer lacks {name}").filled(name=name)
            )
        if member.size > _MOST_BYTES:
            raise BrokenAnswerError(
                Phrase("the node's answer has too large a {name}").filled(name=name)
            )
        data, path = content.read(), self._draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
        self._next = self._archive.next()
        self.count += 1
        return data

    def end(self) -> None:
        """Check that no file is left."""
        if self._next is not None:
            raise BrokenAnswerError(Phrase("the node's answer has too many files"))


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Let the names in a directory survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
