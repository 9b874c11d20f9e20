# SPDX-License-Identifier: Apache-2.0
"""P22: signals on trial have no effect; a sample of their matches is reviewed.

On trial are the signals of a member that came after the founding, from the charter's
version on that first lists it; what an origin took from a list, from the day of its
publication on; and those of an origin on probation. So every node knows without being
told, and a trial that would be over does not begin with an update of the program.

A match is counted once for each signal and account, by a mark. The first ones are
reviewed; of the others a number decides that comes of the trial's own seed, the signal
and the account, so the same question is always drawn alike, and who does not know the
seed can steer nothing. The event of the beginning has the seed's digest, that of the
end the seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import blake2b, sha256
from secrets import token_bytes, token_hex
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_node.acts.lookup import Match, MatchReason, OnTrial
from fedsafe_node.acts.reviews import Because
from fedsafe_node.acts.trials import TrialCause
from fedsafe_node.ground.principal import Actor
from fedsafe_node.keys.evaluators import MARK_BYTES
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.task_start import named_account, open_review
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import TaskDecisionRow, TrialRow
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY, day_number
from fedsafe_policies.rules.trials import CHANCES, TrialRequest
from fedsafe_policies.vocabulary import Outcome, Provenance

MOST_COUNTED: Final = 100_000
"""So many matches of a trial are counted; further ones have no effect either."""
_SEED_BYTES: Final = 32
_ID_BYTES: Final = 16
_DRAW_BYTES: Final = 8
_DRAWS: Final = b"fedsafe-draws"
_BY: Final = Actor.REVIEW.value
_NO_DAY: Final = "unknown"
_LAST_SECOND: Final = day_number(date.max) * SECONDS_A_DAY


@dataclass(slots=True)
class Tried:
    """The matches that count, those on trial, and the events that the act owes."""

    matches: list[Match] = field(default_factory=list)
    on_trial: list[OnTrial] = field(default_factory=list)
    events: list[LogEntry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Term:
    """Why signals are on trial, and from when until when unless people decide."""

    origin: str
    cause: TrialCause
    list_: str
    began_at: int
    ends_at: int


async def try_matches(  # noqa: PLR0913 - the act, and what it is about
    desk: ReviewDesk,
    tx: Transaction,
    subject: str | None,
    matches: Sequence[Match],
    moment: datetime,
    *,
    by: str,
    service: str,
) -> Tried:
    """Tell the matches that have no effect, and review those that are drawn."""
    tried = Tried()
    for match in matches:
        trial = await _trial_of(desk, tx, match, moment, tried)
        if trial is None:
            tried.matches.append(match)
            continue
        ends_at = min(trial.ends_at, _LAST_SECOND)
        until = datetime.fromtimestamp(ends_at, tz=UTC).date()
        tried.on_trial.append(
            OnTrial(
                question=match.question,
                signal=match.signal,
                origin=match.origin,
                kind=match.kind,
                until=until.isoformat(),
            )
        )
        await _count(desk, tx, trial, subject, match, moment, tried, by, service)
    return tried


def terms_of(desk: ReviewDesk, match: Match) -> Iterator[Term]:
    """Say for which reasons a match is on trial, by what everybody knows."""
    if match.own:
        return
    term = joining_term(desk, match.origin)
    if term is not None:
        yield term
    if match.provenance is Provenance.IMPORTED_LIST:
        yield _list_term(desk, match)


def _list_term(desk: ReviewDesk, match: Match) -> Term:
    try:
        day = date.fromisoformat(match.published_on)
    except ValueError:  # no day at all: it begins with the first match here
        ends = desk.now() + _lasts(desk)
        return Term(match.origin, TrialCause.IMPORTED_LIST, _NO_DAY, 0, ends)
    # The day is rounded down to a bucket.
    bucket = desk.situation.policy.document.retention.bucket.fewest_days
    began = day_number(day) * SECONDS_A_DAY
    ends = began + bucket * SECONDS_A_DAY + _lasts(desk)
    return Term(match.origin, TrialCause.IMPORTED_LIST, match.published_on, began, ends)


def joining_term(desk: ReviewDesk, origin: str) -> Term | None:
    """Give the term of a member that has not founded the federation."""
    shared = desk.situation.shared
    joined = {} if shared is None else shared.membership.joined
    if origin == desk.situation.node or origin not in joined:
        return None
    began = joined[origin]
    return Term(origin, TrialCause.NEW_ORIGIN, "", began, began + _lasts(desk))


def _lasts(desk: ReviewDesk) -> int:
    return desk.situation.policy.document.trial.lasts.fewest_days * SECONDS_A_DAY


async def _trial_of(
    desk: ReviewDesk, tx: Transaction, match: Match, moment: datetime, tried: Tried
) -> TrialRow | None:
    """Give the trial that a match falls under, and begin it if it has to."""
    if not match.own:
        probation = await tx.probation_of(match.origin, match.kind)
        if probation is not None:
            return probation
    now = int(moment.timestamp())
    for term in terms_of(desk, match):
        trial = await tx.trial_of(term.origin, term.cause, term.list_, term.began_at)
        if trial is None and now < term.ends_at:
            trial, event = await begin_trial(desk, tx, term, by=_BY)
            tried.events.append(event)
        if trial is not None and runs(trial, now):
            return trial
    return None


def runs(trial: TrialRow, now: int) -> bool:
    """Tell whether a trial runs: some end only by a person."""
    return trial.ended_at is None and (now < trial.ends_at or needs_person(trial))


def needs_person(trial: TrialRow) -> bool:
    """Tell whether only a person ends it: probation, or a listing that was wrong."""
    is_probation = trial.cause is TrialCause.PROBATION
    return trial.ended_at is None and (is_probation or trial.wrong > 0)


async def begin_trial(
    desk: ReviewDesk,
    tx: Transaction,
    term: Term,
    *,
    by: str,
    found: Detail | None = None,
) -> tuple[TrialRow, LogEntry]:
    """Begin a trial; give the event that the act owes, with what was *found*.

    Raises:
        ConflictError: it has begun before.
    """
    seed = token_bytes(_SEED_BYTES)
    trial = TrialRow(
        id=token_hex(_ID_BYTES),
        origin=term.origin,
        cause=term.cause,
        list=term.list_,
        began_at=term.began_at,
        ends_at=term.ends_at,
        seed=seed,
    )
    await tx.add_trial(trial)
    digest = sha256(seed).hexdigest()
    detail = {"ends_at": trial.ends_at, "seed_digest": digest, **(found or {})}
    return trial, trial_event(desk, Event.TRIAL_BEGAN, trial, detail, by=by)


async def begin_probation(  # noqa: PLR0913 - whose probation, and why
    desk: ReviewDesk,
    tx: Transaction,
    origin: str,
    kind: str,
    *,
    by: str,
    found: Detail | None = None,
) -> TrialRow:
    """Put an origin's signals of a kind on probation; one that runs goes on."""
    running = await tx.probation_of(origin, kind)
    if running is not None:
        return running
    now = desk.now()
    term = Term(origin, TrialCause.PROBATION, kind, now, now + _lasts(desk))
    trial, event = await begin_trial(desk, tx, term, by=by, found=found)
    await desk.note(tx, event)
    return trial


