# SPDX-License-Identifier: Apache-2.0
"""Take disputes and rulings in, whoever's they are (rule P10, protocol 3.6).

A signal rests while a dispute that weighed enough has no ruling. What a dispute weighs
is decided when it comes: the first on its facts *suspends*, within its author's
budget of the day; a *repeat* of facts that rest already or were ruled on is there for
review; one beyond the budget is a *flood*, noted and not acted on until a later day's
budget is free (`dispute_budget`). A dispute counts by its author's sequence number, so
that repeating it costs and changes nothing.

An author is charged once a day for saying the same of all signals of one origin under
one token: they list one person, however often, and one proof rests them all. It takes
nothing from the next person's budget, and gives none to who lies: of one signal each
fact is charged as ever.

A day is the statement's own, so that a node which hears a backlog takes no honest
author for a flood. It is not long past, nor before a day that the author used already.

The facts are the signal, what is contended, whether the person has shown control of
the identifier, a member attests it, or an officer says so, and whether another than
the origin says it: neither officer nor origin nor a member that attests can use up the
suspension of a person who comes later with a proof. What was proved is not rested again
because it is attested as well. What is attested has a budget of its own.

Only what is a record of its author's feed is known to all, to the origin as well, and
so is ruled on. Until then a dispute rests its signal for `UNRECORDED` seconds at most
at others than the origin, and uses up nobody's suspension but its author's. Who has
signed two disputes with one number rests nothing more until people have decided
(`double_disputes`).

A ruling may come before its dispute, and either before the signal: each is kept, and
the signal's status follows from all of them. None of them touches a signal that was
revoked, has expired or was erased.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.restrictions import Restriction
from fedsafe_federation.feed.rulings import Outcome, Ruling
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow, RulingRow, Weight
from fedsafe_node.store.rows import RestrictionRow, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.disputes import ATTESTED, DisputeRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Control

_PROVED: Final = "proved"
_DAY: Final = 24 * 60 * 60
DATED_BACK: Final = 2 * _DAY
"""So many seconds before it comes a dispute may count at most."""
UNRECORDED: Final = 3 * _DAY
"""So many seconds at most a dispute rests a signal that its author's feed lacks.

Longer than witnesses are away for a weekend, and less than any ruling takes.
"""
_NO_BUDGET: Final = 1 << 40
Dispute = tuple[bytes, str, bytes]
"""The digest of a dispute, and the origin and id of its signal."""
Judge = Callable[[DisputeRequest], Decision]
"""Puts a dispute to this node's policy."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a dispute: its weight, and whether its signal rests since now."""

    digest: bytes
    weight: Weight
    rested: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What a dispute says, and of what: two with the same `key` are one."""

    origin: str
    signal_id: bytes
    author: str
    contention: str
    control: str

    @property
    def key(self) -> tuple[str, str, bool]:
        """Tell apart the facts of one signal."""
        return self.contention, self._shown, self.author != self.origin

    @property
    def attested(self) -> bool:
        """Whether nothing but a member's word stands for the person."""
        return self.control == ATTESTED

    def is_repeat_of(self, other: "Facts") -> bool:
        """Tell whether another dispute of the signal has said so, as well shown."""
        wanted = {self.key}
        if self.attested:
            wanted.add((self.contention, _PROVED, self.author != self.origin))
        return other.key in wanted

    @property
    def _shown(self) -> str:
        # Proofs count alike; else the word itself tells how much was shown.
        weak = self.attested or self.control == Control.OFFICER
        return self.control if weak else _PROVED


async def weigh(  # noqa: PLR0913 - facts, and what they are weighed by
    reader: Reader,
    facts: Facts,
    *,
    judge: Judge,
    charged: int,
    ended: bool = False,
    officer: Person | None = None,
    excepted: bool = False,
) -> Decision:
    """Put a dispute to policy, with what is known of its facts and of its author.

    It counts against the day of *charged*, but not if it has *ended* already. Whoever
    is in doubt has no budget; *excepted* is what the feed shows of two with one number.
    """
    known = await reader.disputes_on(facts.origin, facts.signal_id)
    rulings = await reader.rulings_on(facts.origin, facts.signal_id)
    ruled = {ruling.dispute for ruling in rulings}
    repeated = ended or any(
        facts.is_repeat_of(facts_of(row))
        and (_holds(row, facts.author) or row.digest in ruled)
        for row in known
    )
    spent = 0
    if not excepted and await reader.meta(doubt_key(facts.author)):
        spent = _NO_BUDGET
    elif not await is_shared(reader, facts, charged):
        spent = await reader.suspensions_since(
            facts.author, _day(charged), attested=facts.attested
        )
    return judge(
        DisputeRequest(
            control_proved=True,
            repeated=repeated,
            suspended_today=spent,
            officer=officer,
            attested=facts.attested,
        )
    )


async def is_shared(reader: Reader, facts: Facts, charged: int) -> bool:
    """Tell whether its author is charged that day for the same of another signal."""
    return await reader.is_charged(
        facts.author,
        facts.origin,
        facts.signal_id,
        _day(charged),
        contention=facts.contention,
        control=facts.control,
    )


def _day(moment: int) -> int:
    return moment - moment % _DAY


def doubt_key(author: str) -> str:
    """Name what holds why an author's disputes rest nothing; empty if they do."""
    return f"disputed-twice/{author}"


def _holds(row: DisputeRow, author: str) -> bool:
    # What may be unknown to the others must not use up the suspension of anybody else.
    known = row.recorded and row.let_go_at is None
    return row.weight is Weight.SUSPENDS and (known or row.author == author)


