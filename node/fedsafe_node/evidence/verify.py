# SPDX-License-Identifier: Apache-2.0
r"""Verify a FedSafe evidence pack: Python 3.11 and the package `cryptography` suffice.

    python3 verify.py PACK.zip --trust FINGERPRINT [--trust FINGERPRINT]

Exit status: 0 the pack verifies and all that it claims is proved, 2 usage, or something
is missing on this machine, 20 it does not verify, 21 it verifies but what stands under
NOT PROVED is the node's own word, 22 it cannot be read.

A pack is a ZIP archive without compression whose every byte is fixed by names and
contents; `manifest.note` lists the SHA-256 of each file and is signed by the node's
audit key, as is the checkpoint of its log. Nothing is ever unpacked. So a node can
write a pack anew and sign it: what binds it is what is not in its own hands.

`--trust` takes what somebody else than the pack has told: the fingerprint of the node's
audit key, from its operator, or the SHA-256 of the charter, from another member. The
charter names the audit key of each member, so it alone says whose pack this is. Without
either a pack only shows that it has not changed since somebody signed it. One that is
neither in the pack nor its key's is refused.

Where other members of a federation have cosigned, the pack opens what they cosigned:
the node's anchor, each leaf of which commits to a checkpoint of its audit log. Every
opened leaf extends the one before, the pack's checkpoint extends the last, and none in
between is left out. So the node has, since the first leaf that is opened, committed to
one past only, before those members that are named; nothing is shown of leaves before
that one, nor when a leaf was added, but that the last one was there at the time that
each member names. The members saw commitments: no checkpoint, no entry. A node that
shows two anchors to two members is found out if enough of them are asked for
(`--witnesses`; a majority of the other members, or what the charter wants, unless
given). Whose keys count is in the charter, which all members have signed.

Each `policy_hash` of a record is the SHA-256 of a text in the pack, or is named as not
proved. That an opening is `erased`, that an entry left out is of another class, and
every time is the node's word.
"""

import argparse
import json
import re
import struct
import sys
from base64 import b64decode, b64encode
from binascii import crc32
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

OK, USAGE, TAMPERED, INCOMPLETE, UNREADABLE = 0, 2, 20, 21, 22

try:
    from datetime import UTC, datetime

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError as lacking:
    if __name__ != "__main__":
        raise
    sys.stderr.write(
        f"cannot verify / kann nicht prüfen: {lacking}\n"
        "It takes Python 3.11 and the package cryptography. Install it once, then use "
        "that Python:\n"
        "Nötig sind Python 3.11 und das Paket cryptography. Einmal einrichten, dann "
        "mit diesem Python prüfen:\n"
        "    python3 -m venv verify && verify/bin/pip install cryptography\n"
        "    verify/bin/python verify.py PACK.zip --trust FINGERPRINT\n"
        "Debian, Ubuntu: apt install python3-cryptography\n"
    )
    sys.exit(USAGE)

FORMAT = "fedsafe/evidence/1"
MANIFEST = "manifest.note"
MAX_FILES = 4_096
MAX_FILE_BYTES = 64 * 1024 * 1024
MOST_LINES = 256
_MOST_LINE = 4 * 1024 * 1024
_MOST_KEPT = 2 * 1024 * 1024
_MOST_MARKS = 250_000
_MOST_SIGNATURES = 256
_MOST_FORMER = 64

