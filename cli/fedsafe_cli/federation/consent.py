# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation found review`, `confirm` and `withdraw`: consent to a founding.

What is asked for is on no screen here: two groups of each other member's fingerprint,
which that member reads out from its own node. So no option stands for an answer.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from fedsafe_cli.federation.ceremony import (
    CONFIRM,
    PROPOSAL,
    REVIEW,
    WAITING,
    WITHDRAW,
    Folder,
)
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import coded, headings, say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase

_NUMBERS: Final = "   1    2    3    4    5    6    7    8"
_NO_TEXT: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_ANSWERED: Final = frozenset({"refused", "dealt"})
_DEALT: Final = "dealt"
_FOLDER: Final = click.argument("folder", metavar="[DIR]", required=False)
_DIGEST: Final = click.option(
    "--proposal",
    "digest",
    metavar="DIGEST",
    help="Which founding, if several are proposed to this node.",
)
_ENDED: Final = Phrase("nobody has typed the groups: nothing was done")


@click.command("review", cls=SpokenCommand)
@_FOLDER
@shared_options
@click.pass_context
def review(context: click.Context, folder: str | None) -> ExitStatus:
    """Show what was proposed to this node: by the files in DIR, or over the network.

    Compare all of it with what you agreed on: members, threshold, end, policy and
    arrangement (`sha256sum FILE`). Two groups of each other member's fingerprint are
    hidden: `confirm` asks for them.

    \b
    Examples:
      fedsafe federation found review /shared/founding
      fedsafe federation found review --json
    """  # noqa: D301
    settings = settings_of(context)
    found = _foundings(settings.client(), folder)
    if settings.json:
        document({"foundings": found})
        return OK
    for each in found:
        _show(each, settings)
    if not found:
        line(say("nothing", settings))
    return OK


@click.command("confirm", cls=SpokenCommand)
@_FOLDER
@_DIGEST
@shared_options
@click.pass_context
def confirm(
    context: click.Context, folder: str | None, digest: str | None
) -> ExitStatus:
    """Consent to what `review` shows; the node then takes part in this founding.

    Call each other member on a number that you have from elsewhere. It reads the two
    groups that you are asked for from `fedsafe federation card` at its own node. If
    they differ, a card was replaced: stop. After five wrong attempts the command is
    refused for good.

    Type each member's two groups on a line, or pass these lines on standard input.
    Consent is valid for a week, and also for the same terms with fewer members.

    \b
    Examples:
      fedsafe federation found confirm
      fedsafe federation found confirm /shared/founding
    """  # noqa: D301
    settings = settings_of(context)
    client = settings.client()
    chosen = _chosen(_foundings(client, folder), digest)
    if not settings.json:
        pairs(list(_rows(chosen, settings)), indent="")
        _warn(chosen, settings)
    groups = {
        str(each["name"]): _typed(each, settings)
        for each in chosen["members"]
        if each["asked"]
    }
    body = {"proposal": chosen["proposal"], "groups": groups}
    answer = client.post(CONFIRM, body)
    return _say_state(answer, settings)


@click.command("withdraw", cls=SpokenCommand)
@_FOLDER
@_DIGEST
@shared_options
@click.pass_context
def withdraw(
    context: click.Context, folder: str | None, digest: str | None
) -> ExitStatus:
    """Refuse a founding, or withdraw consent, before the node has made its share.

    This covers the same founding with fewer members too. When you found by files, call
    the convenor: nobody else is told. The others can found without this node and need
    not confirm again. `confirm` takes part again. A member that wants to leave runs
    `fedsafe federation leave`.

    \b
    Examples:
      fedsafe federation found withdraw
      fedsafe federation found withdraw --proposal 5be0cd19137e2179
    """  # noqa: D301
    settings = settings_of(context)
    client = settings.client()
    chosen = _chosen(_foundings(client, folder), digest)
    answer = client.post(WITHDRAW, {"proposal": chosen["proposal"]})
    _say_state(answer, settings)
    if settings.json:
        return OK
    if answer["state"] == _DEALT:
        note(
            say("the share for it stays; consent to fewer members has ended", settings)
        )
        return OK
    where = f" {printable(folder)}" if folder else ""
    again = f"fedsafe federation found confirm{where}"
    if folder:
        note(say("tell the convenor: no file in the folder says so", settings))
    note(say("to take part again: {command}", settings, command=again))
    for each in foundings(client):
        is_akin = all(each[name] == answer[name] for name in ("by", "federation"))
        if is_akin and each["state"] == _DEALT:
            names = ", ".join(str(member["name"]) for member in each["members"])
            text = "this one goes on, for this node has made its share: {names}"
            note(say(text, settings, names=names))
    return OK


CONSENT_COMMANDS: Final = (review, confirm, withdraw)


