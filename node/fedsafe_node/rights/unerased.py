# SPDX-License-Identifier: Apache-2.0
"""What an erasure could not reach, why, and until when.

Whoever has granted a request is shown it beside what was erased. Nothing of it names
the person: members and others who received a signal, dates, and classes of what stays
by law. Receipts come later than the grant, so recipients are read when they are asked
for.
"""

from collections.abc import Sequence
from typing import Final

from fedsafe_node.acts.requests import Remaining, Remains
from fedsafe_node.members.peering.recipients import read_recipients
from fedsafe_node.rights.erasers import Erasure, Gone
from fedsafe_node.rights.person_packs import packs_at
from fedsafe_node.rights.sealing import Content
from fedsafe_node.rights.terms import moment
from fedsafe_node.rights.upkeep import WIPED
from fedsafe_node.rights.withheld import told_of
from fedsafe_node.rules.idempotency import KEPT_SECONDS
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.keeping_rows import HoldRow
from fedsafe_node.store.reader import Reader

_DAY: Final = 24 * 60 * 60


def find_remains(  # noqa: PLR0913 - what may have stopped an erasure
    desk: Desk,
    content: Content,
    *,
    gone: Gone,
    erasure: Erasure | None,
    holds: Sequence[HoldRow],
    open_requests: Sequence[str],
    at: int,
) -> list[Remaining]:
    """Say what stays here of a person whose request was granted just now.

    *content* is that of the request before it was wiped, *erasure* that of the account,
    unless none was erased with it.
    """
    situation = desk.situation
    own = situation.node
    found = [
        Remaining(what=Remains.LISTING, who=origin)
        for origin in sorted({each.origin for each in content.findings} - {own})
    ]
    if holds:
        until = moment(max(hold.until for hold in holds))
        found.append(Remaining(what=Remains.HELD, until=until))
    found += [Remaining(what=Remains.REQUEST, who=name) for name in open_requests]
    if gone.flagged:
        found.append(Remaining(what=Remains.REVIEWS))
    if erasure is not None and erasure.kept is not None:
        until = moment(erasure.kept)
        found.append(Remaining(what=Remains.MEASURE, until=until))
    if erasure is None and not holds:
        found.append(Remaining(what=Remains.ACCOUNT))
    kept = at + situation.config.backups.kept_days * _DAY
    found.append(Remaining(what=Remains.BACKUPS, until=moment(kept)))
    if desk.store.leaves_residues():
        found.append(Remaining(what=Remains.RESIDUES))
    found += [
        Remaining(what=Remains.ANSWERS, until=moment(at + KEPT_SECONDS)),
        Remaining(what=Remains.THIS_REQUEST, until=moment(at + WIPED)),
        Remaining(what=Remains.LEDGER),
        Remaining(what=Remains.RECORDS),
        Remaining(what=Remains.CASES),
    ]
    return found


async def read_remains(
    reader: Reader, situation: Situation, content: Content, now: int
) -> list[Remaining]:
    """Read who else has what was erased here, in front of what stays here.

    A pack that is withheld from the person is left out.
    """
    until: dict[str, str | None] = {}
    for signal in content.shared:
        ledger = await read_recipients(reader, situation, signal)
        for each in ledger.recipients:
            given = None if each.receipt is None else each.receipt.residual_until
            before = until.get(each.recipient, given)
            # Of several signals the last counts, and one without receipt before all.
            last = None if given is None or before is None else max(given, before)
            until[each.recipient] = last
    recipients = [
        Remaining(what=Remains.RECIPIENT, who=member, until=last)
        for member, last in sorted(until.items())
    ]
    rows = await told_of(reader, await packs_at(reader, content.packs), now)
    packs = [Remaining(what=Remains.PACK, who=row.recipient) for row in rows]
    return [*recipients, *packs, *content.remains]
