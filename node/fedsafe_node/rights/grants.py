# SPDX-License-Identifier: Apache-2.0
"""Grant a request: erase what this provider lists, by two persons (rule P6).

The data-protection officer asks, a second person approves (`approvals`). Own shared
signals are erased everywhere, own bans with their tokens, drafts withdrawn, and
disputes of them end with that. What is listed is looked for again at the grant itself.
What log, reviews, notices, events and earlier requests say of it goes in the same act:
of the account that an erasure or objection names, all; else what names these signals
alone.
What others list only they can erase: it was disputed when the request was opened. Of
the request stays what was erased, and what could not be and why (`unerased`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import Reference
from fedsafe_node.acts.requests import ErasedPart, RequestId, RequestKind
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import DETAIL, SUBJECT, Detail, Event
from fedsafe_node.log.mentions import entries_naming, packs_naming, subject_of
from fedsafe_node.rights.closure import check_looked_up
from fedsafe_node.rights.erasers import Erasers, Erasure, Gone
from fedsafe_node.rights.erasure import decide_erasure, erase_listed, settle_erased
from fedsafe_node.rights.identity_checks import check_decided
from fedsafe_node.rights.own_listings import ERASES, Listed, listed_here
from fedsafe_node.rights.sealing import Content, open_content, seal_content
from fedsafe_node.rights.unerased import find_remains
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.keeping_rows import Erasing
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.REQUEST_GRANT
_NOT_GRANTED: Final = frozenset({RequestKind.ACCESS.value})
_UNERASED: Final = frozenset({SignalStatus.ERASED})
_ALL: Final = 100_000
_LISTED: Final = frozenset({"drafts", "signals"})
"""Parts of an account's erasure that are counted as what was listed."""


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which request is granted, and a reference to why.

    With `account`, all goes that is kept of the account that the request names.
    """

    request: RequestId
    reason: Reference
    signals: int
    account: bool = False


@dataclass(frozen=True, slots=True)
class Grantable:
    """A request that can be granted, with what it has found and what is listed of it.

    `subject` is the account that goes with it, of an erasure or an objection.
    """

    row: RequestRow
    content: Content
    listed: Listed
    subject: str | None = None


async def grantable(reader: Reader, desk: Desk, request: str) -> Grantable:
    """Read a request that can be granted, and what of it this provider lists.

    Raises:
        NotFoundError: there is no such request.
        WrongStateError: it is closed, asks for no erasure, or is others' to grant, or
            its identity check or lookup waits.
    """
    row = await reader.request(request)
    if row is None:
        raise NotFoundError(Phrase("no such request"))
    if row.state is RequestState.CLOSED:
        raise WrongStateError("request_closed", Phrase("this request is closed"))
    if row.kind in _NOT_GRANTED:
        raise WrongStateError("nothing_to_erase", Phrase("access erases nothing"))
    content = open_content(desk.periods, row)
    if content is not None:
        check_decided(content)
    if content is None or not len(await listed_here(reader, desk, content)):
        raise WrongStateError(
            "nothing_to_erase",
            Phrase(
                "there is nothing to erase: this provider does not list the "
                "person of this request"
            ),
        )
    await check_looked_up(reader, desk, row)
    listed = await listed_here(reader, desk, content, _UNERASED)
    subject = content.subject_ref if row.kind in ERASES else None
    return Grantable(row, content, listed, subject)


class RequestGrant:
    """The effect of an approved grant (`approvals.Effect`)."""

    def __init__(self, desk: Desk, erasers: Erasers) -> None:
        self._desk = desk
        self._erasers = erasers

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the grant to the policy, with both persons."""
        del reader
        return ActRequest(KIND, first, second, decode(content, Grant).reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], Awaitable[None]]:
        """Erase what this provider lists, what is kept of it, and close the request."""
        desk, grant = self._desk, decode(content, Grant)
        now = int(desk.clock.now().timestamp())
        found = await grantable(tx, desk, grant.request)
        subject = found.subject if grant.account else None
        holds = [
            hold
            for hold in await tx.holds()
            if subject is not None and hold.subject == subject and hold.until > now
        ]
        granting = _Granting(desk, found, None if holds else subject, now)
        await granting.prepare(tx)
        gone, decision = Gone(), decide_erasure(desk, first)
        await erase_listed(
            desk, tx, found.listed, gone, by=second.name, decision=decision
        )
        erasure = None
        if granting.subject is not None:
            erasure = Erasure(
                subject=granting.subject,
                at=now,
                first=first,
                second=second,
                entries=granting.entries,
                end=granting.end,
                request=found.row.id,
                gone=gone,
            )
            counts = await self._erasers.erase(tx, erasure)
            granting.count({part: counts[part] for part in counts.keys() - _LISTED})
        else:
            await granting.erase_openings(tx)
        wiped, waiting = await granting.wipe_requests(tx)
        granting.count(
            {
                "requests": wiped,
                "own_bans": gone.own_bans,
                "shared": len(gone.shared),
                "drafts": gone.drafts,
            }
        )
        ended = replace(
            granting.ended(gone),
            remains=find_remains(
                desk,
                found.content,
                gone=gone,
                erasure=erasure,
                holds=holds,
                open_requests=waiting,
                at=now,
            ),
        )
        row = found.row
        await tx.put_request(
            replace(
                row,
                state=RequestState.CLOSED,
                outcome="granted",
                reason=grant.reason,
                ended_at=now,
                ended_by=first.name,
                sealed=seal_content(desk.periods, row.id, row.period, ended),
            )
        )
        detail: Detail = {
            **granting.counts,
            "request": row.id,
            "outcome": "granted",
            "signals": len(found.listed),
        }
        who = Principal(first.name, first.role)
        entry = desk.event(Event.REQUEST_CLOSED, who, detail, decision=decision)
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return partial(settle_erased, desk, gone)


