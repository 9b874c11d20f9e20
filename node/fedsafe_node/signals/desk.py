# SPDX-License-Identifier: Apache-2.0
"""What every act on a signal works with, and how its act is brought to an end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final, Generic, NoReturn, Protocol, TypeVar

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.wire.pace import Offload
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import AccountNeededError, DeniedError, StoreError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Detail, Event, grounds_of
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.lookup.index.bootstrap import merge_if_large
from fedsafe_node.lookup.index.lists import Hint, Lists
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.flags import flag_stopped
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.creation import Randomness
from fedsafe_node.signals.custody import Custody
from fedsafe_node.store.people_rows import PersonState
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.vocabulary import Role

T = TypeVar("T")
CHUNK: Final = 256
_SMALL: Final = 4
_ENDERS: Final = frozenset({Role.ANALYST.value, Role.REVIEWER.value, Role.DPO.value})


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """What an act returns: its result, and what the memory has to learn of it.

    `feed` is the size of the own feed if it has grown.
    """

    result: T
    added: Sequence[Hint] = ()
    removed: Sequence[int] = ()
    feed: int | None = None


async def has_accounts(reader: Reader) -> bool:
    """Tell whether anybody has an account, so that a person can be named."""
    return any(each.state is PersonState.ACTIVE for each in await reader.persons())


async def has_staff(reader: Reader, now: int) -> bool:
    """Tell whether somebody who may end a signal has a credential of their own."""
    return any(
        each.role in _ENDERS and (each.expires_at is None or now < each.expires_at)
        for each in await reader.credentials()
    )


class Shield(Protocol):
    """Knows about whom nothing may be published for now."""

    async def tokens(self, reader: Reader) -> frozenset[bytes]:
        """Give the tokens that no signal of this node may carry."""
        ...


class NoShield:
    """Keeps nobody from being published."""

    async def tokens(self, reader: Reader) -> frozenset[bytes]:
        """Give none."""
        del reader
        return frozenset()


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts of the node that signals need.

    `statement_key` signs restrictions; `announce` hears the size of the own feed
    after it has grown, `published` instead where it grew by additions only. Neither may
    wait.
    """

    situation: Situation
    store: Store
    lists: Lists
    trail: AuditTrail
    clock: Clock
    periods: PeriodKeys
    custody: Custody
    statement_key: SigningKey
    reviews: ReviewDesk
    notices: NoticeDesk
    offload: Offload
    announce: Callable[[int], None]
    published: Callable[[int], None]
    randomness: Randomness = field(default=token_bytes)
    shield: Shield = field(default_factory=NoShield)

    @property
    def feed(self) -> str:
        """The name of the own feed."""
        return feed_name(self.situation.node)

    async def commit(
        self,
        act: Callable[[Transaction], Awaitable[Changed[T]]],
        *,
        alone: bool = False,
    ) -> T:
        """Run an act, then bring indexes and peers up to date.

        Reviews that hang on a signal which the act stops are flagged in the act.
        Both others happen even if the caller goes away meanwhile: a committed signal
        that no index points to would not match. What the act has erased is also
        cleared out of the write-ahead log before its answer leaves.
        """
        return await asyncio.shield(asyncio.create_task(self._commit(act, alone=alone)))

    async def _commit(
        self, act: Callable[[Transaction], Awaitable[Changed[T]]], *, alone: bool
    ) -> T:
        async def whole(tx: Transaction) -> Changed[T]:
            changed = await act(tx)
            await flag_stopped(self.reviews, tx)
            return changed

        changed = await self.store.write(whole, alone=alone)
        self.lists.remove(changed.removed)
        self.lists.add(changed.added)
        if changed.feed is not None:
            is_addition = changed.added and not changed.removed
            (self.published if is_addition else self.announce)(changed.feed)
        if changed.removed:
            with suppress(StoreError):  # the act stands; a duty clears it later
                await self.store.scrub()
        await merge_if_large(self.lists.tokens, self.store)
        return changed.result

    async def work(self, count: int, work: Callable[[], T]) -> T:
        """Run *work* on *count* items, away from the event loop if they are many."""
        return work() if count <= _SMALL else await self.offload(work)

    def event(
        self,
        event: Event,
        who: Principal,
        detail: Detail,
        *,
        outcome: str = "ok",
        decision: Decision | None = None,
    ) -> LogEntry:
        """Build an audit event of somebody's act; policy is always named.

        With the decision that allowed it, so are its rule and code.
        """
        policy = {"policy": self.situation.policy.reference}
        grounds = policy if decision is None else grounds_of(decision)
        return self.trail.entry(
            event,
            at=self.clock.now(),
            outcome=outcome,
            actor=who.name,
            detail={**detail, **grounds},
        )

    def refusal(
        self, decision: Decision, who: Principal, act: str, *, count: int = 1
    ) -> LogEntry:
        """Build the audit event of a refusal by policy."""
        now = self.clock.now()
        return self.trail.refusal(
            decision, at=now, actor=who.name, act=act, asked={"signals": count}
        )

    def check_account(self, who: Principal) -> None:
        """Refuse who has but a credential what takes an account.

        Raises:
            AccountNeededError: there is none, and this is no demonstration.
        """
        if who.bare and not self.situation.synthetic:
            raise AccountNeededError

    async def check_named(self, who: Principal, act: str) -> None:
        """Refuse a machine's own ban, once there are accounts (P6).

        While there are none, as on a first evening, whoever may open the socket does
        it, and the ban names nobody.

        Raises:
            DeniedError: somebody has an account, and this is nobody.
        """
        if who.is_person:
            return
        if await self.store.read(has_accounts):
            policy = self.situation.policy.reference
            await self.refuse(deny(Refusal.NAMED_PERSON, policy), who, act)

    async def refuse(self, decision: Decision, who: Principal, act: str) -> NoReturn:
        """Write a refusal down, durably, and raise it.

        Raises:
            DeniedError: always.
        """
        entry = self.refusal(decision, who, act)

        async def write(tx: Transaction) -> None:
            await tx.append(self.trail.log, entry.record, entry.openings)

        await self.store.write(write)
        raise DeniedError(decision)

    async def keep_answer(
        self, tx: Transaction, once: Once | None, answer: msgspec.Struct
    ) -> None:
        """Keep the answer for a repeated request, in the act that it answers for."""
        if once is not None:
            now = int(self.clock.now().timestamp())
            await tx.add_idempotent_answer(once.row(answer, now=now))
