# SPDX-License-Identifier: Apache-2.0
"""Measure the node's PDQ index: microseconds a query, bytes a hash.

The yardstick is one pass of numpy over the two columns that every query must
read (exclusive or, bit count), timed beside it.

    python benchmarks/pdq_index.py [--rows 100000 1000000] [--json FILE]
"""

import os
from functools import partial
from time import perf_counter

import numpy as np

from fedsafe_node.lookup.index.pdq import PdqIndex
from measuring import Row, interleave, once, parser, report

PIECE = 50_000


def measure(rows: int, rounds: int) -> Row:
    index = PdqIndex()
    start = perf_counter()
    for first in range(0, rows, PIECE):
        ids = range(first, min(rows, first + PIECE))
        content = os.urandom(32 * len(ids))
        index.add(ids, [content[at : at + 32] for at in range(0, len(content), 32)])
    filled = perf_counter() - start
    columns = np.frombuffer(os.urandom(16 * rows), np.uint64)
    works = {
        "query": once(partial(index.query, os.urandom(32))),
        "pass": once(lambda: np.bitwise_count(columns ^ columns[0])),
    }
    figures = interleave(works, rounds)
    query, bare = figures["query"], figures["pass"]
    start = perf_counter()
    index.remove(rows // 2)
    removed = perf_counter() - start
    return {
        "rows": rows,
        "µs a query": round(query.wall * 1e6),
        "CPU µs a query": round(query.cpu * 1e6),
        "µs a bare pass": round(bare.wall * 1e6),
        "ratio": round(query.times(bare), 2),
        "bytes a hash": round(index.memory_bytes / rows, 1),
        "rows/s added": round(rows / filled),
        "µs a removal": round(removed * 1e6),
    }


def main() -> None:
    options = parser(__doc__, rounds=100)
    options.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    chosen = options.parse_args()
    report([measure(rows, chosen.rounds) for rows in chosen.rows], chosen)


if __name__ == "__main__":
    main()
