# SPDX-License-Identifier: Apache-2.0
"""Draw the small pictures that the demonstration uses, always the same.

Two imagined landscapes and one abstract composition, each from its own seed, and
altered copies of the first landscape as a picture meets them on its way: resized,
recompressed, brightened, blurred. Prints each file's size and PDQ distance.

    python benchmarks/draw_demo_pictures.py cli/fedsafe_cli/data/demo
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from fedsafe_federation.media.pdq import hamming_distance
from fedsafe_federation.media.pictures import picture_pdq

SIZE = (480, 320)
SCALE = 2  # drawn larger and shrunk, for soft edges
Colour = tuple[int, int, int]


def sky(upper: Colour, lower: Colour) -> Image.Image:
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    down = np.linspace(0, 1, height)[:, np.newaxis, np.newaxis]
    colours = np.array(upper) * (1 - down) + np.array(lower) * down
    return Image.fromarray(np.repeat(colours, width, axis=1).astype(np.uint8))


def ridge(
    dice: np.random.Generator, width: int, level: float, rough: float
) -> list[int]:
    steps = np.arange(width)
    heights = np.full(width, level)
    for octave in range(1, 7):
        waves = dice.uniform(0.5, 1.5) * octave * 2 * np.pi / width
        heights += rough / octave * np.sin(steps * waves + dice.uniform(0, 6.3))
    return [int(height) for height in heights]


def landscape(seed: int, upper: Colour, lower: Colour) -> Image.Image:
    dice = np.random.default_rng(seed)
    picture = sky(upper, lower)
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    x, y = dice.uniform(0.1, 0.9) * width, dice.uniform(0.1, 0.3) * height
    draw.ellipse((x - 50, y - 50, x + 50, y + 50), fill=(255, 236, 170))
    for hill in range(5):
        shade = 0.9 - 0.17 * hill
        fill = tuple(int(shade * part) for part in dice.integers(60, 200, 3))
        tops = ridge(dice, width, height * (0.4 + 0.12 * hill), 60 - 5 * hill)
        draw.polygon([(0, height), *enumerate(tops), (width, height)], fill=fill)
        for _ in range(7):
            plant(draw, dice, tops, hill)
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def plant(
    draw: ImageDraw.ImageDraw, dice: np.random.Generator, tops: list[int], hill: int
) -> None:
    """Put a tree or a house on a ridge."""
    at, size = int(dice.integers(0, len(tops))), int(dice.integers(14, 30)) + 9 * hill
    foot = tops[at] + 4
    if dice.random() < 0.7:
        green = (20, int(dice.integers(60, 130)), 40)
        draw.polygon(
            [(at - size // 3, foot), (at, foot - size * 2), (at + size // 3, foot)],
            green,
        )
        return
    wall = (230, 220, int(dice.integers(150, 220)))
    draw.rectangle((at - size, foot - size, at + size, foot), wall)
    draw.polygon(
        [(at - size, foot - size), (at, foot - 2 * size), (at + size, foot - size)],
        (150, 50, 40),
    )


def composition(seed: int) -> Image.Image:
    dice = np.random.default_rng(seed)
    picture = sky((245, 240, 225), (225, 230, 240))
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    for _ in range(45):
        x, y = int(dice.integers(0, width)), int(dice.integers(0, height))
        size = int(dice.integers(20, 150))
        red, green, blue = (int(part) for part in dice.integers(20, 240, 3))
        if dice.random() < 0.5:
            draw.ellipse((x - size, y - size, x + size, y + size), (red, green, blue))
        else:
            sides, turn = int(dice.integers(3, 7)), float(dice.uniform(0, 360))
            draw.regular_polygon((x, y, size), sides, turn, (red, green, blue))
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def draw_files() -> dict[str, bytes]:
    valley = landscape(7, (70, 120, 200), (250, 200, 150))
    brighter = ImageEnhance.Brightness(valley).enhance(1.25)
    return {
        "valley.png": encoded(valley, "PNG", optimize=True),
        "valley-resized.png": encoded(valley.resize((240, 160)), "PNG", optimize=True),
        "valley-recompressed.jpg": encoded(valley, "JPEG", quality=35),
        "valley-brighter.jpg": encoded(brighter, "JPEG", quality=85),
        "valley-blurred.jpg": encoded(
            valley.filter(ImageFilter.GaussianBlur(2)), "JPEG", quality=85
        ),
        "coast.png": encoded(
            landscape(21, (40, 60, 110), (200, 120, 120)), "PNG", optimize=True
        ),
        "shapes.png": encoded(composition(3), "PNG", optimize=True),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    folder = options.parse_args().folder
    files = draw_files()
    original = picture_pdq(io.BytesIO(files["valley.png"]))
    for name, content in files.items():
        (folder / name).write_bytes(content)
        actual = picture_pdq(io.BytesIO(content))
        distance = hamming_distance(original.digest, actual.digest)
        print(f"{name:26}{len(content):8,} B  distance {distance:3}  {actual.quality}")


if __name__ == "__main__":
    main()
