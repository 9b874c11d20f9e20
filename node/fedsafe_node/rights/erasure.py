# SPDX-License-Identifier: Apache-2.0
"""Erase what this provider lists about a person, once two people have granted it.

An own ban goes with its token and opening, a draft with the own ban and the custody
that wait beside it. A signal that was shared is erased by a statement: every member
erases opening *and* token on its signature. What was revoked before loses its token as
well. Disputes of all these end with that. Which signals an account has is told by the
audit log's entries that name both, by drafts, and by notices to its person.
"""

from contextlib import suppress
from struct import Struct
from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.feed.rulings import Outcome
from fedsafe_federation.feed.signals import SIGNAL_GROUP, decode_opening
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.ground.errors import (
    DeniedError,
    NotFoundError,
    StoreError,
    WrongStateError,
)
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.ground.subject_refs import is_about
from fedsafe_node.log.audit import DETAIL, Event
from fedsafe_node.log.mentions import class_of
from fedsafe_node.lookup.index.bootstrap import merge_tokens
from fedsafe_node.notices.facts import open_facts
from fedsafe_node.review.flags import flag_stopped
from fedsafe_node.rights.erasers import Erasure, Gone
from fedsafe_node.rights.own_listings import Listed
from fedsafe_node.rights.rulings import say_ruling
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.signals.stop import (
    note_withdrawn,
    revoke_signal,
    withdraw_draft,
    withdraw_own,
)
from fedsafe_node.signals.view import MAX_DRAFTS
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, DraftState, SignalRow, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.erasures import EraseRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Effect

REASON: Final = Reason.REQUEST_OF_THE_PERSON
_NAMING: Final = frozenset(
    {Event.OWN_BAN.value, Event.DRAFT.value, Event.NOTICE_QUEUED.value}
)
_MADE: Final = frozenset({Event.OWN_BAN.value, Event.DRAFT.value})
_ALL: Final = 100_000
_UNSETTLED: Final = "index/erased"
_ROW: Final = Struct("<I")
_FEW: Final = 1_000_000
"""Of so many tokens at most the index is written anew at once, else within a day."""


async def erase_listed(  # noqa: PLR0913 - what is erased, and who stands by it
    desk: Desk,
    tx: Transaction,
    listed: Listed,
    gone: Gone,
    *,
    by: str,
    decision: Decision,
) -> None:
    """Erase what is listed; reviews that hang on it come before a person again.

    Raises:
        WrongStateError: this node has no federation to tell it to.
    """
    for draft in listed.drafts:
        removed = await withdraw_draft(desk, tx, draft, by=by, reason=REASON)
        gone.removed += removed
        gone.own_bans += len(removed)
        gone.drafts += 1
        await note_withdrawn(
            tx, desk, draft.signal_id, REASON, len(removed), by=by, decision=decision
        )
    for row in listed.rows:
        feed = None
        if row.own:  # it may have gone with its draft
            removed = await withdraw_own(
                desk, tx, row.signal_id, REASON, by=by, decision=decision
            )
            gone.removed += removed
            gone.own_bans += len(removed)
        else:
            feed = await revoke_signal(desk, tx, row, REASON, effect=Effect.ERASED)
            gone.removed.append(row.row)
            gone.shared.append(signal_name(row.signal_id))
        known = await tx.disputes_on(row.origin, row.signal_id)
        unruled = [each for each in known if await tx.ruling(each) is None]
        if unruled:
            size = await say_ruling(desk, tx, unruled, Outcome.REVOKED, ruled_by=by)
            feed = feed if size is None else size
        gone.feed = gone.feed if feed is None else feed
    gone.flagged += await flag_stopped(desk.reviews, tx)
    # Whoever dies before memory has learned of it finds here what to do.
    unsettled = await tx.meta(_UNSETTLED) or b""
    rows = b"".join(map(_ROW.pack, gone.removed))
    await tx.set_meta(_UNSETTLED, unsettled + rows)


def decide_erasure(desk: Desk, first: Person) -> Decision:
    """Put the erasure of what is listed to the policy (P11).

    Raises:
        DeniedError: who has asked for it may not.
    """
    asked = EraseRequest(Effect.ERASED, first)
    decision = desk.situation.decide(asked, desk.clock.now())
    if not decision.allowed:
        raise DeniedError(decision)
    return decision


async def settle_erased(desk: Desk, gone: Gone) -> None:
    """Let memory, members and disk learn of an erasure that is durable.

    What fails here is left to the duties that do it again: the act stands.
    """
    desk.lists.remove(gone.removed)
    if gone.feed is not None:
        desk.announce(gone.feed)
    if gone.removed and len(desk.lists.tokens) <= _FEW:
        with suppress(OSError, StoreError):
            await purge_erased(desk)
    with suppress(StoreError):
        await desk.store.scrub()


