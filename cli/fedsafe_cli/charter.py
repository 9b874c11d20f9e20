# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation`: what members change of their charter, and how it stands.

Each command first says what it will lead to and asks. What it then asks the node for
waits for a second person here (`fedsafe act approve`), then for other members.
"""

import sys
from typing import Any, Final

import click

from fedsafe_cli.act_texts import act_rows, act_word
from fedsafe_cli.charter_texts import (
    CONSEQUENCES,
    charter_rows,
    invitation_rows,
    proposal_rows,
    version_rows,
    word,
)
from fedsafe_cli.confirming import confirm
from fedsafe_cli.errors import BadInputError
from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.files import read_small
from fedsafe_cli.invitations import read_invitation, write_private
from fedsafe_cli.labels import coded, field, headings, say
from fedsafe_cli.moments import shown
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, line, note, pairs, table
from fedsafe_cli.sessions import personal
from fedsafe_cli.settings import Settings, printable
from fedsafe_cli.signal_ids import checked_member

FEDERATION: Final = "/v1/federation"
PROPOSALS: Final = "/v1/federation/proposals"
_GO_ON: Final = ("Fortfahren?", "Go on?")
_COMPARED: Final = (
    "Ist dieser Fingerabdruck verglichen?",
    "Have you compared this fingerprint?",
)
_MOST_INVITATION: Final = 4_000
_MOST_BYTES: Final = 256 * 1024
_MORE: Final = "So many identifiers more at each other member."
_LONG: Final = "For so many days from now, 14 at most."
_yes: Final = click.option("--yes", is_flag=True, help="Do not ask.")
_member: Final = click.argument("member", metavar="MEMBER")


@click.command("status")
@shared_options
@click.pass_context
def status(context: click.Context) -> ExitStatus:
    """Show the charter that counts, its members, and what is proposed.

    Of each proposal: what it changes, who has signed or refused it, how many more
    signatures it takes.

    \b
    Examples:
      fedsafe federation status
      fedsafe federation status --json
    """  # noqa: D301
    settings = settings_of(context)
    found = personal(settings).get(FEDERATION)
    if settings.json:
        document(found)
        return OK
    pairs(charter_rows(found, settings), indent="")
    line()
    rows = [
        [
            each["index"],
            each["name"],
            coded(each["state"], settings),
            ", ".join(coded(role, settings) for role in each["roles"]),
            each["url"],
        ]
        for each in found["members"]
    ]
    table(headings(settings, "index", "name", "state", "roles", "url"), rows)
    for each in found["proposals"]:
        line()
        pairs(proposal_rows(each, settings), indent="")
    for each in found["joining"]:
        line()
        words = [word("wants to join", settings)]
        words += headings(settings, "url", "fingerprint")
        values = (each["name"], each["url"], each["fingerprint"])
        pairs(list(zip(words, values, strict=True)), indent="")
    return OK


@click.command("history")
@shared_options
@click.pass_context
def history(context: click.Context) -> ExitStatus:
    """Show every version of the charter: what it changed, and who has signed it.

    \b
    Example:
      fedsafe federation history
    """  # noqa: D301
    settings = settings_of(context)
    found = personal(settings).get(f"{FEDERATION}/history")
    if settings.json:
        document(found)
        return OK
    for number, each in enumerate(found["versions"]):
        if number:
            line()
        pairs(version_rows(each, settings), indent="")
    return OK


@click.command("invite")
@click.option("--hours", type=click.IntRange(1, 720), default=72, show_default=True)
@click.option("--out", metavar="FILE", help="Write it into a new file, mode 0600.")
@shared_options
@click.pass_context
def invite(context: click.Context, hours: int, out: str | None) -> ExitStatus:
    """Make an invitation: one line of text for one node, shown this once.

    Hand it over on a way that both trust, and compare the fingerprint by telephone.
    Whoever comes with it is shown by `status`, and becomes a member by `approve NAME`
    here and the signatures of the others.

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


