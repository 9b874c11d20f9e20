# SPDX-License-Identifier: Apache-2.0
"""`fedsafe node credential`: what services, and people without a login, ask with.

A token is written once to a new file of mode 0600 and never shown.
"""

import os
from pathlib import Path
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import (
    SettingsError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import coded, headings, meant, say
from fedsafe_cli.terminal.moments import ENDS, shown, start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of
from fedsafe_policies.vocabulary import Purpose, Role

ROLES: Final = tuple(role.value for role in Role)
SCOPES: Final = ("lookup", "publish", "events", "rights")
_COUNTS: Final = Phrase(
    "fedsafe: warning: {name} counts as a person who can approve as {role}: from now "
    "on all grants of roles wait for a second person; a machine that reads counts of "
    "the node takes --role auditor"
)
PURPOSES: Final = tuple(purpose.value for purpose in Purpose)


@click.group("credential", cls=SpokenGroup)
def credential() -> None:
    """Manage credentials of services and people.

    `add --role` needs a stopped node; all other commands ask the running node, as
    somebody who has logged in.

    \b
    Examples:
      fedsafe node credential add shop --scope lookup --purpose signup_check \\
        --until 2027-06-01 --out shop.key
      fedsafe node credential list
    """  # noqa: D301


@credential.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    metavar="ROLE",
    help=one_of("Node stopped: role of its holder", ROLES),
)
@click.option(
    "--person", metavar="NAME", help="Whose credential it is; default: its own name."
)
@click.option(
    "--service",
    metavar="NAME",
    help="Application that asks with it and whose accounts are its own; it keeps its "
    "name when credentials are replaced. Default: the credential's name.",
)
@click.option(
    "--scope",
    type=click.Choice(SCOPES),
    metavar="SCOPE",
    help=one_of("Node running: what the service may do", SCOPES),
)
@click.option(
    "--purpose",
    "purposes",
    type=click.Choice(PURPOSES),
    multiple=True,
    metavar="PURPOSE",
    help=one_of("With --scope lookup: why it may ask", PURPOSES),
)
@click.option("--until", metavar="YYYY-MM-DD", callback=start_of, help=ENDS)
@click.option("--out", required=True, metavar="FILE", help="New file, mode 0600.")
@shared_options
@click.pass_context
def add(context: click.Context, /, name: str, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Add a credential, written once to a new file that only you can read.

    With --scope: a credential of a service. You must be logged in as an operator, and
    the node must run. With --role: an unlimited credential of a person or service. The
    node must be stopped. A person's credential is valid for 90 days, or until --until.
    Outside of demonstrations it records own bans, looks up and reads; everything else
    needs an account.

    Give each application its own service: otherwise an account of one could be taken
    for an account of the other. Credentials of one application share its --service.

    \b
    Examples:
      fedsafe node credential add shop --scope lookup --purpose signup_check \\
        --until 2027-06-01 --out shop.key
      fedsafe node credential add shop-events --service shop --scope events \\
        --until 2027-06-01 --out events.key
      fedsafe node credential add --config /srv/fedsafe cem --role reviewer --out c.key
    """  # noqa: D301
    import asyncio  # noqa: PLC0415 - slow to load

    settings, out = settings_of(context), given["out"]
    if (given["role"] is None) == (given["scope"] is None):
        raise misused(
            Phrase(
                "give either --scope, while the node runs, "
                "or --role, while it is stopped"
            )
        )
    if given["scope"] is not None:
        if given["until"] is None:
            raise misused(Phrase("--scope takes --until"))
        body = {
            "name": name,
            "scope": given["scope"],
            "purposes": list(given["purposes"]),
            "until": given["until"],
        }
        if given["service"] is not None:
            body["service"] = given["service"]
        _hand_out(settings, "/v1/credentials", body, out)
        return OK
    if given["purposes"]:
        raise misused(Phrase("--purpose goes with --scope"))
    # Slow to load.
    from fedsafe_cli.node.node_factory import NewCredential, add_person  # noqa: PLC0415
    from fedsafe_node.people.role_grants import GRANTERS  # noqa: PLC0415

    directory, role = Path(settings.directory()), Role(given["role"])
    _check_new(out)
    person = given["person"]
    if given["service"] is not None:
        if role is not Role.SERVICE or person is not None:
            raise misused(Phrase("--service goes with a service, without --person"))
        person = given["service"]
    new = NewCredential(name, role, person, given["until"])
    asyncio.run(add_person(directory, new, Path(out)))
    if role in GRANTERS:
        told = _COUNTS.filled(name=person or name, role=role.value)
        note(told.said(settings.language))
    if settings.json:
        document({"name": name, "role": role.value, "file": out})
    else:
        line(f"{name} ({role.value}): {printable(out)}")
    return OK


@credential.command("list")
@shared_options
@click.pass_context
def list_credentials(context: click.Context) -> ExitStatus:
    """List the credentials without their secrets; the node must run.

    \b
    Example:
      fedsafe node credential list
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/credentials")
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            one["name"],
            one["holder"],
            meant("role", one["role"], settings),
            one["scope"] or "",
            ", ".join(
                str(meant("purposes", each, settings)) for each in one["purposes"]
            ),
            coded("expired", settings) if one["expired"] else shown(one["until"]),
        ]
        for one in answer["credentials"]
    ]
    names = ("name", "holder", "role", "scope", "purposes", "until")
    table(headings(settings, *names), rows)
    return OK


