# SPDX-License-Identifier: Apache-2.0
r"""Verify a FedSafe evidence pack: Python 3.11 and the package `cryptography` suffice.

    python3 verify.py PACK.zip --fingerprint HEX --charter HEX

Exit status: 0 the pack verifies, 2 usage, 20 it does not verify, 21 what it shows is
true but less than was wanted of the other members, 22 it cannot be read.

A pack is a ZIP archive without compression whose every byte is fixed by names and
contents; `manifest.note` lists the SHA-256 of each file and is signed by the node's
audit key, as is the checkpoint of its log. Nothing is ever unpacked. Without the
fingerprint, which the node's operator tells by another way, a pack only shows that
it has not changed since somebody signed it.

Where other members of a federation have cosigned, the pack opens what they cosigned:
the node's anchor, each leaf of which commits to a checkpoint of its audit log. Every
opened leaf extends the one before, the pack's checkpoint extends the last, and none in
between is left out. So the node has, since the first leaf that is opened, committed to
one past only, before those members that are named; nothing is shown of leaves before
that one, nor when a leaf was added, but that the last one was there at the time that
each member names. The members saw commitments: no checkpoint, no entry. A node that
shows two anchors to two members is found out if enough of them are asked for
(`--witnesses`, a majority of the other members unless given). Whose keys count is in
the charter, which all members have signed; any of them tells its digest. That an
opening is `erased` is the node's word.
"""

import argparse
import json
import re
import struct
import sys
from base64 import b64decode, b64encode
from binascii import crc32
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "fedsafe/evidence/1"
MANIFEST = "manifest.note"
MAX_FILES = 4_096
MAX_FILE_BYTES = 64 * 1024 * 1024
OK, USAGE, TAMPERED, INCOMPLETE, UNREADABLE = 0, 2, 20, 21, 22

_NAME = re.compile(
    r"README\.(?:de|en)\.md|verify\.py|checkpoint"
    r"|(?:pack|keys|proof|charter|cosigned|policies)\.json"
    r"|policies/[0-9a-f]{64}\.toml|(?:anchors|entries)/[0-9]{12}\.ndjson"
    r"|manifest\.note",
    re.ASCII,
)
_NEEDED = ("pack.json", "keys.json", "checkpoint", "proof.json", MANIFEST)
_COSIGNED = ("charter.json", "cosigned.json")
_USES = ("audit", "statement", "witness")
_KEPT = frozenset(_NEEDED + _COSIGNED)
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
    """The pack does not verify; the text says where."""


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
            raise PackError(f"the archive is malformed at byte {offset}")
        text = name.decode("latin-1")
        if not _NAME.fullmatch(text):
            raise PackError("a file that no pack holds")
        content = _exactly(file, size)
        if crc32(content) != crc:
            raise PackError(f"{text} has changed")
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


