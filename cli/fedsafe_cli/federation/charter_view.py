# SPDX-License-Identifier: Apache-2.0
"""`fedsafe federation status` and `history`: the charter, as it stands and stood."""

from typing import Any

import click

from fedsafe_cli.federation.charter_request import FEDERATION
from fedsafe_cli.federation.charter_texts import (
    attempt_rows,
    charter_rows,
    fork_row,
    key_rows,
    out_rows,
    proposal_rows,
    quarantine_rows,
    version_rows,
    word,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.labels import coded, headings
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings


@click.command("status", cls=SpokenCommand)
@shared_options
@click.pass_context
def status(context: click.Context) -> ExitStatus:
    """Show the current charter, its members and keys, and all proposals.

    For each proposal: what it changes, who has signed or refused it, and how many
    signatures are missing. For each key: who holds shares of it, and the progress of a
    resharing.

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
    if found["forked"] is not None:
        pairs([fork_row(found["forked"], settings)], indent="")
        line()
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
    _tell_waiting(found, settings)
    return OK


def _tell_waiting(found: dict[str, Any], settings: Settings) -> None:
    for each in found["leaving"]:
        line()
        pairs([(word("wants to leave", settings), each)], indent="")
    for each in found["quarantines"]:
        line()
        pairs(quarantine_rows(each, settings), indent="")
    for rows_of, name in (
        (key_rows, "keys"),
        (attempt_rows, "attempts"),
        (proposal_rows, "proposals"),
    ):
        for each in found[name]:
            line()
            pairs(rows_of(each, settings), indent="")
    for each in found["joining"]:
        line()
        words = [word("wants to join", settings)]
        words += headings(settings, "url", "fingerprint")
        values = (each["name"], each["url"], each["fingerprint"])
        pairs(list(zip(words, values, strict=True)), indent="")
    for each in found["invitations"]:
        line()
        pairs(out_rows(each, settings), indent="")


@click.command("history", cls=SpokenCommand)
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
