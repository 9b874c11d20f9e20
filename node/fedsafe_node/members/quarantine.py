# SPDX-License-Identifier: Apache-2.0
"""Set aside what came from a member after a moment, and give it back.

For a member that may have been broken into. What came of its feed by then matches on;
what came later, and what still comes, matches nobody here and is carried to nobody.
Nothing is changed but where the boundary lies, so lifting it gives all back as it is by
then. Restrictions apply as ever: a stop never waits for anything.

When something came is what the own audit log says of it, never what the member says.
Where that does not reach back so far, all of the member's signals are set aside.

One person sets aside, at once; that signals match persons again takes two.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.wire.signed import NodeName, Seconds
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.charter import QuarantineAnswer
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import DETAIL, Detail, Event, decode_audit_record
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName, Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.QUARANTINE_END
KEPT: Final = "quarantines"
_GROUND: Final = "quarantine-end"
_PAGE: Final = 1_024
_APPLIED: Final = f'{{"v":1,"event":"{Event.FEED_APPLIED}",'.encode()


class QuarantineRequest(Message, frozen=True, kw_only=True):
    """Set aside what came from a member after that moment (UTC seconds)."""

    member: NodeName
    after: Seconds


class Quarantine(Row, frozen=True, kw_only=True):
    """What is kept of one: the boundary, and who drew it."""

    member: str
    after: int
    first: int
    whole: bool
    by: str
    at: int


class Ending(Row, frozen=True, kw_only=True):
    """What a second person stands by: that a boundary falls, exactly this one."""

    member: str
    since: int
    first: int


@dataclass(frozen=True, slots=True)
class Boundary:
    """The first record that came after a moment, and whether that is known."""

    first: int
    known: bool


async def read_quarantines(reader: Reader) -> list[Quarantine]:
    """Read what is set aside."""
    kept = await reader.meta(KEPT)
    return decode(kept, list[Quarantine]) if kept else []


async def boundaries(reader: Reader) -> dict[str, int]:
    """Give from where on each member's feed is set aside."""
    return {each.member: each.first for each in await read_quarantines(reader)}


