# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit tiles`: a whole log as files that other programs read."""

import os
import shutil
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import click

from fedsafe_cli.audit_export import receive
from fedsafe_cli.client import Client
from fedsafe_cli.errors import BrokenAnswerError, SettingsError
from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, pairs
from fedsafe_cli.sessions import personal
from fedsafe_cli.settings import printable

_TARGET: Final = "/v1/audit/tiles"
_LOGS: Final = ("audit", "feed", "anchor")


@click.command("tiles")
@click.argument("directory", metavar="DIR")
@click.option("--log", type=click.Choice(_LOGS), default="audit", help="Which log.")
@shared_options
@click.pass_context
def tiles(context: click.Context, directory: str, log: str) -> ExitStatus:
    """Write a whole log as C2SP tiles into a new directory: no openings.

    Checkpoint, tiles and entry bundles lie as c2sp.org/tlog-tiles says, for any
    program that reads such logs. They are verified before DIR is there.

    \b
    Examples:
      fedsafe audit tiles audit-log
      fedsafe audit tiles --log feed feed-log
    """  # noqa: D301
    settings = settings_of(context)
    if os.path.lexists(directory):
        raise SettingsError(f"{printable(directory)} exists already")
    told = _fetch(personal(settings), f"{_TARGET}?log={log}", directory)
    if settings.json:
        document(told)
    else:
        pairs(list(told.items()), indent="")
    return OK


def _fetch(client: Client, target: str, directory: str) -> dict[str, object]:
    """Write the files beside their place, verify them, then give them their name."""
    draft = Path(f"{directory}.{os.getpid()}.part")
    try:
        draft.mkdir(mode=0o700)
        with tempfile.TemporaryFile(dir=draft) as archive:
            receive(client, target, archive.write)
            archive.seek(0)
            told = _unpack(archive, draft)
        draft.rename(directory)
    except OSError as error:
        raise SettingsError(f"{printable(directory)}: {error.strerror}") from None
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(draft)
    return {"directory": directory, **told}


def _unpack(archive: IO[bytes], draft: Path) -> dict[str, object]:
    from fedsafe_crypto.checkpoint import Checkpoint  # noqa: PLC0415 (slow to load)
    from fedsafe_crypto.errors import CryptoError  # noqa: PLC0415
    from fedsafe_crypto.tiled import (  # noqa: PLC0415
        CHECKPOINT,
        file_names,
        verify_files,
    )

    try:
        with tarfile.open(fileobj=archive, mode="r:") as files:
            note = _next(files, CHECKPOINT)
            text = note.decode().rpartition("\n\n")[0]
            checkpoint = Checkpoint.parse(f"{text}\n")
            (draft / CHECKPOINT).write_bytes(note)
            # Only the names that a log of this size has: nothing escapes, or is extra.
            names = list(file_names(checkpoint.size))
            for name in names[1:]:
                path = draft / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_next(files, name))
            if files.next() is not None:
                raise BrokenAnswerError("the node's answer has too many files")
        verify_files(checkpoint, lambda name: (draft / name).read_bytes())
    except (CryptoError, tarfile.TarError, UnicodeDecodeError) as error:
        raise BrokenAnswerError(
            f"the tiles do not verify: {error}", "see `fedsafe audit verify`"
        ) from None
    return {
        "log": checkpoint.origin,
        "entries": checkpoint.size,
        "files": len(names),
        "root": checkpoint.root.hex(),
    }


def _next(files: tarfile.TarFile, name: str) -> bytes:
    member = files.next()
    content = files.extractfile(member) if member is not None else None
    if member is None or member.name != name or content is None:
        raise BrokenAnswerError(f"the node's answer lacks {name}")
    return content.read()
