# SPDX-License-Identifier: Apache-2.0
"""Appeals as this provider's people file, see and rule on them (protocol 3.6).

An appeal is against an origin's ruling that let a disputed signal stand. Any member
files it for the person; the member that the charter names rules, over the origin, by
two of its people (P6), neither of whom has had a part in it. It is filed by an officer,
or by this node itself once somebody who has shown that the identifier is theirs
contests again what was ruled on (`file_for_persons`).

An own ban is known to nobody else: nobody could hear an appeal against it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import msgspec

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.errors import FederationError
from fedsafe_federation.feed.appeals import (
    Appeal,
    AppealOutcome,
    AppealRuling,
    Heard,
    Ruled,
    hearer,
    open_appeal,
    open_appeal_ruling,
    sign_appeal,
    sign_appeal_ruling,
)
from fedsafe_federation.feed.records import (
    RestrictionRecord,
    RulingRecord,
    decode_record,
    encode_record,
)
from fedsafe_federation.feed.rulings import Outcome, open_ruling
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.appeals import (
    AppealAnswer,
    AppealId,
    AppealRulingRequest,
    AppealsAnswer,
    NewAppealRequest,
)
from fedsafe_node.acts.bodies import Reference
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.review.pace import Ruling, weigh_shown
from fedsafe_node.rights.terms import moment
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import rule_on_reading
from fedsafe_node.signals.appeals import (
    Hearing,
    end_on_appeal,
    has_disputed,
    hearer_of,
    may_count,
    stand_on_appeal,
    take_appeal,
)
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import AppealRow, DisputeRow, Weight
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disputes import DisputeRequest, ruling_ends
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Control, Matter, Purpose, Role

KIND: Final = Act.APPEAL_RULING
LISTED: Final = 200
ACTOR: Final = Principal(Actor.DISPUTES.value, Role.SERVICE)
"""Who files for persons that contest again what was ruled on."""
_PAGE: Final = 1_024
_MOST: Final = 1 << 40
_RULING: Final = b'"ruling"'
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


class OnAppeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What two people decide on an appeal: the signal ends, or it stands."""

    appeal: AppealId
    origin: str
    signal: str
    disputed_by: str
    ends: bool
    reason: Reference