async def _count(  # noqa: PLR0913, PLR0917 - the act, and what it is about
    desk: ReviewDesk,
    tx: Transaction,
    trial: TrialRow,
    subject: str | None,
    match: Match,
    moment: datetime,
    tried: Tried,
    by: str,
    service: str,
) -> None:
    # As it stands by now: another match of this account may have been counted.
    trial = await tx.trial(trial.id) or trial
    signal_id = UUID(match.signal).bytes
    account = named_account(subject, [(match.origin, signal_id)], service=service)
    mark = mark_of(trial.seed, signal_id + desk.situation.own.mark(account))
    if trial.matches >= MOST_COUNTED or await tx.in_trial(trial.id, mark):
        return
    request = TrialRequest(trial.matches, trial.drawn, draw_of(trial.seed, mark))
    decision = desk.situation.decide(request, moment)
    task = None
    if decision.allowed:
        shown = replace(match, reason=MatchReason.TRIAL)
        opened = await open_review(
            desk, tx, subject, [shown], moment, by=by, service=service
        )
        task = opened.task
        tried.events += opened.events
    await tx.add_trial_match(trial.id, mark, task)
    drawn = trial.drawn + (task is not None)
    await tx.put_trial(replace(trial, matches=trial.matches + 1, drawn=drawn))


