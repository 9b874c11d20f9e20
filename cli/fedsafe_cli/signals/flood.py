# SPDX-License-Identifier: Apache-2.0
"""`fedsafe flood`: signals that have matched too many, ruled on by people (P21)."""

from collections.abc import Iterator
from typing import Any, Final

import click

from fedsafe_cli.federation.charter_request import waiting
from fedsafe_cli.signals.task_texts import BECAUSE
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
from fedsafe_node.words.codes import GRADES, KINDS, PHENOMENA, PROVENANCES, label
from fedsafe_policies.ground.catalogue import Phrase

Json = dict[str, Any]
Words = dict[str, Phrase]
STATES: Final[Words] = {
    "waiting": Phrase("waits for a ruling"),
    "rested": Phrase("the signal rests here"),
    "stands": Phrase.within("flood", "the signal stands"),
    "lapsed": Phrase("lapsed, nobody has ruled"),
    "over": Phrase("the signal has ended"),
}
RULINGS: Final = ("rests", "stands")
_SAID: Final[Words] = {
    "flood": Phrase("flood"),
    "signal": Phrase("signal"),
    "origin": Phrase("origin"),
    "state": Phrase("state"),
    "bound": Phrase("bound a day"),
    "references": Phrase("beyond it"),
    "beyond": Phrase("kept by count only"),
    "began": Phrase("began"),
    "ends": Phrase("ends"),
    "kind": Phrase("kind"),
    "phenomenon": Phrase("phenomenon"),
    "grade": Phrase("grade"),
    "provenance": Phrase("provenance"),
    "contact": Phrase("contact"),
    "ruled": Phrase("ruled by"),
    "at": Phrase("at"),
    "reason": Phrase("reason"),
    "raised": Phrase("bound raised to"),
    "until": Phrase("until"),
    "account": Phrase("account or file"),
    "since": Phrase("since"),
    "next": Phrase("go on with --after {next}"),
    "after_rests": Phrase(
        "The signal matches nobody here any more, and only here; whom it "
        "restricted before, `fedsafe task list` shows to look at anew. Other "
        "members hear of it by a dispute: `fedsafe dispute`."
    ),
    "after_stands": Phrase(
        "Each reference is a review now (`fedsafe task list`). What goes beyond "
        "the bound today waits again; two people can raise it for seven days: "
        "`fedsafe flood raise`."
    ),
}


@click.group(cls=SpokenGroup)
def flood() -> None:
    """Rule on floods: signals that have matched more often than their bound.

    Each kind of identifier has a bound of accounts or files a day. Beyond it, a signal
    restricts nobody automatically. Further matches wait in one flood until a person
    rules.

    \b
    Examples:
      fedsafe flood list
      fedsafe flood show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
      fedsafe flood rule 0a1b2c3d4e5f60718293a4b5c6d7e8f9 rests --reason ticket-7
    """  # noqa: D301


@flood.command("list")
@click.option(
    "--state",
    type=click.Choice(list(STATES)),
    default="waiting",
    help="State; default: waiting (for a ruling).",
)
@reading_purpose
@shared_options
@click.pass_context
def list_floods(
    context: click.Context, /, state: str, purpose: str | None
) -> ExitStatus:
    """List floods.

    \b
    Examples:
      fedsafe flood list
      fedsafe flood list --state rested --lang de
    """  # noqa: D301
    settings = settings_of(context)
    node, path = personal(settings), read_for(f"/v1/floods?state={state}", purpose)
    answer = node.get(path)
    found: list[Json] = answer["floods"]
    while (after := answer.get("next")) is not None:
        answer = node.get(f"{path}&after={after}")
        found += answer["floods"]
    if settings.json:
        document({"floods": found})
        return OK
    words = ("flood", "signal", "origin", "kind", "bound", "references", "ends")
    table([_say(word, settings) for word in words], [_row(each) for each in found])
    return OK


