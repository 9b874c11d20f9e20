# SPDX-License-Identifier: Apache-2.0
"""Look at every screen of the desk in Debian's chromium: whether it is fit for all.

    .venv/bin/python -m tests.campaigns.screens [--seed N] [--part K/N] [--empty]
        [--read-aloud] [--write] [--report] [NAME]...

Raises a node with a desk on which something stands (--empty: nothing), finds each page
as people do, by its links, and the answers to forms that are wrong, late or refused.
Each is judged in German and English, light and dark: by axe (WCAG 2.2 A and AA, best
practice), the contrast of edges and focus, the size of what is hit, a window of 320
pixels (1280 at a zoom of 400 %), spaced text, forced colours and reduced motion. The
seed says in which order; --part looks at the K-th of N parts, NAMEs at screens whose
name has one of them. Prints what is amiss, and ends with status 1 if anything is;
--report writes that and which screens there were into `tests/system/desk/report.txt`.

What a screen reader reads of each screen stands in `tests/system/desk/snapshots`, and
is compared. Numbers and names that are drawn anew in each run stand there as `…`.
--read-aloud compares that alone; --write writes it anew, and the difference in the
commit is what a change of a page alters for somebody who listens.

`tests/system/desk/test_fit.py` draws the part that every run of the tests looks at.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, and the seed is printed
from typing import Final

from tests.support.browser import (
    LANGUAGES,
    SCHEMES,
    SNAPSHOTS,
    Desktop,
    Screen,
    chromium,
    kept_at,
    paint,
    screens_of,
    snapshot,
    unlike_kept,
)
from tests.support.browser_checks import judged, squeezed
from tests.support.desk_house import house

REPORT: Final = SNAPSHOTS.parent / "report.txt"


def judge(
    desktop: Desktop, screen: Screen, language: str, given: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    """Say of a screen in one language where something is amiss, and what."""
    with desktop.showing(screen, language) as page:
        if not given.empty:
            yield from (("aloud", each) for each in unlike_kept(page, screen, language))
        if given.read_aloud:
            return
        for scheme in SCHEMES:
            paint(page, scheme)
            yield from ((scheme, each) for each in judged(page))
        yield from (("squeezed", each) for each in squeezed(page))


def write(desktop: Desktop, screens: Sequence[Screen], *, anew: bool) -> None:
    """Write down what is read aloud of screens; *anew* where these are all."""
    SNAPSHOTS.mkdir(parents=True, exist_ok=True)
    for old in SNAPSHOTS.glob("*.yaml") if anew else ():
        old.unlink()
    for screen in screens:
        for language in LANGUAGES:
            with desktop.showing(screen, language) as page:
                kept_at(screen, language).write_text(snapshot(page, screen))


def left_over(screens: Sequence[Screen]) -> Iterator[Path]:
    """Name what is kept of screens that are no more."""
    shown = {kept_at(screen, each) for screen in screens for each in LANGUAGES}
    yield from sorted(set(SNAPSHOTS.glob("*.yaml")) - shown)


def reported(
    screens: Sequence[Screen],
    amiss: Sequence[str],
    given: argparse.Namespace,
    version: str,
) -> str:
    """Write a report of a run down: what was looked at, how, and what is amiss."""
    axe = metadata.version("axe-playwright-python")
    lines = [
        f"Looked at with chromium {version} and axe-playwright-python {axe},",
        f"seed {given.seed}, part {given.part}: {len(screens)} screens,",
        f"each in {' and '.join(LANGUAGES)}, {' and '.join(SCHEMES)}, read aloud,",
        "in forced colours, with reduced motion, at 320 pixels and with spaced text.",
        "",
        f"Amiss: {len(amiss)}",
        *amiss,
        "",
        "Screens, whose, and with which status:",
        *sorted(f"{at.name}, {at.reader or 'anybody'}, {at.status}" for at in screens),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Look at all screens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("--read-aloud", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    part, parts = map(int, given.part.split("/"))
    print(f"seed {given.seed}, part {part} of {parts}")
    began, amiss = time.monotonic(), list[str]()
    with house(full=not given.empty) as made:
        screens = screens_of(made)
        if given.empty:  # what lists say of nothing
            screens = [each for each in screens if each.does is None and each.reader]
        screens = [
            each
            for each in screens
            if not given.names or any(name in each.name for name in given.names)
        ]
        Random(given.seed).shuffle(screens)  # noqa: S311
        screens = screens[part - 1 :: parts]
        with chromium() as browser:
            desktop = Desktop(browser, made)
            if given.write:
                write(desktop, screens, anew=not given.names and parts == 1)
                return 0
            for screen in screens:
                for language in LANGUAGES:
                    for where, found in judge(desktop, screen, language, given):
                        amiss.append(f"{screen.name} ({language} {where}): {found}")
                        print(amiss[-1], flush=True)
            version = browser.version
    if not given.names and parts == 1 and not given.empty:
        for path in left_over(screens):
            amiss.append(f"{path.name}: kept, but there is no such screen")
            print(amiss[-1])
    took = time.monotonic() - began
    print(f"{len(screens)} screens in {took:.0f} s: {len(amiss)} amiss")
    if given.report:
        REPORT.write_text(reported(screens, amiss, given, version))
    return 1 if amiss else 0


if __name__ == "__main__":
    sys.exit(main())
