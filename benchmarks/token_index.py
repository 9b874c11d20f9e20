# SPDX-License-Identifier: Apache-2.0
"""Measure the token index beside SQLite and a dict that hold the same tokens.

Point reads (found and not found), batches, opening, merging 100,000 tokens into
all, and the bytes a token; `ratio` is to the index, of the merge to the plain
write. SQLite has the token in a covering
index, its pages mapped and its statement prepared. The merge stands beside a
plain write and fsync of as many bytes.

    python benchmarks/token_index.py [--tokens 10000000] [--rounds 7] [--json FILE]
"""

import os
import secrets
import sqlite3
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from fedsafe_node.ground.faults import NO_FAULTS
from fedsafe_node.lookup.index.builder import Span, sort_tokens, write_merged
from fedsafe_node.lookup.index.segment_chain import segment_name
from fedsafe_node.lookup.index.tokens import TokenIndex
from measuring import Row, Work, interleave, once, parser, report

READS = 20_000
ADDED = 100_000
STORE = bytes(16)
DICT_UP_TO = 10_000_000
MAPPED = 1 << 32
PLAIN = "write and fsync as much"


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
    index: TokenIndex,
    connection: sqlite3.Connection,
    tokens: bytes,
    count: int,
    rounds: int,
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
        works: dict[str, Work] = {
            "index": once(partial(read_index, index, asked), READS),
            "sqlite": once(partial(read_sqlite, connection, asked), READS),
            "index, batch": once(partial(index.probe_many, batch), READS),
        }
        if held:
            works["dict"] = once(partial(read_dict, held, asked), READS)
        figures = interleave(works, rounds)
        table += [
            {
                "what": f"read, {kind}",
                "candidate": name,
                "wall": f"{took.wall * 1e6:.3f} µs",
                "cpu": f"{took.cpu * 1e6:.3f} µs",
                "ratio": round(took.times(figures["index"]), 2),
            }
            for name, took in figures.items()
        ]
    return table


def measure_merge(
    directory: Path, index: TokenIndex, count: int, rounds: int
) -> list[Row]:
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

    works: dict[str, Work] = {
        f"add {ADDED}": once(add),
        f"merge {ADDED} into all": once(lambda: index.merge(full=True)),
        PLAIN: once(write),
    }
    figures = interleave(works, rounds)
    return [
        {
            "what": "merge",
            "candidate": name,
            "wall": f"{took.wall:.3f} s",
            "cpu": f"{took.cpu:.3f} s",
            "ratio": round(took.times(figures[PLAIN]), 2),
        }
        for name, took in figures.items()
    ]


def sizes(index: TokenIndex, database: Path, count: int) -> list[Row]:
    return [
        {
            "what": "size",
            "candidate": name,
            "wall": f"{size / count:.2f} B a token",
            "ratio": round(size / index.size_on_disk, 2),
        }
        for name, size in (
            ("index", index.size_on_disk),
            ("sqlite", database.stat().st_size),
            ("bare token and row", 20 * count),
        )
    ]


def measure(directory: Path, count: int, rounds: int) -> list[Row]:
    tokens = np.random.default_rng(1).bytes(16 * count)
    (directory / "index").mkdir(mode=0o700)
    make_index(directory / "index", tokens, count)
    database = directory / "peer.sqlite"
    connection = make_sqlite(database, tokens, count)
    index = TokenIndex.open(directory / "index", covered=count)

    def reopen() -> None:
        TokenIndex.open(directory / "index", covered=count).close()

    table = sizes(index, database, count)
    alone = interleave({"open": once(reopen), "check": once(index.check)}, rounds)
    table += [
        {
            "what": name,
            "candidate": "index",
            "wall": f"{took.wall * 1e3:.3f} ms",
            "cpu": f"{took.cpu * 1e3:.3f} ms",
        }
        for name, took in alone.items()
    ]
    table += measure_reads(index, connection, tokens, count, rounds)
    connection.close()
    table += measure_merge(directory, index, count, rounds)
    index.close()
    return table


def main() -> None:
    options = parser(__doc__, rounds=7)
    options.add_argument("--tokens", type=int, default=1_000_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen.tokens, chosen.rounds)
    report(table, chosen, tokens=chosen.tokens)


if __name__ == "__main__":
    main()
