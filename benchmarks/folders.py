# SPDX-License-Identifier: Apache-2.0
"""Measure `fedsafe hash` and `fedsafe match` over a folder of pictures.

Beside them, on as many cores, is what no such command can leave out: decoding the same
files with Pillow and hashing them with `pdqhash`, which compiles the reference. It is
no dependency of ours, so `--peer` names a Python that has it (and Pillow); without one
there is only decoding. All are whole commands, each a process and those that it starts.
`match` asks a node of its own beside it, which has its share of the same cores; the
CPU of that node is not counted, its time is.

    python benchmarks/folders.py [--pictures 1000] [--size 640x480] [--peer PYTHON]
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from measuring import Row, Work, interleave, once, parser, report
from own_nodes import OwnNode, made

DECODE = "decoding"
PEER = "decoding and pdqhash"
_TWO_CORES = """
import sys, warnings
from multiprocessing import Pool
from pathlib import Path
import numpy as np
from PIL import Image
warnings.simplefilter("ignore")
if sys.argv[1] == "pdqhash":
    from pdqhash import compute
else:
    compute = lambda samples: samples.sum()
def work(path):
    with Image.open(path) as picture:
        compute(np.asarray(picture.convert("RGB")))
if __name__ == "__main__":
    with Pool(int(sys.argv[2])) as pool:
        for _ in pool.imap_unordered(work, Path(sys.argv[3]).rglob("*.jpg"), 16):
            pass
"""


def draw(folder: Path, count: int, columns: int, rows: int) -> int:
    """Draw clouds in colour, each another, in folders of a hundred; say their bytes."""
    rng, size = np.random.default_rng(1), 0
    for number in range(count):
        coarse = rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)
        fine = rng.integers(0, 256, (rows // 8, columns // 8, 3), dtype=np.uint8)
        wanted = (columns, rows)
        clouds, grain = (
            Image.fromarray(samples).resize(wanted, Image.Resampling.BICUBIC)
            for samples in (coarse, fine)
        )
        picture = Image.blend(clouds, grain, 0.3)
        file = folder / str(number // 100) / f"{number}.jpg"
        file.parent.mkdir(exist_ok=True)
        picture.save(file, quality=85)
        size += file.stat().st_size
    return size


def run(command: Sequence[str | Path], wanted: int = 0) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != wanted:
        raise SystemExit(f"{command}: status {done.returncode}: {done.stderr.decode()}")


def written(output: Path, command: Sequence[str | Path], lines: int) -> None:
    """Run a command that writes a line for each picture."""
    output.unlink(missing_ok=True)
    run([*command, "--output", output])
    with output.open("rb") as stream:
        if sum(1 for _ in stream) != lines:
            raise SystemExit(f"{command} has left out pictures")


def works(
    folder: Path, count: int, jobs: int, peer: Path | None, node: OwnNode
) -> dict[str, Callable[[], None]]:
    cli: list[str | Path] = [sys.executable, "-m", "fedsafe_cli"]
    pictures, output = folder / "pictures", folder / "lines"
    script = folder / "two_cores.py"
    script.write_text(_TWO_CORES)
    many: list[str | Path] = ["--jobs", str(jobs), pictures]
    match = [*cli, "match", "--config", node.directory, "--surface", "public_content"]
    found = {
        DECODE: lambda: run([sys.executable, script, "-", str(jobs), pictures]),
        "fedsafe hash": lambda: written(output, [*cli, "hash", *many], count),
        "fedsafe match": lambda: written(output, [*match, *many], count),
    }
    if peer is not None:
        found[PEER] = lambda: run([peer, script, "pdqhash", str(jobs), pictures])
    return found


def _burned() -> float:
    """Tell the CPU of all commands so far; a node that still runs is none of them."""
    used = os.times()
    return used.children_user + used.children_system


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("--pictures", type=int, default=1_000)
    options.add_argument("--size", default="640x480")
    options.add_argument("--peer", type=Path, help="a Python that has pdqhash")
    options.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    chosen = options.parse_args()
    columns, rows = map(int, chosen.size.split("x"))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=chosen.dir)))
        (folder / "pictures").mkdir()
        size = draw(folder / "pictures", chosen.pictures, columns, rows)
        node = stack.enter_context(made(folder / "own.demo", None, 1))
        acts = works(folder, chosen.pictures, chosen.jobs, chosen.peer, node)
        timed: dict[str, Work] = {
            name: once(act, chosen.pictures) for name, act in acts.items()
        }
        figures = interleave(timed, chosen.rounds, cpu=_burned, warm=0)
    best = PEER if PEER in figures else DECODE
    limit = figures[best]
    table: list[Row] = [
        {
            "what": name,
            "pictures a second": round(took.rate, 1),
            f"speed beside {best}": round(1 / took.times(limit), 3),
            "CPU ms a picture": round(took.cpu * 1e3, 2),
            "by CPU": round(limit.cpu / took.cpu, 3),
        }
        for name, took in figures.items()
    ]
    report(
        table,
        chosen,
        pictures=chosen.pictures,
        size=chosen.size,
        kilobytes=size // 1_000 // chosen.pictures,
        jobs=chosen.jobs,
    )


if __name__ == "__main__":
    main()
