# SPDX-License-Identifier: Apache-2.0
"""Which commands there are, and which one a command line calls."""

from collections.abc import Iterator, Sequence

import click

from fedsafe_cli.main import fedsafe


def all_commands(group: click.Group = fedsafe, prefix: str = "") -> Iterator[str]:
    """Give the name of every command of the tree, such as `signal add`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}"


def command_of(arguments: Sequence[str]) -> str:
    """Name the command that these arguments call."""
    names: list[str] = []
    command: click.Command | None = fedsafe
    for argument in arguments:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), argument)
        names.append(argument)
    return " ".join(names)
