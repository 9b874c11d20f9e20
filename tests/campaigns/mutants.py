# SPDX-License-Identifier: Apache-2.0
"""Change one place of the code at a time, and see that a test fails for it.

    .venv/bin/pip install --group mutants
    .venv/bin/python -m tests.campaigns.mutants [--only threshold] [--seed N]

What is changed, and which tests are asked, stands in `tests/mutants.toml`: the modules
that defend people are changed at every place, others at places drawn by the seed. A
change is one of Cosmic Ray's (a comparison, a sign, a number, `and` for `or`, a caught
error, a loop without a turn), or a statement left out. A mutant is *killed* if a test
fails or does not end, and *survives* if all pass. A survivor that cannot be killed,
since it changes nothing that anybody could see, is explained in the table by the lines
before and after, with the reason.

The changes are made in a copy of the working tree. Prints the seed first, then each
survivor, then a table of the sums. Ends with status 1 if one survived unexplained.
Mutants that `--results` names as judged are not asked again, so a stopped run goes on.
"""

import argparse
import ast
import difflib
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Any, Final

REPOSITORY: Final = Path(__file__).parents[2]
TABLE: Final = REPOSITORY / "tests" / "mutants.toml"
ROOMS: Final = ("federation", "crypto", "node", "policies", "cli")
_OURS: Final = ("fedsafe_", "tests", "conftest")
_HEADS: Final = ("\n-@dataclass", "\n-class ")  # frozen or not: nobody writes to them
_PATIENCE: Final = 5.0
_LEAST: Final = 20.0
_PYTEST: Final = (
    *("-x", "-q", "-n0", "-p", "no:cacheprovider", "-p", "no:randomly"),
    "--timeout=0",  # on a busy machine a slow test would pass for a killed mutant
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # its plugins are loaded
)

_COMPARED: Final = {
    "Eq": ("NotEq",),
    "NotEq": ("Eq",),
    "Lt": ("LtE", "GtE"),
    "LtE": ("Lt", "Gt"),
    "Gt": ("GtE", "LtE"),
    "GtE": ("Gt", "Lt"),
    "Is": ("IsNot",),
    "IsNot": ("Is",),
}
_SUMS: Final = {
    "Add": "Sub",
    "Sub": "Add",
    "Mul": "FloorDiv",
    "FloorDiv": "Mul",
    "Mod": "FloorDiv",
    "Pow": "Mul",
    "LShift": "RShift",
    "RShift": "LShift",
    "BitAnd": "BitXor",
    "BitXor": "BitAnd",
}
OPERATORS: Final = (
    *(
        f"ReplaceComparisonOperator_{old}_{new}"
        for old, others in _COMPARED.items()
        for new in others
    ),
    *(f"ReplaceBinaryOperator_{old}_{new}" for old, new in _SUMS.items()),
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "AddNot",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ExceptionReplacer",
    "NumberReplacer",
    "ZeroIterationForLoop",
)
"""Those of Cosmic Ray whose mutants are seldom the same program."""


@dataclass(frozen=True, slots=True)
class Target:
    """A module, and the tests that have to notice what becomes of it.

    `drawn` is how many places are drawn; None stands for all of them.
    """

    name: str
    path: str
    tests: tuple[str, ...]
    drawn: int | None


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change."""

    target: Target
    change: str
    code: str

    @property
    def key(self) -> str:
        """Name it in the results: the same as long as the changed lines are."""
        return f"{self.target.path}\n{self.change}"


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a mutant: `killed`, `endless` or `survived`."""

    mutant: Mutant
    outcome: str


def targets() -> list[Target]:
    """Read the table."""
    table = tomllib.loads(TABLE.read_text())
    return [
        Target(row["name"], row["path"], tuple(row["tests"]), row.get("drawn"))
        for row in table["target"]
    ]


def explained() -> dict[str, str]:
    """Return the reasons for survivors, by path and change."""
    table = tomllib.loads(TABLE.read_text())
    return {
        f"{row['path']}\n{row['change'].strip()}": row["why"]
        for row in table.get("explained", ())
    }


def mutants_of(target: Target, seed: int) -> list[Mutant]:
    """Return a module's mutants, each change once, in an order by the seed."""
    code = (REPOSITORY / target.path).read_text()
    found: dict[str, Mutant] = {}
    for changed in dict.fromkeys(changes_of(code)):
        change = difference(code, changed)
        if any(head in change for head in _HEADS) or not is_code(changed):
            continue
        number = 2
        while change in found:  # the same lines once more in one function
            change = f"{change.removesuffix(f' #{number - 1}')} #{number}"
            number += 1
        found[change] = Mutant(target, change, changed)
    mutants = [found[change] for change in sorted(found)]
    Random(f"{seed} {target.path}").shuffle(mutants)  # noqa: S311 - to repeat a run
    return mutants if target.drawn is None else mutants[: target.drawn]


