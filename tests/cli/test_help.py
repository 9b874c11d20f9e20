# SPDX-License-Identifier: Apache-2.0
"""Every command explains itself, and transcripts show what it prints."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from fedsafe_cli.main import fedsafe
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand, retold, speaking
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Outcome, Run

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
KNOWN = "anna@example.de"


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = list(commands(fedsafe))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=str)
def test_every_help_has_an_example_and_fits_a_terminal(
    run: "Run", path: tuple[str, ...], command: click.Command
) -> None:
    outcome = run(*path, "--help")

    assert outcome.status == 0
    assert re.search(r"^  Examples?:$", outcome.out, re.MULTILINE)
    assert max(map(len, outcome.out.splitlines())) <= 88
    if not isinstance(command, click.Group):
        assert "--json" in outcome.out
        assert "--config" in outcome.out


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=str)
def test_no_help_is_cut_within_its_first_sentence(
    path: tuple[str, ...], command: click.Command
) -> None:
    first = " ".join((command.help or "").split("\n\n")[0].split())

    assert command.get_short_help_str(10_000).rstrip(".") == first.rstrip("."), path


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=str)
def test_every_help_is_german_for_who_speaks_it(
    run: "Run", path: tuple[str, ...], command: click.Command
) -> None:
    outcome = run(*path, "--help", "--lang", "de")

    assert outcome.status == 0
    assert outcome.out.startswith("Aufruf: fedsafe ")
    assert re.search(r"^  Beispiele?:$", outcome.out, re.MULTILINE)
    assert max(map(len, outcome.out.splitlines())) <= 88
    english = re.search(r"\b(the|of|with|this|Options|Show|Usage)\b", _prose(outcome))
    assert english is None, english
    assert isinstance(command, SpokenCommand)


def _prose(outcome: "Outcome") -> str:
    """Leave out examples, and what is quoted of commands and files."""
    lines = [line for line in outcome.out.splitlines() if not line.startswith("    ")]
    return re.sub(r"`[^`]*`|„[^“]*“|--[a-z-]+", "", "\n".join(lines))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=str)
def test_no_german_help_is_cut_within_its_first_sentence(
    path: tuple[str, ...], command: click.Command
) -> None:
    with speaking("de"):
        short = command.get_short_help_str(10_000)
    first = retold((command.help or "").split("\n\n")[0], _german, str)

    assert short.rstrip(".") == first.rstrip("."), path


def _german(text: str) -> str:
    return Phrase(text).said("de")


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--lang", "de", "case", "show"), {}),
        (("case", "--lang=de", "show"), {}),
        (("case", "show", "--lang", "de"), {}),
        (("case", "show"), {"LANG": "de_AT.UTF-8"}),
        (("case", "show"), {"LC_ALL": "de_DE", "LANG": "en_GB"}),
    ],
)
def test_wrong_usage_is_told_in_the_readers_language(
    run: "Run",
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    environment: dict[str, str],
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    outcome = run(*words)

    assert outcome.status == 2
    assert outcome.err == (
        "Aufruf: fedsafe case show [OPTIONEN] FALL\n"
        "Hilfe zeigt „fedsafe case show --help“.\n\n"
        "Fehler: Es fehlt das Argument 'FALL'.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lokup"], "Den Befehl 'lokup' gibt es nicht. Meinten Sie 'lookup'?"),
        (["lookup", "--bad"], "Die Option '--bad' gibt es nicht."),
        (["lookup", "--kind"], "Die Option '--kind' braucht einen Wert."),
        (
            ["lookup", "--deadline-ms", "soon"],
            (
                "Ungültiger Wert für '--deadline-ms': "
                "'soon' passt nicht; erwartet: ganze Zahl."
            ),
        ),
        (["gate", "show", "more"], "Ein Argument zu viel (more)"),
    ],
)
def test_what_click_says_is_german(run: "Run", words: list[str], said: str) -> None:
    outcome = run("--lang", "de", *words)

    assert outcome.status == 2
    assert outcome.err.splitlines()[-1] == f"Fehler: {said}"


def test_one_language_leaves_nothing_behind_for_the_next(run: "Run") -> None:
    english = run("gate", "show", "--help").out

    assert run("gate", "show", "--help", "--lang", "de").out != english
    assert run("gate", "show", "--help").out == english


def test_a_word_behind_two_dashes_or_an_unknown_one_is_no_language(run: "Run") -> None:
    assert run("gate", "show", "--", "--lang", "de").err.startswith("Usage:")
    assert "'xx' is not one of 'de', 'en'" in run("gate", "show", "--lang", "xx").err


def test_the_help_names_every_exit_status(run: "Run") -> None:
    text = run("--help").out.partition("Exit status:")[2]

    for status in ExitStatus:
        assert re.search(rf"^    {int(status)} +[a-z]", text, re.MULTILINE), status


def test_the_help_of_lookup_warns_and_shows_the_pattern(run: "Run") -> None:
    text = " ".join(run("lookup", "--help").out.split())

    assert "visible in the process list" in text
    assert "create the account restricted, review, decide" in text
    assert "1, 4, 3, 10, 14, 5, 11, 12, 0" in text


def test_help_and_version_are_no_errors(run: "Run") -> None:
    assert run("--help").status == 0
    assert run("--version").out.startswith("fedsafe ")


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(ask: "Run", node: "FakeNode", file: Path) -> None:
    """A block is `$ command`, perhaps `< input`, the output, and `[status]`."""
    node.knows(KNOWN, bad=("nonsense",))
    blocks = re.split(r"^\$ fedsafe ", file.read_text(), flags=re.MULTILINE)[1:]
    assert blocks
    for block in blocks:
        command, _, rest = block.partition("\n")
        lines = rest.splitlines(keepends=True)
        stdin = "".join(line[2:] for line in lines if line.startswith("< "))
        wanted = "".join(line for line in lines if not line.startswith("< ")).strip()
        outcome = ask(*shlex.split(command), stdin=stdin.encode())
        got = f"{outcome.out}{outcome.err}[{outcome.status}]"

        assert got.replace(str(node.directory), "DIR") == wanted


def test_a_misspelt_command_suggests_the_near_one(run: "Run") -> None:
    top, below = run("lokup"), run("signal", "lst")

    assert (top.status, below.status) == (2, 2)
    assert "'lookup'" in top.err
    assert "'list'" in below.err
