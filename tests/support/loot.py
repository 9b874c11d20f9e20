# SPDX-License-Identifier: Apache-2.0
"""What a thief carries home: every file of stolen node directories, opened.

The thief knows the program and its formats. With the keys in a directory it opens
all that they open: sealed openings, drafts, media bodies. It also looks at older
states of the database that still lie in the write-ahead log, and decodes whatever
looks like base64 or hexadecimal.
"""

import base64
import binascii
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.charter import SignedCharter, open_charter
from fedsafe_federation.feed.signals import SIGNAL_GROUP, SignalOpening, decode_opening
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.keys.own_keys import NodeKeys, load_keys, load_media_keys, load_shares
from fedsafe_node.log.openings import PeriodKeys, unseal_opening
from fedsafe_node.lookup.index.segment import Segment
from fedsafe_node.signals.custody import open_custody
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.store.rows import DraftRow, DraftState, SealedOpening

STATES: Final = 16  # of the database, out of the write-ahead log
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_HEX: Final = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_WAL_HEADER: Final = 32
_FRAME_HEADER: Final = 24


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed body and all that opening it takes, but the identifier."""

    signal_id: bytes
    origin: str
    epoch: int
    opening: SignalOpening


@dataclass(slots=True)
class Loot:
    """All that lay in the directories."""

    nodes: list[str] = field(default_factory=list)
    federation: str = ""
    threshold: int = 0
    members: tuple[int, ...] = ()
    origins: set[str] = field(default_factory=set)
    shares: dict[int, bytes] = field(default_factory=dict)
    own_scalars: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    sealing: list[RecipientKey] = field(default_factory=list)
    tokens: set[bytes] = field(default_factory=set)
    envelopes: dict[bytes, list[Envelope]] = field(default_factory=dict)
    custody: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    heap: list[bytes] = field(default_factory=list)

    def everything(self) -> bytes:
        """All files, what their keys open, and all that this decodes to."""
        plain = b"\n".join(dict.fromkeys([*self.files, *self.heap]))
        return b"\n".join([plain, *_decoded(plain)])

    def custody_opened(self) -> int:
        """How many identifiers in custody the stolen keys open."""
        opened = 0
        for key in self.sealing:
            for node, signal_id, sealed in self.custody:
                try:
                    open_custody(key, node=node, signal_id=signal_id, sealed=sealed)
                except CryptoError:
                    continue
                opened += 1
        return opened


def rob(*directories: Path) -> Loot:
    """Take everything out of copies of nodes' directories."""
    loot = Loot()
    for directory in directories:
        _rob(loot, Place(directory))
    return loot


def _rob(loot: Loot, place: Place) -> None:
    name = load_config(place).name
    loot.nodes.append(name)
    loot.files += [
        path.read_bytes() for path in sorted(place.directory.rglob("*")) if _file(path)
    ]
    _take_keys(loot, place, name, load_keys(place))
    for path in place.index.glob("tokens-*.segment"):
        segment = Segment(path)
        loot.tokens |= {
            high.to_bytes(8) + low.to_bytes(8)
            for high, low in zip(segment.high, segment.low, strict=True)
        }
    periods = PeriodKeys(place.periods)
    with tempfile.TemporaryDirectory() as folder:
        for database in _states(place.database, Path(folder)):
            with closing(sqlite3.connect(database)) as connection:
                _read_database(loot, connection, name, periods)


def _file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _take_keys(loot: Loot, place: Place, name: str, keys: NodeKeys) -> None:
    loot.own_scalars[name] = keys.own.scalar
    loot.keys |= {
        f"{name} {path.stem}": path.read_bytes()[:32]
        for path in sorted(place.keys.rglob("*.key"))
        if not path.name.startswith("share-")
    }
    loot.keys[f"{name} own media"] = keys.own.media.token
    loot.keys[f"{name} own group"] = keys.own.media.group
    for pair in load_media_keys(place).values():
        loot.keys["media token"], loot.keys["media group"] = pair.token, pair.group
    for share in load_shares(place).values():
        loot.shares[share.index] = share.secret
    loot.sealing.append(keys.sealing)


