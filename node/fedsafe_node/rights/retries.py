# SPDX-License-Identifier: Apache-2.0
"""Look up what could not be at once: in fair turns, and contest then what is found.

An identifier waits where its domain or network has used up its share of the budget of
evaluations (`shares`), or too few members have answered. It is sealed in a row of its
own meanwhile, and forgotten as soon as it was looked up. What somebody vouches for
comes first; then turns go round over pairs of domain and network, the oldest of each in
front, so that who proves a thousand addresses waits behind who proves one. A job of the
node's clockwork; a row goes with the act that has found what it waited for, so none is
lost by a crash.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.identifiers import Canonical
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.requests import RequestKind
from fedsafe_node.ground.errors import TooManyTriesError
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.telemetry import LOGGER
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.log.audit import Event
from fedsafe_node.notices.provider_events.announcer import Announcement, Announcer
from fedsafe_node.notices.provider_events.announcer import (
    Content as Said,
)
from fedsafe_node.people.throttle import Counter, count_tries
from fedsafe_node.people.vault import Vault
from fedsafe_node.rights.known_facts import is_closed, tell
from fedsafe_node.rights.listing_search import (
    Evaluated,
    evaluate,
    find,
    name_missed,
    unevaluated,
)
from fedsafe_node.rights.own_listings import own_tokens
from fedsafe_node.rights.person_packs import packs_asked_for
from fedsafe_node.rights.request_start import answer_nothing, contest_findings
from fedsafe_node.rights.sealing import (
    Content,
    Sought,
    open_content,
    open_sought,
    seal_content,
)
from fedsafe_node.rights.shares import Share, Shares
from fedsafe_node.signals.decision_snapshot import until_it_holds
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.rights_rows import RequestRow, RequestState, WaitingRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Control, IdentifierKind

AGAIN: Final = 15 * 60
"""So many seconds after too few members have answered, they are asked again."""
LONG: Final = 7 * 24 * 60 * 60
"""So many seconds after a request was opened people hear that it waits, each day."""
_DAY: Final = 24 * 60 * 60
_MOST: Final = 100  # evaluations of one run
_STEPS: Final = 1_000
_MILESTONE: Final = "lookup"
_LOG: Final = logging.getLogger(f"{LOGGER}.rights")


async def look_up(
    desk: Desk, shares: Shares, person: Person, share: Share
) -> tuple[Evaluated, int | None]:
    """Evaluate an identifier within its share; say from when on to try again.

    Raises:
        StoreFailedError: what it costs could not be made durable.
    """
    listed = await desk.store.scan(lambda reader: reader.epochs_listed())
    until = await shares.take(share)
    if until is not None:
        return name_missed(unevaluated(desk.situation), listed), until
    found = name_missed(await evaluate(desk.situation, person), listed)
    if not found.unevaluated or desk.situation.shared is None:
        return found, None  # without a federation nobody will
    if not found.outputs:
        await shares.give_back(share)
    return found, _now(desk) + AGAIN


async def look_up_again(desk: Desk, shares: Shares) -> int:
    """Look up what waits, as far as shares and members allow; return how much.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    done = 0
    for _ in range(_STEPS):
        due = await desk.store.read(lambda reader: reader.waiting_due(_now(desk), 1))
        if not due or done >= _MOST:
            break
        (waiting,) = due
        sought = open_sought(desk.periods, waiting)
        if sought is None:  # its period is over, and so is all of the request
            await desk.store.write(_ending(waiting))
            continue
        share = Share(waiting.domain, waiting.place)
        found, again_at = await look_up(desk, shares, _person(sought), share)
        if again_at is not None and not found.outputs:
            await desk.store.write(_putting_off(desk, shares, waiting, again_at))
            continue
        await _settle(desk, waiting, sought, found, again_at)
        done += 1
    if done:
        await desk.store.scrub()
    return done


def _person(sought: Sought) -> Person:
    kind = IdentifierKind(sought.kind)
    return Person(Canonical(kind, sought.canonicaliser, sought.value))


def _ending(waiting: WaitingRow) -> Callable[[Transaction], Awaitable[None]]:
    async def act(tx: Transaction) -> None:
        await tx.end_waiting(waiting.request)

    return act


def _putting_off(
    desk: Desk, shares: Shares, waiting: WaitingRow, again_at: int
) -> Callable[[Transaction], Awaitable[None]]:
    share = Share(waiting.domain, waiting.place)

    async def act(tx: Transaction) -> None:
        await tx.set_waiting_again(waiting.request, again_at)
        if not await shares.put_off(tx, share):  # it had one: members do not answer
            await tx.put_off_waiting(_now(desk) + AGAIN, vouched=True)

    return act


