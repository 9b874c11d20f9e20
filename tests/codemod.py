# SPDX-License-Identifier: Apache-2.0
"""Move the house: every module to its room and name, by `tests/rooms.toml`.

`python -m tests.codemod` changes the working tree, which must be clean. It moves files,
makes folders, and writes the new names wherever a file of the repository says an old
one: in imports, strings, paths and prose. It prints short references in docstrings that
name a module by one word, for a person to look at.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.rooms import TABLE, contracts, read_house

_LICENCE: Final = "# SPDX-License" + "-Identifier: Apache-2.0"
ROOT: Final = TABLE.parent.parent
PACKAGES: Final = ("node", "policies", "federation", "crypto", "cli")
KEPT: Final = frozenset({"tests/rooms.toml", "CHANGELOG.md"})
HISTORY: Final = "docs/changes/"
_FROM: Final = re.compile(
    r"^(?P<indent>[ \t]*)from (?P<package>fedsafe_[\w.]+) import "
    r"(?P<names>\([^)]*\)|[^\n(#]+)(?P<rest>[ \t]*#[^\n]*)?$",
    re.MULTILINE,
)
_TICKED: Final = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)((?:\.[A-Z_]\w*)*)`")
_CONTRACT: Final = "[[tool.importlinter.contracts]]\n"
_DONE: Final = "fedsafe\0"  # before what has its new name, and may be an old one too
_PARTS: Final = re.compile(r"\b(?:NODE|SOURCES) / |node/fedsafe_node/\*")
_WORD: Final = re.compile(r"`([a-z_]+)`")


def main() -> int:
    """Move everything, and tell what is left to look at."""
    if _git("status", "--porcelain"):
        print("the working tree is not clean", file=sys.stderr)
        return 2
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    modules = {
        old: new for part in table["modules"].values() for old, new in part.items()
    }
    folders = table["folders"]["moved"]
    names = {old: new for old, new in (folders | modules).items() if new}
    _move(modules, folders, table["folders"]["new"])
    for path in _texts():
        _rewrite(path, modules, names)
    _fence()
    for line in _hints(modules):
        print(line)
    return 0


def _fence() -> None:
    """Write the contracts of import-linter for rooms that are folders now."""
    path = ROOT / "pyproject.toml"
    text, mark = path.read_text(encoding="utf-8"), _CONTRACT + 'id = "light-cli"'
    assert text.count(mark) == 1, "where the contracts of the rooms belong"
    written = contracts(read_house())
    path.write_text(text.replace(mark, f"{written}\n{mark}"), encoding="utf-8")


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _file(module: str) -> Path:
    room = module.split(".", maxsplit=1)[0].removeprefix("fedsafe_")
    return ROOT / room / Path(*module.split("."))


def _move(
    modules: Mapping[str, str], folders: Mapping[str, str], new: Mapping[str, str]
) -> None:
    # All go aside first, for a new folder may be called as an old file.
    aside = ROOT / ".moving"
    aside.mkdir()
    parts: list[tuple[Path, Path]] = []
    for old, to in modules.items():
        if old != to:
            parts.append((_file(old).with_suffix(".py"), _file(to).with_suffix(".py")))
    for old, to in folders.items():
        source = _file(old)
        if to:
            parts += [(each, _file(to) / each.name) for each in _others(source)]
            parts.append((source / "__init__.py", _file(to) / "__init__.py"))
        else:
            _git("rm", "-q", str(source / "__init__.py"))
    for number, (source, _) in enumerate(parts):
        _git("mv", str(source), str(aside / str(number)))
    for folder, said in new.items():
        start = _file(folder) / "__init__.py"
        start.parent.mkdir(parents=True, exist_ok=True)
        text = f'{_LICENCE}\n"""{said}"""\n'
        start.write_text(text, encoding="utf-8")
    for number, (_, target) in enumerate(parts):
        target.parent.mkdir(parents=True, exist_ok=True)
        _git("mv", str(aside / str(number)), str(target))
    aside.rmdir()
    _git("add", "--all")


def _others(folder: Path) -> Iterator[Path]:
    """Give what else lies in a folder, such as its data."""
    for path in folder.iterdir():
        if (
            path.is_dir()
            and path.name != "__pycache__"
            and not list(path.rglob("*.py"))
        ):
            yield path


def _texts() -> Iterator[Path]:
    for name in _git("ls-files").splitlines():
        path = ROOT / name
        if (
            name in KEPT
            or name.startswith(HISTORY)
            or path.is_symlink()
            or not path.is_file()
        ):
            continue
        try:
            path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        yield path


def _rewrite(path: Path, modules: Mapping[str, str], names: Mapping[str, str]) -> None:
    text = before = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = _FROM.sub(lambda match: _import(match, modules), text)
    text = _dotted(names).sub(lambda match: names[match[0]], text)
    text = _paths(names).sub(lambda match: _path(match[0], names), text)
    text = text.replace(_DONE, "fedsafe_")
    package = path.relative_to(ROOT).parts
    if package[0] in PACKAGES and path.suffix == ".py":
        text = _TICKED.sub(
            lambda match: _short(match, f"fedsafe_{package[0]}", modules), text
        )
        module = ".".join(package[1:]).removesuffix(".py")
        if ".acts." not in module:  # what is said there goes out with the API
            text = _WORD.sub(lambda match: _neighbour(match, module, modules), text)
    if text != before:
        path.write_text(text, encoding="utf-8")


def _import(match: re.Match[str], modules: Mapping[str, str]) -> str:
    """Split an import of modules out of a package, and keep what they are called."""
    package, rest = match["package"], match["rest"] or ""
    if package in modules:
        return match[0]  # its names are looked at as they are
    listed = re.sub(r"#[^\n]*", "", match["names"].strip("()")).replace("\n", " ")
    lines, left = [], []
    for each in filter(None, (part.strip() for part in listed.split(","))):
        name, _, alias = each.partition(" as ")
        new = modules.get(f"{package}.{name}")
        if new is None:
            left.append(each)
            continue
        where, _, what = new.replace("fedsafe_", _DONE).rpartition(".")
        called = alias or name
        said = what if what == called else f"{what} as {called}"
        lines.append(f"{match['indent']}from {where} import {said}{rest}")
    if not lines:
        return match[0]
    if left:
        lines.append(f"{match['indent']}from {package} import {', '.join(left)}{rest}")
    return "\n".join(lines)


_patterns: dict[str, re.Pattern[str]] = {}


def _dotted(names: Mapping[str, str]) -> re.Pattern[str]:
    """Match an old dotted name, the longest there is; what follows may be its own."""
    if "dotted" not in _patterns:
        listed = "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True))
        _patterns["dotted"] = re.compile(rf"(?<![\w.])(?:{listed})(?!\w)")
    return _patterns["dotted"]


def _paths(names: Mapping[str, str]) -> re.Pattern[str]:
    if "paths" not in _patterns:
        olds = sorted((n.replace(".", "/") for n in names), key=len, reverse=True)
        listed = "|".join(map(re.escape, olds))
        _patterns["paths"] = re.compile(
            rf"(?:(?:{'|'.join(PACKAGES)})/)?(?<!\w)(?:{listed})(?=\.py\b|/)"
        )
    return _patterns["paths"]


def _path(found: str, names: Mapping[str, str]) -> str:
    root, slash, rest = found.partition("/fedsafe_")
    old = f"fedsafe_{rest}" if slash else found
    new = names[old.replace("/", ".")]
    place = new.split(".")[0].removeprefix("fedsafe_")
    return (f"{place}/" if slash and root in PACKAGES else "") + new.replace(".", "/")


def _short(match: re.Match[str], package: str, modules: Mapping[str, str]) -> str:
    """Rename what a docstring names without its package, as in `rights.finding`.

    One word alone names a module only with what that module defines: `retention.cases`
    may be a key of a policy, and `founding.proposal` a statement's type.
    """
    words = match[1].split(".")
    for count in range(len(words), 0, -1):
        old = f"{package}.{'.'.join(words[:count])}"
        new, tail = modules.get(old), ".".join(words[count:]) + match[2]
        if new is None:
            continue
        if tail == "py":
            return f"`{new.rpartition('.')[2]}.py`"
        if count > 1 or _defines(new, tail.strip(".").partition(".")[0]):
            called = new.removeprefix(f"{package}.")
            return f"`{called}{tail and '.' + tail.removeprefix('.')}`"
    return match[0]


def _neighbour(match: re.Match[str], module: str, modules: Mapping[str, str]) -> str:
    """Rename a module of the same old folder that a docstring names by one gerund."""
    old = next((old for old, new in modules.items() if new == module), module)
    new = modules.get(f"{old.rpartition('.')[0]}.{match[1]}")
    is_code = re.search(rf"\b(?:def |self\.){match[1]}\b|\b{match[1]}:", match.string)
    if new is None or not match[1].endswith("ing") or is_code:
        return match[0]
    if new.rpartition(".")[0] == module.rpartition(".")[0]:
        return f"`{new.rpartition('.')[2]}`"
    return f"`{new.partition('.')[2]}`"


def _defines(module: str, name: str) -> bool:
    """Whether a module, which has moved already, defines a name at its top."""
    text = _file(module).with_suffix(".py").read_text(encoding="utf-8")
    is_defined = rf"^(?:async def|def|class) {name}\b|^{name}\b.*="
    return bool(name) and re.search(is_defined, text, re.MULTILINE) is not None


def _hints(modules: Mapping[str, str]) -> Iterator[str]:
    """Name what may be a module's old name: a word in backticks, a path in parts."""
    renamed = {
        old.rpartition(".")[2]: new
        for old, new in modules.items()
        if old.rpartition(".")[2] != new.rpartition(".")[2]
    }
    for path in _texts():
        name = str(path.relative_to(ROOT))
        if name.startswith("tests/") and path.suffix == ".py":
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                if _PARTS.search(line):
                    yield f"{name}:{number}: {line.strip()}"
        if path.suffix == ".py" and name.split("/", maxsplit=1)[0] in PACKAGES:
            lines = path.read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                for word in _WORD.findall(line):
                    if word in renamed:
                        yield f"{name}:{number}: `{word}`: {renamed[word]}?"


if __name__ == "__main__":
    sys.exit(main())
