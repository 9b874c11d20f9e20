# SPDX-License-Identifier: Apache-2.0
"""A node dies while bodies of digests are asked: what was answered stands, whole.

Each body has a number of questions that no other has, so its event names it, and each
question an account of its own, so each match a task of its own. The seed decides what
is asked and at which point of the store the node dies.
"""

import asyncio
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

import pytest
from aiohttp import ClientError, ClientSession
from tests.postgresql.fixtures import MAJORS
from tests.support.clients import client
from tests.support.databases import Preparing
from tests.support.hatchery import Hatchery, hatchery
from tests.support.node_orders import order
from tests.support.several import Made, eventually, made_on, make

from fedsafe_cli.demo.fleet import answers, find, stop
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.faults import FaultPoint
from fedsafe_node.lookup.service import HITS_AT_ONCE
from fedsafe_node.operations.offline_inspect import verify_node

SEED: Final = 3
DEATHS: Final = int(os.environ.get("FEDSAFE_DEATHS", "2"))
CALLERS: Final = 3
LISTED: Final = 400
LEAST: Final = 400
MANY: Final = HITS_AT_ONCE + 44
HANG_UP: Final = 0.1  # seconds; a body takes some more
PAGE: Final = 1_000
POINTS: Final = (
    FaultPoint.WRITER_AFTER_ACT,
    FaultPoint.WRITER_BEFORE_COMMIT,
    FaultPoint.WRITER_AFTER_COMMIT,
    FaultPoint.LOG_AFTER_APPEND,
)
WHY: Final = {"purpose": "media_matching", "surface": "public_content"}
FOUND: Final = {
    "phenomenon": "abuse_depiction",
    "surface": "public_content",
    "grade": "confirmed_media",
    "rule": "r-1",
}

pytestmark = pytest.mark.timeout(300)


def digest(number: int) -> bytes:
    """Give a file's digest; the first so many are listed."""
    return sha256(b"file %d" % number).digest()


@dataclass(slots=True)
class Body:
    """What is asked: at these *places* files that are listed.

    `tasks` are those that were answered; None without an answer.
    """

    number: int
    places: list[int]
    key: str
    tasks: list[str] | None = None

    @property
    def questions(self) -> int:
        return LEAST + self.number

    def document(self) -> dict[str, Any]:
        listed = {place: which for which, place in enumerate(self.places)}
        asked = range(self.questions)
        digests = b"".join(digest(listed.get(at, LISTED + at)) for at in asked)
        column = {
            "kind": "sha256",
            "digests": b64encode(digests).decode(),
            "subject_refs": [f"u-{self.number}-{at}" for at in asked],
        }
        return {**WHY, "columns": [column]}


@dataclass(slots=True)
class Told:
    """What an audit log tells: events of bodies, and by body and place its matches."""

    bodies: Counter[int] = field(default_factory=Counter)
    matches: dict[int, dict[int, list[str]]] = field(default_factory=dict)
    opened: Counter[str] = field(default_factory=Counter)

    def read(self, events: list[dict[str, Any]]) -> None:
        """Read all events; each match names its body and place by its account."""
        for each in events:
            detail = each["detail"]
            if each["event"] == "task.opened":
                self.opened[detail["task"]] += 1
            elif each["event"] == "lookup" and "matched" in detail:
                self.bodies[detail["lookups"] - LEAST] += 1
            elif each["event"] == "lookup":
                _, number, place = each["subject_ref"].split("-")
                places = self.matches.setdefault(int(number), {})
                places.setdefault(int(place), []).append(detail["task"])


