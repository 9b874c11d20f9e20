# SPDX-License-Identifier: Apache-2.0
"""`fedsafe task`: reviews of matches, decided by people.

Nothing here is free text: a decision is a word of a closed list, a day and
references. What takes a second person is approved with `fedsafe act approve`.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import quote

import click

from fedsafe_cli.signals.inquiries import (
    COLUMNS,
    answer_inquiry,
    inquiries,
    inquiry_row,
)
from fedsafe_cli.signals.task_texts import (
    BECAUSE,
    EFFECTS,
    EXCEPTIONS,
    OUTCOMES,
    QUESTIONS,
    STATES,
    STEPS,
    say,
)
from fedsafe_cli.terminal.confirmation import decided, say_again
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.ids import checked_task
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import account_in
from fedsafe_node.words.codes import GRADES, PHENOMENA, PROVENANCES, label
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Grade, Phenomenon, Source, Surface

LEVELS: Final = ("L0", "L1", "L2", "L3", "L4", "L5", "L6")
LISTED: Final = ("waiting", *STATES)
_MOST: Final = 1_000
_USUAL: Final = 200
Json = dict[str, Any]
Command = TypeVar("Command", bound=Callable[..., Any])


def _found(name: str, words: type[StrEnum], what: str) -> Callable[[Command], Command]:
    codes = [entry.value for entry in words]
    help_ = one_of(what, codes)
    return click.option(
        f"--{name}", type=click.Choice(codes), metavar="CODE", help=help_
    )


@click.group(cls=SpokenGroup)
def task() -> None:
    """Review matches: see them, decide, record a hearing.

    A match is a reason to review, never a verdict. To confirm one you need evidence of
    your own; to close an account, a second person and a hearing.

    \b
    Examples:
      fedsafe task list
      fedsafe task show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
      fedsafe task decide 0a1b2c3d4e5f60718293a4b5c6d7e8f9 dismiss
    """  # noqa: D301


@task.command("list")
@click.option(
    "--state",
    type=click.Choice(LISTED),
    default="waiting",
    help="State; default: waiting (for a person).",
)
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=_USUAL,
    help="At most this many events.",
)
@click.option(
    "--after",
    metavar="PLACE",
    help="Continue after this place: `next` of the previous page.",
)
@shared_options
@click.pass_context
def list_tasks(
    context: click.Context, state: str, limit: int, after: str | None
) -> ExitStatus:
    """List reviews, the earliest deadline first.

    At the end stand accounts of which more than 20 wait on the same signals, then
    lookups that named no account.

    \b
    Examples:
      fedsafe task list
      fedsafe task list --state watched --json
      fedsafe task list --limit 50 \\
          --after 0.1798675200.0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/tasks?state={state}&limit={limit}"
    if after is not None:
        path += f"&after={quote(after, safe='')}"
    answer = personal(settings).get(path)
    if settings.json:
        document(answer)
        return OK
    words = ("task", "account", "state", "opened", "ends", "alike", "note")
    table([say(word, settings) for word in words], _rows(answer["tasks"], settings))
    if answer["next"] is not None:
        note(say("next", settings).format(next=answer["next"]))
    if count := answer.get("floods"):
        note(say("floods", settings).format(count=count))
    return OK


