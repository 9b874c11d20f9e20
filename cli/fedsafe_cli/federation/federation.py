# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation`: cards, the charter, and founding a federation."""

import json
from pathlib import Path
from typing import Any, Final

import click

from fedsafe_cli.federation.ceremony import (
    CARD,
    PROPOSAL,
    UNCONFIRMED,
    Folder,
    Message,
    Terms,
    carry,
    charter,
    expected,
    fingerprint,
    payload_of,
    propose,
    step,
)
from fedsafe_cli.federation.charter_join import invite, join, withdraw
from fedsafe_cli.federation.charter_proposal import (
    backfill,
    expel,
    former_keys,
    leave,
    reinstate,
    rotate_keys,
    set_policy,
    set_roles,
    suspend,
)
from fedsafe_cli.federation.charter_view import history, status
from fedsafe_cli.federation.charter_vote import approve, refuse
from fedsafe_cli.federation.consent import CONSENT_COMMANDS, foundings, say_who_waits
from fedsafe_cli.federation.quarantine import quarantine
from fedsafe_cli.federation.resharing import reshare, rotate
from fedsafe_cli.terminal.errors import (
    BadInputError,
    BrokenAnswerError,
    RefusedError,
    WrongStateError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import headings, say
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.remote import remote
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase

# `fedsafe federation`: what members change of their charter, and how it stands.
#
# Each command first says what it will lead to and asks. What it then asks the node for
# waits for a second person here (`fedsafe act approve`), then for other members.

COMMANDS: Final = (
    status,
    history,
    invite,
    withdraw,
    join,
    suspend,
    reinstate,
    expel,
    leave,
    set_policy,
    set_roles,
    rotate_keys,
    former_keys,
    backfill,
    reshare,
    rotate,
    approve,
    refuse,
    quarantine,
)


_NUMBERS: Final = "   1    2    3    4    5    6    7    8"

threshold_option: Final = click.option(
    "--threshold",
    type=click.IntRange(2, 63),
    help="Shares that make a token; default: more than half.",
)
_ANEW: Final = click.option(
    "--anew", is_flag=True, help="Make a new proposal, which everybody confirms."
)


@click.group(cls=SpokenGroup)
def federation() -> None:
    """Show the federation, found one, or change what its members agreed on.

    \b
    Examples:
      fedsafe federation card
      fedsafe federation found --help
      fedsafe federation status
      fedsafe federation suspend chat.example.de
    """  # noqa: D301


for _command in COMMANDS:
    federation.add_command(_command)


@federation.command("card")
@click.option("--out", metavar="DIR", help="Write the card to this folder.")
@shared_options
@click.pass_context
def card(context: click.Context, out: str | None) -> ExitStatus:
    """Print the node's signed card and its fingerprint.

    Members who found a federation with you ask you by telephone for two groups of the
    fingerprint. Read them out from here.

    \b
    Examples:
      fedsafe federation card
      fedsafe federation card --out /shared/founding
    """  # noqa: D301
    settings = settings_of(context)
    message = settings.client().get("/v1/card")
    if out is not None:
        Folder(Path(out)).add([message])
    if settings.json:
        document(message)
        return OK
    contents = _payload(message)
    names = ("name", "url", "jurisdiction")
    rows = [(say(name, settings), contents.get(name)) for name in names]
    rows += [
        (say("group", settings), _NUMBERS),
        (say("fingerprint", settings), fingerprint(message)),
    ]
    pairs(rows, indent="")
    return OK


@federation.command("show")
@shared_options
@click.pass_context
def show(context: click.Context) -> ExitStatus:
    """Print the charter: members, threshold, epochs.

    \b
    Example:
      fedsafe federation show
    """  # noqa: D301
    settings = settings_of(context)
    signed = charter(settings.client())
    if signed is None:
        raise WrongStateError(
            Phrase("this node belongs to no federation"),
            Phrase("see `fedsafe federation found`"),
        )
    if settings.json:
        document(signed)
        return OK
    signatures = signed.get("signatures") if isinstance(signed, dict) else None
    if not signatures:
        raise BrokenAnswerError(Phrase("the node's charter has no signatures"))
    contents = _payload(signatures[0])
    epoch = contents["epochs"][-1]
    count = len(contents["members"])
    labels = headings(
        settings, "federation", "threshold", "epoch", "policy", "signed by"
    )
    part = "{count} of {whole}"
    values = (
        contents["federation"],
        say(part, settings, count=epoch["threshold"], whole=count),
        epoch["epoch"],
        contents["policy"]["name"],
        say(part, settings, count=len(signatures), whole=count),
    )
    pairs(list(zip(labels, values, strict=True)), indent="")
    line()
    names = ("index", "name", "url", "jurisdiction")
    members = [[each[name] for name in names] for each in contents["members"]]
    table(headings(settings, *names), members)
    return OK


@federation.group("found")
def found() -> None:
    """Found a federation, by files or over the network.

    By files, in a folder that all organisations can write to: each runs `fedsafe
    federation card --out`; the convenor runs `propose`; each runs `review` and
    `confirm`; then each repeats `step` until it says that the federation is founded.

    \b
    Examples:
      fedsafe federation card --out /shared/founding
      fedsafe federation found propose --federation kids.example /shared/founding
      fedsafe federation found review /shared/founding
      fedsafe federation found confirm /shared/founding
      fedsafe federation found step /shared/founding
      fedsafe federation found run --federation kids.example \\
        --member https://fedsafe.b.example --member https://fedsafe.c.example
    """  # noqa: D301


for _command in CONSENT_COMMANDS:
    found.add_command(_command)


@found.command("propose")
@click.argument("folder", metavar="DIR")
@click.option("--federation", "name", required=True, help="Id of the new federation.")
@threshold_option
@click.option(
    "--arrangement", metavar="FILE", help="File of the joint-controller arrangement."
)
@_ANEW
@shared_options
@click.pass_context
def propose_by_files(
    context: click.Context,
    /,
    folder: str,
    **given: Any,  # noqa: ANN401 (options)
) -> ExitStatus:
    """Propose a federation of all nodes whose cards are in DIR, as the convenor.

    For a week, the same terms give the same proposal. After too many wrong attempts to
    confirm, make a new one in a new folder (--anew); everybody then confirms it.

    \b
    Example:
      fedsafe federation found propose --federation kids.example /shared/founding
    """  # noqa: D301
    settings = settings_of(context)
    shared = Folder(Path(folder))
    cards = [message for message in shared.read() if message["type"] == CARD]
    if not cards:
        raise BadInputError(
            Phrase("no cards lie in {folder}").filled(folder=printable(folder)),
            Phrase("each organisation runs `fedsafe federation card --out DIR` first"),
        )
    client = settings.client()
    before = foundings(client)
    proposal = propose(client, cards, _terms(given))
    written = shared.add([proposal])
    _report(written, [], settings, founded=False)
    _say_who_confirms(before, proposal, settings)
    return OK


@found.command("step")
@click.argument("folder", metavar="DIR")
@shared_options
@click.pass_context
def step_by_files(context: click.Context, folder: str) -> ExitStatus:
    """Pass the messages in DIR to the own node, and add those that it must send.

    Run it again after the others have, until the federation is founded. Until the
    operator has confirmed the proposal (`review`, `confirm`) it exits with status 13.

    \b
    Example:
      fedsafe federation found step /shared/founding
    """  # noqa: D301
    settings = settings_of(context)
    client = settings.client()
    shared = Folder(Path(folder))
    messages = shared.read()
    count = sum(message["type"] == PROPOSAL for message in messages)
    if count != 1:
        much = "no proposal lies" if not count else "several proposals lie"
        raise BadInputError(
            Phrase("{much} in {folder}").filled(much=much, folder=printable(folder)),
            Phrase(
                "the convenor runs `fedsafe federation found propose`, once "
                "for a folder"
            ),
        )
    try:
        owed = step(client, [each for each in messages if each["type"] != CARD])
    except RefusedError as error:
        if error.code != UNCONFIRMED:
            raise
        if settings.json:
            document({"written": [], "founded": False})
        say_who_waits(str(client.get("/v1/card")["signer"]), settings, folder)
        return ExitStatus.WAITING
    written = shared.add(owed)
    founded = charter(client) is not None
    [terms] = [_payload(each) for each in messages if each["type"] == PROPOSAL]
    late = expected(_members(terms), [*messages, *owed])
    _report(written, late, settings, founded=founded)
    return OK


@found.command("run")
@click.option(
    "--member",
    "members",
    multiple=True,
    metavar="URL",
    help="URL of another node; may be repeated.",
)
@click.option("--federation", "name", required=True, help="Id of the new federation.")
@threshold_option
@click.option(
    "--arrangement", metavar="FILE", help="File of the joint-controller arrangement."
)
@_ANEW
@shared_options
@click.pass_context
def run(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Found a federation over the network, from the convenor's machine.

    The other nodes need `founding.open = true` in node.toml. Each operator, the
    convenor's too, runs `review` and `confirm` at the own node; until all have, this
    command exits with status 13. Then run it again: a confirmation is valid for a week.

    \b
    Example:
      fedsafe federation found run --federation kids.example \\
        --member https://fedsafe.b.example --member https://fedsafe.c.example
    """  # noqa: D301
    settings = settings_of(context)
    convenor = settings.client()
    clients = [convenor, *(remote(url) for url in given["members"])]
    cards = [client.get("/v1/card") for client in clients]
    names = [str(message["signer"]) for message in cards]
    before = foundings(convenor)
    proposal = propose(convenor, cards, _terms(given))
    _say_who_confirms(before, proposal, settings)
    waiting = carry(dict(zip(names, clients, strict=True)), proposal)
    if settings.json:
        document({"federation": given["name"], "members": names, "waiting": waiting})
    elif not waiting:
        told = {"name": given["name"], "members": ", ".join(names)}
        line(say("founded: {name} with {members}", settings, **told))
    if not waiting:
        return OK
    say_who_waits(", ".join(waiting), settings)
    return ExitStatus.WAITING


def _terms(given: dict[str, Any]) -> Terms:
    return Terms(
        federation=given["name"],
        threshold=given["threshold"],
        arrangement=_text(given["arrangement"]),
        anew=given["anew"],
    )


def _report(
    written: list[str], late: list[str], settings: Settings, *, founded: bool
) -> None:
    """Say what was written, and whose messages are missing yet."""
    if settings.json:
        document({"written": written, "founded": founded})
        return
    for name in written:
        line(say("written: {file}", settings, file=name))
    if founded:
        line(say("the federation is founded; hand on what was written", settings))
        return
    if not written:
        line(say("nothing new: the others are to step next", settings))
    if late:
        line(say("to step next: {names}", settings, names=", ".join(late)))


def _say_who_confirms(
    before: list[dict[str, Any]], proposal: Message, settings: Settings
) -> None:
    """Say whether a confirmation of an earlier proposal holds for this one."""
    terms, signer = _payload(proposal), proposal["signer"]
    mine = [
        each
        for each in before
        if (each["by"], each["federation"]) == (signer, terms.get("federation"))
    ]
    if settings.json or not mine:
        return
    members = _members(terms)
    if any(
        (each["since"], each["threshold"]) == (terms["created"], terms["threshold"])
        and {*members} <= {member["name"] for member in each["members"]}
        for each in mine
    ):
        note(say("whoever has confirmed it before need not do so again", settings))
        return
    now = {"count": terms["threshold"], "whole": len(members)}
    was = {"before": mine[-1]["threshold"], "all": len(mine[-1]["members"])}
    if now["count"] != was["before"]:
        text = "the threshold is {count} of {whole} now, and was {before} of {all}"
        note(say(text, settings, **now, **was))
    note(say("all confirm anew, also who has confirmed before", settings))


def _members(terms: dict[str, Any]) -> list[str]:
    """Name the members of a proposal by whose cards it holds."""
    return [str(each["signer"]) for each in terms.get("cards", [])]


def _payload(message: Message) -> dict[str, Any]:
    try:
        contents = json.loads(payload_of(message))
    except ValueError:
        raise BrokenAnswerError(Phrase("a signed message holds no JSON")) from None
    if not isinstance(contents, dict):
        raise BrokenAnswerError(Phrase("a signed message holds no JSON"))
    return contents


def _text(path: str | None) -> str:
    if path is None:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInputError(
            Phrase("{file} is no readable text").filled(file=printable(path))
        ) from None
