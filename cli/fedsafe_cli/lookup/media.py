# SPDX-License-Identifier: Apache-2.0
"""`fedsafe hash` and `fedsafe match`: files, read here and never sent.

Only digests leave this process. All digests of a file are one lookup, so a file
has one verdict, whichever of them a signal holds.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from io import BufferedReader
from typing import BinaryIO, Final

import click

from fedsafe_cli.lookup.lookup_client import Outcome, Refusal, Terms, ask_all
from fedsafe_cli.lookup.verdicts import Form, show_all
from fedsafe_cli.terminal.errors import CliError
from fedsafe_cli.terminal.exit_codes import ExitStatus, worst
from fedsafe_cli.terminal.findings import surface_option
from fedsafe_cli.terminal.inputs import Account, Fault
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.vocabulary import Purpose

Digests = dict[str, str]
"""Digests in hexadecimal by kind."""


class FileFaultError(Exception):
    """A file cannot be hashed; carries the fault."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(code, detail)


@click.command("hash")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@shared_options
@click.pass_context
def hash_files(context: click.Context, files: tuple[str, ...]) -> ExitStatus:
    """Print the digests of files.

    SHA-256, SHA-1, MD5 and BLAKE3 of the bytes, and PDQ of what a picture looks
    like. Files are read in a stream on this machine and sent nowhere.

    \b
    Examples:
      fedsafe hash upload.jpg
      fedsafe hash --json *.jpg
    """  # noqa: D301
    as_json = settings_of(context).json
    statuses: list[ExitStatus] = []
    entries: list[dict[str, object]] = []
    for path in files:
        name = printable(path)
        try:
            size, digests = digests_of(path)
        except FileFaultError as error:
            statuses.append(ExitStatus.BAD_INPUT)
            entries.append({"file": name, "problem": error.fault.document()})
            if not as_json:
                note(f"fedsafe: error: {name}: {error.fault.detail}")
            continue
        entries.append({"file": name, "size": size, **digests})
        if not as_json:
            for kind, digest in digests.items():
                line(f"{kind}:{digest}  {name}")
    if as_json:
        document({"files": entries})
    return worst(statuses)


@click.command("match")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@surface_option(required=True)
@shared_options
@click.pass_context
def match_files(
    context: click.Context, files: tuple[str, ...], surface: str
) -> ExitStatus:
    """Ask whether files are known abuse media.

    A file matches by any of its digests; an altered picture matches by PDQ up
    to a distance of 31 bits. A match is a reason to review, never a verdict.

    Say where the files are met: private messages may be matched only while the
    legal calendar holds a basis, and the node refuses them otherwise.

    \b
    Examples:
      fedsafe match --surface public_content upload.jpg
      fedsafe match --surface hosted_private --json uploads/*

    Exit status as for `fedsafe lookup`.
    """  # noqa: D301
    settings = settings_of(context)
    client = settings.client()
    terms = Terms(purpose=Purpose.MEDIA_MATCHING.value, surface=surface)
    form = Form(json=settings.json, german=settings.german)
    outcomes = ask_all(client, map(_account, files), terms)
    return show_all(_named(files, outcomes), form)


def _named(
    files: Sequence[str], outcomes: Iterator[Outcome]
) -> Iterator[tuple[str, Outcome]]:
    told = 0
    try:
        for outcome in outcomes:
            yield printable(files[told]), outcome
            told += 1
    except CliError as error:
        # The files that are left have no answer, and each says so.
        for path in files[told:]:
            refusal = Refusal(Fault(error.code, str(error)), error.status, ended=True)
            yield printable(path), refusal
        raise


def _account(path: str) -> Account | Fault:
    try:
        size, digests = digests_of(path)
    except FileFaultError as error:
        return error.fault
    if size == 0:
        return Fault("empty", "the file is empty")
    return Account(
        tuple({"kind": kind, "value": digest} for kind, digest in digests.items())
    )


def digests_of(path: str) -> tuple[int, Digests]:
    """Return a file's size and its digests; PDQ only of a usable picture.

    Raises:
        FileFaultError: it is no regular file, or cannot be read.
    """
    from fedsafe_federation.media.digests import digest_stream  # noqa: PLC0415 (slow to load)

    try:
        with _open(path) as file:
            digests = digest_stream(file)
            found = {
                kind.name.lower(): digest.hex()
                for kind, digest in digests.by_kind().items()
            }
            found |= _pdq(file)
    except OSError as error:
        raise FileFaultError("unreadable", error.strerror or "unreadable") from None
    return digests.size, found


def _open(path: str) -> BufferedReader:
    if "\0" in path:
        raise FileFaultError("unreadable", "a NUL byte is in the name")
    # Without NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    what = "a directory" if stat.S_ISDIR(mode) else "no regular file"
    raise FileFaultError("no_file", f"is {what}")


def _pdq(file: BinaryIO) -> Digests:
    file.seek(0)
    if not _looks_like_picture(file.read(16)):
        return {}
    from fedsafe_federation.errors import MediaError  # noqa: PLC0415 (slow to load)
    from fedsafe_federation.media.pictures import picture_pdq  # noqa: PLC0415

    try:
        picture = picture_pdq(file)
    except MediaError:
        # A file that no decoder reads whole still has its exact digests.
        return {}
    return {"pdq": picture.hex} if picture.usable else {}


def _looks_like_picture(head: bytes) -> bool:
    """Spare Pillow and numpy for files that are plainly something else."""
    return (
        head.startswith(_MAGIC)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or head[4:12] in {b"ftypavif", b"ftypavis", b"ftypmif1"}
    )


_MAGIC: Final = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"BM",
    b"II*\0",
    b"MM\0*",
)
