# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation suspend` and the like: propose a next version of the charter."""

from typing import Any, Final

import click

from fedsafe_cli.federation.charter_request import (
    change,
    member_argument,
    role_option,
    yes_option,
)
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.moments import moment_of
from fedsafe_cli.terminal.options import shared_options
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase

_MOST_BYTES: Final = 256 * 1024
_MORE: Final = "Additional identifiers at each other member."
_STOLEN: Final = (
    "Since when others have the old keys: signatures made since then do not count."
)
_FORMER: Final = (
    "Since when others had the keys: signatures made since then count nowhere."
)
_LONG: Final = "Number of days from now, at most 14."


def _proposing(kind: str, told: str, *, of_member: bool = True) -> click.Command:
    """Make a command that proposes something of one member and says no more."""

    @yes_option
    @shared_options
    @click.pass_context
    def run(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
        return change(context, kind, **given)

    called = member_argument(run) if of_member else run
    example = f"fedsafe federation {kind}{' chat.example.de' if of_member else ''}"
    text = f"{told}\n\n\b\nExample:\n  {example}"
    return click.command(kind, cls=SpokenCommand, help=text)(called)


suspend: Final = _proposing(
    "suspend", "Propose to suspend MEMBER; its signals stop matching for now."
)
reinstate: Final = _proposing(
    "reinstate",
    "Propose that a suspended MEMBER takes part again; its signals match again.",
)
expel: Final = _proposing("expel", "Propose to expel MEMBER; its signals end for good.")
leave: Final = _proposing(
    "leave",
    "Propose that this node leaves the federation.\n\nThe other members must "
    "sign it, because their quorum changes. Own bans stay. A suspended node can "
    "only say that it wants to leave; the others expel it.",
    of_member=False,
)


@click.command("set-roles", cls=SpokenCommand)
@member_argument
@role_option
@yes_option
@shared_options
@click.pass_context
def set_roles(
    context: click.Context,
    member: str,
    roles: tuple[str, ...],
    yes: bool,  # noqa: FBT001 (click)
) -> ExitStatus:
    """Propose which roles MEMBER has; name all of them.

    A holder gets a share of the key at the next resharing; a lister publishes and
    receives signals about accounts; media is the same for files. A member that is only
    a holder is a custodian.

    \b
    Examples:
      fedsafe federation set-roles ngo.example.de --role holder
      fedsafe federation set-roles chat.example.de --role holder --role lister
    """  # noqa: D301
    if not roles:
        raise BadInputError(
            Phrase("nothing to change"), Phrase("name each role by --role")
        )
    return change(context, "roles", yes=yes, member=member, roles=list(roles))


@click.command("rotate-keys", cls=SpokenCommand)
@click.option("--stolen-since", metavar="TIME", callback=moment_of, help=_STOLEN)
@yes_option
@shared_options
@click.pass_context
def rotate_keys(
    context: click.Context,
    stolen_since: int | None,
    yes: bool,  # noqa: FBT001 (click)
) -> ExitStatus:
    """Propose that this node signs with new keys: statements, logs and requests.

    The keys are created here at once and used as soon as the other members have agreed;
    then the old ones are destroyed. Let the others compare the fingerprint by
    telephone. Signals, shares and own bans stay. Afterwards make a new `fedsafe backup
    --keys`.

    \b
    Examples:
      fedsafe federation rotate-keys
      fedsafe federation rotate-keys --stolen-since 2027-11-03T09:30Z
    """  # noqa: D301
    kind = "keys" if stolen_since is None else "stolen-keys"
    return change(context, "keys", told=kind, yes=yes, stolen_since=stolen_since)


@click.command("former-keys", cls=SpokenCommand)
@member_argument
@click.option("--stolen-since", metavar="TIME", callback=moment_of, help=_FORMER)
@click.option("--sound", is_flag=True, help="They were not stolen after all.")
@click.option(
    "--number",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Which keys: 1 are the ones before the current ones, 2 those before, and so "
    "on.",
)
@yes_option
@shared_options
@click.pass_context
def former_keys(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose that earlier keys of MEMBER count as stolen, or no longer do.

    Use this when an old copy of a key file turns up elsewhere. What these keys signed
    since that time counts nowhere and proves no fork. The member's current keys stay
    valid, and it votes with them. `fedsafe federation history` shows how often it has
    changed its keys.

    \b
    Examples:
      fedsafe federation former-keys chat.example.de --stolen-since 2027-11-03T09:30Z
      fedsafe federation former-keys chat.example.de --number 2 --sound
    """  # noqa: D301
    since = given["stolen_since"]
    if given["sound"] == (since is not None):
        raise BadInputError(
            Phrase("stolen or not"),
            Phrase("name one of --stolen-since TIME and --sound"),
        )
    return change(
        context,
        "sound" if given["sound"] else "stolen",
        yes=given["yes"],
        member=given["member"],
        stolen_since=since,
        former=given["number"],
    )


@click.command("set-policy", cls=SpokenCommand)
@click.option("--policy", is_flag=True, help="File of the policy that this node uses.")
@click.option(
    "--arrangement", metavar="FILE", help="File of the joint-controller arrangement."
)
@click.option(
    "--quorum", type=click.IntRange(1, 64), help="Signatures that a new version needs."
)
@click.option(
    "--appeal", metavar="MEMBER", help="Member that hears appeals; '' for nobody."
)
@click.option(
    "--deputy",
    metavar="MEMBER",
    help="Member that hears appeals in which the first one has a part.",
)
@click.option(
    "--set-aside",
    metavar="RULING",
    help="Digest of a ruling on an appeal to set aside.",
)
@yes_option
@shared_options
@click.pass_context
def set_policy(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose other terms: policy, arrangement, quorum, or who hears appeals.

    With --set-aside, a ruling on an appeal has no effect at members that it has not
    reached. What it has already ended stays ended: the origin may publish it anew.

    Nodes with different arrangements exchange nothing, and the legal gate stays closed
    until its record cites the new one.

    \b
    Examples:
      fedsafe federation set-policy --policy
      fedsafe federation set-policy --arrangement arrangement.txt
      fedsafe federation set-policy --quorum 4 --appeal kinderschutz.example.de
      fedsafe federation set-policy --deputy forum.example.de
      fedsafe federation set-policy --set-aside 6d0f…
    """  # noqa: D301
    terms = {
        "policy": given["policy"] or None,
        "arrangement": _text(given["arrangement"]),
        "quorum": given["quorum"],
        "appeal": given["appeal"],
        "deputy": given["deputy"],
        "set_aside": given["set_aside"],
    }
    if all(each is None for each in terms.values()):
        raise BadInputError(
            Phrase("nothing to change"),
            Phrase(
                "name --policy, --arrangement, --quorum, --appeal, --deputy or "
                "--set-aside"
            ),
        )
    return change(context, "terms", yes=given["yes"], **terms)


@click.command("backfill", cls=SpokenCommand)
@click.option("--elements", type=click.IntRange(1, 10**9), required=True, help=_MORE)
@click.option("--days", type=click.IntRange(1, 14), required=True, help=_LONG)
@click.option(
    "--member", metavar="MEMBER", help="Member that gets it; default: this node."
)
@yes_option
@shared_options
@click.pass_context
def backfill(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose that a member may have more identifiers evaluated for some days.

    Use it for a ban list of many years, or to recheck all accounts: imports and lookups
    with purpose `recheck` use the extra volume while it is in force. During that time
    the member could also guess more identifiers.

    \b
    Example:
      fedsafe federation backfill --elements 40000 --days 7
    """  # noqa: D301
    terms = {name: given[name] for name in ("member", "elements", "days")}
    return change(context, "backfill", yes=given["yes"], **terms)


def _text(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return read_small(path, _MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise BadInputError(
            Phrase("{file} is no readable text").filled(file=printable(path))
        ) from None
