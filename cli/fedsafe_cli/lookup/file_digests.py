# SPDX-License-Identifier: Apache-2.0
"""A file and its digests, read safely on this machine.

Its name is all that is believed of it: links are followed only where a person named
them, pipes and devices are never waited for, a file has at most so many bytes, and what
a decoder makes of a picture has the limits of `fedsafe_federation.media.pictures`. How
long a decoder may take is for `hash_workers` to see to.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from io import BufferedReader
from typing import BinaryIO, Final

from fedsafe_cli.terminal.inputs import Fault
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_HEAD: Final = 128
_BMP_HEADERS: Final = frozenset({12, 40, 52, 56, 64, 108, 124})


@dataclass(frozen=True, slots=True)
class Within:
    """Where a file was found: names below a folder that somebody named.

    `folder` tells that folder from any other (device and number), and `names` end with
    the file's own.
    """

    top: str
    folder: tuple[int, int]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file by its path; one that was found in a folder is opened from there.

    A `fault` says why what is there is not read at all.
    """

    path: str
    within: Within | None = None
    fault: Fault | None = None

    def named(self) -> dict[str, object]:
        """Name it as programs read it, exactly, whatever letters it has."""
        shown = printable(self.path)
        if shown == self.path:
            return {"file": shown}
        return {"file": shown, "file_hex": os.fsencode(self.path).hex()}


FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def identity_of(descriptor: int) -> tuple[int, int]:
    """Tell what is open from any other file or folder."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def open_below(top: int, names: Sequence[str], flags: int) -> int:
    """Open what lies below a folder, one name after the other, through no link.

    A path would be looked up whole, and any folder on the way may by now be a link.

    Raises:
        OSError: it is not there, may not be opened, or a link is on the way.
    """
    folder = os.dup(top)
    try:
        for name in names[:-1]:
            inner = os.open(name, FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(names[-1], flags | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


@dataclass(frozen=True, slots=True)
class FileDigests:
    """What a file hashes to, by kind; `turned` are all eight PDQ digests.

    With a `fault` there is nothing else. `picture` says why a picture could not be
    hashed by what it looks like; its exact digests are there all the same. `quality`
    is how much there is to see, from 0 to 100.
    """

    ref: FileRef
    size: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    turned: str | None = None
    fault: Fault | None = None
    picture: Fault | None = None
    quality: int | None = None
    mark: str | None = None
    """Names the file as it lies there: unchanged at the same place it is the same."""

    def questions(self) -> tuple[dict[str, str], ...]:
        """Ask about every digest, and about a picture in all orientations."""
        values = self.digests | ({"pdq": self.turned} if self.turned else {})
        return tuple({"kind": kind, "value": value} for kind, value in values.items())


class PictureError(Exception):
    """A file looks like a picture, and pictures are not decoded here."""


class FileFaultError(Exception):
    """A file cannot be hashed; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault.detail))
        self.fault = fault


def digests_of(path: str) -> tuple[int, dict[str, str]]:
    """Return a file's size and its digests by kind; PDQ only of a usable picture.

    Raises:
        FileFaultError: it is no regular file, or cannot be read.
    """
    found = digest_file(FileRef(path))
    if found.fault is not None:
        raise FileFaultError(found.fault)
    return found.size, found.digests


def digest_file(
    ref: FileRef,
    *,
    most_bytes: int | None = None,
    before_decoding: Callable[[FileDigests], None] | None = None,
    decode: bool = True,
) -> FileDigests:
    """Hash a file; whatever is wrong with it is its `fault`.

    Args:
        ref: The file.
        most_bytes: The largest file that is read, however large it says that it is.
        before_decoding: Called with the digests of the bytes of a picture, before it
            is decoded.
        decode: Whether pictures are decoded here.

    Raises:
        PictureError: It looks like a picture, and is not to be decoded here.
    """
    from fedsafe_federation.media.digests import digest_stream  # noqa: PLC0415 (slow to load)

    if ref.fault is not None:
        return FileDigests(ref, fault=ref.fault)
    try:
        file = _open(ref)
        if isinstance(file, Fault):
            return FileDigests(ref, fault=file)
        with file:
            check = _bound(most_bytes)
            check(os.fstat(file.fileno()).st_size)
            head = file.read(_HEAD)
            is_picture = _looks_like_picture(head)
            if is_picture and not decode:
                raise PictureError
            file.seek(0)
            digests = digest_stream(file, progress=check)
            values = {
                kind.name.lower(): digest.hex()
                for kind, digest in digests.by_kind().items()
            }
            found = FileDigests(ref, digests.size, values, mark=_mark(file, ref))
            if not is_picture:
                other = _UNKNOWN if _is_other_picture(head, ref.path) else None
                return replace(found, picture=other)
            if before_decoding is not None:
                before_decoding(found)
            return _with_picture(found, file)
    except FileFaultError as error:
        return FileDigests(ref, fault=error.fault)
    except OSError as error:
        return FileDigests(ref, fault=fault_of(error, found=ref.within is not None))


