# SPDX-License-Identifier: Apache-2.0
"""What people make of a match flood: the signal stands, or rests; its bound is raised.

* It *stands*: each reference becomes a review of its account, with nothing restricted
  that was not. The bound counts on, so what matches beyond it is the next flood.
* It *rests*, at this node and nowhere else, until another ruling, and so does what its
  origin lists of the same later. Whom it restricted before is shown as *look anew*; the
  references stay to be looked at. Every 30 days people are reminded to rule anew: one
  person's ruling hides nothing unseen for a signal's life.
* Two people raise the bound for seven days. That says that it stands, too.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.floods import BoundRequest, FloodRuling, FloodState
from fedsafe_node.acts.floods import FloodRulingRequest as RulingWords
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.subject_refs import split
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.notices.provider_events.announcer import Content
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait
from fedsafe_node.people.services import LOCAL_SERVICE
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.feedback import inquire
from fedsafe_node.review.flags import flag_tasks
from fedsafe_node.review.floods import announce_flood, flood_event, flood_match, kind_of
from fedsafe_node.review.pace import Haste, Ruling, in_time, weigh_shown
from fedsafe_node.review.task_start import open_review
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import FloodRow, RaisedRow
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.floods import (
    MOST_RAISED,
    RAISED_FOR,
    REST_REVIEW,
    FloodRulingRequest,
    flood_bound,
)
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.reviews import review_ends
from fedsafe_policies.vocabulary import Act

KIND: Final = Act.FLOOD_BOUND
RESTED: Final = "rested"
"""What a task says of a signal that rests by a ruling."""
PAGE: Final = 100
_EVER: Final = 1 << 62
_BY: Final = Actor.REVIEW.value
_RULED_ON: Final = frozenset({FloodState.WAITING, FloodState.RESTED})
_STATES: Final = {
    FloodRuling.RESTS: FloodState.RESTED,
    FloodRuling.STANDS: FloodState.STANDS,
}


class Raise(Row, frozen=True, kw_only=True):
    """What a second person stands by: a bound for the signal of a flood."""

    flood: str
    signal: str
    bound: int
    reason: str


async def rule_on_flood(
    desk: ReviewDesk, flood_id: str, want: RulingWords, who: Principal
) -> FloodRow:
    """Rule on a flood; its references become reviews if the signal stands.

    Raises:
        NotFoundError: there is no such flood.
        WrongStateError: it is over, or was ruled on so; or too fast (`pace`).
        BadRequestError: a signal that stands is no wrong listing.
        DeniedError: policy refuses.
    """
    if want.because is not None and want.ruling is not FloodRuling.RESTS:
        detail = Phrase("{ruling} takes no because").filled(ruling=want.ruling.value)
        raise BadRequestError("not_for_outcome", detail, pointer="/because")

    async def act(tx: Transaction) -> FloodRow | Haste:
        flood = await alive(tx, flood_id)
        state = _STATES[want.ruling]
        if flood.state is state and not is_rest_due(flood, desk.now()):
            raise WrongStateError("flood_ruled", Phrase("it was ruled on so"))
        stands = want.ruling is FloodRuling.STANDS
        person = Person(who.name, who.role)
        decision = desk.situation.decide(
            FloodRulingRequest(person, stands, want.reason), desk.clock.now()
        )
        if not decision.allowed:
            raise DeniedError(decision)
        ruling = Ruling(f"flood:{flood.id}", who, want, flood.state.value)
        haste = await weigh_shown(desk, tx, ruling)
        if haste is not None:
            return haste
        if want.because is not None:
            await inquire(desk, tx, flood.origin, flood.signal_id)
        return await _conclude(
            desk, tx, flood, state, decision, [who.name, want.reason]
        )

    ruled = in_time(await desk.admitted(act, who, "flood.rule"))
    await review_references(desk)
    return ruled


def is_rest_due(flood: FloodRow, now: int) -> bool:
    """Whether a signal rests for so long that somebody rules on it anew."""
    if flood.state is not FloodState.RESTED or flood.ruled_at is None:
        return False
    return flood.ruled_at + REST_REVIEW <= now


async def alive(reader: Reader, flood_id: str) -> FloodRow:
    """Give a flood that can be ruled on.

    Raises:
        NotFoundError: there is no such flood.
        WrongStateError: it is over.
    """
    flood = await reader.flood(flood_id)
    if flood is None:
        raise NotFoundError(Phrase("no such flood"))
    if flood.state not in _RULED_ON:
        raise WrongStateError(
            "not_pending", Phrase("nothing is to be ruled on this flood")
        )
    return flood


async def _conclude(  # noqa: PLR0913 - a flood, and how it ended
    desk: ReviewDesk,
    tx: Transaction,
    flood: FloodRow,
    state: FloodState,
    decision: Decision,
    said: Sequence[str],
    second: str | None = None,
) -> FloodRow:
    by, reason = said
    now = desk.now()
    ruled = replace(
        flood,
        state=state,
        ends_at=max(flood.ends_at, review_ends(now, desk.situation.policy)),
        remind_at=now + REST_REVIEW if state is FloodState.RESTED else None,
        ruled_by=by,
        second=second,
        ruled_at=now,
        reason=reason,
    )
    await tx.put_flood(ruled)
    flagged = await _mark_tasks(desk, tx, flood, rests=state is FloodState.RESTED)
    detail: Detail = {
        "reason": reason,
        "references": flood.kept,
        "tasks": flagged,
        **({} if second is None else {"second": second}),
        **grounds_of(decision),
    }
    outcome = "rests" if state is FloodState.RESTED else "stands"
    entry = flood_event(desk, Event.FLOOD_RULED, ruled, detail, by=by, outcome=outcome)
    await desk.note(tx, entry)
    content: Content = {"outcome": outcome, "references": flood.kept}
    await announce_flood(desk, tx, EventKind.FLOOD_RULED, ruled, content)
    return ruled


async def _mark_tasks(
    desk: ReviewDesk, tx: Transaction, flood: FloodRow, *, rests: bool
) -> int:
    """Bring whom the signal restricted before a person again, if it rests now."""
    rows = await tx.tasks_on(flood.origin, flood.signal_id)
    if not rests:
        woken = [row for row in rows if row.effect == RESTED]
        await tx.put_task_signals(
            [replace(row, effect=None, effect_at=None) for row in woken]
        )
        return len(woken)
    alive = [row for row in rows if row.effect is None]
    stopped = [replace(row, effect=RESTED, effect_at=desk.now()) for row in alive]
    await tx.put_task_signals(stopped)
    await flag_tasks(desk, tx, stopped)
    return len(stopped)


async def review_references(desk: ReviewDesk) -> int:
    """Let the references of floods whose signal stands become reviews; say how many.

    In acts of a bounded size, so a crash leaves the rest for the next run.
    """
    done = 0
    while moved := await desk.store.write(
        lambda tx: _review_some(desk, tx), alone=True
    ):
        done += moved
    return done


async def _review_some(desk: ReviewDesk, tx: Transaction) -> int:
    for flood in await tx.floods_due(FloodState.STANDS, _EVER, 1):
        match = flood_match(desk, flood)
        subjects = await tx.flood_subjects(flood.id, PAGE)
        for subject, _ in subjects:
            if match is not None:
                service, _ = split(subject)
                opened = await open_review(
                    desk,
                    tx,
                    subject,
                    [match],
                    desk.clock.now(),
                    by=_BY,
                    service=service or LOCAL_SERVICE,
                )
                await tx.append_many(desk.trail.log, list(opened.events))
            await tx.drop_flood_subject(flood.id, subject)
        return len(subjects)
    return 0


async def ask_to_raise(  # noqa: PLR0913 - what is asked, by whom
    desk: ReviewDesk,
    office: Office,
    approvals: Approvals,
    flood_id: str,
    want: BoundRequest,
    who: Principal,
) -> ActAnswer:
    """Ask a second person to raise the bound of a flood's signal for seven days.

    Raises:
        NotFoundError: there is no such flood.
        WrongStateError: its signal rests or has ended; or nobody could be the second
            person, or the same waits.
        BadRequestError: the bound is not above the present one, or beyond the most.
    """

    async def check(reader: Reader) -> Raise:
        flood = await _raisable(reader, flood_id)
        _check_bound(desk, flood, want.bound)
        await approvals.check_second(reader, KIND, who)
        signal = str(UUID(bytes=flood.signal_id))
        return Raise(
            flood=flood.id, signal=signal, bound=want.bound, reason=want.reason
        )

    asked_for = await desk.store.scan(check)

    async def keep(tx: Transaction, asked: ActAnswer) -> None:
        await let_one_wait(
            office,
            tx,
            asked,
            is_alike=lambda other: decode(other, Raise).flood == asked_for.flood,
            is_same=lambda other: decode(other, Raise) == asked_for,
        )

    return await approvals.ask(KIND, encode(asked_for), who, keep=keep)


async def _raisable(reader: Reader, flood_id: str) -> FloodRow:
    flood = await reader.flood(flood_id)
    if flood is None:
        raise NotFoundError(Phrase("no such flood"))
    if flood.state is FloodState.RESTED:
        raise WrongStateError(
            "signal_rests", Phrase("the signal rests: rule that it stands")
        )
    if flood.state is FloodState.OVER or flood.sealed is None:
        raise WrongStateError(
            "not_pending", Phrase("the signal of this flood has ended")
        )
    return flood


def _check_bound(desk: ReviewDesk, flood: FloodRow, bound: int) -> None:
    match = flood_match(desk, flood)
    if match is None:
        raise WrongStateError(
            "not_pending", Phrase("the signal of this flood has ended")
        )
    most = MOST_RAISED * flood_bound(kind_of(match), desk.situation.policy)
    if not flood.bound < bound <= most:
        detail = Phrase("want more than {bound}, and {most} at most").filled(
            bound=flood.bound, most=most
        )
        raise BadRequestError("bad_bound", detail, pointer="/bound")


class FloodBoundEffect:
    """The effect of an approved bound (`approvals.Effect`)."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put it to the policy, with both persons."""
        del reader
        return ActRequest(KIND, first, second, decode(content, Raise).reason)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Raise the bound; the signal stands.

        Raises:
            WrongStateError: it rests or has ended by now.
        """
        desk, said = self._desk, decode(content, Raise)
        flood = await _raisable(tx, said.flood)
        now = desk.now()
        row = RaisedRow(
            origin=desk.origin_of(flood.origin),
            about=flood.about,
            bound=said.bound,
            until=now + RAISED_FOR,
            raised_by=first.name,
            second=second.name,
        )
        await tx.put_raised_bound(row)
        detail: Detail = {
            "bound": row.bound,
            "until": row.until,
            "reason": said.reason,
            "second": second.name,
        }
        entry = flood_event(desk, Event.BOUND_RAISED, flood, detail, by=first.name)
        await desk.note(tx, entry)
        for live in await tx.floods_alive([flood.about]):
            person = Person(first.name, first.role)
            decision = desk.situation.decide(
                FloodRulingRequest(person, True, said.reason),  # noqa: FBT003
                desk.clock.now(),
            )
            await _conclude(
                desk,
                tx,
                live,
                FloodState.STANDS,
                decision,
                [first.name, said.reason],
                second.name,
            )
