# SPDX-License-Identifier: Apache-2.0
"""Measure the one-pass digests and PDQ against their limits.

Digests: against the sum of the four single hashes over the same bytes in memory.
PDQ: hashing a picture, against decoding its JPEG.

    python benchmarks/digests.py [--megabytes 256] [--json FILE]
"""

import hashlib
import io
import os

import numpy as np
from blake3 import blake3
from PIL import Image

from fedsafe_federation.media.digests import CHUNK_BYTES, digest_stream
from fedsafe_federation.media.pdq import pdq_hash
from fedsafe_federation.media.pictures import decode_picture
from measuring import Row, Work, interleave, once, parser, report

TOGETHER = "one pass"
PICTURES = ((320, 240), (1600, 1004), (4000, 3000))


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
    works = {
        "decode": once(lambda: decode_picture(file)),
        "hash": once(lambda: pdq_hash(pixels)),
    }
    figures = interleave(works, rounds)
    hashing = figures["hash"]
    return {
        "what": f"PDQ {columns} by {rows}",
        "ms": round(hashing.wall * 1e3, 1),
        "speed": f"{columns * rows / hashing.wall / 1e6:.0f} Mpx/s",
        "ratio to the limit": round(hashing.times(figures["decode"]), 3),
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--megabytes", type=int, default=256)
    chosen = options.parse_args()
    table = measure_digests(chosen.megabytes, chosen.rounds)
    table += [measure_pdq(*size, chosen.rounds) for size in PICTURES]
    report(table, chosen, megabytes=chosen.megabytes, chunk=CHUNK_BYTES)


if __name__ == "__main__":
    main()
