# SPDX-License-Identifier: Apache-2.0
"""`fedsafe events`: what a node announces to the provider's back-end.

The cursor is the caller's: where reading ended is told on standard error, and in
JSON as `next`.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

import click

from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup, unfit
from fedsafe_cli.terminal.labels import detail_of
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import account_in
from fedsafe_policies.ground.catalogue import Phrase, all_said

_WAIT: Final = 25
_LONGEST: Final = 80
_PATIENCE: Final = 60.0
_HEADINGS: Final = (
    Phrase("number"),
    Phrase.within("events", "at"),
    Phrase("kind"),
    Phrase("account"),
    Phrase("receipt by"),
    Phrase("content"),
)
_NEXT: Final = Phrase("go on with --after {next}")
_RECEIPTED: Final = Phrase(
    "event {number} was receipted at {receipted_at} by {receipted_by}"
)
Json = dict[str, Any]

_PLACE: Final = re.compile(r"(0|[1-9][0-9]{0,14})(-[0-9a-f]{16})?")


def _checked(place: str) -> str:
    # It becomes a part of a query.
    if not _PLACE.fullmatch(place):
        raise unfit(Phrase("a number, or what reading ended with"))
    return place


_after = click.option(
    "--after",
    default="0",
    metavar="PLACE",
    callback=lambda _context, _option, value: _checked(value),
    help="Start after this event: its number, or the cursor from an earlier run.",
)


@click.group(cls=SpokenGroup)
def events() -> None:
    """Read events for the provider's back-end: a feed with a cursor.

    \b
    Examples:
      fedsafe events list --after 41
      fedsafe events follow --json --credential events.key
      fedsafe events receipt 42
    """  # noqa: D301


@events.command("list")
@_after
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=100,
    help="At most this many events.",
)
@shared_options
@click.pass_context
def list_events(context: click.Context, after: str, limit: int) -> ExitStatus:
    """List events after a number.

    \b
    Examples:
      fedsafe events list
      fedsafe events list --after 41 --limit 10 --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(f"/v1/events?after={after}&limit={limit}")
    if settings.json:
        document(answer)
        return OK
    rows = [_row(event, settings) for event in answer["events"]]
    table(all_said(_HEADINGS, settings.language), rows)
    note(_NEXT.said(settings.language).format(next=answer["next"]))
    return OK


@events.command("follow")
@_after
@click.option(
    "--for",
    "quiet",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="Stop after this time without an event.",
)
@shared_options
@click.pass_context
def follow(context: click.Context, after: str, quiet: int | None) -> ExitStatus:
    """Print events as they happen, one per line, until interrupted.

    \b
    Examples:
      fedsafe events follow --after 41
      fedsafe events follow --for 0
      fedsafe events follow --json --credential events.key
    """  # noqa: D301
    settings = settings_of(context)
    for answer in _coming(settings, after, quiet):
        for event in answer["events"]:
            if settings.json:
                document(event, compact=True)
            else:
                line(
                    "  ".join(
                        str(cell) for cell in _row(event, settings) if cell is not None
                    )
                )
        sys.stdout.flush()
        after = answer["next"]
    note(_NEXT.said(settings.language).format(next=after))
    return OK


@events.command("receipt")
@click.argument("number", type=click.IntRange(1, 10**15 - 1))
@shared_options
@click.pass_context
def receipt(context: click.Context, number: int) -> ExitStatus:
    """Confirm that event NUMBER has reached its person; once is enough.

    \b
    Example:
      fedsafe events receipt 42
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).post(f"/v1/events/{number}/receipt", None)
    if settings.json:
        document(answer)
    else:
        told = {name: readable(name, value) for name, value in answer.items()}
        line(_RECEIPTED.said(settings.language).format(**told))
    return OK


def _coming(settings: Settings, after: str, quiet: int | None) -> Iterator[Json]:
    client, left = personal(settings), quiet
    while True:
        wait = _WAIT if left is None else min(_WAIT, left)
        answer = client.get(f"/v1/events?after={after}&wait={wait}", timeout=_PATIENCE)
        yield answer
        after = answer["next"]
        if answer["events"]:
            left = quiet
        elif left is not None:
            left -= wait
            if left <= 0:
                return


def _brief(content: Json, settings: Settings) -> str:
    """Write ids, words and moments; letters to persons are in the JSON alone."""
    brief, letters = {}, []
    for name, value in content.items():
        if isinstance(value, str) and (" " in value or len(value) > _LONGEST):
            letters.append(name)
        else:
            brief[name] = value
    said = detail_of(brief, settings)
    return f"{said} ({', '.join(letters)}: --json)".lstrip() if letters else said


def _row(event: Json, settings: Settings) -> tuple[object, ...]:
    content = _brief(event["content"], settings)
    if event.get("reminds") is not None:
        content = f"reminds={event['reminds']} {content}"
    waits = event.get("receipt_due") if not event.get("receipted_at") else None
    return (
        event["number"],
        readable("at", event["at"]),
        event["kind"],
        account_in(event),
        readable("receipt_due", waits),
        content,
    )
