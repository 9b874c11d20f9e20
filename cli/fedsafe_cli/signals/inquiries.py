# SPDX-License-Identifier: Apache-2.0
"""`fedsafe task inquiries` and `answer`: what origins are asked, and reply."""

from typing import Any, Final

import click

from fedsafe_cli.signals.task_texts import QUESTIONS, REPLIES, say
from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.ids import checked_task
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import label
from fedsafe_policies.ground.catalogue import Phrase

Json = dict[str, Any]
COLUMNS: Final = ("inquiry", "signal", "origin", "contact", "questions", "by", "at")


@click.command("inquiries", cls=SpokenCommand)
@reading_purpose
@shared_options
@click.pass_context
def inquiries(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """List inquiries that wait for an origin's answer, and whom to ask.

    \b
    Example:
      fedsafe task inquiries
    """  # noqa: D301
    settings = settings_of(context)
    node, path = personal(settings), read_for("/v1/inquiries", purpose)
    answer = node.get(path)
    found: list[Json] = answer["inquiries"]
    while (after := answer.get("next")) is not None:
        answer = node.get(f"{path}{'&' if purpose else '?'}after={after}")
        found += answer["inquiries"]
    if settings.json:
        document({"inquiries": found})
        return OK
    words = ("task", "inquiry", "origin", "contact", "signal", "questions", "at")
    rows = [
        (
            one["task"],
            one["inquiry"],
            one["origin"],
            one["contact"],
            one["signal"],
            questions_of(one, settings),
            shown(one["asked_at"]),
        )
        for one in found
    ]
    table([say(word, settings) for word in words], rows)
    return OK


@click.command("answer", cls=SpokenCommand)
@click.argument("task_id", metavar="TASK")
@click.argument("inquiry", type=click.IntRange(min=1), metavar="INQUIRY")
@click.option(
    "--reply",
    "replies",
    multiple=True,
    required=True,
    metavar="QUESTION=REPLY",
    help="Reply to a question: yes, no or unanswered; repeat for each question.",
)
@click.option(
    "--reference",
    metavar="REFERENCE",
    required=True,
    help="Where the answer is recorded: a mail or a note.",
)
@shared_options
@click.pass_context
def answer_inquiry(
    context: click.Context,
    task_id: str,
    inquiry: int,
    replies: tuple[str, ...],
    reference: str,
) -> ExitStatus:
    """Record the origin's replies to INQUIRY; the review is evaluated again.

    \b
    Example:
      fedsafe task answer 0a1b2c3d4e5f60718293a4b5c6d7e8f9 7 \\
          --reply still_stands=yes --reply age_confirmed=unanswered \\
          --reference mail-7
    """  # noqa: D301
    settings = settings_of(context)
    body = {"replies": _replies(replies), "reference": reference}
    path = f"/v1/tasks/{checked_task(task_id)}/inquiries/{inquiry}/answer"
    answer = personal(settings).post(path, body)
    if settings.json:
        document(answer)
    else:
        rows = [inquiry_row(each, settings) for each in answer["inquiries"]]
        table([say(word, settings) for word in COLUMNS], rows)
    return OK


def _replies(given: tuple[str, ...]) -> dict[str, str]:
    replies: dict[str, str] = {}
    for each in given:
        question, _, reply = each.partition("=")
        known = question in QUESTIONS and reply in REPLIES
        if not known or question in replies:
            raise BadInputError(
                Phrase("a reply is a question, once, = and yes, no or unanswered"),
                Phrase("questions are {names}").filled(names=", ".join(QUESTIONS)),
            )
        replies[question] = reply
    return replies


def inquiry_row(each: Json, settings: Settings) -> tuple[object, ...]:
    """Give an inquiry as a row under `COLUMNS`, with its replies."""
    return (
        each["inquiry"],
        each["signal"],
        each["origin"],
        each.get("contact"),
        questions_of(each, settings),
        each.get("answered_by") or each["asked_by"],
        shown(each.get("answered_at") or each["asked_at"]),
    )


def questions_of(each: Json, settings: Settings) -> str:
    """Say what was asked, and what was replied to it."""
    replies = each.get("replies") or {}
    said = []
    for code in each["questions"]:
        question = label(QUESTIONS, code, language=settings.language)
        reply = replies.get(code)
        said.append(
            question
            if reply is None
            else f"{question} {label(REPLIES, reply, language=settings.language)}"
        )
    return "; ".join(said)