@click.command("join")
@click.argument("invitation", metavar="FILE")
@_yes
@shared_options
@click.pass_context
def join(context: click.Context, invitation: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Take up the invitation in FILE, or on standard input (-).

    What it names is shown first; compare the fingerprint by telephone. The node then
    asks the inviter by itself until it is a member (status 13 until then); run the
    command again to see. It begins without a share of the key: t others help it.

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
        ]
        pairs(rows, indent="")
    if answer["joined"]:
        return OK
    note(word("the members have yet to sign", settings))
    return ExitStatus.WAITING


@click.command("suspend")
@_member
@_yes
@shared_options
@click.pass_context
def suspend(context: click.Context, member: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Propose that MEMBER takes no part for now; its signals rest.

    \b
    Example:
      fedsafe federation suspend chat.example.de
    """  # noqa: D301
    return _change(context, "suspend", yes=yes, member=member)


@click.command("reinstate")
@_member
@_yes
@shared_options
@click.pass_context
def reinstate(context: click.Context, member: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Propose that a suspended MEMBER takes part again; its signals match again.

    \b
    Example:
      fedsafe federation reinstate chat.example.de
    """  # noqa: D301
    return _change(context, "reinstate", yes=yes, member=member)


@click.command("expel")
@_member
@_yes
@shared_options
@click.pass_context
def expel(context: click.Context, member: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Propose that MEMBER is none any more; its signals end for good.

    \b
    Example:
      fedsafe federation expel chat.example.de
    """  # noqa: D301
    return _change(context, "expel", yes=yes, member=member)


@click.command("leave")
@_yes
@shared_options
@click.pass_context
def leave(context: click.Context, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Propose that the own node leaves the federation.

    The others have to sign it, since their quorum changes. Own bans stay.

    \b
    Example:
      fedsafe federation leave
    """  # noqa: D301
    return _change(context, "leave", yes=yes)


@click.command("set-policy")
@click.option("--policy", is_flag=True, help="The policy that this node decides by.")
@click.option("--arrangement", metavar="FILE", help="Joint-controller arrangement.")
@click.option("--quorum", type=click.IntRange(1, 64), help="Signatures of a version.")
@click.option("--appeal", metavar="MEMBER", help="Who hears appeals; '' for nobody.")
@_yes
@shared_options
@click.pass_context
def set_policy(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Propose other terms: policy, arrangement, quorum, who hears appeals.

    Nodes with different arrangements exchange nothing, and the legal gate closes until
    its record cites the new one.

    \b
    Examples:
      fedsafe federation set-policy --policy
      fedsafe federation set-policy --arrangement arrangement.txt
      fedsafe federation set-policy --quorum 4 --appeal kinderschutz.example.de
    """  # noqa: D301
    terms = {
        "policy": given["policy"] or None,
        "arrangement": _text(given["arrangement"]),
        "quorum": given["quorum"],
        "appeal": given["appeal"],
    }
    if all(each is None for each in terms.values()):
        raise BadInputError(
            "nothing to change", "name --policy, --arrangement, --quorum or --appeal"
        )
    return _change(context, "terms", yes=given["yes"], **terms)


@click.command("backfill")
@click.option("--elements", type=click.IntRange(1, 10**9), required=True, help=_MORE)
@click.option("--days", type=click.IntRange(1, 14), required=True, help=_LONG)
@click.option("--member", metavar="MEMBER", help="For whom, if not for this node.")
@_yes
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
    return _change(context, "backfill", yes=given["yes"], **terms)


@click.command("approve")
@click.argument("proposal", metavar="PROPOSAL")
@_yes
@shared_options
@click.pass_context
def approve(context: click.Context, proposal: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Sign a proposal of another member, or let in whom this node has invited.

    PROPOSAL is as `status` shows it, or the name of a node that wants to join. The
    node signs one version at a time: what it has signed can still come to count.

    \b
    Examples:
      fedsafe federation approve 24c0b5850105e8ee
      fedsafe federation approve games.example.fr
    """  # noqa: D301
    if "." in proposal:
        return _let_in(context, proposal, yes=yes)
    return _vote(context, proposal, "sign", yes=yes)


@click.command("refuse")
@click.argument("proposal", metavar="PROPOSAL")
@_yes
@shared_options
@click.pass_context
def refuse(context: click.Context, proposal: str, yes: bool) -> ExitStatus:  # noqa: FBT001 (click)
    """Promise that the own node never signs a proposal.

    Once so many members have that no quorum is left, the proposal is dead, and those
    who have signed it may sign another.

    \b
    Example:
      fedsafe federation refuse 24c0b5850105e8ee
    """  # noqa: D301
    return _vote(context, proposal, "refuse", yes=yes)


COMMANDS: Final = (
    status,
    history,
    invite,
    join,
    suspend,
    reinstate,
    expel,
    leave,
    set_policy,
    backfill,
    approve,
    refuse,
)


def _change(
    context: click.Context,
    kind: str,
    *,
    yes: bool,
    **said: Any,  # noqa: ANN401 (a body)
) -> ExitStatus:
    settings = settings_of(context)
    member = said.get("member")
    named = "" if member is None else checked_member(str(member))
    _say_first(kind, settings, yes=yes, member=named)
    body = {name: value for name, value in said.items() if value is not None}
    asked = personal(settings).post(PROPOSALS, {"change": kind, **body})
    return waiting(asked, settings)


def _vote(context: click.Context, start: str, verb: str, *, yes: bool) -> ExitStatus:
    settings = settings_of(context)
    client = personal(settings)
    found = client.get(FEDERATION)["proposals"]
    fits = [each for each in found if each["proposal"].startswith(start.lower())]
    if len(fits) != 1:
        raise BadInputError(
            "no single proposal begins with that",
            "see `fedsafe federation status`",
        )
    if not settings.json:
        pairs(proposal_rows(fits[0], settings), indent="")
    _say_first(verb, settings, yes=yes)
    asked = client.post(f"{PROPOSALS}/{fits[0]['proposal']}/{verb}", None)
    return waiting(asked, settings)


def _let_in(context: click.Context, name: str, *, yes: bool) -> ExitStatus:
    settings = settings_of(context)
    found = personal(settings).get(FEDERATION)["joining"]
    fits = [each for each in found if each["name"] == name]
    if not fits:
        raise BadInputError(
            "nobody of that name has come with an invitation of this node",
            "see `fedsafe federation status`, or `fedsafe federation invite`",
        )
    note(f"{name}: {fits[0]['fingerprint']}")
    return _change(context, "join", yes=yes, member=name)


def _invitation(file: str) -> str:
    if file == "-":
        return sys.stdin.read(_MOST_INVITATION).strip()
    try:
        return read_small(file, _MOST_INVITATION).decode("ascii").strip()
    except UnicodeDecodeError:
        raise BadInputError(f"{printable(file)} is no invitation") from None


def _say_first(kind: str, settings: Settings, *, yes: bool, member: str = "") -> None:
    for text in CONSEQUENCES[kind]:
        note(text[not settings.german].format(member=printable(member)))
    if not yes:
        confirm(_GO_ON, settings, without="to go on without a question: --yes")


def waiting(asked: dict[str, Any], settings: Settings) -> ExitStatus:
    """Print an act that waits for a second person."""
    if settings.json:
        document(asked)
    else:
        rows = [(act_word("act", german=settings.german), asked["act"])]
        pairs([*rows, *act_rows(asked, german=settings.german)], indent="")
    command = f"fedsafe act approve {printable(str(asked['act']))}"
    note(
        say(
            "nothing is done yet: let another person run `{command}`",
            settings,
            command=command,
        )
    )
    return ExitStatus.WAITING


def _text(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return read_small(path, _MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise BadInputError(f"{printable(path)} is no readable text") from None