def fault_of(error: OSError, *, found: bool) -> Fault:
    """Say why a file or folder cannot be opened; *found* ones are no links."""
    if found and error.errno in (errno.ELOOP, errno.ENOTDIR):
        return REPLACED
    return Fault("unreadable", reason_of(error))


def _bound(most: int | None) -> Callable[[int], None]:
    """Make what ends the work on a file of more bytes: one that grows, too."""

    def check(size: int) -> None:
        if most is not None and size > most:
            detail = Phrase(
                "it has more than {most} bytes: not read; name it alone, with a larger "
                "--max-size"
            )
            raise FileFaultError(Fault("file_too_large", detail.filled(most=most)))

    return check


def _mark(file: BufferedReader, ref: FileRef) -> str:
    # Neither its name nor what is in it: the mark stands in the node's log.
    status = os.fstat(file.fileno())
    parts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    text = os.fsencode(os.path.realpath(ref.path)) + repr(parts).encode()
    return blake2b(text, digest_size=12, person=b"fedsafe match").hexdigest()


def _open(ref: FileRef) -> BufferedReader | Fault:
    if "\0" in ref.path:
        return Fault("unreadable", Phrase("a NUL byte is in the name"))
    # Without NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    if ref.within is None:
        descriptor = os.open(ref.path, flags)
    else:
        top = os.open(ref.within.top, FOLDER)
        try:
            if identity_of(top) != ref.within.folder:
                return REPLACED
            descriptor = open_below(top, ref.within.names, flags)
        finally:
            os.close(top)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    is_folder = stat.S_ISDIR(mode)
    told = Phrase("is a directory") if is_folder else Phrase("is no regular file")
    return Fault("no_file", told)


def _with_picture(of_bytes: FileDigests, file: BinaryIO) -> FileDigests:
    """Add what the picture in a file looks like."""
    from fedsafe_federation.errors import MediaError  # noqa: PLC0415 (slow)
    from fedsafe_federation.media.pdq import USABLE_QUALITY  # noqa: PLC0415
    from fedsafe_federation.media.pictures import picture_turned  # noqa: PLC0415

    try:
        found = picture_turned(file)
    except MediaError as error:
        # A file that no decoder reads whole still has its exact digests.
        fault = Fault(error.code.value, error.phrase or str(error))
        return replace(of_bytes, picture=fault)
    original = found.original
    if not original.usable:
        why = Phrase("its quality is {quality}, below {least}").filled(
            quality=original.quality, least=USABLE_QUALITY
        )
        fault = Fault(PLAIN, why)
        return replace(of_bytes, quality=original.quality, picture=fault)
    return replace(
        of_bytes,
        digests=of_bytes.digests | {"pdq": original.hex},
        turned=found.hex,
        quality=original.quality,
    )


def _looks_like_picture(head: bytes) -> bool:
    """Spare Pillow and numpy for files that are plainly something else."""
    if head.startswith(b"BM"):
        return int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    return (
        head.startswith(_MAGIC)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or not _brands(head).isdisjoint(_AVIF)
    )


def _brands(head: bytes) -> set[bytes]:
    """Give the brands of a file in boxes, the major and the compatible ones.

    Any may say that it is a picture (ISO/IEC 14496-12, 4.3), whichever comes first.
    """
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


def _is_other_picture(head: bytes, path: str) -> bool:
    """Tell a picture of a form that is not read here, by its start or its name."""
    return (
        head.startswith(_OTHER_MAGIC)
        or not _brands(head).isdisjoint(_HEIF)
        or _NETPBM.match(head) is not None
        or os.path.splitext(path)[1].lower() in _OTHER_NAMES  # noqa: PTH122 (slow)
    )


REPLACED: Final = Fault(
    "replaced",
    Phrase("it, or a folder above it, was replaced meanwhile: not read; run again"),
)
PLAIN: Final = "picture_quality_low"
"""The fault of a picture with too little to see, such as an empty or dark one."""
_UNKNOWN: Final = Fault(
    "picture_format_unknown", Phrase("a picture of a form that is not read here")
)
_MAGIC: Final = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"II*\0",
    b"MM\0*",
)
_OTHER_MAGIC: Final = (
    b"\0\0\0\x0cjP  ",  # JPEG 2000, and its stream alone
    b"\xff\x4f\xff\x51",
    b"\0\0\0\x0cJXL ",
    b"8BPS",
    b"II\xbc\x01",
    b"\x76\x2f\x31\x01",
    b"qoif",
    b"II+\0",
    b"MM\0+",
)
_AVIF: Final = frozenset({b"avif", b"avis", b"mif1", b"miaf", b"MA1A", b"MA1B"})
_HEIF: Final = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"msf1", b"avio"}
)
_NETPBM: Final = re.compile(rb"P[1-6]\s+[#0-9]|P7\n[#WHDMT]|P[Ff]\n[0-9]")
_OTHER_NAMES: Final = frozenset(
    {".heic", ".heif", ".ico", ".j2k", ".jp2", ".jpf"}
    | {".jxl", ".jxr", ".psd", ".svg", ".tga", ".wdp"}
)
