# SPDX-License-Identifier: Apache-2.0
"""`fedsafe training`: records without which there is no role."""

import time
from typing import Any

import click

from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import coded, headings, say
from fedsafe_cli.terminal.moments import ENDS, shown, start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_policies.vocabulary import Module

MODULES = tuple(module.value for module in Module)


@click.group(cls=SpokenGroup)
def training() -> None:
    """Record trainings of people; a role lapses when its training expires.

    \b
    Examples:
      fedsafe training add anna --help
      fedsafe training list
    """  # noqa: D301


@training.command("add")
@click.argument("name")
@click.option(
    "--module",
    type=click.Choice(MODULES),
    required=True,
    metavar="MODULE",
    help=one_of("What was taught", MODULES),
)
@click.option("--by", required=True, metavar="ORGANISATION", help="Who taught it.")
@click.option(
    "--on",
    metavar="YYYY-MM-DD",
    callback=start_of,
    help="Day of the training; default: today.",
)
@click.option(
    "--until",
    required=True,
    metavar="YYYY-MM-DD",
    callback=start_of,
    help=ENDS,
)
@shared_options
@click.pass_context
def add(context: click.Context, /, name: str, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Record a training of another person.

    \b
    Example:
      fedsafe training add anna --module basic --by "Fachstelle" --until 2027-11-01
    """  # noqa: D301
    settings = settings_of(context)
    since = given["on"]
    body = {
        "name": name,
        "module": given["module"],
        "organisation": given["by"],
        "since": int(time.time()) if since is None else since,  # noqa: TID251 - today
        "until": given["until"],
    }
    answer = personal(settings).post("/v1/training", body)
    if settings.json:
        document(answer)
    else:
        told = {"name": name, "module": answer["module"]}
        told["until"] = shown(answer["until"])
        line(say("{name}: {module} until {until}", settings, **told))
    return OK


@training.command("list")
@shared_options
@click.pass_context
def list_training(context: click.Context) -> ExitStatus:
    """List trainings, by person and end.

    \b
    Example:
      fedsafe training list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/training")
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            one["name"],
            one["module"],
            one["organisation"],
            shown(one["since"]),
            shown(one["until"]),
            "" if one["valid"] else coded("expired", settings),
        ]
        for one in answer["trainings"]
    ]
    names = ("name", "module", "by", "since", "until", "")
    table(headings(settings, *names), rows)
    return OK
