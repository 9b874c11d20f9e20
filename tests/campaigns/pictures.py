# SPDX-License-Identifier: Apache-2.0
"""Hash drawn pictures, and those of folders, and try the harmless lists on them.

Prints how many bits their PDQ hashes have set, by the reference arithmetic and with
samples rounded to whole steps as another implementation may do; how near they come to
an entry of the lists; and which the lists would refuse. None may be: the lists are for
what is evidence of nothing, and status 1 says that one was. The pictures come from a
seed, so a run can be repeated. One whose quality is too low is hashed by nobody.

    python -m tests.campaigns.pictures [--drawn 10000] [--seed 1] [--folder DIR]
"""

import argparse
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from fedsafe_federation.media import pdq_transform
from fedsafe_federation.media.digests import digest_stream
from fedsafe_federation.media.pdq import USABLE_QUALITY
from fedsafe_policies.documents.do_not_share import shipped_lists
from fedsafe_policies.vocabulary import MediaKind

SIDES: Final = (64, 96, 128, 160, 240, 320)
Dice = Random
Draw = Callable[[Dice, int, int], Image.Image]
Samples = NDArray[Any]


def _colour(dice: Dice) -> tuple[int, int, int]:
    return (dice.randrange(256), dice.randrange(256), dice.randrange(256))


def _noise(dice: Dice, width: int, height: int) -> Samples:
    """Draw clouds: noise of several sizes, one above the other."""
    generator = np.random.default_rng(dice.getrandbits(64))
    whole = np.zeros((height, width, 3))
    for octave in range(1, 6):
        cells = generator.random((2**octave + 1, 2**octave + 1, 3)) * 255
        layer = Image.fromarray(cells.astype(np.uint8))
        grown = layer.resize((width, height), Image.Resampling.BICUBIC)
        whole += np.asarray(grown, float) / 1.6**octave
    return whole


def clouds(dice: Dice, width: int, height: int) -> Image.Image:
    """Something soft, with grain: much of what a camera sees."""
    whole = _noise(dice, width, height)
    whole += np.random.default_rng(dice.getrandbits(64)).normal(0, 8, whole.shape)
    spread = whole - whole.min()
    return Image.fromarray((spread / spread.max() * 255).astype(np.uint8))


def landscape(dice: Dice, width: int, height: int) -> Image.Image:
    """Sky, ridges, a sun."""
    picture = _gradient(_colour(dice), _colour(dice), width, height)
    draw = ImageDraw.Draw(picture)
    x, y, r = dice.random() * width, dice.random() * height / 3, height / 9
    draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(dice))
    for hill in range(dice.randint(2, 6)):
        level = height * (0.35 + 0.12 * hill)
        waves = [(dice.uniform(1, 9), dice.uniform(0, 7)) for _ in range(4)]
        tops = [
            level
            + sum(height / 20 / n * np.sin(6 * n * at / width + s) for n, s in waves)
            for at in range(width)
        ]
        points = [(0, height), *enumerate(tops), (width, height)]
        draw.polygon(points, fill=_colour(dice))
    return picture


def portrait(dice: Dice, width: int, height: int) -> Image.Image:
    """A head and shoulders before a blurred room."""
    room = Image.fromarray(_clipped(_noise(dice, width, height)))
    draw, x = ImageDraw.Draw(room), width * dice.uniform(0.35, 0.65)
    skin, r = _colour(dice), width * dice.uniform(0.12, 0.22)
    y = height * dice.uniform(0.3, 0.5)
    draw.ellipse((x - 2 * r, y + r, x + 2 * r, y + 5 * r), fill=_colour(dice))
    draw.ellipse((x - 1.1 * r, y - 1.5 * r, x + 1.1 * r, y + r), fill=_colour(dice))
    draw.ellipse((x - r, y - 1.2 * r, x + r, y + 1.2 * r), fill=skin)
    for side in (-1, 1):
        eye = (x + side * r / 3 - r / 8, y - r / 4, x + side * r / 3 + r / 8, y)
        draw.ellipse(eye, fill=_colour(dice))
    return room.filter(ImageFilter.GaussianBlur(dice.uniform(0, 1.5)))


