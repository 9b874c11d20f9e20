# SPDX-License-Identifier: Apache-2.0
"""`fedsafe inquiry`: signals that a review has found to be listed wrongly.

Another member's reviewer has dismissed a match because the listing is wrong, and asks
this node, the signal's origin, to look at it. People keep the signal, or revoke it.
"""

from collections.abc import Sequence
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import label
from fedsafe_policies.ground.catalogue import Phrase

Json = dict[str, Any]
Words = dict[str, Phrase]
_STATES: Final[Words] = {
    "waiting": Phrase("not delivered yet"),
    "open": Phrase("waits for review"),
    "kept": Phrase("reviewed, kept"),
    "ended": Phrase("signal ended"),
    "lost": Phrase("no answer, origin gone"),
}
_SAID: Final[Words] = {
    "signal": Phrase("signal"),
    "members": Phrase("members"),
    "who": Phrase("who, when"),
    "opened": Phrase("since"),
    "state": Phrase("state"),
    "ruled": Phrase("ruled"),
    "reference": Phrase("reason"),
    "origin": Phrase("origin"),
    "day": Phrase("on"),
    "changed": Phrase("changed"),
    "own": Phrase(" (own ban)"),
    "none": Phrase("There are none."),
    "kept": Phrase("The signal stays. The members that asked are told."),
    "revoked": Phrase("The signal is ended. The members that asked are told."),
}


@click.group(cls=SpokenGroup)
def inquiry() -> None:
    """Rule on signals that a review found to be listed wrongly: keep or revoke them.

    Reviewers of other members inquire about this node's signals, and this node's
    reviewers about theirs. An inquiry itself changes nothing: the signal matches until
    somebody rules.

    \b
    Examples:
      fedsafe inquiry list
      fedsafe inquiry decide 01936e0c-0000-7000-8000-000000000000 --keep \\
          --reason review-7
      fedsafe inquiry sent
    """  # noqa: D301


@inquiry.command("list")
@click.option(
    "--state",
    type=click.Choice(["open", "kept", "ended"]),
    default="open",
    help="State; default: open.",
)
@reading_purpose
@shared_options
@click.pass_context
def list_(context: click.Context, /, state: str, purpose: str | None) -> ExitStatus:
    """List own signals that members inquire about, those with most members first.

    \b
    Examples:
      fedsafe inquiry list
      fedsafe inquiry list --state kept --lang de
    """  # noqa: D301
    settings = settings_of(context)
    path = read_for(f"/v1/listing-inquiries?state={state}", purpose)
    answer = personal(settings).get(path)
    if settings.json:
        document(answer)
    else:
        _show(answer["inquiries"], settings)
    return OK


@inquiry.command("show")
@click.argument("signal", metavar="SIGNAL")
@reading_purpose
@shared_options
@click.pass_context
def show(context: click.Context, /, signal: str, purpose: str | None) -> ExitStatus:
    """Show which members inquire about SIGNAL, and how its review ended.

    \b
    Example:
      fedsafe inquiry show 01936e0c-0000-7000-8000-000000000000 --json
    """  # noqa: D301
    settings = settings_of(context)
    path = read_for(f"/v1/listing-inquiries/{checked_id(signal)}", purpose)
    answer = personal(settings).get(path)
    if settings.json:
        document(answer)
    else:
        _show([answer], settings)
    return OK


@inquiry.command("decide")
@click.argument("signal", metavar="SIGNAL")
@click.option(
    "--keep/--revoke",
    "keep",
    default=None,
    help="Keep the signal, or end it everywhere for good.",
)
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="Where the review is recorded: a ticket or a note.",
)
@shared_options
@click.pass_context
def decide(
    context: click.Context,
    signal: str,
    keep: bool | None,  # noqa: FBT001 (click's)
    reason: str,
) -> ExitStatus:
    """Keep SIGNAL after a review, or revoke it; an own ban is erased.

    To keep it, you must have had no part in the listing. Whoever published it by
    mistake may revoke it.

    \b
    Examples:
      fedsafe inquiry decide 01936e0c-0000-7000-8000-000000000000 --keep \\
          --reason review-7
      fedsafe inquiry decide 01936e0c-0000-7000-8000-000000000000 --revoke \\
          --reason review-8
    """  # noqa: D301
    settings = settings_of(context)
    if keep is None:
        raise BadInputError(Phrase("say --keep or --revoke"))
    ruling = "kept" if keep else "revoked"
    answer = personal(settings).change(
        f"/v1/listing-inquiries/{checked_id(signal)}/ruling",
        {"ruling": ruling, "reason": reason},
    )
    if settings.json:
        document(answer)
        return OK
    _show([answer], settings)
    note(_say(ruling, settings))
    return OK


@inquiry.command("sent")
@reading_purpose
@shared_options
@click.pass_context
def sent(context: click.Context, /, purpose: str | None) -> ExitStatus:
    """List this node's inquiries about others' signals, and their results.

    `fedsafe task decide TASK dismiss --because listing_wrong` sends one.

    \b
    Examples:
      fedsafe inquiry sent
      fedsafe inquiry sent --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(read_for("/v1/sent-inquiries", purpose))
    if settings.json:
        document(answer)
        return OK
    words = ("signal", "origin", "day", "state", "changed")
    rows = [
        (
            found["signal"],
            found["origin"],
            found["day"],
            label(_STATES, found["state"], language=settings.language),
            readable("changed_at", found["changed_at"]),
        )
        for found in answer["inquiries"]
    ]
    _table(words, rows, settings)
    return OK


def _show(inquiries: list[Json], settings: Settings) -> None:
    words = ("signal", "members", "who", "opened", "state", "ruled", "reference")
    _table(words, [_row(found, settings) for found in inquiries], settings)


def _table(
    words: Sequence[str], rows: Sequence[tuple[object, ...]], settings: Settings
) -> None:
    if rows:
        table([_say(word, settings) for word in words], rows)
    else:
        line(_say("none", settings))


def _row(found: Json, settings: Settings) -> tuple[object, ...]:
    ruled = None
    if found["ruled_at"] is not None:
        ruled = readable("ruled_at", found["ruled_at"])
    return (
        found["signal"] + (_say("own", settings) if found["own"] else ""),
        len(found["members"]),
        ", ".join(f"{each['member']} {each['day']}" for each in found["members"]),
        readable("opened_at", found["opened_at"]),
        label(_STATES, found["state"], language=settings.language),
        ruled,
        found["reference"],
    )


def _say(word: str, settings: Settings) -> str:
    return _SAID[word].said(settings.language)