async def _settle(
    desk: Desk,
    waiting: WaitingRow,
    sought: Sought,
    found: Evaluated,
    again_at: int | None,
) -> None:
    async def attempt() -> None:
        packs = await packs_asked_for(desk, waiting.request)

        async def act(tx: Transaction) -> Changed[None]:
            await packs.check(tx)
            row = await tx.request(waiting.request)
            if row is None or await tx.waiting(waiting.request) is None:
                return Changed(None)  # somebody has closed it meanwhile
            if again_at is None:
                await tx.end_waiting(waiting.request)
            else:
                await tx.set_waiting_again(waiting.request, again_at)
            content = open_content(desk.periods, row)
            if content is None:
                return Changed(None)
            return await _take_up(tx, desk, row, content, sought, found, packs.rows)

        await desk.commit(act)

    await until_it_holds(attempt)


async def _take_up(  # noqa: PLR0913 - what is found, and of what
    tx: Transaction,
    desk: Desk,
    row: RequestRow,
    content: Content,
    sought: Sought,
    found: Evaluated,
    packs: Sequence[PackRow],
) -> Changed[None]:
    """Do what the opening would have done with what is found."""
    situation, person, feed = desk.situation, _person(sought), None
    now = desk.clock.now()
    content = replace(
        content,
        findings=await find(tx, situation, desk.lists, person, found),
        unevaluated=list(found.unevaluated),
        uncovered=situation.unseen(now),
        shredded=list(found.shredded),
        closed=is_closed(situation, now),
        tokens=own_tokens(situation, person, found),
    )
    who = Principal(row.opened_by, sought.role)
    if not content.is_undecided:
        disputes, feed = await contest_findings(
            desk,
            tx,
            content,
            kind=RequestKind(row.kind),
            control=Control(row.control),
            who=who,
            contention=sought.contention,
        )
        disputes = list(dict.fromkeys([*content.disputes, *disputes]))
        content = replace(content, disputes=disputes)
    if row.state is RequestState.ANSWERED:  # it said that this was missing
        text = await tell(tx, desk, row, content, packs)
        content = replace(content, answer=text, collected=False)
    else:
        row, content = await answer_nothing(tx, desk, row, content, packs)
    sealed = seal_content(desk.periods, row.id, row.period, content)
    await tx.put_request(replace(row, sealed=sealed))
    await _note(tx, desk, row, content)
    return Changed(None, feed=feed)


async def _note(tx: Transaction, desk: Desk, row: RequestRow, content: Content) -> None:
    counts: dict[str, int] = {}
    if not content.is_undecided:  # then nobody learns yet what was found
        missed = len(content.unevaluated) + len(content.uncovered)
        counts = {"signals": len(content.findings), "unevaluated": missed}
    policy = desk.situation.policy.reference
    entry = desk.trail.entry(
        Event.REQUEST_LOOKED_UP,
        at=desk.clock.now(),
        actor=Actor.REQUESTS.value,
        detail={"request": row.id, **counts, "policy": policy},
    )
    await tx.append(desk.trail.log, entry.record, entry.openings)


async def alarm_waiting(desk: Desk, vault: Vault, announcer: Announcer) -> None:
    """Tell once a day, for all processes, how many requests have waited for long."""
    now = _now(desk)
    oldest = await desk.store.read(lambda reader: reader.waiting_oldest())
    if oldest is None or oldest.since + LONG > now:
        return
    rest = _DAY - now % _DAY
    told = Counter(
        vault.blind("rights_waiting", f"{now // _DAY}"), 1, rest, budget=True
    )
    try:
        await count_tries(desk.store, [told], now)
    except TooManyTriesError:
        return

    async def act(tx: Transaction) -> None:
        row = await tx.request(oldest.request)
        if row is None:
            return
        count = await tx.count_waiting(now - LONG)
        _LOG.warning("%d requests have waited long to be looked up", count)
        policy = desk.situation.policy.reference
        entry = desk.trail.entry(
            Event.REQUEST_DUE,
            at=desk.clock.now(),
            outcome="alarm",
            actor=Actor.REQUESTS.value,
            detail={
                "request": row.id,
                "due": row.due_at,
                "milestone": _MILESTONE,
                "requests": count,
                "policy": policy,
            },
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        said: Said = {
            "request": row.id,
            "kind": row.kind,
            "milestone": _MILESTONE,
            "requests": count,
            "due_at": row.due_at,
            "reminder": True,
        }
        await announcer.announce(tx, Announcement(EventKind.RIGHTS_DUE, None, said))

    await desk.store.write(act)


def _now(desk: Desk) -> int:
    return int(desk.clock.now().timestamp())
