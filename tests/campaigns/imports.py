# SPDX-License-Identifier: Apache-2.0
"""Import a list, kill it again and again, and undo it.

A table of so many rows, of which 3 % are broken in ways that lists are (an address that
is none, a word that is none of ours, a day of another form, a removal that is long
over), is imported by the command line at a.demo; a few rows are for the federation. The
command and the node are killed in turn (SIGKILL), and the same command is given again.
Then: each person is listed once, as after an import at b.demo that nobody disturbed,
and the rejects file is the same to the byte. The import is given twice more, the drafts
are approved and reach the others, the import is undone, and the undoing is killed too.
Then what it added matches nowhere, what stood before still does, and the logs verify.
Status 1 says that something of this did not hold.

    python -m tests.campaigns.imports [--rows 100000] [--kills 10] [--seed 1]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

from tests.support.federation import Federation, federation, until

from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_crypto.oprf.voprf import Mode, output_direct
from fedsafe_crypto.primitives.ristretto import random_scalar

BROKEN: Final = 0.03
MOST_SHARED: Final = 200
STOOD: Final = 5
_ASKED: Final = 500
_MEASURED: Final = 2_000
_PATIENCE: Final = 900.0
_FINDING: Final = (
    *("--phenomenon", "grooming", "--surface", "public_content"),
    *("--grade", "confirmed_conduct", "--rule", "tos-4.2"),
    *("--provenance", "own_finding", "--finding", "adult"),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A table, and whom it names; `over` counts rows whose time is over."""

    text: str
    own: list[str]
    shared: list[str]
    broken: int
    over: int

    @property
    def count(self) -> int:
        """How many rows there are behind the header."""
        return self.text.count("\n") - 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What a campaign has seen; each claim names what did not hold."""

    faults: list[str]
    killed: int
    resumed: int
    seconds: float
    sodium: float
    rows: int

    @property
    def holds(self) -> bool:
        return not self.faults

    def told(self) -> str:
        """Say the pace beside that of the bare evaluations."""
        return (
            f"{self.rows} rows in {self.seconds:.1f} s: "
            f"{self.rows / self.seconds:,.0f} rows/s; the libsodium sum alone "
            f"{self.rows / self.sodium:,.0f} rows/s; killed {self.killed} times, "
            f"went on {self.resumed} times"
        )


def make_rows(rows: int, dice: Random, *, today: str) -> Rows:
    """Write a table of so many rows."""
    lines = ["email;scope;removed_on;phenomenon"]
    own, shared = list[str](), list[str]()
    broken = over = 0
    most = min(MOST_SHARED, rows // 20)
    for number in range(rows):
        address = f"person{number}.{dice.randrange(10**9)}@mail.example"
        day, word, scope = today, "grooming", "self"
        if dice.random() < BROKEN:
            kind = dice.randrange(4)
            if kind == 3:
                day, over = "2016-05-01", over + 1
            else:
                broken += 1
                address = "nobody" if kind == 0 else address
                word = "groming" if kind == 1 else word
                day = "11/24/2026" if kind == 2 else day
        elif len(shared) < most:
            scope = "federation"
            shared.append(address)
        else:
            own.append(address)
        lines.append(f"{address};{scope};{day};{word}")
    return Rows("\n".join(lines) + "\n", own, shared, broken, over)


def sodium_seconds(rows: int) -> float:
    """Measure how long the bare evaluations of so many rows take on one core."""
    scalar = random_scalar()
    begin = time.perf_counter()
    for number in range(_MEASURED):
        output_direct(scalar, number.to_bytes(40), Mode.VOPRF)
    return (time.perf_counter() - begin) / _MEASURED * rows


class Campaign:
    """One run of it on a federation that is up."""

    def __init__(self, fed: Federation, root: Path, rows: Rows, dice: Random) -> None:
        self._fed = fed
        self._root = root
        self._rows = rows
        self._dice = dice
        self.faults: list[str] = []
        self.killed = self.resumed = 0
        self._table = root / "list.csv"
        self._table.write_text(rows.text, encoding="utf-8")

    def run(self, kills: int) -> float:
        """Run all of it; return how long an import takes that nobody disturbs."""
        fed, rows = self._fed, self._rows
        before = [f"before{n}@mail.example" for n in range(STOOD)]
        about = [{"kind": "email", "value": each} for each in before]
        fed.propose(fed.a, about[:-1], scope="self")
        fed.publish(fed.a, about[-1:])
        begin = time.monotonic()
        whole = self._import(fed.b, "whole")
        seconds = time.monotonic() - begin
        self._expect(
            "an undisturbed import counts its rows",
            (len(whole["problems"]), sum(len(o["lines"]) for o in whole["over"])),
            (rows.broken, rows.over),
        )
        self._kill_importing(kills, seconds)
        last = self._import(fed.a, "killed")
        self._expect("the same is refused", last["problems"], whole["problems"])
        self._expect("the same is over", last["over"], whole["over"])
        whole_rejects, rejects = (
            (self._root / f"{name}.ndjson").read_text() for name in ("whole", "killed")
        )
        self._expect("the rejects file is the same", rejects, whole_rejects)
        self._check_listed("after the kills", once=True)
        for _ in range(2):
            again = self._import(fed.a, "again")
            told = len(again["already"])
            self._expect("all is listed already", told, len(rows.own + rows.shared))
        self._check_listed("after three imports", once=True)
        self._approve(fed.a)
        until(fed.caught_up, "the feeds reach the others", patience=_PATIENCE)
        if rows.shared:
            self._check_peers(rows.shared, listed=True)
        self._undo(seconds)
        until(fed.caught_up, "the revocations reach the others", patience=_PATIENCE)
        self._check_listed("after the undoing", once=False)
        self._check_peers(rows.shared, listed=False)
        self._expect(
            "what stood before matches", self._matches(fed.a, before), [1] * STOOD
        )
        feed = fed.caller(fed.a).get("/v1/status").body["feed_size"]
        kept = len(rows.shared) + 1  # what stood before, and the statements
        self._expect("the feed keeps its records", min(feed, kept + 1), kept + 1)
        verified = fed.fedsafe("audit", "verify", node=fed.a, person="anna")
        self._expect("the logs verify", verified.returncode, 0)
        return seconds

    def _expect(self, what: str, got: object, want: object) -> None:
        if got != want:
            shown = f"{str(got)[:80]} instead of {str(want)[:80]}"
            self.faults.append(f"{what}: {shown}")

    def _command(self, node: DemoNode, *arguments: str) -> list[str]:
        key = self._fed.root / "credentials" / node.name / "anna.key"
        where = ("--config", node.dir, "--credential", str(key))
        return [sys.executable, "-m", "fedsafe_cli", *arguments, *where]

    def _importing(self, node: DemoNode, name: str) -> list[str]:
        rejects = ("--rejects", str(self._root / f"{name}.ndjson"))
        command = ("signal", "import", "--json", *_FINDING, *rejects)
        return self._command(node, *command, str(self._table))

    def _import(self, node: DemoNode, name: str) -> Any:  # noqa: ANN401 (JSON)
        done = subprocess.run(
            self._importing(node, name), capture_output=True, check=False
        )
        self.resumed += b"broken off" in done.stderr
        document = json.loads(done.stdout or b"null")
        if not isinstance(document, dict) or "problem" in document:
            raise AssertionError(done.stderr.decode())
        return document

    def _kill_importing(self, kills: int, seconds: float) -> None:
        """Kill the command and the node in turn, somewhere within the import."""
        for number in range(kills):
            self._kill_within(
                self._importing(self._fed.a, "killed"), number, seconds * 0.9
            )

    def _kill_within(self, command: Sequence[str], number: int, seconds: float) -> None:
        fed = self._fed
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as running:
            try:
                running.wait(self._dice.uniform(0.1, max(seconds, 0.2)))
            except subprocess.TimeoutExpired:
                self.killed += 1
                if number % 2:
                    fed.kill(fed.a)
                    fed.start(fed.a)
                else:
                    running.kill()
            told = running.communicate()[1]
        self.resumed += b"broken off" in told

    def _approve(self, node: DemoNode) -> None:
        if self._rows.shared:
            done = self._fed.fedsafe(
                "signal", "approve", "--all", node=node, person="ben"
            )
            self._expect("the drafts are approved", done.returncode, 0)

    def _undo(self, seconds: float) -> None:
        listed = self._fed.fedsafe(
            "import",
            "list",
            "--limit",
            "1000",
            "--json",
            node=self._fed.a,
            person="anna",
        )
        runs = json.loads(listed.stdout)["imports"]
        mine = [each for each in runs if each["lines"] == self._rows.count]
        added = [each["added"] for each in mine if each["added"]]
        counts = len(self._rows.own) + len(self._rows.shared)
        self._expect("one import has added all", added, [counts])
        beside = sum(each["added"] for each in runs) - counts
        self._expect("no other has added anything", beside, STOOD)
        for each in mine:
            command = self._command(self._fed.a, "import", "undo", "--yes", each["run"])
            for number in (0, 1):
                self._kill_within(command, number, seconds * 0.3)
            done = subprocess.run(command, capture_output=True, check=False)
            self._expect("the undoing ends well", done.returncode, 0)

    def _check_listed(self, when: str, *, once: bool) -> None:
        """Ask about everybody: one signal each, or none."""
        rows = self._rows
        found = self._matches(self._fed.a, rows.own + rows.shared)
        want = [1 if once else 0] * len(found)
        self._expect(f"each person is listed once {when}", sum(found), sum(want))
        self._expect(f"nobody is listed twice or not {when}", found, want)

    def _check_peers(self, values: list[str], *, listed: bool) -> None:
        # At b the same list stands as drafts with own bans of b's: only a's count.
        fed = self._fed
        for node in (fed.b, fed.c):
            found = self._matches(node, values, origin=fed.a.name)
            want = [int(listed)] * len(values)
            self._expect(f"{node.name} lists what a.demo does", found, want)

    def _matches(
        self, node: DemoNode, values: Sequence[str], origin: str | None = None
    ) -> list[int]:
        found: list[int] = []
        caller = self._fed.caller(node)
        for start in range(0, len(values), _ASKED):
            lookups = [
                {"questions": [{"kind": "email", "value": value}]}
                for value in values[start : start + _ASKED]
            ]
            body = {"lookups": lookups, "purpose": "recheck", "deadline_ms": 60_000}
            answer = caller.post("/v1/lookup/batch", body, timeout=_PATIENCE)
            if answer.status != 200:
                raise AssertionError(str(answer.body)[:200])
            found += [
                sum(
                    origin is None or match["origin"] == origin
                    for match in (*each["matches"], *(each.get("on_trial") or ()))
                )
                for each in answer.body["answers"]
            ]
        return found


def campaign(fed: Federation, root: Path, *, rows: int, kills: int, seed: int) -> Seen:
    """Run it on a federation that is up."""
    dice = Random(seed)  # noqa: S311
    table = make_rows(rows, dice, today=time.strftime("%Y-%m-%d", time.gmtime()))
    run = Campaign(fed, root, table, dice)
    seconds = run.run(kills)
    return Seen(
        faults=run.faults,
        killed=run.killed,
        resumed=run.resumed,
        seconds=seconds,
        sodium=sodium_seconds(len(table.own)),
        rows=rows,
    )


def main() -> int:
    """Run the campaign and say what was seen."""
    parser = argparse.ArgumentParser(description="Import a list under kills, undo it.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        with federation(root / "f") as fed:
            seen = campaign(
                fed, root, rows=given.rows, kills=given.kills, seed=given.seed
            )
    print(seen.told())
    for fault in seen.faults:
        print(f"broken: {fault}")
    return 0 if seen.holds else 1


if __name__ == "__main__":
    sys.exit(main())
