# SPDX-License-Identifier: Apache-2.0
"""`fedsafe account`: accounts of people, their roles and what proves them."""

import re
from pathlib import Path
from typing import Any, Final

import click

from fedsafe_cli.node.login import ROLES, visit_provider
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.confirmation import ask_new_password, ask_secret
from fedsafe_cli.terminal.errors import RefusedError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import coded, headings, say
from fedsafe_cli.terminal.moments import ENDS, shown, start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase

_PASSKEY: Final = re.compile(r"[0-9a-f]{32}")
_ROLE: Final = one_of("Role to grant", ROLES)
_GRANTERS: Final = frozenset({"operator", "reviewer", "dpo"})
_NOBODY_APPROVES: Final = (
    "fedsafe: nobody is there who could approve it: the machine's owner makes a second "
    "operator while the node is stopped, with `fedsafe account first OTHERNAME`"
)
SET_UP: Final = '{} --training "ORGANISATION" --training-until YYYY-MM-DD'
"""How a first administrator sets up, whose training nobody else could record."""
_TRAINED: Final = (
    "fedsafe: before that another operator records the training: `fedsafe training add "
    "{name} --help`; if none can log in any more: fedsafe account setup {alone}"
)


def _passkey(context: click.Context, _: click.Parameter, value: str) -> str:
    if _PASSKEY.fullmatch(value) is None:
        wrong = misused(Phrase("PASSKEY is what `fedsafe account passkey list` shows"))
        wrong.ctx = context
        raise wrong
    return value


@click.group(cls=SpokenGroup)
def account() -> None:
    """Manage accounts of people: one account per person.

    \b
    Examples:
      fedsafe account add anna --display "Anna Weber"
      fedsafe account roles anna --grant reviewer
      fedsafe account list
    """  # noqa: D301


@account.command("first")
@click.argument("name")
@shared_options
@click.pass_context
def first(context: click.Context, name: str) -> ExitStatus:
    """Get a set-up code for an operator's account while the node is stopped.

    `fedsafe node init` printed the first code. Use this if that code was lost or has
    expired, or if fewer than two people are left who can grant roles; otherwise it is
    refused. If a first administrator of another name has not set up yet, their code and
    role end.

    \b
    Example:
      fedsafe account first --config /srv/fedsafe olaf
    """  # noqa: D301
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_cli.node.node_factory import add_administrator  # noqa: PLC0415 (slow to load)

    settings = settings_of(context)
    answer = asyncio.run(add_administrator(Path(settings.directory()), name))
    _tell_code(
        settings, {"name": answer.name, "code": answer.code, "until": answer.until}
    )
    note(_TRAINED.format(name=answer.name, alone=SET_UP.format(answer.name)))
    return OK


@account.command("setup")
@click.argument("name")
@click.option(
    "--training", metavar="ORGANISATION", help="First administrator: who trained you."
)
@click.option(
    "--training-until",
    metavar="YYYY-MM-DD",
    callback=start_of,
    help="First administrator: the training is valid until this day begins (UTC).",
)
@shared_options
@click.pass_context
def setup(
    context: click.Context, name: str, training: str | None, training_until: int | None
) -> ExitStatus:
    """Set up your own account with the code that you received.

    The command asks for the code and a new password; without a terminal it reads them
    from the first two lines of standard input. It shows the secret for your
    authenticator and your recovery codes once.

    \b
    Examples:
      fedsafe account setup anna
      fedsafe account setup olaf --training "Fachstelle" --training-until 2027-06-01
    """  # noqa: D301
    settings = settings_of(context)
    if (training is None) != (training_until is None):
        raise misused(Phrase("--training and --training-until go together"))
    client = settings.client()
    client.reach()
    body: dict[str, Any] = {
        "name": name,
        "code": ask_secret("set-up code"),
        "password": ask_new_password(),
    }
    if training is not None:
        body["training"] = {"organisation": training, "until": training_until}
    try:
        answer = client.post("/v1/account/setup", body)
    except RefusedError as error:
        if training is None and error.pointer == "/training":
            error.hint = f"fedsafe account setup {SET_UP.format(name)}"
        raise
    _tell_enrolment(settings, answer)
    return OK