async def purge_erased(desk: Desk) -> None:
    """Take the tokens of what was erased out of the index's files, if any is there.

    A job of the node's clockwork as well, for a process that died meanwhile.

    Raises:
        OSError: as `TokenIndex.merge`.
        StoreError: the store fails; the next run does it again.
    """
    noted = await desk.store.read(lambda reader: reader.meta(_UNSETTLED))
    if not noted:
        return
    desk.lists.remove(row for (row,) in _ROW.iter_unpack(noted))
    await merge_tokens(desk.lists.tokens, desk.store, full=True)

    async def forget(tx: Transaction) -> None:
        now = await tx.meta(_UNSETTLED) or b""
        await tx.set_meta(_UNSETTLED, now.removeprefix(noted))

    await desk.store.write(forget)


class AccountErasure:
    """The hands that erase what an account is listed by (`erasers.py`)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def erase_drafts(self, tx: Transaction, erasure: Erasure) -> int:
        """Withdraw the drafts that are about an account."""
        drafts = [
            row
            for row in await tx.drafts(DraftState.PENDING, MAX_DRAFTS)
            if is_about(self._subject_of(row), erasure.subject)
        ]
        return await self._erase(tx, erasure, Listed((), drafts))

    async def erase_signals(self, tx: Transaction, erasure: Erasure) -> int:
        """Erase the own bans of an account, and its signals at every member."""
        names = await self._named(tx, erasure)
        rows = await self._made(tx, erasure)
        node, own = self._desk.situation.node, self._desk.situation.own.name
        for name in sorted(names):
            for origin in (own, node):
                row = await tx.signal(origin, name)
                if row is not None:
                    rows[row.row] = row
        left = [row for row in rows.values() if row.status is not SignalStatus.ERASED]
        return await self._erase(tx, erasure, Listed(left, ()))

    async def settle(self, erasure: Erasure) -> None:
        """Let memory learn of an erasure that is durable."""
        await settle_erased(self._desk, erasure.gone)

    async def _erase(self, tx: Transaction, erasure: Erasure, listed: Listed) -> int:
        if len(listed):
            await erase_listed(
                self._desk,
                tx,
                listed,
                erasure.gone,
                by=erasure.second.name,
                decision=decide_erasure(self._desk, erasure.first),
            )
        return len(listed)

    def _subject_of(self, row: DraftRow) -> str | None:
        try:
            return open_draft(row, self._desk.periods).facts.subject_ref
        except WrongStateError:
            return None  # it opens no more, so it says nothing of anybody

    async def _named(self, reader: Reader, erasure: Erasure) -> set[bytes]:
        """Name the signals that an entry or a notice names with the account."""
        found: set[bytes] = set()
        log = self._desk.trail.log
        for index in erasure.entries:
            if await _class(reader, log, index) in _NAMING:
                found |= await _signal_in(reader, log, index)
        for state in NoticeState:
            for row in await reader.notices(state, _ALL):
                facts = open_facts(row, self._desk.periods)
                is_theirs = facts is not None and is_about(
                    facts.subject_ref, erasure.subject
                )
                if is_theirs and row.kind is not NoticeKind.REVIEW:
                    found.add(row.about)
        return found

    async def _made(self, reader: Reader, erasure: Erasure) -> dict[int, SignalRow]:
        """Find the own bans that lie beside entries that name the account.

        One of many is not named in its entry: its token leads to its row.
        """
        log, found = self._desk.trail.log, dict[int, SignalRow]()
        for index in erasure.entries:
            if await _class(reader, log, index) not in _MADE:
                continue
            token = await _token_in(reader, log, index)
            hints = () if token is None else self._desk.lists.rows(token)
            for row in await reader.signals_at(sorted(hints)):
                if row.own and (row.log, row.index) == (log, index):
                    found[row.row] = row
        return found


async def _class(reader: Reader, log: str, index: int) -> str:
    return class_of(log, index, await reader.record(log, index) or b"")


async def _signal_in(reader: Reader, log: str, index: int) -> frozenset[bytes]:
    kept = await reader.opening(log, index, DETAIL)
    try:
        said = {} if kept is None else decode(kept.payload, dict[str, object])
        name = said.get("signal")
        return frozenset({read_signal_id(name)} if isinstance(name, str) else ())
    except (MalformedError, NotFoundError):
        return frozenset()


async def _token_in(reader: Reader, log: str, index: int) -> bytes | None:
    kept = await reader.opening(log, index, SIGNAL_GROUP)
    try:
        return None if kept is None else decode_opening(kept.payload)[1].token
    except MalformedError:
        return None
