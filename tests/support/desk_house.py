# SPDX-License-Identifier: Apache-2.0
"""A node with a desk that runs beside a test, for browsers, and what stands on it.

The node has a thread and an event loop of its own: a browser waits for it in the
test's. Its clock stands until somebody logs in. A `full` house has something on most
pages; everybody in it is invented.
"""

import asyncio
import tempfile
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeVar
from unittest.mock import patch

from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.desk import STAFF, Reader, Staff, with_desk
from tests.support.fleet import NAMES, Fleet, Written, make_founded

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.log.audit import Event
from fedsafe_policies.vocabulary import Purpose, Scope

T = TypeVar("T")
NODE: Final = "a.demo"
_PATIENCE: Final = 120.0
PERSONS: Final = (
    ("mia.muster@mail.example", "konto-1041"),
    ("jan.beispiel@mail.example", "konto-1187"),
    ("kim.probe@mail.example", "konto-2203"),
    ("alex.test@mail.example", "konto-2710"),
    ("noa.beispiel@mail.example", "konto-3001"),
    ("luca.muster@mail.example", "konto-3554"),
)


@dataclass
class House:
    """A node with a desk in a thread of its own."""

    root: Path
    loop: asyncio.AbstractEventLoop
    fleet: Fleet
    origin: str = ""
    staff: Staff = field(init=False)

    def wait(self, doing: Coroutine[Any, Any, T]) -> T:
        """Let the node's loop do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(_PATIENCE)

    async def beside(self, doing: Coroutine[Any, Any, T]) -> T:
        """Let the node's loop do something, and wait for it in another one."""
        future = asyncio.run_coroutine_threadsafe(doing, self.loop)
        return await asyncio.wrap_future(future)

    async def written(self, event: Event) -> list[Written]:
        """Read what stands in the log of one class, from another loop."""
        return await self.beside(self.fleet.audit(NODE, event.value))

    def code(self, name: str) -> str:
        """Return what somebody's authenticator shows; a fresh one each time."""

        async def shown() -> str:
            return self.staff.code(name)

        return self.wait(shown())

    def later(self, step: timedelta) -> None:
        """Move the node's clock."""

        async def moved() -> None:
            self.fleet.clock.advance(step)

        self.wait(moved())

    def now(self) -> int:
        """Return the second at the node."""
        return int(self.fleet.clock.now().timestamp())

    async def begin(self) -> None:
        """Start the node and hire its people."""
        self.origin = await asyncio.to_thread(with_desk, self.fleet, NODE)
        await self.fleet.start(*NAMES)
        await self.fleet.covered()
        self.staff = Staff(self.fleet[NODE], self.fleet.clock)
        await self.staff.hire(**STAFF)

    async def end(self) -> None:
        """Stop the node."""
        await self.fleet.close()

    async def look_up(self, value: str, account: str, service: str = "") -> None:
        """Look an account up, as a service of the provider does."""
        name = f"{service}/{account}" if service else account
        asked = LookupRequest(
            questions=[Question(kind=Kind.EMAIL, value=value)],
            purpose=Purpose.SIGNUP_CHECK,
            subject_ref=name,
            deadline_ms=10_000,
        )
        node = self.fleet[NODE]
        await node.base.following.fresh()
        await node.services.lookups.lookup(asked, BOT)


async def entered(reader: Reader, path: str, given: Mapping[str, Any]) -> str:
    """Fill a form of the desk in and send it; give the words of what it led to."""
    await reader.open(path)
    shown = await reader.send(path, given)
    assert shown.status == 200, f"{path}: {shown.status} {shown.text[-600:]}"
    return shown.text


def _local(second: int, *, days: int = 0) -> str:
    moment = datetime.fromtimestamp(second, UTC) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M")


async def fill(house: House) -> None:
    """Let things stand on the node: signals, reviews, requests, acts that wait."""
    fleet, now = house.fleet, house.now()
    signals = fleet[NODE].services.signals
    for at, (value, _) in enumerate(PERSONS):
        scope = Scope.FEDERATION if at % 2 else Scope.SELF
        request = request_for(value, scope=scope)
        draft = await signals.add(request, ANNA)
        if scope is Scope.FEDERATION and at != 1:
            await signals.approve([draft.signal], RITA)
        fleet.clock.advance(timedelta(minutes=7))
    for value, account in PERSONS:
        await house.look_up(value, account)
        fleet.clock.advance(timedelta(minutes=11))
    for account in ("konto-1041", "konto-9001"):
        await house.look_up("nobody@mail.example", account)
    async with Reader(house.origin) as reader:
        await reader.log_in(house.staff, "dora")
        await _fill_as_officer(reader, now)
    async with Reader(house.origin) as reader:
        await reader.log_in(house.staff, "olaf")
        await _fill_as_operator(reader, now)


async def _fill_as_officer(reader: Reader, now: int) -> None:
    for kind, value in (("access", PERSONS[0][0]), ("erasure", PERSONS[2][0])):
        await entered(
            reader,
            "/desk/persons/requests/new/open",
            {
                "kind": kind,
                "about.kind": "email",
                "about.value": value,
                "control": "identity_document",
                "language": "de",
                "checked.seen_on": _local(now)[:10],
                "checked.reference": "vermerk-7",
                **({"contention": "conduct_denied"} if kind == "erasure" else {}),
            },
        )
    for cause, hours in (("misdelivery", 20), ("software", 80)):
        await entered(
            reader,
            "/desk/persons/breaches/new/open",
            {
                "aware_at": _local(now - hours * 3_600),
                "kinds": ["confidentiality"],
                "cause": cause,
                "note": "Ein Brief ging an eine falsche Anschrift.",
            },
        )
    await entered(
        reader,
        "/desk/log/holds/new/add",
        {
            "reason": "order:12-2026",
            "until": _local(now, days=90),
            "subject_ref": "konto-1041",
        },
    )
    await reader.open("/desk/log/export")
    await reader.send("/desk/log/export", {"first": "0", "last": "20"})


async def _fill_as_operator(reader: Reader, now: int) -> None:
    await entered(
        reader,
        "/desk/house/people/new/add",
        {"name": "nina", "display": "Nina Neu"},
    )
    await entered(
        reader,
        "/desk/house/credentials/new/add",
        {
            "name": "chat",
            "scope": "lookup",
            "purposes": ["signup_check"],
            "until": _local(now, days=90),
        },
    )
    for name, role in (("rita", "escalation_officer"), ("anna", "reviewer")):
        await reader.open(f"/desk/house/people/{name}/grant")
        shown = await reader.send(f"/desk/house/people/{name}/grant", {"role": role})
        assert shown.status == 200, shown.text[-500:]


@contextmanager
def house(*, full: bool = True) -> Iterator[House]:
    """Give a node with a desk that runs in a thread of its own until the end."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        asyncio.run(make_founded(root / "n"))
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever, daemon=True)
        thread.start()
        made = House(root, loop, Fleet(root / "n"))
        with patch("fedsafe_node.app.scheduler.TICK_SECONDS", 3_600):
            try:
                made.wait(made.begin())
                if full:
                    made.wait(fill(made))
                yield made
            finally:
                made.wait(made.end())
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                loop.close()