def mark_of(seed: bytes, value: bytes) -> bytes:
    """Mark a signal and an account of a trial."""
    return blake2b(value, digest_size=MARK_BYTES, key=seed, person=_DRAWS).digest()


def draw_of(seed: bytes, mark: bytes) -> int:
    """Draw a number below `CHANCES` for a mark, always the same."""
    drawn = blake2b(mark, digest_size=_DRAW_BYTES, key=seed, person=_DRAWS).digest()
    return int.from_bytes(drawn) % CHANCES


async def settle_samples(tx: Transaction, made: TaskDecisionRow) -> None:
    """Count a decision for the trials that its task was drawn for, once for each."""
    if made.outcome in {Outcome.INQUIRE, Outcome.WATCH}:
        return
    for trial_id, mark in await tx.samples_of(made.task):
        await tx.settle_sample(trial_id, mark)
        trial = await tx.trial(trial_id)
        if trial is None or trial.ended_at is not None:
            continue
        if made.because == Because.LISTING_WRONG:
            counted = replace(trial, wrong=trial.wrong + 1)
        elif made.outcome == Outcome.CONFIRM:
            counted = replace(trial, upheld=trial.upheld + 1)
        else:
            counted = replace(trial, other=trial.other + 1)
        await tx.put_trial(counted)


async def end_trial(  # noqa: PLR0913 - a trial, and how it ended
    desk: ReviewDesk,
    tx: Transaction,
    trial: TrialRow,
    *,
    by: str,
    reason: str | None = None,
    outcome: str = "over",
    grounds: Detail | None = None,
) -> TrialRow:
    """End a trial for good: its signals have effect from now on."""
    ended = replace(
        trial, ended_by=by, ended_at=desk.now(), reason=reason or trial.reason
    )
    await tx.put_trial(ended)
    await tx.forget_trial_matches(trial.id)
    detail: Detail = {
        "matches": trial.matches,
        "drawn": trial.drawn,
        "upheld": trial.upheld,
        "wrong": trial.wrong,
        "other": trial.other,
        "seed": trial.seed.hex(),
        **({} if reason is None else {"reason": reason}),
        **(grounds or {}),
    }
    entry = trial_event(desk, Event.TRIAL_ENDED, ended, detail, by=by, outcome=outcome)
    await desk.note(tx, entry)
    return ended


def trial_event(  # noqa: PLR0913 - the groups of an event
    desk: ReviewDesk,
    event: Event,
    trial: TrialRow,
    detail: Detail,
    *,
    by: str,
    outcome: str = "ok",
) -> LogEntry:
    """Build an audit event about a trial; *detail* may name the rule itself."""
    policy = desk.situation.policy.reference
    return desk.trail.entry(
        event,
        at=desk.clock.now(),
        outcome=outcome,
        actor=by,
        detail={
            "trial": trial.id,
            "origin": trial.origin,
            "cause": trial.cause.value,
            "list": trial.list or None,
            "rule": "P22",
            "policy": policy,
            **detail,
        },
    )


async def running_terms(desk: ReviewDesk, reader: Reader) -> list[Term]:
    """Give the terms of members that joined, and whose trial has not begun here."""
    found: list[Term] = []
    now = desk.now()
    for origin in desk.situation.others():
        term = joining_term(desk, origin)
        if term is None or term.ends_at <= now:
            continue
        kept = await reader.trial_of(origin, term.cause, term.list_, term.began_at)
        if kept is None:
            found.append(term)
    return found
