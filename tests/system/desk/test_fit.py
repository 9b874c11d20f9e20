# SPDX-License-Identifier: Apache-2.0
"""A drawn part of the desk's screens is fit for everybody.

FEDSAFE_SCREENS says how many are drawn, and FEDSAFE_SEED draws the same again;
`python -m tests.campaigns.screens` looks at all of them in every way.
"""

from typing import Final

import pytest
from tests.support.browser import (
    LANGUAGES,
    SCHEMES,
    TIMEOUT,
    Desktop,
    Screen,
    again,
    drawn,
    unlike_kept,
)
from tests.support.browser_checks import (
    edges,
    focused,
    forced,
    judged,
    judged_by_axe,
    moves,
    spaced,
    squeezed,
    targets,
    width,
)

pytestmark = pytest.mark.timeout(TIMEOUT)
_ALWAYS: Final = ("login", "today", "account answered", "refused form")
_TABS: Final = 25
_UNFIT: Final = """<body style="background: #fff"><main>
<style>
  button { height: 20px; width: 20px; padding: 0; background: #fff; color: #bbb;
    border: 0; transition: all 1s; }
  button:focus { outline: 2px solid #eee; }
  #cover { position: fixed; inset: 0; pointer-events: auto; }
  p { height: 1em; width: 8em; overflow: hidden; line-height: 1; }
</style>
<button>x</button><img src="data:,"><div style="width: 3000px">wide</div>
<p>just as high as one line</p><div id="cover"></div></main>"""
"""A page on which something is wrong of each kind that is looked for."""


def test_a_drawn_part_of_the_screens_is_fit(
    desktop: Desktop, screens: list[Screen]
) -> None:
    amiss = {}
    for at, screen in enumerate(drawn(screens, "fit", *_ALWAYS)):
        language, scheme = LANGUAGES[at % 2], SCHEMES[at // 2 % 2]
        with desktop.showing(screen, language, scheme) as page:
            found = unlike_kept(page, screen, language)
            found += judged(page, _TABS) + squeezed(page)
        if found:
            amiss[again(screen.name, language, scheme)] = found
    assert amiss == {}


def test_each_check_finds_what_is_unfit(desktop: Desktop) -> None:
    page = desktop.browser.new_page()
    page.set_content(_UNFIT)
    found = [
        *(edges(page) + targets(page) + focused(page) + moves(page)),
        *(forced(page) + width(page) + judged_by_axe(page)),
    ]
    found += [each for each in spaced(page) if "px too wide" not in each]
    page.close()

    for wanted in (
        *("border 1.", "text of button", "target 20x20", "focus 1.", "hidden in focus"),
        *("moves: button", "no edge in forced", "px too wide", "image-alt:"),
        *("html-has-lang:", "cut off: p"),
    ):
        assert any(wanted in each for each in found), (wanted, found)


@pytest.mark.parametrize("runs", ["scripts", "none"])
def test_an_error_has_the_focus_and_a_status_is_announced(
    desktop: Desktop, runs: str
) -> None:
    page = desktop.window("dora", scripts=runs == "scripts")
    page.goto("/desk/log/reveal")
    for field in ("#f-pseudonym", "#f-reason"):
        page.fill(field, "nobody")
    with page.expect_navigation():
        page.locator("main form button").first.click()
    page.wait_for_selector("#summary:focus")
    assert page.get_by_role("alert").count() == 1
    page.locator("#summary a").first.press("Enter")
    page.goto("/desk/log/events")
    assert page.get_by_role("status").count() == 1
    page.context.close()


def test_a_code_may_be_pasted(desktop: Desktop) -> None:
    page = desktop.window()
    page.goto("/desk/login")
    page.fill("#f-name", "123456")
    page.press("#f-name", "Control+a")
    page.press("#f-name", "Control+c")
    for field in ("#f-code", "#f-password"):
        page.press(field, "Control+v")
        assert page.input_value(field) == "123456"
    page.context.close()
