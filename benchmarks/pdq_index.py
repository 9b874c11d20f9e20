# SPDX-License-Identifier: Apache-2.0
"""Measure the node's PDQ index beside threatexchange and FAISS, all at radius 31.

A question alone and eight at once; the same with rows that came since and removed
ones, and while tables are built; what the dearest question takes of a comparison with
every row, where pictures come in families or a member publishes rows that share a word
or are one picture; the bytes of a hash with all that belongs to it; and whether
anything is missed that comparing every row finds, in uniform rows and families, merged,
and with newer and removed rows.

Peers run unmodified in processes of their own, each with the threads that suit it:
threatexchange's `PDQMultiHashIndex` as it comes and with 11 hash maps, its fastest
setting that misses nothing, and FAISS flat. Their wheels are no dependency:

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install threatexchange faiss-cpu
    python benchmarks/pdq_index.py [--rows 1000000] [--peers /tmp/peers/bin/python]

Ten million rows are asked 1,000 questions for the recall, and take 3 GB, and 8 GB more
for each of threatexchange's:

    python benchmarks/pdq_index.py --rows 10000000 --brief --peers ... --settings 11
"""

import argparse
import json
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter, process_time, thread_time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fedsafe_federation.media.pdq import PDQ_BYTES, THRESHOLD
from fedsafe_node.lookup.index.pdq import PdqIndex
from measuring import Figures, Row, Work, cpu_of, interleave, parser, percentile, report

SEED = 23
TOGETHER = 8
QUESTIONS = 200
PIECE = 500_000
BLOCK = 1 << 16
NEWER = 20_000
PEERS = ("16", "11", "flat")
PEER_NAMES = {
    "16": "threatexchange, 16 maps as it comes",
    "11": "threatexchange, 11 maps",
    "flat": "FAISS flat",
}
PEER = """
import json, sys, time
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
before, began = held(), time.process_time()
for start in range(0, rows, 500_000):
    here = range(start, min(rows, start + 500_000))
    content = rng.bytes(32 * len(here)).hex()
    index.add((content[at : at + 64] for at in range(0, len(content), 64)), here)
    del content
size = (held() - before) / rows
burned = time.process_time()
for at in range(3):
    index.add([rng.bytes(32).hex()], [rows + at])
one = (time.process_time() - burned) / 3
print(json.dumps([size, burned - began, one]), flush=True)
for line in sys.stdin:
    together, count = map(int, line.split())
    for start in range(0, count, together):
        index.search(asked[start : start + together], 31, True)
    print(count, flush=True)
"""

Content = NDArray[np.uint8]


class Peer(NamedTuple):
    """Another index, in a process of its own."""

    pid: int
    size: float  # bytes a hash
    built: float  # CPU seconds
    added: float  # CPU seconds for one row
    work: Callable[[int], Work]  # of so many questions together


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


