# SPDX-License-Identifier: Apache-2.0
"""Notices as people deal with them: texts, their sign-off, and holding one back."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from fedsafe_node.acts.bodies import Bilingual
from fedsafe_node.acts.notices import (
    NoticeKind,
    NoticesAnswer,
    NoticeShown,
    NoticeState,
    SignOffRequest,
    Standing,
    TextName,
    TextsAnswer,
    TextShown,
    WithheldAnswer,
    WithholdRequest,
)
from fedsafe_node.ground.config import letters_lack
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.notices.desk import NoticeDesk, in_force, named
from fedsafe_node.notices.texts import NoticeText
from fedsafe_node.rules.policy_context import rule_on_reading
from fedsafe_node.store.notices_rows import NoticeRow, SignOffRow, WithholdingRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Matter, Plane, Purpose, Role, Withholding

DAY_SECONDS: Final = 24 * 60 * 60
LONGEST_DAYS: Final = 366
MOST: Final = 1_000


class Notices:
    """Shows, signs off, holds back."""

    def __init__(self, store: Store, desk: NoticeDesk) -> None:
        self._store = store
        self._desk = desk

    async def texts(self) -> TextsAnswer:
        """Show all texts, and who has signed them off."""

        async def load(reader: Reader) -> tuple[list[SignOffRow], int]:
            signed = await reader.sign_offs()
            return signed, await reader.notices_waiting(self._now())

        rows, waiting = await self._store.read(load)
        return self._texts(rows, waiting)

    async def sign_off(
        self, name: str, request: SignOffRequest, who: Principal
    ) -> TextsAnswer:
        """Sign off a text with exactly these words.

        Raises:
            NotFoundError: there is no such text.
            WrongStateError: its words are others.
            BadRequestError: the day lies in the past, or more than a year ahead.
        """
        text = self._desk.texts.get(TextName(name)) if name in set(TextName) else None
        if text is None:
            raise NotFoundError(Phrase("no such text"))
        if request.digest != text.digest:
            raise WrongStateError(
                "text_changed",
                Phrase(
                    "the text has changed since: read it again before you sign it off"
                ),
            )
        now = self._now()
        until = _seconds(request.valid_until)
        if not now < until <= now + LONGEST_DAYS * DAY_SECONDS:
            raise BadRequestError(
                "bad_span",
                Phrase(
                    "the sign-off of a text must end in the future, after one "
                    "year at the latest"
                ),
                pointer="/valid_until",
            )
        row = SignOffRow(
            name=text.name.value,
            digest=text.digest,
            signed_by=who.name,
            role=who.role.value,
            signed_at=now,
            valid_until=until,
        )
        entry = self._desk.trail.entry(
            Event.NOTICE_TEXT_SIGNED,
            at=self._desk.clock.now(),
            actor=who.name,
            detail={"text": row.name, "digest": row.digest, "until": until},
        )

        async def act(tx: Transaction) -> tuple[list[SignOffRow], int]:
            await tx.add_sign_off(row)
            await tx.append(self._desk.trail.log, entry.record, entry.openings)
            return await tx.sign_offs(), await tx.notices_waiting(self._now())

        return self._texts(*await self._store.write(act))

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> NoticesAnswer:
        """List the notices that wait or are on their way.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        desk, now = self._desk, self._desk.clock.now()
        decision = rule_on_reading(desk.situation, who, Matter.TASKS, purpose, now)
        if not decision.allowed:
            await self._refuse(decision, who, "notices")

        async def act(tx: Transaction) -> NoticesAnswer:
            rows = [
                *await tx.notices(NoticeState.WAITING, MOST),
                *await tx.notices(NoticeState.ANNOUNCED, MOST),
            ]
            shown = [await self._shown(tx, row) for row in rows]
            entry = desk.trail.entry(
                Event.NOTICE_READ,
                at=now,
                actor=who.name,
                detail={"notices": len(shown), **grounds_of(decision)},
            )
            await tx.append(desk.trail.log, entry.record, entry.openings)
            return NoticesAnswer(notices=shown)

        return await self._store.write(act)

    async def withhold(
        self, about: str, request: WithholdRequest, who: Principal
    ) -> WithheldAnswer:
        """Hold back what is told of a signal or a review, for a listed reason.

        That can be done while the signal is a draft, the review is not decided, or the
        notice waits; once.

        Raises:
            DeniedError: this role may not, or the policy takes no such reason or day.
            NotFoundError: no such signal waits or is published with a notice, and no
                such review is kept.
            WrongStateError: the notice has gone out, or was held back before.
        """
        desk, now = self._desk, self._desk.clock.now()
        decision = desk.situation.decide(_withholding(request, who), now)
        if not decision.allowed:
            await self._refuse(decision, who, "notice.withhold")
        row = WithholdingRow(
            about=UUID(about).bytes,
            reason=request.reason.value,
            note=request.note,
            by=who.name,
            at=int(now.timestamp()),
            until=_seconds(request.until),
        )
        entry = desk.trail.entry(
            Event.NOTICE_WITHHELD,
            at=now,
            actor=who.name,
            detail={
                **_named(about),
                "note": request.note,
                "until": request.until.isoformat(),
                **grounds_of(decision),
            },
        )

        async def act(tx: Transaction) -> None:
            await _check_waits(tx, about)
            await tx.add_withholding(row)
            await tx.append(desk.trail.log, entry.record, entry.openings)

        try:
            await self._store.write(act)
        except ConflictError:
            raise WrongStateError(
                "already_withheld",
                Phrase("this notice has already been held back once"),
            ) from None
        return WithheldAnswer(
            **_named(about),
            reason=request.reason,
            note=row.note,
            by=row.by,
            until=_moment(row.until),
        )

    async def _refuse(self, decision: Decision, who: Principal, act: str) -> None:
        desk = self._desk
        now = desk.clock.now()
        entry = desk.trail.refusal(decision, at=now, actor=who.name, act=act)
        await self._store.write(
            lambda tx: tx.append(desk.trail.log, entry.record, entry.openings)
        )
        raise DeniedError(decision)

    async def _shown(self, reader: Reader, row: NoticeRow) -> NoticeShown:
        held = await reader.withholding(row.about)
        waits = row.state is NoticeState.WAITING
        unsigned = await self._desk.unsigned(reader, row.kind) if waits else []
        return NoticeShown(
            **named(row),
            notice=row.kind,
            state=row.state,
            queued_at=_moment(row.queued_at),
            event=row.event,
            withheld_until=None if held is None else _moment(held.until),
            withheld_by=None if held is None else held.by,
            reason=None if held is None else Withholding(held.reason),
            unsigned=tuple(unsigned),
        )

    def _texts(self, rows: Sequence[SignOffRow], waiting: int) -> TextsAnswer:
        written = self._desk.texts
        good = in_force(rows, self._desk.clock.now(), written)
        newest = {TextName(row.name): row for row in rows}
        return TextsAnswer(
            texts=[
                _text(text, good.get(name), newest.get(name))
                for name, text in written.items()
            ],
            waiting=waiting,
            lacking=letters_lack(self._desk.situation.config),
        )

    def _now(self) -> int:
        return int(self._desk.clock.now().timestamp())


