# SPDX-License-Identifier: Apache-2.0
"""Match a large folder with a node, kill the run again and again, and resume it.

Of small files in a folder `fedsafe match` asks a node of its own; it is killed
(SIGKILL) at random moments, and the same command is given again with `--resume`. Then:
each file has one line in the file of answers, and none is missing. Beside it, runs that
nobody disturbs over a tenth of the files and over all of them: the peak of its
memory does not grow by more than 16 MiB. Status 1 says that something of this did not
hold.

    python -m tests.campaigns.many_files [--files 20000] [--kills 10] [--seed 1]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from fedsafe_cli.demo.fleet import fedsafe, stop
from fedsafe_cli.demo.nodes import DemoNode, raise_demo

MOST_GROWTH_KIB: Final = 16 * 1024
_LONGEST: Final = 4.0
"""Seconds until a run is killed, at most."""


def fill(folder: Path, count: int) -> Path:
    """Make files that differ, in folders of a thousand."""
    for number in range(count):
        file = folder / str(number // 1_000) / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content %d" % number)
    return folder


def begin(node: DemoNode, folder: Path, output: Path) -> "subprocess.Popen[bytes]":
    resume = ["--resume"] if output.exists() else []
    where = ["--config", node.dir, "--surface", "public_content"]
    return subprocess.Popen(
        [*fedsafe(), "match", *where, folder, "--output", output, *resume],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finish(run: "subprocess.Popen[bytes]") -> tuple[int, int]:
    """Wait for a run; give its status, and the peak of its own memory in KiB."""
    _, status, used = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    return run.returncode, used.ru_maxrss


def kill_some(
    node: DemoNode, folder: Path, output: Path, kills: int, dice: Random
) -> int:
    """Kill runs until enough were; give how many were, before one came to its end."""
    for killed in range(kills):
        run = begin(node, folder, output)
        try:
            run.wait(dice.uniform(0.5, _LONGEST))
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
        else:
            return killed
    return kills


def wrong_lines(folder: Path, output: Path) -> str:
    """Say what is wrong with the lines of answers; nothing if each file has one."""
    names = [json.loads(line)["file"] for line in output.read_text().splitlines()]
    wanted = {str(file) for file in folder.rglob("*.bin")}
    if len(names) != len(set(names)):
        return f"{len(names) - len(set(names))} lines too many"
    return f"{len(wanted ^ set(names))} files amiss" if wanted != set(names) else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    dice, bad = Random(given.seed), list[str]()  # noqa: S311 - to repeat a run
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        few = fill(root / "few", given.files // 10)
        many = fill(root / "many", given.files)
        (node,) = raise_demo(root / "f", 1)
        try:
            peaks: list[int] = []
            for folder in (few, many):
                output = root / f"{folder.name}.whole"
                status, peak = finish(begin(node, folder, output))
                peaks.append(peak)
                wrong = wrong_lines(folder, output)
                if status or wrong:
                    bad.append(f"{folder.name}: status {status}; {wrong}")
            killed = kill_some(node, many, root / "killed", given.kills, dice)
            status, _ = finish(begin(node, many, root / "killed"))
            wrong = wrong_lines(many, root / "killed")
            if status or wrong:
                bad.append(f"killed {killed} times: status {status}; {wrong}")
        finally:
            stop(node.directory)
    print(f"{given.files} files, killed {killed} times, peaks {peaks} KiB")
    if killed == 0:
        bad.append("no run lasted long enough to be killed")
    if peaks[1] - peaks[0] > MOST_GROWTH_KIB:
        bad.append("memory grows with the files")
    print("\n".join(bad) or "each file once, and memory is flat")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
