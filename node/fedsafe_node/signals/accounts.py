# SPDX-License-Identifier: Apache-2.0
"""One account: all that this provider lists about it ends in one act.

Somebody was listed by mistake, and is an address, a number and a name: three signals.
Which they are the inventory knows by the provider's own name for the account. Drafts
that wait for their second person go as well. It is all or nothing: who may not end one
of these signals by itself ends none. Each has the event that its own revocation has,
and the act has one that names the account and counts.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_federation.feed.restrictions import MAX_SIGNALS
from fedsafe_node.acts.bodies import SignalState
from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.acts.signal_reviews import (
    ListedSignal,
    RevokeAccountRequest,
    RevokedAccount,
)
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.people.services import naming_of
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.desk import Changed, Desk, has_accounts
from fedsafe_node.signals.inventory import find_about
from fedsafe_node.signals.stop import (
    Living,
    find_living,
    must_be_named,
    rule_on_stopping,
    stop_many,
)
from fedsafe_node.signals.view import admit
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.vocabulary import Matter, Scope

MOST: Final = MAX_SIGNALS
"""Signals of one account, at most: one statement revokes them."""
_ACT: Final = "signal.revoke"


async def revoke_account(
    desk: Desk, request: RevokeAccountRequest, who: Principal, once: Once | None
) -> RevokedAccount:
    """Stop all that is listed about an account, or say what that would be.

    Where nothing stands any more nothing is done, so it may be repeated.

    Raises:
        BadRequestError: the account takes a service, or is another's.
        DeniedError: this role may not.
        WrongStateError: that many signals are no one account's.
        StoreFailedError: it could not be made durable.
    """
    await _admit(desk, who)
    naming = await desk.store.read(lambda reader: naming_of(reader, who))
    subject = naming.named(request.subject_ref)
    found, unknown = await find_about(desk, subject, MOST)
    if len(found) > MOST:
        raise WrongStateError(
            "too_many_signals",
            Phrase(
                "more than {most} signals name this account, so it is hardly one: "
                "look at them (`fedsafe signal list --accounts`), undo the import "
                "that they came with (`fedsafe import undo`), or revoke them one "
                "by one"
            ).filled(most=MOST),
        )

    async def act(tx: Transaction) -> Changed[RevokedAccount | Decision]:
        ids = [read_signal_id(each.signal) for each in found]
        living = await find_living(desk, tx, ids)  # some may have ended meanwhile
        decision = await rule_on_stopping(desk, tx, living, who)
        if not decision.allowed:
            return Changed(decision)
        answer = RevokedAccount(
            signals=_listed(found, living, request),
            withdrawn=len(living.drafts),
            erased=len(living.bans),
            revoked=len(living.published),
            inquired=await _inquired(tx, living),
            end_is_told=await _is_told(tx, living),
            unknown=unknown,
            dry_run=request.dry_run,
        )
        entry = _event(desk, request, answer, who, subject=subject, decision=decision)
        await tx.append(desk.trail.log, entry.record, entry.openings)
        await desk.keep_answer(tx, once, answer)
        if request.dry_run:
            return Changed(answer)
        reason = request.reason
        stopped = await stop_many(
            desk, tx, living, reason, who, decision, {}, decided=True
        )
        return Changed(answer, removed=stopped.removed, feed=stopped.feed)

    result = await desk.commit(act)
    if isinstance(result, Decision):
        await desk.refuse(result, who, _ACT)
    return result


async def _admit(desk: Desk, who: Principal) -> None:
    """Admit whoever may see accounts, whatever is found; else it tells who is listed.

    Raises:
        DeniedError: this role may not, or nobody is named.
    """
    named = partial(must_be_named, desk, who=who, scope=Scope.SELF)
    if await desk.store.read(named):
        denied = deny(Refusal.NAMED_PERSON, desk.situation.policy.reference)
        await desk.refuse(denied, who, _ACT)
    # On a first evening there is nobody who could be named.
    alone = not who.is_person and not await desk.store.read(has_accounts)
    matter = Matter.SIGNALS if alone else Matter.DRAFTS
    await admit(desk, who, matter, None, _ACT)


def _listed(
    found: Sequence[ListedSignal], living: Living, request: RevokeAccountRequest
) -> list[ListedSignal]:
    ends: dict[str, SignalState] = {}
    for rows, state in (
        (living.bans, SignalState.ERASED),
        (living.published, SignalState.REVOKED),
        (living.drafts, SignalState.WITHDRAWN),
    ):
        ends |= {signal_name(row.signal_id): state for row in rows}
    return [
        each if request.dry_run else replace(each, state=ends[each.signal])
        for each in found
        if each.signal in ends
    ]


async def _inquired(reader: Reader, living: Living) -> list[str]:
    """Name what members have asked to be reviewed, and nobody has decided yet."""
    rows = [
        await reader.inquiry(row.signal_id) for row in (*living.bans, *living.published)
    ]
    return [
        signal_name(row.signal_id)
        for row in rows
        if row is not None and row.state is InquiryState.OPEN
    ]


async def _is_told(reader: Reader, living: Living) -> bool:
    notices = [
        await reader.notice(row.signal_id, NoticeKind.PUBLICATION)
        for row in living.published
    ]
    return any(
        notice is not None and notice.state is not NoticeState.ERASED
        for notice in notices
    )


def _event(  # noqa: PLR0913 - what the event tells
    desk: Desk,
    request: RevokeAccountRequest,
    answer: RevokedAccount,
    who: Principal,
    *,
    subject: str,
    decision: Decision,
) -> LogEntry:
    counts: Detail = {"signals": len(answer.signals), "drafts": answer.withdrawn}
    ended: Detail = {"published": answer.revoked, "reason": request.reason.value}
    return desk.trail.entry(
        Event.SIGNAL_READ if request.dry_run else Event.ACCOUNT_REVOKED,
        at=desk.clock.now(),
        actor=who.name,
        subject=subject,
        detail={
            **counts,
            **({} if request.dry_run else ended),
            **grounds_of(decision),
        },
    )
