# SPDX-License-Identifier: Apache-2.0
"""What every act on a review works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.review_rows import TaskRow
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Rule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """The parts of the node that reviews need."""

    situation: Situation
    store: Store
    trail: AuditTrail
    clock: Clock
    periods: PeriodKeys
    announcer: Announcer
    notices: NoticeDesk

    def now(self) -> int:
        """Return the present in whole seconds, as rows keep it."""
        return int(self.clock.now().timestamp())

    def list_of(self, origin: str, *, own: bool) -> str:
        """Name the list that a match's signal is kept under."""
        return self.situation.own.name if own else origin

    def origin_of(self, name: str) -> str:
        """Name the provider behind a list."""
        return self.situation.node if name == self.situation.own.name else name

    def event(  # noqa: PLR0913 - the groups of an event
        self,
        event: Event,
        task: TaskRow,
        detail: Detail,
        *,
        by: str,
        rule: Rule = Rule.HUMAN_DECISION,
        outcome: str = "ok",
    ) -> LogEntry:
        """Build an audit event about a task; *detail* may name the rule itself."""
        grounds = {"rule": rule.value, "policy": self.situation.policy.reference}
        return self.trail.entry(
            event,
            at=self.clock.now(),
            outcome=outcome,
            actor=by,
            subject=task.subject,
            detail={"task": task.id, **grounds, **detail},
        )

    async def note(self, tx: Transaction, entry: LogEntry) -> None:
        """Write an event in the act that it tells of."""
        await tx.append(self.trail.log, entry.record, entry.openings)

    async def announce(
        self, tx: Transaction, kind: EventKind, task: TaskRow, content: Content
    ) -> None:
        """Tell the provider's back-end of something about a task, within an act."""
        said = Announcement(kind, task.subject, {"task": task.id, **content})
        await self.announcer.announce(tx, said)

    async def admitted(
        self, act: Callable[[Transaction], Awaitable[T]], who: Principal, name: str
    ) -> T:
        """Run an act; if policy denies it, write that down before it is raised.

        Raises:
            DeniedError: policy denies.
        """
        try:
            return await self.store.write(act)
        except DeniedError as error:
            now = self.clock.now()
            entry = self.trail.refusal(error.decision, at=now, actor=who.name, act=name)

            async def write(tx: Transaction) -> None:
                await self.note(tx, entry)

            await self.store.write(write)
            raise
