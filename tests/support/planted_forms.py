# SPDX-License-Identifier: Apache-2.0
"""Every form of the desk, sent with payloads in each of its texts.

What else a form asks is filled as it would be taken: the first choice, a day. The node
may take a payload or refuse it; what it gives back shows the payload as words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from tests.support.browser import Screen
from tests.support.desk import Form, Reader, Shown
from tests.support.desk_house import House
from tests.support.hostile_walks import forms_of
from tests.support.payloads import NAMED
from tests.support.planted_pages import Shape

_DANGER: Final = "/desk/cases/danger"
_BESIDE: Final = (
    ("dora", "/desk/log/account"),
    ("dora", "/desk/log/reveal"),
    ("dora", "/desk/log/revealed"),
    ("dora", "/desk/log/export"),
    ("erik", _DANGER),
)
"""Forms that stand on no page of one thing, and whose."""


@dataclass
class Sending:
    """What was sent to which form, how often the node took it, and what is amiss."""

    made: House
    sent: dict[str, tuple[int, int]] = field(default_factory=dict)
    amiss: list[str] = field(default_factory=list)

    async def through(self, screens: Sequence[Screen], order: Sequence[str]) -> None:
        """Send every form that is about nothing that others need, in some order."""
        forms = [(str(each.reader), each.path) for each in forms_of(screens)]
        for name in sorted({reader for reader, _ in [*forms, *_BESIDE]}):
            async with Reader(self.made.origin) as reader:
                await reader.log_in(self.made.staff, name)
                for whose, path in [*forms, *_BESIDE]:
                    if whose == name:
                        await self._fill(reader, path, order)
            self.made.fleet.clock.advance(timedelta(minutes=1))

    async def _fill(self, reader: Reader, path: str, order: Sequence[str]) -> None:
        taken = refused = 0
        for name in order:
            page = await reader.open(path)
            if path == _DANGER:
                page = await reader.send(path, {}, button=("call", "called"))
            form = _form_of(page, path)
            if form is None:  # it was taken, and can be once
                break
            given = self._given(form, NAMED[name])
            if not any(value == NAMED[name] for value in given.values()):
                return
            shown = await reader.send(form.action, given, page=page)
            faults = Shape(shown.html).amiss
            if shown.status >= 500:
                faults.append(str(shown.status))
            self.amiss += [f"{path} {name}: {each}" for each in faults]
            if shown.status == 200:
                taken += 1
            else:
                refused += 1
        self.sent[path] = (taken, refused)

    def _given(self, form: Form, payload: str) -> dict[str, str]:
        now = self.made.fleet.clock.now()
        fits = {
            "text": payload,
            "date": f"{now:%Y-%m-%d}",
            "datetime-local": f"{now:%Y-%m-%dT%H:%M}",
            "number": "1",
        }
        given = {name: fits[kind] for name, kind in form.kinds.items() if kind in fits}
        for name, choices in form.choices.items():
            if name not in dict(form.values):
                given[name] = choices[0]
        return given


def _form_of(page: Shown, path: str) -> Form | None:
    """Find the form that a page is for."""
    inside = [each for each in page.forms if each.action.startswith(path)]
    return inside[0] if page.status == 200 and inside else None
