# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit hold`: what must stay although it is old, or was to be erased."""

from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import headings, say
from fedsafe_cli.terminal.moments import ENDS, shown, start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import account_in
from fedsafe_policies.ground.catalogue import Phrase

_HOLDS: Final = "/v1/audit/holds"
_LIFTED: Final = Phrase("{hold} is lifted: what is old is erased again")
_NONE: Final = Phrase("nothing is held")


@click.group("hold", cls=SpokenGroup)
def hold() -> None:
    """Place, list and lift legal holds on the audit log.

    \b
    Examples:
      fedsafe audit hold add --reason order:17-2026 --until 2027-11-24 account-17
      fedsafe audit hold list
    """  # noqa: D301


@hold.command("add")
@click.argument("ref", metavar="[REF]", required=False)
@click.option(
    "--reason", required=True, metavar="REFERENCE", help="Reference, such as order:17."
)
@click.option(
    "--until",
    required=True,
    metavar="YYYY-MM-DD",
    callback=start_of,
    help=ENDS,
)
@click.option("--from", "first", type=click.IntRange(min=0), help="First entry.")
@click.option("--to", "last", type=click.IntRange(min=0), help="Last entry.")
@shared_options
@click.pass_context
def add(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Place a hold on everything about an account, or on a range of entries, as a dpo.

    Nothing on hold is erased by age, and a request to erase an account on hold is
    refused.

    \b
    Examples:
      fedsafe audit hold add --reason order:17-2026 --until 2027-11-24 account-17
      fedsafe audit hold add --reason case:9 --until 2027-11-24 --from 12 --to 40
    """  # noqa: D301
    settings = settings_of(context)
    names = {"ref": "subject_ref", "first": "first", "last": "last"}
    body = {to: given[of] for of, to in names.items() if given[of] is not None}
    body |= {"reason": given["reason"], "until": given["until"]}
    return _print(settings, personal(settings).post(_HOLDS, body))


@hold.command("list")
@shared_options
@click.pass_context
def list_holds(context: click.Context) -> ExitStatus:
    """List the holds in force, oldest first.

    \b
    Example:
      fedsafe audit hold list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(_HOLDS)
    if not isinstance(answer, dict) or not isinstance(answer.get("holds"), list):
        raise BrokenAnswerError(Phrase("the node's answer lists no holds"))
    if settings.json:
        document(answer)
        return OK
    if not answer["holds"]:
        line(_NONE.said(settings.language))
        return OK
    rows = [
        [
            one["hold"],
            _what(one, settings),
            one["reason"],
            shown(one["until"]),
            one["placed_by"],
        ]
        for one in answer["holds"]
    ]
    names = ("hold", "what", "reason", "until", "placed by")
    table(headings(settings, *names), rows)
    return OK


@hold.command("lift")
@click.argument("hold_id", metavar="HOLD")
@shared_options
@click.pass_context
def lift(context: click.Context, hold_id: str) -> ExitStatus:
    """Lift a hold before its end, as a dpo.

    \b
    Example:
      fedsafe audit hold lift 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    answer = _checked(personal(settings).post(f"{_HOLDS}/{hold_id}/lift", None))
    if settings.json:
        document(answer)
    else:
        line(_LIFTED.said(settings.language).format(hold=answer["hold"]))
    return OK


def _checked(answer: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    if not isinstance(answer, dict) or not isinstance(answer.get("hold"), str):
        raise BrokenAnswerError(Phrase("the node's answer shows no hold"))
    return answer


def _print(settings: Settings, asked: Any) -> ExitStatus:  # noqa: ANN401 (JSON)
    answer = _checked(asked)
    if settings.json:
        document(answer)
        return OK
    names = headings(settings, "hold", "what", "reason", "until")
    what = _what(answer, settings)
    values = (answer["hold"], what, answer["reason"], shown(answer["until"]))
    pairs(list(zip(names, values, strict=True)), indent="")
    return OK


def _what(one: dict[str, Any], settings: Settings) -> str:
    if one.get("subject_ref") is not None:
        return say("account {ref}", settings, ref=account_in(one))
    if one.get("first") is not None:
        return say("entries {first} to {last}", settings, **one)
    return "-"
