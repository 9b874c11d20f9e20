# SPDX-License-Identifier: Apache-2.0
"""Witness the logs of other members (c2sp.org/tlog-witness).

What was seen is compared, replaced and kept in one act of the store, and the
cosignature leaves only after that is durable. So a witness that dies in between has
cosigned nothing that it does not remember; the log asks again and gets it.

The statuses are those of the specification, with texts instead of problems: other
programs ask as well. A fork is an audit event that holds both checkpoints, kept in the
act that saw them: each is signed by its log, so together they convict it before
anybody. What is shown again is answered as it was before, without a write.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeVar

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint
from fedsafe_crypto.tlog.cosignature import cosign
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey, signature_line, split_note
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import (
    MalformedError,
    UnknownLogError,
    UntrustedError,
    WitnessConflictError,
    WitnessError,
    WitnessRefusedError,
)
from fedsafe_federation.feed.forks import fork_of
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.feed.witnessing import (
    NOTHING_SEEN,
    SIZE_TYPE,
    TEXT_TYPE,
    AddCheckpoint,
    Seen,
    anchor_life,
    anchor_name,
    judge,
    log_keys,
    open_log,
    witness_name,
)
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NotFoundError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.anchor import keep_life, read_life
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.members.forks import Forks
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.peering_rows import WitnessedRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

T = TypeVar("T")
_Keys = Mapping[VerifierKey, int | None]
MOST_FORKS: Final = 8
"""Of each log since the start: one convicts it, and a liar can make any number."""
_STATUS: Final[Mapping[type[Exception], int]] = {
    MalformedError: 400,
    UntrustedError: 403,
    UnknownLogError: 404,
    WitnessRefusedError: 422,
}
_LOG: Final = logging.getLogger(f"{LOGGER}.witnessing")


@dataclass(frozen=True, slots=True)
class WitnessAnswer:
    """What a witness answers."""

    status: int
    body: bytes
    media: str = TEXT_TYPE


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was cosigned last of a log, and the key that the log had then."""

    key: VerifierKey
    row: WitnessedRow


