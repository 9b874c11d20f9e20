# SPDX-License-Identifier: Apache-2.0
"""Debian's chromium at a desk: windows of people who have logged in, and all screens.

A screen is a page of the desk's table with something on it, found as a person finds
it: by the links that its reader's pages have. Nothing is fetched from elsewhere.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, and the seed is told
from typing import TYPE_CHECKING, Any, Final

from tests.programs import program
from tests.support.desk import PASSWORD, Reader
from tests.support.desk_house import House

from fedsafe_node.desk.site import PAGES
from fedsafe_node.desk.view import ROOT
from fedsafe_node.desk.view import Page as DeskPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

LANGUAGES: Final = ("de", "en")
SCHEMES: Final = ("light", "dark")
WIDE: Final = (1280, 900)
SMALL: Final = (320, 256)
"""What is left of 1280 pixels at a zoom of 400 %."""
READERS: Final = ("dora", "rita", "anna", "olaf", "erik")
"""In this order people look for a screen: who is first opens it."""
SNAPSHOTS: Final = Path(__file__).parents[1] / "system/desk/snapshots"
OF_THE_LOG: Final = (
    *("log.events", "log.events of a part", "log.entry", "log verified"),
    "account answered",
)
IN_NO_ORDER: Final = ("tasks", "requests", "training")
"""Lists of what begins or ends at the same moment."""
_TOLD_LINES: Final = 24
_DRAWN: Final = re.compile(
    r"synthetic@[0-9a-f]{8}|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{8}-[0-9a-f]{2,3}\b"
    r"|staff-[0-9]{4}q[0-9]-[a-z2-7]+"
    r"|[0-9a-f]{16,}|[A-Za-z0-9+/=_-]{40,}|(?<!level=)\b\d+\b"
)
_STATUS: Final = "performance.getEntriesByType('navigation')[0].responseStatus"
_PATIENCE_MS: Final = 60_000
SEED: Final = int(os.environ.get("FEDSAFE_SEED") or secrets.randbelow(1 << 32))
DRAWN: Final = int(os.environ.get("FEDSAFE_SCREENS") or 4)
"""How many screens a test draws beside those that each run looks at."""
TIMEOUT: Final = 240 + 5 * DRAWN


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start the browser, or do without it."""
    path = program("chromium", "chromium")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - takes 0.3 s

    # Its sandbox cannot be set up by root, who runs it where CI has no other user.
    sandbox = os.geteuid() != 0
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=path, chromium_sandbox=sandbox, args=["--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Desktop:
    """A browser before one desk, and who has logged in there."""

    browser: "Browser"
    house: House
    sessions: dict[str, "StorageState"] = field(default_factory=dict)
    _kept: dict[tuple[str | None, str], "Page"] = field(default_factory=dict)

    def window(
        self,
        name: str | None = None,
        language: str = "en",
        scheme: str = "light",
        *,
        size: tuple[int, int] = WIDE,
        scripts: bool = True,
        **more: Any,  # noqa: ANN401 - what playwright takes
    ) -> "Page":
        """Open a window, in which somebody has logged in."""
        context: BrowserContext = self.browser.new_context(
            base_url=self.house.origin,
            color_scheme="dark" if scheme == "dark" else "light",
            locale=language,
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            storage_state=self._session(name) if name else None,
            **more,
        )
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        return page

    @contextmanager
    def showing(
        self, screen: "Screen", language: str = "en", scheme: str = "light"
    ) -> Iterator["Page"]:
        """Open a screen in a window that the next screen of its reader has too.

        What is done first may end the session, so such a screen has its own.
        """
        if screen.does is not None:
            page = self.window(screen.reader, language)
        else:
            key = (screen.reader, language)
            if key not in self._kept:
                self._kept[key] = self.window(screen.reader, language)
            page = self._kept[key]
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        paint(page, scheme)
        screen.show(page, self.house)
        yield page
        if screen.does is not None:
            page.context.close()

    def _session(self, name: str) -> "StorageState":
        """Log somebody in without a window, which would take two seconds."""
        if name not in self.sessions:
            house = self.house

            async def logged_in() -> dict[str, str]:
                async with Reader(house.origin) as reader:
                    await reader.log_in(house.staff, name)
                    return dict(reader.cookies)

            cookies = house.wait(logged_in()).items()
            self.sessions[name] = {
                "cookies": [
                    {
                        "name": cookie,
                        "value": value,
                        "domain": "localhost",
                        "path": "/",
                        "expires": -1,
                        "httpOnly": True,
                        "secure": True,
                        "sameSite": "Strict",
                    }
                    for cookie, value in cookies
                ]
            }
        return self.sessions[name]


def paint(page: "Page", scheme: str, *, wanted: bool = False) -> None:
    """Have a page in light or dark; *wanted* as who wants own colours and no motion."""
    page.emulate_media(
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce" if wanted else "no-preference",
        forced_colors="active" if wanted else "none",
    )
    page.evaluate("document.getAnimations().forEach(each => each.finish())")


def log_in(page: "Page", house: House, name: str) -> None:
    """Log in as a person does."""
    page.goto(f"{ROOT}/login")
    page.fill("#f-name", name)
    page.fill("#f-password", PASSWORD)
    page.fill("#f-code", house.code(name))
    page.press("#f-code", "Enter")
    page.wait_for_url(f"**{ROOT}/today")


@dataclass(frozen=True, slots=True)
class Screen:
    """A page with something on it: whose, where, and what is done there first.

    `does` leads from the page at `path` to the screen itself, by a form.
    """

    name: str
    reader: str | None
    path: str
    does: Callable[["Page", House], None] | None = None
    status: int = 200

    @property
    def file(self) -> str:
        """Its name, as files have it."""
        return self.name.replace(" ", "-")

    def show(self, page: "Page", house: House) -> None:
        """Open it, and not what stands there if something went wrong."""
        page.goto(self.path)
        if self.does is not None:
            self.does(page, house)
        status = page.evaluate(_STATUS)
        assert status == self.status, f"{self.name}: {status}, not {self.status}"


def drawn(screens: Sequence[Screen], salt: str, *always: str) -> list[Screen]:
    """Draw some screens by the seed; *always* names those that none goes without."""
    rest = [each for each in screens if each.name not in always]
    number = min(DRAWN, len(rest))
    chosen = Random(f"{SEED}{salt}").sample(rest, number)  # noqa: S311
    return [each for each in screens if each.name in always] + chosen


def again(*words: str) -> str:
    """Say of what something is amiss, and how the same is drawn again."""
    return f"FEDSAFE_SEED={SEED} {' '.join(words)}"


def snapshot(page: "Page", screen: Screen) -> str:
    """Write down a page as a screen reader has it; drawn names and moments as `…`.

    What a page of the log says in its lines depends on what was done before: they are
    left out, not their heads.
    """
    told: list[str] = []
    cut: int | None = None
    heads = 0
    for line in page.locator("body").aria_snapshot().splitlines():
        depth = len(line) - len(line.lstrip())
        if cut is not None and depth > cut:
            continue
        cut = None
        told.append(_DRAWN.sub("…", line))
        what = line.lstrip(" -'\"")
        heads = 0 if what.startswith("table") else heads
        if screen.name in OF_THE_LOG and what.startswith(("rowgroup", "definition")):
            heads += 1
            if what.startswith("definition"):
                told[-1] = f"{' ' * depth}- definition"
                cut = depth
            elif heads > 1:
                cut = depth
    if screen.name in IN_NO_ORDER:
        told = _sorted_rows(told)
    return "\n".join(told) + "\n"


def _sorted_rows(lines: Sequence[str]) -> list[str]:
    """Sort the lines of tables, each with what stands in it; heads stay first."""
    done: list[str] = []
    rows: list[list[str]] = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        is_row = line.lstrip(" -'").startswith("row ")
        if rows and depth <= _depth(rows[0]) and not is_row:
            done += [each for row in sorted(rows) for each in row]
            rows = []
        if is_row:
            rows.append([line])
        elif rows:
            rows[-1].append(line)
        else:
            done.append(line)
    return done + [each for row in sorted(rows) for each in row]


def _depth(row: Sequence[str]) -> int:
    return len(row[0]) - len(row[0].lstrip())


def kept_at(screen: Screen, language: str) -> Path:
    """Name the file that keeps what is read aloud of a screen."""
    return SNAPSHOTS / f"{screen.file}.{language}.yaml"


def unlike_kept(page: "Page", screen: Screen, language: str) -> list[str]:
    """Say in which lines a screen is read aloud otherwise than it is kept."""
    path = kept_at(screen, language)
    kept = path.read_text().splitlines() if path.exists() else []
    found = snapshot(page, screen).splitlines()
    changed = list(unified_diff(kept, found, path.name, "now", n=0, lineterm=""))
    return changed[:_TOLD_LINES]


def page_of(path: str) -> DeskPage | None:
    """Find the page of the desk's table that a path leads to."""
    steps = path.partition("?")[0].split("/")
    for page in PAGES:
        parts = page.target.split("/")
        if page.method == "GET" and len(parts) == len(steps):
            pairs = zip(parts, steps, strict=True)
            if all(part == step or part.startswith("{") for part, step in pairs):
                return page
    return None


def _is_other(house: House, page: DeskPage, path: str) -> bool:
    """Whether a path leads to another thing than the one that screens show."""
    kind, _, one = page.name.partition(".one")
    shown = house.entered.get(kind, path)
    return page.name == f"{kind}.one{one}" and not path.startswith(shown)


async def _found(house: House, name: str) -> dict[str, str]:
    """Follow every link of somebody's pages; give one path for each page."""
    found: dict[str, str] = {}
    async with Reader(house.origin) as reader:
        shown = await reader.log_in(house.staff, name)
        waiting = list(shown.links)
        while waiting:
            path = waiting.pop(0)
            page = page_of(path) if path.startswith(ROOT) else None
            if page is None or page.name in found or _is_other(house, page, path):
                continue
            answer = await reader.open(path)
            if answer.status == 200:
                found[page.name] = path
                waiting += answer.links
    return found


def screens_of(house: House) -> list[Screen]:
    """Find all screens of a house."""
    made: dict[str, Screen] = {}
    for name in READERS:
        for page, path in house.wait(_found(house, name)).items():
            made.setdefault(page, Screen(page, name, path))
    return [*made.values(), *done_first(made), *outside()]


def done_first(made: Mapping[str, Screen]) -> Iterator[Screen]:
    """Name the screens that come of sending a form, right or wrong."""
    if "tasks.one.confirm" in made:
        at = made["tasks.one.confirm"]
        yield Screen("refused form", at.reader, at.path, _send_empty, 422)
    for name in (
        "requests.new.open",
        "breaches.new.open",
        "holds.new.add",
        "rounds.one",
    ):
        if name in made:
            at = made[name]
            yield Screen(f"{name} wrong", at.reader, at.path, _send_empty, 422)
    part = f"{ROOT}/log/events?about=gate"
    yield Screen("log.events of a part", "dora", part)
    yield Screen("account answered", "dora", f"{ROOT}/log/account", _ask_account)
    yield Screen("log verified", "dora", f"{ROOT}/log/state", _verify)
    yield Screen("reveal asked", "dora", f"{ROOT}/log/reveal", _send_empty, 422)
    yield Screen("stepUp", "dora", f"{ROOT}/step-up")
    yield Screen("not found", "dora", f"{ROOT}/nothing", None, 404)
    yield Screen("not for the role", "anna", f"{ROOT}/log/holds", None, 403)
    yield Screen("no such thing", "rita", f"{ROOT}/reviews/matches/none", None, 404)
    yield Screen("form of no page", "dora", f"{ROOT}/log/state", _lose_token, 403)
    yield Screen("form after the session", "rita", f"{ROOT}/today", _lose_session, 401)
    yield Screen("kept form", "rita", f"{ROOT}/today", _keep_form)


def outside() -> Iterator[Screen]:
    """Name the screens of people who have not logged in."""
    yield Screen("login", None, f"{ROOT}/login")
    yield Screen("login refused", None, f"{ROOT}/login", _log_in_wrongly, 422)
    yield Screen("login first", None, f"{ROOT}/log/events", None, 401)
    yield Screen("setUp", None, f"{ROOT}/setup")
    yield Screen("setUp refused", None, f"{ROOT}/setup", _set_up_wrongly, 422)
    yield Screen("not found outside", None, f"{ROOT}/nothing", None, 404)


def submit(page: "Page", selector: str = "main form") -> None:
    """Send a form as a browser does that checks nothing."""
    form = page.locator(selector).first
    form.evaluate("form => { form.noValidate = true; }")
    with page.expect_navigation():
        form.locator("button").first.click()


def _send_empty(page: "Page", house: House) -> None:
    del house
    submit(page)


def _ask_account(page: "Page", house: House) -> None:
    del house
    page.fill("#f-subject_ref", "konto-1041")
    page.fill("#f-of_service", "local")
    page.select_option("#f-days", "30")
    submit(page)


def _verify(page: "Page", house: House) -> None:
    del house
    submit(page, "form[action='/desk/log/verify']")


def _lose_token(page: "Page", house: House) -> None:
    del house
    page.locator("form[action='/desk/log/verify'] [name=token]").evaluate(
        "field => { field.value = 'none'; }"
    )
    submit(page, "form[action='/desk/log/verify']")


def _lose_session(page: "Page", house: House) -> None:
    _fill_dismissal(page)
    page.context.clear_cookies()
    del house
    submit(page)


def _fill_dismissal(page: "Page") -> None:
    page.goto(f"{ROOT}/reviews/matches")
    page.locator("tbody a").first.click()
    page.locator("a[href$='/dismiss']").click()
    page.fill("#f-reason", "vermerk-12")


def _keep_form(page: "Page", house: House) -> None:
    _lose_session(page, house)
    page.fill("#f-name", "rita")
    page.fill("#f-password", PASSWORD)
    page.fill("#f-code", house.code("rita"))
    submit(page, "form[action='/desk/login']")


def _log_in_wrongly(page: "Page", house: House) -> None:
    del house
    page.fill("#f-name", "rita")
    page.fill("#f-password", "no password of hers")
    page.fill("#f-code", "000000")
    submit(page, "form[action='/desk/login']")


def _set_up_wrongly(page: "Page", house: House) -> None:
    del house
    page.fill("#f-name", "nina")
    page.fill("#f-code", "no such code")
    page.fill("#f-password", "korrekt pferd batterie")
    submit(page, "form[action='/desk/setup']")
