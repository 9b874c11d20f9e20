# SPDX-License-Identifier: Apache-2.0
"""Measure the node's PDQ index beside threatexchange and FAISS, all at radius 31.

A question alone and eight at once; the same with rows that came since and removed
ones, and while tables are built; what the dearest question takes of a comparison with
every row, where pictures come in families or a member publishes rows that share a word
or are one picture; the bytes of a hash with all that belongs to it; and whether
anything is missed that comparing every row finds.

Peers run unmodified in processes of their own, each with the threads that suit it:
threatexchange's `PDQMultiHashIndex` as it comes and with 11 hash maps, its fastest
setting that misses nothing, and FAISS flat. Their wheels are no dependency:

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install threatexchange faiss-cpu
    python benchmarks/pdq_index.py [--rows 1000000] [--peers /tmp/peers/bin/python]

Ten million rows take 2 GB, and 9 GB more for each of threatexchange's.
"""

import argparse
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter, process_time, thread_time

import numpy as np
from numpy.typing import NDArray

from fedsafe_federation.media.pdq import PDQ_BYTES, THRESHOLD
from fedsafe_node.lookup.index.pdq import PdqIndex
from measuring import Figures, Row, Work, cpu_of, interleave, parser, percentile, report

SEED = 23
TOGETHER = 8
QUESTIONS = 200
PIECE = 500_000
NEWER = 20_000
PEERS = ("16", "11", "flat")
PEER_NAMES = {
    "16": "threatexchange, 16 maps as it comes",
    "11": "threatexchange, 11 maps",
    "flat": "FAISS flat",
}
PEER = """
import sys
import numpy as np, faiss
from threatexchange.signal_type.pdq.pdq_faiss_matcher import (
    PDQFlatHashIndex, PDQMultiHashIndex,
)
kind, rows, seed, count = sys.argv[1], *map(int, sys.argv[2:])
faiss.omp_set_num_threads(1)
def held():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
rng = np.random.default_rng(seed)
index = PDQFlatHashIndex() if kind == "flat" else PDQMultiHashIndex(nhash=int(kind))
asked = [rng.bytes(32).hex() for _ in range(count)]
before = held()
for start in range(0, rows, 500_000):
    here = range(start, min(rows, start + 500_000))
    content = rng.bytes(32 * len(here)).hex()
    index.add((content[at : at + 64] for at in range(0, len(content), 64)), here)
    del content
print((held() - before) / rows, flush=True)
for line in sys.stdin:
    together, count = map(int, line.split())
    for start in range(0, count, together):
        index.search(asked[start : start + together], 31, True)
    print(count, flush=True)
"""

Content = NDArray[np.uint8]


def drawn(rng: np.random.Generator, rows: int) -> Content:
    return np.frombuffer(rng.bytes(PDQ_BYTES * rows), np.uint8).reshape(-1, PDQ_BYTES)


