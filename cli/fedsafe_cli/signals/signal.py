# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal`: record, propose, approve, import, revoke, show.

An own ban takes one person and stays here. A signal to the federation is a draft
until a second person, with another credential, approves it.
"""

import sys
from typing import Any, Final

import click

from fedsafe_cli.signals.bulk_import import import_signals, note_unnamed
from fedsafe_cli.signals.file_lists import approve_list, examine, lists
from fedsafe_cli.signals.inventory import Pages, list_signals
from fedsafe_cli.signals.own_reviews import keep, look, sample
from fedsafe_cli.signals.recipients import recipients, sightings
from fedsafe_cli.signals.renewal import ending, renew
from fedsafe_cli.signals.revocations import revoke
from fedsafe_cli.signals.signal_texts import show_signal
from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.errors import BadInputError, BrokenAnswerError, complaint
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus, worst
from fedsafe_cli.terminal.findings import (
    finding,
    finding_options,
    in_group,
    problem_status,
    read_for,
    reading_purpose,
)
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.inputs import (
    FormError,
    Hints,
    Question,
    decode,
    question,
    read_lines,
)
from fedsafe_cli.terminal.labels import say
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.texts import words
from fedsafe_policies.ground.catalogue import Phrase, received
from fedsafe_policies.vocabulary import Scope

MOST_APPROVED: Final = 5_000
_TIMEOUT: Final = 120.0


@click.group(cls=SpokenGroup)
def signal() -> None:
    """Record own bans, publish signals with a second person, and revoke them.

    \b
    Examples:
      fedsafe signal add --help
      fedsafe signal list
      fedsafe signal revoke SIGNAL --reason mistake
    """  # noqa: D301


@signal.command("add")
@click.argument("value", default="-", metavar="[-|VALUE]")
@finding_options(required=True)
@click.option("--minor", is_flag=True, help="The person is or may be a minor.")
@click.option(
    "--to", "nodes", multiple=True, metavar="NODE", help="Share with this member only."
)
@click.option(
    "--subject-ref",
    metavar="[SERVICE/]REF",
    help="Your reference to the account, for a notice.",
)
@shared_options
@click.pass_context
def add(
    context: click.Context,
    /,
    value: str,
    *,
    minor: bool,
    nodes: tuple[str, ...],
    **given: Any,  # noqa: ANN401 (texts, or many of them)
) -> ExitStatus:
    """Record an own ban, or a draft for the federation.

    Pass the value on standard input, or as KIND:VALUE (visible in the process list). A
    signal about a minor is refused; there is help instead. A value that is already
    listed is reported and not recorded again.

    \b
    Examples:
      printf '%s\\n' "$ADDRESS" | fedsafe signal add --kind email \\
        --phenomenon grooming --surface public_content \\
        --grade confirmed_conduct --rule tos-4.2 --removed-on 2026-11-24
      … add --scope federation --finding adult --to b.example.de
      … add --scope federation --phenomenon avatar_acts --finding adult \\
        --legal-review review-2026-4
    """  # noqa: D301
    settings = settings_of(context)
    about = _about(
        value,
        Hints(kind=given["kind"], region=given["region"], namespace=given["namespace"]),
    )
    body = in_group(finding(given)) | {"about": about}
    if minor:
        body["minor"] = True
    if nodes:
        body["nodes"] = list(nodes)
    if given["subject_ref"] is not None:
        body["subject_ref"] = given["subject_ref"]
    # A draft has an author. An own ban never takes up a session by itself: a program
    # under the same user would record it in the name of whoever has logged in.
    shared = given["scope"] not in {None, Scope.SELF.value}
    client = personal(settings) if shared else settings.client()
    answer = client.change("/v1/signals", body)
    show_signal(answer, as_json=settings.json, language=settings.language)
    if answer.get("already"):
        note(f"fedsafe: {words('already_listed', language=settings.language)}")
        if answer.get("differs"):
            note(f"fedsafe: {words('differs', language=settings.language)}")
        return OK
    note_unnamed(client, language=settings.language)
    return OK


def _about(value: str, hints: Hints) -> Question:
    try:
        if value != "-":
            return question(value, hints)
        lines = list(read_lines(sys.stdin.buffer))
        if len(lines) != 1:
            raise BadInputError(
                Phrase("want one line with one value, got {lines}").filled(
                    lines=len(lines)
                )
            )
        if not isinstance(lines[0], bytes):
            raise BadInputError(lines[0].detail)
        return question(decode(lines[0]), hints)
    except FormError as error:
        raise BadInputError(error.fault.detail) from None


@signal.command("approve")
@click.argument("signals", nargs=-1, metavar="[-|SIGNAL…]")
@click.option("--all", "every", is_flag=True, help="Approve all waiting drafts.")
@shared_options
@click.pass_context
def approve(
    context: click.Context, /, signals: tuple[str, ...], *, every: bool
) -> ExitStatus:
    """Approve drafts as the second person, and publish them.

    \b
    Examples:
      fedsafe signal approve --credential reviewer.key SIGNAL
      fedsafe signal list --state draft --ids | fedsafe signal approve -
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    wanted = _wanted(client, signals, every=every)
    if not wanted:
        note(say("fedsafe: nothing waits for approval", settings))
    approved: list[str] = []
    problems: list[dict[str, Any]] = []
    for start in range(0, len(wanted), MOST_APPROVED):
        part = wanted[start : start + MOST_APPROVED]
        body = {"signals": part}
        answer = client.change("/v1/signals/approve", body, timeout=_TIMEOUT)
        approved += _field(answer, "approved")
        problems += [
            problem | {"position": problem["position"] + start}
            for problem in _field(answer, "problems")
        ]
    if settings.json:
        document({"approved": approved, "problems": problems})
    else:
        for problem in problems:
            told = received(problem, str(problem["detail"])).said(settings.language)
            name = wanted[problem["position"]]
            said = f"{name}: {told} ({problem['code']})"
            note(complaint(said, language=settings.language))
        counts = {"count": len(approved), "bad": len(problems)}
        line(words("approved", language=settings.language, **counts))
    return worst(problem_status(str(problem["code"])) for problem in problems)