def sharing_two_words(rng: np.random.Generator, rows: int) -> Content:
    """The same with two words, so that much is read and then given up."""
    content = drawn(rng, rows).copy()
    content[: rows // 10, :4] = 0xA5
    return content


def sharing_each_word(rng: np.random.Generator, rows: int) -> Content:
    """A tenth of all rows shares one of sixteen words with a sixteenth of its kind."""
    content = drawn(rng, rows).copy()
    for word in range(16):
        content[word : rows // 10 : 16, 2 * word : 2 * word + 2] = 0xA5
    content[0] = 0xA5
    return content


def sharing_all(rng: np.random.Generator, rows: int) -> Content:
    """A tenth of all rows is one picture, published by one member."""
    content = drawn(rng, rows).copy()
    content[: rows // 10] = content[0]
    return content


SETS = (
    drawn,
    clustered,
    sharing_a_word,
    sharing_two_words,
    sharing_each_word,
    sharing_all,
)


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
def peer(python: Path, kind: str, rows: int) -> Iterator[Peer]:
    """Start a peer and have it index as many rows."""
    command = [str(python), "-c", PEER, kind, str(rows), str(SEED), str(QUESTIONS)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit("no pipe to the peer")
        ask, answer = process.stdin, process.stdout

        def asking_peer(together: int) -> Work:
            def work() -> int:
                ask.write(f"{together} {QUESTIONS if kind != 'flat' else 40}\n")
                ask.flush()
                return int(answer.readline())

            return work

        try:
            size, built, added = json.loads(answer.readline())
            yield Peer(process.pid, size, built, added, asking_peer)
        finally:
            process.terminate()


def compare_peers(
    index: PdqIndex, asked: list[bytes], options: argparse.Namespace, built: float
) -> list[Row]:
    """Ask the index and its peers in turn."""
    own = "FedSafe"
    works: dict[str, Work] = {
        f"{own}/{count}": asking(index, asked, count) for count in (1, TOGETHER)
    }
    peers: dict[str, Peer] = {}
    with ExitStack() as stack:
        for kind in options.settings if options.peers else ():
            began = peer(options.peers, kind, options.rows)
            peers[PEER_NAMES[kind]] = stack.enter_context(began)
        for name, other in peers.items():
            for count in (1, TOGETHER):
                works[f"{name}/{count}"] = other.work(count)
        pids = [other.pid for other in peers.values()]
        taken = interleave(
            works, options.rounds, cpu=lambda: process_time() + cpu_of(pids)
        )

    def row(name: str, size: float, seconds: float) -> Row:
        one, eight = taken[f"{name}/1"], taken[f"{name}/{TOGETHER}"]
        return {
            "index": name,
            "CPU µs a question": round(one.cpu * 1e6, 1),
            "of eight": round(eight.cpu * 1e6, 1),
            "µs a question": round(one.wall * 1e6, 1),
            "times FedSafe's CPU": round(ratio(one, taken[f"{own}/1"]), 1),
            "eight, times": round(ratio(eight, taken[f"{own}/{TOGETHER}"]), 1),
            "eight for one": round(TOGETHER * ratio(eight, one), 2),
            "bytes a hash": round(size, 1),
            "built, CPU s": round(seconds, 1),
        }

    rows = [row(own, index.memory_bytes / options.rows, built)]
    for name, other in peers.items():
        added: Row = {"one added, CPU µs": round(other.added * 1e6, 1)}
        rows.append(row(name, other.size, other.built) | added)
    return rows


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
            "FedSafe": f"with {NEWER:,} rows in no tables and 5 % removed",
            "CPU µs a question": round(figures["changed"].cpu * 1e6, 1),
            "rate of the merged one": round(
                ratio(figures["merged"], figures["changed"]), 2
            ),
            "comparing every row, CPU µs": round(figures["every row"].cpu * 1e6),
            "its share": round(ratio(figures["merged"], figures["every row"]), 3),
            "bytes a hash": round(changed.memory_bytes / len(changed), 1),
        }
    ]


def scan(index: PdqIndex, asked: list[bytes]) -> int:
    for digest in asked:
        index.query(digest, THRESHOLD + 1)  # tables answer up to the threshold
    return len(asked)


def change(
    index: PdqIndex, content: Content, rng: np.random.Generator
) -> tuple[Row, Content, set[int]]:
    """Add and remove rows one by one, and say how long that and 99 % of it took.

    Give what it had or has then as well, and what is removed of that.
    """
    added, removed = list[float](), list[float]()
    rows, newer = len(content), drawn(rng, NEWER)
    content = np.concatenate((content, newer))
    for number, digest in enumerate(newer):
        one = digest.tobytes()
        began = thread_time()
        index.add([rows + number], [one])
        added.append(thread_time() - began)
    gone = rng.choice(rows, rows // 20, replace=False).tolist()
    for row in gone[:1_000]:
        began = thread_time()
        index.remove(row)
        removed.append(thread_time() - began)
    index.remove(*gone)
    return (
        {
            "one row": "CPU µs",
            "added": round(median(added) * 1e6, 1),
            "added, p99": round(percentile(added, 0.99) * 1e6, 1),
            "removed": round(median(removed) * 1e6, 1),
            "removed, p99": round(percentile(removed, 0.99) * 1e6, 1),
            "waiting": index.waiting,
        },
        content,
        set(gone),
    )


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
    asked += [content[0, :4].tobytes() + digest[4:] for digest in asked[:20]]
    for row in [*rng.choice(len(content) // 10, 80), *rng.choice(len(content), 40)]:
        places = rng.choice(256, int(rng.integers(0, 40)), replace=False).tolist()
        asked.append(flipped(content[row].tobytes(), places))
    together = [asked[at : at + TOGETHER] for at in range(40, 120, TOGETHER)]
    singles = [[digest] for digest in asked]
    shares = [share_of_comparing(index, digests) for digests in singles]
    return {
        "rows": name,
        "CPU µs a question": round(median(cost for cost, _ in shares) * 1e6, 1),
        "dearest": round(max(cost for cost, _ in shares) * 1e6, 1),
        "dearest, of comparing every row": round(max(share for _, share in shares), 2),
        "eight together": round(
            max(
                share for _, share in map(partial(share_of_comparing, index), together)
            ),
            2,
        ),
    }


def share_of_comparing(index: PdqIndex, digests: list[bytes]) -> tuple[float, float]:
    """Tell the CPU seconds of a question, and its share of comparing every row."""
    own, other = (
        min(burned(partial(index.search_many, digests, radius)) for _ in range(5))
        for radius in (THRESHOLD, THRESHOLD + 1)  # tables answer up to the threshold
    )
    return own, own / other


def burned(act: Callable[[], object]) -> float:
    began = thread_time()
    act()
    return thread_time() - began


def recall(
    index: PdqIndex,
    content: Content,
    rng: np.random.Generator,
    questions: int,
    gone: Collection[int] = (),
) -> Row:
    """Ask about strangers and altered rows, and compare with every row.

    The index has *content* without the rows that are *gone*.
    """
    columns = np.ascontiguousarray(content.view(np.uint64).T)
    wanted = found = 0
    for number in range(questions):
        digest = drawn(rng, 1).tobytes()
        if number % 2:
            row = int(rng.integers(len(content)))
            places = rng.choice(256, int(rng.integers(0, 40)), replace=False).tolist()
            digest = flipped(content[row].tobytes(), places)
        near = brute_force(columns, np.frombuffer(digest, np.uint64))
        truth = {(row, count) for row, count in near if row not in gone}
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


def brute_force(
    columns: NDArray[np.uint64], asked: NDArray[np.uint64]
) -> Iterator[tuple[int, int]]:
    for start in range(0, columns.shape[1], BLOCK):
        block = columns[:, start : start + BLOCK]
        half = np.bitwise_count(block[0] ^ asked[0])
        half += np.bitwise_count(block[1] ^ asked[1])
        (near,) = (half <= THRESHOLD).nonzero()
        if near.size:
            bits = np.bitwise_count(block[:, near] ^ asked[:, np.newaxis]).sum(axis=0)
            for row, count in zip(near.tolist(), bits.tolist(), strict=True):
                if count <= THRESHOLD:
                    yield start + row, count


def measure(options: argparse.Namespace) -> list[Row]:
    rows: int = options.rows
    questions = options.recall or min(10_000, 10**10 // rows)
    rng = np.random.default_rng(SEED)
    asked = [rng.bytes(PDQ_BYTES) for _ in range(QUESTIONS)]
    content = np.concatenate([drawn(rng, PIECE) for _ in range(0, rows, PIECE)])[:rows]
    index, built = fill(content)
    table = compare_peers(index, asked, options, built)
    recalls = {"uniform": recall(index, content, rng, questions)}
    if not options.brief:
        changed, _ = fill(content)
        one, content, gone = change(changed, content, rng)
        table += compare_changed(index, changed, asked, options.rounds)
        table.append(one)
        del index
        changes = "newer and removed rows"
        recalls[changes] = recall(changed, content, rng, questions, gone)
        table.append(merge_beside(changed, asked))
        del changed
        content = clustered(rng, rows)
        recalls["families"] = recall(fill(content)[0], content, rng, questions)
        table += [dearest(make.__name__, make(rng, rows), rng) for make in SETS]
    return table + [{"set": name, **row} for name, row in recalls.items()]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--peers", type=Path, metavar="PYTHON")
    options.add_argument("--settings", nargs="+", choices=PEERS, default=PEERS)
    options.add_argument("--recall", type=int, metavar="QUESTIONS")
    options.add_argument("--brief", action="store_true", help="rows as they were built")
    chosen = options.parse_args()
    report(measure(chosen), chosen)


if __name__ == "__main__":
    main()
