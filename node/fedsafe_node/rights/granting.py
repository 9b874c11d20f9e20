# SPDX-License-Identifier: Apache-2.0
"""Grant a request: erase what this provider lists, by two persons (rule P6).

The data-protection officer asks, a second person approves (`approvals`). Own shared
signals are revoked everywhere, own bans erased, drafts withdrawn, and disputes of them
end with that. What is listed is looked for again at the grant itself.
What others list only they can erase: it was disputed when the request was opened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.restrictions import Reason
from fedsafe_federation.rulings import Outcome
from fedsafe_federation.wireformat import decode
from fedsafe_node.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.messages import Reference
from fedsafe_node.principal import Principal
from fedsafe_node.rights.listing import Listed, listed_here
from fedsafe_node.rights.request_messages import RequestId, RequestKind
from fedsafe_node.rights.ruling import say_ruling
from fedsafe_node.rights.sealing import open_content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.stopping import (
    note_withdrawn,
    revoke_signal,
    withdraw_draft,
    withdraw_own,
)
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.rows import SignalRow
from fedsafe_policies.acts import ActRequest
from fedsafe_policies.decision import Decision
from fedsafe_policies.erasures import EraseRequest
from fedsafe_policies.people import Person
from fedsafe_policies.vocabulary import Act, Effect

KIND: Final = Act.REQUEST_GRANT
_NOT_GRANTED: Final = frozenset({RequestKind.ACCESS.value})


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which request is granted, and a reference to why."""

    request: RequestId
    reason: Reference
    signals: int


@dataclass(slots=True)
class _Erased:
    removed: list[int]
    decision: Decision
    feed: int | None = None


async def grantable(
    reader: Reader, desk: Desk, request: str
) -> tuple[RequestRow, Listed]:
    """Read a request that can be granted, and what of it this provider lists.

    Raises:
        NotFoundError: there is no such request.
        WrongStateError: it is closed, asks for no erasure, or is others' to grant.
    """
    row = await reader.request(request)
    if row is None:
        raise NotFoundError("request")
    if row.state is RequestState.CLOSED:
        raise WrongStateError("request_closed", "this request is closed")
    if row.kind in _NOT_GRANTED:
        raise WrongStateError("nothing_to_erase", "access erases nothing")
    content = open_content(desk.periods, row)
    ours = Listed((), ())
    if content is not None:
        ours = await listed_here(reader, desk, content)
    if not len(ours):
        raise WrongStateError("nothing_to_erase", "this provider lists nothing here")
    return row, ours


class RequestGrant:
    """The effect of an approved grant (`approvals.Effect`)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the grant to the policy, with both persons."""
        del reader
        return ActRequest(KIND, first, second, decode(content, Grant).reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], None]:
        """Erase what this provider lists and close the request."""
        desk, grant = self._desk, decode(content, Grant)
        row, ours = await grantable(tx, desk, grant.request)
        asked = EraseRequest(Effect.ERASED, first)
        decision = desk.situation.decide(asked, desk.clock.now())
        if not decision.allowed:
            raise DeniedError(decision)
        erased = _Erased([], decision)
        for draft in ours.drafts:
            removed = await withdraw_draft(desk, tx, draft, by=second.name)
            erased.removed += removed
            await note_withdrawn(
                tx,
                desk,
                draft.signal_id,
                Reason.REQUEST_OF_THE_PERSON,
                len(removed),
                by=second.name,
                decision=decision,
            )
        for each in ours.rows:
            await self._erase(tx, each, erased, by=second.name)
        now = int(desk.clock.now().timestamp())
        await tx.put_request(
            replace(
                row,
                state=RequestState.CLOSED,
                outcome="granted",
                reason=grant.reason,
                ended_at=now,
                ended_by=first.name,
            )
        )
        detail: Detail = {"request": row.id, "outcome": "granted", "signals": len(ours)}
        who = Principal(first.name, first.role)
        entry = desk.event(Event.REQUEST_CLOSED, who, detail, decision=decision)
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return partial(self._learn, erased)

    async def _erase(
        self, tx: Transaction, row: SignalRow, erased: _Erased, *, by: str
    ) -> None:
        desk, reason = self._desk, Reason.REQUEST_OF_THE_PERSON
        if row.own:  # it may have gone with its draft
            erased.removed += await withdraw_own(
                desk, tx, row.signal_id, reason, by=by, decision=erased.decision
            )
        else:
            erased.feed = await revoke_signal(desk, tx, row, reason)
            erased.removed.append(row.row)
        known = await tx.disputes_on(row.origin, row.signal_id)
        unruled = [each for each in known if await tx.ruling(each) is None]
        if unruled:
            size = await say_ruling(desk, tx, unruled, Outcome.REVOKED, ruled_by=by)
            erased.feed = erased.feed if size is None else size

    def _learn(self, erased: _Erased) -> None:
        self._desk.lists.remove(erased.removed)
        if erased.feed is not None:
            self._desk.announce(erased.feed)
