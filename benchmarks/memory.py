# SPDX-License-Identifier: Apache-2.0
"""Measure the memory of a node with 1,000,000 signals, and the bytes on its disk.

A node of its own takes media signals through its own import, a tenth of them PDQ
digests of pictures; it is started anew with none and with all of them. RSS is what
the kernel counts; the part that maps files (the token index, libraries) is shared
between processes and can be dropped. The limit of the index is 16 bytes of token
and 4 of row.

    python benchmarks/memory.py [--signals 1000000]
"""

import argparse
import hashlib
import tempfile
from pathlib import Path
from time import perf_counter

from bare_inserts import pieces
from federation import pid_of, post, running
from fedsafe_cli.demo.fleet import stop
from fedsafe_cli.demo.nodes import DemoNode, raise_demo
from measuring import Row, cpu_of, parser, report

PICTURES = 10  # one in so many
LIMIT_BYTES = 20


def own_ban(number: int) -> dict[str, object]:
    digest = hashlib.sha256(number.to_bytes(8)).hexdigest()
    kind = "pdq" if number % PICTURES == 0 else "sha256"
    return {
        "about": {"kind": kind, "value": digest},
        "phenomenon": "abuse_depiction",
        "surface": "public_content",
        "grade": "confirmed_media",
        "rule": "r1",
    }


def memory_of(pid: int) -> dict[str, int]:
    """Tell the kilobytes of a process by kind."""
    # Nobody but root sees more of a node: it keeps its memory to itself.
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    fields = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {name.rstrip(":"): int(size) for name, size, _ in fields}


def size_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def started_anew(directory: Path, node: DemoNode) -> Row:
    """Start the node again; tell its memory and what the start took."""
    stop(node.directory)
    began = perf_counter()
    raise_demo(directory / "f")
    ready = perf_counter() - began
    pid = pid_of(node)
    # The first lookup brings in what the start leaves out.
    about = {"kind": "email", "value": "nobody.known@mail.example"}
    post(node.client(), "/v1/lookup", {"questions": [about]})
    memory = memory_of(pid)
    return {
        "RSS MiB": round(memory["VmRSS"] / 1024, 1),
        "of it anonymous MiB": round(memory["RssAnon"] / 1024, 1),
        "start s": round(ready, 2),
        "CPU s of the start": round(cpu_of([pid]), 2),
        "index bytes": size_of(node.directory / "index"),
        "store bytes": size_of(node.directory / "store.db"),
    }


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    signals = options.signals
    with running(directory, 1) as federation:
        (node,) = federation.nodes
        empty = started_anew(directory, node)
        client, at = node.client("anna"), 0
        began = perf_counter()
        for size in pieces(signals):
            made = [own_ban(number) for number in range(at, at + size)]
            post(client, "/v1/signals/import", {"signals": made})
            at += size
        print(f"imported at {signals / (perf_counter() - began):,.0f} rows/s")
        filled = memory_of(pid_of(node))
        full = started_anew(directory, node)
    each = {
        name: round((float(full[name]) - float(empty[name])) * unit / signals, 1)
        for name, unit in (
            ("RSS MiB", 1 << 20),
            ("of it anonymous MiB", 1 << 20),
            ("index bytes", 1),
            ("store bytes", 1),
        )
    }
    return [
        {"what": "no signals"} | empty,
        {"what": f"{signals:,} signals, after the import"}
        | {
            "RSS MiB": round(filled["Rss"] / 1024, 1),
            "of it anonymous MiB": round(filled["Anonymous"] / 1024, 1),
        },
        {"what": f"{signals:,} signals, started anew"} | full,
        {"what": "bytes a signal"} | each,
        {
            "what": "index, ratio to 20 bytes",
            "index bytes": round(each["index bytes"] / LIMIT_BYTES, 2),
        },
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--signals", type=int, default=1_000_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, signals=chosen.signals)


if __name__ == "__main__":
    main()
