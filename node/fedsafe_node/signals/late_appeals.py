# SPDX-License-Identifier: Apache-2.0
"""Take in what copied feeds hold of appeals and had no effect when it came.

A record may have come while this node ran a release that knew no appeals, or no deputy
who rules since somebody has disputed the signal, or held a version of the charter that
named nobody yet, or another member. The copy has it, and nobody gives it again. So the
copies are searched once whenever who hears appeals has changed, and the first time.
What a quorum has set aside meanwhile stays without effect.
"""

import hashlib
from functools import partial
from typing import Final

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.appeals import APPEAL, APPEAL_RULING, Heard
from fedsafe_federation.feed.records import RestrictionRecord, decode_record
from fedsafe_federation.feed.verification import (
    feed_name,
    verify_appeals,
    verify_restrictions,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.signals.appeals import (
    Hearing,
    may_count,
    stand_on_appeal,
    take_appeal,
)
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.restrictions import Restricting
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.disputes import ruling_ends

_SEARCHED: Final = "appeals/searched"
_KNOWN: Final = "rulings of deputies"
"""What this release has learnt to read last: with another the copies are read again."""
_PAGE: Final = 1_024
_MARK: Final = b'"type":"appeal'


async def take_overlooked(desk: Desk) -> int:
    """Take in what had no effect when it came; give how many statements were found.

    Raises:
        StoreFailedError: the next run searches again.
    """
    shared = desk.situation.shared
    if shared is None:
        return 0
    charter = shared.membership.charter
    mark = _mark_of(charter)
    if await desk.store.read(lambda reader: reader.meta(_SEARCHED)) == mark:
        return 0
    total = 0
    for name in desk.situation.others():
        found = await desk.store.scan(partial(_found, log=feed_name(name)))
        total += len(found)
        if found:
            taking = partial(_take, desk=desk, name=name, found=found, charter=charter)
            await desk.commit(taking)
    await desk.store.write(lambda tx: tx.set_meta(_SEARCHED, mark))
    return total


def _mark_of(charter: Charter) -> bytes:
    hearing = [str(charter.appeal), str(charter.stand_in)]
    active = sorted(member.name for member in charter.active())
    said = "\n".join([_KNOWN, *hearing, *active])
    return hashlib.sha256(said.encode()).digest()


async def _found(reader: Reader, *, log: str) -> list[Signed]:
    statements: list[Signed] = []
    first, size = await reader.minimum(log), await reader.log_size(log)
    for start in range(first, size, _PAGE):
        for data in await reader.records(log, start, _PAGE):
            if _MARK not in data:
                continue
            try:
                entry = decode_record(data)
            except MalformedError:
                continue
            if isinstance(entry, RestrictionRecord) and entry.statement.type in {
                APPEAL,
                APPEAL_RULING,
            }:
                statements.append(entry.statement)
    return statements


async def _take(
    tx: Transaction, *, desk: Desk, name: str, found: list[Signed], charter: Charter
) -> Changed[None]:
    situation, now = desk.situation, desk.clock.now()
    at = int(now.timestamp())
    due = ruling_ends(at, situation.policy)
    for item in verify_appeals(found, name, charter):
        said = item.said
        if isinstance(said, Heard):
            await take_appeal(tx, item.statement, said, at=at, due=due)
        elif await may_count(tx, said, at=at):
            await stand_on_appeal(tx, item.statement, said, Hearing(at, due))
    endings = [each for each in found if each.type == APPEAL_RULING]
    act = Restricting(
        name,
        verify_restrictions(endings, charter, feed=name)[0],
        desk.trail,
        now,
        judge=lambda request: situation.decide(request, now),
        due=due,
        own=situation.own,
    )
    applied = await act.run(tx)
    return Changed(None, removed=applied.removed)
