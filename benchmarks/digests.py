# SPDX-License-Identifier: Apache-2.0
"""Measure the one-pass digests and PDQ against their limits.

Digests: against the sum of the four single hashes over the same bytes in memory.
PDQ: decoding and hashing a picture, against decoding alone.

    python benchmarks/digests.py [--megabytes 256]
"""

import argparse
import hashlib
import io
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from blake3 import blake3
from PIL import Image

from fedsafe_federation.digests import CHUNK_BYTES, digest_stream
from fedsafe_federation.pdq import pdq_hash
from fedsafe_federation.pictures import decode_picture

ROUNDS = 5


def seconds(act: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        act()
        times.append(perf_counter() - start)
    return median(times)


def measure_digests(megabytes: int) -> None:
    content = os.urandom(1_000_000) * megabytes
    size = len(content) / 1e9
    singles = {
        "sha256": seconds(lambda: hashlib.sha256(content).digest()),
        "sha1": seconds(lambda: hashlib.sha1(content, usedforsecurity=False).digest()),
        "md5": seconds(lambda: hashlib.md5(content, usedforsecurity=False).digest()),
        "blake3": seconds(lambda: blake3(content).digest()),
    }
    together = seconds(lambda: digest_stream(io.BytesIO(content)))
    for name, took in singles.items():
        print(f"{name:>8}  {size / took:6.2f} GB/s")
    print(
        f"one pass  {size / together:6.2f} GB/s  "
        f"ratio to the sum {together / sum(singles.values()):.3f}  "
        f"chunk {CHUNK_BYTES // 1024} KiB"
    )


def measure_pdq(columns: int, rows: int) -> None:
    y, x = np.mgrid[:rows, :columns]
    pixels = np.stack([x * y // 97, x + y, x * x // 61 + y], 2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    decoding = seconds(lambda: decode_picture(file))
    hashing = seconds(lambda: pdq_hash(pixels))
    print(
        f"PDQ {columns:>5} by {rows:<5} hash {hashing * 1e3:7.1f} ms  "
        f"JPEG decoding {decoding * 1e3:7.1f} ms  "
        f"hash per megapixel {hashing * 1e9 / (columns * rows):.1f} ms"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=int, default=256)
    measure_digests(options.parse_args().megabytes)
    for columns, rows in ((320, 240), (1600, 1004), (4000, 3000)):
        measure_pdq(columns, rows)


if __name__ == "__main__":
    main()
