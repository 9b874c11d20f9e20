# SPDX-License-Identifier: Apache-2.0
"""Hold it against a member that it signed two disputes with one number.

An author numbers what it says, so that an omission shows, and everybody asks for what
follows. Two statements with one number let members believe one each: that which the
origin does not have would rest a signal unseen by who could rule on it. Both are kept,
whoever brings them; they are signed, so they convict before anybody.

Until people have decided, nothing more of the author's disputes rests a signal here.
They are noted as what is beyond a budget is, and weighed again once that is over. Of
the two that one counts which the feed of their author shows. A person may lift it, when
the members have settled what happened, such as a node that was put back and lost its
newest number. That contradiction is then excused, by its digest; another one is not.
"""

import hashlib
from datetime import datetime
from typing import Final

from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.restrictions import Restriction
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.forks import KeptDouble
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.signals.dispute_intake import doubt_key, rest_disputed
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import Weight
from fedsafe_node.store.transaction import Transaction

DISPUTES: Final = "/disputes"
"""With it the name of an author names its disputes, as logs are named."""


def disputes_of(author: str) -> str:
    """Name an author's disputes as its logs are named."""
    return author + DISPUTES


def double_digest(first: Signed, second: Signed) -> str:
    """Name a contradiction, in whatever order its statements came."""
    told = sorted((digest(first), digest(second)))
    return hashlib.sha256(b"".join(told)).hexdigest()


async def enter_double(
    tx: Transaction, trail: AuditTrail, at: datetime, first: Signed, second: Signed
) -> bool:
    """Keep two disputes with one number; False if their author is in doubt already.

    False as well if people have excused just that.
    """
    author, name = second.signer, double_digest(first, second)
    if await tx.meta(doubt_key(author)) or name in await _excused(tx, author):
        return False
    await tx.set_meta(doubt_key(author), encode([first, second]))
    entry = trail.entry(
        Event.DISPUTED_TWICE,
        at=at,
        outcome="equivocation",
        detail={
            "author": author,
            "number": decode(second.payload, Restriction).sequence,
            "first": digest(first).hex(),
            "second": digest(second).hex(),
            "digest": name,
            "rule": "P10",
        },
    )
    await tx.append(trail.log, entry.record, entry.openings)
    return True


async def read_double(reader: Reader, author: str) -> list[Signed]:
    """Read the two statements that are held against an author; empty if none are."""
    kept = await reader.meta(doubt_key(author))
    return decode(kept, list[Signed]) if kept else []


async def excuse_double(tx: Transaction, author: str, name: str) -> bool:
    """Lift what is held against an author; False if nothing of that digest is.

    What had been let go for it, and is a record, rests its signal again.
    """
    kept = await read_double(tx, author)
    if not kept or double_digest(*kept) != name:
        return False
    excused = [*await _excused(tx, author), name]
    await tx.set_meta(_excused_key(author), encode(excused))
    await tx.set_meta(doubt_key(author), b"")
    for row in await tx.disputes_let_go(author):
        if row.recorded and row.weight is Weight.SUSPENDS:
            await tx.set_let_go(row.digest, None)
            await rest_disputed(tx, row.origin, [row.signal_id])
    return True


class DoubleBook:
    """What is held against members, for those who list and lift evidence."""

    async def kept(self, reader: Reader, author: str) -> KeptDouble | None:
        """Return what is held against a member."""
        said = await read_double(reader, author)
        if not said:
            return None
        return KeptDouble(disputes_of(author), author, double_digest(*said), said)

    async def excuse(self, tx: Transaction, log: str, name: str) -> bool:
        """Lift what a digest names; False if that is not held against anybody."""
        if not log.endswith(DISPUTES):
            return False
        return await excuse_double(tx, log.removesuffix(DISPUTES), name)


async def _excused(reader: Reader, author: str) -> list[str]:
    data = await reader.meta(_excused_key(author))
    return decode(data, list[str]) if data else []


def _excused_key(author: str) -> str:
    return f"disputed-twice-excused/{author}"