@account.command("totp")
@shared_options
@click.pass_context
def totp(context: click.Context) -> ExitStatus:
    """Get a new authenticator and new recovery codes for your own account.

    First prove the old one: `fedsafe login --step-up`. The old ones and your other
    sessions end at once.

    \b
    Example:
      fedsafe account totp
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).post("/v1/account/authenticator", None)
    _tell_enrolment(settings, answer)
    return OK


@account.group("passkey", cls=SpokenGroup)
def passkey() -> None:
    """List, name and remove your passkeys.

    You add them on the desk, under "Passkeys", for its address. With one you log in
    there without a password.

    \b
    Examples:
      fedsafe account passkey list
      fedsafe account passkey remove 0f3a9c5e7b1d24680f3a9c5e7b1d2468
    """  # noqa: D301


@passkey.command("list")
@shared_options
@click.pass_context
def list_passkeys(context: click.Context) -> ExitStatus:
    """List your passkeys, oldest first.

    One that is synced may lie on several of your devices. One for another address was
    enrolled when the desk had another domain, and does not work now.

    \b
    Example:
      fedsafe account passkey list
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/account/passkeys")
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            one["passkey"],
            one["name"],
            shown(one["added_at"]),
            shown(one["used_at"]),
            coded("synced", settings) if one["synced"] else "",
            "" if one["fits"] else coded("other_address", settings),
        ]
        for one in answer["passkeys"]
    ]
    names = ("passkey", "name", "since", "last used", "kind", "state")
    table(headings(settings, *names), rows)
    return OK


@passkey.command("name")
@click.argument("key", metavar="PASSKEY", callback=_passkey)
@click.argument("name")
@shared_options
@click.pass_context
def name_passkey(context: click.Context, key: str, name: str) -> ExitStatus:
    """Give a passkey of yours another NAME.

    \b
    Example:
      fedsafe account passkey name 0f3a9c5e7b1d24680f3a9c5e7b1d2468 "key in the safe"
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/account/passkeys/{key}/name"
    answer = personal(settings).post(target, {"name": name})
    if settings.json:
        document(answer)
    else:
        line(say("{passkey} is called {name}", settings, **answer))
    return OK


@passkey.command("remove")
@click.argument("key", metavar="PASSKEY", callback=_passkey)
@shared_options
@click.pass_context
def remove_passkey(context: click.Context, key: str) -> ExitStatus:
    """Remove a passkey of yours; your other sessions end at once.

    First prove your second factor: `fedsafe login --step-up`.

    \b
    Example:
      fedsafe account passkey remove 0f3a9c5e7b1d24680f3a9c5e7b1d2468
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/account/passkeys/{key}/remove"
    answer = personal(settings).post(target, None)
    if settings.json:
        document(answer)
    else:
        line(say("{passkey} is removed", settings, **answer))
    return OK


@account.command("link")
@shared_options
@click.pass_context
def link(context: click.Context) -> ExitStatus:
    """Link your identity at the identity provider to your account.

    First log in at the node with password and one-time code, then at the identity
    provider with your browser. After that, `fedsafe login --sso` works.

    \b
    Example:
      fedsafe account link
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    answer = client.post("/v1/account/identity", visit_provider(client, settings))
    if settings.json:
        document(answer)
    else:
        line(say("{name} is linked at {issuer}", settings, **answer))
    return OK


@account.command("add")
@click.argument("name")
@click.option(
    "--display", required=True, metavar="TEXT", help="The person's full name."
)
@click.option(
    "--external", is_flag=True, help="The person does not belong to the provider."
)
@shared_options
@click.pass_context
def add(
    context: click.Context,
    name: str,
    display: str,
    external: bool,  # noqa: FBT001 (click's)
) -> ExitStatus:
    """Add an account without a role, as an operator.

    Give the code to the person, who sets the account up with it. A name is never used
    again.

    \b
    Example:
      fedsafe account add anna --display "Anna Weber"
    """  # noqa: D301
    settings = settings_of(context)
    body = {"name": name, "display": display, "external": external}
    _tell_code(settings, personal(settings).post("/v1/accounts", body))
    return OK


@account.command("list")
@shared_options
@click.pass_context
def list_accounts(context: click.Context) -> ExitStatus:
    """List the accounts and their roles; a role in brackets has lapsed.

    \b
    Example:
      fedsafe account list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/accounts")
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            one["name"],
            one["display"],
            coded("external", settings) if one["external"] else "",
            coded(one["state"], settings),
            ", ".join(_role(role, settings) for role in one["roles"]),
        ]
        for one in answer["accounts"]
    ]
    table(headings(settings, "name", "person", "seat", "state", "roles"), rows)
    return OK


