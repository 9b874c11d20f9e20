# SPDX-License-Identifier: Apache-2.0
"""Programs from Debian packages that tests run, and what is done without one.

A test that lacks its program is skipped, in one line for each package, which names it.
Where FEDSAFE_NEEDS names the package, or is `all`, the test fails instead: so CI says
what must be there. FEDSAFE_NEEDS_BROWSER=1 is said of the browser alone.
"""

import os
from pathlib import Path
from shutil import which
from typing import Final, NoReturn

import pytest

from fedsafe_node.store.sqlite.residues import can_clear_here

NEEDS: Final = "FEDSAFE_NEEDS"
NEEDS_BROWSER: Final = "FEDSAFE_NEEDS_BROWSER"
BROWSER: Final = "chromium"
# Where Debian puts what only root is meant to start.
_PLACES: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"


def program(name: str, package: str) -> str:
    """Return the path of a program, or do without its package."""
    found = which(name, path=_PLACES)
    if found is None:
        do_without(package)
    return found


def files(package: str, *paths: Path) -> None:
    """Do without a package if files of it are not there."""
    if not all(path.exists() for path in paths):
        do_without(package)


def clearing_pages() -> None:
    """Do without an SQLite that clears copies of rows out of pages."""
    if not can_clear_here():
        do_without(
            "libsqlite3-0", "one built with ENABLE_DBPAGE_VTAB, such as Debian 13's"
        )


def do_without(package: str, why: str | None = None) -> NoReturn:
    """Skip a test that lacks a package, or fail it where the package is needed."""
    said = f"needs {package} ({why or f'apt install {package}'})"
    if is_needed(package):
        named = NEEDS if _is_named(package) else NEEDS_BROWSER
        pytest.fail(f"{named}={os.environ[named]}, but: {said}", pytrace=False)
    pytest.skip(said)


def is_needed(package: str) -> bool:
    """Tell whether a run must have a package."""
    if package == BROWSER and os.environ.get(NEEDS_BROWSER, "") not in {"", "0"}:
        return True
    return _is_named(package)


def _is_named(package: str) -> bool:
    needs = os.environ.get(NEEDS, "").split()
    return "all" in needs or package in needs
