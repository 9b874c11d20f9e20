# SPDX-License-Identifier: Apache-2.0
"""Take the pictures of the desk that documents show.

    .venv/bin/python -m tests.campaigns.desk_pictures

Raises a node with a desk on which invented people have left work, and writes three PNGs
a language into `docs/explanation/desk`.
"""

import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from tests.support.browser import LANGUAGES, Desktop, chromium, screens_of
from tests.support.desk_house import house

HERE: Final = Path(__file__).parents[2]
PICTURES: Final = HERE / "docs/explanation/desk"
SHOWN: Final = {
    "today": "today",
    "account answered": "account",
    "tasks": "reviews",
}
_SIZE: Final = (1120, 700)
_COLOURS: Final = 64


def take_pictures(desktop: Desktop) -> None:
    """Write the pictures, small: in few colours."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for screen in screens_of(desktop.house):
        if screen.name not in SHOWN:
            continue
        for language in LANGUAGES:
            page = desktop.window(screen.reader, language, size=_SIZE)
            screen.show(page, desktop.house)
            taken = Image.open(BytesIO(page.screenshot())).convert("RGB")
            path = PICTURES / f"{SHOWN[screen.name]}.{language}.png"
            taken.quantize(_COLOURS).save(path, optimize=True)
            print(path.relative_to(HERE), path.stat().st_size)
            page.context.close()


def main() -> int:
    """Write them."""
    with house() as made, chromium() as browser:
        take_pictures(Desktop(browser, made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
