# SPDX-License-Identifier: Apache-2.0
"""What the seal holds, and how its parts are kept.

* `main`: its number, digests of the schema and of the other parts, size and root of
  each log, and how far the guard had come;
* `files`: a keyed digest of each key file;
* `table:<name>`: the sums over the table's rows (`fedsafe_crypto.primitives.multiset`).

Two marks lie beside them while and after a store is moved to another database
(`fedsafe_node.operations.move`), and no node opens a store that has one:

* `moving`, in the place of a seal: not all of it is here yet;
* `moved`: it went on elsewhere, and what is here is old.

`main` is written in every commit that changes anything, the others when they change.
Each is a box under a key derived from `seal.key`, which lies outside the database, so
nobody without it can write a seal, put a part in another's place, or learn a sum. A
part that was put back does not fit `main`; a `main` that was put back does not fit
the logs, which grow with every act.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.primitives.multiset import Multiset, derive_key, row_hash
from fedsafe_crypto.seal.secretbox import decrypt, encrypt
from fedsafe_node.ground.errors import SealBrokenError, StoreError
from fedsafe_node.store.sql import Connection
from fedsafe_policies.ground.catalogue import Phrase

MAIN: Final = "main"
FILES: Final = "files"
MOVING: Final = "moving"
MOVED: Final = "moved"
_TABLE: Final = "table:"
_AAD: Final = b"fedsafe/seal/v1\n"
_SUM_BYTES: Final = 32
_TABLE_OF_SEAL: Final = "seal"


class StoreMovedError(StoreError):
    """The store went on in another database; what is here is old."""

    def __init__(self, where: str) -> None:
        self.way_out = way_to(where)
        super().__init__(f"this store has moved: it goes on at {where}; {self.way_out}")
        self.where = where


def way_to(where: str) -> Phrase:
    """Say what leads a node to the place where its store went on."""
    if where.startswith("sqlite:"):  # `node.toml` names servers only
        return Phrase(
            "take [store] out of node.toml, or run the same `fedsafe store migrate` "
            "once more with --switch"
        )
    return Phrase(
        "name that in [store] of node.toml, or bring it back with `fedsafe store "
        "migrate`"
    )


class SealKey:
    """What makes and opens seals. Nothing of it shows."""

    def __init__(self, secret: bytes) -> None:
        """Derive all keys.

        Raises:
            WrongLengthError: the secret has not 32 bytes.
        """
        self.hash_row = row_hash(derive_key(secret, "rows"))
        self._box = derive_key(secret, "box")
        self._files = derive_key(secret, "files")

    def __repr__(self) -> str:
        """Show nothing."""
        return "SealKey()"

    def file_digest(self, name: str, content: bytes) -> bytes:
        """Return the keyed digest of a file under its name."""
        return blake2b(
            lp_text(name) + content, key=self._files, digest_size=32
        ).digest()

    def close(self, part: str, body: bytes) -> bytes:
        """Seal a part."""
        return encrypt(self._box, body, _AAD + part.encode())

    def open(self, part: str, box: bytes) -> bytes:
        """Open a part.

        Raises:
            OpenError: it is not that part, or was sealed under another key.
        """
        return decrypt(self._box, box, _AAD + part.encode())


class MainPart(msgspec.Struct, frozen=True, array_like=True):
    """The part that binds all others; `logs` has size and root, `guards` sizes."""

    number: int
    schema: bytes
    parts: bytes
    logs: dict[str, tuple[int, bytes]]
    guards: dict[str, int]


class Moving(msgspec.Struct, frozen=True, array_like=True):
    """Of which state of a store this is an unfinished copy: a seal's number, `main`."""

    number: int
    main: bytes


class Moved(msgspec.Struct, frozen=True, array_like=True):
    """Where a store went on, and the number of the last seal before that."""

    to: str
    number: int


_Sums = tuple[int, bytes, bytes]
_encode = msgspec.msgpack.Encoder().encode
_main = msgspec.msgpack.Decoder(MainPart)
_files = msgspec.msgpack.Decoder(dict[str, bytes])
_sums = msgspec.msgpack.Decoder(_Sums)
_moving = msgspec.msgpack.Decoder(Moving)
_moved = msgspec.msgpack.Decoder(Moved)


@dataclass(frozen=True, slots=True)
class Seal:
    """A whole seal. A table without rows has no part."""

    main: MainPart
    files: Mapping[str, bytes] = field(default_factory=dict)
    tables: Mapping[str, Multiset] = field(default_factory=dict)


def encode_main(main: MainPart) -> bytes:
    """Encode the main part."""
    return _encode(main)


def encode_files(files: Mapping[str, bytes]) -> bytes:
    """Encode the part about files."""
    return _encode(dict(sorted(files.items())))


