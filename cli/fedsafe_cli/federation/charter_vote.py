# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation approve` and `refuse`: what this node says to a proposal."""

import click

from fedsafe_cli.federation.charter_request import (
    FEDERATION,
    PROPOSALS,
    change,
    role_option,
    say_first,
    waiting,
    yes_option,
)
from fedsafe_cli.federation.charter_texts import proposal_rows
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import note, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_policies.ground.catalogue import Phrase


@click.command("approve", cls=SpokenCommand)
@click.argument("proposal", metavar="PROPOSAL")
@role_option
@yes_option
@shared_options
@click.pass_context
def approve(
    context: click.Context,
    proposal: str,
    roles: tuple[str, ...],
    yes: bool,  # noqa: FBT001 (click)
) -> ExitStatus:
    """Sign a proposal of another member, or admit a node that this one has invited.

    PROPOSAL is the id that `fedsafe federation status` shows, or the name of a node
    that wants to join. The node signs one version at a time: a proposal that it has
    signed can still become valid.

    \b
    Examples:
      fedsafe federation approve 24c0b5850105e8ee
      fedsafe federation approve games.example.fr
      fedsafe federation approve ngo.example.de --role holder
    """  # noqa: D301
    if "." in proposal:
        return _let_in(context, proposal, roles, yes=yes)
    if roles:
        raise BadInputError(
            Phrase("a proposal that was made has its roles"),
            Phrase("--role goes with the name of a node that wants to join"),
        )
    return _vote(context, proposal, "sign", yes=yes)


@click.command("refuse", cls=SpokenCommand)
@click.argument("proposal", metavar="PROPOSAL")
@yes_option
@shared_options
@click.pass_context
def refuse(context: click.Context, proposal: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Promise that this node never signs a proposal.

    Once so many members have refused that no quorum is left, the proposal has failed,
    and those who signed it may sign another.

    \b
    Example:
      fedsafe federation refuse 24c0b5850105e8ee
    """  # noqa: D301
    return _vote(context, proposal, "refuse", yes=yes)


def _vote(context: click.Context, start: str, verb: str, *, yes: bool) -> ExitStatus:
    settings = settings_of(context)
    client = personal(settings)
    found = client.get(FEDERATION)["proposals"]
    fits = [each for each in found if each["proposal"].startswith(start.lower())]
    if len(fits) != 1:
        raise BadInputError(
            Phrase("no single proposal begins with that"),
            Phrase("see `fedsafe federation status`"),
        )
    if not settings.json:
        pairs(proposal_rows(fits[0], settings), indent="")
    say_first(verb, settings, yes=yes)
    asked = client.post(f"{PROPOSALS}/{fits[0]['proposal']}/{verb}", None)
    return waiting(asked, settings)


def _let_in(
    context: click.Context, name: str, roles: tuple[str, ...], *, yes: bool
) -> ExitStatus:
    settings = settings_of(context)
    found = personal(settings).get(FEDERATION)["joining"]
    fits = [each for each in found if each["name"] == name]
    if not fits:
        raise BadInputError(
            Phrase("nobody of that name has come with an invitation of this node"),
            Phrase("see `fedsafe federation status`, or `fedsafe federation invite`"),
        )
    note(f"{name}: {fits[0]['fingerprint']}")
    return change(context, "join", yes=yes, member=name, roles=list(roles) or None)
