# SPDX-License-Identifier: Apache-2.0
"""`fedsafe order`: what authorities ordered, by when it is answered, and how it was.

Letters of the BzKJ are kinds of order that set their own time. What an order asks for
is read from standard input, never from an argument.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.cases.assessment import word
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.moments import moment_of, shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import in_either
from fedsafe_policies.escalation.orders import (
    OrderGround,
    OrderKind,
    OrderOutcome,
    orders,
)
from fedsafe_policies.ground.catalogue import Phrase, all_said

Words = Mapping[str, Phrase]
_MOST_READ: Final = 20_000
_ASK: Final = Phrase(
    "fedsafe: what is ordered, in the words of its scope; end with Ctrl-D:"
)
_EMPTY: Final = Phrase("no order")
_HEADS: Final = (
    Phrase("order"),
    Phrase("kind"),
    Phrase("received"),
    Phrase("answer by"),
    Phrase("state"),
)
_STATES: Final[Words] = {
    "open": Phrase("open"),
    "acknowledged": Phrase.within("order", "acknowledged"),
    "overdue": Phrase("overdue"),
    "unconfirmed": Phrase("not confirmed in writing"),
    "fulfilled": Phrase("fulfilled"),
    "partly": Phrase("fulfilled in part"),
    "refused": Phrase("refused"),
    "answered": Phrase("answered"),
}
_FIELDS: Final[Words] = {
    "authority": Phrase("authority"),
    "reference": Phrase.within("order", "reference"),
    "basis": Phrase("basis named"),
    "scope": Phrase("scope"),
    "language": Phrase("language"),
    "source": Phrase("source of the deadline"),
    "entered_by": Phrase("entered by"),
    "answered_by": Phrase("answered by"),
    "grounds": Phrase("grounds"),
    "answer_reference": Phrase("answer"),
    "move_reference": Phrase("deadline moved by"),
    "accounts": Phrase("accounts"),
}
_SECRET: Final = Phrase("do not tell the user until {}")
_OWN_TIME: Final = Phrase("the time is our own reading of “without undue delay”")
_LETTER_TIME: Final = Phrase("no provision names the time; it is taken from the letter")
_RECEIPT: Final[Words] = {
    "order": Phrase("order"),
    "due_at": Phrase.within("order", "answer by"),
}


@click.group(cls=SpokenGroup)
def order() -> None:
    """Manage orders and letters of authorities.

    \b
    Examples:
      fedsafe order add --kind dsa_10 --authority "StA Köln" --reference 4711 \\
        --basis "§ 100j StPO" < scope.txt
      fedsafe order list
    """  # noqa: D301


@order.command("add")
@word("kind", OrderKind, "Kind of order", required=True)
@click.option(
    "--authority", required=True, metavar="NAME", help="Authority that issued it."
)
@click.option(
    "--reference", required=True, metavar="REF", help="The authority's file number."
)
@click.option("--basis", required=True, metavar="TEXT", help="Provision that it cites.")
@click.option(
    "--received",
    callback=moment_of,
    metavar="MOMENT",
    help="When it arrived, such as 2026-11-24T09:30Z; default: now.",
)
@click.option(
    "--due",
    callback=moment_of,
    metavar="MOMENT",
    help="Deadline that the order itself sets; it can only shorten the legal one. For "
    "a letter of the BzKJ it is the deadline.",
)
@click.option("--language", default="de", metavar="CODE", help="Language of the order.")
@click.option("--emergency", is_flag=True, help="There is imminent danger.")
@click.option(
    "--oral",
    is_flag=True,
    help="Given by word of mouth; still to be confirmed in writing.",
)
@click.option(
    "--secret-until",
    callback=moment_of,
    metavar="MOMENT",
    help="Do not tell the user until this time; needs --account, or --case with "
    "accounts.",
)
@click.option("--case", "case_id", metavar="CASE", help="Case that the order is about.")
@click.option(
    "--account",
    "accounts",
    multiple=True,
    metavar="REF",
    help="Account that is told nothing while the order is secret. May be repeated.",
)
@shared_options
@click.pass_context
def add(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Record an order; reads what it asks for from standard input.

    \b
    Examples:
      fedsafe order add --kind epoc --emergency --authority "Parquet de Paris" \\
        --reference 4711 --basis "Art. 5" --language fr < scope.txt
      fedsafe order add --kind bzkj_request --authority BzKJ --reference 4711 \\
        --basis "§ 24b JuSchG" --due 2026-12-16T00:00+01:00 < letter.txt
      fedsafe order add --kind tdddg_22 --authority LKA --reference 12 \\
        --basis "§ 22 TDDDG" --secret-until 2027-03-01T00:00Z --account user-4711 \\
        < scope.txt
    """  # noqa: D301
    settings = settings_of(context)
    if orders()[OrderKind(given["kind"])].by_letter and given["due"] is None:
        raise misused(Phrase("say with --due by when this letter is answered"))
    if sys.stdin.isatty():
        note(_ASK.said(settings.language))
    scope = sys.stdin.buffer.read(_MOST_READ).decode("utf-8", "replace").strip()
    if not scope:
        raise misused(Phrase("say on standard input what is ordered"))
    body: dict[str, Any] = {
        "kind": given["kind"],
        "received_at": given["received"] or int(time.time()),  # noqa: TID251 - now
        "authority": given["authority"],
        "reference": given["reference"],
        "basis": given["basis"],
        "scope": scope,
        "language": given["language"],
        "emergency": given["emergency"],
        "oral": given["oral"],
    }
    named = {
        "due_at": given["due"],
        "secret_until": given["secret_until"],
        "case": given["case_id"],
        "accounts": list(given["accounts"]) or None,
    }
    body |= {name: value for name, value in named.items() if value is not None}
    return _tell_receipt(settings, personal(settings).change("/v1/orders", body))


