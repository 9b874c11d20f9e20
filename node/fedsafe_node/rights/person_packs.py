# SPDX-License-Identifier: Apache-2.0
"""Which evidence packs are about a person: they name the account, or tell of a signal.

Those that name an account are found by a walk through the log, too long for an act. So
the walk comes first, and the act looks whether another pack has gone out since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_node.acts.requests import PackTold
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.mentions import packs_naming
from fedsafe_node.people.services import settled
from fedsafe_node.rights.sealing import Content, open_content
from fedsafe_node.rights.terms import moment
from fedsafe_node.rights.withheld import shown, withheld
from fedsafe_node.signals.decision_snapshot import OutdatedError
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs that name an account, of the first `count`; None: no account is."""

    rows: Sequence[PackRow] = ()
    count: int | None = None

    async def check(self, reader: Reader) -> None:
        """Refuse to tell of these alone where there are more by now.

        Raises:
            OutdatedError: another has gone out.
        """
        if self.count is not None and len(await reader.packs()) != self.count:
            raise OutdatedError


async def packs_about(desk: Desk, subject: str | None) -> Packs:
    """Read which packs name an account; walks the log if there are any.

    Raises:
        CorruptLogError: what is stored is not what was sealed.
    """
    if subject is None:
        return Packs()
    log = desk.trail.log

    async def query(reader: Reader) -> Packs:
        rows = await packs_naming(reader, log, await settled(reader, subject))
        return Packs(rows, len(await reader.packs()))

    return await desk.store.scan(query)


async def packs_asked_for(desk: Desk, request: str) -> Packs:
    """Read which packs name the account of a request, if it names one."""
    row = await desk.store.read(lambda reader: reader.request(request))
    content = None if row is None else open_content(desk.periods, row)
    return await packs_about(desk, None if content is None else content.subject_ref)


async def packs_at(reader: Reader, entries: Sequence[int]) -> list[PackRow]:
    """Read the packs that went out with entries of the audit log."""
    wanted = {*entries}
    return [row for row in await reader.packs() if row.entry in wanted]


async def show_packs(
    reader: Reader, content: Content, packs: Packs, now: int
) -> list[PackTold]:
    """Show to who answers all packs about the person, and what is withheld of them."""
    rows = {row.entry: row for row in packs.rows}
    for finding in content.findings:
        for row in await reader.packs_with(read_signal_id(finding.signal)):
            rows[row.entry] = row
    rows |= {row.entry: row for row in await packs_at(reader, content.packs)}
    told: list[PackTold] = []
    for entry, row in sorted(rows.items()):
        held = await withheld(reader, row, now)
        told.append(
            PackTold(
                entry=entry,
                recipient=row.recipient,
                at=moment(row.at),
                withheld=None if held is None else shown(held),
            )
        )
    return told