async def _check_waits(reader: Reader, about: str) -> None:
    id_, is_signal = UUID(about).bytes, _is_signal(about)
    kind = NoticeKind.PUBLICATION if is_signal else NoticeKind.REVIEW
    count = await reader.notices_about(id_, kind)
    notice = await reader.notice(id_, kind, count) if count else None
    if notice is not None:
        if notice.state is not NoticeState.WAITING:
            raise WrongStateError(
                "already_told", Phrase("this notice has already been sent")
            )
    elif not await (_is_draft if is_signal else _is_reviewed)(reader, id_):
        raise NotFoundError(Phrase("no such notice"))


async def _is_draft(reader: Reader, signal_id: bytes) -> bool:
    draft = await reader.draft(signal_id)
    if draft is None or draft.state is not DraftState.PENDING:
        return False
    return draft.plane == Plane.ACTOR


async def _is_reviewed(reader: Reader, task_id: bytes) -> bool:
    task = await reader.task(task_id.hex())
    return task is not None and task.subject is not None


def _is_signal(about: str) -> bool:
    return "-" in about


def _named(about: str) -> dict[str, str]:
    return {"signal" if _is_signal(about) else "task": about}


def _text(
    text: NoticeText, good: SignOffRow | None, newest: SignOffRow | None
) -> TextShown:
    standing = Standing.SIGNED if good is not None else Standing.DRAFT
    if good is None and newest is not None and newest.digest == text.digest:
        standing = Standing.EXPIRED
    row = good if good is not None else newest
    shown = row if standing is not Standing.DRAFT else None
    return TextShown(
        name=text.name,
        title=_bilingual(text.title),
        body=_bilingual(text.body),
        minor=None if text.minor is None else _bilingual(text.minor),
        digest=text.digest,
        standing=standing,
        signed_by=None if shown is None else shown.signed_by,
        role=None if shown is None else Role(shown.role),
        signed_at=None if shown is None else _moment(shown.signed_at),
        valid_until=(
            None
            if shown is None
            else datetime.fromtimestamp(shown.valid_until, UTC).date()
        ),
    )


def _bilingual(text: Text) -> Bilingual:
    return Bilingual.of(text)


def _seconds(day: date) -> int:
    try:
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    except (OverflowError, ValueError):
        return 0


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _withholding(request: WithholdRequest, who: Principal) -> WithholdingRequest:
    return WithholdingRequest(
        person=Person(who.name, who.role),
        reason=request.reason,
        note=request.note,
        until=request.until,
    )