async def charge(reader: Reader, author: str, stated: int, *, at: int) -> int:
    """Say when a dispute counts that was stated at a moment and comes *at* another."""
    earliest = max(at - DATED_BACK, await reader.last_charged(author))
    return min(at, max(stated, earliest))


def facts_of(row: DisputeRow) -> Facts:
    """Read out of a dispute what it says, and of what."""
    return Facts(row.origin, row.signal_id, row.author, row.contention, row.control)


def facts_said(said: Restriction) -> Facts:
    """Read the facts out of a dispute's statement.

    Raises:
        TypeError: it is no dispute.
    """
    if said.terms is None:
        raise TypeError("a dispute has terms")
    (signal_id,) = said.signals
    terms = said.terms
    return Facts(
        said.origin,
        signal_id,
        said.author,
        terms.contention.value,
        terms.control.value,
    )


def weight_of(decision: Decision) -> Weight:
    """Read out of a decision what a dispute weighs."""
    if Obligation.SUSPEND_MATCHING in decision.obligations:
        return Weight.SUSPENDS
    return Weight.FLOOD if Obligation.ALARM in decision.obligations else Weight.REPEAT


async def take_dispute(  # noqa: PLR0913 - a statement, and what it is weighed by
    tx: Transaction,
    statement: Signed,
    said: Restriction,
    decision: Decision,
    *,
    at: int,
    charged: int,
    due_at: int,
    opened_by: str | None = None,
    recorded: bool = True,
    let_go_at: int | None = None,
) -> Taken:
    """Keep a new dispute as *decision* weighs it, and let its signal rest.

    It is *recorded* if its author's feed has shown it; once let go it rests nothing.
    """
    facts = facts_said(said)
    row = DisputeRow(
        digest=digest(statement),
        origin=facts.origin,
        signal_id=facts.signal_id,
        author=facts.author,
        sequence=said.sequence,
        contention=facts.contention,
        control=facts.control,
        weight=weight_of(decision),
        received_at=at,
        charged_at=charged,
        due_at=due_at,
        opened_by=opened_by,
        recorded=recorded,
        let_go_at=let_go_at,
    )
    kept = RestrictionRow(
        digest=row.digest,
        origin=said.origin,
        author=said.author,
        sequence=said.sequence,
        effect=said.effect.value,
        statement=encode(statement),
    )
    # Its names are not among the restricted: a signal that comes later is kept.
    await tx.add_restriction(kept, ())
    return await keep_dispute(tx, row)


async def keep_dispute(tx: Transaction, row: DisputeRow) -> Taken:
    """Keep a dispute, and let its signal rest if it weighs enough."""
    if row.weight is Weight.SUSPENDS:
        shared = await is_shared(tx, facts_of(row), row.charged_at)
        row = replace(row, shared=shared)
    await tx.add_dispute(row)
    rested = await rest_disputed(tx, row.origin, [row.signal_id])
    return Taken(row.digest, row.weight, bool(rested))


async def rest_disputed(
    tx: Transaction, origin: str, signal_ids: Sequence[bytes]
) -> list[bytes]:
    """Let active signals rest on which a dispute rests; return which did."""
    resting = await tx.resting(origin, signal_ids)
    rested: list[bytes] = []
    for row in await tx.signals_named(origin, sorted(resting)):
        if row.status is SignalStatus.ACTIVE:
            await tx.set_signal_status(origin, row.signal_id, SignalStatus.DISPUTED)
            rested.append(row.signal_id)
    return rested


async def has_let_go(reader: Reader, facts: Facts) -> bool:
    """Whether its author rested the signal before by what no feed has shown."""
    known = await reader.disputes_on(facts.origin, facts.signal_id)
    return any(
        row.author == facts.author and row.let_go_at is not None and not row.recorded
        for row in known
    )


async def let_go(tx: Transaction, row: DisputeRow, *, at: int) -> bool:
    """Let a dispute rest nothing any more; tell whether its signal matches again."""
    await tx.set_let_go(row.digest, at)
    if await _is_free(tx, row.origin, row.signal_id):
        return await tx.wake_signal(row.origin, row.signal_id)
    return False


async def take_ruling(
    tx: Transaction,
    ruling: Ruling,
    *,
    at: int,
    ruled_by: str | None = None,
    reason: str | None = None,
) -> bool:
    """Keep a ruling; tell whether its signal matches again.

    It lifts what it names and nothing else. A dispute of another signal or origin that
    it names is not lifted, for a ruling is kept under all three; and the signal rests
    on while one remains.
    """
    for name in dict.fromkeys(ruling.disputes):
        await tx.add_ruling(
            RulingRow(
                dispute=name,
                origin=ruling.origin,
                signal_id=ruling.signal,
                outcome=ruling.outcome.value,
                at=at,
                ruled_by=ruled_by,
                reason=reason,
            )
        )
    if await _may_wake(tx, ruling):
        return await tx.wake_signal(ruling.origin, ruling.signal)
    return False


async def _may_wake(reader: Reader, ruling: Ruling) -> bool:
    if ruling.outcome is not Outcome.RESTORED:
        return False  # what it revokes, a restriction revokes
    return await _is_free(reader, ruling.origin, ruling.signal)


async def _is_free(reader: Reader, origin: str, signal_id: bytes) -> bool:
    if await reader.resting(origin, [signal_id]):
        return False
    ruled = await reader.rulings_on(origin, signal_id)
    return all(row.outcome == Outcome.RESTORED for row in ruled)