def _states(database: Path, folder: Path) -> Iterator[Path]:
    """Give the database as it is, and as it was at commits that the WAL still has."""
    log = database.with_name(f"{database.name}-wal")
    cuts = _commits(log.read_bytes()) if log.exists() else []
    kept = cuts[:: max(1, len(cuts) // STATES)]
    for number, cut in enumerate([*kept, None]):
        state = folder / f"{number}.db"
        shutil.copyfile(database, state)
        if log.exists():
            state.with_name(f"{state.name}-wal").write_bytes(log.read_bytes()[:cut])
        yield state


def _commits(log: bytes) -> list[int]:
    if len(log) < _WAL_HEADER:
        return []
    page = int.from_bytes(log[8:12])
    size = _FRAME_HEADER + page
    ends = range(_WAL_HEADER + size, len(log) + 1, size)
    return [end for end in ends if any(log[end - size + 4 : end - size + 8])]


def _read_database(
    loot: Loot, connection: sqlite3.Connection, name: str, periods: PeriodKeys
) -> None:
    connection.row_factory = sqlite3.Row
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    rows: dict[str, list[sqlite3.Row]] = {
        table: connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
        for (table,) in tables.fetchall()
    }
    for found in rows.values():
        for row in found:
            loot.heap += [_bytes(value) for value in row if _worth(value)]
    _read_charter(loot, rows)
    logs = {row["id"]: row["origin"] for row in rows.get("logs", ())}
    places = {(row["log"], row["idx"]): row for row in rows.get("signals", ())}
    loot.tokens |= {row["token"] for row in places.values() if row["token"]}
    for row in rows.get("openings", ()):
        _read_opening(loot, row, logs[row["log"]], places, periods)
    for row in rows.get("drafts", ()):
        _read_draft(loot, row, name, periods)
    known = set(loot.custody)
    loot.custody += [
        entry
        for row in rows.get("custody", ())
        if (entry := (name, row["signal_id"], row["sealed"])) not in known
    ]


def _read_charter(loot: Loot, rows: dict[str, list[sqlite3.Row]]) -> None:
    for row in rows.get("documents", ()):
        if row["name"] == "charter":
            charter = open_charter(decode(row["body"], SignedCharter))
            loot.federation = charter.federation
            loot.threshold = charter.epochs[-1].threshold
            loot.members = tuple(member.index for member in charter.members)
            loot.origins |= {member.name for member in charter.members}


def _read_opening(
    loot: Loot,
    row: sqlite3.Row,
    log: str,
    places: dict[tuple[str, int], sqlite3.Row],
    periods: PeriodKeys,
) -> None:
    sealed = SealedOpening(
        index=row["idx"], group=row["grp"], period=row["period"], sealed=row["sealed"]
    )
    try:
        opening = unseal_opening(periods, log, sealed)
    except NodeError:
        return
    if opening is None:
        return
    loot.heap += [opening.salt, opening.payload]
    signal = places.get((log, row["idx"]))
    if row["grp"] == SIGNAL_GROUP and signal is not None:
        origin = f"own:{signal['origin']}" if signal["own"] else signal["origin"]
        if origin.startswith("own:own:"):
            origin = origin.removeprefix("own:")
        _keep(loot, signal["signal_id"], origin, opening.payload)


def _read_draft(loot: Loot, row: sqlite3.Row, name: str, periods: PeriodKeys) -> None:
    if row["sealed"] is None:
        return
    draft = open_draft(
        DraftRow(
            signal_id=row["signal_id"],
            author=row["author"],
            created_at=row["created_at"],
            period=row["period"],
            sealed=row["sealed"],
            state=DraftState(row["state"]),
        ),
        periods,
    )
    loot.heap.append(draft.payload)
    _keep(loot, row["signal_id"], name, draft.payload)


def _keep(loot: Loot, signal_id: bytes, origin: str, payload: bytes) -> None:
    header, opening = decode_opening(payload)
    loot.heap.append(opening.sealed)
    if opening.token is not None:
        loot.tokens.add(opening.token)
        envelope = Envelope(signal_id, origin, header.epoch, opening)
        loot.envelopes.setdefault(opening.token, []).append(envelope)


def _worth(value: object) -> bool:
    return isinstance(value, bytes | str) and len(value) > 0


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - a column's value
    return value.encode() if isinstance(value, str) else bytes(value)


def _decoded(data: bytes) -> Iterator[bytes]:
    seen: set[bytes] = set()
    for run in _BASE64.findall(data):
        if run not in seen:
            seen.add(run)
            padded = run + b"=" * (-len(run) % 4)
            try:
                yield base64.b64decode(padded, altchars=b"-_" if _safe(run) else None)
            except binascii.Error:
                continue
    for run in _HEX.findall(data):
        yield bytes.fromhex(run.decode())


def _safe(run: bytes) -> bool:
    return b"-" in run or b"_" in run
