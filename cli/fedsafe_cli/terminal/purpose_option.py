# SPDX-License-Identifier: Apache-2.0
"""What somebody reads for: the option, and how a request names it."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fedsafe_cli.terminal.findings import one_of
from fedsafe_policies.vocabulary import Purpose

Command = TypeVar("Command", bound=Callable[..., Any])


def reading_purpose(command: Command) -> Command:
    """Add --purpose; left out, the node takes what the role usually reads it for."""
    option = click.option(
        "--purpose",
        type=click.Choice([purpose.value for purpose in Purpose]),
        metavar="PURPOSE",
        help=one_of("Why you read it", Purpose),
    )
    return option(command)


def read_for(target: str, purpose: str | None) -> str:
    """Add the purpose to a request's target."""
    if purpose is None:
        return target
    return f"{target}{'&' if '?' in target else '?'}purpose={purpose}"
