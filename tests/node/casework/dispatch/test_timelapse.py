# SPDX-License-Identifier: Apache-2.0
"""Thirty days of a sent case: each attempt, channel and alarm at its moment."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import pytest
from tests.node.conftest import OpenStore
from tests.node.people.conftest import Team
from tests.support.case_team import Desk, tables
from tests.support.case_time import Clockwork, moment
from tests.support.outbox import HOOK, MAIL, Mail

from fedsafe_node.acts.dispatches import DispatchShown, SwitchSending
from fedsafe_node.acts.people import EnrolmentAnswer
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_policies.escalation.clocks import Course, alarms
from fedsafe_policies.escalation.dispatches import DispatchState
from fedsafe_policies.escalation.laender import Calendar, Land
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.vocabulary import Role

__all__ = ["tables"]

HOUR, DAY = 3_600, 86_400
MONTH: Final = range(0, 30 * DAY, HOUR // 2)
AWAY: Final = SendingError(Fault.UNREACHABLE, "away")
PAUSES: Final = {
    Urgency.U1: (0, 10, 30, 70, 150),
    Urgency.U2: (0, 60, 180, 420, 900),
}
"""Seconds after its first attempt at which a channel is tried."""
TOLD: Final = (2 * DAY + 9 * HOUR, 12 * DAY)
ACKNOWLEDGED: Final = DispatchState.ACKNOWLEDGED
BY_HAND: Final = DispatchState.BY_HAND


class Lapse:
    """A node whose clock is moved, and which is started anew on its way."""

    def __init__(self, open_store: OpenStore, keys: PeriodKeys, land: Land) -> None:
        self._open, self._keys, self._land = open_store, keys, land
        self._secrets: dict[str, EnrolmentAnswer] = {}
        self.rang: list[int] = []

    async def start(self, at: int, *, away: bool = False) -> Mail:
        """Start the node; what it had in its memory is gone."""
        desk = Desk(Team(await self._open()), self._keys)
        desk.team.secrets = self._secrets
        self.mail, self._clocks = Mail(desk), Clockwork(desk, self._keys, self._land)
        if away:
            channels = ("MailChannel", "WebhookChannel")
            self.mail.other.failing = dict.fromkeys(channels, AWAY)
        self.set(at)
        return self.mail

    def set(self, at: int) -> None:
        self.mail.post.desk.team.clock.moment = datetime.fromtimestamp(at, UTC)

    async def at(self, at: int) -> None:
        """Let the jobs run a second before a moment, and at it."""
        for now in (at - 1, at):
            if await self._clocks.tend(now):
                self.rang.append(now)
            for _ in range(2):  # the next channel is due at the same moment
                await self.mail.outbox.run()


def tried(found: DispatchShown, since: int) -> list[tuple[str, int]]:
    return [(each.way, each.began_at - since) for each in found.attempts]


def chain(urgency: Urgency) -> list[tuple[str, int]]:
    """Return when which channel is tried, if neither ever answers."""
    first = PAUSES[urgency]
    return [
        *(("mail", at) for at in first),
        *(("webhook", first[-1] + at) for at in first),
    ]


def rings(
    begin: int, calendar: Calendar, *courses: tuple[Course, int, int]
) -> set[int]:
    """Return when alarms ring for courses that go on to two given moments."""
    found = set()
    for course, arrives, answers in courses:
        for now in (begin + step for step in MONTH):
            so_far = replace(
                course,
                dispatched_at=arrives if arrives <= now else None,
                acknowledged_at=answers if answers <= now else None,
            )
            found |= {alarm.at for alarm in alarms(so_far, calendar, now)}
    return found


async def both(lapse: Lapse, at: int) -> tuple[Principal, Principal]:
    """Let two people log in just before a moment."""
    lapse.set(at - 2 * 60)
    team = lapse.mail.post.desk.team
    ada, ben = [await team.principal(name) for name in ("ada", "ben")]
    lapse.set(at)
    return ada, ben


async def sent(lapse: Lapse, at: int, *urgencies: Urgency) -> list[str]:
    """Have cases known, approved by two who have just logged in, and sent."""
    ada, ben = await both(lapse, at)
    post, cases = lapse.mail.post, list[str]()
    for urgency in urgencies:
        cases.append(await post.approved(ada, ben, urgency=urgency, known_at=at))
        await post.send(cases[-1], ada)
    return cases


async def acknowledged(mail: Mail, ada: Principal, *cases: str) -> None:
    """Call the partner: it has each package, or gets it by hand now."""
    notes, post = mail.post.notes, mail.post
    for case in cases:
        found = await post.only(case, ada)
        if found.state is BY_HAND:
            await notes.hand(case, found.dispatch, post.handed(way=Way.PHONE), ada)
        await notes.acknowledge(case, found.dispatch, post.acknowledged(), ada)


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("begins", "land", "overdue"),
    [
        ("2027-10-29T22:10+02:00", Land.BE, "2027-11-04T00:00+01:00"),
        ("2027-10-29T22:10+02:00", Land.BY, "2027-11-05T00:00+01:00"),
        ("2027-03-26T22:10+01:00", Land.BY, "2027-04-02T00:00+02:00"),
    ],
)
async def test_thirty_days_bring_each_package_and_fallback_at_its_moment(
    open_node_store: OpenStore, keys: PeriodKeys, begins: str, land: Land, overdue: str
) -> None:
    start, calendar = moment(begins), Calendar(land)
    lapse = Lapse(open_node_store, keys, land)
    mail = await lapse.start(start - HOUR, away=True)
    ada = await mail.post.desk.hire("ada", Role.ESCALATION_OFFICER)
    ben = await mail.post.desk.hire("ben", Role.REVIEWER)
    await mail.post.enter(ada, ben, channels=(MAIL, HOOK))
    failing = dict(zip(PAUSES, await sent(lapse, start, *PAUSES), strict=True))
    seconds = sorted({at for urgency in PAUSES for _, at in chain(urgency)})
    for number, at in enumerate(seconds):
        await lapse.at(start + at)
        if number == len(seconds) // 2:
            mail = await lapse.start(start + at, away=True)
    for urgency, case in failing.items():
        found = await mail.post.only(case, ada)
        assert tried(found, start) == chain(urgency)
        assert (found.state, found.ways) == (BY_HAND, [Way.PORTAL, Way.PHONE])
        assert await mail.post.desk.state(case) == CaseState.FALLBACK

    mail = await lapse.start(start + HOUR)
    (quiet,) = await sent(lapse, start + HOUR, Urgency.U1)
    await lapse.at(start + HOUR)
    off, on, told, late = (start + each for each in (26 * HOUR, 36 * HOUR, *TOLD))
    expected = rings(
        start,
        calendar,
        (Course(urgency=Urgency.U1, known_at=start), told, told),
        (Course(urgency=Urgency.U2, known_at=start), late, late),
        (Course(urgency=Urgency.U1, known_at=start + HOUR), start + HOUR, told),
        (Course(urgency=Urgency.U2, known_at=off), on, told),
    )
    waiting = ""
    for at in sorted(expected | {off, on, told, late}):
        await lapse.at(at)
        if at == off:
            await mail.switch.switch(SwitchSending(sends=False), ada)
            (waiting,) = await sent(lapse, off, Urgency.U2)
        elif at == on:
            assert tried(await mail.post.only(waiting, ada), off) == []
            await mail.switch.switch(SwitchSending(sends=True), ada)
            await mail.outbox.run()
            mail = await lapse.start(at)
        elif at == told:
            await acknowledged(mail, ada, failing[Urgency.U1], quiet, waiting)
        elif at == late:
            await acknowledged(mail, ada, failing[Urgency.U2])
    second = await mail.post.only(quiet, ada)
    held = await mail.post.only(waiting, ada)

    assert lapse.rang == sorted(expected)
    assert moment(overdue) in lapse.rang
    assert tried(second, start + HOUR) == [("mail", 0), ("webhook", DAY)]
    assert (second.delivered_at, second.state) == (start + HOUR, ACKNOWLEDGED)
    assert tried(held, on) == [("mail", 0)]
