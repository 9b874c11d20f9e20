# SPDX-License-Identifier: Apache-2.0
"""Measure the token index beside SQLite and a dict that hold the same tokens.

Point reads (found and not found), batches, opening, merging 100,000 tokens into
all, and the bytes a token. Rounds of the candidates alternate in one run; figures
are medians, with CPU time beside wall time. SQLite has the token in a covering
index, its pages mapped and its statement prepared. The merge stands beside a
plain write and fsync of as many bytes.

    python benchmarks/token_index.py [--tokens 10000000] [--json FILE]
"""

import argparse
import json
import os
import secrets
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from fedsafe_node.faults import NO_FAULTS
from fedsafe_node.index.builder import Span, sort_tokens, write_merged
from fedsafe_node.index.chain import segment_name
from fedsafe_node.index.tokens import TokenIndex

ROUNDS = 7
READS = 20_000
ADDED = 100_000
STORE = bytes(16)
DICT_UP_TO = 10_000_000
MAPPED = 1 << 32

Act = Callable[[], object]
Row = dict[str, str | float]


def alternate(acts: dict[str, Act], rounds: int = ROUNDS) -> dict[str, Row]:
    wall: dict[str, list[float]] = {name: [] for name in acts}
    cpu: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            start, burned = perf_counter(), process_time()
            act()
            cpu[name].append(process_time() - burned)
            wall[name].append(perf_counter() - start)
    return {
        name: {"wall": median(wall[name]), "cpu": median(cpu[name])} for name in acts
    }


def make_index(directory: Path, tokens: bytes, count: int) -> None:
    columns = sort_tokens(tokens, range(1, count + 1))
    path = directory / segment_name(0, count)
    span = Span(0, count, STORE)
    write_merged(path, [columns], frozenset(), span, NO_FAULTS)


def make_sqlite(path: Path, tokens: bytes, count: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA mmap_size = {MAPPED}")
    connection.execute("PRAGMA cache_size = -262144")
    connection.execute(
        "CREATE TABLE tokens (token BLOB, row INTEGER, PRIMARY KEY (token, row))"
        " STRICT, WITHOUT ROWID"
    )
    # Sorted, so that the table is packed: SQLite at its best.
    pairs = sorted((tokens[16 * n : 16 * n + 16], n + 1) for n in range(count))
    connection.executemany("INSERT INTO tokens VALUES (?, ?)", pairs)
    connection.commit()
    return connection


def read_sqlite(connection: sqlite3.Connection, asked: list[bytes]) -> None:
    find = connection.execute
    for token in asked:
        find("SELECT row FROM tokens WHERE token = ?", (token,)).fetchall()


def read_index(index: TokenIndex, asked: list[bytes]) -> None:
    find = index.rows
    for token in asked:
        find(token)


def read_dict(held: dict[bytes, int], asked: list[bytes]) -> None:
    find = held.get
    for token in asked:
        find(token)


def measure_reads(
    index: TokenIndex, connection: sqlite3.Connection, tokens: bytes, count: int
) -> list[Row]:
    places = [secrets.randbelow(count) for _ in range(READS)]
    held: dict[bytes, int] = {}
    if count <= DICT_UP_TO:
        held = {tokens[16 * n : 16 * n + 16]: n for n in range(count)}
    table = list[Row]()
    for kind, asked in (
        ("found", [tokens[16 * n : 16 * n + 16] for n in places]),
        ("not found", [os.urandom(16) for _ in range(READS)]),
    ):
        batch = b"".join(asked)
        acts: dict[str, Act] = {
            "index": partial(read_index, index, asked),
            "sqlite": partial(read_sqlite, connection, asked),
            "index, batch": partial(index.probe_many, batch),
        }
        if held:
            acts["dict"] = partial(read_dict, held, asked)
        times = alternate(acts)
        own = float(times["index"]["wall"])
        table += [
            {
                "what": f"read, {kind}",
                "candidate": name,
                "wall": f"{float(took['wall']) / READS * 1e6:.3f} µs",
                "cpu": f"{float(took['cpu']) / READS * 1e6:.3f} µs",
                "ratio": f"{float(took['wall']) / own:.2f}",
            }
            for name, took in times.items()
        ]
    return table


def measure_merge(directory: Path, index: TokenIndex, count: int) -> list[Row]:
    size = index.size_on_disk
    block = os.urandom(1 << 20)
    rows = count

    def add() -> None:
        nonlocal rows
        index.add_many(os.urandom(16 * ADDED), range(rows + 1, rows + ADDED + 1))
        rows += ADDED

    def write() -> None:
        with (directory / "plain").open("wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())

    acts: dict[str, Act] = {
        f"add {ADDED}": add,
        f"merge {ADDED} into all": lambda: index.merge(full=True),
        "write and fsync as much": write,
    }
    times = alternate(acts)
    plain = float(times["write and fsync as much"]["wall"])
    return [
        {
            "what": "merge",
            "candidate": name,
            "wall": f"{float(took['wall']):.3f} s",
            "cpu": f"{float(took['cpu']):.3f} s",
            "ratio": f"{float(took['wall']) / plain:.2f}",
        }
        for name, took in times.items()
    ]


def measure(directory: Path, count: int) -> list[Row]:
    tokens = np.random.default_rng(1).bytes(16 * count)
    (directory / "index").mkdir(mode=0o700)
    make_index(directory / "index", tokens, count)
    database = directory / "peer.sqlite"
    connection = make_sqlite(database, tokens, count)
    index = TokenIndex.open(directory / "index", covered=count)

    def reopen() -> None:
        TokenIndex.open(directory / "index", covered=count).close()

    opened = alternate({"open": reopen}, 21)["open"]
    table: list[Row] = [
        {
            "what": "size",
            "candidate": name,
            "wall": f"{size / count:.2f} B a token",
            "cpu": "",
            "ratio": f"{size / index.size_on_disk:.2f}",
        }
        for name, size in (
            ("index", index.size_on_disk),
            ("sqlite", database.stat().st_size),
            ("bare token and row", 20 * count),
        )
    ]
    table.append(
        {
            "what": "open",
            "candidate": "index",
            "wall": f"{float(opened['wall']) * 1e3:.3f} ms",
            "cpu": f"{float(opened['cpu']) * 1e3:.3f} ms",
            "ratio": "",
        }
    )
    table += measure_reads(index, connection, tokens, count)
    connection.close()
    table += measure_merge(directory, index, count)
    verify = alternate({"check": index.check}, 3)["check"]
    table.append(
        {
            "what": "check",
            "candidate": "index",
            "wall": f"{float(verify['wall']):.3f} s",
            "cpu": f"{float(verify['cpu']):.3f} s",
            "ratio": "",
        }
    )
    index.close()
    return table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, default=1_000_000)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        table = measure(Path(directory), chosen.tokens)
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{chosen.tokens} tokens, Python {sys.version.split()[0]}, load {load}\n")
    print("| what | candidate | wall | cpu | ratio |\n|---|---|---|---|---|")
    for row in table:
        print("|", " | ".join(map(str, row.values())), "|")
    if chosen.json:
        result = {"tokens": chosen.tokens, "load": os.getloadavg(), "table": table}
        chosen.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
