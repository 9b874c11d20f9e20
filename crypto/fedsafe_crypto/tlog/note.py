# SPDX-License-Identifier: Apache-2.0
r"""C2SP signed notes (c2sp.org/signed-note) with Ed25519 signatures, type 0x01.

Keys of cosigners (type 0x04) are named here as well; `cosignature.py` uses them.

A note is a text, an empty line and signature lines. Opening it gives the text only
after a known key's signature has been verified: signatures of unknown keys are
ignored, a bad one of a known key condemns the note. Low-order and non-canonical keys
are refused when a verifier key is read.

    signed = sign_note("hello\n", "a.example", key)
    opened = open_note(signed, [VerifierKey.of("a.example", key.public)])
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from fedsafe_crypto.errors import (
    MalformedKeyError,
    MalformedNoteError,
    SignatureError,
)
from fedsafe_crypto.primitives.identity import (
    SigningKey,
    check_public_key,
    verify_exactly,
)

ED25519: Final = 0x01
COSIGNER: Final = 0x04
KEY_ID_BYTES: Final = 4
MAX_NOTE_BYTES: Final = 1 << 20
MAX_SIGNATURES: Final = 64

_DASH: Final = "\N{EM DASH} "
_FIRST_PRINTABLE: Final = " "


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def _is_text(text: str) -> bool:
    return text.endswith("\n") and all(
        letter >= _FIRST_PRINTABLE or letter == "\n" for letter in text
    )


def decode_base64(text: str) -> bytes:
    """Decode the one standard encoding of some bytes.

    Raises:
        ValueError: It is another, or none.
    """
    decoded = b64decode(text, validate=True)
    # The bits beside the last byte must be zero, or one value had many spellings.
    if b64encode(decoded).decode() != text:
        raise ValueError("not canonical")
    return decoded


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signature counts: a name and a public key."""

    name: str
    key_id: bytes
    public: bytes
    kind: int = ED25519

    @classmethod
    def of(cls, name: str, public: bytes, kind: int = ED25519) -> Self:
        """Name a public key of a kind, `ED25519` or `COSIGNER`.

        Raises:
            MalformedKeyError: The name or the key is not acceptable.
        """
        check_public_key(public)
        try:
            encoded = name.encode()
        except UnicodeEncodeError:
            raise MalformedKeyError("no name of a key") from None
        if not _is_name(name) or not _is_text(name + "\n"):
            raise MalformedKeyError("no name of a key")
        digest = sha256(encoded + b"\n" + bytes([kind]) + public).digest()
        return cls(name, digest[:KEY_ID_BYTES], public, kind)

    @classmethod
    def parse(cls, vkey: str, kind: int = ED25519) -> Self:
        """Read a vkey, `name+hex(key ID)+base64(type ‖ public key)`.

        Raises:
            MalformedKeyError: It is none, or of another kind or no acceptable key.
        """
        # From the left: the base64 part may hold a plus sign, the name never.
        name, *rest = vkey.split("+", 2)
        if len(rest) != 2:  # noqa: PLR2004 - the two other parts
            raise MalformedKeyError("no verifier key")
        try:
            material = decode_base64(rest[1])
        except ValueError:
            raise MalformedKeyError("no verifier key") from None
        if material[:1] != bytes([kind]):
            raise MalformedKeyError("a verifier key of another kind")
        key = cls.of(name, material[1:], kind)
        if key.key_id.hex() != rest[0]:
            raise MalformedKeyError("verifier key with another key's id")
        return key

    def encode(self) -> str:
        """Write the vkey."""
        material = b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A text and those of the asked verifier keys that signed it."""

    text: str
    signers: tuple[VerifierKey, ...]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """A signature line of a note, not verified."""

    name: str
    key_id: bytes
    signature: bytes


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """Sign a text under a key's name.

    Raises:
        MalformedNoteError: The text does not end in a newline, or holds control
            characters or a lone surrogate.
        MalformedKeyError: The name is not acceptable.
    """
    verifier = VerifierKey.of(name, key.public)
    if not _is_text(text):
        raise MalformedNoteError("no text of a note")
    try:
        signature = key.sign_exactly(text.encode())
    except UnicodeEncodeError:
        raise MalformedNoteError("no text of a note") from None
    return f"{text}\n{signature_line(verifier, signature)}".encode()


def signature_line(verifier: VerifierKey, signature: bytes) -> str:
    """Write a signature as the line that a note ends with."""
    encoded = b64encode(verifier.key_id + signature).decode()
    return f"{_DASH}{verifier.name} {encoded}\n"


def open_note(note: bytes, verifiers: Iterable[VerifierKey]) -> OpenedNote:
    """Verify a note and give its text and who signed it.

    Raises:
        MalformedNoteError: It is no signed note, or larger than the limits.
        SignatureError: No known key signed it, or a known key's signature is bad.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in verifiers}
    message, signers = text.encode(), dict[VerifierKey, None]()
    for signature in signatures:
        key = known.get((signature.name, signature.key_id))
        if key is not None:
            verify_exactly(key.public, message, signature.signature)
            signers[key] = None
    if not signers:
        raise SignatureError("no known key signed the note")
    return OpenedNote(text, tuple(signers))


def split_note(note: bytes) -> tuple[str, list[NoteSignature]]:
    """Split a note into its text and its signatures, of which none is verified.

    Raises:
        MalformedNoteError: It is no signed note, or larger than the limits.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise MalformedNoteError("note too large")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise MalformedNoteError("note is not UTF-8") from None
    head, separator, tail = whole.rpartition("\n\n")
    if not separator or not tail or not _is_text(whole):
        raise MalformedNoteError("note without signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNoteError("note with too many signatures")
    return head + "\n", [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        decoded = decode_base64(encoded)
    except ValueError:
        decoded = b""
    if not line.startswith(_DASH) or not _is_name(name) or len(decoded) <= KEY_ID_BYTES:
        raise MalformedNoteError("malformed signature line")
    return NoteSignature(name, decoded[:KEY_ID_BYTES], decoded[KEY_ID_BYTES:])
