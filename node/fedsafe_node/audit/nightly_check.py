# SPDX-License-Identifier: Apache-2.0
"""The audit log is verified each night, from where it was verified before.

A run opens and compares every entry behind the last full tile of the run before, and
of all others reads the tiles above them: they still have the root of then. Once a
month, and where anything does not fit, everything is verified. What came of it is
kept, under the seal of the tables, so that whoever asks how the log stands need not
wait; damage is an event and an alarm in the node's log.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import msgspec

from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.audit import LogCheck, NightlyStanding
from fedsafe_node.ground.errors import CorruptLogError, UnknownEntryError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.log.audit import Event
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.verification import Anchor
from fedsafe_node.people.office import Office
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

Check = Callable[[Anchor | None], Awaitable[LogCheck]]
_KEY: Final = "audit/nightly"
_WHOLE: Final = int(timedelta(days=30).total_seconds())
_SOURCE: Final = Phrase("the check of the night before")
_LOG = logging.getLogger(f"{LOGGER}.audits")


class _Night(msgspec.Struct, frozen=True):
    """What a run has found, and where the next one begins: a full tile, its root."""

    standing: NightlyStanding
    start: int = 0
    root: str = ""
    whole_at: int = 0


async def nightly_standing(store: Store) -> NightlyStanding | None:
    """Tell what the last run has found; None before the first one."""
    kept = await _read(store)
    return None if kept is None else kept.standing


async def check_nightly(office: Office, check: Check) -> NightlyStanding:
    """Verify the audit log from where the last run ended, and keep what is found.

    Raises:
        StoreError: it cannot be kept.
    """
    store, log, now = office.store, office.trail.log, office.now()
    before = await _read(store)
    since = _start_of(before, now)
    found = await check(since)
    if not found.ok and since is not None:  # which entry it is only a whole one says
        since, found = None, await check(None)
    standing = NightlyStanding(
        at=now,
        ok=found.ok,
        since=0 if since is None else since.size,
        size=found.size,
        root=found.root,
        damage=found.damage,
        first_bad_index=found.first_bad_index,
        why=found.why,
        why_made=found.why_made,
    )
    kept = _Night(standing, whole_at=now if since is None or before is None else 0)
    if found.ok:
        start = found.size // TILE_WIDTH * TILE_WIDTH
        try:
            root = await LogEngine(store).root_at(log, start)
        except (CorruptLogError, UnknownEntryError):  # since this moment
            start, root = 0, b""
        whole_at = kept.whole_at or (before.whole_at if before is not None else now)
        kept = _Night(standing, start, root.hex(), whole_at)
    else:
        _LOG.error("the audit log is damaged", extra=fields(reason=found.damage or ""))
    body = encode(kept)

    async def keep(tx: Transaction) -> None:
        await tx.set_meta(_KEY, body)
        await office.note(
            tx,
            Event.AUDIT_VERIFIED,
            Actor.CLOCK.value,
            {"logs": 1, "since": standing.since},
            outcome=found.damage or "ok",
        )

    await store.write(keep, vital=True)
    return standing


def _start_of(before: _Night | None, now: int) -> Anchor | None:
    if before is None or not before.start or before.whole_at + _WHOLE <= now:
        return None
    root = bytes.fromhex(before.root)
    return Anchor(size=before.start, root=root, source=_SOURCE)


async def _read(store: Store) -> _Night | None:
    body = await store.read(lambda reader: reader.meta(_KEY))
    try:
        return None if body is None else decode(body, _Night)
    except MalformedError:  # the seal tells of it; here it is as if there were none
        return None