def say_who_waits(names: str, settings: Settings, folder: str = "") -> None:
    """Say who has yet to confirm, and how."""
    note(say("{names}: the operator has yet to confirm", settings, names=names))
    where = f" {printable(folder)}" if folder else ""
    for command in ("review", "confirm"):
        full = f"fedsafe federation found {command}{where}"
        note(say("next: {command}", settings, command=full))


def foundings(client: Client) -> list[dict[str, Any]]:
    """Give what was proposed to the node."""
    return list(client.get(WAITING)["foundings"])


def _foundings(client: Client, folder: str | None) -> list[dict[str, Any]]:
    """Give what waits at the node, or the one proposal that lies in a folder."""
    if folder is None:
        return foundings(client)
    found = [each for each in Folder(Path(folder)).read() if each["type"] == PROPOSAL]
    if len(found) != 1:
        raise BadInputError(
            Phrase("exactly one proposal has to lie in {folder}").filled(
                folder=printable(folder)
            ),
            Phrase(
                "the convenor runs `fedsafe federation found propose`, once "
                "for a folder"
            ),
        )
    return [client.post(REVIEW, found[0])]


def _chosen(found: list[dict[str, Any]], digest: str | None) -> dict[str, Any]:
    fits = [each for each in found if str(each["proposal"]).startswith(digest or "")]
    if digest is None and len(fits) > 1:
        fits = [each for each in fits if each["state"] not in _ANSWERED] or fits
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise BadInputError(
            Phrase("several foundings are proposed to this node"),
            Phrase(
                "name one with --proposal, as `fedsafe federation found "
                "review` shows it"
            ),
        )
    raise BadInputError(
        Phrase("no such founding is proposed to this node"),
        Phrase("see `fedsafe federation found review`; by files, name their folder"),
    )


def _typed(member: dict[str, Any], settings: Settings) -> list[str]:
    """Ask for two groups of a member's fingerprint, without showing any."""
    first, second = member["asked"]
    text = "{name}, groups {first} and {second}, as they are read out to you:"
    values = {"name": member["name"], "first": first, "second": second}
    while True:
        note(say(text, settings, **values))
        given = sys.stdin.readline()
        if not given:
            raise BadInputError(_ENDED)
        groups = given.split()
        if len(groups) == len(member["asked"]):
            return groups
        note(say("please type two groups of four, such as: 1a2b 3c4d", settings))


def _show(founding: dict[str, Any], settings: Settings) -> None:
    pairs(list(_rows(founding, settings)), indent="")
    names = headings(settings, "name", "url", "jurisdiction", "fingerprint")
    rows = [
        [each["name"], each["url"], each["jurisdiction"], each["fingerprint"]]
        for each in founding["members"]
    ]
    table(names, [["", "", "", _NUMBERS], *rows])
    _warn(founding, settings)
    line()


def _warn(founding: dict[str, Any], settings: Settings) -> None:
    """Say what follows that the rows do not show."""
    fewest = founding["fewest"]
    if fewest is not None:
        text = (
            "consent is for fewer of them too, down to {fewest}: {threshold} make a "
            "token then too, and {quorum} change the charter"
        )
        values = {"threshold": founding["threshold"], "quorum": fewest // 2 + 1}
        line(say(text, settings, fewest=fewest, **values))
    for each in founding["members"]:
        if each["inside"]:
            text = (
                "{name}: {url} leads into an inner network, and peering.inside in "
                "node.toml does not name that: this node will not connect to it"
            )
            line(say(text, settings, name=each["name"], url=each["url"]))


def _rows(founding: dict[str, Any], settings: Settings) -> Iterator[tuple[str, object]]:
    arrangement = founding["arrangement_sha256"]
    if arrangement == _NO_TEXT:
        arrangement = say("none", settings)
    part = "{count} of {whole}"
    count, whole = founding["threshold"], len(founding["members"])
    tries = None if founding["state"] == _DEALT else founding["tries_left"]
    quorum = say(part, settings, count=founding["quorum"], whole=whole)
    names = ", ".join(str(each["name"]) for each in founding["members"])
    words = headings(
        settings,
        *("proposal", "by", "federation", "members", "threshold", "since", "until"),
        *("policy", "arrangement", "changes by", "state", "tries left"),
    )
    values = (
        founding["proposal"],
        founding["by"],
        founding["federation"],
        names,
        say(part, settings, count=count, whole=whole),
        shown(founding["since"]),
        shown(founding["until"]),
        f"{founding['policy']} {founding['policy_sha256']}",
        arrangement,
        quorum,
        _state(founding, settings),
        tries,
    )
    yield from zip(words, values, strict=True)


def _state(founding: dict[str, Any], settings: Settings) -> str:
    state = coded(founding["state"], settings)
    if founding["state"] == _DEALT:
        return state
    until = shown(founding["expires"])
    return say("{state} until {until}", settings, state=state, until=until)


def _say_state(answer: dict[str, Any], settings: Settings) -> ExitStatus:
    if settings.json:
        document(answer)
    else:
        line(_state(answer, settings))
    return OK