class WitnessServer:
    """Cosigns what extends what it has seen.

    State, owned by the event loop: `_alarmed` are the forks that were written down, as
    key of the log, size and root.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        key: SigningKey,
        trail: AuditTrail,
        clock: Clock,
        forks: Forks,
    ) -> None:
        self._situation = situation
        self._store = store
        self._key = key
        self._name = witness_name(situation.node)
        self._trail = trail
        self._clock = clock
        self._forks = forks
        self._alarmed: set[tuple[str, int, bytes]] = set()

    async def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Cosign the checkpoint of a member's log.

        Raises:
            StoreError: nothing was cosigned.
        """
        try:
            line = await self._answer(AddCheckpoint.parse(body))
        except WitnessConflictError as error:
            nothing_happened()
            return WitnessAnswer(409, f"{error.size}\n".encode(), SIZE_TYPE)
        except (MalformedError, UntrustedError, WitnessError) as error:
            if not (isinstance(error, WitnessRefusedError) and error.fork):
                nothing_happened()
            status = next(_STATUS[each] for each in _STATUS if isinstance(error, each))
            return WitnessAnswer(status, f"{error.why}\n".encode())
        nothing_happened()
        return WitnessAnswer(200, line.encode())

    async def checkpoint(self, origin_hash: str) -> bytes:
        """Give the largest checkpoint of a log that was cosigned here.

        Raises:
            NotFoundError: none was.
        """
        names = await self._store.read(self._logs)
        hashes = {sha256(name.encode()).hexdigest(): name for name in names}
        if origin_hash not in hashes:
            raise NotFoundError(Phrase("no such log that is witnessed here"))
        keys = self._keys(hashes[origin_hash])
        seen = await self._store.read(lambda reader: _seen(reader, keys))
        if seen is None:
            raise NotFoundError(Phrase("no such checkpoint that was cosigned here"))
        return seen.row.note

    async def anchor_of(self, node: str) -> str:
        """Name the newest anchor of a member that was cosigned here."""
        return anchor_name(node, await self._store.read(lambda r: read_life(r, node)))

    async def compare(self, log: str, note: bytes) -> None:
        """Compare what another member has cosigned of a log with what is kept here.

        Two trees of one size are a fork; of other sizes nothing is known.

        Raises:
            UnknownLogError: it is not witnessed here.
            CryptoError: the log has not signed it, so it says nothing.
            StoreError: the fork was not written down.
        """
        keys = self._keys(log)
        key, there = open_log(note, keys)

        async def act(tx: Transaction) -> None:
            seen = await _seen(tx, keys)
            if seen is not None and _differ(seen.row, there):
                await self._note_fork(tx, key, seen, note)

        seen = await self._store.read(lambda reader: _seen(reader, keys))
        if seen is not None and _differ(seen.row, there):
            await self._keep(key, there, act)

    async def _answer(self, request: AddCheckpoint) -> str:
        keys = self._keys(request.origin())
        key = next(iter(keys))
        row = await self._store.read(lambda reader: reader.witnessed(key.encode()))
        mine = VerifierKey.of(self._name, self._key.public, COSIGNER)
        if row is not None and (line := _again(request, key, row, mine)) is not None:
            return line
        shown = Checkpoint.parse(split_note(request.note)[0])
        judged = await self._keep(
            key, shown, lambda tx: self._cosign(tx, request, keys)
        )
        if isinstance(judged, WitnessRefusedError):
            shown_by = fields(peer=judged.origin)
            _LOG.error("a log does not extend itself", extra=shown_by)
            raise judged
        return judged

    async def _keep(
        self,
        key: VerifierKey,
        shown: Checkpoint,
        act: Callable[[Transaction], Awaitable[T]],
    ) -> T:
        fork = (key.encode(), shown.size, shown.root)
        was_known = fork in self._alarmed
        try:
            done = await self._store.write(act)
        except BaseException:
            if not was_known:  # whoever shows it again finds it not written down
                self._alarmed.discard(fork)
            raise
        self._forks.spread()
        return done

    async def _cosign(
        self, tx: Transaction, request: AddCheckpoint, keys: _Keys
    ) -> str | WitnessRefusedError:
        key, found = next(iter(keys)), await _seen(tx, keys)
        seen = NOTHING_SEEN
        if found is not None:
            seen = Seen(found.row.size, found.row.root)
        node = key.name.partition("/")[0]
        life, newest = anchor_life(key.name, node), await read_life(tx, node)
        if life is not None and life < newest:
            nothing_happened()  # it was said to be over: nothing is added to it
            return WitnessRefusedError(key.name, "its node has begun another one")
        try:
            checkpoint = judge(request, key, seen)
        except WitnessRefusedError as error:
            if error.fork and found is not None:
                await self._note_fork(tx, key, found, request.note)
            else:  # it shows nothing to others
                nothing_happened()
            return error
        at = int(self._clock.now().timestamp())
        text = split_note(request.note)[0]
        line = cosign(text, self._name, self._key, at=at)
        note = f"{_signed(request.note, key)}{line}".encode()
        size, root = checkpoint.size, checkpoint.root
        await tx.put_witnessed(WitnessedRow(key.encode(), size, root, note, at))
        if life is not None and life > newest:
            await self._note_life(tx, node, life)
        return line

    async def _note_life(self, tx: Transaction, node: str, life: int) -> None:
        await keep_life(tx, node, life)
        entry = self._trail.entry(
            Event.ANCHOR_BEGUN,
            at=self._clock.now(),
            detail={"peer": node, "log": anchor_name(node, life)},
        )
        await tx.append(self._trail.log, entry.record, entry.openings)

    async def _note_fork(
        self, tx: Transaction, key: VerifierKey, seen: _Seen, note: bytes
    ) -> None:
        self._forks.forked.add(key.name)
        shown = open_checkpoint(note, key)
        fork = (key.encode(), shown.size, shown.root)
        of_this = sum(log == fork[0] for log, _, _ in self._alarmed)
        if fork in self._alarmed or of_this >= MOST_FORKS:
            nothing_happened()
            return
        entry = self._trail.entry(
            Event.FORK_SEEN,
            at=self._clock.now(),
            outcome="fork",
            detail={
                "log": key.name,
                "seen": seen.row.note.decode(),
                "shown": _signed(note, key),
            },
        )
        await tx.append(self._trail.log, entry.record, entry.openings)
        self._alarmed.add(fork)
        first, second = seen.row.note.decode(), _signed(note, key)
        evidence = fork_of(seen.key, first, second, other=key)
        await self._forks.enter(tx, evidence, "witness")

    def _keys(self, log: str) -> _Keys:
        return log_keys(self._charter(), log, me=self._situation.node)

    def _charter(self) -> Charter:
        shared = self._situation.shared
        if shared is None:
            raise UnknownLogError(self._situation.node)
        return shared.membership.charter

    async def _logs(self, reader: Reader) -> list[str]:
        names: list[str] = []
        for other in self._situation.others():
            lives = range(await read_life(reader, other) + 1)
            names += [feed_name(other), *(anchor_name(other, life) for life in lives)]
        return names


async def _seen(reader: Reader, keys: _Keys) -> _Seen | None:
    """Find the largest tree of a log that was cosigned, under whichever of its keys.

    What bears a stolen key counts as far as it was seen before that was stolen.
    """
    found: _Seen | None = None
    for key, stolen in keys.items():
        row = await reader.witnessed(key.encode())
        if row is None or (stolen is not None and row.at >= stolen):
            continue
        if found is None or row.size > found.row.size:
            found = _Seen(key, row)
    return found


def _differ(row: WitnessedRow, there: Checkpoint) -> bool:
    return row.size == there.size and row.root != there.root


def _signed(note: bytes, key: VerifierKey) -> str:
    """Give a note, which this key has signed, without the signatures of others."""
    text, signatures = split_note(note)
    own = next(
        signature_line(key, each.signature)
        for each in signatures
        if (each.name, each.key_id) == (key.name, key.key_id)
    )
    return f"{text}\n{own}"


def _again(
    request: AddCheckpoint, key: VerifierKey, row: WitnessedRow, mine: VerifierKey
) -> str | None:
    """Give the line of what was cosigned last, if it is asked for once more.

    One of a key that this witness had before is no use to anybody.
    """
    text, note = split_note(request.note)[0], row.note.decode()
    if request.old != row.size or not note.startswith(f"{text}\n"):
        return None
    if split_note(row.note)[1][-1].key_id != mine.key_id:
        return None
    judge(request, key, Seen(row.size, row.root))
    return note.splitlines(keepends=True)[-1]