@task.command("show")
@click.argument("task_id", metavar="TASK")
@shared_options
@click.pass_context
def show(context: click.Context, task_id: str) -> ExitStatus:
    """Show a review: its signals, decisions and the hearing.

    \b
    Example:
      fedsafe task show 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --lang de
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(f"/v1/tasks/{checked_task(task_id)}")
    if settings.json:
        document(answer)
    else:
        _show(answer, settings)
    return OK


@task.command("decide")
@click.argument("task_id", metavar="TASK")
@click.argument("outcome", type=click.Choice(list(OUTCOMES)))
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    help="With confirm: the level, that is what happens to the account.",
)
@click.option(
    "--until", metavar="DAY", help="With watch or feature_limit: the last day."
)
@click.option(
    "--evidence",
    metavar="REFERENCE",
    help="With confirm: reference to your own evidence.",
)
@click.option(
    "--reason", metavar="REFERENCE", help="Reference to the reason: a ticket or a note."
)
@_found("phenomenon", Phenomenon, "Phenomenon of your own finding")
@_found("surface", Surface, "Where it happened")
@_found("grade", Grade, "How well your finding is supported")
@_found("source", Source, "What led to your finding")
@click.option("--rule", metavar="ID", help="Rule of your rulebook that was broken.")
@click.option(
    "--signal", metavar="ID", help="Signal to inquire about, or that is listed wrongly."
)
@click.option(
    "--question",
    "questions",
    type=click.Choice(list(QUESTIONS)),
    metavar="QUESTION",
    multiple=True,
    help="With inquire: question to the origin; may be repeated.",
)
@click.option(
    "--because",
    type=click.Choice(list(BECAUSE)),
    metavar="WHY",
    help="With dismiss: listing_wrong, if the listing itself is wrong.",
)
@click.option(
    "--with-second",
    is_flag=True,
    default=None,
    help="With listing_wrong: leave the review open until a second person finds the "
    "same.",
)
@click.option(
    "--revision", type=int, help="Refuse if the review has changed since this revision."
)
@say_again
@shared_options
@click.pass_context
def decide(
    context: click.Context,
    /,
    task_id: str,
    outcome: str,
    *,
    again: bool,
    **options: object,
) -> ExitStatus:
    """Decide the review TASK, or postpone it.

    To limit or confirm, name the rule of your rulebook and your own finding
    (--phenomenon, --surface, --grade, --source); the person is told both.

    A limit of features is level L3. From L5 on, a confirmation exits with status 13 and
    waits for a second person: `fedsafe act approve` carries it out.

    Dismiss with --because listing_wrong if the listing itself is wrong; it counts
    against the origin once two people have found so. With --with-second the review
    stays open (status 13) until another person dismisses it likewise, and the account
    stays as it is. If nobody else is there, leave --with-second out.

    If you decide within seconds of the first look, you are asked once more; a script
    gets status 5 (look_again) and repeats the command with --again.

    Questions are still_stands, found_by_a_person, identifier_confirmed, age_confirmed,
    person_was_heard, complaint_pending.

    \b
    Examples:
      fedsafe task decide 0a1b2c3d4e5f60718293a4b5c6d7e8f9 dismiss
      fedsafe task decide 0a1b2c3d4e5f60718293a4b5c6d7e8f9 watch \\
          --until 2026-12-10
      fedsafe task decide 0a1b2c3d4e5f60718293a4b5c6d7e8f9 confirm --level L6 \\
          --evidence case-7 --rule house-1 --phenomenon grooming \\
          --surface public_content --grade confirmed_conduct --source notice
    """  # noqa: D301
    settings = settings_of(context)
    said = options | {
        "outcome": outcome,
        "level": "L3" if outcome == "feature_limit" else options["level"],
        "questions": options["questions"] or None,
    }
    body = {name: value for name, value in said.items() if value is not None}
    path = f"/v1/tasks/{checked_task(task_id)}/outcome"
    answer = decided(path, body, settings, again=again)
    if settings.json:
        document(answer)
    elif options["with_second"]:
        line(say("found_wrong", settings))
    elif answer["decided"]:
        line(
            say("decided", settings).format(outcome=_word(OUTCOMES, outcome, settings))
        )
    else:
        act = answer["act"]
        line(say("waits", settings).format(act=act["act"], digest=act["digest"]))
    return OK if answer["decided"] else ExitStatus.WAITING


@task.command("hear")
@click.argument("task_id", metavar="TASK")
@click.argument("step", type=click.Choice(list(STEPS)))
@click.option(
    "--reference",
    metavar="REFERENCE",
    required=True,
    help="Where it is recorded: a letter or a note.",
)
@click.option("--until", metavar="DAY", help="With invited: deadline to answer.")
@click.option(
    "--exception",
    type=click.Choice(list(EXCEPTIONS)),
    metavar="WHY",
    help="If you use exception: why the person is not asked first.",
)
@shared_options
@click.pass_context
def hear(  # noqa: PLR0913 - the options of one command
    context: click.Context,
    task_id: str,
    step: str,
    reference: str,
    until: str | None,
    exception: str | None,
) -> ExitStatus:
    """Record a step of the hearing before an account is closed for good.

    Nobody is heard if --exception says why: danger_to_a_child, investigation_at_risk,
    order_of_an_authority, or no_way_to_reach.

    \b
    Examples:
      fedsafe task hear 0a1b2c3d4e5f60718293a4b5c6d7e8f9 invited \\
          --reference letter-3 --until 2026-12-04
      fedsafe task hear 0a1b2c3d4e5f60718293a4b5c6d7e8f9 heard --reference note-9
    """  # noqa: D301
    settings = settings_of(context)
    said = {
        "step": step,
        "reference": reference,
        "answer_until": until,
        "exception": exception,
    }
    body = {name: value for name, value in said.items() if value is not None}
    path = f"/v1/tasks/{checked_task(task_id)}/hearing"
    answer = personal(settings).post(path, body)
    if settings.json:
        document(answer)
    else:
        _head(answer, settings)
    return OK


def _word(words: dict[str, Phrase], code: object, settings: Settings) -> str:
    return label(words, str(code), language=settings.language)


def _rows(tasks: list[Json], settings: Settings) -> list[tuple[object, ...]]:
    return [
        (
            one["task"],
            account_in(one),
            _word(STATES, one["state"], settings),
            shown(one["opened_at"]),
            shown(one["ends_at"]),
            one["alike"],
            say("flagged", settings) if one["flagged_at"] is not None else None,
        )
        for one in tasks
    ]


def _head(answer: Json, settings: Settings) -> None:
    flagged = answer["flagged_at"]
    pairs(
        [
            (say("task", settings), answer["task"]),
            (say("account", settings), account_in(answer)),
            (say("state", settings), _word(STATES, answer["state"], settings)),
            (say("opened", settings), shown(answer["opened_at"])),
            (say("ends", settings), shown(answer["ends_at"])),
            (
                say("note", settings),
                None if flagged is None else say("flagged", settings),
            ),
            (say("revision", settings), answer["revision"]),
            (say("renewals", settings), answer["renewals"] or None),
            (say("heard", settings), answer["heard"]),
        ],
        indent="",
    )


def _show(answer: Json, settings: Settings) -> None:
    _head(answer, settings)
    _part(
        ("signal", "origin", "phenomenon", "grade", "provenance", "removed", "stopped"),
        [_signal(each, settings) for each in answer["signals"]],
        settings,
    )
    _part(
        (
            *("outcome", "level", "until", "by", "second", "at", "seconds"),
            *("evidence", "reason", "rule", "phenomenon", "grade"),
        ),
        [_decision(each, settings) for each in answer["decisions"]],
        settings,
    )
    _part(
        ("hearing", "reference", "until", "by", "at"),
        [_hearing(each, settings) for each in answer["hearings"]],
        settings,
    )
    _part(
        COLUMNS,
        [inquiry_row(each, settings) for each in answer["inquiries"]],
        settings,
    )


def _part(
    words: tuple[str, ...], rows: list[tuple[object, ...]], settings: Settings
) -> None:
    if rows:
        line()
        table([say(word, settings) for word in words], rows)


def _signal(each: Json, settings: Settings) -> tuple[object, ...]:
    match, effect = each["match"] or {}, each["effect"]
    return (
        each["signal"],
        each["origin"],
        _word(PHENOMENA, match["phenomenon"], settings) if match else None,
        _word(GRADES, match["grade"], settings) if match else None,
        _word(PROVENANCES, match["provenance"], settings) if match else None,
        match.get("removed_on"),
        None if effect is None else _word(EFFECTS, effect, settings),
    )


def _decision(each: Json, settings: Settings) -> tuple[object, ...]:
    found = each.get("phenomenon") is not None
    return (
        _word(OUTCOMES, each["outcome"], settings),
        each["level"],
        shown(each["until"]),
        each["decided_by"],
        each["second"],
        shown(each["decided_at"]),
        _seconds(each),
        each["evidence"],
        _why(each, settings),
        each.get("rule"),
        _word(PHENOMENA, each["phenomenon"], settings) if found else None,
        _word(GRADES, each["grade"], settings) if found else None,
    )


def _why(each: Json, settings: Settings) -> object:
    because = each.get("because")
    return each["reason"] if because is None else _word(BECAUSE, because, settings)


def _seconds(each: Json) -> str:
    """How long those who decided had looked: the first person, and the second."""
    both = (each["dwell"], each.get("second_dwell"))
    return ", ".join(str(looked) for looked in both if looked is not None)


def _hearing(each: Json, settings: Settings) -> tuple[object, ...]:
    step, why = _word(STEPS, each["step"], settings), each["exception"]
    return (
        step if why is None else f"{step}: {_word(EXCEPTIONS, why, settings)}",
        each["reference"],
        shown(each["answer_until"]),
        each["recorded_by"],
        shown(each["recorded_at"]),
    )


task.add_command(inquiries)
task.add_command(answer_inquiry)
