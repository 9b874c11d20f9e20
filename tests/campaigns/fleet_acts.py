# SPDX-License-Identifier: Apache-2.0
"""Clients of a node that dies, what they were told, and whether the node stands by it.

Each client bans, publishes and asks in turn, by chance. A ban is asked about at once:
from its acknowledgement on its person is found. At the end every worker, and another
member of the federation, is asked about everybody.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout, TCPConnector
from tests.support.clients import SIGNAL, about, client
from tests.support.clients import post as post_often

_ACTS: Final = {"ban": 5, "publish": 2, "ask": 3}
_PURPOSE: Final = "signup_check"  # of what clients ask while the node dies
_FOUND: Final = "found"
_BATCH: Final = 500
_LONGEST: Final = 180.0
_PACE: Final = 0.02


# Many who ask at once leave no processor for the node to start again.
post = partial(post_often, pause=0.5)


@dataclass
class Acts:
    """What the clients of a node were told.

    Owned by the event loop. `bans` and `publications` are signals by the number of the
    person; `moments` are those of all acknowledgements.
    """

    bans: dict[int, str] = field(default_factory=dict)
    publications: dict[int, str] = field(default_factory=dict)
    negatives: int = 0
    moments: list[float] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def write(self, staff: Mapping[str, ClientSession], choice: Random) -> None:
        """Be one client, until the campaign is over."""
        while not self.over.is_set():
            number = next(self._numbers)
            (act,) = choice.choices(list(_ACTS), list(_ACTS.values()))
            if act == "ban":
                await self._ban(staff, number)
            elif act == "publish":
                await self._publish(staff, number)
            else:
                assert not await self._ask(staff["shop"], number)
                self.negatives += 1
            self.moments.append(time.monotonic())

    async def _ban(self, staff: Mapping[str, ClientSession], number: int) -> None:
        told = await post(
            staff["anna"], "/v1/signals", {"about": about(number), **SIGNAL}
        )
        signal = self.bans[number] = str(told["signal"])
        assert await self._ask(staff["shop"], number) == [signal]

    async def _publish(self, staff: Mapping[str, ClientSession], number: int) -> None:
        body = {"about": about(number), **SIGNAL, "scope": "federation"}
        told = await post(staff["anna"], "/v1/signals", body)
        signal = str(told["signal"])
        assert told["state"] == "draft", told
        done = await post(staff["rita"], "/v1/signals/approve", {"signals": [signal]})
        assert done["approved"] == [signal], done
        self.publications[number] = signal

    async def _ask(self, http: ClientSession, number: int) -> list[str]:
        question = {"questions": [about(number)], "purpose": _PURPOSE}
        subject = {"subject_ref": f"account-{number}"}
        told: Any = await post(http, "/v1/lookup", {**question, **subject})
        return [each["signal"] for each in told["matches"]]

    async def reach(self, count: int) -> None:
        """Wait until so many acts are acknowledged."""
        async with asyncio.timeout(_LONGEST):
            while len(self.moments) < count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_PACE)

    def gap(self, since: float) -> float:
        """Return the longest time without an acknowledgement."""
        moments = [since, *(each for each in self.moments if each > since)]
        return max(b - a for a, b in itertools.pairwise([*moments, time.monotonic()]))


@asynccontextmanager
async def staff_of(
    base: str, credentials: Mapping[str, str]
) -> AsyncIterator[Mapping[str, ClientSession]]:
    """Be everybody who works at a node."""
    sessions = {name: client(base, each) for name, each in credentials.items()}
    try:
        yield sessions
    finally:
        for session in sessions.values():
            await session.close()


async def find_once(
    base: str, credential: str, wanted: Mapping[int, str], asked: Collection[str] = ()
) -> str:
    """Ask a process of a node about everybody, unless it was *asked*; return its name.

    Each is found, with the one signal that was acknowledged, and no second one.
    """
    connector = TCPConnector(limit=1)
    headers = {"Authorization": f"Bearer {credential}"}
    async with ClientSession(
        base, headers=headers, connector=connector, timeout=ClientTimeout(120)
    ) as http:
        name = await _who_answers(http)
        everybody = [] if name in asked else list(wanted)
        for first in range(0, len(everybody), _BATCH):
            page = everybody[first : first + _BATCH]
            for number, found in (await _signals(http, page)).items():
                assert found == [wanted[number]], (number, found, wanted[number])
        assert await _who_answers(http) == name
    return name


async def _who_answers(http: ClientSession) -> str:
    async with http.get("/v1/health") as answer:
        await answer.read()
        return answer.headers["X-Request-Id"].partition("-")[0]


async def _signals(http: ClientSession, page: Sequence[int]) -> dict[int, list[str]]:
    lookups = [{"questions": [about(number)]} for number in page]
    body = {"lookups": lookups, "purpose": "recheck"}
    told: Any = await post(http, "/v1/lookup/batch", body)
    matches = [[each["signal"] for each in one["matches"]] for one in told["answers"]]
    return dict(zip(page, matches, strict=True))


async def audited(http: ClientSession, acts: Acts) -> None:
    """Hold the audit log to what was answered."""
    counts, negatives = Counter[tuple[str, str]](), 0
    async for event in _events(http):
        detail = event.get("detail") or {}
        counts[event["event"], detail.get("signal", "")] += 1
        if event["event"] == "lookup" and event["purpose"] == _PURPOSE:
            counts[_FOUND, detail.get("signals", "")] += 1
            negatives += int(detail.get("lookups", 0))
    for act, signals in (
        ("own_ban.recorded", acts.bans),
        ("signal.drafted", acts.publications),
        ("signal.published", acts.publications),
    ):
        for signal in signals.values():
            assert counts[act, signal] == 1, (act, signal, counts[act, signal])
    for signal in acts.bans.values():
        assert counts[_FOUND, signal] >= 1, f"a match left no event: {signal}"
    assert negatives >= acts.negatives, (negatives, acts.negatives)


async def _events(http: ClientSession) -> AsyncIterator[dict[str, Any]]:
    since = 0
    while True:
        target = f"/v1/audit/events?since={since}&limit={_BATCH}"
        async with http.get(target) as answer:
            page = await answer.json()
            assert answer.status == 200, page
        for event in page["events"]:
            yield event
        since = page["next"]
        if len(page["events"]) < _BATCH:
            return
