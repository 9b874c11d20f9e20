# SPDX-License-Identifier: Apache-2.0
"""A made-up German by which one sees what no catalogue has said.

A tree whose catalogue says each entry in brackets, as it stands but for them: what a
command prints beside them was written by code, or is a value. Places of a template
stay outside, so that what fills them is seen as well.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Final

import click
from tests.catalogue import compiled, read
from tests.fence.stage import HERE, ROOMS, environment_of

from fedsafe_cli.main import fedsafe
from fedsafe_policies.ground.catalogue import FOLDER

DATA: Final = Path(FOLDER).parent / "data"
OPEN, CLOSE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}", "\u27e7"
_MARKED: Final = re.compile(
    rf"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}|{OPEN}[^{OPEN}{CLOSE}\n]*$", re.MULTILINE
)
"""What an entry has said, whole or up to where a line was cut short."""
_WORD: Final = re.compile(r"[^\W\d_][\w'-]*")
_LETTER: Final = re.compile(r"[^\W\d_]")
_RUNNER: Final = """
import json, os, sys, tempfile
sys.argv = ["fedsafe"]
import click
from fedsafe_cli.main import fedsafe, main
groups = [fedsafe]
for group in groups:  # what is loaded once need not be loaded by each child
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        groups += [command] if isinstance(command, click.Group) else []
for line in sys.stdin.buffer:
    asked = json.loads(line)
    files = [tempfile.TemporaryFile() for _ in range(3)]
    files[0].write(asked["typed"].encode())
    files[0].seek(0)
    child = os.fork()
    if not child:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin = os.fdopen(0)
        sys.argv = ["fedsafe", *asked["arguments"]]
        os.environ.update(asked["environment"])
        os.chdir(asked["folder"])
        status = 70
        try:
            status = main()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    said = []
    for file in files[1:]:
        file.seek(0)
        said.append(file.read().decode())
    print(json.dumps([os.waitstatus_to_exitcode(ended), *said]), flush=True)
"""


EXEMPT: Final = {
    "a fingerprint, of which a group may have no digit": (
        r"\b[0-9a-f]{4}( [0-9a-f]{4}){3,}\b"
    ),
    "what is typed: in backticks": r"`[^`]*`",
    "what is typed: a line to call, alone on its line or behind a colon": (
        r"(^|: )\s*fedsafe [a-z-]+( (-{0,2}[a-z][\w-]*|\S*[/.\d<A-Z]\S*|\".*\"))*$"
    ),
    "an option": r"(?<!\w)--?[a-z][\w-]*",
    "a name that stands for a value": r"\b[A-Z][A-Z0-9_-]*[A-Z0-9]\b(:\w+)?",
    "a file, name, moment, number, address or class of events": (
        r"[^\s,;()]*[\d./@+=\N{HORIZONTAL ELLIPSIS}][^\s,;()]*"
    ),
    "a code, behind its words": r"\(\w+\)",
    "what is typed, or may be: a word in quotes": r"'[^'\s]*'\??",
    "a line of a shell script": (r".*(\bprintf\b|\besac\b|;;|\\$|\"\$ ).*"),
}
"""What no catalogue says, by what it is."""
OTHERS: Final = {
    "what the reader of TOML says is wrong, and where": (
        r"(Invalid value|Expected '=' after a key in a key/value pair)"
        r" \(at line \d+, column \d+\)"
    ),
}
"""Sentences of a library that has no other language."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed and how it ended."""

    arguments: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """Return the command as one types it."""
        return f"fedsafe {' '.join(self.arguments)}"


def marked(text: str) -> str:
    """Put an entry's words in brackets, its places outside."""
    said = ""
    for words, name, form, conversion in Formatter().parse(text):
        words = words.replace("{", "{{").replace("}", "}}")  # noqa: PLW2901
        said += f"{OPEN}{words}{CLOSE}" if _LETTER.search(words) else words
        if name is not None:
            said += f"{{{name}{f'!{conversion}' if conversion else ''}"
            said += f"{f':{form}' if form else ''}}}"
    return said


def unmarked(text: str) -> str:
    """Return what no entry has said."""
    return _MARKED.sub(" ", text)


def leftovers(said: Said, names: Collection[str] = ()) -> str:
    """Return what a German command has said in no catalogue's words, or nothing.

    Args:
        said: what it printed.
        names: of persons and things in it, which stay as they are.
    """
    found = []
    for line in unmarked(f"{said.out}\n{said.err}").splitlines():
        for pattern in (*OTHERS.values(), *EXEMPT.values()):
            line = re.sub(pattern, " ", line)  # noqa: PLW2901
        words = _WORD.findall(line)
        if left := [each for each in words if each not in names]:
            found.append(f"{' '.join(left)} (of: {line.strip()})")
    return "\n".join(found)


def words_in(text: str) -> set[str]:
    """Return the words of a text, and the parts of those with a hyphen."""
    words = _WORD.findall(text)
    return {part for word in words for part in (word, *word.split("-"))}


def words_of_data(*names: str, folder: Path = DATA) -> set[str]:
    """Return the words of documents in two languages, which ship as they are."""
    texts = (tomllib.loads((folder / f"{name}.toml").read_text()) for name in names)
    return {
        word
        for text in texts
        for word in words_in(json.dumps(text, ensure_ascii=False, default=str))
    }


def typed_words(group: click.Group = fedsafe) -> set[str]:
    """Return the words that one can type: of every choice, and every command."""
    found: set[str] = set()
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found.add(name)
        if isinstance(command, click.Group):
            found |= typed_words(command)
        for option in command.params if command is not None else ():
            if isinstance(option.type, click.Choice):
                found |= {str(each) for each in option.type.choices}
    return found


def pseudo_tree(folder: Path) -> Path:
    """Make a tree of this code, its German in brackets."""
    folder.mkdir()
    for room in ROOMS:
        if room != "policies":
            (folder / room).symlink_to(HERE / room)
    shutil.copytree(HERE / "policies", folder / "policies")
    locale = folder / "policies/fedsafe_policies/locale"
    german = read(Path(FOLDER) / "de.po")
    for each in german:
        if each.id:
            each.string = marked(str(each.string))
    (locale / "de.mo").write_bytes(compiled(german))
    return folder


class Commands:
    """Runs commands of a tree, each in a process of its own that has loaded it."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self._process = process
        self._folder = folder

    def run(
        self,
        *arguments: str,
        typed: str = "",
        folder: Path | None = None,
        **environment: str,
    ) -> Said:
        """Run a command in a folder, and wait for its end."""
        asked = {
            "arguments": arguments,
            "typed": typed,
            "environment": environment,
            "folder": str(folder or self._folder),
        }
        feed, answers = self._process.stdin, self._process.stdout
        assert feed is not None
        assert answers is not None
        feed.write(json.dumps(asked).encode() + b"\n")
        feed.flush()
        status, out, err = json.loads(answers.readline())
        return Said(arguments, status, out, err)


@contextmanager
def commands_of(tree: Path, folder: Path) -> Iterator[Commands]:
    """Run commands of a tree, with a folder as home, until the block is left."""
    environment = environment_of(tree) | {"HOME": str(folder)}
    for name in ("FEDSAFE_CONFIG", "FEDSAFE_CREDENTIAL_FILE"):
        environment.pop(name, None)
    with subprocess.Popen(
        [sys.executable, "-c", _RUNNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=folder,
    ) as process:
        yield Commands(process, folder)
        assert process.stdin is not None
        process.stdin.close()
