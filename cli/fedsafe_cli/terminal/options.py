# SPDX-License-Identifier: Apache-2.0
"""The options that every command shares, before or after its name."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import languages

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


def named_account(account: str, service: str | None) -> str:
    """Name an account of --account as one of --service, if that is given."""
    if service is None:
        return account
    if "/" in account:
        raise click.UsageError("name the service in --account or in --service")
    return f"{service}/{account}"


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
    click.option(
        "--lang",
        type=click.Choice(languages()),
        callback=_keep,
        expose_value=False,
        help="Language of results; default: the locale's.",
    ),
)
