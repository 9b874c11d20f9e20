# SPDX-License-Identifier: Apache-2.0
"""Thirty days that new nodes of a demo live through before anybody looks at them.

Nothing is written behind their backs. The nodes run in this process, with their own
keys, stores and sockets, by a clock that is set on from day to day; people and services
ask them over HTTP, and their jobs run as the days come. So every entry carries the
moment that its node's clock showed, and each log verifies. The last day ends a few
minutes before now; from then on the nodes run by the machine's own clock.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from fedsafe_cli.demo.nodes import STAFF, DemoNode, Staff, found_among
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import ProgrammeError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

if TYPE_CHECKING:
    from fedsafe_node.app.lifecycle import RunningNode

T = TypeVar("T")
DAYS: Final = 30
PEOPLE: Final[Sequence[tuple[Role, str, str]]] = (
    (Role.ANALYST, "anna", "Anna Amsel"),
    (Role.REVIEWER, "ben", "Ben Birke"),
    (Role.REVIEWER, "rosa", "Rosa Rotbuche"),
    (Role.OPERATOR, "olaf", "Olaf Otter"),
    (Role.AUDITOR, "arno", "Arno Ahorn"),
    (Role.ESCALATION_OFFICER, "erik", "Erik Esche"),
    (Role.LEGAL_ADVISER, "lena", "Lena Linde"),
    (Role.YOUTH_PROTECTION_OFFICER, "yara", "Yara Ysop"),
    (Role.DPO, "dora", "Dora Distel"),
)
"""Who has an account at the first node; the first of a role acts in it."""
_EXTERNAL: Final = frozenset({Role.AUDITOR, Role.LEGAL_ADVISER})
_EXTERNAL_SECONDS: Final = 180 * 24 * 60 * 60
_PACE: Final = 0.01
_PATIENCE: Final = 60.0
_BEFORE_NOW: Final = timedelta(minutes=3)
_OPENS: Final = 7
"""The hour (UTC) at which the first day begins."""


class MovedClock:
    """A clock that stands until it is set on, and never goes back."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self._moment

    def move(self, moment: datetime) -> None:
        """Set it on."""
        self._moment = max(self._moment, moment)


class Days:
    """The days as those see them who act in them, in a thread beside the nodes."""

    def __init__(
        self,
        nodes: Sequence[DemoNode],
        running: Sequence["RunningNode"],
        clock: MovedClock,
        end: datetime,
    ) -> None:
        self.a, self.b, self.c = nodes
        self._running = running
        self._clock = clock
        self._end = end
        self._first = clock.now()
        self._loop = asyncio.get_running_loop()

    @property
    def now(self) -> int:
        """The present second."""
        return int(self._clock.now().timestamp())

    def date(self, days: int = 0) -> str:
        """Write the present day, or one so many days later."""
        return (self._clock.now() + timedelta(days=days)).strftime("%Y-%m-%d")

    def begin(self, day: int, hour: int = 8, *, whole: bool = False) -> None:
        """Let a day come, with what the first node does by itself; *whole*: all do."""
        self._clock.move(self._first + timedelta(days=day, hours=hour - _OPENS))
        self._clock.move(min(self._clock.now(), self._end))
        self._wait(self._tick(self._running if whole else self._running[:1]))

    def later(self, minutes: int = 7) -> None:
        """Let minutes pass."""
        self._clock.move(min(self._clock.now() + timedelta(minutes=minutes), self._end))

    def levelled(self) -> None:
        """Wait until each node knows what the others have published."""

        async def covered() -> None:
            for node in self._running:
                node.replicating.wake_all()
            async with asyncio.timeout(_PATIENCE):
                while any(  # noqa: ASYNC110 - nobody tells
                    node.base.situation.not_covered(self._clock.now(), actor=True)
                    for node in self._running
                ):
                    await asyncio.sleep(_PACE)  # the pace of asking

        self._wait(covered())

    def person(self, role: Role) -> Client:
        """Log somebody of the first node in, as people are by a link."""
        node = self._running[0]
        token = self._wait(_session(node, role))
        return Client(str(self.a.directory / "node.sock"), token, self.a.dir)

    def hire(self) -> None:
        """Give the people of the first node their accounts and roles."""
        self._wait(_hire(self._running[0]))

    def _wait(self, doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    @staticmethod
    async def _tick(running: Sequence["RunningNode"]) -> None:
        for node in running:
            await node.tick()


class History:
    """The days before *now*, for three new nodes; *play* says what happens in them."""

    def __init__(self, now: datetime, play: Callable[[Days], None]) -> None:
        self._play = play
        self._end = now - _BEFORE_NOW
        began = (now - timedelta(days=DAYS)).replace(hour=_OPENS, minute=0, second=0)
        self.clock = MovedClock(min(began, now - timedelta(days=DAYS)))
        people: Staff = tuple((name, role) for role, name, _ in PEOPLE)
        known = {name for name, _ in people}
        self.staff: Staff = (*people, *(each for each in STAFF if each[0] not in known))

    def live(self, nodes: Sequence[DemoNode]) -> None:
        """Let the nodes live through it.

        Raises:
            CliError: something did not happen as it should.
        """
        with _quiet():
            asyncio.run(self._live(nodes))

    async def _live(self, nodes: Sequence[DemoNode]) -> None:
        from msgspec.structs import replace  # noqa: PLC0415 (slow to load)

        from fedsafe_node.app.lifecycle import RunningNode  # noqa: PLC0415 (likewise)
        from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
        from fedsafe_node.ground.errors import NodeError  # noqa: PLC0415

        running: list[RunningNode] = []
        try:
            async with AsyncExitStack() as started:
                for each in nodes:
                    place = Place(each.directory)
                    config = await asyncio.to_thread(load_config, place)
                    config = replace(config, desk=None)
                    node = await RunningNode.start(place, config, self.clock)
                    started.push_async_callback(node.stop)
                    running.append(node)
                await asyncio.to_thread(found_among, nodes)
                days = Days(nodes, running, self.clock, self._end)
                await asyncio.to_thread(self._play, days)
                self.clock.move(self._end)
        except (NodeError, TimeoutError) as error:
            raise ProgrammeError(
                Phrase("the days before the demo did not pass: {why}").filled(why=error)
            ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the nodes log meanwhile off the terminal: it is of days that pass."""
    log = logging.getLogger("fedsafe")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


async def _hire(node: "RunningNode") -> None:
    from fedsafe_node.acts.people import NewAccountRequest, RoleRequest  # noqa: PLC0415

    for role, name, display in PEOPLE:
        external = role in _EXTERNAL
        until = node.base.office.now() + _EXTERNAL_SECONDS if external else None
        await node.services.staff.demonstration.hire(
            NewAccountRequest(name=name, display=display, external=external),
            RoleRequest(name=name, role=role, until=until),
        )


async def _session(node: "RunningNode", role: Role) -> str:
    from fedsafe_node.people.sessions import LINK  # noqa: PLC0415 (slow to load)
    from fedsafe_node.store.transaction import Transaction  # noqa: PLC0415

    name = next(name for held, name, _ in PEOPLE if held is role)

    async def act(tx: Transaction) -> str:
        person = await tx.person_named(name)
        if person is None:
            raise LookupError(name)
        sessions = node.services.staff.sessions
        opened = await sessions.open(tx, person, role, fresh=True, way=LINK)
        return opened.token

    return await node.base.store.write(act)