@dataclass
class Report:
    """What a pack that verifies holds.

    Of the anchor's `anchors` leaves those from `first_anchor` on are opened; the last
    of them holds the first `cosigned` entries. `newest` is when the newest of these
    that is in the pack was written (seconds, by the node's clock; 0 if none is).
    The node was `restored` so often from an older state, as its anchor's name says;
    `declared` are the entries of the pack that say what was lost then.
    """

    node: str = ""
    fingerprint: str = ""
    start: int = 0
    end: int = 0
    size: int = 0
    made_at: str = ""
    charter: str = ""
    cosigned: int = 0
    first_anchor: int = 0
    anchors: int = 0
    restored: int = 0
    declared: list[int] = field(default_factory=list)
    witnesses: list[tuple[str, int]] = field(default_factory=list)
    members: int = 0
    newest: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("records", "omitted", "openings", "withheld", "erased"), 0
        )
    )


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
    leaves: list[bytes] = field(default_factory=list)

    def take(self, name: str, content: bytes) -> None:
        place = self.start + len(self.leaves)
        if name != f"entries/{place:012}.ndjson":
            raise PackError(f"{name} is out of order")
        for line in content.splitlines(keepends=True):
            self._line(_json(line))

    def _line(self, line: dict[str, Any]) -> None:
        index = self.start + len(self.leaves)
        if line.get("index") != index:
            raise PackError(f"entry {index} is missing")
        if set(line) == {"index", "leaf"} and self.events is not None:
            self.leaves.append(_hex(line["leaf"]))
            self.counts["omitted"] += 1
            return
        try:
            self._record(line, index)
        except (AttributeError, KeyError, TypeError, UnicodeError):
            raise PackError(f"entry {index} is malformed") from None

    def _record(self, line: dict[str, Any], index: int) -> None:
        data = line["record"].encode()
        record = _json(data)
        if self.events is not None and record["event"] not in self.events:
            raise PackError(f"entry {index} is of another class")
        committed = dict(record["commitments"])
        for group, opening in line["openings"].items():
            wanted, salt = _base64(committed.pop(group)), _base64(opening["salt"])
            if commitment(self.log, group, salt, _payload(opening)) != wanted:
                raise PackError(f"entry {index}: the opening of {group} does not fit")
        for group in (*line["erased"], *line["withheld"]):
            committed.pop(group)
        if committed or (line["withheld"] if self.openings else line["openings"]):
            raise PackError(f"entry {index}: openings are missing, or too many")
        self.leaves.append(leaf_hash(data))
        if record["event"] == _RESTORED:
            self.declared.append(index)
        if index < self.cosigned:
            self.newest = max(self.newest, _seconds(record["at"]))
        self.counts["records"] += 1
        for kind in ("openings", "withheld", "erased"):
            self.counts[kind] += len(line[kind])


def _payload(opening: dict[str, str]) -> bytes:
    if "payload" in opening:
        return opening["payload"].encode()
    return _base64(opening["payload_base64"])


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
            raise PackError(f"{name} is out of order")
        for line in content.splitlines(keepends=True):
            self._line(_json(line))

    def _line(self, line: dict[str, Any]) -> None:
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
    file: BinaryIO, fingerprint: str | None = None, charter: str | None = None
) -> Report:
    """Verify a pack, that this node made it, and that its charter is this one.

    Raises:
        PackError: it does not verify.
    """
    try:
        return _verify(file, fingerprint, charter)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        # A value of a kind that no check above asked about; nobody wrote that.
        raise PackError("a part of the pack is malformed") from None


def _verify(file: BinaryIO, fingerprint: str | None, charter: str | None) -> Report:
    files = _Files()
    for name, content in read_files(file):
        files.take(name, content)
    kept, digests, report = files.kept, files.digests, files.report
    if files.part is None or any(name not in kept for name in _NEEDED):
        raise PackError("a file is missing")
    key = _audit_key(kept)
    if key.name != f"{report.node}/audit":
        raise PackError("the key is of another node")
    report.fingerprint = key.fingerprint
    if fingerprint is not None and _plain(fingerprint) != key.fingerprint:
        raise PackError("the pack is signed by another key than the fingerprint's")
    del digests[MANIFEST]
    if open_note(kept[MANIFEST], key) != "".join([f"{FORMAT}\n", *digests.values()]):
        raise PackError("the files are not those of the manifest")
    root = _check_root(kept, key, files.part, report)
    _check_cosigned(kept, files.chain, root, report)
    if charter is not None and report.charter not in {"", _plain(charter)}:
        raise PackError("the charter is another than the digest's")
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
            raise PackError(f"{name} is there twice")
        self.digests[name] = f"{sha256(content).hexdigest()} {len(content)} {name}\n"
        if name in _KEPT:
            self.kept[name] = content
        elif name.startswith("policies/"):
            _check_policy(name, content)
        elif name.startswith("anchors/"):
            if self.part is not None:  # it is told which entries were cosigned
                raise PackError(f"{name} is out of order")
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
    key, first = _audit_key(kept), _json(kept["cosigned.json"]).get("first")
    if not isinstance(first, int) or first < 0:
        raise PackError("cosigned.json is malformed")
    text, _ = split_note(_text(_json(kept["cosigned.json"]), "checkpoint").encode())
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
        return [
            make_key(key.name, _base64(each["audit"]))
            for member in _json(payload)["members"]
            if member["name"] == node
            for each in member.get("former", [])
        ]
    except (AttributeError, IndexError, KeyError, TypeError):
        raise PackError("charter.json is malformed") from None


