# SPDX-License-Identifier: Apache-2.0
"""`fedsafe login` and `fedsafe logout`: a person's session at a node."""

import os
from typing import Final
from urllib.parse import parse_qs, urlsplit

import click

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.confirmation import ask_secret
from fedsafe_cli.terminal.errors import BadInputError, RefusedError, SettingsError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.labels import say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.sessions import forget, keep, personal
from fedsafe_cli.terminal.settings import URL, Settings, printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

ROLES = tuple(role.value for role in Role if role is not Role.SERVICE)
_NO_ROLE: Final = "forbidden"  # a wrong login is "unauthenticated"
_DIGITS: Final = 6  # of a one-time code
_RECOVERED: Final = (
    "fedsafe: a recovery code only logs in; approvals take the authenticator"
)
_FEW: Final = "fedsafe: {left} recovery codes left; see `fedsafe account totp`"
_NEW_OPERATOR: Final = Phrase(
    "another operator sees to it; where there is none, the machine's owner makes "
    "one while the node is stopped: `fedsafe account first OTHERNAME`"
)


_BY_ADDRESS: Final = (
    "fedsafe: other commands find this node by its address: export FEDSAFE_URL={url}"
)


@click.command("login", cls=SpokenCommand)
@click.argument("whose", metavar="[URL] [NAME]", nargs=-1)
@click.option(
    "--role",
    type=click.Choice(ROLES),
    metavar="ROLE",
    help="Role to act in, if you have several.",
)
@click.option(
    "--step-up", is_flag=True, help="Prove the second factor again in this session."
)
@click.option("--sso", is_flag=True, help="Log in through the identity provider.")
@shared_options
@click.pass_context
def login(
    context: click.Context,
    whose: tuple[str, ...],
    role: str | None,
    step_up: bool,  # noqa: FBT001 (click's)
    sso: bool,  # noqa: FBT001 (click's)
) -> ExitStatus:
    """Log in as NAME, with password and one-time code.

    With URL, such as https://node.chat.example.de, at a node elsewhere; set FEDSAFE_URL
    to it for the commands that follow. Its certificate must be one that this machine
    trusts.

    The command asks for both; without a terminal it reads them from the first two lines
    of standard input. With --step-up it asks for the one-time code only. A recovery
    code replaces the one-time code for login, but not for --step-up. If you lose your
    authenticator, an operator resets your account (`fedsafe account reset`). The
    session is stored in a file that only you can read, until `fedsafe logout`.

    With --sso you log in at your identity provider with the browser; then paste the
    address of the last page. Link your account first: `fedsafe account link`.

    \b
    Examples:
      fedsafe login anna --role reviewer
      fedsafe login https://node.chat.example.de anna
      fedsafe login --step-up
      fedsafe login --sso
    """  # noqa: D301
    settings = settings_of(context)
    name = _taken(whose, settings)
    if step_up:
        answer = personal(settings).post(
            "/v1/session/step-up", {"code": ask_secret("one-time code")}
        )
        if settings.json:
            document(answer)
        else:
            until = shown(answer["fresh_until"])
            line(say("approvals are possible until {until}", settings, until=until))
        return OK
    client = settings.client()
    proofs = {} if sso else _proofs(client, name, role)
    try:
        if sso:
            answer = client.post(
                "/v1/session/oidc/code", visit_provider(client, settings, role)
            )
        else:
            answer = client.post("/v1/session", proofs)
    except RefusedError as error:
        if error.code == _NO_ROLE:
            error.hint = _NEW_OPERATOR
        raise
    file = keep(client.place, answer.pop("token"))
    if settings.json:
        document(answer | {"file": file})
        return OK
    end = shown(answer["ends_at"])
    line(say("{name} ({role}) until {until}", settings, **answer, until=end))
    text = "fedsafe: session kept in {file}; `fedsafe logout` ends it"
    note(say(text, settings, file=printable(file)))
    if settings.url is not None and os.environ.get(URL) != settings.url:
        note(say(_BY_ADDRESS, settings, url=settings.url))
    if not sso and len(proofs["code"].replace(" ", "")) != _DIGITS:
        note(say(_RECOVERED, settings))
    left = answer.get("recovery_codes_left")
    if isinstance(left, int) and left < 3:  # noqa: PLR2004 - time for new ones
        note(say(_FEW, settings, left=left))
    return OK


def _taken(whose: tuple[str, ...], settings: Settings) -> str | None:
    """Take up the address that was typed, if one was; return the name."""
    words = list(whose)
    if words and "://" in words[0]:
        settings.url = words.pop(0)
    if len(words) > 1:
        raise misused(Phrase("give one NAME, and before it perhaps a URL"))
    return words[0] if words else None


def _proofs(client: Client, name: str | None, role: str | None) -> dict[str, str]:
    if name is None:
        raise SettingsError(Phrase("whose login? `fedsafe login NAME`"))
    client.reach()
    body = {
        "name": name,
        "password": ask_secret("password"),
        "code": ask_secret("one-time code"),
    }
    return body if role is None else body | {"role": role}


def visit_provider(
    client: Client, settings: Settings, role: str | None = None
) -> dict[str, str]:
    """Send the person to the provider; return what the browser came back with.

    Raises:
        BadInputError: the address that was given is not the one it ended at.
    """
    begun = client.post("/v1/session/oidc", {} if role is None else {"role": role})
    note(say("open this address in your browser and log in:", settings))
    note(str(begun["url"]))
    query = parse_qs(urlsplit(ask_secret("address that the browser ended at")).query)
    state, code = query.get("state", [""])[0], query.get("code", [""])[0]
    if state != begun["state"] or not code:
        raise BadInputError(Phrase("that address belongs to no login that began here"))
    named = {"iss": query["iss"][0]} if "iss" in query else {}
    return {"state": state, "code": code} | named


@click.command("logout", cls=SpokenCommand)
@shared_options
@click.pass_context
def logout(context: click.Context) -> ExitStatus:
    """End the session, at the node and on this machine.

    \b
    Example:
      fedsafe logout
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    try:
        answer = client.post("/v1/session/end", None)
    finally:
        forget(client.place)
    if settings.json:
        document(answer)
    else:
        line(say("{name} is logged out", settings, **answer))
    return OK
