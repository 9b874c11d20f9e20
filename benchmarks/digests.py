# SPDX-License-Identifier: Apache-2.0
"""Measure the one-pass digests and PDQ against their limits.

Digests: against the sum of the four single hashes over the same bytes in memory.
PDQ: hashing a picture in all orientations, against decoding its JPEG and, where the
Python has it, `pdqhash`, which compiles the reference.

    python benchmarks/digests.py [--megabytes 256] [--json FILE]
"""

import hashlib
import io
import os
import warnings
from importlib.util import find_spec

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray
from PIL import Image

from fedsafe_federation.media.digests import CHUNK_BYTES, digest_stream
from fedsafe_federation.media.pdq import pdq_turned
from fedsafe_federation.media.pictures import decode_picture
from measuring import Row, Work, interleave, once, parser, report

TOGETHER = "one pass"
PICTURES = ((320, 240), (640, 480), (1600, 1004), (4000, 3000))


def measure_digests(megabytes: int, rounds: int) -> list[Row]:
    content = os.urandom(1_000_000) * megabytes
    works: dict[str, Work] = {
        "sha256": once(lambda: hashlib.sha256(content).digest()),
        "sha1": once(lambda: hashlib.sha1(content, usedforsecurity=False).digest()),
        "md5": once(lambda: hashlib.md5(content, usedforsecurity=False).digest()),
        "blake3": once(lambda: blake3(content).digest()),
        TOGETHER: once(lambda: digest_stream(io.BytesIO(content))),
    }
    figures = interleave(works, rounds)
    singles = [took for name, took in figures.items() if name != TOGETHER]
    rows: list[Row] = [
        {
            "what": name,
            "ms": round(took.wall * 1e3, 1),
            "speed": f"{len(content) / took.wall / 1e9:.2f} GB/s",
        }
        for name, took in figures.items()
    ]
    rows[-1]["ratio to the limit"] = round(figures[TOGETHER].times(*singles), 3)
    return rows


def measure_pdq(columns: int, rows: int, rounds: int) -> Row:
    y, x = np.mgrid[:rows, :columns]
    pixels = np.stack([x * y // 97, x + y, x * x // 61 + y], 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    works: dict[str, Work] = {
        "decode": once(lambda: decode_picture(file)),
        "hash": once(lambda: pdq_turned(pixels)),
    }
    if find_spec("pdqhash") is not None:
        works["pdqhash"] = once(lambda: _reference(pixels))
    figures = interleave(works, rounds)
    hashing = figures["hash"]
    row: Row = {
        "what": f"PDQ {columns} by {rows}, all orientations",
        "ms": round(hashing.wall * 1e3, 1),
        "speed": f"{columns * rows / hashing.wall / 1e6:.0f} Mpx/s",
        "ratio to the limit": round(hashing.times(figures["decode"]), 3),
        "CPU ms": round(hashing.cpu * 1e3, 1),
    }
    if "pdqhash" in figures:
        row["CPU beside pdqhash"] = round(hashing.cpu / figures["pdqhash"].cpu, 3)
    return row


def _reference(pixels: NDArray[np.uint8]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own history when loaded
        from pdqhash import (  # type: ignore[import-not-found]  # noqa: PLC0415
            compute_dihedral,
        )
    compute_dihedral(pixels)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--megabytes", type=int, default=256)
    chosen = options.parse_args()
    table = measure_digests(chosen.megabytes, chosen.rounds)
    table += [measure_pdq(*size, chosen.rounds) for size in PICTURES]
    report(table, chosen, megabytes=chosen.megabytes, chunk=CHUNK_BYTES)


if __name__ == "__main__":
    main()
