# SPDX-License-Identifier: Apache-2.0
"""Take the pictures of the desk that documents show.

    .venv/bin/python -m tests.campaigns.desk_pictures

Raises the demonstration of `./run`, comes in by its links, and has Debian's chromium
draw pages as they were served: three PNGs a language in `docs/explanation/desk`.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from PIL import Image
from tests.support.desk import Reader, Shown

from fedsafe_cli.demo.fleet import stop
from fedsafe_cli.demo.history import History
from fedsafe_cli.demo.history_acts import play
from fedsafe_cli.demo.nodes import DemoNode, links_of, raise_demo
from fedsafe_node.desk.frame import STATIC

PICTURES: Final = Path(__file__).parents[2] / "docs/explanation/desk"
CHROMIUM: Final = "/usr/bin/chromium"
LANGUAGES: Final = ("de", "en")
_SIZE: Final = "1120,760"
_COLOURS: Final = 64
_PATIENCE: Final = 60
_SHEET: Final = re.compile(r'href="/desk/static/[0-9a-f]+/')
_SCRIPT: Final = re.compile(r"<script\b.*?</script>", re.DOTALL)


async def _today(reader: Reader) -> Shown:
    return await reader.open("/desk/today")


async def _review(reader: Reader) -> Shown:
    page = await reader.open("/desk/reviews/matches")
    (first, *_) = [each for each in page.links if "/reviews/matches/" in each]
    return await reader.open(first)


async def _account(reader: Reader) -> Shown:
    await reader.open("/desk/log/account")
    asked = {"subject_ref": "konto-5002", "of_service": "local", "days": "30"}
    return await reader.send("/desk/log/account", asked)


SHOWN: Final[dict[str, tuple[str, Callable[[Reader], Awaitable[Shown]]]]] = {
    "today": ("dpo", _today),
    "review": ("reviewer", _review),
    "account": ("dpo", _account),
}
"""Each picture: in which role, and how one comes there."""


async def pages(node: DemoNode, language: str) -> dict[str, str]:
    """Read the pages in a language, by the name of their picture."""
    found: dict[str, str] = {}
    for name, (role, show) in SHOWN.items():
        made = await asyncio.to_thread(links_of, node)
        (url,) = (each["url"] for each in made if each["role"] == role)
        origin, _, rest = url.partition("/desk/")
        async with Reader(origin, language) as reader:
            await reader.open(f"/desk/{rest}")
            await reader.send(f"/desk/{rest}")
            shown = await show(reader)
        assert shown.status == 200, f"{name}: {shown.status}"
        found[name] = shown.html
    return found


def draw(html: str, picture: Path) -> None:
    """Draw a page, small: in few colours."""
    with tempfile.TemporaryDirectory() as place:
        page, drawn = Path(place) / "page.html", Path(place) / "drawn.png"
        page.write_text(_SCRIPT.sub("", _SHEET.sub(f'href="{STATIC.as_uri()}/', html)))
        subprocess.run(
            [
                CHROMIUM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={place}/profile",
                f"--window-size={_SIZE}",
                f"--screenshot={drawn}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=_PATIENCE,
        )
        taken = Image.open(drawn).convert("RGB")
        taken.quantize(_COLOURS).save(picture, optimize=True)
    print(picture.name, picture.stat().st_size)


def main() -> int:
    """Write them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        past = History(datetime.now(UTC), play)  # noqa: TID251 - where the days end
        nodes = raise_demo(Path(place) / "d", 3, past=past)
        try:
            for language in LANGUAGES:
                for name, html in asyncio.run(pages(nodes[0], language)).items():
                    draw(html, PICTURES / f"{name}.{language}.png")
        finally:
            for each in nodes:
                stop(each.directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
