# SPDX-License-Identifier: Apache-2.0
"""Walks through the desk in a browser that notes what a stranger's text would do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tests.support.browser import Desktop, Screen, again
from tests.support.payloads import PAYLOADS

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

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


def watched(page: "Page") -> list[str]:
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
            told, sizes = watched(page), weighed(page)
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
            told = watched(page)
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


def weighed(page: "Page") -> list[int]:
    """Note how many bytes come for each answer, its head included."""
    sizes: list[int] = []
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.on(
        "Network.loadingFinished",
        lambda event: sizes.append(int(event["encodedDataLength"])),
    )
    return sizes


def forms_of(screens: Sequence[Screen]) -> list[Screen]:
    """Choose the screens with a form that is about nothing that others need."""
    return [
        screen
        for screen in screens
        if screen.does is None
        and (".one." in screen.name or ".new." in screen.name)
        and screen.name.rpartition(".")[2] not in _ENDS
    ]
