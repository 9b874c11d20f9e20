# SPDX-License-Identifier: Apache-2.0
"""Measure which altered photographs PDQ finds, asked by one digest and by all eight.

The photographs are those of Debian packages, which `apt-get download` brings into a
folder and `dpkg-deb` unpacks there; nothing of them is kept here. Of each package the
licences are told that its copyright file names. A picture counts as a photograph if it
has no flat areas, and only if it is unlike all others in all orientations. Each is
brought to 1,024 pixels and JPEG 90, altered, and compared with what it was; strangers
are compared as well, altered ones with others' originals.

    python benchmarks/altered_pictures.py [--folder DIR] [--pairs 100000] [--json FILE]
"""

import io
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from PIL.Image import Resampling

from fedsafe_federation.media.pdq import (
    ORIENTATIONS,
    THRESHOLD,
    USABLE_QUALITY,
    Orientation,
    TurnedPdq,
    pdq_turned,
)
from measuring import Row, parser, report

PACKAGES: Final = {
    "budgie-backgrounds": r"\.jpg$",
    "gcompris-qt-data": r"\.webp$",
    "kphotoalbum": r"/demo/.*\.jpg$",
    "lomiri-wallpapers-16.04": r"\.jpg$",
    "lomiri-wallpapers-20.04": r"\.jpg$",
    "mate-backgrounds": r"/nature/.*\.jpg$|Elephants_5640",
    "opencv-doc": r"/examples/"
    r"(?!.*(graf|aloeR|leuvenB|segmented|ela_mod|chicky|pic\d))",
    "palapeli-data": r"\.jpg$",
    "phosh-wallpapers": r"\.jpg$",
    "plasma-workspace-wallpapers": r"/(Path|OneStandsOut|Autumn|ColorfulCups|Shell"
    r"|EveningGlow|FallenLeaf|BytheWater)/.*/2560x1600\.jpg$",
    "python3-skimage": r"/data/(?!motorcycle_right|ihc)",
    "stellarium-data": r"/nebulae/default/",
}
"""Where photographs are in a package; the rest is not looked at."""
MOST_OF_ONE: Final = {"stellarium-data": 40}
SIDE: Final = 1_024
LEAST_SIDE: Final = 240
LEAST_BYTES: Final = 12_000
MOST_ASPECT: Final = 2.5
MOST_FLAT: Final = 0.12
"""A photograph has noise: so few neighbours are equal."""
UNLIKE: Final = 70
"""Two photographs differ in more bits than these, however they are turned."""
PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
Picture = Image.Image
Alter = Callable[[Picture], Picture]


class Outcome(NamedTuple):
    """An altered picture: distances to what it was, and all its digests."""

    alone: int
    nearest: int
    orientation: int
    digests: tuple[bytes, ...]


def jpeg(picture: Picture, quality: int) -> Picture:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def scaled(picture: Picture, across: float, down: float | None = None) -> Picture:
    columns, rows = picture.size
    size = (round(columns * across), round(rows * (down or across)))
    return picture.resize(size, Resampling.LANCZOS)


def cropped(picture: Picture, share: float) -> Picture:
    """Take away so much of each side, half of it at either end."""
    columns, rows = picture.size
    x, y = round(columns * share / 2), round(rows * share / 2)
    return picture.crop((x, y, columns - x, rows - y))


def cut_on_one_side(picture: Picture, share: float) -> Picture:
    return picture.crop((0, 0, picture.width, round(picture.height * (1 - share))))


def framed(picture: Picture, share: float, colour: str) -> Picture:
    return ImageOps.expand(picture, round(min(picture.size) * share), colour)


def captioned(picture: Picture, height: float) -> Picture:
    """Write white letters with a black edge over the lower part."""
    found, size = picture.copy(), picture.height * height
    ImageDraw.Draw(found).text(
        (picture.width * 0.04, picture.height * 0.95 - size),
        "SHARED BY SOMEBODY",
        fill="white",
        stroke_fill="black",
        stroke_width=max(1, round(size / 16)),
        font_size=size,
    )
    return found