class Asking:
    """Asks one node that dies, and holds it to what it has answered."""

    def __init__(self, made: Made, hatched: Hatchery, seed: int) -> None:
        self._made = made
        self._hatched = hatched
        self._random = Random(seed)  # noqa: S311 - no secret hangs on it
        self._numbers = iter(range(1, 10_000))
        self.bodies: list[Body] = []
        directory = made.place.directory
        self.base = load_config(made.place).url
        self.node = DemoNode(
            name=directory.name, url=self.base, dir=str(directory), config=""
        )

    def client(self, who: str) -> ClientSession:
        return client(self.base, self._made.credentials[who])

    def start(self) -> None:
        """Start it, again if the one before had not let go of its store yet."""

        def is_up() -> bool:
            if find(self.node.directory) is None:
                self._hatched.start(self.node.directory)
            return answers(self.node.directory)

        eventually(is_up)

    async def list_files(self) -> None:
        signals = [
            {"about": {"kind": "sha256", "value": digest(number).hex()}, **FOUND}
            for number in range(LISTED)
        ]
        async with self.client("anna") as anna:
            told = await anna.post("/v1/signals/import", json={"signals": signals})
            assert told.status == 200, await told.text()

    async def round(self) -> None:
        """Ask until it dies; start it anew, and ask again what was not answered."""
        point = self._random.choice(POINTS)
        async with self.client("shop") as shop:
            await self._hang_up(shop)
            order(self.node, "die", after=self._random.randrange(1, 12), at=point.value)
            many = self._ask_on(shop, MANY)  # it dies in the middle of one, mostly
            others = (self._ask_on(shop) for _ in range(CALLERS - 1))
            await asyncio.gather(many, *others)
        await asyncio.to_thread(eventually, lambda: find(self.node.directory) is None)
        await asyncio.to_thread(self.start)
        self.hold(await self.told())
        async with self.client("shop") as shop:
            for body in self.bodies:
                if body.tasks is None:
                    await self._ask(shop, body)
        self.hold(await self.told())

    async def _ask_on(self, shop: ClientSession, hits: int | None = None) -> None:
        try:
            while True:
                await self._ask(shop, self._draw(hits))
        except (ClientError, OSError):
            return  # it is dead

    async def _hang_up(self, shop: ClientSession) -> None:
        """Cut a connection in the middle of a body, and ask the same again."""
        body = self._draw(MANY)
        with suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP):
                await self._ask(shop, body)
        while body.tasks is None:  # it may be under way still
            await self._ask(shop, body)

    def _draw(self, hits: int | None = None) -> Body:
        number = next(self._numbers)
        if hits is None:
            hits = self._random.choice([0, 1, 3, 10, MANY])
        places = sorted(self._random.sample(range(LEAST), hits))
        body = Body(number, places, f"{self._random.getrandbits(128):032x}")
        self.bodies.append(body)
        return body

    async def _ask(self, shop: ClientSession, body: Body) -> None:
        key = {"Idempotency-Key": body.key}
        path, asked = "/v1/match", body.document()
        async with shop.post(path, json=asked, headers=key) as answer:
            told = await answer.json()
        if told.get("code") == "in_flight":
            return
        assert answer.status == 200, told
        (column,) = told["columns"]
        assert column["at"] == body.places
        body.tasks = [each["task"] for each in column["answers"]]

    async def told(self) -> Told:
        events: list[dict[str, Any]] = []
        async with self.client("audit") as auditor:
            since = 0
            while True:
                path = f"/v1/audit/events?since={since}&limit={PAGE}"
                page = await (await auditor.get(path)).json()
                events += page["events"]
                since = page["next"]
                if len(page["events"]) < PAGE:
                    break
        told = Told()
        told.read(events)
        return told

    def hold(self, told: Told) -> None:
        """Hold the log to what was answered, and to telling nothing by halves."""
        assert set(told.bodies.values()) <= {1}, "a body was asked twice"
        tasks = Counter(
            task
            for places in told.matches.values()
            for each in places.values()
            for task in set(each)
        )
        assert tasks == told.opened, "a task without its match, or without its own"
        assert set(told.opened.values()) <= {1}, "a task was opened twice"
        for body in self.bodies:
            places = told.matches.get(body.number, {})
            assert set(places) <= {*body.places}, "a body is told too much"
            assert all(len(each) == 1 for each in places.values()), "told twice"
            if told.bodies[body.number]:
                assert set(places) == {*body.places}, "a body is half told"
            if body.tasks is not None:
                assert told.bodies[body.number], "an answered body left no event"
                left = set(body.tasks) - set(tasks)
                assert not left, "an answered match left no event"

    def close(self) -> None:
        stop(self.node.directory)


@pytest.fixture(params=["sqlite", f"postgresql-{MAJORS[-1]}"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield make(tmp_path)
        else:
            prepare: Callable[[int], Preparing] = request.getfixturevalue("prepare")
            yield stack.enter_context(made_on(prepare(MAJORS[-1]), tmp_path))


async def run(asking: Asking) -> None:
    asking.start()
    await asking.list_files()
    for _ in range(DEATHS):
        await asking.round()
    lost = asking.bodies[0]
    lost.tasks = [*(lost.tasks or ()), "no-such-task"]
    with pytest.raises(AssertionError, match="left no event"):
        asking.hold(await asking.told())


def test_what_a_killed_node_answered_of_digests_has_its_events_and_tasks(
    made: Made, tmp_path: Path
) -> None:
    with hatchery(tmp_path / "clock") as hatched:
        asking = Asking(made, hatched, SEED)
        try:
            asyncio.run(run(asking))
        finally:
            asking.close()

    assert len(asking.bodies) > DEATHS
    verified = asyncio.run(verify_node(made.place, load_config(made.place)))
    assert verified.ok, verified
