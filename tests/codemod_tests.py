# SPDX-License-Identifier: Apache-2.0
"""Move tests to the rooms of what they test, by `files` in `tests/moved.toml`.

`python -m tests.codemod_tests` changes the working tree, which must be clean. What test
modules take from each other goes to `tests/support/`, with all that it rests on; then
files move, and their names are written anew wherever a file of the repository says an
old one: in imports, strings, paths and prose.

`--compare BEFORE AFTER` reads what `pytest --collect-only -q` printed, and ends with 1
unless both hold the same tests by the map. `--successors BEFORE AFTER` lets the newer
have more: it ends with 1 if a test before has no successor, which is the same test in
its file of today, another that `succeeded` names, or whatever runs it by `moved`.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
MAP: Final = ROOT / "tests" / "moved.toml"
HISTORY: Final = ("docs/changes/", "CHANGELOG.md", "tests/rooms.toml")
_LICENCE: Final = "# SPDX-License" + "-Identifier: Apache-2.0"
_HERE: Final = re.compile(
    r"Path\(__file__\)(?P<up>(?:\.parents\[\d+\]|(?:\.parent)+))"
    r"(?P<on>(?: / \"[^\"]+\")*)"
)
_FROM: Final = re.compile(
    r"^(?P<indent>[ \t]*)from (?P<package>tests(?:\.\w+)*) import "
    r"(?P<names>\([^)]*\)|[^\n(#]+)(?P<rest>[ \t]*#[^\n]*)?$",
    re.MULTILINE,
)
PLAIN: Final = 2
"""From so many folders up on it is `parents[n]`."""
_SORTED: Final = ("tests", "benchmarks")
_RULES: Final = "F401,I,RUF022"  # imports that nothing uses now, and what is sorted

Defining = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def main(arguments: Sequence[str]) -> int:
    """Move everything, or compare two collections."""
    table = tomllib.loads(MAP.read_text(encoding="utf-8"))
    match arguments:
        case []:
            return _move_all(table)
        case ["--compare", before, after]:
            old, new = (
                Path(each).read_text(encoding="utf-8") for each in (before, after)
            )
            found = differences(old, new, table["files"])
            print(*found or ["the same tests"], sep="\n")
            return 1 if found else 0
        case ["--successors", before, after]:
            old, new = (
                Path(each).read_text(encoding="utf-8") for each in (before, after)
            )
            lost, counts = successors(old, new, table)
            print(*lost, *(f"{n} {how}" for how, n in counts.items()), sep="\n")
            return 1 if lost else 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def differences(before: str, after: str, files: Mapping[str, str]) -> list[str]:
    """Name the tests that only one of two collections has, with the files moved."""
    old = [_moved(each, files) for each in _ids(before)]
    new = list(_ids(after))
    lost = [f"lost: {each}" for each in sorted(set(old) - set(new))]
    lost += [f"new: {each}" for each in sorted(set(new) - set(old))]
    if not lost and len(old) != len(new):
        lost.append(f"{len(old)} tests before, {len(new)} after")
    return lost


def successors(
    before: str, after: str, table: Mapping[str, Any]
) -> tuple[list[str], dict[str, int]]:
    """Name the tests that have no successor; count the others by what became of them.

    A row of `succeeded` counts only if all tests that it names as heirs are there.
    """
    new = set(_ids(after))
    functions = {each.partition("[")[0] for each in new}
    heirs = [
        _like(row["tests"])
        for row in table["succeeded"]
        if functions.issuperset(row["by"])
    ]
    moved = [_like(row["tests"]) for row in table["moved"]]
    lost: list[str] = []
    counts = dict.fromkeys(("the same", "succeeded", "run elsewhere", "new"), 0)
    old = [_moved(each, table["files"]) for each in _ids(before)]
    for test in old:
        if test in new:
            counts["the same"] += 1
        elif any(pattern.fullmatch(test) for pattern in heirs):
            counts["succeeded"] += 1
        elif any(pattern.fullmatch(test) for pattern in moved):
            counts["run elsewhere"] += 1
        else:
            lost.append(f"lost: {test}")
    counts["new"] = len(new.difference(old))
    return lost, counts


def _like(pattern: str) -> re.Pattern[str]:
    """Let a star stand for anything; brackets are parameters."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _ids(said: str) -> Iterator[str]:
    return (line for line in said.splitlines() if re.match(r"tests/\S+\.py::", line))


def _moved(test: str, files: Mapping[str, str]) -> str:
    file, colons, name = test.partition("::")
    return f"{files.get(file, file)}{colons}{name}"