def barred(picture: Picture, share: float) -> Picture:
    """Lay a black bar with words over the lower end, as a meme has it."""
    found, top = picture.copy(), round(picture.height * (1 - share))
    draw = ImageDraw.Draw(found)
    draw.rectangle((0, top, picture.width, picture.height), fill="black")
    draw.text((9, top), "WHEN YOU SEE IT", "white", font_size=picture.height - top)
    return found


def noisy(picture: Picture, deviation: float) -> Picture:
    samples = np.asarray(picture).astype(np.float64)
    noise = np.random.default_rng(1).normal(0, deviation, samples.shape)
    return Image.fromarray((samples + noise).clip(0, 255).astype(np.uint8))


def with_gamma(picture: Picture, gamma: float) -> Picture:
    return picture.point(
        [round(255 * (step / 255) ** gamma) for step in range(256)] * 3
    )


def tilted(picture: Picture, degrees: float) -> Picture:
    return picture.rotate(degrees, Resampling.BICUBIC)


def turned(picture: Picture, how: Image.Transpose) -> Picture:
    return picture.transpose(how)


def turned_and_sent(picture: Picture, how: Image.Transpose) -> Picture:
    return jpeg(scaled(picture.transpose(how), 0.5), 50)


_TURNS: Final = {
    Orientation.ROTATED_90: Image.Transpose.ROTATE_270,
    Orientation.ROTATED_180: Image.Transpose.ROTATE_180,
    Orientation.ROTATED_270: Image.Transpose.ROTATE_90,
    Orientation.MIRRORED_LEFT_RIGHT: Image.Transpose.FLIP_LEFT_RIGHT,
    Orientation.MIRRORED_TOP_BOTTOM: Image.Transpose.FLIP_TOP_BOTTOM,
    Orientation.MIRRORED_ROTATED_270: Image.Transpose.TRANSPOSE,
    Orientation.MIRRORED_ROTATED_90: Image.Transpose.TRANSVERSE,
}

_LIES: Final = frozenset(each.value for each in Orientation)

ALTERATIONS: Final[dict[str, Alter]] = {
    **{f"JPEG {q}": partial(jpeg, quality=q) for q in (90, 70, 50, 30, 10)},
    **{
        f"resized to {s:g} %": partial(scaled, across=s / 100)
        for s in (75, 50, 25, 12.5)
    },
    "resized to 200 %": partial(scaled, across=2),
    "stretched by 10 %": partial(scaled, across=1.1, down=1),
    "stretched to double width": partial(scaled, across=2, down=1),
    **{f"cropped by {c} %": partial(cropped, share=c / 100) for c in (2, 5, 10, 20)},
    **{
        f"{c} % cut off below": partial(cut_on_one_side, share=c / 100)
        for c in (2, 5, 10)
    },
    **{
        f"white border of {b} %": partial(framed, share=b / 100, colour="white")
        for b in (1, 3, 5, 10)
    },
    "black border of 3 %": partial(framed, share=0.03, colour="black"),
    **{
        f"letters over {t} % of it": partial(captioned, height=t / 100)
        for t in (5, 10, 20)
    },
    **{f"bar over {t} % of it": partial(barred, share=t / 100) for t in (5, 10, 15)},
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "colours doubled": lambda picture: ImageEnhance.Color(picture).enhance(2),
    "brightness + 30 %": lambda picture: ImageEnhance.Brightness(picture).enhance(1.3),
    "brightness - 30 %": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "contrast + 50 %": lambda picture: ImageEnhance.Contrast(picture).enhance(1.5),
    "contrast - 50 %": lambda picture: ImageEnhance.Contrast(picture).enhance(0.5),
    "gamma 1.5": partial(with_gamma, gamma=1.5),
    "colours inverted": ImageOps.invert,
    "blurred, 2 pixels": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "sharpened": lambda picture: picture.filter(ImageFilter.SHARPEN),
    "noise of 10 steps": partial(noisy, deviation=10),
    **{f"tilted by {d}°": partial(tilted, degrees=d) for d in (1, 2, 3, 5, 7, 10)},
    **{lies.value: partial(turned, how=how) for lies, how in _TURNS.items()},
    **{
        f"{lies.value}, 50 %, JPEG 50": partial(turned_and_sent, how=how)
        for lies, how in _TURNS.items()
    },
}