@credential.command("rotate")
@click.argument("name")
@click.option(
    "--until",
    required=True,
    metavar="YYYY-MM-DD",
    callback=start_of,
    help="Day on which the successor expires.",
)
@click.option(
    "--overlap",
    type=click.IntRange(0, 720),
    default=24,
    show_default=True,
    metavar="HOURS",
    help="How long the old credential stays valid.",
)
@click.option(
    "--service", metavar="NAME", help="Service of the successor; default: the same."
)
@click.option("--out", required=True, metavar="FILE", help="New file, mode 0600.")
@shared_options
@click.pass_context
def rotate(context: click.Context, /, name: str, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Create a successor of a service's credential; both are valid for a while.

    \b
    Example:
      fedsafe node credential rotate shop --until 2028-06-01 --out shop2.key
    """  # noqa: D301
    body = {"until": given["until"], "overlap": given["overlap"] * 3_600}
    if given["service"] is not None:
        body["service"] = given["service"]
    target = f"/v1/credentials/{name}/rotate"
    _hand_out(settings_of(context), target, body, given["out"])
    return OK


@credential.command("revoke")
@click.argument("name")
@shared_options
@click.pass_context
def revoke(context: click.Context, name: str) -> ExitStatus:
    """Revoke a credential at once.

    \b
    Example:
      fedsafe node credential revoke shop
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).post(f"/v1/credentials/{name}/revoke", None)
    if settings.json:
        document(answer)
    else:
        line(say("{name} is revoked", settings, **answer))
    return OK


def _check_new(out: str) -> None:
    if Path(out).exists():
        raise SettingsError(
            Phrase("{file} exists already; want a new file").filled(file=printable(out))
        )


def _hand_out(settings: Settings, target: str, body: object, out: str) -> None:
    """Get a token from the node into a file that is there before it is asked for."""
    _check_new(out)
    client = personal(settings)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = os.open(out, flags, 0o600)
    except OSError as error:
        raise SettingsError(
            Phrase("{file}: {why}").filled(file=printable(out), why=reason_of(error))
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        try:
            answer = client.post(target, body)
        except BaseException:
            os.unlink(out)  # noqa: PTH108
            raise
        file.write(f"{answer['token']}\n")
    told = {"name": answer["name"], "until": answer["until"], "file": out}
    if settings.json:
        document(told)
    else:
        end = {"until": shown(told["until"]), "file": printable(out)}
        line(say("{name} until {until}: {file}", settings, **(told | end)))
