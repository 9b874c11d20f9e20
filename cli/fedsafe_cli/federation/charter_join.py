# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation invite` and `join`: how somebody comes to be a member."""

import sys
from typing import Any, Final

import click

from fedsafe_cli.federation.charter_request import FEDERATION, say_first, yes_option
from fedsafe_cli.federation.charter_texts import invitation_rows, word
from fedsafe_cli.federation.invitations import read_invitation, write_private
from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import field, say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase

_COMPARED: Final = Phrase("Have you compared this fingerprint?")
_MOST_INVITATION: Final = 4_000


@click.command("invite", cls=SpokenCommand)
@click.option("--hours", type=click.IntRange(1, 720), default=72, show_default=True)
@click.option("--out", metavar="FILE", help="Write it to a new file, mode 0600.")
@shared_options
@click.pass_context
def invite(context: click.Context, hours: int, out: str | None) -> ExitStatus:
    """Create an invitation for one node: one line of text, shown only this once.

    Hand it over by a way that both trust, and compare the fingerprint by telephone.
    `fedsafe federation status` shows the node that uses it. The node becomes a member
    once you run `fedsafe federation approve NAME` and the other members have signed.

    \b
    Examples:
      fedsafe federation invite --out invitation.txt
      fedsafe federation invite --hours 24
    """  # noqa: D301
    settings = settings_of(context)
    made = personal(settings).post(f"{FEDERATION}/invitations", {"hours": hours})
    if out is not None:
        write_private(out, made["invitation"])
    if settings.json:
        document(made)
        return OK
    if out is None:
        line(str(made["invitation"]))
    note(f"{say('good until', settings)}: {shown(made['expires'])}")
    note(f"{say('fingerprint', settings)}: {made['fingerprint']}")
    return OK


@click.command("withdraw", cls=SpokenCommand)
@click.argument("invitation", metavar="INVITATION")
@yes_option
@shared_options
@click.pass_context
def withdraw(context: click.Context, invitation: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Withdraw an invitation, together with the request of the node that used it.

    INVITATION is the id that `fedsafe federation status` shows, or the name of the node
    that used it. If members have already signed its admission, refuse that proposal
    instead.

    \b
    Examples:
      fedsafe federation withdraw 5be0cd19137e2179
      fedsafe federation withdraw games.example.fr
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    found = client.get(FEDERATION)["invitations"]
    fits = [each for each in found if invitation in (each["invitation"], each["name"])]
    if not fits:
        raise BadInputError(
            Phrase("no invitation of that name is out"),
            Phrase("see `fedsafe federation status`"),
        )
    say_first("withdraw", settings, yes=yes, member=fits[0]["name"] or "")
    left: list[Any] = []
    for each in fits:
        path = f"{FEDERATION}/invitations/{each['invitation']}/withdraw"
        left = client.post(path, None)
    if settings.json:
        document({"invitations": left})
    return OK


@click.command("join", cls=SpokenCommand)
@click.argument("invitation", metavar="FILE")
@yes_option
@shared_options
@click.pass_context
def join(context: click.Context, invitation: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Accept the invitation in FILE, or on standard input (-).

    The command first shows what the invitation names; compare the fingerprint by
    telephone. The node then asks the inviter by itself until it is a member; until then
    the exit status is 13, and you can run the command again to see the state. At first
    the node has no share of the key; other members evaluate for it.

    \b
    Examples:
      fedsafe federation join invitation.txt
      fedsafe federation join - < invitation.txt
    """  # noqa: D301
    settings = settings_of(context)
    text = _invitation(invitation)
    found = read_invitation(text)
    if not settings.json:
        pairs(invitation_rows(found, settings), indent="")
    if not yes:
        confirm(_COMPARED, settings, without="once it is compared: --yes")
    client = personal(settings)
    answer = client.post(f"{FEDERATION}/join", {"invitation": text}, timeout=60.0)
    if settings.json:
        document(answer)
    else:
        rows = [
            (say("federation", settings), answer["federation"]),
            (say("policy", settings), answer["policy"]),
            (field("members", settings), ", ".join(answer["members"])),
            (word("version now", settings), answer["version"]),
            (say("fingerprint", settings), answer["fingerprint"]),
        ]
        pairs(rows, indent="")
    if answer["joined"]:
        return OK
    note(word("the members have yet to sign", settings))
    return ExitStatus.WAITING


def _invitation(file: str) -> str:
    if file == "-":
        return sys.stdin.read(_MOST_INVITATION).strip()
    try:
        return read_small(file, _MOST_INVITATION).decode("ascii").strip()
    except UnicodeDecodeError:
        raise BadInputError(
            Phrase("{file} is no invitation").filled(file=printable(file))
        ) from None