def fetch(folder: Path) -> None:
    """Download and unpack the packages that are not there yet."""
    for package in PACKAGES:
        into = folder / package
        if (into / "version").exists():  # it is written last
            continue
        subprocess.run(
            ["/usr/bin/apt-get", "download", "-q", package],
            cwd=folder,
            check=True,
            timeout=600,
        )
        (file,) = folder.glob(f"{package}_*.deb")
        subprocess.run(["/usr/bin/dpkg-deb", "-x", file, into], check=True, timeout=600)
        _unpack_resources(into)
        (into / "version").write_text(unquote(file.name.split("_")[1]))
        file.unlink()


def _unpack_resources(folder: Path) -> None:
    """Take WebP pictures out of Qt's resource files, where they lie as they are."""
    for file in folder.rglob("*.rcc"):
        data, at = file.read_bytes(), 0
        while (at := data.find(b"RIFF", at)) >= 0:
            end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
            if data[at + 8 : at + 12] == b"WEBP":
                (folder / f"{file.stem}-{at}.webp").write_bytes(data[at:end])
            at += 4


def licences(folder: Path) -> str:
    """Name the licences in a package's copyright file, as far as it says them so."""
    found: set[str] = set()
    for file in folder.rglob("usr/share/doc/*/copyright"):
        text = file.read_text(errors="replace")
        found.update(re.findall(r"^License: *(\S.*?) *$", text, re.MULTILINE))
    return ", ".join(sorted(found)) or "see its copyright file"


def photographs(folder: Path) -> Iterator[tuple[str, Picture, bytes]]:
    """Yield photographs that are unlike each other, with their package and digest."""
    known: list[int] = []
    for package, where in PACKAGES.items():
        files = (p for p in (folder / package).rglob("*") if p.suffix in PICTURES)
        fitting = [p for p in files if re.search(where, str(p)) and not p.is_symlink()]
        left = MOST_OF_ONE.get(package, len(fitting))
        for file in sorted(fitting, key=lambda path: (-path.stat().st_size, path)):
            picture = _read(file) if left else None
            if picture is None:
                continue
            found = pdq_turned(np.asarray(picture))
            values = [int.from_bytes(digest) for digest in found.digests]
            if found.quality < 100 or any(
                (value ^ other).bit_count() <= UNLIKE
                for value in values
                for other in known
            ):
                continue
            known.append(values[0])
            left -= 1
            yield package, picture, found.digests[0]


