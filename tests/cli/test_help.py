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

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

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


def test_the_help_names_every_exit_status(run: "Run") -> None:
    text = run("--help").out.partition("Exit status:")[2]

    for status in ExitStatus:
        assert re.search(rf"\b{int(status)} [a-z]", text), status


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
