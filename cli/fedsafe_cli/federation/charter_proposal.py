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
from fedsafe_cli.terminal.moments import moment_of
from fedsafe_cli.terminal.options import shared_options
from fedsafe_cli.terminal.settings import printable

_MOST_BYTES: Final = 256 * 1024
_MORE: Final = "So many identifiers more at each other member."
_STOLEN: Final = "Since when others have the old keys: they count no more from then."
_FORMER: Final = "Since when others had them: what they signed since counts nowhere."
_LONG: Final = "For so many days from now, 14 at most."


def _proposing(kind: str, told: str, *, of_member: bool = True) -> click.Command:
    """Make a command that proposes something of one member and says no more."""

    @yes_option
    @shared_options
    @click.pass_context
    def run(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
        return change(context, kind, **given)

    called = member_argument(run) if of_member else run
    example = f"fedsafe federation {kind}{' chat.example.de' if of_member else ''}"
    return click.command(kind, help=f"{told}\n\n\b\nExample:\n  {example}")(called)


suspend: Final = _proposing(
    "suspend", "Propose that MEMBER takes no part for now; its signals rest."
)
reinstate: Final = _proposing(
    "reinstate",
    "Propose that a suspended MEMBER takes part again; its signals match again.",
)
expel: Final = _proposing(
    "expel", "Propose that MEMBER is none any more; its signals end for good."
)
leave: Final = _proposing(
    "leave",
    "Propose that the own node leaves the federation.\n\n"
    "The others have to sign it, since their quorum changes. Own bans stay. A node "
    "that is suspended says that it wants to leave, and the others expel it.",
    of_member=False,
)


@click.command("set-roles")
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
    """Propose which roles MEMBER has: all that it is to have are named.

    A holder gets a share when the key is shared anew; a lister publishes and gets
    signals about accounts; media is for files. A holder only is a custodian.

    \b
    Examples:
      fedsafe federation set-roles ngo.example.de --role holder
      fedsafe federation set-roles chat.example.de --role holder --role lister
    """  # noqa: D301
    if not roles:
        raise BadInputError("nothing to change", "name each role by --role")
    return change(context, "roles", yes=yes, member=member, roles=list(roles))


@click.command("rotate-keys")
@click.option("--stolen-since", metavar="TIME", callback=moment_of, help=_STOLEN)
@yes_option
@shared_options
@click.pass_context
def rotate_keys(
    context: click.Context,
    stolen_since: int | None,
    yes: bool,  # noqa: FBT001 (click)
) -> ExitStatus:
    """Propose that this node signs with new keys: of statements, logs and requests.

    They are made here at once, and used as soon as the other members have agreed; then
    the old ones are destroyed. Let the others compare the fingerprint by telephone.
    Signals, shares and own bans stay. Make a new `fedsafe backup --keys` afterwards.

    \b
    Examples:
      fedsafe federation rotate-keys
      fedsafe federation rotate-keys --stolen-since 2027-11-03T09:30Z
    """  # noqa: D301
    kind = "keys" if stolen_since is None else "stolen-keys"
    return change(context, "keys", told=kind, yes=yes, stolen_since=stolen_since)


@click.command("former-keys")
@member_argument
@click.option("--stolen-since", metavar="TIME", callback=moment_of, help=_FORMER)
@click.option("--sound", is_flag=True, help="They were not stolen after all.")
@click.option(
    "--number",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Which ones: 1 are those that it gave up last, 2 those before.",
)
@yes_option
@shared_options
@click.pass_context
def former_keys(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose that keys which MEMBER gave up before count as stolen, or no more so.

    For when an old copy of a file of keys turns up elsewhere. What they sign from that
    time on counts nowhere, and no fork is proven by them. Its present keys stay, and it
    votes with them. `history` shows how often it has had new keys.

    \b
    Examples:
      fedsafe federation former-keys chat.example.de --stolen-since 2027-11-03T09:30Z
      fedsafe federation former-keys chat.example.de --number 2 --sound
    """  # noqa: D301
    since = given["stolen_since"]
    if given["sound"] == (since is not None):
        raise BadInputError(
            "stolen or not", "name one of --stolen-since TIME and --sound"
        )
    return change(
        context,
        "sound" if given["sound"] else "stolen",
        yes=given["yes"],
        member=given["member"],
        stolen_since=since,
        former=given["number"],
    )


@click.command("set-policy")
@click.option("--policy", is_flag=True, help="The policy that this node decides by.")
@click.option("--arrangement", metavar="FILE", help="Joint-controller arrangement.")
@click.option("--quorum", type=click.IntRange(1, 64), help="Signatures of a version.")
@click.option("--appeal", metavar="MEMBER", help="Who hears appeals; '' for nobody.")
@click.option("--deputy", metavar="MEMBER", help="Who does where it has a part in one.")
@click.option("--set-aside", metavar="RULING", help="A ruling on an appeal, by digest.")
@yes_option
@shared_options
@click.pass_context
def set_policy(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose other terms: policy, arrangement, quorum, who hears appeals.

    A ruling on an appeal that a quorum sets aside has no effect where it has not come.
    What it has ended stays ended: the origin may publish it anew.

    Nodes with different arrangements exchange nothing, and the legal gate closes until
    its record cites the new one.

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
            "nothing to change",
            "name --policy, --arrangement, --quorum, --appeal, --deputy or --set-aside",
        )
    return change(context, "terms", yes=given["yes"], **terms)


@click.command("backfill")
@click.option("--elements", type=click.IntRange(1, 10**9), required=True, help=_MORE)
@click.option("--days", type=click.IntRange(1, 14), required=True, help=_LONG)
@click.option("--member", metavar="MEMBER", help="For whom, if not for this node.")
@yes_option
@shared_options
@click.pass_context
def backfill(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose that a member may have more evaluated, for some days.

    For a ban list of years, or a recheck of all accounts: imports and lookups for
    `recheck` use it while it is in force. Until then it adds to what could be guessed.

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
        raise BadInputError(f"{printable(path)} is no readable text") from None