def changes_of(code: str) -> Iterator[str]:
    """Yield a module's text with one change, for each that there is."""
    from cosmic_ray.ast import ast_nodes, get_ast  # noqa: PLC0415 - only here, on demand
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415

    nodes = list(ast_nodes(get_ast(code)))
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
        for occurrence in range(count):
            changed = mutate_code(code, operator, occurrence)
            if changed is not None:
                yield changed
    yield from without_statements(code)


def without_statements(code: str) -> Iterator[str]:
    """Yield a module's text without one of its calls, raises or assignments."""
    lines = code.splitlines(keepends=True)
    for node in ast.walk(ast.parse(code)):
        is_call = isinstance(node, ast.Expr) and not isinstance(
            node.value, ast.Constant
        )
        if not is_call and not isinstance(node, ast.Raise | ast.AugAssign):
            continue
        assert isinstance(node, ast.stmt)
        assert node.end_lineno is not None
        indent = lines[node.lineno - 1][: node.col_offset]
        if indent.strip():
            continue  # behind a colon on one line
        kept = lines[: node.lineno - 1], lines[node.end_lineno :]
        yield "".join((*kept[0], f"{indent}pass\n", *kept[1]))


def difference(old: str, new: str) -> str:
    """Say where two texts differ: the function, lines before (`-`) and after (`+`)."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changed = [codes for codes in matcher.get_opcodes() if codes[0] != "equal"]
    lines = [f"in {function_at(old, changed[0][1] + 1)}"]
    for _, begin, end, begin_new, end_new in changed:
        lines += [f"-{line.strip()}" for line in before[begin:end]]
        lines += [f"+{line.strip()}" for line in after[begin_new:end_new]]
    return "\n".join(lines)


def function_at(code: str, number: int) -> str:
    """Name the innermost function or class that holds a line, else `module`."""
    name = "module"
    for node in ast.walk(ast.parse(code)):  # outer ones first
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if node.lineno <= number <= (node.end_lineno or 0):
            name = node.name if name == "module" else f"{name}.{node.name}"
    return name


def is_code(text: str) -> bool:
    """Whether it compiles: what does not, any test would notice."""
    try:
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


class Copy:
    """A copy of the working tree with a process that runs tests in it.

    The process loads what is not ours once and forks for each run, so a run costs
    its tests and little more.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        for name in tracked():
            there = root / name
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, there)
        paths = [str(root), *(str(root / room) for room in ROOMS)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.mutants", "--serve"],
            cwd=root,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "PYTHONDONTWRITEBYTECODE": "1",
                "HYPOTHESIS_STORAGE_DIRECTORY": str(root / ".hypothesis"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, tests: Sequence[str], patience: float) -> tuple[str, float]:
        """Run tests; return `passed`, `failed` or `endless`, and the seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([list(tests), patience]) + "\n")
        self._process.stdin.flush()
        outcome, seconds = json.loads(self._process.stdout.readline())
        return str(outcome), float(seconds)

    def judge(self, mutant: Mutant, patience: float) -> Judged:
        """Run the tests on a mutant and put the module back."""
        file = self._root / mutant.target.path
        file.write_text(mutant.code)
        try:
            outcome, _ = self.run(mutant.target.tests, patience)
        finally:
            shutil.copy2(REPOSITORY / mutant.target.path, file)
        told = {"passed": "survived", "failed": "killed"}
        return Judged(mutant, told.get(outcome, outcome))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def tracked() -> list[str]:
    """Return the files of the working tree that are there, kept or new."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"],  # noqa: S607
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout
    return [name for name in listed.split("\0") if (REPOSITORY / name).is_file()]


def serve() -> None:
    """Run tests as the lines of the standard input say, each in a child."""
    answers = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    loaded = False
    for line in sys.stdin:
        tests, patience = json.loads(line)
        if not loaded:
            preload(tests)
            loaded = True
        begin = time.monotonic()
        outcome = run_in_child(tests, patience)
        answer = json.dumps([outcome, time.monotonic() - begin]) + "\n"
        os.write(answers, answer.encode())


