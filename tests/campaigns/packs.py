# SPDX-License-Identifier: Apache-2.0
"""Change one thing in an evidence pack at a time; nothing that changes a claim passes.

    .venv/bin/python -m tests.campaigns.packs --mutations 500 [--seed N] [--only N]

A node alone and one that two others have cosigned make a pack each. Half of the
changes are made by whoever holds the pack, half by the node itself, which signs tree,
checkpoint and manifest anew (`forging`). The verifier runs as auditors run it: a
process of its own (`python -I`), with what others have told of the pack (`--trust`),
and may take 1 GiB and 60 seconds. A change passes the campaign if it is refused, or
named as not proved by a code of its claim, or if it changes no claim and the pack
verifies as before. Prints the seed first, then at once whatever is wrong, then sums.
Ends with status 1 if anything was wrong. With the seed, `--only` draws one again.
"""

import argparse
import asyncio
import json
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.node.audit.conftest import Made, make_alone, make_cosigned
from tests.support.fleet import make_founded
from tests.support.pack_changes import Forged, Forger

from fedsafe_node.evidence import verify

Verdict = tuple[int, str]
"""What the verifier ended with, and what it said."""
_MEMORY: Final = 1 << 30
_SECONDS: Final = 60
SCRIPT: Final = Path(verify.__file__)


def options_of(trust: Sequence[str]) -> list[str]:
    """Give what a reader says who knows what others have told."""
    return ["--json", *(word for each in trust for word in ("--trust", each))]


def content_with(made: Made) -> list[str]:
    """Give what a reader says to whom the word of a node that is alone is enough."""
    return [*options_of(made.trust), *(() if made.charter else ("--witnesses", "0"))]


def run_verifier(pack: Path, options: Sequence[str]) -> Verdict:
    """Run the verifier as auditors do; it may print nothing beside its result."""
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(pack), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY,) * 2),
    )
    return done.returncode, done.stdout + done.stderr


def weigh(made: Made, forged: Forged, verdict: Verdict) -> str:
    """Say what came of it: `refused`, `named`, `told`, `void`, or what is wrong."""
    status, said = verdict
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError:
        return f"WRONG: it says {said[-300:]!r}"
    if status == verify.TAMPERED and forged.codes is not None:
        return "refused"
    named = {each["code"] for each in found.get("unproved", ())}
    if status == verify.INCOMPLETE and named & (forged.codes or set()):
        return "named"
    if (
        named == (set() if made.charter else {"witnesses"})
        and status != verify.TAMPERED
    ):
        told = [found[name] == value for name, value in forged.told]
        if told:
            return "told" if all(told) else "WRONG: it tells another value"
        if forged.codes is None:
            return "void"
    return f"WRONG: status {status}, {found.get('why') or sorted(named)}"


def judge(
    made: Sequence[Made],
    numbers: Sequence[int],
    seed: int,
    ask: Callable[[bytes, Sequence[str]], Verdict],
) -> Iterator[tuple[int, Forged, str]]:
    """Draw the changes of these numbers, of each pack in turn, and weigh them."""
    forgers = [Forger(each, seed) for each in made]
    for number in numbers:
        turn, which = divmod(number // 2, len(made))
        forged = forgers[which].draw(turn, signed=number % 2 == 0)
        verdict = ask(forged.pack, options_of(forged.trust))
        yield number, forged, weigh(made[which], forged, verdict)


async def _make(root: Path) -> list[Made]:
    founded = root / "founded"
    founded.mkdir()
    await make_founded(founded)
    return [await make_cosigned(root, founded), await make_alone(root / "alone")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--only", type=int, metavar="NUMBER")
    given = parser.parse_args()
    numbers = range(given.mutations)
    if given.only is not None:
        numbers = range(given.only, given.only + 1)
    print(f"seed {given.seed}, {len(numbers)} mutations", flush=True)
    begin, sums, wrong = time.monotonic(), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="fedsafe-packs-") as folder:
        made = asyncio.run(_make(Path(folder)))
        path = Path(folder) / "pack.zip"

        def ask(pack: bytes, options: Sequence[str]) -> Verdict:
            path.write_bytes(pack)
            return run_verifier(path, options)

        for each in made:
            status, said = ask(each.pack, content_with(each))
            wrong += status != verify.OK
            count = len(json.loads(said)["unproved"])
            print(f"unchanged: status {status}, {count} not proved")
        for number, forged, outcome in judge(made, numbers, given.seed, ask):
            by = "signed anew" if forged.signed else "not signed"
            sums[f"{by}: {outcome.partition(':')[0]}"] += 1
            if outcome.startswith("WRONG"):
                wrong += 1
                print(f"{number}: {forged.what}: {outcome}", flush=True)
    for outcome, count in sorted(sums.items()):
        print(f"{count:4} {outcome}")
    print(f"{wrong} wrong; {time.monotonic() - begin:.0f} s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