def _anchor(key: Key) -> str:
    return f"{key.name.removesuffix('/audit')}/anchor"


def _begin(kept: dict[str, bytes], chain: _Chain | None, report: Report) -> _Slice:
    pack = _json(kept.get("pack.json", b""))
    start, events = pack.get("start"), pack.get("events")
    named = events is None or isinstance(events, list)
    if pack.get("format") != FORMAT or not isinstance(start, int) or not named:
        raise PackError("pack.json is of another format")
    report.node, report.made_at = _text(pack, "node"), _text(pack, "made_at")
    report.start = start
    return _Slice(
        log=_text(pack, "log"),
        start=start,
        openings=pack.get("openings") == "included",
        events=None if events is None else frozenset(map(str, events)),
        counts=report.counts,
        declared=report.declared,
        cosigned=chain.size if chain is not None else 0,
    )


def _check_policy(name: str, content: bytes) -> None:
    if name != f"policies/{sha256(content).hexdigest()}.toml":
        raise PackError(f"{name} is another policy")


def _check_root(
    kept: dict[str, bytes], key: Key, part: _Slice, report: Report
) -> bytes:
    lines = open_note(kept["checkpoint"], key).split("\n")
    pack, proof = _json(kept["pack.json"]), _json(kept["proof.json"]).get("hashes")
    end = part.start + len(part.leaves)
    origin, size, root = _checkpoint(lines)
    if not origin == part.log == key.name or end > size:
        raise PackError("the checkpoint is of another log, or older than the entries")
    if end != pack.get("end") or not part.leaves:
        raise PackError("entries are missing, or too many")
    if not isinstance(proof, list):
        raise PackError("proof.json is malformed")
    found = range_root(part.leaves, part.start, size, list(map(_hex, proof)))
    if found != root:
        raise PackError("the entries are not those of the checkpoint")
    report.end, report.size, report.newest = end, size, part.newest
    return root


def _checkpoint(lines: Sequence[str]) -> tuple[str, int, bytes]:
    if len(lines) != 4 or not re.fullmatch(r"[1-9][0-9]{0,18}", lines[1], re.ASCII):  # noqa: PLR2004 - origin, size, root and the end
        raise PackError("the checkpoint is malformed")
    return lines[0], int(lines[1]), _base64(lines[2])


# --- what other members have cosigned ---------------------------------------------


def _check_cosigned(
    kept: dict[str, bytes], chain: _Chain | None, root: bytes, report: Report
) -> None:
    """Follow the way from the witnesses' signatures to the pack's checkpoint."""
    there = [name for name in _COSIGNED if name in kept]
    if not there and chain is None:
        return
    if chain is None or len(there) < len(_COSIGNED):
        raise PackError("a file is missing")
    said = _json(kept["cosigned.json"])
    members = _open_charter(kept["charter.json"], report)
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


def _open_charter(data: bytes, report: Report) -> dict[str, dict[str, bytes]]:
    """Give the keys of all members of the newest version, after following them all."""
    document = _json(data)
    before = document.get("before", [])
    if not isinstance(before, list):
        raise PackError("charter.json is malformed")
    previous: _Version | None = None
    try:
        for each in [*before, document]:
            previous = _follow_charter(each["signatures"], previous)
    except (AttributeError, IndexError, KeyError, TypeError):
        raise PackError("charter.json is malformed") from None
    if previous is None:
        raise PackError("charter.json is malformed")
    report.charter = previous.digest.hex()
    return previous.keys


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
        raise PackError(f"{name} is missing")
    return value


