# SPDX-License-Identifier: Apache-2.0
"""`fedsafe trial`: whose signals have no effect here yet (P22)."""

from typing import Any, Final

import click

from fedsafe_cli.terminal.confirmation import decided, say_again
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.ids import checked_task
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import KINDS, label
from fedsafe_policies.ground.catalogue import Phrase

Json = dict[str, Any]
Words = dict[str, Phrase]
CAUSES: Final[Words] = {
    "new_origin": Phrase("new member"),
    "imported_list": Phrase("imported list"),
    "probation": Phrase("on probation"),
}
_SAID: Final[Words] = {
    "trial": Phrase("trial"),
    "origin": Phrase("origin"),
    "cause": Phrase("why"),
    "list": Phrase("list of"),
    "ends": Phrase("ends"),
    "matches": Phrase("matches"),
    "drawn": Phrase("reviewed"),
    "upheld": Phrase("upheld"),
    "wrong": Phrase("listing wrong"),
    "other": Phrase("otherwise"),
    "note": Phrase("note"),
    "needs_person": Phrase("only a person ends it: fedsafe trial end"),
    "prolonged": Phrase("prolonged once"),
    "ended": Phrase("ended"),
    "reason": Phrase("reason"),
    "longer": Phrase("The signals still have no effect; a sample is reviewed."),
    "effect": Phrase("The signals have effect from now on."),
}


@click.group(cls=SpokenGroup)
def trial() -> None:
    """Show signals on trial and their results; extend or end a trial.

    Signals of a new member, of an imported list, or of a member on probation have no
    effect on accounts at first; a sample of their matches is reviewed. A member is on
    probation for one kind of signal if people here found its listings wrong too often;
    only a person ends that.

    \b
    Examples:
      fedsafe trial list
      fedsafe trial prolong 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason ticket-7
    """  # noqa: D301


@trial.command("list")
@click.option(
    "--state",
    type=click.Choice(["running", "ended"]),
    default="running",
    help="running (default), or those that have ended.",
)
@reading_purpose
@shared_options
@click.pass_context
def list_trials(
    context: click.Context, /, state: str, purpose: str | None
) -> ExitStatus:
    """List trials and the results of their matches.

    \b
    Examples:
      fedsafe trial list
      fedsafe trial list --state ended --lang de
    """  # noqa: D301
    settings = settings_of(context)
    path = read_for(f"/v1/trials?state={state}", purpose)
    answer = personal(settings).get(path)
    if settings.json:
        document(answer)
        return OK
    words = (
        *("trial", "origin", "cause", "list", "ends", "matches", "drawn"),
        *("upheld", "wrong", "other", "note"),
    )
    rows = [_row(each, settings) for each in answer["trials"]]
    table([_say(word, settings) for word in words], rows)
    return OK


@trial.command("prolong")
@click.argument("trial_id", metavar="TRIAL")
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="Reference to the reason: a ticket or a note.",
)
@say_again
@shared_options
@click.pass_context
def prolong(
    context: click.Context, trial_id: str, reason: str, *, again: bool
) -> ExitStatus:
    """Extend a trial by its length; once, and before it has ended.

    \b
    Example:
      fedsafe trial prolong 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason ticket-7
    """  # noqa: D301
    return _decide(
        settings_of(context), trial_id, "prolong", reason, "longer", again=again
    )


@trial.command("end")
@click.argument("trial_id", metavar="TRIAL")
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="Reference to the reason: a ticket or a note.",
)
@say_again
@shared_options
@click.pass_context
def end(
    context: click.Context, trial_id: str, reason: str, *, again: bool
) -> ExitStatus:
    """End a trial whose time is over but that does not end by itself.

    That is a trial with a match that was found to be listed wrongly. Its signals then
    have effect. Before its time is over the exit status is 3.

    \b
    Example:
      fedsafe trial end 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason note-9
    """  # noqa: D301
    return _decide(settings_of(context), trial_id, "end", reason, "effect", again=again)


def _decide(  # noqa: PLR0913 - what is decided, and what is told of it
    settings: Settings, trial_id: str, verb: str, reason: str, told: str, *, again: bool
) -> ExitStatus:
    try:
        name = checked_task(trial_id)
    except BadInputError:
        raise BadInputError(
            Phrase("a trial is named by 32 hexadecimal digits"),
            Phrase("trials are listed by `fedsafe trial list`"),
        ) from None
    path = f"/v1/trials/{name}/{verb}"
    answer = decided(path, {"reason": reason}, settings, again=again)
    if settings.json:
        document(answer)
        return OK
    values = (
        ("trial", answer["trial"]),
        ("origin", answer["origin"]),
        ("cause", _cause(answer, settings)),
        ("ends", shown(answer["ends_at"])),
        ("ended", shown(answer["ended_at"])),
        ("reason", answer["reason"]),
    )
    pairs([(_say(word, settings), value) for word, value in values if value], indent="")
    line()
    note(_say(told, settings))
    return OK


def _say(word: str, settings: Settings) -> str:
    return _SAID[word].said(settings.language)


def _cause(each: Json, settings: Settings) -> str:
    word = label(CAUSES, each["cause"], language=settings.language)
    kind = each.get("kind")
    return (
        word
        if kind is None
        else f"{word}: {label(KINDS, kind, language=settings.language)}"
    )


def _row(each: Json, settings: Settings) -> tuple[object, ...]:
    ended = each["ended_at"]
    said = None
    if ended is not None:
        said = f"{_say('ended', settings)} {shown(ended)}"
    elif each["needs_person"]:
        said = _say("needs_person", settings)
    elif each["prolonged_at"] is not None:
        said = _say("prolonged", settings)
    return (
        each["trial"],
        each["origin"],
        _cause(each, settings),
        each["list"],
        shown(each["ends_at"]),
        each["matches"],
        each["drawn"],
        each["upheld"],
        each["wrong"],
        each["other"],
        said,
    )
