# SPDX-License-Identifier: Apache-2.0
"""Forms of the desk sent as impatient people send them: twice, again, from two tabs.

Whatever is sent, each form acts once, and what was entered into one that does not fit
comes back.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - seeded, and the seed is told
from typing import Final

from tests.support.desk import Reader, Shown, sealed
from tests.support.desk_house import House

from fedsafe_node.log.audit import Event

KINDS: Final = ("new", "double", "back", "tabs", "leave", "wrong")


@dataclass(frozen=True)
class Repeated:
    """A form that is sent, what is entered, and the event that each act of it is."""

    path: str
    event: Event
    told: str
    """The field that a page must give back."""
    given: Callable[[House, int], dict[str, str]]
    wrong: dict[str, str]


def hold(office: House, number: int) -> dict[str, str]:
    """Fill in the form of a hold."""
    until = datetime.fromtimestamp(office.now(), UTC) + timedelta(days=90)
    return {
        "reason": f"order:{number}-2026",
        "until": until.strftime("%Y-%m-%dT%H:%M"),
        "subject_ref": f"local/konto-{number}",
    }


def _breach(office: House, number: int) -> dict[str, str]:
    aware = datetime.fromtimestamp(office.now(), UTC) - timedelta(hours=3)
    return {
        "aware_at": aware.strftime("%Y-%m-%dT%H:%M"),
        "kinds": "integrity",
        "note": f"Ein Brief ging falsch, Nummer {number}.",
    }


FORMS: Final = (
    Repeated(
        "/desk/log/holds/new/add",
        Event.AUDIT_HELD,
        "reason",
        hold,
        {"until": "soon"},
    ),
    Repeated(
        "/desk/persons/breaches/new/open",
        Event.BREACH_OPENED,
        "note",
        _breach,
        {"aware_at": "lately"},
    ),
)


@dataclass
class Storm:
    """What was sent, how often each form has acted, and what is amiss."""

    office: House
    reader: Reader
    kinds: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _sent: list[tuple[Repeated, str]] = field(default_factory=list)

    async def send(self, draw: Random, count: int, *, first: int = 100) -> None:
        """Send so many forms, drawn by a seed, and count what came of them."""
        before = {form.event: await self._events(form) for form in FORMS}
        for number in range(first, first + count):
            kind, form = draw.choice(KINDS), draw.choice(FORMS)
            if kind == "back" and not self._sent:
                kind = "new"
            self.kinds[kind] += 1
            for each in await self._one(kind, form, number, draw):
                if each.status != 200 or "Done." not in each.text:
                    self.faults.append(f"{kind} {number}: {each.status}")
        for form in FORMS:
            done = await self._events(form) - before[form.event]
            if done != self.acts[form.path]:
                told = f"{form.path}: {done} acts of {self.acts[form.path]} forms"
                self.faults.append(told)

    async def _events(self, form: Repeated) -> int:
        return len(await self.office.written(form.event))

    async def _one(
        self, kind: str, form: Repeated, number: int, draw: Random
    ) -> list[Shown]:
        reader = self.reader
        if kind == "back":
            form, body = draw.choice(self._sent)
            return [await reader.post(form.path, body)]
        page = await reader.open(form.path)
        given = form.given(self.office, number)
        if kind == "wrong":
            await self._wrong(form, page, given)
            return []
        if kind == "tabs":
            other = await reader.open(form.path)
            more = form.given(self.office, number + 100_000)
            bodies = [self._filled(form, page, given), self._filled(form, other, more)]
            return [*await asyncio.gather(*(reader.post(form.path, b) for b in bodies))]
        body = self._filled(form, page, given)
        if kind == "leave":
            leaving = asyncio.create_task(reader.post(form.path, body))
            await asyncio.sleep(draw.random() / 50)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        if kind == "double":
            return [
                *await asyncio.gather(*(reader.post(form.path, body) for _ in range(2)))
            ]
        return [await reader.post(form.path, body)]

    def _filled(self, form: Repeated, page: Shown, given: dict[str, str]) -> str:
        body = sealed(page, form.path, **given)
        self._sent.append((form, body))
        self.acts[form.path] += 1
        return body

    async def _wrong(self, form: Repeated, page: Shown, given: dict[str, str]) -> None:
        shown = await self.reader.post(
            form.path, sealed(page, form.path, **given | form.wrong)
        )
        if shown.status != 422 or given[form.told] not in shown.html:
            self.faults.append(f"wrong {given[form.told]}: {shown.status}, input lost")
