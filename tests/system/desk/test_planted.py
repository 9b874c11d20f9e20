# SPDX-License-Identifier: Apache-2.0
"""Whatever the API answers, and whoever has written it: pages show it as words.

A drawn part of `tests/campaigns/planted.py`. Every text of an answer is planted, by its
type: no new field of a message goes without. `test_hostile.py` sends the same through
forms of the desk.
"""

from collections.abc import Iterator
from random import Random  # noqa: TID251 - seeded, and the seed is told
from typing import Final

import pytest
from tests.support.browser import SEED, TIMEOUT, Desktop, again, chromium, drawn
from tests.support.desk_house import House
from tests.support.hostile_walks import Walk
from tests.support.payloads import FORMULAS, MARKUP, PAYLOADS, TRICKS
from tests.support.planted import Planting, texts_of
from tests.support.planted_pages import (
    OPENED,
    Look,
    planted_desk,
    planted_screens,
    shown_routes,
)

pytestmark = pytest.mark.timeout(TIMEOUT)
_ALWAYS: Final = ("approval", "breaches.one", "log.entry", "rounds.record", "today")
"""Screens with most texts of others, and one that asks on while there is more."""


@pytest.fixture(scope="module")
def planted() -> Iterator[tuple[House, Planting]]:
    """Give a desk whose routes answer with what is planted."""
    with planted_desk() as made:
        yield made


def test_no_text_of_an_answer_is_more_than_words(
    planted: tuple[House, Planting],
) -> None:
    made, planting = planted
    look = Look(made, planting)
    pick = Random(f"{SEED}planted")  # noqa: S311
    turns = pick.sample(range(len(PAYLOADS)), 1)
    pages = [page for page in OPENED if page.name in _ALWAYS]

    made.wait(look.open(pages + pick.sample(OPENED, 12), turns), TIMEOUT)

    assert look.amiss == [], again()
    assert len(look.shown) > len(PAYLOADS) / 2


def test_payloads_reach_every_text_that_a_page_may_show() -> None:
    planting = Planting(frozenset(), 0)
    routes = shown_routes()
    planting.know(routes.values())
    for name in routes:
        planting.body(name)

    texts = texts_of({name: route.answer for name, route in routes.items()})
    assert texts - planting.told - planting.closed == set()
    assert len(planting.told) > 150
    assert (len(MARKUP), len(FORMULAS), len(TRICKS)) == (32, 5, 6)


def test_a_planted_page_runs_nothing_in_a_browser(
    planted: tuple[House, Planting],
) -> None:
    made, planting = planted
    turn = Random(f"{SEED}run").randrange(len(PAYLOADS))  # noqa: S311
    planting.turn = turn
    chosen = drawn(planted_screens(planting), "planted", *_ALWAYS)
    planting.turn = None
    with chromium() as browser:
        walk = Walk(Desktop(browser, made))
        for reader in sorted({str(screen.reader) for screen in chosen}):
            walk.desktop.window(reader).context.close()  # they log in before it answers
        planting.turn = turn
        walk.through(chosen)
        planting.turn = None

    assert walk.amiss == {}