def preload(tests: Sequence[str]) -> None:
    """Import what the tests import and is not ours, so that children find it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        import pytest  # noqa: PLC0415

        pytest.main([*_PYTEST, "--collect-only", *tests])
        names = [name for name in sys.modules if not name.startswith(_OURS)]
        with os.fdopen(writing, "w") as pipe:
            pipe.write("\n".join(names))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        names = pipe.read().split("\n")
    os.waitpid(child, 0)
    for name in names:
        with suppress(Exception):
            __import__(name)


def run_in_child(tests: Sequence[str], patience: float) -> str:
    """Run tests in a child of its own group, which is killed if it takes too long."""
    child = os.fork()
    if child == 0:
        os.setsid()
        import pytest  # noqa: PLC0415

        status = pytest.main([*_PYTEST, *tests])
        os._exit(int(status))
    end = time.monotonic() + patience
    watched = os.pidfd_open(child)
    try:
        ready, _, _ = select.select([watched], [], [], max(0.0, end - time.monotonic()))
    finally:
        os.close(watched)
    with suppress(ProcessLookupError):
        if not ready:
            os.kill(child, signal.SIGKILL)
        os.killpg(child, signal.SIGKILL)  # what the tests started and left
    _, status = os.waitpid(child, 0)
    if not ready:
        return "endless"
    return "passed" if os.waitstatus_to_exitcode(status) == 0 else "failed"


def judge_all(
    wanted: Iterable[Target],
    seed: int,
    jobs: int,
    known: Mapping[str, str],
    root: Path,
) -> Iterator[Judged]:
    """Judge the mutants of all targets; raise if the tests fail on the code itself."""
    copies: SimpleQueue[Copy] = SimpleQueue()
    everything = []
    for number in range(jobs):
        everything.append(Copy(root / str(number)))
        copies.put(everything[-1])

    def judge(mutant: Mutant, patience: float) -> Judged:
        if mutant.key in known:
            return Judged(mutant, known[mutant.key])
        copy = copies.get()
        try:
            return copy.judge(mutant, patience)
        finally:
            copies.put(copy)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            for target in wanted:
                outcome, seconds = everything[0].run(target.tests, 600.0)
                if outcome != "passed":
                    raise SystemExit(f"{target.name}: its tests fail as the code is")
                patience = max(_LEAST, _PATIENCE * seconds)
                mutants = mutants_of(target, seed)
                print(f"{target.name}: {len(mutants)} mutants, {seconds:.1f} s each")
                yield from pool.map(judge, mutants, [patience] * len(mutants))
    finally:
        for copy in everything:
            copy.close()


def table_of(sums: Mapping[str, Counter[str]]) -> str:
    """Return the sums by target as a table in Markdown."""
    heads = ("killed", "endless", "survived", "explained")
    lines = ["| module | mutants | " + " | ".join(heads) + " |", "|---" * 6 + "|"]
    for name, counts in sums.items():
        cells = " | ".join(str(counts[head]) for head in heads)
        lines.append(f"| {name} | {sum(counts.values())} | {cells} |")
    return "\n".join(lines)


def results_in(file: Path | None) -> dict[str, str]:
    """Return what an earlier run has judged."""
    if file is None or not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return {str(row["key"]): str(row["outcome"]) for row in rows}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.serve:
        serve()
        return 0
    wanted = [
        target
        for target in targets()
        if given.only is None or target.name in given.only
    ]
    print(f"seed {given.seed}", flush=True)
    known, reasons = results_in(given.results), explained()
    sums: dict[str, Counter[str]] = {target.name: Counter() for target in wanted}
    with tempfile.TemporaryDirectory(prefix="fedsafe-mutants-") as folder:
        judged = judge_all(wanted, given.seed, given.jobs, known, Path(folder))
        for each in judged:
            record(each, known, given.results)
            outcome = each.outcome
            if outcome == "survived" and each.mutant.key in reasons:
                outcome = "explained"
            elif outcome == "survived":
                print(f"{each.mutant.target.path}\n{each.mutant.change}\n", flush=True)
            sums[each.mutant.target.name][outcome] += 1
    print(table_of(sums))
    return 1 if any(counts["survived"] for counts in sums.values()) else 0


def record(each: Judged, known: Mapping[str, str], file: Path | None) -> None:
    """Add what was judged to the file of results, once."""
    if file is None or each.mutant.key in known:
        return
    row: dict[str, Any] = {"key": each.mutant.key, "outcome": each.outcome}
    with file.open("a") as results:
        results.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(main())