class QuarantineEnd:
    """The effect of an approved end (`approvals.Effect`)."""

    def __init__(self, office: Office, situation: Situation) -> None:
        self._office = office
        self._situation = situation

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put it to the policy, with both persons."""
        del reader, content
        return ActRequest(KIND, first, second, _GROUND)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], Awaitable[None]]:
        """Let the boundary fall; what is returned lets memory follow.

        Raises:
            WrongStateError: another one was drawn, or none is there any more.
        """
        asked = decode(content, Ending)
        kept = await read_quarantines(tx)
        found = next((each for each in kept if each.member == asked.member), None)
        if found is None or (found.after, found.first) != (asked.since, asked.first):
            raise WrongStateError(
                "act_changed", Phrase("something else is set aside by now: ask anew")
            )
        await tx.set_meta(KEPT, encode([each for each in kept if each is not found]))
        detail: Detail = {
            "origin": found.member,
            "first": found.first,
            "after": found.after,
            "records": await _records(tx, found),
            "second": second.name,
        }
        await self._office.note(tx, Event.QUARANTINE_ENDED, first.name, detail)

        async def learn() -> None:
            self._situation.coverage.set_aside.pop(asked.member, None)

        return learn


class Quarantines:
    """Sets aside, tells what is, and asks for its end."""

    def __init__(
        self, office: Office, situation: Situation, approvals: Approvals
    ) -> None:
        self._office = office
        self._situation = situation
        self._approvals = approvals

    async def shown(self) -> list[QuarantineAnswer]:
        """Tell what is set aside."""

        async def query(reader: Reader) -> list[QuarantineAnswer]:
            kept = await read_quarantines(reader)
            return [_answer(each, await _records(reader, each)) for each in kept]

        return await self._office.store.read(query)

    async def begin(
        self, request: QuarantineRequest, who: Principal
    ) -> QuarantineAnswer:
        """Set aside what came from a member after a moment; further back if asked.

        Raises:
            NotFoundError: nobody of that name is another member.
            BadRequestError: the moment is yet to come.
        """
        member, office = request.member, self._office
        if member not in self._members():
            raise NotFoundError(Phrase("no such other member of that name"))
        if request.after > office.now():
            raise BadRequestError(
                "bad_request", Phrase("that moment is yet to come"), pointer="/after"
            )
        log = office.trail.log
        found = await office.store.scan(
            lambda reader: came_after(reader, log, member, request.after)
        )

        async def act(tx: Transaction) -> QuarantineAnswer:
            kept = await read_quarantines(tx)
            before = next((each for each in kept if each.member == member), None)
            if before is not None and before.first <= found.first:
                nothing_happened()  # what is set aside goes back by two persons only
                return _answer(before, await _records(tx, before))
            new = Quarantine(
                member=member,
                after=request.after,
                first=found.first,
                whole=not found.known,
                by=who.name,
                at=office.now(),
            )
            others = [each for each in kept if each is not before]
            await tx.set_meta(KEPT, encode([*others, new]))
            answer = _answer(new, await _records(tx, new))
            detail: Detail = {
                "origin": member,
                "first": new.first,
                "after": new.after,
                "records": answer.records,
            }
            await office.note(tx, Event.QUARANTINED, who.name, detail)
            return answer

        answer = await office.store.write(act)
        self._situation.coverage.set_aside[member] = answer.first
        return answer

    async def end(self, member: str, who: Principal) -> ActAnswer:
        """Ask a second person to let what is set aside match again.

        Raises:
            NotFoundError: nothing of that member is set aside.
            WrongStateError: nobody could be the second person, or the same waits.
        """
        office = self._office
        kept = await office.store.read(read_quarantines)
        found = next((each for each in kept if each.member == member), None)
        if found is None:
            raise NotFoundError(Phrase("no such quarantine of that member"))
        await office.store.scan(
            lambda reader: self._approvals.check_second(reader, KIND, who)
        )
        asked_for = Ending(member=member, since=found.after, first=found.first)

        async def keep(tx: Transaction, asked: ActAnswer) -> None:
            await let_one_wait(
                office,
                tx,
                asked,
                is_alike=lambda other: decode(other, Ending).member == member,
                is_same=lambda other: decode(other, Ending) == asked_for,
            )

        return await self._approvals.ask(KIND, encode(asked_for), who, keep=keep)

    def _members(self) -> set[str]:
        shared = self._situation.shared
        if shared is None:
            return set()
        names = {each.name for each in shared.membership.charter.members}
        return names - {self._situation.node}


async def came_after(
    reader: Reader, audit: LogName, member: str, moment: int
) -> Boundary:
    """Find the first record of a member's feed that came after a moment.

    The audit log is read from its end back to that moment. What it does not tell any
    more counts as come later.
    """
    first = await reader.log_size(feed_name(member))
    oldest = await reader.minimum(audit)
    stop = await reader.log_size(audit)
    while stop > oldest:
        start = max(oldest, stop - _PAGE)
        records = await reader.records(audit, start, stop - start)
        later = False
        for index, data in enumerate(records, start):
            came = _came(data, moment)
            later = later or came
            if not came or not data.startswith(_APPLIED):
                continue
            size = await _size_before(reader, audit, index, member)
            if size is None:
                return Boundary(0, known=False)
            first = min(first, size)
        if records and not later:
            return Boundary(first, known=True)
        stop = start
    return Boundary(first, known=True) if oldest == 0 else Boundary(0, known=False)


def _came(data: bytes, moment: int) -> bool:
    """Whether an event is later than a moment; one that cannot be read is."""
    try:
        at = datetime.fromisoformat(decode_audit_record(data).at)
    except (MalformedError, ValueError):
        return True
    return at > datetime.fromtimestamp(moment, UTC)


class _Applied(msgspec.Struct, frozen=True):
    origin: str
    records: int
    size: int
    had: int | None = None


_LARGEST: Final = 1 << 62


async def _size_before(
    reader: Reader, audit: LogName, index: int, member: str
) -> int | None:
    """Give how much of a member's feed was here before a batch; None if untold."""
    kept = await reader.openings(audit, index, 1, group=DETAIL)
    opening = kept[0].opening if kept else None
    if opening is None:
        return None
    try:
        said = msgspec.json.decode(opening.payload, type=_Applied)
    except msgspec.MsgspecError:
        return None
    if said.origin != member:
        return _LARGEST
    return said.size - said.records if said.had is None else said.had


async def _records(reader: Reader, found: Quarantine) -> int:
    return max(0, await reader.log_size(feed_name(found.member)) - found.first)


def _answer(found: Quarantine, records: int) -> QuarantineAnswer:
    return QuarantineAnswer(
        member=found.member,
        after=found.after,
        first=found.first,
        records=records,
        whole=found.whole,
        by=found.by,
        at=found.at,
    )
