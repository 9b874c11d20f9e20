# SPDX-License-Identifier: Apache-2.0
"""Measure the node's PDQ index: microseconds a query, bytes a hash.

The yardstick is one pass of numpy over the two columns that every query must
read (exclusive or, bit count), timed beside it.

    python benchmarks/pdq_index.py [--rows 100000 1000000]
"""

import argparse
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from fedsafe_node.index.pdq import PdqIndex

QUERIES = 100
PIECE = 50_000


def microseconds(act: Callable[[], object]) -> float:
    times = []
    for _ in range(QUERIES):
        start = perf_counter()
        act()
        times.append(perf_counter() - start)
    return median(times) * 1e6


def measure(rows: int) -> None:
    index = PdqIndex()
    start = perf_counter()
    for first in range(0, rows, PIECE):
        ids = range(first, min(rows, first + PIECE))
        content = os.urandom(32 * len(ids))
        index.add(ids, [content[at : at + 32] for at in range(0, len(content), 32)])
    filled = perf_counter() - start
    asked = os.urandom(32)
    took = microseconds(lambda: index.query(asked))
    columns = np.frombuffer(os.urandom(16 * rows), np.uint64)
    limit = microseconds(lambda: np.bitwise_count(columns ^ columns[0]))
    start = perf_counter()
    index.remove(rows // 2)
    removed = (perf_counter() - start) * 1e6
    print(
        f"{rows:>9,} rows  {took:8.0f} us a query  {limit:8.0f} us bare numpy pass  "
        f"ratio {took / limit:.2f}  {index.memory_bytes / rows:.1f} B a hash  "
        f"{rows / filled:,.0f} rows/s added  {removed:.0f} us a removal"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    for rows in options.parse_args().rows:
        measure(rows)


if __name__ == "__main__":
    main()