def _read(file: Path) -> Picture | None:
    if file.stat().st_size < LEAST_BYTES:
        return None
    with Image.open(file) as picture:
        short, long = sorted(picture.size)
        if short < LEAST_SIDE or long > short * MOST_ASPECT:
            return None
        picture.draft("RGB", (SIDE, SIDE))
        if picture.mode not in {"RGB", "L"} or "transparency" in picture.info:
            return None
        whole = picture.convert("RGB")
    whole.thumbnail((SIDE // 2, SIDE // 2), Resampling.LANCZOS)
    steps = np.abs(np.diff(np.asarray(whole).astype(int), axis=1)).sum(2)
    if (steps == 0).mean() > MOST_FLAT:
        return None
    with Image.open(file) as picture:
        picture.draft("RGB", (2 * SIDE, 2 * SIDE))
        whole = picture.convert("RGB")
    whole.thumbnail((SIDE, SIDE), Resampling.LANCZOS)
    return jpeg(whole, 90)


def alter(picture: Picture, original: bytes) -> list[Outcome]:
    """Alter a photograph in every way."""
    goal = int.from_bytes(original)
    return [
        _compared(pdq_turned(np.asarray(change(picture))), goal)
        for change in ALTERATIONS.values()
    ]


def _compared(found: TurnedPdq, goal: int) -> Outcome:
    distances = [(int.from_bytes(d) ^ goal).bit_count() for d in found.digests]
    if found.quality < USABLE_QUALITY:
        distances = [256] * len(distances)
    nearest = min(distances)
    return Outcome(distances[0], nearest, distances.index(nearest), found.digests)


def compare_strangers(
    originals: NDArray[np.uint64], outcomes: list[list[Outcome]], pairs: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Give distances of altered pictures to others' originals, by one and by eight."""
    rng = np.random.default_rng(1)
    digests = np.frombuffer(
        b"".join(d for each in outcomes for found in each for d in found.digests),
        np.uint64,
    ).reshape(len(outcomes), len(ALTERATIONS), len(ORIENTATIONS), 4)
    own = rng.integers(len(outcomes), size=pairs)
    other = (own + rng.integers(1, len(outcomes), size=pairs)) % len(outcomes)
    asked = digests[own, rng.integers(len(ALTERATIONS), size=pairs)]
    bits = np.bitwise_count(asked ^ originals[other, np.newaxis]).sum(2, dtype=np.uint8)
    return bits[:, 0], bits.min(axis=1)


def rows_of(outcomes: list[list[Outcome]]) -> Iterator[Row]:
    """Say of each alteration how many were found."""
    for place, name in enumerate(ALTERATIONS):
        found = [each[place] for each in outcomes]
        hits = [each for each in found if each.nearest <= THRESHOLD]
        was = name.partition(",")[0]
        lies = Orientation(was) if was in _LIES else Orientation.ORIGINAL
        named = [ORIENTATIONS[each.orientation] is lies for each in hits]
        yield {
            "alteration": name,
            "one digest, %": round(
                _share(each.alone <= THRESHOLD for each in found), 1
            ),
            "eight, %": round(100 * len(hits) / len(found), 1),
            "median distance": int(median(each.nearest for each in found)),
            "orientation named rightly": f"{sum(named)} of {len(named)}",
        }


def _share(hits: Iterator[bool]) -> float:
    found = list(hits)
    return 100 * sum(found) / len(found)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--folder", type=Path, help="where packages are, or come to")
    options.add_argument("--pairs", type=int, default=100_000)
    chosen = options.parse_args()
    with TemporaryDirectory() if chosen.folder is None else nullcontext() as made:
        folder = Path(made or chosen.folder)
        fetch(folder)
        packages, pictures, digests = zip(*photographs(folder), strict=True)
        sources: list[Row] = [
            {
                "package": package,
                "version": (folder / package / "version").read_text(),
                "photographs": packages.count(package),
                "licences": licences(folder / package),
            }
            for package in PACKAGES
        ]
    with ProcessPoolExecutor() as pool:
        outcomes = list(pool.map(alter, pictures, digests))
    originals = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 4)
    one, eight = compare_strangers(originals, outcomes, chosen.pairs)
    strangers: list[Row] = [
        {
            "strangers asked by": name,
            "pairs": len(bits),
            "false matches": int((bits <= THRESHOLD).sum()),
            "nearest": int(np.min(bits)),
            "median": int(np.median(bits)),
        }
        for name, bits in (("one digest", one), ("eight", eight))
    ]
    table = [*sources, *rows_of(outcomes), *strangers]
    report(table, chosen, photographs=len(pictures), radius=THRESHOLD)


if __name__ == "__main__":
    main()
