# SPDX-License-Identifier: Apache-2.0
"""Cases in time-lapse, until their term is over."""

from datetime import UTC, datetime
from typing import Final

from tests.support.case_team import Desk

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.casework.cases.clock import CaseClock, tend_cases
from fedsafe_node.casework.dispatch.fallback import take_next_channel
from fedsafe_node.log.audit import Detail
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.provider_events.announcer import Announcement, Announcer
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.laender import Calendar, Land
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span

Told = tuple[str, str, str | None]


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class Clockwork:
    """The clocks of a desk's cases, and what they have told."""

    def __init__(self, desk: Desk, keys: PeriodKeys, land: Land | None = None) -> None:
        self.desk = desk
        self.announcer = Announcer(keys, desk.team.clock)
        self.clock = CaseClock(
            desk.team.office, desk.vault, self._tell, Calendar(land), take_next_channel
        )

    async def _tell(self, tx: Transaction, content: Detail) -> None:
        announcement = Announcement(EventKind.CASE_DUE, content=content)
        await self.announcer.announce(tx, announcement)

    async def tend(self, at: int | None = None) -> int:
        if at is not None:
            self.desk.team.clock.moment = datetime.fromtimestamp(at, UTC)
        return await tend_cases(self.clock)

    async def told(self) -> list[Told]:
        """Return milestone, stage and fallback of all that was announced."""
        rows = await self.desk.store.read(lambda r: r.provider_events(0, 999))
        found = [self.announcer.read(row) for row in rows]
        return [
            (
                str(each.content["milestone"]),
                str(each.content["stage"]),
                None
                if each.content["fallback"] is None
                else str(each.content["fallback"]),
            )
            for each in found
            if each is not None
        ]


YEAR: Final = Span.parse("12 months")
DAY: Final = SECONDS_A_DAY


async def nothing_waits(_reader: Reader, _case_id: str) -> bool:
    return False
