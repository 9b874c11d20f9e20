# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation quarantine`: set aside what came from a member after a moment."""

from typing import Final

import click

from fedsafe_cli.federation.charter_request import (
    FEDERATION,
    member_argument,
    say_first,
    waiting,
    yes_option,
)
from fedsafe_cli.federation.charter_texts import quarantine_rows
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.ids import checked_member
from fedsafe_cli.terminal.moments import moment_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_policies.ground.catalogue import Phrase

_QUARANTINES: Final = f"{FEDERATION}/quarantines"


@click.command("quarantine", cls=SpokenCommand)
@member_argument
@click.option(
    "--after",
    metavar="TIME",
    callback=moment_of,
    help="Such as 2027-11-03T09:30Z, or a day: its first second in UTC.",
)
@click.option("--undo", is_flag=True, help="Give back what is in quarantine.")
@yes_option
@shared_options
@click.pass_context
def quarantine(
    context: click.Context,
    member: str,
    after: int | None,
    undo: bool,  # noqa: FBT001 (click)
    yes: bool,  # noqa: FBT001 (click)
) -> ExitStatus:
    """Quarantine, at this node, what came from MEMBER after a given time.

    Use this for a member that may have been broken into. Its signals from after that
    time, also future ones, match nobody and are passed on to nobody. Earlier signals
    still match, and restrictions apply as usual. Lookups list MEMBER as not covered.
    One person can do this, and it takes effect at once; --undo takes a second person
    and gives everything back in its current state.

    \b
    Examples:
      fedsafe federation quarantine chat.example.de --after 2027-11-03T09:30Z
      fedsafe federation quarantine chat.example.de --undo
    """  # noqa: D301
    settings, name = settings_of(context), checked_member(member)
    if undo == (after is not None):
        raise BadInputError(
            Phrase("one of --after and --undo is needed"),
            Phrase("for example: --after 2027-11-03T09:30Z"),
        )
    say_first("give-back" if undo else "quarantine", settings, yes=yes, member=name)
    client = personal(settings)
    if undo:
        return waiting(client.post(f"{_QUARANTINES}/{name}/end", None), settings)
    made = client.post(_QUARANTINES, {"member": name, "after": after})
    if settings.json:
        document(made)
    else:
        pairs(quarantine_rows(made, settings), indent="")
    return OK
