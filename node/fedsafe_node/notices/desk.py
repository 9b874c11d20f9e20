# SPDX-License-Identifier: Apache-2.0
"""Queue a notice in the act that causes it, and announce it when it may go (P16).

What may stand against it: a text that nobody has signed off, a withholding that has
not ended, or that nobody may be told about this account now. Then it waits, and the
upkeep announces it later. The end of a signal is told after its publication, never
before.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from fedsafe_node.acts.notices import NoticeKind, NoticeState, TextName
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.notices.facts import AnyFacts, Reviewed, open_facts, seal_facts
from fedsafe_node.notices.phrases import demonstration_mark, help_in_words, in_words
from fedsafe_node.notices.provider_events.announcer import Announcement, Announcer
from fedsafe_node.notices.texts import NoticeText, texts
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.notices_rows import NoticeRow, SignOffRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.help.offers import Age, Directory, shipped_directory
from fedsafe_policies.vocabulary import Contention

ACTOR_NAME: Final = Actor.NOTICES.value
PARTS: Final = {
    NoticeKind.PUBLICATION: (
        TextName.STATEMENT_OF_REASONS,
        TextName.DATA_PROTECTION_NOTICE,
    ),
    NoticeKind.END: (TextName.END_OF_SIGNAL,),
    NoticeKind.REVIEW: (TextName.REVIEW_REASONS,),
}
"""Which texts a notice is made of."""


UNKNOWN: Final = "unknown"
"""Nobody has said here that the reader is a minor; the provider may know better."""
Silence = Callable[[Reader, str], Awaitable[bool]]
"""Tells whether nobody may be told anything about an account now."""


class NoticeDesk:
    """Queues and announces notices within acts.

    `silence` is asked last, before anything goes out. `texts` are all that people sign
    off: those of notices, and those of rights.
    """

    def __init__(  # noqa: PLR0913 - what telling takes
        self,
        situation: Situation,
        trail: AuditTrail,
        clock: Clock,
        periods: PeriodKeys,
        announcer: Announcer,
        rights: Mapping[TextName, NoticeText] = MappingProxyType({}),
        silence: Silence | None = None,
        directory: Directory | None = None,
    ) -> None:
        self.texts = {**texts(), **rights}
        self.situation = situation
        self.trail = trail
        self.clock = clock
        self.periods = periods
        self._announcer = announcer
        self._silence = silence
        self._directory = shipped_directory() if directory is None else directory

    async def queue(
        self, tx: Transaction, about: bytes, kind: NoticeKind, facts: AnyFacts
    ) -> None:
        """Queue a notice, and announce it at once if it may go out."""
        moment = self.clock.now()
        period = period_of(moment)
        nth = await tx.notices_about(about, kind) + 1
        row = NoticeRow(
            about=about,
            kind=kind,
            nth=nth,
            state=NoticeState.WAITING,
            queued_at=int(moment.timestamp()),
            period=period,
            sealed=seal_facts(facts, self.periods, period, (about, kind, nth)),
        )
        await tx.add_notice(row)
        await self.note(tx, Event.NOTICE_QUEUED, row)
        await self.announce(tx, row)

    async def announce(self, tx: Transaction, row: NoticeRow) -> bool:
        """Announce a notice that waits, if nothing stands against it any more."""
        facts = open_facts(row, self.periods)
        if facts is None:  # its period's key is destroyed: nobody can tell it any more
            await tx.erase_notice(row.key)
            await self.note(tx, Event.NOTICE_ERASED, row)
            return False
        if not await self._may_go(tx, row):
            return False
        subject = facts.subject_ref
        if subject is not None and await self._is_silent(tx, subject):
            return False
        number = await self._announcer.announce(
            tx,
            Announcement(
                EventKind.NOTICE_DUE,
                facts.subject_ref,
                self._content(row, facts) | {"reader": await self._reader(tx, row)},
            ),
        )
        await tx.set_notice(row.key, NoticeState.ANNOUNCED, number)
        await self.note(tx, Event.NOTICE_ANNOUNCED, row, {"number": number})
        return True

    def help(self) -> Text:
        """Name whom a child or young person can turn to now."""
        return help_in_words(self._directory, self.clock.now())

    async def unsigned(self, reader: Reader, kind: NoticeKind) -> list[TextName]:
        """Name the texts of a kind of notice that nobody has signed off."""
        drafts = await self.drafts(reader)
        return [name for name in PARTS[kind] if name in drafts]

    async def drafts(self, reader: Reader) -> list[TextName]:
        """Name all texts that nobody has signed off."""
        rows = await reader.sign_offs()
        signed = in_force(rows, self.clock.now(), self.texts)
        return [name for name in self.texts if name not in signed]

    async def unsigned_of_signals(self, reader: Reader) -> list[TextName]:
        """Name the texts about a signal, and its end, that nobody has signed off."""
        kinds = (NoticeKind.PUBLICATION, NoticeKind.END)
        return [name for kind in kinds for name in await self.unsigned(reader, kind)]

    async def note(
        self,
        tx: Transaction,
        event: Event,
        row: NoticeRow,
        more: Detail | None = None,
        *,
        actor: str = ACTOR_NAME,
    ) -> None:
        """Write a step of a notice into the audit log, on the account's name."""
        facts = None
        if event is not Event.NOTICE_ERASED:  # which shall not name it once more
            facts = open_facts(row, self.periods)
        detail = {
            **named(row),
            "notice": row.kind.value,
            **(more or {}),
        }
        now = self.clock.now()
        entry = self.trail.entry(
            event,
            at=now,
            actor=actor,
            subject=facts.subject_ref if facts is not None else None,
            detail=detail,
        )
        await tx.append(self.trail.log, entry.record, entry.openings)

    async def _may_go(self, tx: Transaction, row: NoticeRow) -> bool:
        held = await tx.withholding(row.about)
        if held is not None and self.clock.now().timestamp() < held.until:
            return False
        if row.kind is NoticeKind.END:
            first = await tx.notice(row.about, NoticeKind.PUBLICATION)
            if first is not None and first.state is NoticeState.WAITING:
                return False
        return not await self.unsigned(tx, row.kind)

    async def _reader(self, reader: Reader, row: NoticeRow) -> str:
        """Tell for whom a letter is: `minor` where somebody has said so here.

        A signal about who is known to be one is never published; who is listed by
        mistake says so in a dispute. Else the provider knows the account.
        """
        signals = [(self.situation.node, row.about)]
        if row.kind is NoticeKind.REVIEW:
            found = await reader.task_signals(row.about.hex())
            signals = [(each.origin, each.signal_id) for each in found]
        for origin, signal_id in signals:
            for dispute in await reader.disputes_on(origin, signal_id):
                if dispute.contention == Contention.MINOR:
                    return Age.MINOR.value
        return UNKNOWN

    async def _is_silent(self, tx: Transaction, subject: str) -> bool:
        return self._silence is not None and await self._silence(tx, subject)

    def _content(self, row: NoticeRow, facts: AnyFacts) -> dict[str, str]:
        content = {**named(row), "notice": row.kind.value}
        if isinstance(facts, Reviewed):
            content["level"] = facts.level.value
        return content | self.letters(row.kind, facts)

    def letters(self, kind: NoticeKind, facts: AnyFacts) -> dict[str, str]:
        """Write the letters of a notice, by text and language.

        Each also as `…_minor_de` and `…_minor_en`, for children and young people.
        """
        said = {**in_words(facts, self.situation), "help": self.help()}
        mark = demonstration_mark(self.situation)
        written: dict[str, str] = {}
        for name in PARTS[kind]:
            text = self.texts[name]
            letters = {name.value: [mark, text.title, text.fill(said)]}
            if text.minor is not None:
                plain = text.fill(said, text.minor)
                letters[f"{name.value}_minor"] = [mark, plain]
            for which, parts in letters.items():
                kept = [part for part in parts if part is not None]
                written[f"{which}_de"] = "\n\n".join(part.de for part in kept)
                written[f"{which}_en"] = "\n\n".join(part.en for part in kept)
        return written


shipped_directory()  # read at import: later a loop would wait for the disk


def in_force(
    sign_offs: Sequence[SignOffRow],
    now: datetime,
    written: Mapping[TextName, NoticeText],
) -> dict[TextName, SignOffRow]:
    """Return the newest sign-off of every text whose present words it covers."""
    found: dict[TextName, SignOffRow] = {}
    for row in sign_offs:
        name = TextName(row.name)
        good = row.signed_at <= now.timestamp() < row.valid_until
        if good and name in written and row.digest == written[name].digest:
            found[name] = row
    return found


def named(row: NoticeRow) -> dict[str, str]:
    """Name what a notice is about, under what it is."""
    if row.kind is NoticeKind.REVIEW:
        return {"task": row.about.hex()}
    return {"signal": _name(row.about)}


def _name(signal_id: bytes) -> str:
    digits = signal_id.hex()
    parts = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    return "-".join(digits[a:b] for a, b in parts)
