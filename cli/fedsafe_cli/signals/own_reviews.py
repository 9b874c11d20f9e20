# SPDX-License-Identifier: Apache-2.0
"""Yearly reviews of the own signals: `fedsafe signal keep`, `sample`, `look`."""

from typing import Any, Final

import click

from fedsafe_cli.terminal.confirmation import decided, say_again
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_policies.ground.catalogue import Phrase, all_said

_KEPT: Final = Phrase("{signal} lives on; the next review is due by {review_by}")


FINDINGS: Final = {
    "stands": Phrase.within("own reviews", "stands"),
    "wrong": Phrase("was wrong; revoked"),
}
_DRAWN: Final = (
    Phrase("signal"),
    Phrase("drawn"),
    Phrase("due"),
    Phrase("state"),
    Phrase("who"),
    Phrase("looked at by"),
    Phrase("reason"),
)
_OVERDUE: Final = Phrase("overdue")
_YOURS: Final = {
    True: Phrase("you can"),
    False: Phrase("somebody else"),
}
_NONE_DRAWN: Final = Phrase("nothing is drawn")


@click.command("keep", cls=SpokenCommand)
@click.argument("signal_id", metavar="SIGNAL")
@shared_options
@click.pass_context
def keep(context: click.Context, signal_id: str) -> ExitStatus:
    """Extend a signal about a file by a year, after you have reviewed it.

    You need the role reviewer and must not be its author. A signal about a person
    cannot be extended.

    \b
    Example:
      fedsafe signal keep SIGNAL
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/signals/{checked_id(signal_id)}/keep"
    answer = personal(settings).change(target, None)
    if settings.json:
        document(answer)
    else:
        line(_KEPT.said(settings.language).format(**answer))
    return OK


@click.command("sample", cls=SpokenCommand)
@click.option(
    "--state",
    type=click.Choice(["waiting", "found"]),
    default="waiting",
    help="waiting (default), or the result of the check.",
)
@reading_purpose
@shared_options
@click.pass_context
def sample(context: click.Context, /, *, state: str, purpose: str | None) -> ExitStatus:
    """List the random sample of own signals that are checked again this year.

    People who wrote, approved or reviewed a signal cannot check it. A check is overdue
    after 30 days; `fedsafe doctor` reports it.

    \b
    Examples:
      fedsafe signal sample
      fedsafe signal sample --state found --json
    """  # noqa: D301
    settings = settings_of(context)
    path = read_for(f"/v1/signals/sample?state={state}", purpose)
    answer = personal(settings).get(path)
    language = settings.language
    if settings.json:
        document(answer)
    elif answer["signals"]:
        rows = [_drawn(each, language) for each in answer["signals"]]
        table(all_said(_DRAWN, language), rows)
    else:
        line(_NONE_DRAWN.said(language))
    return OK


@click.command("look", cls=SpokenCommand)
@click.argument("signal_id", metavar="SIGNAL")
@click.argument("finding", type=click.Choice(list(FINDINGS)))
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="Reference to your notes on it.",
)
@say_again
@shared_options
@click.pass_context
def look(
    context: click.Context, /, signal_id: str, finding: str, *, reason: str, again: bool
) -> ExitStatus:
    """Record your check of a signal from the yearly sample: `stands` or `wrong`.

    Check the finding behind it in your own files. A wrong signal is revoked at once, at
    every member. You need the role reviewer and must have had no part in the signal.

    \b
    Examples:
      fedsafe signal look SIGNAL stands --reason note-7
      fedsafe signal look SIGNAL wrong --reason note-8
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/signals/{checked_id(signal_id)}/sample"
    said = {"finding": finding, "reason": reason}
    answer = decided(target, said, settings, again=again)
    if settings.json:
        document(answer)
    else:
        line(FINDINGS[answer["finding"]].said(settings.language))
    return OK


def _drawn(each: dict[str, Any], language: str) -> tuple[object, ...]:
    said = _OVERDUE.said(language) if each["overdue"] else ""
    if each["finding"] is not None:
        said = FINDINGS[each["finding"]].said(language)
    return (
        each["signal"],
        shown(each["drawn_at"]),
        shown(each["due_at"]),
        said,
        _YOURS[each["is_yours"]].said(language) if each["finding"] is None else None,
        each["found_by"],
        each["reason"],
    )