def _wanted(client: Client, signals: tuple[str, ...], *, every: bool) -> list[str]:
    if every == bool(signals):
        raise misused(Phrase('name signals, or "-" for standard input, or --all'))
    if every:
        return [str(draft["signal"]) for draft in Pages(client, {"state": "draft"})]
    if signals != ("-",):
        wanted = enumerate(signals, start=1)
        return [checked_id(text, f"signal {n}: ") for n, text in wanted]
    lines = (part.decode("ascii", "replace").strip() for part in sys.stdin.buffer)
    found = enumerate(lines, start=1)
    return [checked_id(text, f"line {n}: ") for n, text in found if text]


@signal.command("show")
@click.argument("signal_id", metavar="SIGNAL")
@reading_purpose
@shared_options
@click.pass_context
def show(
    context: click.Context, /, *, signal_id: str, purpose: str | None
) -> ExitStatus:
    """Show the state of a signal.

    \b
    Example:
      fedsafe signal show SIGNAL
    """  # noqa: D301
    settings = settings_of(context)
    target = read_for(f"/v1/signals/{checked_id(signal_id)}", purpose)
    answer = personal(settings).get(target)
    show_signal(answer, as_json=settings.json, language=settings.language)
    return OK


def _field(answer: Json, name: str) -> list[Json]:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, list):
        raise BrokenAnswerError(
            Phrase("the node's answer has no {name}").filled(name=name)
        )
    return value


signal.add_command(list_signals)
signal.add_command(revoke)
signal.add_command(import_signals)
signal.add_command(lists)
signal.add_command(examine)
signal.add_command(approve_list)
signal.add_command(keep)
signal.add_command(sample)
signal.add_command(look)
signal.add_command(ending)
signal.add_command(renew)
signal.add_command(recipients)
signal.add_command(sightings)