def _role(role: dict[str, Any], settings: Settings) -> str:
    text = str(role["role"])
    if role["until"] is not None:
        end = shown(role["until"])
        text = say("{role} until {until}", settings, role=text, until=end)
    return f"({text})" if role["lapsed"] else text


@account.command("roles")
@click.argument("name")
@click.option("--grant", type=click.Choice(ROLES), metavar="ROLE", help=_ROLE)
@click.option(
    "--end", type=click.Choice(ROLES), metavar="ROLE", help="Role to take away."
)
@click.option(
    "--until",
    metavar="YYYY-MM-DD",
    callback=start_of,
    help=ENDS,
)
@shared_options
@click.pass_context
def roles(
    context: click.Context,
    name: str,
    grant: str | None,
    end: str | None,
    until: int | None,
) -> ExitStatus:
    """Grant a role to NAME, or take one away.

    As soon as there is a second person who may approve it, a grant exits with status 13
    and waits for `fedsafe act approve`. The person needs the training for the role.

    \b
    Examples:
      fedsafe account roles anna --grant reviewer
      fedsafe account roles dora --grant dpo --until 2027-06-01
      fedsafe account roles anna --end reviewer
    """  # noqa: D301
    if (grant is None) == (end is None):
        raise misused(Phrase("give either --grant ROLE or --end ROLE"))
    settings = settings_of(context)
    body: dict[str, Any] = {"name": name, "role": grant or end}
    if until is not None:
        body["until"] = until
    target = "/v1/roles" if grant else "/v1/roles/end"
    client = personal(settings)
    answer = client.post(target, body)
    act = answer.get("act")
    if act is not None and not _can_approve(client, {name, act["asked_by"]}):
        note(_NOBODY_APPROVES)
    done = OK if act is None else ExitStatus.WAITING
    if settings.json:
        document(answer)
        return done
    if act is not None:
        told = {"name": name, "role": answer["role"]}
        line(say("{name}: {role} waits for a second person", settings, **told))
        command = f"fedsafe act approve {act['act']}"
        line(say("next, as another person: {command}", settings, command=command))
    elif answer["granted"]:
        line(say("{name} has the role {role}", settings, **answer))
    else:
        line(say("{name} has no longer the role {role}", settings, **answer))
    return done


def _can_approve(client: Client, but: set[str]) -> bool:
    """Whether anybody could approve a grant now, other than those two."""
    return any(
        one["name"] not in but
        and one["state"] == "active"
        and any(
            role["role"] in _GRANTERS and not role["lapsed"] for role in one["roles"]
        )
        for one in client.get("/v1/accounts")["accounts"]
    )


@account.command("lock")
@click.argument("name")
@shared_options
@click.pass_context
def lock(context: click.Context, name: str) -> ExitStatus:
    """Lock an account and end its sessions at once.

    \b
    Example:
      fedsafe account lock anna
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).post(f"/v1/accounts/{name}/lock", None)
    if settings.json:
        document(answer)
    else:
        told = {"name": answer["name"], "state": coded(answer["state"], settings)}
        line(say("{name} is {state}", settings, **told))
    return OK


@account.command("reset")
@click.argument("name")
@shared_options
@click.pass_context
def reset(context: click.Context, name: str) -> ExitStatus:
    """Reset an account: secrets, sessions and roles end; the person sets it up again.

    \b
    Example:
      fedsafe account reset anna
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).post(f"/v1/accounts/{name}/reset", None)
    _tell_code(settings, answer)
    return OK


def _tell_code(settings: Settings, answer: dict[str, Any]) -> None:
    if settings.json:
        document(answer)
        return
    names = headings(settings, "name", "set-up code", "good until")
    values = (answer["name"], answer["code"], shown(answer["until"]))
    pairs(list(zip(names, values, strict=True)), indent="")
    command = f"fedsafe account setup {answer['name']}"
    line(say("next, the person: {command}", settings, command=command))


def _tell_enrolment(settings: Settings, answer: dict[str, Any]) -> None:
    if settings.json:
        document(answer)
        return
    names = headings(settings, "name", "secret", "address")
    rows = [
        *zip(names, (answer[key] for key in ("name", "secret", "uri")), strict=True),
        *((say("recovery code", settings), code) for code in answer["recovery_codes"]),
    ]
    pairs(rows, indent="")
    text = "fedsafe: this is shown once; keep the recovery codes on paper"
    note(say(text, settings))
