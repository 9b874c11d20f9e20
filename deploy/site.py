# SPDX-License-Identifier: Apache-2.0
"""Build the site: English, and the German handbook as a site of its own below `de/`.

    .venv/bin/python deploy/site.py

A site has one language: that of its pages for screen readers, of its search and of the
words around the pages. So the handbook, whose sources lie among the others that link to
it, is built a second time in German, and its places in the English site lead there.
"""

import json
import re
import subprocess
import sys
from html import escape
from pathlib import Path
from posixpath import normpath
from shutil import copytree, rmtree
from typing import Final

ROOT: Final = Path(__file__).parent.parent
HANDBOOK: Final = "howto/handbuch"
SITE: Final = ROOT / "build/site"
_SOURCES: Final = ROOT / "build/handbuch"
_LINK: Final = re.compile(r"\]\((\.\./[\w./-]+)\.md(#[^)]*)?\)")
_MOVED: Final = """<!doctype html>
<html lang="de">
<meta charset="utf-8">
<title>FedSafe</title>
<meta http-equiv="refresh" content="0; url={to}">
<link rel="canonical" href="{to}">
<p><a href="{to}">Diese Seite auf Deutsch</a></p>
</html>
"""


def build() -> Path:
    """Build both, and let the English site lead to the German one.

    Returns:
        The folder of the English site.
    """
    _build("mkdocs.yml")
    rmtree(_SOURCES, ignore_errors=True)
    copytree(ROOT / "docs" / HANDBOOK, _SOURCES)
    for page in _SOURCES.glob("*.md"):
        page.write_text(outward(page.read_text("utf-8")), "utf-8")
    _build("mkdocs-de.yml")
    for page in (SITE / HANDBOOK).rglob("index.html"):
        name = page.parent.relative_to(SITE / HANDBOOK).as_posix()
        to = "../../de/" if name == "." else f"../../../de/{name}/"
        page.write_text(_MOVED.format(to=escape(to)), "utf-8")
    index = SITE / "search.json"
    found = json.loads(index.read_bytes())
    found["items"] = [
        each for each in found["items"] if not each["location"].startswith(HANDBOOK)
    ]
    index.write_text(json.dumps(found), "utf-8")
    return SITE


def outward(text: str) -> str:
    """Let links from a page of the handbook to other pages lead to the English site."""

    def lead(link: re.Match[str]) -> str:
        return f"](../{normpath(f'{HANDBOOK}/{link[1]}')}/{link[2] or ''})"

    return _LINK.sub(lead, text)


def _build(config: str) -> None:
    zensical = Path(sys.executable).with_name("zensical")
    build = [str(zensical), "build", "--clean", "--strict", "--config-file", config]
    subprocess.run(  # noqa: S603 (our own program)
        build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    build()
