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
from tests.support.browser_checks import judged, squeezed

pytestmark = pytest.mark.timeout(TIMEOUT)
_ALWAYS: Final = ("login", "today", "account answered", "refused form")
_TABS: Final = 25


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
