# SPDX-License-Identifier: Apache-2.0
"""Samples of the own signals: each year some are drawn and looked at again.

A year after the first publication, and each year from then on, a seed draws a part of
the signals that this node has published and that are alive: those with the smallest
marks under it. Seed and counts are an event, so the draw can be repeated. Somebody who
had no part in a signal looks at it within its time: not its author, not who approved
it, and nobody who has reviewed it before. Who finds it wrong revokes it in the same
act, as anybody may who revokes (P11): it ends at every member. What nobody has looked
at in time stays, and the node says that it is overdue.

The draw is one act with its event, guarded by the sample before it: after a crash, or
twice at once, one sample is drawn.
"""

from hashlib import blake2b
from heapq import nsmallest
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.signal_reviews import (
    SampleAnswer,
    SampledSignal,
    SampleFinding,
    SampleQuery,
    SampleRequest,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.review.pace import Haste, Ruling, weigh_shown
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.stop import stop_within
from fedsafe_node.signals.view import admit
from fedsafe_node.store.inventory_rows import SampledRow, SampleRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.vocabulary import Matter

YEAR: Final = 365 * SECONDS_A_DAY
WITHIN: Final = 30 * SECONDS_A_DAY
"""So long there is to look at what was drawn."""
LEAST: Final = 10
"""So many are drawn at least, or all."""
MOST: Final = 200
"""So many are drawn at most: people look at each."""
_PAGE: Final = 1_000
_SEED_BYTES: Final = 32
_MARK_BYTES: Final = 16
_DOMAIN: Final = b"fedsafe-samples"
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


async def draw_sample(desk: Desk) -> int:
    """Draw the year's sample if it is time; return how many signals.

    Raises:
        StoreFailedError: nothing is drawn; the next run does it.
    """
    if not await desk.store.read(lambda reader: _is_time(desk, reader)):
        return 0
    seed = desk.randomness(_SEED_BYTES)
    percent = desk.situation.policy.document.retention.sample_percent
    published, chosen = await desk.store.scan(
        lambda reader: _choose(reader, desk.situation.node, seed, percent)
    )

    async def act(tx: Transaction) -> int:
        if not await _is_time(desk, tx):
            return 0
        now = int(desk.clock.now().timestamp())
        sample = SampleRow(
            began_at=now, seed=seed, published=published, drawn=len(chosen)
        )
        rows = [
            SampledRow(began_at=now, signal_id=each, due_at=now + WITHIN)
            for each in chosen
        ]
        await tx.add_sample(sample, rows)
        entry = desk.trail.entry(
            Event.SAMPLE_DRAWN,
            at=desk.clock.now(),
            actor=Actor.REVIEW.value,
            detail={
                "published": published,
                "drawn": len(chosen),
                "percent": percent,
                "seed": seed.hex(),
                "due_at": now + WITHIN,
                "policy": desk.situation.policy.reference,
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return len(chosen)

    return await desk.store.write(act)


def mark_of(seed: bytes, signal_id: bytes) -> bytes:
    """Mark a signal under a seed; the smallest marks are drawn."""
    marked = blake2b(signal_id, digest_size=_MARK_BYTES, key=seed, person=_DOMAIN)
    return marked.digest()


async def list_sample(desk: Desk, query: SampleQuery, who: Principal) -> SampleAnswer:
    """List what was drawn and waits for a look, or what was found.

    Raises:
        DeniedError: this role may not, or not for that purpose.
    """
    decision = await admit(desk, who, Matter.SIGNALS, query.purpose, "signal.sample")
    now = int(desk.clock.now().timestamp())

    async def act(tx: Transaction) -> SampleAnswer:
        found = query.state == "found"
        rows = await tx.sampled(desk.situation.node, query.limit, found=found)
        signals = []
        for row in rows:
            parts = await _parts(tx, row.signal_id)
            signals.append(_shown(row, is_yours=who.name not in parts, now=now))
            if not found:
                await tx.add_look(_matter(row.signal_id), who.name, now)
        detail = {"signals": len(rows)}
        entry = desk.event(Event.SIGNAL_READ, who, detail, decision=decision)
        await tx.append(desk.trail.log, entry.record, entry.openings)
        return SampleAnswer(signals)

    return await desk.store.write(act)


async def review_sampled(
    desk: Desk, name: str, request: SampleRequest, who: Principal
) -> SampledSignal:
    """Enter what somebody found who had no part in a signal; wrong revokes it.

    Raises:
        NotFoundError: this node has published no such signal.
        WrongStateError: it was not drawn, has its finding, or has ended; or it came
            too fast (`pace`).
        DeniedError: that person had a part in it, or may not revoke.
    """
    signal_id = read_signal_id(name)

    async def act(tx: Transaction) -> Changed[SampledSignal | Haste | Decision]:
        row = await _drawn(desk, tx, signal_id)
        if who.name in await _parts(tx, signal_id):
            denied = deny(Refusal.FOUR_EYES, desk.situation.policy.reference)
            entry = desk.refusal(denied, who, "signal.sample")
            await tx.append(desk.trail.log, entry.record, entry.openings)
            return Changed(denied)
        ruling = Ruling(_matter(signal_id), who, request)
        haste = await weigh_shown(desk.reviews, tx, ruling)
        if haste is not None:
            return Changed(haste)
        now = int(desk.clock.now().timestamp())
        found = replace(
            row,
            finding=request.finding,
            found_by=who.name,
            found_at=now,
            reason=request.reason,
        )
        stopped = None
        if request.finding is SampleFinding.WRONG:
            stopped = await stop_within(desk, tx, signal_id, Reason.MISTAKE, who)
            if isinstance(stopped.result, Decision):
                return Changed(stopped.result)
        await tx.put_sampled(found)
        detail: Detail = {
            "signal": name,
            "reason": request.reason,
            "due_at": row.due_at,
        }
        entry = desk.event(
            Event.SAMPLE_REVIEWED, who, detail, outcome=request.finding.value
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        answer = _shown(found, is_yours=False, now=now)
        if stopped is None:
            return Changed(answer)
        return Changed(answer, removed=stopped.removed, feed=stopped.feed)

    done: SampledSignal | Haste | Decision = await desk.commit(act)
    if isinstance(done, Haste):
        raise done.error()
    if isinstance(done, Decision):
        raise DeniedError(done)
    return done


async def _is_time(desk: Desk, reader: Reader) -> bool:
    last = await reader.last_sample()
    since = await reader.first_published() if last is None else last.began_at
    now = int(desk.clock.now().timestamp())
    return since is not None and now >= since + YEAR


async def _choose(
    reader: Reader, origin: str, seed: bytes, percent: int
) -> tuple[int, list[bytes]]:
    """Count the signals, and choose those with the smallest marks."""
    count, best, after = 0, list[tuple[bytes, bytes]](), b""
    while page := await reader.published(origin, after, _PAGE):
        count, after = count + len(page), page[-1]
        marked = [(mark_of(seed, each), each) for each in page]
        best = nsmallest(MOST, [*best, *marked])
    wanted = min(MOST, max(LEAST, -(-count * percent // 100)))
    return count, [each for _, each in best[:wanted]]


async def _drawn(desk: Desk, reader: Reader, signal_id: bytes) -> SampledRow:
    row = await reader.sampled_signal(signal_id)
    signal = await reader.signal(desk.situation.node, signal_id)
    if signal is None:
        if await reader.signal(desk.situation.own.name, signal_id) is not None:
            raise WrongStateError(
                "never_published", Phrase("an own ban was never published")
            )
        raise NotFoundError(Phrase("no such signal"))
    if row is None or row.finding is not None:
        raise WrongStateError(
            "not_pending",
            Phrase("this signal was not drawn")
            if row is None
            else Phrase("this signal has been looked at"),
        )
    if signal.status not in _ALIVE:
        raise WrongStateError(f"already_{signal.status.value}", Phrase("it has ended"))
    return row


async def _parts(reader: Reader, signal_id: bytes) -> set[str]:
    """Name who had a part in a signal."""
    names = set(await reader.sampled_by(signal_id))
    draft = await reader.draft(signal_id)
    if draft is not None:
        names |= {draft.author, draft.decided_by or draft.author}
    validation = await reader.validation(signal_id)
    if validation is not None:
        names |= {validation.author, validation.reviewer or validation.author}
    return names


def _matter(signal_id: bytes) -> str:
    return f"sampled:{signal_name(signal_id)}"


def _shown(row: SampledRow, *, is_yours: bool, now: int) -> SampledSignal:
    return SampledSignal(
        signal=signal_name(row.signal_id),
        drawn_at=row.began_at,
        due_at=row.due_at,
        overdue=row.finding is None and row.due_at <= now,
        is_yours=is_yours,
        finding=row.finding,
        found_by=row.found_by,
        found_at=row.found_at,
        reason=row.reason,
    )
