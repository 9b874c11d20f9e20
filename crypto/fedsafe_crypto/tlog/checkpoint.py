# SPDX-License-Identifier: Apache-2.0
"""C2SP checkpoints (c2sp.org/tlog-checkpoint): a log's size and root in a note.

The text has a line each for origin, size and root, then extension lines, of which
we write none. A log signs under its origin as the key name.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from fedsafe_crypto.errors import MalformedCheckpointError, SignatureError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import VerifierKey, decode_base64, open_note, sign_note
from fedsafe_crypto.tlog.tree import HASH_BYTES, MAX_SIZE

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LINE: Final = re.compile(r"[^\x00-\x1f\ud800-\udfff]+")
_FIXED_LINES: Final = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says it holds.

    Raises:
        MalformedCheckpointError: A part that no checkpoint can carry.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be written and read again."""
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise MalformedCheckpointError("no size or root of a tree")
        if not all(map(_LINE.fullmatch, (self.origin, *self.extensions))):
            raise MalformedCheckpointError("a line that is empty or not printable")

    def encode(self) -> str:
        """Write the text that is signed."""
        root = b64encode(self.root).decode()
        lines = (self.origin, str(self.size), root, *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of a note whose signature has been verified.

        Raises:
            MalformedCheckpointError: It is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) <= _FIXED_LINES or lines.pop():
            raise MalformedCheckpointError("no three lines")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise MalformedCheckpointError("no size of a tree")
        try:
            decoded = decode_base64(root)
        except ValueError:
            raise MalformedCheckpointError("no root of a tree") from None
        return cls(origin, int(size), decoded, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Sign a checkpoint as the log of its origin.

    Raises:
        MalformedKeyError: The origin is no acceptable name of a key.
    """
    return sign_note(checkpoint.encode(), checkpoint.origin, key)


def open_checkpoint(note: bytes, verifier: VerifierKey) -> Checkpoint:
    """Verify a log's checkpoint; the key's name is the origin that is expected.

    Raises:
        MalformedNoteError: It is no signed note.
        MalformedCheckpointError: The note is no checkpoint.
        SignatureError: The log did not sign it, or it is another log's.
    """
    checkpoint = Checkpoint.parse(open_note(note, [verifier]).text)
    if checkpoint.origin != verifier.name:
        raise SignatureError("checkpoint of another origin")
    return checkpoint
