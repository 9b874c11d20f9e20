# SPDX-License-Identifier: Apache-2.0
"""Plant payloads in every text that the desk shows, and see that each stays words.

    .venv/bin/python -m tests.campaigns.planted [--seed N] [--turns N] [--only PART]

Markup and scripts, formulas of spreadsheets, and tricks of text, each by name, stand

- `answers`: in every text of every answer of the API, on every page, at every place in
  turn, and in the answers to forms. What a page is made of stays what it is with plain
  words, and nothing in it runs or leads elsewhere.
- `forms`: in every text of every form of the desk, sent as a browser sends it, whether
  the node takes or refuses it. Then every screen is opened in Debian's chromium.
- `browser`: in answers again, on every page in Debian's chromium, in --turns turns: no
  script runs, nothing is asked elsewhere, and no policy is reported as broken.

Prints what is amiss and on how many pages each payload was seen as it is, and ends with
status 1 if anything is amiss or a payload was seen on none.

`tests/system/desk/test_planted.py` draws the part that every run of the tests looks at.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from random import Random  # noqa: TID251 - seeded, and the seed is printed
from typing import Final

from tests.support.browser import Desktop, chromium, screens_of
from tests.support.desk_house import house
from tests.support.hostile_walks import Walk
from tests.support.payloads import NAMED, PAYLOADS, plant
from tests.support.planted_forms import Sending
from tests.support.planted_pages import (
    OPENED,
    Look,
    planted_desk,
    planted_screens,
    shown_routes,
)

PARTS: Final = ("answers", "forms", "browser")
_PATIENCE: Final = 7_200.0
_TURNS: Final = 6


def look_at_answers(seed: int, turns: int, parts: Sequence[str]) -> list[str]:
    """Open every page with planted answers, by a plain reader and in a browser."""
    amiss: list[str] = []
    with planted_desk() as (made, planting):
        if "answers" in parts:
            look = Look(made, planting)
            every = list(range(len(PAYLOADS)))
            made.wait(look.open(OPENED, every), _PATIENCE)
            made.wait(look.answer(every), _PATIENCE)
            amiss += look.amiss
            unasked = shown_routes().keys() - planting.asked
            amiss += [f"{each}: planted, but no page asks it" for each in unasked]
            amiss += [f"{each}: seen on no page" for each in NAMED.keys() - look.shown]
            for name in NAMED:
                print(f"  {name}: on {len(look.shown[name])} pages")
            print(
                f"answers: {len(planting.told)} texts planted, {len(planting.closed)} "
                f"closed by their type, {look.looks} looks, {len(look.amiss)} amiss"
            )
        if "browser" in parts:
            with chromium() as browser:
                walk = Walk(Desktop(browser, made))
                planting.turn = 0
                screens = planted_screens(planting)
                planting.turn = None
                for reader in sorted({str(screen.reader) for screen in screens}):
                    walk.desktop.window(reader).context.close()
                first = Random(seed).randrange(len(PAYLOADS))  # noqa: S311 - seeded
                step = len(PAYLOADS) / turns
                for at in range(turns):
                    planting.turn = int(first + at * step) % len(PAYLOADS)
                    walk.through(planted_screens(planting))
                planting.turn = None
            amiss += [f"{where}: {what}" for where, what in walk.amiss.items()]
            print(
                f"browser: {len(screens)} screens in {turns} turns, "
                f"{len(walk.amiss)} amiss"
            )
    return amiss


def send_forms(seed: int) -> list[str]:
    """Send every form with every payload, and open every screen afterwards."""
    with house() as made:
        made.wait(plant(made), _PATIENCE)  # where one text alone is a stranger's
        screens = screens_of(made)
        sending = Sending(made)
        order = Random(seed).sample(list(NAMED), len(NAMED))  # noqa: S311 - seeded
        made.wait(sending.through(screens, order), _PATIENCE)
        screens = [each for each in screens_of(made) if each.does is None]
        with chromium() as browser:
            walk = Walk(Desktop(browser, made))
            walk.through(screens)
    for path, (taken, refused) in sorted(sending.sent.items()):
        print(f"  {path}: {taken} taken, {refused} refused")
    print(
        f"forms: {len(sending.sent)} forms, {sum(map(sum, sending.sent.values()))} "
        f"sent, {len(screens)} screens opened, {len(walk.amiss)} amiss"
    )
    return sending.amiss + [f"{where}: {what}" for where, what in walk.amiss.items()]


def main() -> int:
    """Plant them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--turns", type=int, default=_TURNS)
    parser.add_argument("--only", choices=PARTS, action="append")
    given = parser.parse_args()
    parts = given.only or PARTS
    print(f"seed {given.seed}, {len(NAMED)} payloads")
    began, amiss = time.monotonic(), list[str]()
    if set(parts) - {"forms"}:
        amiss += look_at_answers(given.seed, given.turns, parts)
    if "forms" in parts:
        amiss += send_forms(given.seed)
    for each in amiss:
        print(f"amiss: {each}")
    print(f"{time.monotonic() - began:.0f} s: {len(amiss)} amiss")
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main())