class Appeals:
    """Files, shows and asks for rulings on appeals."""

    def __init__(self, desk: Desk, approvals: Approvals) -> None:
        self._desk = desk
        self._approvals = approvals

    async def file(
        self,
        dispute: str,
        request: NewAppealRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> AppealAnswer:
        """Appeal against the origin's ruling on a dispute.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no such dispute.
            WrongStateError: the signal did not stand, its ruling is not here, this
                node has appealed already, or nobody could hear it.
        """
        desk = self._desk
        filing = _Filing(desk, bytes.fromhex(dispute), who, request.reason)
        return await filing.file(once)

    async def show(
        self, appeal: str, who: Principal, purpose: Purpose | None = None
    ) -> AppealAnswer:
        """Show an appeal and how it ended.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such appeal.
        """
        decision = await self._admit(who, purpose)

        async def act(tx: Transaction) -> AppealAnswer:
            row = await _appeal(tx, appeal)
            await self._note_read(tx, who, decision, [row])
            return await describe_appeal(tx, row, self._desk)

        return await self._desk.store.write(act)

    async def list(
        self,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        ruled: bool = False,
        after: str | None = None,
    ) -> AppealsAnswer:
        """List the appeals that wait for a ruling, or those that have one.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no appeal to go on behind.
        """
        decision = await self._admit(who, purpose)

        async def act(tx: Transaction) -> AppealsAnswer:
            last = None if after is None else await _appeal(tx, after)
            rows = await tx.appeals(LISTED, last, ruled=ruled)
            await self._note_read(tx, who, decision, rows)
            return AppealsAnswer(
                appeals=[await describe_appeal(tx, row, self._desk) for row in rows],
                next=rows[-1].digest.hex() if len(rows) == LISTED else None,
            )

        return await self._desk.store.write(act)

    async def rule(
        self, appeal: str, request: AppealRulingRequest, who: Principal
    ) -> ActAnswer:
        """Ask that an appeal be ruled on so; a second person approves.

        Raises:
            NotFoundError: there is no such appeal.
            WrongStateError: another member hears it, it has its ruling, its signal is
                stopped, or the budget of the day is spent; or it is ruled on too fast
                (`pace`).
        """
        desk = self._desk

        async def query(reader: Reader) -> OnAppeal:
            row = await _appeal(reader, appeal)
            await _check_rulable(reader, desk, row)
            return OnAppeal(
                appeal=appeal,
                origin=row.origin,
                signal=signal_name(row.signal_id),
                disputed_by=row.disputed_by,
                ends=request.ends,
                reason=request.reason,
            )

        asked = await desk.store.read(query)
        ruling = Ruling(f"appeal:{appeal}", who, request)
        haste = await desk.store.write(lambda tx: weigh_shown(desk.reviews, tx, ruling))
        if haste is not None:
            raise haste.error()
        return await self._approvals.ask(KIND, encode(asked), who, single=True)

    async def _admit(self, who: Principal, purpose: Purpose | None) -> Decision:
        desk = self._desk
        now = desk.clock.now()
        decision = rule_on_reading(desk.situation, who, Matter.TASKS, purpose, now)
        if not decision.allowed:
            await desk.refuse(decision, who, "appeal.show")
        return decision

    async def _note_read(
        self,
        tx: Transaction,
        who: Principal,
        decision: Decision,
        rows: Sequence[AppealRow],
    ) -> None:
        now = self._desk.reviews.now()
        for row in rows:
            await tx.add_look(f"appeal:{row.digest.hex()}", who.name, now)
        detail = {"appeals": len(rows)}
        entry = self._desk.event(Event.DISPUTES_READ, who, detail, decision=decision)
        await tx.append(self._desk.trail.log, entry.record, entry.openings)


class AppealEffect:
    """The effect of an approved ruling on an appeal (`approvals.Effect`)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the ruling to the policy, with both persons."""
        del reader
        return ActRequest(KIND, first, second, decode(content, OnAppeal).reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], None]:
        """Sign the ruling, say it in the own feed, and act on it here."""
        desk, asked = self._desk, decode(content, OnAppeal)
        row = await _appeal(tx, asked.appeal)
        await _check_rulable(tx, desk, row)
        now = desk.clock.now()
        outcome = AppealOutcome.ENDED if asked.ends else AppealOutcome.STANDS
        disputed = await _gives_authority(tx, desk, row)
        statement, ruled = _signed(
            desk, row, outcome, int(now.timestamp()), disputed=disputed
        )
        place = await tx.append(desk.feed, encode_record(RestrictionRecord(statement)))
        hearing = Hearing(
            at=int(now.timestamp()),
            due=row.due_at,
            place=place,
            first=first.name,
            second=second.name,
            reason=asked.reason,
        )
        removed: tuple[int, ...] = ()
        if asked.ends:
            ending = await end_on_appeal(tx, statement, ruled, hearing, own=False)
            removed = tuple(ending.removed)
        else:
            await stand_on_appeal(tx, statement, ruled, hearing)
        entry = desk.trail.entry(
            Event.APPEAL_RULED,
            at=now,
            outcome=outcome.value,
            actor=second.name,
            detail={
                "appeal": asked.appeal,
                "ruling": ruled.digest.hex(),
                "signal": asked.signal,
                "origin": asked.origin,
                "asked_by": first.name,
                "reference": asked.reason,
                "policy": desk.situation.policy.reference,
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return partial(self._learn, removed, place + 1)

    def _learn(self, removed: tuple[int, ...], feed: int) -> None:
        self._desk.lists.remove(removed)
        self._desk.announce(feed)


async def file_for_persons(desk: Desk) -> int:
    """Appeal for those who, with proof, contest again what was ruled on; count them.

    A duty: whoever has shown that the identifier is theirs need not know of appeals.
    Of a signal that an appeal of this node was ruled on nothing is filed again.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    if desk.situation.shared is None:
        return 0
    wanted = await desk.store.read(lambda reader: _to_file(reader, desk))
    for dispute in wanted:
        filing = _Filing(desk, dispute, ACTOR, None)
        try:
            await filing.file(None)
        except WrongStateError:
            continue  # it is said to who asks for the dispute, and tried again
    return len(wanted)


async def _to_file(reader: Reader, desk: Desk) -> list[bytes]:
    node, found = desk.situation.node, list[bytes]()
    for row in await reader.disputes(_MOST, ruled=False):
        proved = row.control != Control.OFFICER
        if row.author != node or not proved or row.weight is not Weight.REPEAT:
            continue
        if any(
            each.author == node
            for each in await reader.appeals_on(row.origin, row.signal_id)
        ):
            continue
        signal = await reader.signal(row.origin, row.signal_id)
        if signal is None or signal.status not in _ALIVE:
            continue
        cited = await _citable(reader, desk, row)
        if cited is not None:
            found.append(cited)
    return found


async def _citable(reader: Reader, desk: Desk, row: DisputeRow) -> bytes | None:
    """Find a dispute with a ruling that let the signal stand, which somebody hears."""
    for each in await reader.disputes_on(row.origin, row.signal_id):
        ruling = await reader.ruling(each)
        if ruling is None or ruling.outcome != Outcome.RESTORED:
            continue
        parties = {desk.situation.node, each.author, each.origin}
        if await _hearer(reader, _charter(desk), row, parties) is not None:
            return each.digest
    return None


async def describe_appeal(reader: Reader, row: AppealRow, desk: Desk) -> AppealAnswer:
    """Describe an appeal and how it ended, as this node sees it."""
    ruling = await reader.appeal_ruling(row.digest)
    shared = desk.situation.shared
    heard_by, aside = None, False
    if shared is not None:
        charter = shared.membership.charter
        heard_by = await _hearer(reader, charter, row, _parties(row))
        aside = ruling is not None and ruling.digest in charter.without_effect
    return AppealAnswer(
        appeal=row.digest.hex(),
        signal=signal_name(row.signal_id),
        origin=row.origin,
        dispute=row.dispute.hex(),
        disputed_by=row.disputed_by,
        author=row.author,
        heard_by=heard_by,
        ours=heard_by == desk.situation.node,
        state="open" if ruling is None else AppealOutcome(ruling.outcome).value,
        received_at=moment(row.received_at),
        due_at=moment(row.due_at),
        opened_by=row.opened_by,
        reason=row.reason,
        ruling=None if ruling is None else ruling.digest.hex(),
        ruled_by=None if ruling is None else ruling.author,
        ruled_at=None if ruling is None else moment(ruling.at),
        first=None if ruling is None else ruling.first,
        second=None if ruling is None else ruling.second,
        ruling_reason=None if ruling is None else ruling.reason,
        set_aside=aside,
    )


@dataclass(frozen=True, slots=True)
class _Filing:
    desk: Desk
    dispute: bytes
    who: Principal
    reason: str | None

    async def file(self, once: Once | None) -> AppealAnswer:
        desk, now = self.desk, self.desk.clock.now()
        is_officer = self.who is not ACTOR
        asked = DisputeRequest(
            control_proved=not is_officer,
            repeated=True,
            suspended_today=0,
            officer=Person(self.who.name, self.who.role) if is_officer else None,
        )
        decision = desk.situation.decide(asked, now)
        if not decision.allowed:
            await desk.refuse(decision, self.who, "appeal.file")
        ruling = await desk.store.scan(self._ruling)

        async def act(tx: Transaction) -> Changed[AppealAnswer]:
            changed = await self._keep(tx, ruling, decision)
            await desk.keep_answer(tx, once, changed.result)
            return changed

        return await desk.commit(act)

    async def _ruling(self, reader: Reader) -> Signed:
        """Find the origin's ruling; it is a record of its feed, and rarely old."""
        row = await self._dispute(reader)
        charter, log = _charter(self.desk), feed_name(row.origin)
        end = await reader.log_size(log)
        while end > 0:
            start = max(0, end - _PAGE)
            for data in reversed(await reader.records(log, start, end - start)):
                found = _ruling_on(data, row, charter)
                if found is not None:
                    return found
            end = start
        raise WrongStateError(
            "not_ruled",
            Phrase("the origin's ruling on this dispute has not reached this node yet"),
        )

    async def _dispute(self, reader: Reader) -> DisputeRow:
        row = await reader.dispute(self.dispute)
        if row is None:
            raise NotFoundError(Phrase("no such dispute"))
        if row.origin == self.desk.situation.own.name:
            raise WrongStateError(
                "nobody_hears",
                Phrase(
                    "no other member knows an own ban, so no member can "
                    "decide an appeal about it: contest the own ban here "
                    "again, or go to the supervisory authority or to court"
                ),
            )
        ruling = await reader.ruling(row)
        if ruling is None:
            raise WrongStateError(
                "not_ruled",
                Phrase("the signal's origin has not ruled on this dispute yet"),
            )
        if ruling.outcome != Outcome.RESTORED:
            raise WrongStateError(
                "already_revoked",
                Phrase(
                    "an appeal is not possible because the origin has not upheld "
                    "the signal"
                ),
            )
        signal = await reader.signal(row.origin, row.signal_id)
        if signal is not None and signal.status not in _ALIVE:
            raise WrongStateError(
                f"already_{signal.status.value}", Phrase("it is stopped")
            )
        return row

    async def _keep(
        self, tx: Transaction, ruling: Signed, decision: Decision
    ) -> Changed[AppealAnswer]:
        desk, now = self.desk, self.desk.clock.now()
        row, charter = await self._dispute(tx), _charter(self.desk)
        node, at = desk.situation.node, int(now.timestamp())
        kept = await tx.restriction(row.digest)
        if kept is None:
            raise NotFoundError(Phrase("no such dispute"))
        heard_by = await _hearer(tx, charter, row, {node, row.author, row.origin})
        if heard_by is None:
            raise _nobody_hears(charter)
        for each in await tx.appeals_on(row.origin, row.signal_id):
            waits = await tx.appeal_ruling(each.digest) is None
            if each.author == node and (each.dispute == row.digest or waits):
                detail = Phrase("this node has already appealed about this signal")
                raise WrongStateError("already_appealed", detail)
        appeal = Appeal(
            v=1,
            author=node,
            dispute=decode(kept.statement, Signed),
            ruling=ruling,
            at=at,
        )
        statement = sign_appeal(
            appeal, key=desk.statement_key, federation=charter.federation
        )
        heard = open_appeal(statement, charter)
        await take_appeal(
            tx,
            statement,
            heard,
            at=at,
            due=ruling_ends(at, desk.situation.policy),
            opened_by=self.who.name,
            reason=self.reason,
        )
        entry = desk.event(
            Event.APPEALED,
            self.who,
            {
                "appeal": heard.digest.hex(),
                "signal": signal_name(heard.signal),
                "origin": heard.origin,
                "heard_by": heard_by,
            },
            decision=decision,
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        record = encode_record(RestrictionRecord(statement))
        size = await tx.append(desk.feed, record) + 1
        taken = await _appeal(tx, heard.digest.hex())
        return Changed(await describe_appeal(tx, taken, desk), feed=size)


def _ruling_on(data: bytes, row: DisputeRow, charter: Charter) -> Signed | None:
    if _RULING not in data:
        return None
    try:
        entry = decode_record(data)
        if not isinstance(entry, RulingRecord):
            return None
        ruling = open_ruling(entry.statement, charter, trust=Trust.SOUND)
    except FederationError:
        return None
    if ruling.outcome is Outcome.RESTORED and row.digest in ruling.disputes:
        return entry.statement
    return None


def _parties(row: AppealRow) -> set[str]:
    return {row.author, row.disputed_by, row.origin}


async def _hearer(
    reader: Reader, charter: Charter, row: AppealRow | DisputeRow, parties: set[str]
) -> str | None:
    return await hearer_of(reader, charter, parties, row.origin, row.signal_id)


async def _gives_authority(
    reader: Reader, desk: Desk, row: AppealRow
) -> Signed | msgspec.UnsetType:
    """Find the dispute by which an appeal has passed to this node, if one is needed."""
    first = hearer(_charter(desk), _parties(row))
    if first == desk.situation.node:
        return msgspec.UNSET
    for each in await reader.disputes_on(row.origin, row.signal_id):
        kept = await reader.restriction(each.digest)
        if each.author == first and kept is not None:
            return decode(kept.statement, Signed)
    raise NotFoundError(Phrase("no such dispute"))


def _signed(
    desk: Desk,
    row: AppealRow,
    outcome: AppealOutcome,
    at: int,
    *,
    disputed: Signed | msgspec.UnsetType,
) -> tuple[Signed, Ruled]:
    charter = _charter(desk)
    ruling = AppealRuling(
        v=1,
        author=desk.situation.node,
        appeal=decode(row.statement, Signed),
        outcome=outcome,
        at=max(at, row.at),
        disputed=disputed,
    )
    statement = sign_appeal_ruling(
        ruling, key=desk.statement_key, federation=charter.federation
    )
    return statement, open_appeal_ruling(statement, charter)


async def _check_rulable(reader: Reader, desk: Desk, row: AppealRow) -> None:
    """Refuse what this node may not rule on, or not now.

    Raises:
        WrongStateError: with the reason.
    """
    node, charter = desk.situation.node, _charter(desk)
    by = await _hearer(reader, charter, row, _parties(row))
    heard = _heard(row, by)
    if by != node and await has_disputed(reader, node, heard):
        detail = Phrase(
            "this node cannot decide the appeal because it has disputed the "
            "signal itself, and no other member can decide the appeal"
        )
        if by is not None:
            detail = Phrase(
                "this node cannot decide the appeal because it has "
                "disputed the signal itself: {by} decides the appeal"
            ).filled(by=by)
        raise WrongStateError("not_hearing", detail)
    if by is None:
        raise _nobody_hears(charter)
    if by != node:
        raise WrongStateError(
            "not_hearing", Phrase("{by} hears this appeal").filled(by=by)
        )
    if await reader.appeal_ruling(row.digest) is not None:
        raise WrongStateError(
            "already_ruled", Phrase("this appeal has already been decided")
        )
    signal = await reader.signal(row.origin, row.signal_id)
    if signal is not None and signal.status not in _ALIVE:
        raise WrongStateError(
            f"already_{signal.status.value}",
            Phrase("the signal has ended for good: no ruling can bring it back"),
        )
    at = int(desk.clock.now().timestamp())
    asked = Ruled(b"", node, heard, AppealOutcome.STANDS, at)
    if not await may_count(reader, asked, at=at):
        raise WrongStateError(
            "rulings_spent",
            Phrase(
                "the limit of rulings on appeals for today is reached: rule tomorrow"
            ),
        )


def _heard(row: AppealRow, by: str | None) -> Heard:
    return Heard(
        digest=row.digest,
        author=row.author,
        origin=row.origin,
        signal=row.signal_id,
        dispute=row.dispute,
        disputed_by=row.disputed_by,
        heard_by=by,
        at=row.at,
    )


async def _appeal(reader: Reader, appeal: str) -> AppealRow:
    row = await reader.appeal(bytes.fromhex(appeal))
    if row is None:
        raise NotFoundError(Phrase("no such appeal"))
    return row


def _charter(desk: Desk) -> Charter:
    shared = desk.situation.shared
    if shared is None:
        raise WrongStateError(
            "no_federation", Phrase("this node does not belong to a federation")
        )
    return shared.membership.charter


def _nobody_hears(charter: Charter) -> WrongStateError:
    told = Phrase(
        "the member that decides appeals is itself involved in this "
        "appeal: propose another member for it with `fedsafe federation "
        "set-policy --deputy MEMBER`"
    )
    if charter.appeal is None:
        told = Phrase(
            "the charter names no member that decides appeals: propose a "
            "member with `fedsafe federation set-policy --appeal MEMBER`"
        )
    return WrongStateError("nobody_hears", told)
