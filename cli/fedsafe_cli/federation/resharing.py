# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation reshare` and `rotate`: share the key anew, or make another."""

from typing import Final

import click

from fedsafe_cli.federation.charter_request import say_first, waiting
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.sessions import personal

RESHARE: Final = "/v1/federation/reshare"
_THRESHOLD: Final = "Shares that make a token; default: as before, or more than half."


@click.command("reshare", cls=SpokenCommand)
@click.option("--threshold", type=click.IntRange(2, 63), help=_THRESHOLD)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_context
def reshare(context: click.Context, threshold: int | None, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Have the members share the key anew, or agree on another threshold.

    Nodes reshare by themselves each month and whenever a member joins or leaves. Use
    this if a share may have been stolen, or for another threshold: then two people at
    each member run it with the same threshold. `fedsafe federation status` shows the
    progress.

    \b
    Examples:
      fedsafe federation reshare
      fedsafe federation reshare --threshold 3
    """  # noqa: D301
    return _ask(context, "reshare", threshold, yes=yes)


@click.command("rotate", cls=SpokenCommand)
@click.option("--threshold", type=click.IntRange(2, 63), help=_THRESHOLD)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_context
def rotate(context: click.Context, threshold: int | None, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Have the members make a new key, and start a new epoch with it.

    Nodes rotate by themselves each year, and when former members hold nearly enough
    shares. Use this if the key itself may be known to others: two people at each member
    run it with the same threshold. `fedsafe federation status` shows the progress.

    \b
    Examples:
      fedsafe federation rotate
      fedsafe federation rotate --threshold 3
    """  # noqa: D301
    return _ask(context, "rotate", threshold, yes=yes)


def _ask(
    context: click.Context, kind: str, threshold: int | None, *, yes: bool
) -> ExitStatus:
    settings = settings_of(context)
    say_first(kind, settings, yes=yes)
    body = {} if threshold is None else {"threshold": threshold}
    opens = {"opens": True} if kind == "rotate" else {}
    return waiting(personal(settings).post(RESHARE, body | opens), settings)