def _move_all(table: Mapping[str, Any]) -> int:
    if _git("status", "--porcelain"):
        print("the working tree is not clean", file=sys.stderr)
        return 2
    files: dict[str, str] = table["files"]
    for row in table["fixtures"]:
        _rename_fixture(row["under"], row["old"], row["new"])
    for row in table["shared"]:
        _share(row["module"], row["says"], row["of"])
    for old, new in files.items():
        (ROOT / new).parent.mkdir(parents=True, exist_ok=True)
        _git("mv", old, new)
    _git("add", "--all")
    names = files | table["folders"]
    dotted = {_dotted(old): _dotted(new) for old, new in names.items()}
    back = {new: old for old, new in files.items()}
    for path in _texts():
        _rewrite(path, names, dotted, back)
    _tidy()
    return 0


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _dotted(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def _texts() -> Iterator[Path]:
    for name in _git("ls-files").splitlines():
        path = ROOT / name
        if name.startswith(HISTORY) or path.is_symlink() or not path.is_file():
            continue
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield path


def _rename_fixture(under: str, old: str, new: str) -> None:
    for path in sorted((ROOT / under).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        for token in reversed(tokens):
            if token.type == tokenize.NAME and token.string == old:
                row, column = token.start
                line = lines[row - 1]
                lines[row - 1] = line[:column] + new + line[column + len(old) :]
        path.write_text("".join(lines), encoding="utf-8")


@dataclass
class Source:
    """A test module, taken apart: what stands at its top, and where."""

    path: str
    taken: set[str] = field(default_factory=set)

    @cached_property
    def text(self) -> str:
        return (ROOT / self.path).read_text(encoding="utf-8")

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines(keepends=True)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def defined(self) -> dict[str, list[int]]:
        """At which places of the body each name is bound, imports left out."""
        found: dict[str, list[int]] = {}
        for place, node in enumerate(self.tree.body):
            for name in _bound(node):
                found.setdefault(name, []).append(place)
        return found

    def imports(self) -> Iterator[tuple[str, str]]:
        """Give each name that is imported at the top, and the line that imports it."""
        for node in self.tree.body:
            if isinstance(node, ast.Import):
                for each in node.names:
                    called = each.asname or each.name.partition(".")[0]
                    yield called, ast.unparse(ast.Import([each])) + self.why(node)
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    one = ast.ImportFrom(node.module, [each], node.level)
                    yield each.asname or each.name, ast.unparse(one) + self.why(node)

    def why(self, node: ast.stmt) -> str:
        """Give what is said beside an import that stands on one line."""
        _, mark, said = self.lines[node.lineno - 1].partition("  # ")
        return mark + said.rstrip() if node.lineno == node.end_lineno else ""

    def places(self, names: Iterable[str]) -> set[int]:
        """Find where names are bound, with all of this module that they rest on."""
        left, found = set(names), set[int]()
        while left:
            for place in self.defined.get(left.pop(), ()):
                if place not in found:
                    found.add(place)
                    left |= _used(self.tree.body[place])
        return found

    def piece(self, place: int) -> tuple[int, int]:
        """Give the lines of one place: with comments above it and a text below it."""
        node, body = self.tree.body[place], self.tree.body
        first = min(
            [
                node.lineno,
                *(each.lineno for each in getattr(node, "decorator_list", ())),
            ]
        )
        last = node.end_lineno or node.lineno
        after = body[place + 1] if place + 1 < len(body) else None
        if _is_text(after) and not isinstance(node, Defining):
            last = after.end_lineno or after.lineno  # type: ignore[union-attr]
        first -= 1
        while first and self.lines[first - 1].startswith("#"):
            first -= 1
        return first, last


def _is_text(node: ast.stmt | None) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, Defining):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


def _used(node: ast.stmt) -> set[str]:
    """Name all that a statement speaks of; a fixture also by its parameters."""
    asked = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return _spoken(node) | (asked if _is_fixture(node) else set())


def _spoken(node: ast.AST) -> set[str]:
    names: set[str] = set()
    if isinstance(node, ast.Name):
        names.add(node.id)
    for each in ast.iter_child_nodes(node):
        names |= _spoken(each)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        own = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
        own |= {
            each.id
            for each in ast.walk(node)
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
        }
        names -= own
    return names


def _is_fixture(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
        "fixture" in ast.unparse(each) for each in node.decorator_list
    )


def _share(module: str, says: str, of: Sequence[str]) -> None:
    """Move what others take from test modules to a module of its own."""
    where, pieces, imports = _dotted(module), list[str](), dict[str, str]()
    bound, own = set[str](), {where, *map(_dotted, of)}
    for path in of:
        source, wanted = Source(path), _taken(path)
        moved = sorted(source.places(wanted))
        assert moved, f"{path}: nobody takes anything from it"
        bodies = [source.tree.body[place] for place in moved]
        names = {name for node in bodies for name in _bound(node)}
        elsewhere = dict(source.imports())  # what it has from others, it gives no more
        assert wanted - names <= set(elsewhere), f"{path}: {wanted - names}"
        assert not names & bound, f"{module}: {sorted(names & bound)} from two"
        bound |= names
        spoken = set[str]().union(*map(_used, bodies))
        for name, line in source.imports():
            if name in spoken and line.split()[1] not in own:
                assert imports.setdefault(name, line) == line, f"{module}: two {name}"
        for node in bodies:
            for name in _bound(node):
                assert not name.startswith("test_"), f"{path}: {name}"
        spans = [source.piece(place) for place in moved]
        for node, (first, last) in zip(bodies, spans, strict=True):
            space = "\n\n" if isinstance(node, Defining) else ""
            pieces.append(space + "".join(source.lines[first:last]).rstrip() + space)
        _leave(source, where, names, spans, [n for n in bodies if _is_fixture(n)])
        _ask_elsewhere(path, where, {n: elsewhere[n] for n in wanted - names})
    assert not bound & set(imports), f"{module}: {sorted(bound & set(imports))}"
    text = "\n".join([_LICENCE, f'"""{says}"""', "", *sorted(imports.values()), ""])
    target = ROOT / module
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n\n" + "\n".join(pieces) + "\n", encoding="utf-8")
    _git("add", module)


def _taken(path: str) -> set[str]:
    """Name what other files import from a test module."""
    taken: set[str] = set()
    for name in _git("ls-files", "*.py").splitlines():
        text = (ROOT / name).read_text(encoding="utf-8")
        if name == path or _dotted(path) not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module == _dotted(path):
                taken |= {each.name for each in node.names}
    return taken


def _leave(
    source: Source,
    where: str,
    names: set[str],
    spans: Sequence[tuple[int, int]],
    fixtures: Sequence[ast.stmt],
) -> None:
    """Take pieces out of a test module, and import what it still uses of them."""
    lines = list(source.lines)
    for first, last in spans:
        lines[first:last] = [""] * (last - first)
    text = "".join(lines)
    left = ast.parse(text)
    shown = {name for node in fixtures for name in _bound(node)}
    used = set[str]().union(*(_used(node) for node in left.body)) & names | shown
    if used:
        line = f"from {where} import {', '.join(sorted(used))}\n"
        asks = (n for n in left.body if isinstance(n, ast.Import | ast.ImportFrom))
        kept = text.splitlines(keepends=True)
        kept.insert(next(asks).lineno - 1, line)
        text = "".join(kept)
    if shown:
        text = _shown(text, shown)
    (ROOT / source.path).write_text(text, encoding="utf-8")


def _shown(text: str, names: set[str]) -> str:
    """Say of fixtures that they are imported for the tests below."""
    tree, lines = ast.parse(text), text.splitlines(keepends=True)
    for node in tree.body:
        if isinstance(node, ast.Assign) and "__all__" in set(_bound(node)):
            names = names | set(ast.literal_eval(node.value))
            lines[node.lineno - 1 : node.end_lineno] = [
                f"__all__ = {sorted(names)}\n".replace("'", '"')
            ]
            return "".join(lines)
    last = max(
        node.end_lineno or 0
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    lines.insert(last, f"\n__all__ = {sorted(names)}\n".replace("'", '"'))
    return "".join(lines)


def _ask_elsewhere(path: str, where: str, elsewhere: Mapping[str, str]) -> None:
    old = _dotted(path)
    for name in _git("ls-files", "*.py").splitlines():
        file = ROOT / name
        text = file.read_text(encoding="utf-8")
        new = _FROM.sub(lambda match: _asked(match, old, where, elsewhere), text)
        if new != text:
            file.write_text(new, encoding="utf-8")


def _asked(
    match: re.Match[str], old: str, where: str, elsewhere: Mapping[str, str]
) -> str:
    if match["package"] != old:
        return match[0]
    names = _listed(match["names"])
    lines = [elsewhere[each] for each in names if each in elsewhere]
    left = [each for each in names if each not in elsewhere]
    if left:
        lines.append(f"from {where} import {', '.join(left)}{match['rest'] or ''}")
    return "\n".join(match["indent"] + line for line in lines)


def _listed(names: str) -> list[str]:
    """Read what an import lists, with what each is called."""
    plain = re.sub(r"#[^\n]*", "", names.strip("()")).replace("\n", " ")
    return [each for part in plain.split(",") if (each := part.strip())]


def _rewrite(
    path: Path,
    names: Mapping[str, str],
    dotted: Mapping[str, str],
    back: Mapping[str, str],
) -> None:
    before = path.read_text(encoding="utf-8")
    text, mark, map_ = before, "", ""
    if path == MAP:  # what follows is the map itself
        text, mark, map_ = text.partition("\n# Where the files of tests went")
    if path.suffix == ".py":
        text = _FROM.sub(lambda match: _import(match, dotted), text)
    text = _any(dotted, r"(?<![\w.])", r"(?!\w)").sub(lambda m: dotted[m[0]], text)
    stems = {old.removesuffix(".py"): new for old, new in names.items()}
    text = _any(stems, r"(?<![\w/-])", r"(?:\.py\b|(?![\w.-])|\.(?!\w))").sub(
        lambda match: _path(match[0], stems), text
    )
    old = back.get(str(path.relative_to(ROOT)))
    if old is not None and path.suffix == ".py":
        new = str(path.relative_to(ROOT))
        text = _HERE.sub(lambda match: _here(match, old, new, names), text)
    text += mark + map_
    if text != before:
        path.write_text(text, encoding="utf-8")


_patterns: dict[int, re.Pattern[str]] = {}


def _any(names: Mapping[str, str], before: str, after: str) -> re.Pattern[str]:
    """Match any of the names, the longest there is."""
    key = hash((frozenset(names), before))
    if key not in _patterns:
        listed = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        _patterns[key] = re.compile(f"{before}(?:{listed}){after}")
    return _patterns[key]


def _path(found: str, stems: Mapping[str, str]) -> str:
    for ending in (".py", ".", ""):
        if found.endswith(ending) and found.removesuffix(ending) in stems:
            new = stems[found.removesuffix(ending)]
            return new if ending == ".py" else new.removesuffix(".py") + ending
    return found


def _import(match: re.Match[str], dotted: Mapping[str, str]) -> str:
    """Write an import of modules out of a folder, each from where it lies now."""
    package, rest = match["package"], match["rest"] or ""
    lines, left = [], []
    for each in _listed(match["names"]):
        name, _, alias = each.partition(" as ")
        new = dotted.get(f"{package}.{name}")
        if new is None:
            left.append(each)
            continue
        where, _, what = new.rpartition(".")
        called = alias or name
        said = what if what == called else f"{what} as {called}"
        lines.append(f"{match['indent']}from {where} import {said}{rest}")
    if not lines:
        return match[0]
    if left:
        lines.append(f"{match['indent']}from {package} import {', '.join(left)}{rest}")
    return "\n".join(lines)


def _here(match: re.Match[str], old: str, new: str, names: Mapping[str, str]) -> str:
    """Find from a file's new place what it found from its old one."""
    up, on = match["up"], match["on"]
    count = int(up[9:-1]) + 1 if "[" in up else up.count(".parent")
    rest = "/".join(re.findall(r'"([^"]+)"', on))
    meant = Path(old).parents[count - 1] / rest
    target = Path(names.get(str(meant), str(meant)))
    if meant == Path(old).parent:
        target = Path(new).parent  # its own folder, whatever lies there
    above = Path(new).parents
    depth = next(n for n, each in enumerate(above) if target.is_relative_to(each))
    said = ".parent" * (depth + 1) if depth < PLAIN else f".parents[{depth}]"
    below = target.relative_to(above[depth])
    if str(below) not in {rest, "."}:
        on = "".join(f' / "{each}"' for each in below.parts)
    return f"Path(__file__){said}{on}"


def _tidy() -> None:
    """Leave out imports that nothing uses, sort and format."""
    ruff = [sys.executable, "-m", "ruff"]
    fix = ["check", "--fix-only", "--quiet", f"--select={_RULES}", *_SORTED]
    subprocess.run([*ruff, *fix], cwd=ROOT, check=True)
    subprocess.run([*ruff, "format", "--quiet", *_SORTED], cwd=ROOT, check=True)
    slow = ROOT / "tests" / "slow.txt"
    head, *rest = slow.read_text(encoding="utf-8").splitlines()
    slow.write_text("\n".join([head, *sorted(rest)]) + "\n", encoding="utf-8")
    page = ROOT / "docs" / "reference" / "promises.md"
    told = [sys.executable, "-m", "tests.promises"]
    done = subprocess.run(told, cwd=ROOT, check=True, capture_output=True, text=True)
    page.write_text(done.stdout, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
