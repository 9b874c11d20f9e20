# SPDX-License-Identifier: Apache-2.0
"""Witness the logs of other members (c2sp.org/tlog-witness).

What was seen is compared, replaced and kept in one act of the store, and the
cosignature leaves only after that is durable. So a witness that dies in between has
cosigned nothing that it does not remember; the log asks again and gets it.

The statuses are those of the specification, with texts instead of problems: other
programs ask as well. A fork is an audit event that holds both checkpoints: each is
signed by its log, so together they convict it before anybody.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from fedsafe_crypto.cosignature import cosign
from fedsafe_crypto.identity import SigningKey
from fedsafe_crypto.note import VerifierKey, signature_line, split_note
from fedsafe_federation.charter import Charter
from fedsafe_federation.errors import (
    MalformedError,
    UnknownLogError,
    UntrustedError,
    WitnessConflictError,
    WitnessError,
    WitnessRefusedError,
)
from fedsafe_federation.verification import feed_name
from fedsafe_federation.witnessing import (
    NOTHING_SEEN,
    SIZE_TYPE,
    TEXT_TYPE,
    AddCheckpoint,
    Seen,
    anchor_name,
    judge,
    log_key,
    witness_name,
)
from fedsafe_node.clock import Clock
from fedsafe_node.errors import NotFoundError
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.witness_rows import WitnessedRow
from fedsafe_node.telemetry import LOGGER, fields

MOST_FORKS: Final = 64
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


class WitnessServer:
    """Cosigns what extends what it has seen.

    State, owned by the event loop: `_alarmed` are the forks that were written down.
    """

    def __init__(
        self,
        situation: Situation,
        store: Store,
        key: SigningKey,
        trail: AuditTrail,
        clock: Clock,
    ) -> None:
        self._situation = situation
        self._store = store
        self._key = key
        self._name = witness_name(situation.node)
        self._trail = trail
        self._clock = clock
        self._alarmed: set[bytes] = set()

    async def add_checkpoint(self, body: bytes) -> WitnessAnswer:
        """Cosign the checkpoint of a member's log.

        Raises:
            StoreError: nothing was cosigned.
        """
        try:
            line = await self._answer(AddCheckpoint.parse(body))
        except WitnessConflictError as error:
            return WitnessAnswer(409, f"{error.size}\n".encode(), SIZE_TYPE)
        except (MalformedError, UntrustedError, WitnessError) as error:
            status = next(_STATUS[each] for each in _STATUS if isinstance(error, each))
            return WitnessAnswer(status, f"{error.why}\n".encode())
        return WitnessAnswer(200, line.encode())

    async def checkpoint(self, origin_hash: str) -> bytes:
        """Give the largest checkpoint of a log that was cosigned here.

        Raises:
            NotFoundError: none was.
        """
        hashes = {sha256(name.encode()).hexdigest(): name for name in self._logs()}
        if origin_hash not in hashes:
            raise NotFoundError("log that is witnessed here")
        name, me = hashes[origin_hash], self._situation.node
        key = log_key(self._charter(), name, me=me).encode()
        row = await self._store.read(lambda reader: reader.witnessed(key))
        if row is None:
            raise NotFoundError("checkpoint that was cosigned here")
        return row.note

    async def _answer(self, request: AddCheckpoint) -> str:
        key = log_key(self._charter(), request.origin(), me=self._situation.node)
        try:
            return await self._store.write(lambda tx: self._cosign(tx, request, key))
        except WitnessRefusedError as error:
            await self._alarm(request, key, error)
            raise

    async def _cosign(
        self, tx: Transaction, request: AddCheckpoint, key: VerifierKey
    ) -> str:
        row = await tx.witnessed(key.encode())
        seen = Seen(row.size, row.root) if row is not None else NOTHING_SEEN
        checkpoint = judge(request, key, seen)
        text, signatures = split_note(request.note)
        at = int(self._clock.now().timestamp())
        line = cosign(text, self._name, self._key, at=at)
        own = next(
            signature_line(key, each.signature)
            for each in signatures
            if (each.name, each.key_id) == (key.name, key.key_id)
        )
        note = f"{text}\n{own}{line}".encode()
        size, root = checkpoint.size, checkpoint.root
        await tx.put_witnessed(WitnessedRow(key.encode(), size, root, note, at))
        return line

    async def _alarm(
        self, request: AddCheckpoint, key: VerifierKey, error: WitnessRefusedError
    ) -> None:
        _LOG.error("a log does not extend itself", extra=fields(peer=error.origin))
        fork = sha256(request.note).digest()
        if not error.fork or fork in self._alarmed or len(self._alarmed) == MOST_FORKS:
            return  # a proof that fails shows nothing to others
        self._alarmed.add(fork)
        row = await self._store.read(lambda reader: reader.witnessed(key.encode()))
        entry = self._trail.entry(
            Event.FORK_SEEN,
            at=self._clock.now(),
            outcome="fork",
            detail={
                "log": error.origin,
                "seen": row.note.decode() if row is not None else None,
                "shown": request.note.decode(),
            },
        )

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    def _charter(self) -> Charter:
        shared = self._situation.shared
        if shared is None:
            raise UnknownLogError(self._situation.node)
        return shared.membership.charter

    def _logs(self) -> list[str]:
        others = self._situation.others()
        return [name(each) for each in others for name in (anchor_name, feed_name)]