def clustered(rng: np.random.Generator, rows: int) -> Content:
    """A fifth of all in 1,000 families that differ in a few bits."""
    content = drawn(rng, rows).copy()
    families = drawn(rng, 1_000).repeat(max(1, rows // 5_000), axis=0)[: rows // 5]
    few = drawn(rng, len(families))
    for _ in range(4):
        few = few & drawn(rng, len(families))
    content[: len(families)] = families ^ few
    return content


def sharing_a_word(rng: np.random.Generator, rows: int) -> Content:
    """A tenth of all rows has a word in common, published by one member."""
    content = drawn(rng, rows).copy()
    content[: rows // 10, :2] = 0xA5
    return content


def sharing_all(rng: np.random.Generator, rows: int) -> Content:
    """A tenth of all rows is one picture, published by one member."""
    content = drawn(rng, rows).copy()
    content[: rows // 10] = content[0]
    return content


def fill(content: Content) -> tuple[PdqIndex, float]:
    """Index rows; say how long it took, in CPU seconds."""
    index, began = PdqIndex(), process_time()
    for start in range(0, len(content), PIECE):
        piece = content[start : start + PIECE].tobytes()
        digests = [piece[at : at + 32] for at in range(0, len(piece), PDQ_BYTES)]
        index.add(range(start, start + len(digests)), digests)
    index.merge()
    return index, process_time() - began


def flipped(digest: bytes, places: list[int]) -> bytes:
    mask = sum(1 << place for place in places)
    return (int.from_bytes(digest) ^ mask).to_bytes(PDQ_BYTES)


def asking(index: PdqIndex, asked: list[bytes], together: int) -> Work:
    def work() -> int:
        if together == 1:
            for digest in asked:
                index.query(digest)
        else:
            for start in range(0, len(asked), together):
                index.search_many(asked[start : start + together])
        return len(asked)

    return work


@contextmanager
def peer(
    python: Path, kind: str, rows: int
) -> Iterator[tuple[int, float, Callable[[int], Work]]]:
    """Give a peer's process, its bytes a hash, and its works."""
    command = [str(python), "-c", PEER, kind, str(rows), str(SEED), str(QUESTIONS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("no pipe to the peer")
        ask, answer = process.stdin, process.stdout
        size = float(answer.readline())

        def works(together: int) -> Work:
            def work() -> int:
                ask.write(f"{together} {QUESTIONS if kind != 'flat' else 40}\n")
                ask.flush()
                return int(answer.readline())

            return work

        try:
            yield process.pid, size, works
        finally:
            ask.close()


def compare_peers(
    index: PdqIndex, asked: list[bytes], options: argparse.Namespace, rows: int
) -> list[Row]:
    """Ask the index and its peers in turn."""
    works = {
        ("FedSafe", together): asking(index, asked, together)
        for together in (1, TOGETHER)
    }
    sizes = {"FedSafe": index.memory_bytes / rows}
    pids: list[int] = []
    with ExitStack() as stack:
        for kind in options.settings if options.peers else ():
            started = peer(options.peers, kind, rows)
            pid, sizes[PEER_NAMES[kind]], make = stack.enter_context(started)
            pids.append(pid)
            for together in (1, TOGETHER):
                works[PEER_NAMES[kind], together] = make(together)
        figures = interleave(
            {f"{name}/{together}": work for (name, together), work in works.items()},
            options.rounds,
            cpu=lambda: process_time() + cpu_of(pids),
        )
    own = {together: figures[f"FedSafe/{together}"] for together in (1, TOGETHER)}
    return [
        {
            "index": name,
            "CPU µs a question": round(figures[f"{name}/1"].cpu * 1e6, 1),
            "of eight": round(figures[f"{name}/{TOGETHER}"].cpu * 1e6, 1),
            "µs a question": round(figures[f"{name}/1"].wall * 1e6, 1),
            "times FedSafe's CPU": round(ratio(figures[f"{name}/1"], own[1]), 1),
            "eight, times": round(
                ratio(figures[f"{name}/{TOGETHER}"], own[TOGETHER]), 1
            ),
            "eight for one": round(
                TOGETHER * ratio(figures[f"{name}/{TOGETHER}"], figures[f"{name}/1"]), 2
            ),
            "bytes a hash": round(size, 1),
        }
        for name, size in sizes.items()
    ]


def ratio(one: Figures, other: Figures) -> float:
    return median(a / b for a, b in zip(one.burned, other.burned, strict=True))


def compare_changed(
    index: PdqIndex, changed: PdqIndex, asked: list[bytes], rounds: int
) -> list[Row]:
    """Ask the same index without and with newer and removed rows, in turn."""
    works: dict[str, Work] = {
        "merged": asking(index, asked, 1),
        "changed": asking(changed, asked, 1),
        "every row": partial(scan, index, asked[:3]),
    }
    figures = interleave(works, rounds)
    return [
        {
            "index": f"with {NEWER:,} rows in no tables and 5 % removed",
            "CPU µs a question": round(figures["changed"].cpu * 1e6, 1),
            "rate of the merged one": round(
                ratio(figures["merged"], figures["changed"]), 2
            ),
            "comparing every row, CPU µs": round(figures["every row"].cpu * 1e6),
            "its share": round(ratio(figures["merged"], figures["every row"]), 3),
        }
    ]


def scan(index: PdqIndex, asked: list[bytes]) -> int:
    for digest in asked:
        index.query(digest, THRESHOLD + 1)  # tables answer up to the threshold
    return len(asked)


def change(index: PdqIndex, rng: np.random.Generator, rows: int) -> Row:
    """Add and remove rows one by one, and say how long the slowest of 99 % took."""
    added, removed = list[float](), list[float]()
    newer = [digest.tobytes() for digest in drawn(rng, NEWER)]
    for number, digest in enumerate(newer):
        began = thread_time()
        index.add([rows + number], [digest])
        added.append(thread_time() - began)
    gone = rng.choice(rows, rows // 20, replace=False).tolist()
    for row in gone[:1_000]:
        began = thread_time()
        index.remove(row)
        removed.append(thread_time() - began)
    index.remove(*gone)
    return {
        "one row": "CPU µs",
        "added": round(median(added) * 1e6, 1),
        "added, p99": round(percentile(added, 0.99) * 1e6, 1),
        "removed": round(median(removed) * 1e6, 1),
        "removed, p99": round(percentile(removed, 0.99) * 1e6, 1),
        "waiting": index.waiting,
    }


def waits(
    index: PdqIndex, asked: list[bytes], until: Callable[[], bool]
) -> list[float]:
    taken = list[float]()
    while not until():
        for digest in asked:
            began = perf_counter()
            index.query(digest)
            taken.append(perf_counter() - began)
    return taken


def merge_beside(index: PdqIndex, asked: list[bytes]) -> Row:
    """Ask while a thread builds tables, and before."""
    done = Event()
    before = waits(index, asked, partial(next, iter([False, False, False, True])))

    def merge() -> None:
        try:
            index.merge()
        finally:
            done.set()

    thread, began = Thread(target=merge), perf_counter()
    thread.start()
    during = waits(index, asked, done.is_set)
    thread.join()
    return {
        "while tables are built": f"{perf_counter() - began:.1f} s",
        "µs a question, p50": round(percentile(during, 0.5) * 1e6),
        "p99": round(percentile(during, 0.99) * 1e6),
        "before, p50": round(percentile(before, 0.5) * 1e6),
        "before, p99": round(percentile(before, 0.99) * 1e6),
        "times the p99": round(percentile(during, 0.99) / percentile(before, 0.99), 2),
    }


def dearest(name: str, content: Content, rng: np.random.Generator) -> Row:
    """Compare each of many questions with what comparing every row takes for it."""
    index, _ = fill(content)
    asked = [digest.tobytes() for digest in drawn(rng, 40)]
    for row in [*rng.choice(len(content) // 10, 80), *rng.choice(len(content), 40)]:
        places = rng.choice(256, int(rng.integers(0, 40)), replace=False).tolist()
        asked.append(flipped(content[row].tobytes(), places))
    shares, costs = list[float](), list[float]()
    for digest in asked:
        own, other = (
            min(burned(partial(index.query, digest, radius)) for _ in range(3))
            for radius in (THRESHOLD, THRESHOLD + 1)
        )
        costs.append(own)
        shares.append(own / other)
    return {
        "set": name,
        "CPU µs a question": round(median(costs) * 1e6, 1),
        "dearest": round(max(costs) * 1e6, 1),
        "dearest, of comparing every row": round(max(shares), 2),
    }


def burned(act: Callable[[], object]) -> float:
    began = thread_time()
    act()
    return thread_time() - began


def recall(
    index: PdqIndex, content: Content, rng: np.random.Generator, questions: int
) -> Row:
    """Ask about strangers and altered rows, and compare with every row."""
    words = content.view(np.uint64)
    wanted = found = 0
    for number in range(questions):
        digest = drawn(rng, 1).tobytes()
        if number % 2:
            row = int(rng.integers(len(content)))
            places = rng.choice(256, int(rng.integers(0, 40)), replace=False).tolist()
            digest = flipped(content[row].tobytes(), places)
        asked = np.frombuffer(digest, np.uint64)
        half = np.bitwise_count(words[:, 0] ^ asked[0])
        half += np.bitwise_count(words[:, 1] ^ asked[1])
        (near,) = (half <= THRESHOLD).nonzero()
        bits = np.bitwise_count(words[near] ^ asked).sum(axis=1)
        truth = {
            (int(row), int(count))
            for row, count in zip(near, bits, strict=True)
            if count <= THRESHOLD
        }
        told = set(index.query(digest))
        wanted += len(truth)
        found += len(truth & told)
        if told - truth:
            raise SystemExit("the index tells of a row that is not near")
    return {
        "questions": questions,
        "rows within 31 bits": wanted,
        "found": found,
        "recall": found / wanted,
    }


def measure(options: argparse.Namespace) -> list[Row]:
    rows: int = options.rows
    rng = np.random.default_rng(SEED)
    asked = [rng.bytes(PDQ_BYTES) for _ in range(QUESTIONS)]
    content = np.concatenate([drawn(rng, PIECE) for _ in range(0, rows, PIECE)])[:rows]
    index, built = fill(content)
    table = compare_peers(index, asked, options, rows)
    table.append({"built": f"{rows:,} rows", "CPU s": round(built, 2)})
    table.append(recall(index, content, rng, options.recall))
    changed, _ = fill(content)
    one = change(changed, rng, rows)
    table += compare_changed(index, changed, asked, options.rounds)
    table.append(one)
    table.append(merge_beside(changed, asked))
    del index, changed
    if not options.brief:
        for make in (drawn, clustered, sharing_a_word, sharing_all):
            table.append(dearest(make.__name__, make(rng, rows), rng))
    return table


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--peers", type=Path, metavar="PYTHON")
    options.add_argument("--settings", nargs="+", choices=PEERS, default=PEERS)
    options.add_argument("--recall", type=int, default=10_000, metavar="QUESTIONS")
    options.add_argument("--brief", action="store_true", help="one set only")
    chosen = options.parse_args()
    report(measure(chosen), chosen)


if __name__ == "__main__":
    main()
