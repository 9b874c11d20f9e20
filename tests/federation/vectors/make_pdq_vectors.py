# SPDX-License-Identifier: Apache-2.0
"""Make pdq.json with `pdqhash`, the Python binding of Meta's reference code.

`pdqhash` needs a compiler, so no test installs it. Run where it is installed:

    python make_pdq_vectors.py FOLDER_OF_BRIDGE_MODS > pdq.json

The drawn pictures use whole-number arithmetic and SHA-256 only, so that every
version of numpy draws the same.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

PROVENANCE = (
    "Made by make_pdq_vectors.py with pdqhash {version} (PyPI), which compiles the "
    "C++ reference of facebook/ThreatExchange (BSD). Hash and quality are what its "
    "compute() gives for the RGB array; 'turned' are the other seven that its "
    "compute_dihedral() gives, in its order. 'drawn' pictures come from "
    "draw_pictures() of that script; 'bridge_mods' are the photographs of "
    "pdq/data/bridge-mods in facebook/ThreatExchange, decoded by Pillow; the "
    "photographs are not kept here."
)


def noise(seed: str, rows: int, columns: int) -> Pixels:
    count = rows * columns * 3
    blocks = (
        hashlib.sha256(f"{seed} {block}".encode()).digest()
        for block in range(count // 32 + 1)
    )
    return np.frombuffer(b"".join(blocks)[:count], np.uint8).reshape(rows, columns, 3)


def discs(seed: str, rows: int, columns: int) -> Pixels:
    y, x = np.mgrid[:rows, :columns]
    picture = np.full((rows, columns, 3), 40, np.uint8)
    for disc in range(25):
        a, b, c, red, green, blue = hashlib.sha256(f"{seed} {disc}".encode()).digest()[
            :6
        ]
        radius = 2 + min(rows, columns) * c // 1024
        apart = (y - rows * a // 256) ** 2 + (x - columns * b // 256) ** 2
        picture[apart < radius**2] = (red, green, blue)
    return picture


def coloured(values: NDArray[np.int_]) -> Pixels:
    return np.stack([values, values * 3 // 2, 255 - values], 2).astype(np.uint8)


def enlarged(rows: int, columns: int, factor: int) -> Pixels:
    small = noise("enlarged", rows, columns)
    return small.repeat(factor, 0).repeat(factor, 1)


def draw_pictures() -> dict[str, Pixels]:
    y, x = np.mgrid[:240, :320]
    return {
        "discs, landscape": discs("landscape", 300, 451),
        "discs, portrait": discs("portrait", 803, 257),
        "discs, large": discs("large", 1500, 2100),
        "discs, a wide strip": discs("strip", 37, 1000),
        "slope": coloured((x + y) * 255 // 558),
        "rings": coloured(((x - 160) ** 2 + (y - 120) ** 2) // 64 % 256),
        "chequered": coloured(((x // 29 + y // 23) % 2) * 200 + x // 8),
        "coarse blocks": enlarged(9, 7, 31),
        "fine noise": noise("fine", 128, 129),
        "exactly 64 by 64": noise("exact", 64, 64),
        "64 by 65": noise("nearly", 64, 65),
        "smallest": noise("smallest", 5, 5),
        "too small": noise("too small", 4, 100),
        "flat": np.full((90, 120, 3), 127, np.uint8),
        "black": np.zeros((200, 200, 3), np.uint8),
        "one corner lit": coloured((x < 40) * (y < 30) * 100),
    }


def written(bits: NDArray[np.int_]) -> str:
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()


def reference(pixels: Pixels) -> dict[str, str | int | list[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own history when loaded
        import pdqhash  # type: ignore[import-not-found]  # noqa: PLC0415
    pixels = np.ascontiguousarray(pixels)
    bits, quality = pdqhash.compute(pixels)
    eight, quality_of_eight = pdqhash.compute_dihedral(pixels)
    assert written(eight[0]) == written(bits)
    assert quality_of_eight == quality
    return {
        "hash": written(bits),
        "quality": int(quality),
        "turned": list(map(written, eight[1:])),
    }


def main(folder: Path) -> None:
    from importlib.metadata import version  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    drawn = [
        {
            "comment": name,
            "pixels_sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
            **reference(pixels),
        }
        for name, pixels in draw_pictures().items()
    ]
    photographs = [
        {
            "comment": path.name,
            **reference(np.asarray(Image.open(path).convert("RGB"))),
        }
        for path in sorted(folder.glob("*.jpg"))
    ]
    provenance = PROVENANCE.format(version=version("pdqhash"))
    vectors = {"provenance": provenance, "drawn": drawn, "bridge_mods": photographs}
    print(json.dumps(vectors, indent=1))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