@dataclass(slots=True)
class _Granting:
    """One grant in its act: what is to go, and how much has gone by part."""

    desk: Desk
    found: Grantable
    subject: str | None
    at: int
    entries: Sequence[int] = ()
    end: int = 0
    packs: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    async def prepare(self, tx: Transaction) -> None:
        """Find what is found by what goes first."""
        listed, log = self.found.listed, self.desk.trail.log
        ids = [row.signal_id for row in listed.rows]
        ids += [draft.signal_id for draft in listed.drafts]
        names = {signal_name(each) for each in ids}
        accounts = set() if self.subject is None else {self.subject}
        self.end = await tx.log_size(log)
        found = await entries_naming(tx, log, accounts, signals=names, end=self.end)
        self.entries = await self._unheld(tx, found)
        packs = {row.entry for each in ids for row in await tx.packs_with(each)}
        if self.subject is not None:
            packs |= {row.entry for row in await packs_naming(tx, log, self.subject)}
        self.packs = sorted(packs)

    async def _unheld(self, reader: Reader, entries: Sequence[int]) -> list[int]:
        """Leave out what somebody holds: the entry, or another account in it."""
        log, holds = self.desk.trail.log, await reader.holds()
        held = {hold.subject for hold in holds if hold.subject and hold.until > self.at}
        found: list[int] = []
        for index in entries:
            if any(hold.holds_entry(index) for hold in holds):
                continue
            (subject,) = await reader.openings(log, index, 1, group=SUBJECT)
            if subject_of(subject) not in held:
                found.append(index)
        return found

    def count(self, more: Mapping[str, int]) -> None:
        """Add up what has gone."""
        for part, count in more.items():
            self.counts[part] = self.counts.get(part, 0) + count

    async def erase_openings(self, tx: Transaction) -> None:
        """Erase what entries say of whom these signals list, where no account goes."""
        log, count = self.desk.trail.log, 0
        for index in self.entries:
            for group in (SUBJECT, DETAIL):
                count += await tx.erase_opening(log, index, group, at=self.at)
        if count:
            await tx.add_erasure(Erasing.SUBJECT.value, count, at=self.at)
        self.count({"openings": count})

    async def wipe_requests(self, tx: Transaction) -> tuple[int, list[str]]:
        """Wipe earlier requests about the identifier; give how many, and open ones.

        Open ones of the account as well: each still has to be answered.
        """
        tokens, wiped, waiting = {*self.found.content.tokens}, 0, list[str]()
        for state in RequestState:
            for row in await tx.requests(state, _ALL):
                content = open_content(self.desk.periods, row)
                if row.id == self.found.row.id or content is None:
                    continue
                subject = self.subject
                is_theirs = subject is not None and content.subject_ref == subject
                if not (is_theirs or tokens & {*content.tokens}):
                    continue
                if state is RequestState.CLOSED:
                    await tx.put_request(replace(row, sealed=None))
                    wiped += 1
                else:
                    waiting.append(row.id)
        return wiped, waiting

    def ended(self, gone: Gone) -> Content:
        """Give what is left to say of the request: counts, and who else has it."""
        content = self.found.content
        return Content(
            subject_ref=None,
            findings=[],
            unevaluated=[],
            disputes=[],
            collected=content.collected,
            erased=[
                ErasedPart(part=part, count=count)
                for part, count in sorted(self.counts.items())
                if count
            ],
            shared=gone.shared,
            packs=self.packs,
        )
