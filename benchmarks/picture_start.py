# SPDX-License-Identifier: Apache-2.0
"""Measure what pictures cost at a node's start, and beside it what they are made of.

Tables of random digests are written to a file under an outside key and opened again,
beside the bare cipher on the same bytes. A second process attaches to them. A node of
its own takes pictures through its own import and is started anew, in turn with an empty
one: with all pictures and no outside key, and with one; measured are the time until it
answers, and until a picture is found.

    python benchmarks/picture_start.py [--pictures 50000] [--rows 300000]
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from bare_inserts import pieces
from federation import post, running
from fedsafe_cli.demo.fleet import stop
from fedsafe_cli.demo.nodes import DemoNode, raise_demo
from fedsafe_crypto.seal.chunks import open_chunks, seal_chunks
from fedsafe_node.ground.outside_key import OutsideKey
from fedsafe_node.lookup.index.pdq import FEW
from fedsafe_node.lookup.index.pdq_file import Covered, open_rows, write_tables
from fedsafe_node.lookup.index.pdq_memory import Memory
from fedsafe_node.lookup.index.pdq_tables import Layout, Tables
from measuring import Row, parser, report

PATIENCE = 600.0
STARTS = 3
KEY = bytes(range(32))
ATTACHING = """
import os, sys
from time import perf_counter
from fedsafe_node.lookup.index.pdq import PdqIndex
from fedsafe_node.lookup.index.pdq_memory import Memory
from fedsafe_node.lookup.index.pdq_tables import Layout, Tables

def private():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))

