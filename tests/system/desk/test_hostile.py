# SPDX-License-Identifier: Apache-2.0
"""What strangers write runs nowhere on the desk, and what they send is refused.

More of what is refused, with no browser: `tests/node/desk/test_refusals.py`.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from tests.support.browser import (
    TIMEOUT,
    Desktop,
    Screen,
    again,
    drawn,
    screens_of,
)
from tests.support.desk import Reader
from tests.support.desk_house import NODE, House, house
from tests.system.desk.payloads import PAYLOADS, plant

from fedsafe_node.log.audit import Event

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

pytestmark = pytest.mark.timeout(TIMEOUT)
_RAN: Final = "[window.ran, document.querySelectorAll('[data-ran]').length]"
_IS_USUAL: Final = re.compile("status of 4|^Autofocus processing was blocked")
"""What the console says of a refusal, and of an error that the focus has already."""
_FIRST: Final = 150_000
_LATER: Final = 40_000
_FILL: Final = """payloads => {
  const form = document.querySelector("main form:not([method=get])");
  const texts = form ? [...form.querySelectorAll(
    "input[type=text], input:not([type]), textarea")] : [];
  texts.forEach((field, at) => { field.value = payloads[at % payloads.length]; });
  if (form) form.noValidate = true;
  return texts.length;
}"""
_ENDS: Final = ("lock", "reset", "end-role", "revoke", "rotate", "lift", "end", "keep")
"""What an act does at once to people and things that other screens need."""
_TAKEN: Final = frozenset({"checkpoint", "json", "md", "ndjson", "note", "py", "toml"})
"""Kinds of files that a pack is made of."""
_PLANTED: Final = (
    *("login", "today", "people", "people.one", "credentials", "breaches"),
    *("breaches.one", "holds", "holds.one", "log.entry", "tasks"),
    *("log.events", "log.events of a part"),
)
"""Screens that show what was planted, or most bytes."""


def _watched(page: "Page") -> list[str]:
    """Note what the browser complains of, and whatever a payload would do."""
    told: list[str] = []

    def dismissed(each: "Dialog") -> None:
        told.append("dialog")
        each.dismiss()

    page.on("console", lambda each: told.append(each.text))
    page.on("pageerror", lambda each: told.append(str(each)))
    page.on("dialog", dismissed)
    page.on("request", lambda each: told.extend(_foreign(each.url)))
    page.add_init_script(
        "window.told = [];"
        "addEventListener('securitypolicyviolation', event =>"
        " console.error('csp ' + event.violatedDirective + ' ' + event.blockedURI));"
    )
    return told


def _foreign(url: str) -> list[str]:
    parts = urlsplit(url)
    own = parts.hostname == "localhost" or parts.scheme == "data"
    return [] if own and not parts.path.startswith("/planted") else [url]


@dataclass
class Walk:
    """Somebody with a browser, and what is amiss of the screens that they open."""

    desktop: Desktop
    amiss: dict[str, Any] = field(default_factory=dict)
    heavy: dict[str, int] = field(default_factory=dict)
    tried: int = 0

    def through(self, screens: Sequence[Screen]) -> None:
        """Open screens, and weigh them."""
        by_reader: dict[str | None, list[Screen]] = {}
        for screen in screens:
            by_reader.setdefault(screen.reader, []).append(screen)
        for reader, own in by_reader.items():
            page = self.desktop.window(reader, "de")  # its words are longer
            told, sizes = _watched(page), _weighed(page)
            page.goto("/desk/login" if reader is None else "/desk/today")
            if sum(sizes) > _FIRST:
                self.heavy[again(f"first page of {reader}")] = sum(sizes)
            for screen in own:
                sizes.clear()
                screen.show(page, self.desktop.house)
                if sum(sizes) > _LATER:
                    self.heavy[again(screen.name)] = sum(sizes)
                self._look(page, screen, told)
            page.context.close()

    def back(self, forms: Sequence[Screen]) -> None:
        """Enter what is planted into forms, and open what they give back."""
        for at, screen in enumerate(forms):
            page = self.desktop.window(screen.reader, "en")
            told = _watched(page)
            screen.show(page, self.desktop.house)
            turned = PAYLOADS[at:] + PAYLOADS[:at]
            self.tried += page.evaluate(_FILL, list(turned))
            with page.expect_navigation():
                page.locator("main form button").first.click()
            self._look(page, screen, told)
            page.context.close()

    def _look(self, page: "Page", screen: Screen, told: list[str]) -> None:
        ran = page.evaluate(_RAN)
        broken = page.locator("main#main, footer").count() != 2
        said = [each for each in told if not _IS_USUAL.search(each)]
        if said or ran != [None, 0] or broken:
            self.amiss[again(screen.name)] = (said, ran, broken)
        told.clear()


def _weighed(page: "Page") -> list[int]:
    """Note how many bytes come for each answer, its head included."""
    sizes: list[int] = []
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on(
        "Network.loadingFinished",
        lambda event: sizes.append(int(event["encodedDataLength"])),
    )
    return sizes


def _forms(screens: Sequence[Screen]) -> list[Screen]:
    return [
        screen
        for screen in screens
        if screen.does is None
        and (".one." in screen.name or ".new." in screen.name)
        and screen.name.rpartition(".")[2] not in _ENDS
    ]


def test_nothing_planted_runs_and_pages_are_light(desktop: Desktop) -> None:
    """One test, since it fills a house: strangers have written into every text."""
    with house() as made:
        made.wait(plant(made))
        screens = screens_of(made)
        plain = [screen for screen in screens if screen.does is None]
        walk = Walk(Desktop(desktop.browser, made))
        walk.through(drawn(plain, "hostile", *_PLANTED))
        walk.back(drawn(_forms(screens), "forms", "requests.new.open"))
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
