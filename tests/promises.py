# SPDX-License-Identifier: Apache-2.0
"""Which test shows which promise: marks on tests, and the page made of them.

`promises.toml` names what is promised or required. A test that shows it says so:

    @pytest.mark.promise("LR-13")
    async def test_a_changed_record_is_found_and_its_place_named(): ...

Renew the page with `python -m tests.promises > docs/reference/promises.md`. The tests
are read, never run.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PROMISES: Final = ROOT / "tests" / "promises.toml"
PAGE: Final = ROOT / "docs" / "reference" / "promises.md"
MARK: Final = "promise"
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_HEAD: Final = """\
# Promises and the tests that show them

<!-- Generated from tests/promises.toml and marks: python -m tests.promises -->

What the README, the handbook and the threat model promise, and what the law requires
as engineers read it, each beside the tests that show it. The table names what no test
shows, and why. It is not legal advice: a test shows what a program does, not that it is
lawful. The rules of data protection, P1 to P22, have their tests beside them in
[policy rules](policy-rules.md).

"""


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise: one sentence, where it is from, and where it applies.

    `gap` says why no test shows it, `missing` what its tests do not show.
    """

    id: str
    says: str
    source: str
    applies: str
    gap: str | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """Promises of one source."""

    title: str
    about: str
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class Marked:
    """A test that shows promises."""

    file: str
    name: str
    shows: str
    promises: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """All marked tests, and marks that nobody can count."""

    tests: tuple[Marked, ...]
    faults: tuple[str, ...]


def read_promises(path: Path = PROMISES) -> list[Chapter]:
    """Read what is promised.

    Raises:
        ValueError: a key does not fit, or an id is there twice.
    """
    document = tomllib.loads(path.read_text())
    chapters = [
        Chapter(
            title=chapter["title"],
            about=chapter["about"],
            promises=tuple(Promise(**each) for each in chapter["promise"]),
        )
        for chapter in document["chapter"]
    ]
    ids = [each.id for chapter in chapters for each in chapter.promises]
    if len(ids) != len(set(ids)):
        raise ValueError(f"{path.name}: an id is there twice")
    return chapters


def ids_of(chapters: Sequence[Chapter]) -> frozenset[str]:
    """Give the ids of all promises."""
    return frozenset(each.id for chapter in chapters for each in chapter.promises)


def read_marks(root: Path = ROOT) -> Marks:
    """Find the marked tests below `tests/`, by their text."""
    tests: list[Marked] = []
    faults: list[str] = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        text = path.read_text()
        if f"mark.{MARK}" not in text:
            continue
        file, tree = str(path.relative_to(root)), ast.parse(text)
        counted = 0
        for node in tree.body:
            if isinstance(node, _FUNCTIONS) and node.name.startswith("test"):
                marks = [each for each in node.decorator_list if _is_mark(each)]
                counted += len(marks)
                if marks:
                    tests.append(_marked(file, node, marks))
        marks_there = sum(_is_mark(node) for node in ast.walk(tree))
        if marks_there != counted:
            faults.append(f"{file}: a mark is on something else than a test")
    return Marks(tuple(tests), tuple(faults))


def _is_mark(node: ast.AST) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return called and ast.unparse(node.func) == f"pytest.mark.{MARK}"  # type: ignore[attr-defined]


def _marked(
    file: str, node: ast.FunctionDef | ast.AsyncFunctionDef, marks: list[ast.expr]
) -> Marked:
    ids = tuple(
        argument.value
        for mark in marks
        if isinstance(mark, ast.Call)
        for argument in mark.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )
    said = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    words = node.name.removeprefix("test_").replace("_", " ")
    return Marked(file, node.name, said or words, ids)


def find_faults(chapters: Sequence[Chapter], marks: Marks) -> list[str]:
    """Say what does not fit between promises and marks; nothing if all does."""
    known = ids_of(chapters)
    faults = list(marks.faults)
    for test in marks.tests:
        place = f"{test.file}::{test.name}"
        faults += [
            f"{place}: {each} is in no promises.toml"
            for each in test.promises
            if each not in known
        ]
        if not test.promises:
            faults.append(f"{place}: the mark names no promise")
    shown = {each for test in marks.tests for each in test.promises}
    for chapter in chapters:
        for promise in chapter.promises:
            faults += _faults_of(promise, shown=promise.id in shown)
    return faults


def _faults_of(promise: Promise, *, shown: bool) -> Iterator[str]:
    if promise.gap is not None and promise.missing is not None:
        yield f"{promise.id}: it has both a gap and something missing"
    if promise.gap is None and not shown:
        yield f"{promise.id}: no test shows it; mark one, or name the gap"
    if promise.gap is not None and shown:
        yield f"{promise.id}: a test shows it, so it is no gap; say what is missing"


def write_page(chapters: Sequence[Chapter], marks: Marks) -> str:
    """Write the page."""
    tests: dict[str, list[Marked]] = {}
    for test in marks.tests:
        for each in test.promises:
            tests.setdefault(each, []).append(test)
    promises = [each for chapter in chapters for each in chapter.promises]
    gaps = [each for each in promises if each.gap is not None]
    partly = [each for each in promises if each.missing is not None]
    shown = len(promises) - len(gaps) - len(partly)
    of_all = f"Of {len(promises)} promises {shown} are shown"
    lines = [
        f"{_HEAD}{of_all}, {len(partly)} in part, {len(gaps)} by no test.\n",
        "| gap | what no test shows, and why |",
        "|---|---|",
        *(f"| {_link(each)} | {each.missing or each.gap} |" for each in partly + gaps),
        "",
    ]
    for chapter in chapters:
        lines += [f"## {chapter.title}", "", chapter.about, ""]
        for promise in chapter.promises:
            lines += [*_told(promise, tests), ""]
    return "\n".join(lines).rstrip() + "\n"


def _link(promise: Promise) -> str:
    return f"[{promise.id}](#{promise.id.lower()})"


def _told(promise: Promise, tests: Mapping[str, Sequence[Marked]]) -> Iterator[str]:
    yield f"### {promise.id}"
    yield ""
    yield f"{promise.says} *{promise.source}; {promise.applies}.*"
    if promise.gap is not None:
        yield ""
        yield f"**Gap**: {promise.gap}"
        return
    yield ""
    for test in tests.get(promise.id, ()):
        yield f"* {test.shows} (`{test.file}::{test.name}`)"
    if promise.missing is not None:
        yield ""
        yield f"**In part**: {promise.missing}"


if __name__ == "__main__":
    sys.stdout.write(write_page(read_promises(), read_marks()))
