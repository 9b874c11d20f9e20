# SPDX-License-Identifier: Apache-2.0
"""A node with a desk that runs beside a test, for browsers, and what stands on it.

The node has a thread and an event loop of its own: a browser waits for it in the
test's. Its clock stands until somebody logs in. A `full` house has something on most
pages; everybody in it is invented.
"""

import asyncio
import re
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeVar
from unittest.mock import patch

from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.desk import STAFF, Reader, Staff, with_desk
from tests.support.disputes import RUTH, contest
from tests.support.fleet import NAMES, Fleet, Written, eventually, make_founded
from tests.support.insistence import insisting

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupAnswer, LookupRequest
from fedsafe_node.acts.reviews import Because, OutcomeRequest
from fedsafe_node.audit.nightly_check import check_nightly
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.store.people_rows import IdentityRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Outcome, Purpose, Role, Scope

T = TypeVar("T")
NODE: Final = "a.demo"
LENA: Final = Principal("lena", Role.LEGAL_ADVISER)
_PATIENCE: Final = 120.0
PERSONS: Final = (
    ("mia.muster@mail.example", "konto-1041"),
    ("jan.beispiel@mail.example", "konto-1187"),
    ("kim.probe@mail.example", "konto-2203"),
    ("alex.test@mail.example", "konto-2710"),
    ("noa.beispiel@mail.example", "konto-3001"),
    ("luca.muster@mail.example", "konto-3554"),
)


ROUNDS: Final = "/desk/log/rounds"
"""The desk's page of review rounds."""


async def review_all(reader: Reader) -> None:
    """Mark all entries of the open round that are not the reader's own, and sign it."""
    listed = await reader.open(ROUNDS)
    name = next(link for link in listed.links if link.startswith(f"{ROUNDS}/"))
    more = [name]
    while more:
        shown = await reader.open(more[0])
        more = [link for link in shown.links if "?since=" in link]
        if chosen := re.findall(r'name="entries" value="(\d+)"', shown.html):
            found = {"entries": chosen, "verdict": "plausible", "note": "vermerk-1"}
            await reader.send(name, found)
    await reader.open(f"{name}/sign")
    signed = await reader.send(f"{name}/sign", {})
    assert signed.status == 200, signed.text[-500:]


@dataclass
class House:
    """A node with a desk in a thread of its own."""

    root: Path
    loop: asyncio.AbstractEventLoop
    fleet: Fleet
    origin: str = ""
    proxies: tuple[str, ...] = ()
    identities: Callable[[str], str] | None = None
    """Starts a provider of identities for an origin; gives its settings at the node."""
    staff: Staff = field(init=False)
    entered: dict[str, str] = field(default_factory=dict)
    """The thing of a kind that screens show, where its list is in no order."""

    def wait(self, doing: Coroutine[Any, Any, T], patience: float = _PATIENCE) -> T:
        """Let the node's loop do something, and wait for it."""
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(patience)

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
        self.origin = await asyncio.to_thread(with_desk, self.fleet, NODE, self.proxies)
        if self.identities is not None:
            settings = await asyncio.to_thread(self.identities, self.origin)
            with self.fleet.place(NODE).config.open("a") as file:
                file.write(settings)
            # What the provider signs is of the real present.
            self.fleet.clock.moment = SystemClock().now()
        await self.fleet.start(*NAMES)
        await self.fleet.covered()
        self.staff = Staff(self.fleet[NODE], self.fleet.clock)
        await self.staff.hire(**STAFF)

    async def end(self) -> None:
        """Stop the node."""
        await self.fleet.close()

    async def look_up(
        self, value: str, account: str, service: str = ""
    ) -> LookupAnswer:
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
        return await node.services.lookups.lookup(asked, BOT)


def _tick(house: House) -> None:
    """Let a minute pass: what is done at once stands in no order."""
    house.fleet.clock.advance(timedelta(minutes=1))


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
    published: list[str] = []
    for at, (value, _) in enumerate(PERSONS):
        scope = Scope.FEDERATION if at % 2 else Scope.SELF
        request = request_for(value, scope=scope)
        draft = await signals.add(request, ANNA)
        if scope is Scope.FEDERATION and at != 1:
            await signals.approve([draft.signal], RITA)
            published.append(draft.signal)
        fleet.clock.advance(timedelta(minutes=7))
    for value, account in PERSONS:

        async def matched(value: str = value, account: str = account) -> bool:
            return bool((await house.look_up(value, account)).matches)

        await eventually(matched)  # a member may be slow to evaluate
        fleet.clock.advance(timedelta(minutes=11))
        if "tasks" not in house.entered:
            async with Reader(house.origin) as reader:
                await reader.log_in(house.staff, "rita")
                await _enter_only(house, reader, "tasks", "/desk/reviews/matches")
    for account in ("konto-1041", "konto-9001"):
        await house.look_up("nobody@mail.example", account)
    await _fill_beside(house, published)
    async with Reader(house.origin) as reader:
        await reader.log_in(house.staff, "dora")
        await _fill_as_officer(house, reader, now)
    async with Reader(house.origin) as reader:
        await reader.log_in(house.staff, "olaf")
        await _fill_as_operator(house, reader, now)
    node = fleet[NODE]
    await check_nightly(node.base.office, node.services.audits.check_own)


