# SPDX-License-Identifier: Apache-2.0
"""Three people come from a new node to a decided match, without a shell."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.desk import PASSWORD, Reader, Shown, with_desk
from tests.support.fleet import Fleet, make

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.people.first_administrator import add_first
from fedsafe_node.people.totp import code_at, step_of
from fedsafe_policies.vocabulary import Purpose, Scope

NEWCOMER = "/desk/house/newcomer"
TASKS = "/desk/reviews/matches"
UNTIL = "2027-06-01"


class Person:
    """Somebody at a browser, whose forms are counted."""

    def __init__(self, fleet: Fleet, reader: Reader, name: str) -> None:
        self.reader, self.name = reader, name
        self.sent = 0
        self.role = ""
        self._fleet = fleet
        self._secret = b""

    async def open(self, path: str) -> Shown:
        """Open a page."""
        return await self.reader.open(path)

    async def send(
        self, action: str, given: Mapping[str, str | Sequence[str]]
    ) -> Shown:
        """Send a form of the page."""
        self.sent += 1
        return await self.reader.send(action, given)

    async def come(self, code: str, **more: str) -> None:
        """Set the account up, and log in."""
        await self.open("/desk/setup")
        done = await self.send(
            "/desk/setup",
            {"name": self.name, "code": code, "password": PASSWORD}
            | {f"training.{name}": value for name, value in more.items()},
        )
        assert done.status == 200, done.text
        self._secret = base64.b32decode(_secret(done))
        await self.open("/desk/login")
        shown = await self.send(
            "/desk/login",
            {"name": self.name, "password": PASSWORD, "code": self.code()},
        )
        if self.role:
            assert self.role in shown.html
            assert "operator" not in shown.html
            shown = await self.send(
                "/desk/login",
                {
                    "name": self.name,
                    "password": PASSWORD,
                    "code": self.code(),
                    "role": self.role,
                },
            )
        assert shown.status == 200, shown.text

    def code(self) -> str:
        """Return what the authenticator shows; a fresh one each time."""
        self._fleet.clock.advance(timedelta(seconds=30))
        return code_at(self._secret, step_of(self._fleet.clock.now()))


def _secret(page: Shown) -> str:
    words = page.html.replace("<", " ").replace(">", " ").split()
    return next(
        word
        for word in words
        if len(word) >= 32 and word.isupper() and word.isalnum() and "=" not in word
    )


def _code(page: Shown) -> str:
    return page.html.partition("<dt>code</dt><dd>")[2].partition("<")[0]


async def test_three_people_come_to_a_decided_match_without_a_shell(
    tmp_path: Path,
) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=())
    origin = await asyncio.to_thread(with_desk, fleet, "a.demo")
    try:
        await fleet.start("a.demo")
        node = fleet["a.demo"]
        cheap = PasswordHasher.from_parameters(CHEAPEST)
        node.base.office.passwords._hasher = cheap  # noqa: SLF001 - 100 ms each
        base, clock = node.base, fleet.clock
        first = await add_first(base.store, base.trail, clock, "olaf")
        async with (
            Reader(origin) as one,
            Reader(origin) as two,
            Reader(origin) as three,
        ):
            olaf, dora, anna = (
                Person(fleet, reader, name)
                for reader, name in ((one, "olaf"), (two, "dora"), (three, "anna"))
            )
            await olaf.come(first.code, organisation="Fachstelle", until=UNTIL)
            trained = {"organisation": "Fachstelle", "trained_until": UNTIL}
            await olaf.open(NEWCOMER)
            added = await olaf.send(
                NEWCOMER,
                {"name": "dora", "display": "Dora Kaya", "modules": ["basic"]}
                | trained
                | {"roles": ["analyst"]},
            )
            await olaf.open(NEWCOMER)
            with_dpo = await olaf.send(
                NEWCOMER,
                {"name": "anna", "display": "Anna Weber", "modules": ["basic", "legal"]}
                | trained
                | {"roles": ["legal_adviser", "dpo"]},
            )
            assert "This was not possible" not in added.text + with_dpo.text
            trainings = await olaf.open("/desk/house/training")
            assert trainings.html.count("Fachstelle") == 3
            anna.role = "dpo"
            await dora.come(_code(added))
            await anna.come(_code(with_dpo))

            await node.services.signals.add(
                request_for("mia@mail.example", scope=Scope.SELF), ANNA
            )
            await node.services.lookups.lookup(
                LookupRequest(
                    questions=[Question(kind=Kind.EMAIL, value="mia@mail.example")],
                    purpose=Purpose.SIGNUP_CHECK,
                    subject_ref="konto-1",
                    deadline_ms=10_000,
                ),
                BOT,
            )
            listed = await dora.open(TASKS)
            (path,) = [link for link in listed.links if f"{TASKS}/" in link]
            await dora.open(path)
            await dora.open(f"{path}/dismiss")
            fleet.clock.advance(timedelta(minutes=2))
            decided = await dora.send(f"{path}/dismiss", {"reason": "vermerk:1"})

            assert "Done." in decided.text
            assert path not in (await dora.open(TASKS)).links
            assert (olaf.sent, dora.sent, anna.sent) == (4, 3, 3)
    finally:
        await fleet.close()