def _json(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise PackError("a JSON text is malformed") from None
    if not isinstance(value, dict):
        raise PackError("a JSON text is no object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name is there twice")
    return dict(pairs)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise PackError(f"{name} is missing")
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


def _plain(fingerprint: str) -> str:
    return re.sub(r"[\s:]", "", fingerprint).lower()


# --- the command ------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    """Verify the pack that the command line names."""
    parser = argparse.ArgumentParser(description="Verify a FedSafe evidence pack.")
    parser.add_argument("pack", metavar="PACK.zip")
    parser.add_argument("--fingerprint", help="SHA-256 of the node's audit key")
    parser.add_argument("--charter", help="SHA-256 of the charter, from a member")
    parser.add_argument(
        "--witnesses",
        type=int,
        metavar="N",
        help="how many members must have cosigned (a majority of the others)",
    )
    parser.add_argument(
        "--anchors-from",
        type=int,
        default=0,
        metavar="N",
        help="from which leaf of the anchor on all must be shown (0)",
    )
    given = parser.parse_args(arguments)
    try:
        with open(given.pack, "rb") as file:  # noqa: PTH123 - a path as it was typed
            report = verify_pack(file, given.fingerprint, given.charter)
    except PackError as error:
        _say(f"DOES NOT VERIFY / NICHT UNVERSEHRT: {error}")
        return TAMPERED
    except OSError as error:
        _say(f"cannot be read / nicht lesbar: {error.strerror}")
        return UNREADABLE
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    _say(f"node / Knoten: {report.node}, {report.made_at}")
    _say(f"entries / Einträge: {report.start} to {report.end - 1} of {report.size}")
    _say(f"holds / enthält: {counts}")
    _say(f"fingerprint / Fingerabdruck: {report.fingerprint}")
    _tell_cosigned(report)
    _tell_gaps(report)
    if given.fingerprint is None:
        _say("NOT COMPARED: ask the node's operator for the fingerprint by another way")
        _say("NICHT VERGLICHEN: Fingerabdruck auf anderem Weg beim Betreiber erfragen")
    if given.charter is None and report.charter:
        _say("NOT COMPARED: ask another member for the charter's SHA-256")
        _say(
            "NICHT VERGLICHEN: SHA-256 der Satzung bei einem anderen Mitglied erfragen"
        )
    lacking = _lacking(report, _wanted(report, given), given.anchors_from)
    for each in lacking:
        _say(f"INCOMPLETE / UNVOLLSTÄNDIG: {each}")
    if lacking:
        return INCOMPLETE
    _say("VERIFIES / UNVERSEHRT")
    return OK


def _wanted(report: Report, given: argparse.Namespace) -> int:
    if given.witnesses is not None:
        return int(given.witnesses)
    if report.members:
        return report.members // 2 + 1
    return 1 if given.charter is not None else 0


def _lacking(report: Report, wanted: int, since: int) -> list[str]:
    found, there = [], len(report.witnesses)
    if there < wanted:
        found.append(
            f"cosigned by {there}, wanted {wanted}; others may have been shown "
            f"another log / mitgezeichnet von {there}, verlangt {wanted}"
        )
    if report.first_anchor > since:
        last = report.first_anchor - 1
        found.append(f"anchors {since} to {last} are not shown / fehlen")
    return found


def _tell_cosigned(report: Report) -> None:
    if not report.witnesses:
        _say("cosigned by nobody / von niemandem mitgezeichnet")
        return
    there, members = len(report.witnesses), report.members
    first, last = report.first_anchor, report.anchors - 1
    if report.restored:
        _say(f"restored / wiederhergestellt: {report.restored} x")
    _say(f"cosigned / mitgezeichnet: entries 0 to {report.cosigned - 1}")
    _say(f"one past in anchors / eine Vergangenheit in Ankern: {first} to {last}")
    _say(f"by / von: {there} of {members} other members / anderen Mitgliedern")
    for name, at in report.witnesses:
        _say(f"  {name}, {_moment(at)}")
        if at < report.newest:
            _say(f"  {name}: BEFORE the newest entry / VOR dem neuesten Eintrag")
    _say(f"charter / Satzung (SHA-256): {report.charter}")


def _tell_gaps(report: Report) -> None:
    for index in report.declared:
        _say(
            f"declared gap: entry {index} says which entries before it were lost, and "
            f"why / erklärte Lücke: Eintrag {index} sagt, welche davor verloren sind "
            "und warum"
        )


def _moment(at: int) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).isoformat()
    except (OSError, OverflowError, ValueError):
        return f"{at} s"  # a witness that lies about the time


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