@order.command("list")
@shared_options
@click.pass_context
def list_(context: click.Context) -> ExitStatus:
    """List all orders, the earliest due first.

    \b
    Example:
      fedsafe order list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/orders")
    if settings.json:
        document(answer)
    elif not answer["orders"]:
        line(_EMPTY.said(settings.language))
    else:
        table(
            all_said(_HEADS, settings.language),
            [
                [
                    each["order"],
                    _kind(each, settings),
                    shown(each["received_at"]),
                    shown(each["due_at"]),
                    _state(each, settings),
                ]
                for each in answer["orders"]
            ],
        )
    return OK


@order.command("show")
@click.argument("order_id", metavar="ORDER")
@shared_options
@click.pass_context
def show(context: click.Context, order_id: str) -> ExitStatus:
    """Show an order in full.

    \b
    Example:
      fedsafe order show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(f"/v1/orders/{_id(order_id)}")
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    listed = answer["order"]
    line(f"{_kind(listed, settings)}: {_state(listed, settings)}")
    line(f"{_RECEIPT['due_at'].said(language)} {shown(listed['due_at'])}")
    if answer["by_letter"]:
        line(_LETTER_TIME.said(language))
    elif not answer["fixed"]:
        line(_OWN_TIME.said(language))
    rows = [
        (words.said(language), _cell(answer[name]))
        for name, words in _FIELDS.items()
        if answer[name] not in (None, [])
    ]
    pairs(rows, indent="")
    if answer["secret_until"] is not None:
        line(_SECRET.said(language).format(shown(answer["secret_until"])))
    return OK


@order.command("acknowledge")
@click.argument("order_id", metavar="ORDER")
@shared_options
@click.pass_context
def acknowledge(context: click.Context, order_id: str) -> ExitStatus:
    """Record that the authority was told that its order arrived.

    \b
    Example:
      fedsafe order acknowledge 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    return _note(context, order_id, {"step": "acknowledged"})


@order.command("confirm")
@click.argument("order_id", metavar="ORDER")
@shared_options
@click.pass_context
def confirm(context: click.Context, order_id: str) -> ExitStatus:
    """Record that the authority has confirmed an oral order in writing.

    \b
    Example:
      fedsafe order confirm 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    return _note(context, order_id, {"step": "confirmed"})


@order.command("move")
@click.argument("order_id", metavar="ORDER")
@click.option(
    "--due",
    required=True,
    callback=moment_of,
    metavar="MOMENT",
    help="New deadline, such as 2026-12-16T00:00+01:00.",
)
@click.option(
    "--reference",
    required=True,
    metavar="REF",
    help="Reference to the reason for the change.",
)
@shared_options
@click.pass_context
def move(context: click.Context, order_id: str, due: int, reference: str) -> ExitStatus:
    """Record a new deadline of a letter of the BzKJ, or correct a mistyped one.

    \b
    Example:
      fedsafe order move 0a1b2c3d4e5f60718293a4b5c6d7e8f9 \\
        --due 2027-01-09T00:00+01:00 --reference letter-9
    """  # noqa: D301
    body = {"step": "moved", "due_at": due, "reference": reference}
    return _note(context, order_id, body)


@order.command("answer")
@click.argument("order_id", metavar="ORDER")
@word("outcome", OrderOutcome, "Result", required=True)
@word("ground", OrderGround, "Why not, or only in part", multiple=True)
@click.option("--reference", metavar="REF", help="Where the answer is kept.")
@shared_options
@click.pass_context
def answer_(
    context: click.Context,
    order_id: str,
    outcome: str,
    ground: tuple[str, ...],
    reference: str | None,
) -> ExitStatus:
    """Answer an order as the legal adviser; you must not have recorded it.

    \b
    Examples:
      fedsafe order answer ORDER --outcome fulfilled --reference letter-8
      fedsafe order answer ORDER --outcome refused --ground no_legal_basis
      fedsafe order answer ORDER --outcome answered --reference letter-8
    """  # noqa: D301
    settings = settings_of(context)
    body: dict[str, Any] = {"outcome": outcome, "grounds": sorted(set(ground))}
    if reference is not None:
        body["reference"] = reference
    path = f"/v1/orders/{_id(order_id)}/answer"
    return _tell_receipt(settings, personal(settings).change(path, body))


def _note(context: click.Context, order_id: str, body: dict[str, Any]) -> ExitStatus:
    settings = settings_of(context)
    path = f"/v1/orders/{_id(order_id)}/note"
    return _tell_receipt(settings, personal(settings).change(path, body))


def _tell_receipt(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    rows = [
        (_RECEIPT["order"].said(language), answer["order"]),
        (_RECEIPT["due_at"].said(language), shown(answer["due_at"])),
    ]
    pairs(rows, indent="")
    return OK


def _kind(listed: dict[str, Any], settings: Settings) -> str:
    text = orders()[OrderKind(listed["kind"])].name
    return in_either(text, settings.language)


def _state(listed: dict[str, Any], settings: Settings) -> str:
    if listed["unconfirmed"]:
        name = "unconfirmed"
    elif listed["outcome"] is not None:
        name = listed["outcome"]
    elif listed["overdue"]:
        name = "overdue"
    else:
        name = "open" if listed["acknowledged_at"] is None else "acknowledged"
    return _STATES[name].said(settings.language)


def _cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value


def _id(text: str) -> str:
    if len(text) != 32 or set(text) - set("0123456789abcdef"):  # noqa: PLR2004
        raise misused(Phrase("an order is named by 32 hexadecimal digits"))
    return text
