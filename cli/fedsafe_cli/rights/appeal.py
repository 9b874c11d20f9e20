# SPDX-License-Identifier: Apache-2.0
"""`fedsafe appeal`: go against an origin's ruling, and rule where the charter says so.

The origin of a disputed signal rules first. If it lets the signal stand, a member may
appeal for the person; the member that the charter names ends the signal, or lets it
stand, over the origin and by two of its people.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.confirmation import decided, say_again
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase, all_said

_STATES: Final[Mapping[str, Phrase]] = {
    "open": Phrase("open"),
    "ended": Phrase("signal ended"),
    "stands": Phrase("stands"),
}
_HEADINGS: Final = (
    Phrase("appeal"),
    Phrase("signal"),
    Phrase("origin"),
    Phrase("by"),
    Phrase("heard by"),
    Phrase("state"),
    Phrase("until"),
    Phrase("ruling"),
)
_OURS: Final = Phrase(" (this node)")
_NOBODY: Final = Phrase("nobody")
_ASIDE: Final = Phrase(", set aside")
_WAITS: Final = Phrase("Waits for a second person: fedsafe act approve {act}")
_ID_DIGITS: Final = 64
Json = dict[str, Any]


@click.group(cls=SpokenGroup)
def appeal() -> None:
    """Appeal against an origin's ruling, and rule on appeals that this node hears.

    \b
    Examples:
      fedsafe appeal file 6d0f… --reason ticket-12
      fedsafe appeal list
      fedsafe appeal rule 9c1e… --end --reason ruling-3
    """  # noqa: D301


@appeal.command("file")
@click.argument("dispute", metavar="DISPUTE")
@click.option(
    "--reason",
    metavar="REFERENCE",
    required=True,
    help="What the person says, as a reference.",
)
@shared_options
@click.pass_context
def file(context: click.Context, dispute: str, reason: str) -> ExitStatus:
    """Appeal against the origin's ruling on DISPUTE, for the person.

    `fedsafe dispute list --ruled` lists the disputes. The signal keeps matching during
    an appeal.

    \b
    Example:
      fedsafe appeal file 6d0f… --reason ticket-12
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/disputes/{_checked(dispute, 'a dispute')}/appeal"
    _tell(settings, [personal(settings).change(target, {"reason": reason})])
    return OK


@appeal.command("list")
@click.option("--ruled", is_flag=True, help="List those that have their ruling.")
@shared_options
@click.pass_context
def list_(context: click.Context, ruled: bool) -> ExitStatus:  # noqa: FBT001 (click's)
    """List appeals that wait for a ruling, the earliest due first.

    \b
    Examples:
      fedsafe appeal list
      fedsafe appeal list --ruled --json
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    target = f"/v1/appeals?state={'ruled' if ruled else 'open'}"
    answer = client.get(target)
    appeals = answer["appeals"]
    while (following := answer.get("next")) is not None:
        answer = client.get(f"{target}&after={following}")
        appeals += answer["appeals"]
    if settings.json:
        document({"appeals": appeals})
    elif appeals:
        _tell(settings, appeals)
    else:
        line(Phrase("There are none.").said(settings.language))
    return OK


@appeal.command("show")
@click.argument("appeal_id", metavar="ID")
@shared_options
@click.pass_context
def show(context: click.Context, appeal_id: str) -> ExitStatus:
    """Show an appeal: who hears it and how it ended.

    \b
    Example:
      fedsafe appeal show 9c1e… --json
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/appeals/{_checked(appeal_id, 'an appeal')}"
    _tell(settings, [personal(settings).get(target)])
    return OK


@appeal.command("rule")
@click.argument("appeal_id", metavar="ID")
@click.option(
    "--end/--stand",
    "ends",
    default=None,
    help="End the signal everywhere for good, or let it stand and match again.",
)
@click.option(
    "--reason", metavar="REFERENCE", required=True, help="Number of the written ruling."
)
@say_again
@shared_options
@click.pass_context
def rule(
    context: click.Context,
    appeal_id: str,
    ends: bool | None,  # noqa: FBT001 (click's)
    reason: str,
    *,
    again: bool,
) -> ExitStatus:
    """Propose a ruling on appeal ID, heard by this node; a second person approves it.

    \b
    Examples:
      fedsafe appeal rule 9c1e… --end --reason ruling-3
      fedsafe appeal rule 9c1e… --stand --reason ruling-4
    """  # noqa: D301
    settings = settings_of(context)
    if ends is None:
        raise BadInputError(Phrase("say --end or --stand"))
    target = f"/v1/appeals/{_checked(appeal_id, 'an appeal')}/ruling"
    said = {"ends": ends, "reason": reason}
    answer = decided(target, said, settings, again=again)
    if settings.json:
        document(answer)
    else:
        line(_WAITS.said(settings.language).format(act=answer["act"]))
    return OK


def _checked(name: str, what: str) -> str:
    # It becomes a part of a path.
    if len(name) != _ID_DIGITS or set(name) - set("0123456789abcdef"):
        raise BadInputError(
            Phrase("{what} is named by 64 hexadecimal digits").filled(what=what)
        )
    return name


def _tell(settings: Settings, appeals: list[Json]) -> None:
    if settings.json:
        document(appeals[0])
        return
    language = settings.language
    table(
        all_said(_HEADINGS, language),
        [_row(found, language=language) for found in appeals],
    )


def _row(found: Json, *, language: str) -> tuple[object, ...]:
    return (
        found["appeal"],
        found["signal"],
        found["origin"],
        found["author"],
        (found["heard_by"] or _NOBODY.said(language))
        + (_OURS.said(language) if found["ours"] else ""),
        _STATES[found["state"]].said(language)
        + (_ASIDE.said(language) if found["set_aside"] else ""),
        readable("due_at", found["due_at"]) if found["state"] == "open" else None,
        found["ruling"],
    )