def shapes(dice: Dice, width: int, height: int) -> Image.Image:
    """Many forms in many colours."""
    picture = Image.new("RGB", (width, height), _colour(dice))
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randint(5, 40)):
        x, y = dice.random() * width, dice.random() * height
        r = dice.random() * width / 4
        if dice.random() < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(dice))
        else:
            sides, turn = dice.randint(3, 7), dice.randrange(360)
            draw.regular_polygon((x, y, r + 1), sides, turn, _colour(dice))
    return picture


def page(dice: Dice, width: int, height: int) -> Image.Image:
    """Lines of text, black on white or the other way round."""
    paper, ink = (255, 0) if dice.random() < 0.7 else (0, 255)
    picture = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(picture)
    letters = "abcdefghijklmnopqrstuvwxyz     ABCDEF0123456789.,"
    for line in range(2, height, 11):
        if dice.random() < 0.15:
            continue
        text = "".join(dice.choice(letters) for _ in range(dice.randint(3, width // 6)))
        draw.text((4, line), text, fill=ink)
    return picture.convert("RGB")


def screen(dice: Dice, width: int, height: int) -> Image.Image:
    """A window: bars, panels, buttons, few colours."""
    picture = Image.new("RGB", (width, height), _colour(dice))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width, height // 9), fill=_colour(dice))
    draw.rectangle((0, height // 9, width // 4, height), fill=_colour(dice))
    for _ in range(dice.randint(3, 25)):
        x, y = dice.randrange(width), dice.randrange(height)
        end = (x + dice.randrange(4, width // 2), y + dice.randrange(3, height // 4))
        draw.rectangle((x, y, *end), fill=_colour(dice))
    return picture


def lines(dice: Dice, width: int, height: int) -> Image.Image:
    """A drawing with a pen: two colours, and no pattern."""
    picture = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randint(6, 30)):
        points = [
            (dice.random() * width, dice.random() * height)
            for _ in range(dice.randint(2, 6))
        ]
        draw.line(points, fill=0, width=dice.randint(1, 5))
    return picture.convert("RGB")


def night(dice: Dice, width: int, height: int) -> Image.Image:
    """Dark, with a few lights."""
    dark = _noise(dice, width, height) / 12
    picture = Image.fromarray(_clipped(dark))
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randint(4, 25)):
        x, y, r = dice.random() * width, dice.random() * height, dice.uniform(2, 12)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(dice))
    return picture.filter(ImageFilter.GaussianBlur(dice.uniform(0, 2)))


def mirrored(dice: Dice, width: int, height: int) -> Image.Image:
    """One half, and its mirror image: half of its frequencies are nearly zero."""
    half = dice.choice((clouds, shapes, portrait))(dice, width, height)
    turned = dice.choice((ImageOps.mirror, ImageOps.flip))(half)
    return Image.blend(half, turned, 0.5)


def framed(dice: Dice, width: int, height: int) -> Image.Image:
    """A picture between black bars."""
    inner = dice.choice((clouds, landscape, portrait))(dice, width, height)
    whole = Image.new("RGB", (width, height), dice.choice((0, 0xFFFFFF)))
    part = dice.uniform(0.4, 0.9)
    small = inner.resize((width, max(5, int(height * part))))
    whole.paste(small, (0, (height - small.height) // 2))
    return whole


def logo(dice: Dice, width: int, height: int) -> Image.Image:
    """A sign on a plain ground."""
    picture = Image.new("RGB", (width, height), _colour(dice))
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randint(1, 4)):
        x, y = width * dice.uniform(0.3, 0.7), height * dice.uniform(0.3, 0.7)
        r = min(width, height) * dice.uniform(0.1, 0.35)
        if dice.random() < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=_colour(dice))
        else:
            draw.regular_polygon((x, y, r), dice.randint(3, 9), fill=_colour(dice))
    return picture


def map_(dice: Dice, width: int, height: int) -> Image.Image:
    """Areas with borders, as on a map."""
    generator = np.random.default_rng(dice.getrandbits(64))
    seeds = generator.random((dice.randint(5, 40), 2)) * (height, width)
    rows, columns = np.mgrid[:height, :width]
    down, across = rows[..., None] - seeds[:, 0], columns[..., None] - seeds[:, 1]
    away = down**2 + across**2
    colours = generator.integers(0, 256, (len(seeds), 3), dtype=np.uint8)
    return Image.fromarray(colours[away.argmin(axis=2)])


FAMILIES: Final[tuple[Draw, ...]] = (
    *(clouds, landscape, portrait, shapes, page, screen),
    *(lines, night, mirrored, framed, logo, map_),
)


def _clipped(whole: Samples) -> Samples:
    return np.clip(whole, 0, 255).astype(np.uint8)


def _gradient(
    upper: tuple[int, int, int], lower: tuple[int, int, int], width: int, height: int
) -> Image.Image:
    down = np.linspace(0, 1, height)[:, None, None]
    colours = np.array(upper) * (1 - down) + np.array(lower) * down
    return Image.fromarray(np.repeat(colours, width, axis=1).astype(np.uint8))


def drawn(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Draw so many picture files, family after family; each has its own seed."""
    for number in range(count):
        dice = Random(f"{seed} {number}")  # noqa: S311 - to repeat a run
        draw = FAMILIES[number % len(FAMILIES)]
        picture = draw(dice, dice.choice(SIDES), dice.choice(SIDES))
        file = io.BytesIO()
        if dice.random() < 0.5:  # as most pictures come
            picture.convert("RGB").save(file, "JPEG", quality=dice.randint(30, 95))
        else:
            picture.save(file, "PNG", compress_level=1)
        yield draw.__name__.strip("_"), file.getvalue()


def found(folders: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Read the picture files of folders."""
    for folder in folders:
        for path in sorted(folder.glob("*.[jp]*g")):
            yield path.name, path.read_bytes()


def set_bits(small: Samples) -> int:
    """Count the bits of a hash of 64 by 64 samples, reckoned in double precision."""
    numbers, places = np.arange(1, 17)[:, None], 2 * np.arange(64) + 1
    cosines = np.cos(np.pi / 128 * numbers * places)
    frequencies = (cosines @ small @ cosines.T).ravel()
    return int((frequencies > np.partition(frequencies, 127)[127]).sum())


@dataclass(slots=True)
class Tally:
    """What a run has seen."""

    pictures: int = 0
    plain: int = 0
    reference: Counter[int] = field(default_factory=Counter)
    rounded: Counter[int] = field(default_factory=Counter)
    nearest: int = 256
    refused: list[str] = field(default_factory=list)

    def take(self, name: str, file: bytes) -> None:
        """Hash a picture file, and ask the lists."""
        lists = shipped_lists()
        self.pictures += 1
        for kind, exact in digest_stream(io.BytesIO(file)).by_kind().items():
            self._ask(name, lists.find_file(kind, exact))
        with Image.open(io.BytesIO(file)) as picture:
            samples = np.asarray(picture.convert("RGB"))
        small = pdq_transform._downsample(pdq_transform._luma(samples))  # noqa: SLF001
        digest, quality = pdq_transform.transform(samples)
        if quality < USABLE_QUALITY:
            self.plain += 1
            return
        self.reference[int.from_bytes(digest).bit_count()] += 1
        self.rounded[set_bits(np.rint(small).astype(float))] += 1
        entries = b"".join(entry for entry, _ in lists.media.pictures)
        words = np.frombuffer(entries, np.uint64).reshape(-1, 4)
        differing = words ^ np.frombuffer(digest, np.uint64)
        distance = int(np.bitwise_count(differing).sum(axis=1).min())
        self.nearest = min(self.nearest, distance)
        self._ask(name, lists.find_file(MediaKind.PDQ, digest))

    def _ask(self, name: str, listed: str | None) -> None:
        if listed is not None:
            self.refused.append(f"picture {self.pictures} ({name}): {listed}")

    def report(self) -> Iterator[str]:
        """Say it in lines."""
        yield f"{self.pictures} pictures, {self.plain} of them too plain to be hashed"
        for what, counts in (("set", self.reference), ("rounded", self.rounded)):
            told = ", ".join(f"{bits}: {n}" for bits, n in sorted(counts.items()))
            yield f"bits {what:8} {told}"
        yield f"nearest to an entry of the lists: {self.nearest} bits"
        yield from self.refused
        yield f"refused: {len(self.refused)}"


def main() -> None:
    """Run the campaign."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--drawn", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path, action="append", default=[])
    chosen = options.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    tally = Tally()
    for name, file in chain(found(chosen.folder), drawn(chosen.drawn, chosen.seed)):
        tally.take(name, file)
    print(*tally.report(), sep="\n")
    sys.exit(bool(tally.refused))


if __name__ == "__main__":
    main()
