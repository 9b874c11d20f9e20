# SPDX-License-Identifier: Apache-2.0
"""What waits for a second person waits once: a repetition makes nobody choose.

What it was about may be over before anybody has stood by it. Then it is withdrawn with
that, and why is kept beside it: its content is gone, and whoever comes late is told.
"""

from collections.abc import Callable, Mapping
from typing import Final

from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.people_rows import ActRow, ActState
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

LISTED: Final = 200
REFUSED_FOR: Final = 14 * 24 * 60 * 60
"""So long whoever asked is told who has refused, and why; the log says it longer."""
CASE_CLOSED: Final = "case_closed"
_ENDED: Final = "act-ended/"
_WORDS: Final[Mapping[str, Phrase]] = {
    CASE_CLOSED: Phrase(
        "the case that this was about is closed, by {by}: nothing of it waits"
    ),
}


async def all_pending(reader: Reader) -> list[ActRow]:
    """Give all acts that wait, oldest first."""
    found: list[ActRow] = []
    while page := await reader.acts(
        ActState.PENDING, LISTED, found[-1] if found else None
    ):
        found += page
    return found


async def same_waiting(reader: Reader, asked: ActRow) -> ActRow | None:
    """Return an act that waits for the same, asked by the same person in that role."""
    who = asked.asked_by, asked.asked_role
    for row in await all_pending(reader):
        if row.digest == asked.digest and (row.asked_by, row.asked_role) == who:
            return row
    return None


async def sweep_acts(office: Office, tx: Transaction) -> int:
    """Let go of acts that have expired, and of their content; return how many.

    Why others were refused is forgotten after `REFUSED_FOR`.
    """
    now, swept = office.now(), 0
    for row in await all_pending(tx):
        if row.expires_at <= now:
            await tx.decide_act(
                row.id, ActState.WITHDRAWN, by=Actor.EXPIRY.value, at=now
            )
            await office.note(
                tx,
                Event.ACT_WITHDRAWN,
                Actor.EXPIRY.value,
                told_of(row),
                outcome="expired",
            )
            swept += 1
    await tx.forget_act_refusals(now - REFUSED_FOR)
    return swept


async def end_act(
    office: Office, tx: Transaction, row: ActRow, *, by: str, why: str
) -> None:
    """Withdraw an act that waits, for what it was about is over."""
    await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=office.now())
    await tx.set_meta(_ENDED + row.id, why.encode())
    detail = {**told_of(row), "because": why}
    await office.note(tx, Event.ACT_WITHDRAWN, by, detail, outcome="overtaken")


async def decided(reader: Reader, row: ActRow) -> WrongStateError:
    """Say of an act that waits no more that it is decided, and why, if that is kept."""
    if await reader.act_refusal(row.id) is not None:
        return WrongStateError(
            "not_pending",
            Phrase("this act was refused: it is closed"),
        )
    kept = await reader.meta(_ENDED + row.id)
    why = "" if kept is None else kept.decode()
    if why in _WORDS:
        return WrongStateError(why, _WORDS[why].filled(by=row.decided_by))
    return WrongStateError("not_pending", Phrase("this act is decided"))


def told_of(row: ActRow) -> Detail:
    """Say of an act what its events say, which is nothing of its content."""
    return {
        "act": row.id,
        "kind": row.kind,
        "digest": row.digest.hex(),
        "asked_by": row.asked_by,
    }


async def let_one_wait(
    office: Office,
    tx: Transaction,
    asked: ActAnswer,
    *,
    is_same: Callable[[bytes], bool],
    is_alike: Callable[[bytes], bool] = lambda _: True,
) -> None:
    """Let what was just asked for be all of its kind that waits, of what is alike.

    What is alike and not the same is withdrawn: it was asked for anew.

    Raises:
        WrongStateError: the same waits already.
    """
    for row in await all_pending(tx):
        if row.id == asked.act or row.kind != asked.kind.value or row.content is None:
            continue
        if not is_alike(row.content):
            continue
        if is_same(row.content):
            detail = Phrase(
                "{asked_by} has asked for it: approve or refuse that act, or withdraw "
                "your own"
            ).filled(asked_by=row.asked_by)
            raise WrongStateError("already_asked", detail)
        by, now = asked.asked_by, office.now()
        await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=now)
        await office.note(
            tx, Event.ACT_WITHDRAWN, by, told_of(row), outcome="overtaken"
        )


async def withdraw_acts_of(
    office: Office, tx: Transaction, name: str, role: Role | None, *, by: str
) -> None:
    """Withdraw what somebody has asked for, in one role or in any, within an act."""
    for row in await all_pending(tx):
        if row.asked_by == name and role in {None, Role(row.asked_role)}:
            await tx.decide_act(row.id, ActState.WITHDRAWN, by=by, at=office.now())
            await office.note(tx, Event.ACT_WITHDRAWN, by, told_of(row))