@flood.command("show")
@click.argument("flood_id", metavar="FLOOD")
@click.option(
    "--after", metavar="REF", help="Continue after this place: `next` of the page."
)
@reading_purpose
@shared_options
@click.pass_context
def show(
    context: click.Context, /, flood_id: str, after: str | None, purpose: str | None
) -> ExitStatus:
    """Show a flood: its signal, and the accounts or files beyond the bound.

    \b
    Example:
      fedsafe flood show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/floods/{_checked(flood_id)}"
    if after is not None:
        path += f"?after={_reference(after)}"
    answer = personal(settings).get(read_for(path, purpose))
    if settings.json:
        document(answer)
        return OK
    pairs(list(_head(answer, settings)), indent="")
    if answer["subjects"]:
        line()
        rows = [
            (_account(each), shown(each["added_at"])) for each in answer["subjects"]
        ]
        table([_say(word, settings) for word in ("account", "since")], rows)
    if answer.get("next") is not None:
        note(_say("next", settings).format(next=answer["next"]))
    return OK


@flood.command("rule")
@click.argument("flood_id", metavar="FLOOD")
@click.argument("ruling", type=click.Choice(RULINGS))
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="Reference to the reason: a ticket or a note.",
)
@click.option(
    "--because",
    type=click.Choice(list(BECAUSE)),
    help="With rests: listing_wrong, if the listing itself is wrong; its origin is "
    "asked.",
)
@say_again
@shared_options
@click.pass_context
def rule(  # noqa: PLR0913 - the options of one command
    context: click.Context,
    flood_id: str,
    ruling: str,
    reason: str,
    because: str | None,
    *,
    again: bool,
) -> ExitStatus:
    """Rule on a flood: its signal `rests` at this node, or `stands`.

    A signal that rests matches nobody here, and its restrictions are reviewed again. A
    signal that stands goes on within its bound, and each waiting account becomes a
    review. A later ruling replaces an earlier one.

    \b
    Examples:
      fedsafe flood rule 0a1b2c3d4e5f60718293a4b5c6d7e8f9 rests --reason ticket-7
      fedsafe flood rule 0a1b2c3d4e5f60718293a4b5c6d7e8f9 stands --reason note-9
      fedsafe flood rule 0a1b2c3d4e5f60718293a4b5c6d7e8f9 rests --reason ticket-7 \\
          --because listing_wrong
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/floods/{_checked(flood_id)}/ruling"
    said = {"ruling": ruling, "reason": reason}
    if because is not None:
        said["because"] = because
    answer = decided(path, said, settings, again=again)
    if settings.json:
        document(answer)
        return OK
    line(label(STATES, answer["state"], language=settings.language))
    note(_say(f"after_{ruling}", settings))
    return OK


@flood.command("raise")
@click.argument("flood_id", metavar="FLOOD")
@click.option(
    "--bound",
    type=click.IntRange(min=2),
    required=True,
    help="Number a day that the signal may restrict automatically.",
)
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="Reference to the reason: a ticket or a note.",
)
@shared_options
@click.pass_context
def raise_bound(
    context: click.Context, flood_id: str, bound: int, reason: str
) -> ExitStatus:
    """Raise the bound of a flood's signal for seven days; this takes two people.

    It also rules that the signal stands. Exits with status 13 until another person has
    approved it (`fedsafe act approve`).

    \b
    Example:
      fedsafe flood raise 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --bound 40 \\
          --reason ticket-7
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/floods/{_checked(flood_id)}/bound"
    asked = personal(settings).post(path, {"bound": bound, "reason": reason})
    return waiting(asked, settings)


def _checked(text: str) -> str:
    try:
        return checked_task(text)
    except BadInputError:
        raise BadInputError(
            Phrase("a flood is named by 32 hexadecimal digits"),
            Phrase("floods are listed by `fedsafe flood list`"),
        ) from None


def _reference(text: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 (slow to load)

    return quote(text, safe="")


def _say(word: str, settings: Settings) -> str:
    return _SAID[word].said(settings.language)


def _row(each: Json) -> tuple[object, ...]:
    match = each["match"] or {}
    return (
        each["flood"],
        each["signal"],
        each["origin"],
        match.get("kind"),
        each["bound"],
        each["references"],
        shown(each["ends_at"]),
    )


def _account(subject: Json) -> str:
    """Name an account by its service, for two may have one name."""
    service, reference = subject["service"], str(subject["subject_ref"])
    return reference if service is None else f"{service}/{reference}"


def _head(answer: Json, settings: Settings) -> Iterator[tuple[str, object]]:
    match, language = answer["match"], settings.language
    values: list[tuple[str, object]] = [
        ("flood", answer["flood"]),
        ("state", label(STATES, answer["state"], language=language)),
        ("signal", answer["signal"]),
        ("origin", answer["origin"]),
    ]
    if match is not None:
        values += [
            ("kind", label(KINDS, match["kind"], language=language)),
            ("phenomenon", label(PHENOMENA, match["phenomenon"], language=language)),
            ("grade", label(GRADES, match["grade"], language=language)),
            ("provenance", label(PROVENANCES, match["provenance"], language=language)),
            ("contact", match["contact"]),
        ]
    values += [
        ("bound", answer["bound"]),
        ("references", answer["references"]),
        ("beyond", answer["beyond"] or None),
        ("began", shown(answer["opened_at"])),
        ("ends", shown(answer["ends_at"])),
        ("ruled", " + ".join(filter(None, (answer["ruled_by"], answer["second"])))),
        ("at", shown(answer["ruled_at"])),
        ("reason", answer["reason"]),
        ("raised", answer["raised_to"]),
        ("until", shown(answer["raised_until"])),
    ]
    for word, value in values:
        if value not in (None, ""):
            yield _say(word, settings), value