def encode_sums(sums: Multiset) -> bytes:
    """Encode the part about a table."""
    numbers = (sums.total, sums.by_place)
    return _encode((sums.count, *(each.to_bytes(_SUM_BYTES) for each in numbers)))


def table_part(table: str) -> str:
    """Name the part about a table."""
    return _TABLE + table


def digest_of_parts(parts: Mapping[str, bytes]) -> bytes:
    """Return the digest of the encoded parts beside the main one."""
    return blake2b(_encode(sorted(parts.items())), digest_size=32).digest()


def parts_of(
    files: Mapping[str, bytes], tables: Mapping[str, Multiset]
) -> dict[str, bytes]:
    """Encode the parts beside the main one."""
    parts = {FILES: encode_files(files)}
    for table, sums in tables.items():
        parts[table_part(table)] = encode_sums(sums)
    return parts


class Opens(Protocol):
    """Opens parts."""

    def open(self, part: str, box: bytes) -> bytes:
        """Open a part.

        Raises:
            OpenError: it is not that part, or was sealed under another key.
        """
        ...


class OpenedParts:
    """Opens parts, and knows what was in a box that it has just opened."""

    def __init__(self, key: SealKey) -> None:
        self._key = key
        self._opened: dict[str, tuple[bytes, bytes]] = {}

    def open(self, part: str, box: bytes) -> bytes:
        """Open a part, unless it is in the same box as before.

        Raises:
            OpenError: it is not that part, or was sealed under another key.
        """
        known = self._opened.get(part)
        if known is None or known[0] != box:
            known = self._opened[part] = (box, self._key.open(part, box))
        return known[1]


def read_seal(
    connection: Connection, key: Opens, *, has_table: bool = False
) -> Seal | None:
    """Read the seal of a database; None if it never had one.

    Raises:
        SealBrokenError: a part does not open, is missing, or was put back.
    """
    parts = _open_parts(connection, key, has_table=has_table)
    if not parts:
        return None
    parts.pop(MOVED, None)
    if MOVING in parts:
        raise _unfinished()
    body = parts.pop(MAIN, None)
    if body is None:
        raise SealBrokenError("seal", MAIN, Phrase("it is missing"), is_missing=True)
    main = _main.decode(body)
    if digest_of_parts(parts) != main.parts:
        raise SealBrokenError("seal", MAIN, Phrase("parts of it are of another time"))
    files = _files.decode(parts.pop(FILES, _encode({})))
    tables = {
        part.removeprefix(_TABLE): _multiset(body) for part, body in parts.items()
    }
    return Seal(main, files, tables)


def read_marks(
    connection: Connection, key: SealKey
) -> tuple[Moving | None, Moved | None]:
    """Read what is left beside a seal, or in its place, when a store is moved.

    Raises:
        SealBrokenError: a part does not open.
    """
    parts = _open_parts(connection, key, only=(MOVING, MOVED))
    moving, moved = parts.get(MOVING), parts.get(MOVED)
    return (
        None if moving is None else _moving.decode(moving),
        None if moved is None else _moved.decode(moved),
    )


def close_mark(key: SealKey, mark: Moving | Moved) -> tuple[str, bytes]:
    """Seal a mark: the cells of its row."""
    part = MOVING if isinstance(mark, Moving) else MOVED
    return part, key.close(part, _encode(mark))


def refuse_marked(connection: Connection, key: SealKey) -> None:
    """Check that a store is wholly here, and has not gone on elsewhere.

    Raises:
        StoreMovedError: it has.
        SealBrokenError: it is not here yet, or a mark does not open.
    """
    moving, moved = read_marks(connection, key)
    if moving is not None:
        raise _unfinished()
    if moved is not None:
        raise StoreMovedError(moved.to)


def _unfinished() -> SealBrokenError:
    why = Phrase("not all of the store is here yet: run `fedsafe store migrate` again")
    return SealBrokenError("seal", MOVING, why, is_missing=True)


def _open_parts(
    connection: Connection,
    key: Opens,
    only: tuple[str, ...] = (),
    *,
    has_table: bool = False,
) -> dict[str, bytes]:
    if not has_table and _TABLE_OF_SEAL not in connection.tables():
        return {}
    parts: dict[str, bytes] = {}
    for part, box in connection.execute("SELECT part, body FROM seal").fetchall():
        if only and part not in only:
            continue
        try:
            parts[part] = key.open(part, box)
        except (OpenError, TypeError):
            why = Phrase("it does not open: it was changed, or keys/seal.key was")
            raise SealBrokenError("seal", part, why) from None
    return parts


def _multiset(body: bytes) -> Multiset:
    count, total, by_place = _sums.decode(body)
    return Multiset(count, int.from_bytes(total), int.from_bytes(by_place))
