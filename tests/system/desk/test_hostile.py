# SPDX-License-Identifier: Apache-2.0
"""What strangers write runs nowhere on the desk, and what they send is refused.

More of what is refused, with no browser: `tests/node/desk/test_refusals.py`.
"""

import io
import zipfile
from typing import Final

import pytest
from tests.support.browser import (
    TIMEOUT,
    Desktop,
    drawn,
    screens_of,
)
from tests.support.desk import Reader
from tests.support.desk_house import NODE, House, house
from tests.support.hostile_walks import Walk, forms_of
from tests.support.payloads import PAYLOADS, plant

from fedsafe_node.log.audit import Event

pytestmark = pytest.mark.timeout(TIMEOUT)
_TAKEN: Final = frozenset({"checkpoint", "json", "md", "ndjson", "note", "py", "toml"})
"""Kinds of files that a pack is made of."""
_PLANTED: Final = (
    *("login", "today", "people", "people.one", "credentials", "breaches"),
    *("breaches.one", "holds", "holds.one", "log.entry", "tasks"),
    *("log.events", "log.events of a part"),
)
"""Screens that show what was planted, or most bytes."""


def test_nothing_planted_runs_and_pages_are_light(desktop: Desktop) -> None:
    """One test, since it fills a house: strangers have written into every text."""
    with house() as made:
        made.wait(plant(made))
        screens = screens_of(made)
        plain = [screen for screen in screens if screen.does is None]
        walk = Walk(Desktop(desktop.browser, made))
        walk.through(drawn(plain, "hostile", *_PLANTED))
        walk.back(drawn(forms_of(screens), "forms", "requests.new.open"))
        html = made.wait(_people(made))
        pack = made.wait(_pack(made))

    assert walk.amiss == {}
    assert walk.heavy == {}
    assert walk.tried > 0
    assert "<script>window.ran" not in html
    assert "&lt;script&gt;window.ran" in html
    assert len(PAYLOADS) >= 40
    kinds = {name.rpartition(".")[2] for name in pack}
    assert kinds <= _TAKEN


async def _pack(planted: House) -> list[str]:
    """Take what a browser takes home, an evidence pack; name its files.

    No spreadsheet opens one of its kinds, so no formula in it lives.
    """
    async with Reader(planted.origin) as reader:
        await reader.log_in(planted.staff, "dora")
        await reader.open("/desk/log/pack")
        taken = await reader.send("/desk/log/pack", {"first": "0"})
    disposition = taken.headers["Content-Disposition"]
    assert (taken.status, disposition.startswith("attachment")) == (200, True)
    with zipfile.ZipFile(io.BytesIO(taken.body)) as pack:
        return pack.namelist()


async def _people(planted: House) -> str:
    async with Reader(planted.origin) as reader:
        await reader.log_in(planted.staff, "olaf")
        return (await reader.open("/desk/house/people")).html


def test_a_session_is_kept_in_one_cookie_that_no_script_reads(desktop: Desktop) -> None:
    page = desktop.window("dora")
    page.goto("/desk/today")
    kept = [each for each in page.context.cookies() if "before" not in each["name"]]
    assert [
        (each["name"], each["httpOnly"], each["secure"], each["sameSite"], each["path"])
        for each in kept
    ] == [("__Host-fedsafe-a-demo", True, True, "Strict", "/")]
    assert all(each["domain"] == "localhost" for each in kept)
    assert page.evaluate("document.cookie") == ""
    page.context.close()


async def _events(house_: House, event: Event) -> int:
    return len(await house_.fleet.audit(NODE, event.value))


def test_what_nobody_asked_for_and_foreign_forms_are_refused_once(
    full_house: House,
) -> None:
    async def tried() -> list[tuple[int, int, int]]:
        seen = []
        async with Reader(full_house.origin) as reader:
            await reader.log_in(full_house.staff, "dora")
            await reader.open("/desk/log/account")
            form = reader.page.form("/desk/log/account")
            body = "&".join(f"{name}={value}" for name, value in form.values)
            for kind, headers in (
                ("ahead", {"Sec_Purpose": "prefetch"}),
                ("origin", {"Origin": "https://elsewhere.example"}),
                ("site", {"Sec_Fetch_Site": "cross-site"}),
                ("replay", {}),
            ):
                reads = await _events(full_house, Event.AUDIT_READ)
                refused = await _events(full_house, Event.DOOR_REFUSED)
                if kind == "ahead":
                    shown = await reader.open("/desk/log/account", **headers)
                elif kind == "replay":
                    shown = await reader.post("/desk/log/reveal", body)
                else:
                    shown = await reader.post("/desk/log/account", body, **headers)
                seen.append(
                    (
                        shown.status,
                        await _events(full_house, Event.AUDIT_READ) - reads,
                        await _events(full_house, Event.DOOR_REFUSED) - refused,
                    )
                )
        return seen

    ahead, origin, site, replay = full_house.wait(tried())
    assert ahead == (403, 0, 0)  # a browser did it, and nobody asked
    assert origin == (403, 0, 1)
    assert site[:2] == (403, 0)  # the same refusal again is counted, not written anew
    assert replay == (403, 0, 1)
