# SPDX-License-Identifier: Apache-2.0
"""Look at the audit log as a log: how it stands, and one entry with its proof."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tree import leaf_hash
from fedsafe_federation.errors import MalformedError
from fedsafe_node.acts.audit import (
    AuditEntry,
    AuditStanding,
    CosignedBy,
    CosignedStanding,
    LostEntries,
)
from fedsafe_node.audit.event_view import lost_entries
from fedsafe_node.audit.nightly_check import nightly_standing
from fedsafe_node.audit.packs.contents import audit_verifier, fingerprint
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    CorruptLogError,
    MissingEntriesError,
    NotFoundError,
    PrunedError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.own_keys import NodeKeys
from fedsafe_node.log.anchor import AnchorProof
from fedsafe_node.log.audit import (
    ACTOR,
    DETAIL,
    SOURCE,
    SUBJECT,
    Detail,
    Event,
    decode_audit_record,
)
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.proofs import prove_inclusion
from fedsafe_node.people.office import Office
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName, Tail
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose

Admit = Callable[[Principal, Purpose | None], Awaitable[Detail]]
Cosigned = Callable[[], Awaitable[AnchorProof | None]]
SHOWN: Final = frozenset({ACTOR, SUBJECT, DETAIL, SOURCE})  # as a page of events shows
_ANEW: Final = timedelta(minutes=10)


class Inspector:
    """Tells of the log; `admit` decides who may read an entry."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        office: Office,
        keys: NodeKeys,
        guard: Guard,
        keep: Callable[[], Awaitable[Tail]],
        admit: Admit,
        cosigned: Cosigned,
    ) -> None:
        self._office = office
        self._keys = keys
        self._guard = guard
        self._keep = keep
        self._admit = admit
        self._cosigned = cosigned
        self._entries = EntryCount(office.clock)

    async def standing(self) -> AuditStanding:
        """Tell size, root, key and gaps; counts the entries for the gaps."""
        office, log = self._office, self._office.trail.log
        tail = await office.store.write(lambda tx: tx.tail(log))

        async def count(reader: Reader) -> tuple[int, int, list[LostEntries]]:
            minimum = await reader.minimum(log)
            there = await self._entries.count(reader, log, minimum, tail.size)
            return minimum, there, await lost_entries(reader, log)

        minimum, there, lost = await office.store.scan(count)
        key, kept = audit_verifier(office.node, self._keys), self._guard.kept(log)
        return AuditStanding(
            log=log,
            size=tail.size,
            root=tail.root.hex(),
            missing=tail.size - minimum - there,
            minimum=minimum,
            kept_size=kept.size if kept is not None else 0,
            kept_at=await asyncio.to_thread(self._guard.kept_at, log),
            key=key.encode(),
            fingerprint=fingerprint(key),
            cosigned=cosigned_standing(await self._cosigned()),
            nightly=await nightly_standing(office.store),
            lost=lost,
        )

    async def entry(
        self, index: int, who: Principal, purpose: Purpose | None, *, proof: bool
    ) -> AuditEntry:
        """Show an entry, what is not erased of it, and its place in the tree.

        Raises:
            NotFoundError: the log has no such entry.
            PrunedError: only its hash is left.
            DeniedError: this role may not, or not for that purpose.
            CorruptLogError: the entry is no audit event.
        """
        grounds = await self._admit(who, purpose)
        office, log = self._office, self._office.trail.log
        tail = await office.store.write(lambda tx: tx.tail(log))
        if index >= tail.size:
            raise NotFoundError(Phrase("no such entry"))
        minimum = await office.store.read(lambda reader: reader.minimum(log))
        if index < minimum:
            raise PrunedError(log, index, minimum)
        detail: Detail = {"since": index, "events": 1, **grounds}

        async def note(tx: Transaction) -> None:
            await office.note(tx, Event.AUDIT_READ, who.name, detail)

        await office.store.write(note)
        end = await self._keep() if proof else None

        async def query(reader: Reader) -> AuditEntry:
            shown = await _show(reader, log, index)
            if end is None:
                return shown
            path = await prove_inclusion(reader, log, index, end.size)
            checkpoint = Checkpoint(log, end.size, end.root)
            return AuditEntry(
                **{name: getattr(shown, name) for name in _PLAIN},
                proof=[node.hex() for node in path],
                checkpoint=sign_checkpoint(checkpoint, self._keys.audit).decode(),
            )

        return await office.store.scan(query)


def cosigned_standing(proof: AnchorProof | None) -> CosignedStanding | None:
    """Tell what others have cosigned, if they have."""
    if proof is None:
        return None
    by = [
        CosignedBy(name=name, at=datetime.fromtimestamp(at, UTC).isoformat())
        for name, at in proof.by
    ]
    return CosignedStanding(size=proof.size, anchor=proof.index + 1, by=by)


_PLAIN: Final = ("index", "record", "leaf", "openings", "erased", "withheld")


class EntryCount:
    """Counts the entries of a log that are there: all of them every ten minutes.

    Between these times those that were counted are taken to be there still: who looks
    at a page shall not wait for a million entries. The nightly check reads them all.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counted: dict[LogName, _Counted] = {}

    async def count(self, reader: Reader, log: LogName, first: int, size: int) -> int:
        """Count the entries from the first to below a size that are there."""
        now, before = self._clock.now(), self._counted.get(log)
        if (
            before is None
            or (before.first, size < before.size) != (first, False)
            or not before.at <= now < before.at + _ANEW
        ):
            before = _Counted(now, first, first, 0)
        there = before.there + await reader.count_records(log, before.size, size)
        self._counted[log] = replace(before, size=size, there=there)
        return there


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many entries from `first` to below `size` were there; all counted `at`."""

    at: datetime
    first: int
    size: int
    there: int


async def _show(reader: Reader, log: str, index: int) -> AuditEntry:
    data = await reader.record(log, index)
    if data is None:
        raise MissingEntriesError(log, index, Phrase("the entry is missing"))
    try:
        record = decode_audit_record(data)
    except MalformedError:
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None
    kept = {each.group: each for each in await reader.openings(log, index, 1)}
    there = {
        group: each.opening
        for group, each in kept.items()
        if each.opening is not None and group in record.commitments
    }
    gone = sorted(set(record.commitments) - set(there))
    return AuditEntry(
        index=index,
        record=data.decode(),
        leaf=leaf_hash(data).hex(),
        openings={
            group: opening.payload.decode()
            for group, opening in there.items()
            if group in SHOWN
        },
        erased={
            group: kept[group].erased_at if group in kept else None for group in gone
        },
        withheld=sorted(set(there) - SHOWN),
    )
