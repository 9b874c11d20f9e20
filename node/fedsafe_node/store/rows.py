# SPDX-License-Identifier: Apache-2.0
"""The rows that the node keeps, as every store gives and takes them.

Times are whole seconds since 1970 in UTC. A row's `repr` shows the length of a
byte string, never the bytes: tokens and sealed openings stay out of every log.
"""

from enum import StrEnum, unique
from typing import Final

from msgspec import Struct

LogName = str  # such as "chat.example.de/feed": the C2SP origin of the log


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row; its bytes are not shown."""

    def __repr__(self) -> str:
        """Show the fields, and of bytes only how many."""
        fields = ", ".join(
            f"{name}={_shown(getattr(self, name))}" for name in self.__struct_fields__
        )
        return f"{type(self).__name__}({fields})"


def _shown(value: object) -> str:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else repr(value)


class Opening(Row, frozen=True, gc=False):
    """The payload and salt behind one commitment of a record."""

    group: str
    salt: bytes
    payload: bytes


class LogEntry(Row, frozen=True, gc=False):
    """A record with its openings, as it is appended."""

    record: bytes
    openings: tuple[Opening, ...] = ()


class Tail(Row, frozen=True):
    """The end of a log: size, root, and the leaf hashes behind its last full tile."""

    size: int
    root: bytes
    leaves: tuple[bytes, ...]


class SealedOpening(Row, frozen=True, gc=False):
    """An opening as it lies in the store; `sealed` is None once it is erased."""

    index: int
    group: str
    period: str
    sealed: bytes | None
    erased_at: int | None = None


CHUNK_ENTRIES: Final = 1_024
"""Entries of a log that the index of events holds together."""


class EventPart(Row, frozen=True, gc=False):
    """A part of a chunk in the index of events, as far as one month sealed it.

    Its first entry is `chunk` times `CHUNK_ENTRIES`; `content` is as stored.
    """

    part: str
    chunk: int
    period: str
    content: bytes


# An opening as its row: index, group, period, sealed bytes (None: erased).
RawOpening = tuple[int, str, str, bytes | None]
# An index and a group, and what the opening there commits to; None once it is erased.
Committed = tuple[int, str, bytes | None]


class KeptOpening(Row, frozen=True, gc=False):
    """An opening and where it belongs; `opening` is None once it is erased.

    Without `erased_at`, what erased it is the destruction of its period's key.
    """

    index: int
    group: str
    opening: Opening | None
    erased_at: int | None = None
    period: str = ""


@unique
class SignalStatus(StrEnum):
    """Whether a signal may match; only `ACTIVE` does."""

    ACTIVE = "active"
    DISPUTED = "disputed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ERASED = "erased"


class NewSignal(Row, frozen=True, gc=False):
    """A signal to keep. Its opening lies in `log` at `index` under `group`.

    An own ban (`own`) is not in the feed: its opening lies in the audit log.
    """

    signal_id: bytes
    origin: str
    plane: str
    scope: str
    epoch: int
    generation: int
    token: bytes
    match_until: int
    erase_after: int
    log: str
    index: int
    group: str
    media_kind: int | None = None
    own: bool = False
    status: SignalStatus = SignalStatus.ACTIVE


class SignalRow(Row, frozen=True):
    """A signal as kept; `row` is what the token index points to."""

    row: int
    signal_id: bytes
    origin: str
    plane: str
    scope: str
    epoch: int
    generation: int
    media_kind: int | None
    token: bytes | None
    match_until: int
    erase_after: int
    status: SignalStatus
    own: bool
    log: str
    index: int
    group: str


class TokenRow(Row, frozen=True):
    """What the token index is rebuilt from."""

    row: int
    token: bytes


class RestrictionRow(Row, frozen=True):
    """A restriction statement that was accepted, by the digest of its bytes."""

    digest: bytes
    origin: str
    author: str
    sequence: int
    effect: str
    statement: bytes


class NamedRow(Row, frozen=True):
    """A signal that a kept statement names, whether it has arrived or not."""

    origin: str
    signal_id: bytes
    effect: str
    digest: bytes


@unique
class PeerState(StrEnum):
    """Whether a peer's signals may match."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class PeerRow(Row, frozen=True):
    """How far a peer's feed is replicated: `cursor` is the size of our copy."""

    origin: str
    cursor: int
    root: bytes
    checkpoint: str
    synced_at: int
    state: PeerState = PeerState.ACTIVE


@unique
class DraftState(StrEnum):
    """Where a draft stands between its author and the second person."""

    PENDING = "pending"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class DraftRow(Row, frozen=True):
    """A signal that waits for a second person; its payload is sealed."""

    signal_id: bytes
    author: str
    created_at: int
    period: str
    sealed: bytes | None
    state: DraftState = DraftState.PENDING
    decided_by: str | None = None
    decided_at: int | None = None
    plane: str = "actor"
    scope: str = "federation"


class CredentialRow(Row, frozen=True):
    """A person's or a machine's access; only a hash of the secret is kept."""

    id: str
    name: str
    role: str
    secret_hash: bytes
    created_at: int
    expires_at: int | None = None


class GateRow(Row, frozen=True):
    """A legal-gate record as it was entered; the newest one counts."""

    id: str
    record: bytes
    valid_until: int
    recorded_at: int
    recorded_by: str


class RegisterRow(Row, frozen=True):
    """An entry of the Schutzkonzept register; what counts follows from all of them."""

    id: str
    item: str
    record: bytes
    recorded_at: int
    recorded_by: str


class IdempotencyRow(Row, frozen=True):
    """The answer that a repeated request gets again."""

    key: str
    request_digest: bytes
    status: int
    body: bytes
    expires_at: int


@unique
class Trouble(StrEnum):
    """Why the disk did not take a write."""

    FULL = "full"
    BUSY = "busy"
    FAILED = "failed"


class StoreTrouble(Row, frozen=True):
    """Writes fail for this reason since this time; none has succeeded since."""

    kind: Trouble
    since: int


class Counts(Row, frozen=True):
    """How much the store holds, for health and metrics."""

    signals: int
    active: int
    own: int
    drafts: int
    peers: int
    restrictions: int


def sequence_key(author: str) -> str:
    """Name the small value that counts an author's restrictions."""
    return f"restrictions/{author}"