async def _fill_beside(house: House, published: Sequence[str]) -> None:
    """Let a file be listed, a signal be disputed and another be found wrong."""
    services = house.fleet[NODE].services
    file = request_for(sha256(b"").hexdigest(), kind=Kind.SHA256)
    listed = await services.signals.add(file, ANNA)
    house.entered["signals"] = f"/desk/signals/own/{listed.signal}"
    _tick(house)
    await services.disputes.open(contest(published[0]), LENA)
    _tick(house)
    value, account = PERSONS[-1]
    found = await house.look_up(value, account)
    assert found.task is not None
    wrong = OutcomeRequest(outcome=Outcome.DISMISS, because=Because.LISTING_WRONG)
    await insisting(services.tasks).decide(found.task, wrong, RUTH)
    _tick(house)


async def _enter_only(house: House, reader: Reader, kind: str, path: str) -> None:
    """Note the only thing of its kind that there is yet."""
    links = (await reader.open(path)).links
    things = {each for each in links if each.startswith(f"{path}/")}
    (house.entered[kind],) = {each for each in things if "/new/" not in each}


async def enter_request(
    reader: Reader, now: datetime, kind: str = "access", value: str = PERSONS[0][0]
) -> None:
    """Enter what a person asks for, whom the officer has seen."""
    given = {
        "kind": kind,
        "about.kind": "email",
        "about.value": value,
        "control": "identity_document",
        "language": "de",
        "checked.seen_on": f"{now:%Y-%m-%d}",
        "checked.reference": "vermerk-7",
    }
    if kind == "erasure":
        given["contention"] = "conduct_denied"
    await entered(reader, "/desk/persons/requests/new/open", given)


async def _fill_as_officer(house: House, reader: Reader, now: int) -> None:
    for kind, value in (("access", PERSONS[0][0]), ("erasure", PERSONS[2][0])):
        await enter_request(reader, house.fleet.clock.now(), kind, value)
        _tick(house)
        if kind == "access":
            await _enter_only(house, reader, "requests", "/desk/persons/requests")
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
        _tick(house)
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
    _tick(house)
    await reader.open("/desk/log/state")
    shown = await reader.send("/desk/log/verify", {})
    assert shown.status == 200, shown.text[-500:]
    await _fill_round(house, reader)


async def _fill_round(house: House, reader: Reader) -> None:
    """Sign a round of all that was, and open one of what one person has read then.

    What else stands in the log is not alike in each run.
    """
    target = f"{ROUNDS}/new/open"
    await reader.open(target)
    shown = await reader.send(target, {"sample": "20"})
    async with Reader(house.origin) as rita:
        await rita.log_in(house.staff, "rita")
        for _ in range(5):
            await review_all(reader)
            for path in ("/desk/reviews/matches", "/desk/signals/own"):
                await rita.open(path)
            await reader.open(target)
            shown = await reader.send(target, {"sample": "20"})
            if "refusals, all" not in shown.text:
                break
    first = next(link for link in shown.links if "/entries/" in link)
    await reader.open(first)
    reason = "Ein Brief ging an eine falsche Anschrift."
    await reader.send(first, {"verdict": "ask", "note": reason})


async def _fill_as_operator(house: House, reader: Reader, now: int) -> None:
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
        _tick(house)


@contextmanager
def house(
    *,
    full: bool = True,
    demonstration: bool = False,
    proxies: tuple[str, ...] = (),
    identities: Callable[[str], str] | None = None,
) -> Iterator[House]:
    """Give a node with a desk that runs in a thread of its own until the end."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever, daemon=True)
        thread.start()
        # Here a browser's loop may run already.
        founded = asyncio.run_coroutine_threadsafe(
            make_founded(root / "n", demonstration=demonstration), loop
        )
        founded.result(_PATIENCE)
        made = House(
            root, loop, Fleet(root / "n"), proxies=proxies, identities=identities
        )
        with patch("fedsafe_node.app.scheduler.TICK_SECONDS", 3_600):
            try:
                made.wait(made.begin())
                if full:
                    made.wait(fill(made))
                    made.wait(made.fleet.witnessed(NODE))
                yield made
            finally:
                made.wait(made.end())
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
                loop.close()


async def link(house: House, name: str, issuer: str) -> None:
    """Let somebody log in at a provider under the name that they have here."""
    office = house.fleet[NODE].base.office

    async def act(tx: Transaction) -> None:
        person = await tx.person_named(name)
        assert person is not None
        row = IdentityRow(issuer=issuer, subject=name, person=person.id)
        await tx.add_identity(row)

    await office.store.write(act, vital=True)
