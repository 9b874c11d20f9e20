# SPDX-License-Identifier: Apache-2.0
"""`fedsafe session`: where somebody is logged in, and the role of a session."""

import re
from typing import Any, Final

import click

from fedsafe_cli.node.login import ROLES
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import coded, headings, say
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import keep, personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase

_NAME: Final = re.compile(r"[0-9a-f]{16}")
_ACCOUNT: Final = re.compile(r"[a-z][a-z0-9._-]{0,31}")


@click.group(cls=SpokenGroup)
def session() -> None:
    """List and end sessions, or change the role of yours.

    \b
    Examples:
      fedsafe session list
      fedsafe session end --others
      fedsafe session role dpo
    """  # noqa: D301


@session.command("list")
@shared_options
@click.pass_context
def list_sessions(context: click.Context) -> ExitStatus:
    """List your sessions, newest first; a star marks the one that you use here.

    A session ends after 30 minutes without a request, and after 12 hours in any case.

    \b
    Example:
      fedsafe session list
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/sessions")
    if settings.json:
        document(answer)
        return OK
    rows = [_row(one, settings) for one in answer["sessions"]]
    names = ("", "session", "role", "way", "since", "last request", "until")
    table(headings(settings, *names), rows)
    return OK


def _row(one: dict[str, Any], settings: Settings) -> list[str]:
    way = one["way"]
    return [
        "*" if one["current"] else "",
        one["session"],
        one["role"],
        "" if way is None else coded(way, settings),
        shown(one["began_at"]),
        shown(one["seen_at"]),
        shown(one["idle_until"]),
    ]


@session.command("end")
@click.argument("name", metavar="[SESSION]", required=False)
@click.option("--others", is_flag=True, help="End all yours but the one used here.")
@click.option(
    "--of",
    "person",
    metavar="NAME",
    help="End all of NAME's, as an operator, reviewer or dpo.",
)
@shared_options
@click.pass_context
def end(
    context: click.Context,
    name: str | None,
    others: bool,  # noqa: FBT001 (click's)
    person: str | None,
) -> ExitStatus:
    """End one of your sessions, all your others, or all of somebody's.

    SESSION is the name that `fedsafe session list` shows. Where somebody is not to
    log in again either, lock the account: `fedsafe account lock`.

    \b
    Examples:
      fedsafe session end 0f3a9c5e7b1d2468
      fedsafe session end --others
      fedsafe session end --of anna
    """  # noqa: D301
    if [name is not None, others, person is not None].count(True) != 1:
        raise misused(Phrase("give one of SESSION, --others and --of NAME"))
    if name is not None and _NAME.fullmatch(name) is None:
        raise misused(Phrase("SESSION is what `fedsafe session list` shows"))
    if person is not None and _ACCOUNT.fullmatch(person) is None:
        raise misused(Phrase("--of takes the name of an account"))
    settings = settings_of(context)
    if person is not None:
        target = f"/v1/accounts/{person}/log-out"
    else:
        target = "/v1/sessions/end" if others else f"/v1/sessions/{name}/end"
    answer = personal(settings).post(target, None)
    if settings.json:
        document(answer)
    else:
        line(say("{name}: sessions ended: {ended}", settings, **answer))
    return OK


@session.command("role")
@click.argument("role", type=click.Choice(ROLES), metavar="ROLE")
@shared_options
@click.pass_context
def change_role(context: click.Context, role: str) -> ExitStatus:
    """Go on in another of your roles, without a new login.

    The session keeps its end, and what you proved in it still counts.

    \b
    Example:
      fedsafe session role dpo
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    answer = client.post("/v1/session/role", {"role": role})
    file = keep(client.place, answer.pop("token"))
    if settings.json:
        document(answer | {"file": file})
        return OK
    until = shown(answer["ends_at"])
    line(say("{name} ({role}) until {until}", settings, **answer, until=until))
    text = "fedsafe: session kept in {file}; `fedsafe logout` ends it"
    note(say(text, settings, file=printable(file)))
    return OK