_NAME = re.compile(
    r"README\.(?:de|en)\.md|verify\.py|checkpoint"
    r"|(?:pack|keys|proof|charter|cosigned|policies)\.json"
    r"|policies/[0-9a-f]{64}\.toml|(?:anchors|entries)/[0-9]{12}\.ndjson"
    r"|manifest\.note",
    re.ASCII,
)
_NEEDED = (
    *("README.de.md", "README.en.md", "verify.py"),
    *("pack.json", "keys.json", "checkpoint", "proof.json", "policies.json", MANIFEST),
)
_COSIGNED = ("charter.json", "cosigned.json")
_USES = ("audit", "statement", "witness")
_OTHER_KEYS = ("feed", "witness", "statement", "transport", "sealing")
_KEPT = frozenset(_NEEDED + _COSIGNED)
_NODE = re.compile(r"[a-z0-9.-]{1,253}", re.ASCII)
_FEDERATION = re.compile(r"[a-z0-9.#-]{1,100}", re.ASCII)
_GROUP = re.compile(r"[a-z_]{1,32}", re.ASCII)
_POLICY = re.compile(r"[a-z][a-z0-9-]{0,31}@[0-9a-f]{8}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SOURCE = "source"
_DIGITS = 64
_FAR = 24 * 60 * 60
_TEXTS = {
    "README.de.md": frozenset(
        {
            "65b5712694efed54ba22363230dbcd670ff0665cc939361dce5c86693d157f73",
            "357f3e1f3e05b489f103fff4349dc821226a205989ec5678c1f1a5da3f6051c4",
            "3934ccacc2ff37869dc839489ca2fbd78622574d409023fa37e30720183bd384",
        }
    ),
    "README.en.md": frozenset(
        {
            "7e2fefe1ca9b59257f8f4b8679f618aac7f6faa29a5825b3aebad089ba3cfdb3",
            "fac2c3bc230c5f099e3eac41de2417b7aec763df2329b4e3871e087492548026",
            "276b67679e14d963878219431e8e821e930ed846665c38e2a25d124e766a1bac",
        }
    ),
}
"""The texts of packs of this format, by SHA-256: this one's, and those before."""
_LOCAL, _CENTRAL, _END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_LOCAL_BYTES, _NAME_BYTES = 30, 128
_DAY = 0x21  # 1 January 1980: the archive has no times of its own
_MODE = 0o100644 << 16
_VERSION = 20
_UNIX = 3 << 8 | _VERSION
_ED25519, _COSIGNER = b"\1", b"\4"
_KEY_ID = 4
_SALT = 32
_RESTORED = "backup.restored"


class PackError(Exception):
    """The pack does not verify; the text says where, `german` in German."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values))
        told = {name: _GERMAN.get(str(value), value) for name, value in values.items()}
        self.german = _GERMAN.get(text, text).format(**told)


class TrustError(ValueError):
    """What was given as a fingerprint is none; `german` says it in German."""

    def __init__(self, german: str, english: str) -> None:
        super().__init__(english)
        self.german = german


# --- the same in German -----------------------------------------------------------

_GERMAN = {
    "Is a directory": "es ist ein Verzeichnis",
    "No such file or directory": "die Datei gibt es nicht",
    "Permission denied": "der Zugriff ist verwehrt",
    "a JSON text is larger than a pack's": (
        "ein JSON-Text ist größer als in einem Paket"
    ),
    "a JSON text is malformed": "ein JSON-Text ist fehlerhaft",
    "a JSON text is no object": "ein JSON-Text ist kein Objekt",
    "a file is missing": "eine Datei fehlt",
    "a file that no pack holds": "eine Datei, die in keinem Paket liegt",
    "a hash is malformed": "eine Prüfsumme ist fehlerhaft",
    "a leaf of the anchor": "ein Blatt des Ankers",
    "a member has not signed the charter": (
        "ein Mitglied hat die Satzung nicht unterschrieben"
    ),
    "a note has more signatures than a pack's": (
        "eine Notiz hat mehr Unterschriften als in einem Paket"
    ),
    "a note is not UTF-8": "eine Notiz ist kein UTF-8",
    "a note without signatures": "eine Notiz ohne Unterschriften",
    "a part of the pack is malformed": "ein Teil des Pakets ist fehlerhaft",
    "a salt of another length": "ein Salt von anderer Länge",
    "a signature": "eine Unterschrift",
    "a signature does not verify": "eine Unterschrift stimmt nicht",
    "a signature is malformed": "eine Unterschrift ist fehlerhaft",
    "a signature of another key": "eine Unterschrift eines anderen Schlüssels",
    "a signature of the node is missing": "eine Unterschrift des Knotens fehlt",
    "a signature under something else than a charter": (
        "eine Unterschrift unter etwas anderem als einer Satzung"
    ),
    "a signature under the charter is bad, or there twice": (
        "eine Unterschrift unter der Satzung ist falsch oder doppelt"
    ),
    "a value is no base64": "ein Wert ist kein Base64",
    "a version of the charter does not follow the one before": (
        "eine Fassung der Satzung folgt nicht auf die vorige"
    ),
    "a version of the charter lacks its quorum": (
        "einer Fassung der Satzung fehlt die nötige Mehrheit"
    ),
    "an opening has other fields than an opening has": (
        "eine Öffnung hat andere Felder als eine Öffnung"
    ),
    "charter.json is larger than a charter may be": (
        "charter.json ist größer, als eine Satzung sein darf"
    ),
    "charter.json is malformed": "charter.json ist fehlerhaft",
    "cosigned.json is malformed": "cosigned.json ist fehlerhaft",
    "entries are missing, or too many": "Einträge fehlen oder sind zu viele",
    "entry {index} has other fields than an entry has": (
        "Eintrag {index} hat andere Felder als ein Eintrag"
    ),
    "entry {index} is malformed": "Eintrag {index} ist fehlerhaft",
    "entry {index} is missing": "Eintrag {index} fehlt",
    "entry {index} is of another class": "Eintrag {index} ist von anderer Art",
    "entry {index} names a policy as nobody does": (
        "Eintrag {index} nennt eine Richtlinie, wie niemand sie nennt"
    ),
    "entry {index} names two policies": "Eintrag {index} nennt zwei Richtlinien",
    "entry {index}: openings are missing, or too many": (
        "Eintrag {index}: Öffnungen fehlen oder sind zu viele"
    ),
    "entry {index}: the opening of {group} does not fit": (
        "Eintrag {index}: die Öffnung {group} passt nicht"
    ),
    "keys.json holds no verifier key": "in keys.json steht kein Prüfschlüssel",
    "keys.json says another fingerprint than its audit key has": (
        "keys.json nennt einen anderen Fingerabdruck, als sein Auditschlüssel hat"
    ),
    "keys.json says another {name} key than the charter": (
        "keys.json nennt einen anderen Schlüssel {name} als die Satzung"
    ),
    "leaves of the anchor are missing, or too many": (
        "Blätter des Ankers fehlen oder sind zu viele"
    ),
    "no member has cosigned": "kein Mitglied hat mitgezeichnet",
    "pack.json is malformed": "pack.json ist fehlerhaft",
    "pack.json is of another format": "pack.json hat ein anderes Format",
    "policies.json and the policies in the pack are not the same": (
        "policies.json und die Richtlinien im Paket sind nicht dieselben"
    ),
    "policies.json gives {named} another text": (
        "policies.json gibt {named} einen anderen Text"
    ),
    "policies.json is malformed": "policies.json ist fehlerhaft",
    "policies.json says nothing of {named}": "policies.json sagt nichts von {named}",
    "the archive is larger than a pack may be": (
        "das Archiv ist größer, als ein Paket sein darf"
    ),
    "the archive is malformed at byte {offset}": (
        "das Archiv ist bei Byte {offset} fehlerhaft"
    ),
    "the archive is truncated": "das Archiv ist abgeschnitten",
    "the archive's directory has changed, or its end is missing": (
        "das Verzeichnis des Archivs ist verändert, oder sein Ende fehlt"
    ),
    "the charter has a name or a key twice": (
        "die Satzung hat einen Namen oder Schlüssel doppelt"
    ),
    "the charter knows another audit key of the node": (
        "die Satzung kennt einen anderen Auditschlüssel des Knotens"
    ),
    "the checkpoint is malformed": "der Checkpoint ist fehlerhaft",
    "the checkpoint is of another log, or older than the entries": (
        "der Checkpoint ist der eines anderen Protokolls oder älter als die Einträge"
    ),
    "the entries are not those of the checkpoint": (
        "die Einträge sind nicht die des Checkpoints"
    ),
    "the files are not those of the manifest": (
        "die Dateien sind nicht die des Manifests"
    ),
    "the key is of another node": "der Schlüssel ist der eines anderen Knotens",
    "the log does not extend what was cosigned": (
        "das Protokoll setzt nicht fort, was mitgezeichnet wurde"
    ),
    "the members have signed different charters": (
        "die Mitglieder haben verschiedene Satzungen unterschrieben"
    ),
    "the node has not signed what was cosigned": (
        "der Knoten hat nicht unterschrieben, was mitgezeichnet wurde"
    ),
    "the pack is signed by another key than the fingerprint's": (
        "das Paket ist mit einem anderen Schlüssel unterschrieben als dem des "
        "Fingerabdrucks"
    ),
    "the pack is signed by another key than the fingerprint's, and none of the "
    "{count} versions of its charter has it either": (
        "das Paket ist mit einem anderen Schlüssel unterschrieben als dem des "
        "Fingerabdrucks, und auch keine der {count} Fassungen seiner Satzung hat "
        "diesen"
    ),
    "the proof is too long": "der Beweis ist zu lang",
    "the proof is too short": "der Beweis ist zu kurz",
    "what was cosigned holds no such entries": (
        "was mitgezeichnet wurde, enthält solche Einträge nicht"
    ),
    "what was cosigned is another checkpoint": (
        "mitgezeichnet wurde ein anderer Checkpoint"
    ),
    "what was cosigned is another log": "mitgezeichnet wurde ein anderes Protokoll",
    "{name} has a longer line than a pack's": (
        "{name} hat eine längere Zeile als in einem Paket"
    ),
    "{name} has changed": "{name} wurde verändert",
    "{name} has no lines, or more than a pack's": (
        "{name} hat keine Zeilen oder mehr als in einem Paket"
    ),
    "{name} is another policy": "{name} ist eine andere Richtlinie",
    "{name} is larger than in a pack": "{name} ist größer als in einem Paket",
    "{name} is missing": "{name} fehlt",
    "{name} is out of order": "{name} steht nicht an seinem Platz",
    "{name} is there twice": "{name} ist doppelt da",
    "{name} stands behind the manifest": "{name} steht hinter dem Manifest",
    "{what} has other fields than it has in a pack": (
        "{what} hat andere Felder als in einem Paket"
    ),
}
"""German for each reason of a refusal, and for what stands in one."""


# --- the archive ------------------------------------------------------------------


def local_header(name: bytes, crc: int, size: int) -> bytes:
    """Write what stands before a file."""
    fixed = (_LOCAL, _VERSION, 0, 0, 0, _DAY, crc, size, size, len(name), 0)
    return struct.pack("<4s5H3L2H", *fixed) + name


def central_header(name: bytes, crc: int, size: int, offset: int) -> bytes:
    """Write what the archive's directory says of a file."""
    fixed = (_CENTRAL, _UNIX, _VERSION, 0, 0, 0, _DAY, crc, size, size, len(name))
    return struct.pack("<4s6H3L5H2L", *fixed, 0, 0, 0, 0, _MODE, offset) + name


def end_record(count: int, size: int, offset: int) -> bytes:
    """Write the end of the archive."""
    return struct.pack("<4s4H2LH", _END, 0, 0, count, count, size, offset, 0)


def read_files(file: BinaryIO) -> Iterator[tuple[str, bytes]]:
    """Give name and content of each file; at the end, every byte was looked at.

    Raises:
        PackError: a byte is not as this archive's writer writes it.
    """
    directory, offset, count = bytearray(), 0, 0
    while (mark := file.read(4)) == _LOCAL:
        count += 1
        head = mark + _exactly(file, _LOCAL_BYTES - len(mark))
        crc, size, _, length, _ = struct.unpack("<3L2H", head[14:])
        if count > MAX_FILES or size > MAX_FILE_BYTES or length > _NAME_BYTES:
            raise PackError("the archive is larger than a pack may be")
        name = _exactly(file, length)
        if head + name != local_header(name, crc, size):
            raise PackError("the archive is malformed at byte {offset}", offset=offset)
        text = name.decode("latin-1")
        if not _NAME.fullmatch(text):
            raise PackError("a file that no pack holds")
        content = _exactly(file, size)
        if crc32(content) != crc:
            raise PackError("{name} has changed", name=text)
        directory += central_header(name, crc, size, offset)
        offset += len(head) + length + size
        yield text, content
    end = bytes(directory) + end_record(count, len(directory), offset)
    if mark + file.read(len(end)) != end:
        raise PackError("the archive's directory has changed, or its end is missing")


def _exactly(file: BinaryIO, size: int) -> bytes:
    part = file.read(size)
    if len(part) != size:
        raise PackError("the archive is truncated")
    return part


# --- notes and keys ---------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """The audit key of a node, under its log's name."""

    name: str
    key_id: bytes
    public: bytes
    vkey: str

    @property
    def fingerprint(self) -> str:
        """What is compared by another way."""
        return sha256(self.vkey.encode()).hexdigest()


def read_key(vkey: str) -> Key:
    """Read a C2SP verifier key.

    Raises:
        PackError: it is none of an Ed25519 key.
    """
    name, _, rest = vkey.partition("+")
    shown, _, encoded = rest.partition("+")
    material = _base64(encoded)
    digest = sha256(name.encode() + b"\n" + material).digest()[:_KEY_ID]
    if not name or material[:1] != _ED25519 or digest.hex() != shown:
        raise PackError("keys.json holds no verifier key")
    return Key(name, digest, material[1:], vkey)


def make_key(name: str, public: bytes, kind: bytes = _ED25519) -> Key:
    """Name a public key as C2SP does."""
    material = kind + public
    digest = sha256(name.encode() + b"\n" + material).digest()[:_KEY_ID]
    vkey = f"{name}+{digest.hex()}+{b64encode(material).decode()}"
    return Key(name, digest, public, vkey)


def open_note(note: bytes, key: Key) -> str:
    """Give the text of a C2SP note that exactly this key has signed.

    Raises:
        PackError: it has not.
    """
    text, lines = split_note(note)
    if len(lines) != 1 or lines[0][0] != key.name:
        raise PackError("a signature of the node is missing")
    _, signature = lines[0]
    check(key.public, text.encode(), signature[_KEY_ID:])
    if signature[:_KEY_ID] != key.key_id:
        raise PackError("a signature of another key")
    return text


def split_note(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Give a note's text, and name and bytes of each signature, none verified.

    Raises:
        PackError: it is no note.
    """
    text, mark, tail = _utf8(note).rpartition("\n\n")
    if not mark or not tail.endswith("\n"):
        raise PackError("a note without signatures")
    if tail.count("\n") > _MOST_SIGNATURES:
        raise PackError("a note has more signatures than a pack's")
    lines: list[tuple[str, bytes]] = []
    for line in tail[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "\N{EM DASH}":
            raise PackError("a signature is malformed")
        lines.append((name, _base64(encoded)))
    return f"{text}\n", lines


def check(public: bytes, message: bytes, signature: bytes) -> None:
    """Verify an Ed25519 signature.

    Raises:
        PackError: it does not verify.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise PackError("a signature does not verify") from None


# --- the log ----------------------------------------------------------------------


def leaf_hash(record: bytes) -> bytes:
    """Hash an entry of the log (RFC 6962)."""
    return sha256(b"\0" + record).digest()


def range_root(
    leaves: Sequence[bytes], start: int, size: int, proof: Sequence[bytes]
) -> bytes:
    """Compute the root of the tree from adjacent leaves and what is beside them.

    Raises:
        PackError: the proof has too many or too few hashes.
    """
    end, inside, beside = start + len(leaves), iter(leaves), iter(proof)

    def root(low: int, high: int) -> bytes:
        width = high - low
        if (high <= start or end <= low) and width & (width - 1) == 0:
            return next(beside)
        if width == 1:
            return next(inside)
        middle = low + (1 << (width - 1).bit_length() - 1)
        left = root(low, middle)
        return sha256(b"\1" + left + root(middle, high)).digest()

    try:
        found = root(0, size)
    except StopIteration:
        raise PackError("the proof is too short") from None
    if next(beside, None) is not None:
        raise PackError("the proof is too long")
    return found


def check_extends(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the tree of `new` entries extends that of `old` (RFC 9162 2.1.4.2).

    Raises:
        PackError: it is not shown.
    """
    if not 0 < old < new:
        if old != new or old_root != new_root or proof:
            raise PackError("the log does not extend what was cosigned")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not path:
        raise PackError("the log does not extend what was cosigned")
    before = after = path[0]
    for sibling in path[1:]:
        if place & 1 or place == last:
            before = sha256(b"\1" + sibling + before).digest()
            after = sha256(b"\1" + sibling + after).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = sha256(b"\1" + after + sibling).digest()
        place, last = place >> 1, last >> 1
    if last != 0 or (before, after) != (old_root, new_root):
        raise PackError("the log does not extend what was cosigned")


def commitment(log: str, group: str, salt: bytes, payload: bytes) -> bytes:
    """Commit to a field group as the log's records do.

    Raises:
        PackError: the salt has another length, so the payload could begin elsewhere.
    """
    if len(salt) != _SALT:
        raise PackError("a salt of another length")
    framed = b"".join(_lp(part.encode()) for part in (log, group))
    return sha256(b"fedsafe/commit/v1\n" + framed + salt + payload).digest()


def _lp(part: bytes) -> bytes:
    return len(part).to_bytes(2) + part


# --- the pack ---------------------------------------------------------------------


class Unproved(NamedTuple):
    """What a pack claims and does not prove, in German and English."""

    code: str
    de: str
    en: str


@dataclass
class Report:
    """What a pack that verifies holds.

    Of the anchor's `anchors` leaves those from `first_anchor` on are opened; the last
    of them holds the first `cosigned` entries. `newest` is when the newest of these
    that is in the pack was written (seconds, by the node's clock; 0 if none is).
    The node was `restored` so often from an older state, as its anchor's name says;
    `declared` are the entries of the pack that say what was lost then. Of the entries
    before `minimum` the node says that it has only hashes. `charter` is the digest of
    the newest version, `charters` are those of all. `wanted` is how many of the
    `members` beside the node have to have cosigned.
    """

    node: str = ""
    fingerprint: str = ""
    start: int = 0
    end: int = 0
    size: int = 0
    minimum: int = 0
    made_at: str = ""
    federation: str = ""
    charter: str = ""
    charters: list[str] = field(default_factory=list)
    cosigned: int = 0
    first_anchor: int = 0
    anchors: int = 0
    restored: int = 0
    declared: list[int] = field(default_factory=list)
    witnesses: list[tuple[str, int]] = field(default_factory=list)
    members: int = 0
    wanted: int = 1
    newest: int = 0
    unproved: list[Unproved] = field(default_factory=list)
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("records", "omitted", "openings", "withheld", "erased"), 0
        )
    )

    def lacks(self, code: str, de: str, en: str) -> None:
        """Note a claim that is not proved."""
        self.unproved.append(Unproved(code, de, en))


@dataclass
class _Use:
    """How many entries name a policy, and the first of them."""

    first: int
    count: int = 0


@dataclass
class _Slice:
    """The entries so far: their leaf hashes, and what a line may hold."""

    log: str
    start: int
    openings: bool
    events: frozenset[str] | None
    counts: dict[str, int]
    declared: list[int]
    cosigned: int
    newest: int = 0
    first_erased: int | None = None
    leaves: list[bytes] = field(default_factory=list)
    policies: dict[tuple[str, str | None], _Use] = field(default_factory=dict)

    def take(self, name: str, content: bytes) -> None:
        place = self.start + len(self.leaves)
        if name != f"entries/{place:012}.ndjson":
            raise PackError("{name} is out of order", name=name)
        for line in _lines(name, content):
            self._line(line)

    def _line(self, line: dict[str, Any]) -> None:
        index = self.start + len(self.leaves)
        if _count(line.get("index"), "entry {index} is missing", index=index) != index:
            raise PackError("entry {index} is missing", index=index)
        if set(line) == {"index", "leaf"} and self.events is not None:
            self.leaves.append(_hex(line["leaf"]))
            self.counts["omitted"] += 1
            return
        try:
            self._record(line, index)
        except (AttributeError, KeyError, TypeError, UnicodeError):
            raise PackError("entry {index} is malformed", index=index) from None

    def _record(self, line: dict[str, Any], index: int) -> None:
        if set(line) != {"index", "record", "openings", "erased", "withheld"}:
            raise PackError(
                "entry {index} has other fields than an entry has", index=index
            )
        data = line["record"].encode()
        record = _json(data)
        if self.events is not None and record["event"] not in self.events:
            raise PackError("entry {index} is of another class", index=index)
        self._open(line, _groups(record["commitments"], index), index)
        self.leaves.append(leaf_hash(data))
        self._policy(record, index)
        if record["event"] == _RESTORED:
            self.declared.append(index)
        if index < self.cosigned:
            self.newest = max(self.newest, _seconds(record["at"]))
        self.counts["records"] += 1
        for kind in ("openings", "withheld", "erased"):
            self.counts[kind] += len(line[kind])

    def _open(
        self, line: dict[str, Any], committed: dict[str, Any], index: int
    ) -> None:
        """Compare openings with commitments; each group is in one of three places."""
        openings, erased = _groups(line["openings"], index), line["erased"]
        for group, opening in openings.items():
            wanted, salt = _base64(committed.pop(group)), _base64(opening["salt"])
            if commitment(self.log, group, salt, _payload(opening)) != wanted:
                raise PackError(
                    "entry {index}: the opening of {group} does not fit",
                    index=index,
                    group=group,
                )
        for at in _groups(erased, index).values():
            if at is not None:
                _count(at, "entry {index} is malformed", index=index)
        for group in (*erased, *_list(line, "withheld")):
            committed.pop(group)
        # Where a stranger came from is in no pack, so that it can be erased in time.
        kept_back = set(line["withheld"]) - {_SOURCE}
        if committed or (kept_back if self.openings else openings):
            raise PackError(
                "entry {index}: openings are missing, or too many", index=index
            )
        if erased and self.first_erased is None:
            self.first_erased = index

    def _policy(self, record: dict[str, Any], index: int) -> None:
        """Note by which policy an entry says that it was decided."""
        named, whole = record.get("policy"), record.get("policy_hash")
        if named is None and whole is None:
            return
        if not isinstance(named, str) or not _POLICY.fullmatch(named):
            raise PackError("entry {index} names a policy as nobody does", index=index)
        if whole is not None and not _hex(whole).hex().startswith(named[-8:]):
            raise PackError("entry {index} names two policies", index=index)
        use = self.policies.setdefault((named, whole), _Use(index))
        use.count += 1


def _groups(value: object, index: int) -> dict[str, Any]:
    """Copy an object whose names are field groups."""
    if not isinstance(value, dict) or not all(map(_GROUP.fullmatch, value)):
        raise PackError("entry {index} is malformed", index=index)
    return dict(value)


def _lines(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """Read a file of lines; there are so many, and each is so long, as in a pack."""
    lines = content.split(b"\n", MOST_LINES + 1)
    if lines.pop() or not lines or len(lines) > MOST_LINES:
        raise PackError("{name} has no lines, or more than a pack's", name=name)
    for line in lines:
        if len(line) > _MOST_LINE:
            raise PackError("{name} has a longer line than a pack's", name=name)
        yield _json(line)


def _payload(opening: dict[str, str]) -> bytes:
    if set(opening) == {"salt", "payload"}:
        return opening["payload"].encode()
    if set(opening) == {"salt", "payload_base64"}:
        return _base64(opening["payload_base64"])
    raise PackError("an opening has other fields than an opening has")


@dataclass
class _Chain:
    """The leaves of the anchor so far, and the checkpoint that the last one holds."""

    name: str
    key: Key
    first: int
    former: Sequence[Key] = ()
    size: int = 0
    root: bytes = b""
    leaves: list[bytes] = field(default_factory=list)

    def take(self, name: str, content: bytes) -> None:
        place = self.first + len(self.leaves)
        if name != f"anchors/{place:012}.ndjson":
            raise PackError("{name} is out of order", name=name)
        for line in _lines(name, content):
            self._line(line)

    def _line(self, line: dict[str, Any]) -> None:
        _only(line, "a leaf of the anchor", "record", "salt", "audit", "consistency")
        record, note = _text(line, "record").encode(), _text(line, "audit").encode()
        salt, wanted = _base64(line.get("salt")), _json(record).get("commitment")
        if commitment(self.name, "checkpoint", salt, note) != _base64(wanted):
            raise PackError("what was cosigned is another checkpoint")
        origin, size, root = _checkpoint(self._open(note).split("\n"))
        if origin != self.key.name:
            raise PackError("what was cosigned is another log")
        path = [_base64(each) for each in _list(line, "consistency")]
        if self.leaves:
            check_extends(self.size, self.root, size, root, path)
        self.size, self.root = size, root
        self.leaves.append(leaf_hash(record))

    def _open(self, note: bytes) -> str:
        """Open what the node has signed with the key that it had then."""
        for key in self.former:
            try:
                return open_note(note, key)
            except PackError:
                continue
        return open_note(note, self.key)


def verify_pack(
    file: BinaryIO,
    *trust: str,
    witnesses: int | None = None,
    anchors_from: int = 0,
) -> Report:
    """Verify a pack, and tell what of its claims nothing proves.

    *trust* are fingerprints of its audit key or its charter. *witnesses* is how many
    members must have cosigned, if not as many as the charter wants; *anchors_from* the
    leaf of the anchor from which on all must be shown.

    Raises:
        PackError: it does not verify, or is none of those.
        TrustError: one of *trust* cannot be a fingerprint.
    """
    told = {read_fingerprint(each) for each in trust}
    try:
        return _verify(file, told, witnesses, anchors_from)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A value of a kind that no check above asked about; nobody wrote that.
        raise PackError("a part of the pack is malformed") from None


def _verify(
    file: BinaryIO, told: set[str], witnesses: int | None, anchors_from: int
) -> Report:
    files = _Files()
    for name, content in read_files(file):
        files.take(name, content)
    kept, digests, report = files.kept, files.digests, files.report
    part = files.part
    if part is None or any(name not in kept for name in _NEEDED):
        raise PackError("a file is missing")
    key = _audit_key(kept)
    if key.name != f"{report.node}/audit":
        raise PackError("the key is of another node")
    report.fingerprint = key.fingerprint
    del digests[MANIFEST]
    if open_note(kept[MANIFEST], key) != "".join([f"{FORMAT}\n", *digests.values()]):
        raise PackError("the files are not those of the manifest")
    root = _check_root(kept, key, part, report)
    member = _check_cosigned(kept, files.chain, root, report)
    if witnesses is not None:
        report.wanted = witnesses
    _check_trust(told, report)
    _check_witnesses(report, anchors_from)
    _check_keys(_json(kept["keys.json"]), key, member, report)
    _check_policies(_json(kept["policies.json"]), digests, part, report)
    _check_texts(kept, report)
    _tell_left_out(part, report)
    return report


@dataclass
class _Files:
    """What was read so far: small files whole, of the long ones what they show."""

    report: Report = field(default_factory=Report)
    kept: dict[str, bytes] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    chain: _Chain | None = None
    part: _Slice | None = None

    def take(self, name: str, content: bytes) -> None:
        if name in self.digests:
            raise PackError("{name} is there twice", name=name)
        if MANIFEST in self.digests:
            raise PackError("{name} stands behind the manifest", name=name)
        self.digests[name] = f"{sha256(content).hexdigest()} {len(content)} {name}\n"
        if name in _KEPT:
            if len(content) > _MOST_KEPT and name != "charter.json":
                raise PackError("{name} is larger than in a pack", name=name)
            self.kept[name] = content
        elif name.startswith("policies/"):
            if name != f"policies/{sha256(content).hexdigest()}.toml":
                raise PackError("{name} is another policy", name=name)
        elif name.startswith("anchors/"):
            if self.part is not None:  # it is told which entries were cosigned
                raise PackError("{name} is out of order", name=name)
            self.chain = self.chain or _chain(self.kept)
            self.chain.take(name, content)
        elif name.startswith("entries/"):
            self.part = self.part or _begin(self.kept, self.chain, self.report)
            self.part.take(name, content)


def _audit_key(kept: dict[str, bytes]) -> Key:
    return read_key(_text(_json(kept.get("keys.json", b"")), "audit"))


def _chain(kept: dict[str, bytes]) -> _Chain:
    if "cosigned.json" not in kept:
        raise PackError("a file is missing")
    key, said = _audit_key(kept), _json(kept["cosigned.json"])
    fields = ("checkpoint", "first", "proof", "consistency")
    _only(said, "cosigned.json", *fields)
    first = _count(said["first"], "cosigned.json is malformed")
    text, _ = split_note(_text(said, "checkpoint").encode())
    name = text.partition("\n")[0]
    if not re.fullmatch(re.escape(_anchor(key)) + r"(/[1-9][0-9]{0,3})?", name):
        raise PackError("what was cosigned is another log")
    return _Chain(name, key, first, _former(kept, key))


def _former(kept: dict[str, bytes], key: Key) -> list[Key]:
    """Give the audit keys that the node had before, as its charter lists them."""
    if "charter.json" not in kept:
        return []
    node = key.name.removesuffix("/audit")
    try:
        payload = _base64(_json(kept["charter.json"])["signatures"][0]["payload"])
        former = [
            make_key(key.name, _base64(each["audit"]))
            for member in _json(payload)["members"]
            if member["name"] == node
            for each in member.get("former", [])
        ]
    except (AttributeError, IndexError, KeyError, TypeError):
        raise PackError("charter.json is malformed") from None
    if len(former) > _MOST_FORMER:
        raise PackError("charter.json is malformed")
    return former


def _anchor(key: Key) -> str:
    return f"{key.name.removesuffix('/audit')}/anchor"


def _begin(kept: dict[str, bytes], chain: _Chain | None, report: Report) -> _Slice:
    pack = _json(kept.get("pack.json", b""))
    if pack.get("format") != FORMAT:
        raise PackError("pack.json is of another format")
    told = ("node", "log", "start", "end", "minimum", "events", "openings", "made_at")
    _only(pack, "pack.json", "format", *told)
    events, odd = pack["events"], "pack.json is malformed"
    if events is not None and not (isinstance(events, list) and _are_names(events)):
        raise PackError(odd)
    report.start = _count(pack["start"], odd)
    report.minimum = _count(pack["minimum"], odd)
    report.node, report.made_at = _text(pack, "node"), _text(pack, "made_at")
    _seconds(report.made_at)
    fits = _NODE.fullmatch(report.node) and report.minimum <= report.start
    if not fits or pack["openings"] not in {"included", "withheld"}:
        raise PackError(odd)
    return _Slice(
        log=_text(pack, "log"),
        start=report.start,
        openings=pack["openings"] == "included",
        events=None if events is None else frozenset(events),
        counts=report.counts,
        declared=report.declared,
        cosigned=chain.size if chain is not None else 0,
    )


def _are_names(values: list[Any]) -> bool:
    return bool(values) and all(
        isinstance(each, str) and re.fullmatch(r"[a-z_.]{1,64}", each, re.ASCII)
        for each in values
    )


def _check_root(
    kept: dict[str, bytes], key: Key, part: _Slice, report: Report
) -> bytes:
    lines = open_note(kept["checkpoint"], key).split("\n")
    pack, proof = _json(kept["pack.json"]), _json(kept["proof.json"])
    _only(proof, "proof.json", "hashes")
    end = part.start + len(part.leaves)
    origin, size, root = _checkpoint(lines)
    if not origin == part.log == key.name or end > size:
        raise PackError("the checkpoint is of another log, or older than the entries")
    if end != _count(pack["end"], "pack.json is malformed") or not part.leaves:
        raise PackError("entries are missing, or too many")
    beside = list(map(_hex, _list(proof, "hashes")))
    found = range_root(part.leaves, part.start, size, beside)
    if found != root:
        raise PackError("the entries are not those of the checkpoint")
    report.end, report.size, report.newest = end, size, part.newest
    return root


def _checkpoint(lines: Sequence[str]) -> tuple[str, int, bytes]:
    if len(lines) != 4 or not re.fullmatch(r"[1-9][0-9]{0,18}", lines[1], re.ASCII):  # noqa: PLR2004 - origin, size, root and the end
        raise PackError("the checkpoint is malformed")
    return lines[0], int(lines[1]), _base64(lines[2])


# --- what binds a claim, or does not ------------------------------------------------


def _check_trust(told: set[str], report: Report) -> None:
    """Compare with what others than the pack have told."""
    if told - {report.fingerprint, *report.charters}:
        if report.charters:
            raise PackError(
                "the pack is signed by another key than the fingerprint's, and none of "
                "the {count} versions of its charter has it either",
                count=len(report.charters),
            )
        raise PackError("the pack is signed by another key than the fingerprint's")
    has_charter = not told.isdisjoint(report.charters)
    if not told:
        report.lacks(
            "trust",
            "Wessen Schlüssel das sind. Den Fingerabdruck oben auf anderem Weg beim "
            "Betreiber des Knotens erfragen und mit --trust angeben.",
            "Whose keys these are. Ask the node's operator for the fingerprint above "
            "by another way, and give it with --trust.",
        )
    if report.charters and not has_charter:
        number = len(report.charters)
        report.lacks(
            "charter",
            f"Dass es die Föderation {report.federation} gibt und diese Mitglieder "
            "andere sind als der Knoten. SHA-256 der Satzung, Fassung "
            f"{number}, bei einem anderen Mitglied erfragen und mit --trust angeben.",
            f"That the federation {report.federation} exists, and that these members "
            f"are others than the node. Ask another member for the SHA-256 of version "
            f"{number} of the charter, and give it with --trust.",
        )


def _check_witnesses(report: Report, anchors_from: int) -> None:
    """Tell of which entries others may have been shown another past."""
    there, wanted = len(report.witnesses), report.wanted
    if there < wanted:
        report.lacks(
            "witnesses",
            "Dass der Knoten anderen dasselbe Protokoll gezeigt hat: mitgezeichnet "
            f"von {there}, verlangt {wanted}. (--witnesses {there}, wenn das genügt.)",
            "That the node has shown the same log to others: cosigned by "
            f"{there}, wanted {wanted}. (--witnesses {there} if that is enough.)",
        )
    if not there:
        return
    newest = max(at for _, at in report.witnesses)
    if abs(_seconds(report.made_at) - newest) > _FAR:
        seen = _moment(newest)
        report.lacks(
            "made-at",
            f"Dass das Paket um {report.made_at} gemacht wurde: das neueste Mitglied "
            f"hat um {seen} mitgezeichnet, mehr als einen Tag davor oder danach.",
            f"That the pack was made at {report.made_at}: the newest member cosigned "
            f"at {seen}, more than a day before or after.",
        )
    if report.first_anchor > anchors_from:
        last = report.first_anchor - 1
        report.lacks(
            "anchors",
            f"Dass der Knoten sich an seine Anker {anchors_from} bis {last} gehalten "
            "hat: sie fehlen.",
            f"That the node kept to its anchors {anchors_from} to {last}: they are not "
            "shown.",
        )
    if report.end > report.cosigned:
        first, last = max(report.start, report.cosigned), report.end - 1
        report.lacks(
            "tail",
            f"Dass die Einträge {first} bis {last} feststehen: sie kamen, nachdem "
            "zuletzt mitgezeichnet wurde; der Knoten könnte sie noch ändern.",
            f"That entries {first} to {last} are final: they came after what was "
            "cosigned last; the node could still change them.",
        )


def _check_keys(
    listed: dict[str, Any], key: Key, member: dict[str, Any] | None, report: Report
) -> None:
    """Compare the keys that the pack names with those that the charter names."""
    named = [name for name in _OTHER_KEYS if name in listed or member is not None]
    _only(listed, "keys.json", "audit", "fingerprint", *named)
    others = {name: _text(listed, name) for name in named}
    if listed["fingerprint"] != key.fingerprint:
        raise PackError("keys.json says another fingerprint than its audit key has")
    if member is None:
        if others:
            names = ", ".join(others)
            report.lacks(
                "keys",
                f"Dass die Schlüssel {names} in keys.json die des Knotens sind: keine "
                "Satzung im Paket nennt sie.",
                f"That the keys {names} in keys.json are the node's: no charter in the "
                "pack names them.",
            )
        return
    for name, shown in others.items():
        public = _base64(member["keys"][name])
        wanted = public.hex()
        if name in {"feed", "witness"}:
            kind = _COSIGNER if name == "witness" else _ED25519
            wanted = make_key(f"{report.node}/{name}", public, kind).vkey
        if shown != wanted:
            raise PackError(
                "keys.json says another {name} key than the charter", name=name
            )


def _check_policies(
    listed: dict[str, Any], files: Mapping[str, str], part: _Slice, report: Report
) -> None:
    """Find the text of each policy that an entry names."""
    _check_listed(listed, files)
    used: set[str] = set()
    for (named, whole), use in part.policies.items():
        used.add(named)
        if named not in listed:
            raise PackError("policies.json says nothing of {named}", named=named)
        if listed[named] is None:
            _lacks_policy(report, named, whole, use)
        elif whole is None:
            report.lacks(
                "policy-name",
                f"Dass der Text von {named} der ist, nach dem entschieden wurde: "
                f"{_entries_de(use)} nur acht Stellen seiner Prüfsumme.",
                f"That the text of {named} is the one that decided: {_entries_en(use)} "
                "eight digits of its digest only.",
            )
        elif listed[named] != whole:
            raise PackError("policies.json gives {named} another text", named=named)
    for named in sorted(set(listed) - used):
        report.lacks(
            "policy-unused",
            f"Dass {named} je galt: kein gezeigter Eintrag nennt es.",
            f"That {named} was ever in force: no entry that is shown names it.",
        )


def _check_listed(listed: dict[str, Any], files: Mapping[str, str]) -> None:
    for named, digest in listed.items():
        if not _POLICY.fullmatch(named):
            raise PackError("policies.json is malformed")
        if digest is not None and not _hex(digest).hex().startswith(named[-8:]):
            raise PackError("policies.json gives {named} another text", named=named)
    texts = {f"policies/{digest}.toml" for digest in listed.values() if digest}
    if texts != {name for name in files if name.startswith("policies/")}:
        raise PackError("policies.json and the policies in the pack are not the same")


def _lacks_policy(report: Report, named: str, whole: str | None, use: _Use) -> None:
    shown = whole or named
    report.lacks(
        "policy",
        f"Was in der Richtlinie {named} steht: {_entries_de(use)} sie, aber ihr Text "
        f"(SHA-256 {shown}) fehlt; der Knoten sagt, er habe ihn nicht mehr.",
        f"What the policy {named} says: {_entries_en(use)} it, but its text (SHA-256 "
        f"{shown}) is not here; the node says that it no longer has it.",
    )


def _entries_de(use: _Use) -> str:
    first = f"Eintrag {use.first}"
    return f"{first} nennt" if use.count == 1 else f"{use.count} ab {first} nennen"


def _entries_en(use: _Use) -> str:
    first = f"entry {use.first}"
    return f"{first} names" if use.count == 1 else f"{use.count} from {first} on name"


def _check_texts(kept: Mapping[str, bytes], report: Report) -> None:
    """Compare what a reader is given to read, and to run, with what is known here."""
    for name, known in _TEXTS.items():
        if sha256(kept[name]).hexdigest() not in known:
            report.lacks(
                name,
                f"Was in {name} steht: dieses Prüfprogramm kennt den Text nicht.",
                f"What {name} says: this verifier does not know the text.",
            )
    if sha256(kept["verify.py"]).digest() != _OWN:
        report.lacks(
            "verify.py",
            "Was das verify.py im Paket sagt: es ist ein anderes als dieses hier, "
            "vielleicht ein älteres. Nichts oben beruht darauf; nicht ausführen.",
            "What the verify.py in the pack says: it is another one than this, perhaps "
            "an older one. Nothing above rests on it; do not run it.",
        )


def _own_digest() -> bytes:
    try:
        return sha256(Path(__file__).read_bytes()).digest()
    except (NameError, OSError):
        return b""  # it was not started from a file


_OWN = _own_digest()


def _tell_left_out(part: _Slice, report: Report) -> None:
    counts = report.counts
    if counts["omitted"]:
        report.lacks(
            "omitted",
            f"Dass die {counts['omitted']} ausgelassenen Einträge von anderer Art sind "
            "als verlangt: von ihnen ist nur der Hash da.",
            f"That the {counts['omitted']} entries left out are of other classes than "
            "were asked for: of them only the hash is here.",
        )
    if counts["erased"]:
        report.lacks(
            "erased",
            f"Dass {counts['erased']} Öffnungen gelöscht sind (zuerst in Eintrag "
            f"{part.first_erased}): der Knoten könnte sie zurückhalten.",
            f"That {counts['erased']} openings are erased (first in entry "
            f"{part.first_erased}): the node could be keeping them back.",
        )


# --- what other members have cosigned ---------------------------------------------


def _check_cosigned(
    kept: dict[str, bytes], chain: _Chain | None, root: bytes, report: Report
) -> dict[str, Any] | None:
    """Follow the way from the witnesses' signatures to the pack's checkpoint.

    Give what the charter says of the node, None if the pack holds no charter.
    """
    there = [name for name in _COSIGNED if name in kept]
    if not there and chain is None:
        return None
    if chain is None or len(there) < len(_COSIGNED):
        raise PackError("a file is missing")
    said = _json(kept["cosigned.json"])
    charter = _open_charter(kept["charter.json"], report)
    members = charter.keys
    if members.get(report.node, {}).get("audit") != chain.key.public:
        raise PackError("the charter knows another audit key of the node")
    text, lines = split_note(_text(said, "checkpoint").encode())
    _check_log(make_key(chain.name, chain.key.public), text, lines)
    others = {
        make_key(f"{name}/witness", keys["witness"], _COSIGNER): name
        for name, keys in members.items()
        if name != report.node
    }
    report.members = len(others)
    report.wanted = max(1, len(others) // 2 + 1, charter.witnesses(len(others)))
    report.witnesses = _witnesses(text, lines, others)
    if not report.witnesses:
        raise PackError("no member has cosigned")
    _, size, anchor_root = _checkpoint(text.split("\n"))
    if chain.first + len(chain.leaves) != size or not chain.leaves:
        raise PackError("leaves of the anchor are missing, or too many")
    proof = [_hex(each) for each in _list(said, "proof")]
    if range_root(chain.leaves, chain.first, size, proof) != anchor_root:
        raise PackError("what was cosigned holds no such entries")
    path = [_hex(each) for each in _list(said, "consistency")]
    check_extends(chain.size, chain.root, report.size, root, path)
    report.cosigned, report.anchors = chain.size, size
    report.first_anchor = chain.first
    report.restored = int(chain.name.removeprefix(_anchor(chain.key))[1:] or 0)
    listed: list[dict[str, Any]] = charter.charter["members"]
    return next(each for each in listed if each["name"] == report.node)


def _check_log(key: Key, text: str, lines: Sequence[tuple[str, bytes]]) -> None:
    for name, signature in lines:
        if (name, signature[:_KEY_ID]) == (key.name, key.key_id):
            check(key.public, text.encode(), signature[_KEY_ID:])
            if text.startswith(f"{key.name}\n"):
                return
    raise PackError("the node has not signed what was cosigned")


def _witnesses(
    text: str, lines: Sequence[tuple[str, bytes]], others: dict[Key, str]
) -> list[tuple[str, int]]:
    """Give who has cosigned, and when: c2sp.org/tlog-cosignature."""
    known = {(key.name, key.key_id): key for key in others}
    found: list[tuple[str, int]] = []
    for name, signature in lines:
        key = known.pop((name, signature[:_KEY_ID]), None)
        if key is not None:
            at = int.from_bytes(signature[_KEY_ID : _KEY_ID + 8])
            message = f"cosignature/v1\ntime {at}\n{text}".encode()
            check(key.public, message, signature[_KEY_ID + 8 :])
            found.append((others[key], at))
    return found


def _open_charter(data: bytes, report: Report) -> "_Version":
    """Give the newest version, after following them all."""
    document = _json(data)
    _only(document | {"before": []}, "charter.json", "signatures", "before")
    before = document.get("before", [])
    if not isinstance(before, list):
        raise PackError("charter.json is malformed")
    previous: _Version | None = None
    try:
        for each in [*before, document]:
            previous = _follow_charter(each["signatures"], previous)
            report.charters.append(previous.digest.hex())
    except (AttributeError, IndexError, KeyError, TypeError):
        raise PackError("charter.json is malformed") from None
    if previous is None:
        raise PackError("charter.json is malformed")
    report.charter = report.charters[-1]
    report.federation = previous.charter["federation"]
    return previous


class _Version(NamedTuple):
    """A version of the charter that was followed."""

    charter: dict[str, Any]
    digest: bytes
    keys: dict[str, dict[str, bytes]]

    def active(self) -> set[str]:
        """Name the members that take part."""
        return {
            member["name"]
            for member in self.charter["members"]
            if member.get("state", "active") == "active"
        }

    def witnesses(self, others: int) -> int:
        """Give the number of witnesses that it wants, if it names one."""
        wanted = self.charter.get("witness_quorum")
        return min(wanted, others) if isinstance(wanted, int) else 0

    def robbed(self, before: "_Version") -> set[str]:
        """Name whose old keys were stolen since: they say nothing any more."""
        return {
            member["name"]
            for member in self.charter["members"]
            if before.keys.get(member["name"]) not in (None, self.keys[member["name"]])
            and member.get("former", [{}])[0].get("stolen") is not None
        }


def _follow_charter(signed: Any, before: _Version | None) -> _Version:  # noqa: ANN401
    payload = _base64(signed[0]["payload"])
    charter = _json(payload)
    names = [member["name"] for member in charter["members"]]
    named = _FEDERATION.fullmatch(charter["federation"])
    if not named or not all(map(_NODE.fullmatch, names)):
        raise PackError("charter.json is malformed")
    if len(signed) > _MOST_SIGNATURES or len(names) > _MOST_SIGNATURES:
        raise PackError("charter.json is larger than a charter may be")
    keys = {
        member["name"]: {use: _base64(member["keys"][use]) for use in _USES}
        for member in charter["members"]
    }
    distinct = {public for each in keys.values() for public in each.values()}
    there = len(charter["members"])
    if len(keys) != there or len(distinct) != there * len(_USES):
        raise PackError("the charter has a name or a key twice")
    version = _Version(charter, sha256(payload).digest(), keys)
    signers = _signers(signed, payload, version, before)
    if before is None:
        if charter["version"] != 1 or signers != {
            (name, each["statement"]) for name, each in keys.items()
        }:
            raise PackError("a member has not signed the charter")
        return version
    _check_next(version, before, signers)
    return version


def _signers(
    signed: Any,  # noqa: ANN401
    payload: bytes,
    version: _Version,
    before: _Version | None,
) -> set[tuple[str, bytes]]:
    """Give who has signed, and with which key; each key signs once."""
    frame = b"fedsafe/v1/charter\n" + _lp(version.charter["federation"].encode())
    known = [each for each in (before, version) if each is not None]
    found: set[tuple[str, bytes]] = set()
    for each in signed:
        _only(each, "a signature", "type", "signer", "payload", "signature")
        if each["type"] != "charter":
            raise PackError("a signature under something else than a charter")
        if _base64(each["payload"]) != payload:
            raise PackError("the members have signed different charters")
        name, signature = each["signer"], _base64(each["signature"])
        keys = {one.keys[name]["statement"] for one in known if name in one.keys}
        slot = next(
            ((name, key) for key in keys if _holds(key, frame + payload, signature)),
            None,
        )
        if slot is None or slot in found:
            raise PackError("a signature under the charter is bad, or there twice")
        found.add(slot)
    return found


def _check_next(
    version: _Version, before: _Version, signers: set[tuple[str, bytes]]
) -> None:
    """Check what a later version of the charter needs."""
    charter, old = version.charter, before.charter
    if (
        charter["federation"] != old["federation"]
        or charter["version"] != old["version"] + 1
        or _base64(charter["previous"]) != before.digest
    ):
        raise PackError("a version of the charter does not follow the one before")
    robbed = version.robbed(before)
    for each in (before, version):
        slots = {(name, each.keys[name]["statement"]) for name in each.active()}
        quorum = each.charter["quorum"]
        said = {(name, key) for name, key in slots & signers if name not in robbed}
        signed = len(said) if each is before else len(slots & signers)
        if 2 * quorum <= len(slots) or signed < quorum:
            raise PackError("a version of the charter lacks its quorum")
    for name, keys in version.keys.items():
        was = before.keys.get(name)
        needed = {(name, keys["statement"])} if was != keys else set()
        if was is not None and was != keys and name not in robbed:
            needed.add((name, was["statement"]))
        if needed - signers:
            raise PackError("a member has not signed the charter")


def _holds(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        check(public, message, signature)
    except PackError:
        return False
    return True


def _list(document: dict[str, Any], name: str) -> list[Any]:
    value = document.get(name)
    if not isinstance(value, list):
        raise PackError("{name} is missing", name=name)
    return value


def _json(data: bytes) -> dict[str, Any]:
    if sum(map(data.count, (b"{", b"[", b","))) > _MOST_MARKS:
        raise PackError("a JSON text is larger than a pack's")
    try:
        # Left to itself the module takes UTF-16 as well, which another tool would not.
        value = json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise PackError("a JSON text is malformed") from None
    if not isinstance(value, dict):
        raise PackError("a JSON text is no object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _refuse(text: str) -> None:
    raise ValueError(f"{text[:20]} is no whole number")


def _only(document: Mapping[str, Any], what: str, *names: str) -> None:
    if set(document) != set(names):
        raise PackError("{what} has other fields than it has in a pack", what=what)


def _count(value: object, otherwise: str, **values: object) -> int:
    """Take a whole number; True is none."""
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise PackError(otherwise, **values)
    return value


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise PackError("{name} is missing", name=name)
    return value


def _base64(text: object) -> bytes:
    try:
        decoded = b64decode(str(text), validate=True)
    except ValueError:
        decoded = b""
    # The bits beside the last byte must be zero, or one value had many spellings.
    if b64encode(decoded).decode() != text:
        raise PackError("a value is no base64")
    return decoded


def _hex(text: object) -> bytes:
    if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{64}", text):
        raise PackError("a hash is malformed")
    return bytes.fromhex(text)


def _utf8(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise PackError("a note is not UTF-8") from None


def _seconds(moment: str) -> int:
    """Read a record's time; one without a zone is UTC."""
    read = datetime.fromisoformat(moment)
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())


def read_fingerprint(text: str) -> str:
    """Take a SHA-256 as people hand it on: spaces, colons and capitals are no matter.

    Raises:
        TrustError: it is none, so it says nothing of a pack.
    """
    plain = re.sub(r"[\s:]", "", text)
    odd = re.search("[^0-9a-f]", plain, re.IGNORECASE | re.ASCII)
    if odd is None and len(plain) == _DIGITS:
        return plain.lower()
    if odd is not None:
        de, en = f"{odd[0]} ist keine davon", f"{odd[0]} is none of them"
    else:
        de = f"hier sind es {len(plain)}"
        en = f"here are {len(plain)}"
    raise TrustError(
        "--trust nimmt 64 Ziffern aus 0 bis 9 und a bis f (Leerzeichen und "
        f"Doppelpunkte zählen nicht); {de}. Den Fingerabdruck zeigt `fedsafe audit "
        "status` beim Betreiber des Knotens, den SHA-256 der Satzung `fedsafe "
        "federation history` bei einem anderen Mitglied. Nichts wurde geprüft.",
        "--trust takes 64 digits of 0 to 9 and a to f (spaces and colons do not "
        f"count); {en}. The node's operator finds the fingerprint with `fedsafe audit "
        "status`, another member the SHA-256 of the charter with `fedsafe federation "
        "history`. Nothing was verified.",
    )


# --- the command ------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Verify the pack that the command line names."""
    given = _parser().parse_args(arguments)
    say = _Speaker(given.lang, silent=given.json)
    try:
        with open(given.pack, "rb") as file:  # noqa: PTH123 - a path as it was typed
            report = verify_pack(
                file,
                *given.trust,
                witnesses=given.witnesses,
                anchors_from=given.anchors_from,
            )
    except (PackError, TrustError, OSError) as error:
        return _refuse_pack(error, say, as_json=given.json)
    status = INCOMPLETE if report.unproved else OK
    if given.json:
        _print(json.dumps({"status": status} | _as_json(report)))
        return status
    _tell(report, say)
    if not report.unproved:
        say("UNVERSEHRT", "VERIFIES")
        return OK
    say("NICHT BEWIESEN", "NOT PROVED", ":")
    for each in report.unproved:
        say.sentence(each.de, each.en)
    count = len(report.unproved)
    say("NICHT ALLES BEWIESEN", "NOT ALL IS PROVED", f": {count}")
    return status


def _refuse_pack(
    error: PackError | TrustError | OSError, say: "_Speaker", *, as_json: bool
) -> int:
    """Say why nothing is told of the pack, and give the exit status."""
    if isinstance(error, PackError):
        status, de, en = TAMPERED, "NICHT UNVERSEHRT", "DOES NOT VERIFY"
        why, german = str(error), error.german
    elif isinstance(error, TrustError):
        status, de, en = USAGE, "kein Fingerabdruck", "no fingerprint"
        why, german = str(error), error.german
    else:
        status, de, en = UNREADABLE, "nicht lesbar", "cannot be read"
        why = error.strerror or str(error)
        german = _GERMAN.get(why, why)
    if as_json:
        _print(json.dumps({"status": status, "why": why}))
    else:
        say.line(f"{de}: {german}", f"{en}: {why}")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Verify a FedSafe evidence pack.",
        epilog="Exit status: 0 verifies, all is proved; 2 usage; 20 does not verify; "
        "21 verifies, but something is not proved; 22 cannot be read.",
    )
    parser.add_argument("pack", metavar="PACK.zip")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="FINGERPRINT",
        help="SHA-256 of the node's audit key as its operator tells it, or of the "
        "charter as another member tells it; both may be given",
    )
    for older in ("--fingerprint", "--charter"):  # packs of before say so
        parser.add_argument(
            older, action="append", dest="trust", help=argparse.SUPPRESS
        )
    parser.add_argument(
        "--witnesses",
        type=_number,
        metavar="N",
        help="how many members must have cosigned (a majority of the others; 0 for a "
        "node that is alone, whose own word is enough)",
    )
    parser.add_argument(
        "--anchors-from",
        type=_number,
        default=0,
        metavar="N",
        help="from which leaf of the anchor on all must be shown (0)",
    )
    parser.add_argument("--lang", choices=("de", "en"), help="one language only")
    parser.add_argument("--json", action="store_true", help="the result for programs")
    return parser


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError("a whole number is wanted")
    return int(text)


class _Speaker:
    """Says things in one language or in both, and nothing to programs."""

    def __init__(self, language: str | None, *, silent: bool) -> None:
        self._language = language
        self._silent = silent

    def __call__(self, de: str, en: str, rest: str = "") -> None:
        """Say a short word in one line, and what follows it."""
        both = {"de": de, "en": en}.get(self._language or "", f"{en} / {de}")
        self._line(both + rest)

    def line(self, de: str, en: str) -> None:
        """Say a line, in both languages in one each."""
        for language, text in (("en", en), ("de", de)):
            if self._language in {None, language}:
                self._line(text)

    def sentence(self, de: str, en: str) -> None:
        """Say what stands in a list."""
        self.line(f"  - {de}", f"  - {en}")

    def same(self, text: str) -> None:
        """Say what is the same in both."""
        self._line(text)

    def _line(self, text: str) -> None:
        if not self._silent:
            _print(text)


def _as_json(report: Report) -> dict[str, Any]:
    told = {name: getattr(report, name) for name in _SHOWN}
    times = {name: _moment(at) for name, at in report.witnesses}
    unproved = [each._asdict() for each in report.unproved]
    return told | {"witnesses": times, "unproved": unproved}


_SHOWN = (
    *("node", "made_at", "start", "end", "size", "minimum", "counts", "fingerprint"),
    *("federation", "charter", "cosigned", "members", "wanted", "restored"),
    *("first_anchor", "anchors", "declared"),
)


_KINDS = {
    "records": "Einträge",
    "omitted": "ausgelassen",
    "openings": "Öffnungen",
    "withheld": "zurückgehalten",
    "erased": "gelöscht",
}


def _tell(report: Report, say: _Speaker) -> None:
    say("Knoten", "node", f": {report.node}")
    say(
        "gemacht, nach der Uhr des Knotens",
        "made, by the node's clock",
        f": {report.made_at}",
    )
    first, last, size = report.start, report.end - 1, report.size
    say(
        f"Einträge: {first} bis {last} von {size}",
        f"entries: {first} to {last} of {size}",
    )
    numbers = report.counts.items()
    say(
        "enthält: " + ", ".join(f"{count} {_KINDS[kind]}" for kind, count in numbers),
        "holds: " + ", ".join(f"{count} {kind}" for kind, count in numbers),
    )
    if report.minimum:
        say(
            "der Knoten sagt, nur Hashes hat er von Einträgen vor",
            "the node says that it has only hashes of entries before",
            f": {report.minimum}",
        )
    say("Fingerabdruck", "fingerprint", f": {report.fingerprint}")
    _tell_cosigned(report, say)
    for index in report.declared:
        say(
            f"erklärte Lücke: Eintrag {index} sagt, welche davor verloren sind und "
            "warum",
            f"declared gap: entry {index} says which entries before it were lost, and "
            "why",
        )


def _tell_cosigned(report: Report, say: _Speaker) -> None:
    if not report.witnesses:
        say("von niemandem mitgezeichnet", "cosigned by nobody")
        return
    there, members = len(report.witnesses), report.members
    first, last = report.first_anchor, report.anchors - 1
    number = len(report.charters)
    say("Föderation", "federation", f": {report.federation}")
    say(
        f"Satzung, Fassung {number} (SHA-256)",
        f"charter, version {number} (SHA-256)",
        f": {report.charter}",
    )
    if report.restored:
        say("wiederhergestellt", "restored", f": {report.restored} x")
    until = report.cosigned - 1
    say(f"mitgezeichnet: Einträge 0 bis {until}", f"cosigned: entries 0 to {until}")
    say(
        f"eine Vergangenheit in Ankern: {first} bis {last}",
        f"one past in anchors: {first} to {last}",
    )
    say(
        f"von {there} von {members} anderen Mitgliedern, nach ihrer Uhr",
        f"by {there} of {members} other members, by their clocks",
        ":",
    )
    for name, at in report.witnesses:
        say.same(f"  {name}, {_moment(at)}")
        if at < report.newest:
            say(
                f"  {name}: VOR dem neuesten Eintrag",
                f"  {name}: BEFORE the newest entry",
            )


def _moment(at: int) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat()
    except (OSError, OverflowError, ValueError):
        return f"{at} s"  # a witness that lies about the time


def _print(text: str) -> None:
    """Write a line; nothing in a pack moves the cursor or ends a line."""
    plain = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    try:
        sys.stdout.write(f"{plain}\n")
    except UnicodeEncodeError:
        sys.stdout.write(f"{ascii(plain)[1:-1]}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