descriptor, count = map(int, sys.argv[1:3])
before, began, index = private(), perf_counter(), PdqIndex()
size = Layout.of(count).size
index.adopt((Tables.attach(count, Memory.attach(descriptor, size)),))
took = perf_counter() - began
index.query(bytes(32))
attached = private() - before
index.add(range(count + 1, count + 1_001), [os.urandom(32) for _ in range(1_000)])
index.query(bytes(32))
print(took, attached, private() - before)
"""


def picture(number: int) -> str:
    return hashlib.sha256(number.to_bytes(8)).hexdigest()


def files(count: int, directory: Path) -> list[Row]:
    """Measure the file, the bare cipher, and a second process."""
    rng = np.random.default_rng(23)
    columns = rng.integers(0, 1 << 64, (4, count), np.uint64)
    ids = np.arange(1, count + 1, dtype=np.uint32)
    began = perf_counter()
    tables = Tables(ids, columns, Memory.shared)
    built = perf_counter() - began
    size, key = Layout.of(count).size, OutsideKey(KEY)
    began = perf_counter()
    identity = write_tables(directory, tables, key, Covered(b"store", count))
    written = perf_counter() - began
    sealed = b"".join(seal_chunks(KEY, b"", memoryview(tables.memory.buffer)))
    out = memoryview(bytearray(size))
    opened, bare, rows = [], [], []
    for _ in range(3):
        began = perf_counter()
        file = open_rows(directory, identity, key, b"store", Memory.shared)
        rows.append(perf_counter() - began)
        file.open_rest()
        opened.append(perf_counter() - began)
        del file
        began = perf_counter()
        open_chunks(KEY, b"", sealed, out)
        bare.append(perf_counter() - began)
    descriptor = tables.memory.descriptor
    if descriptor is None:
        raise SystemExit("no memory to share")
    told = subprocess.run(
        [sys.executable, "-P", "-c", ATTACHING, str(descriptor), str(count)],
        pass_fds=[descriptor],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [
        {"what": f"tables of {count:,}: build", "s": round(built, 2)},
        {"what": "write the file", "s": round(written, 3)},
        {"what": "open rows alone", "s": round(min(rows), 3)},
        {
            "what": "open the file",
            "s": round(min(opened), 3),
            "MB/s": round(size / min(opened) / 1e6),
            "of the bare cipher": round(min(bare) / min(opened), 2),
        },
        {
            "what": "the bare cipher",
            "s": round(min(bare), 3),
            "MB/s": round(size / min(bare) / 1e6),
        },
        {
            "what": "attach in a second process",
            "s": round(float(told[0]), 4),
            "more memory, share": round(int(told[1]) * 1024 / size, 3),
            "and with 1,000 new": round(int(told[2]) * 1024 / size, 3),
        },
    ]


def own_ban(number: int) -> dict[str, object]:
    return {
        "about": {"kind": "pdq", "value": picture(number)},
        "phenomenon": "abuse_depiction",
        "surface": "public_content",
        "grade": "confirmed_media",
        "rule": "r1",
    }


def started(directory: Path, node: DemoNode, number: int | None) -> Row:
    """Start a node again, until it answers, and until a picture is found."""
    stop(node.directory)
    began = perf_counter()
    raise_demo(directory / "f")
    ready = perf_counter() - began
    row: Row = {"until it answers, s": round(ready, 2)}
    if number is None:
        return row
    question = {
        "questions": [{"kind": "pdq", "value": picture(number)}],
        "purpose": "media_matching",
        "surface": "public_content",
    }
    while perf_counter() - began < PATIENCE:
        answer = post(node.client(), "/v1/lookup", question)
        if answer["result"] == "review":
            break
        sleep(0.01)
    else:
        raise TimeoutError
    return row | {"until a picture is found, s": round(perf_counter() - began, 2)}


def in_turn(empty: Path, full: Path, nodes: Sequence[DemoNode], last: int) -> list[Row]:
    """Start an empty node and one with pictures in turn; give the fastest of each."""
    none, some = nodes
    rows = [
        (started(empty, none, None), started(full, some, last)) for _ in range(STARTS)
    ]
    fastest = [min(each, key=_ready) for each in zip(*rows, strict=True)]
    fastest[1]["of the empty one"] = round(_ready(fastest[1]) / _ready(fastest[0]), 2)
    return fastest


def _ready(row: Row) -> float:
    return float(row["until it answers, s"])


def nodes(count: int, directory: Path) -> list[Row]:
    """Measure the starts of a node, beside those of an empty one."""
    empty, full = directory / "empty", directory / "full"
    with running(empty, 1) as other, running(full, 1) as federation:
        (none,), (node,) = other.nodes, federation.nodes
        client, at, last = node.client("anna"), 0, count - 1
        for size in pieces(count):
            made = [own_ban(number) for number in range(at, at + size)]
            post(client, "/v1/signals/import", {"signals": made})
            at += size
        started(full, node, last)  # what the import has left is brought in once
        before, without = in_turn(empty, full, (none, node), last)
        key = directory / "outside.key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        stop(node.directory)
        subprocess.run(
            [
                *(sys.executable, "-m", "fedsafe_cli", "node", "outside-key", "new"),
                *(str(key), "--config", str(node.directory)),
            ],
            check=True,
            capture_output=True,
        )
        started(full, node, last)
        began = perf_counter()
        while not list((node.directory / "index").glob("pictures-*.sealed")):
            if perf_counter() - began > PATIENCE:
                raise TimeoutError
            sleep(0.05)
        after, with_key = in_turn(empty, full, (none, node), last)
    return [
        {"what": "an empty node"} | before,
        {"what": f"{count:,} pictures, no outside key"} | without,
        {"what": "an empty node"} | after,
        {"what": f"{count:,} pictures, with one"} | with_key,
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--pictures", type=int, default=50_000)
    options.add_argument("--rows", type=int, default=300_000)
    chosen: argparse.Namespace = options.parse_args()
    if chosen.pictures <= FEW:
        options.error(f"want more than {FEW} pictures: fewer lie in no tables")
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        place = Path(directory, "files")
        place.mkdir()
        table = files(chosen.rows, place)
        table += nodes(chosen.pictures, Path(directory))
    report(table, chosen, pictures=chosen.pictures, rows=chosen.rows)


if __name__ == "__main__":
    main()
