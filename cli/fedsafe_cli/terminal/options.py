# SPDX-License-Identifier: Apache-2.0
"""The options that every command shares, before or after its name."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import languages

LANGUAGE: Final = "--lang"
Command = TypeVar("Command", bound=Callable[..., Any])


def _keep(context: click.Context, option: click.Parameter, value: object) -> None:
    if value not in {None, False} and option.name is not None:
        setattr(context.ensure_object(Settings), option.name, value)


def shared_options(command: Command) -> Command:
    """Add --config, --credential, --json and --lang; `Settings` takes them up."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings_of(context: click.Context) -> Settings:
    """Return what the shared options said."""
    return context.ensure_object(Settings)


def language_option(*, hidden: bool) -> click.Option:
    """Return --lang for a command that has none of the shared options."""
    return click.Option([LANGUAGE], hidden=hidden, **_LANGUAGE_SAYS)


def value_typed(arguments: Sequence[str], option: str) -> str | None:
    """Return what was typed for an option, the last time it was."""
    found = None
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name == option:
            found = value if equals else next(iter(arguments[place + 1 :]), None)
    return found


def typed_language(arguments: Sequence[str]) -> str | None:
    """Return the language that --lang asks for anywhere on a line, if it is spoken."""
    typed = value_typed(arguments, LANGUAGE)
    return typed if typed in languages() else None


_LANGUAGE_SAYS: Final[dict[str, Any]] = {
    "type": click.Choice(languages()),
    "callback": _keep,
    "expose_value": False,
    "help": "Output language; default: the locale's.",
}
_OPTIONS = (
    click.option(
        "--config",
        metavar="DIR",
        callback=_keep,
        expose_value=False,
        help="Directory of the node, or its node.toml. [env: FEDSAFE_CONFIG]",
    ),
    click.option(
        "--credential",
        metavar="FILE",
        callback=_keep,
        expose_value=False,
        help="File with a credential, mode 0600. [env: FEDSAFE_CREDENTIAL_FILE]",
    ),
    click.option(
        "--json",
        is_flag=True,
        callback=_keep,
        expose_value=False,
        help="Print JSON.",
    ),
    click.option(LANGUAGE, **_LANGUAGE_SAYS),
)
