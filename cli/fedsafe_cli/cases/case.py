# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case`: the provider's own cases, from the opening to the end.

In imminent danger the way to 110 is shown before anything else is asked. What a case
is about is read from standard input or a file, never from an argument.
"""

import sys
import time
from typing import Any, Final

import click

from fedsafe_cli.cases.assessment import (
    MOST_READ,
    assessment_of,
    assessment_options,
    case_id_of,
    word,
)
from fedsafe_cli.cases.calls import call, tell_calls
from fedsafe_cli.cases.case_texts import tell_case, tell_queue, tell_receipt
from fedsafe_cli.cases.dispatch import (
    acknowledged,
    dispatches,
    handed,
    receive,
    send,
    take,
)
from fedsafe_cli.cases.evidence import attachment_of, attachment_options
from fedsafe_cli.cases.inquiries import asked, supplemented, tell_inquiries
from fedsafe_cli.cases.recall import recall, sending
from fedsafe_cli.cases.render import pack, render
from fedsafe_cli.cases.template import template
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand, SpokenGroup, misused
from fedsafe_cli.terminal.moments import moment_of
from fedsafe_cli.terminal.options import (
    settings_of,
    shared_options,
    typed_language,
    value_typed,
)
from fedsafe_cli.terminal.output import note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import in_either
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.urgency import before_form
from fedsafe_policies.escalation.vocabulary import (
    AgeBand,
    Danger,
    PartnerClass,
    Urgency,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Phenomenon

_URGENCY: Final = "--urgency"
_TEST: Final = "--test"
_EXERCISE: Final = Phrase(
    "This is an exercise. Call nobody; in earnest you would read:"
)


class CallFirst(SpokenCommand):
    """A command that shows whom to call even if it is typed wrong otherwise."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show whom to call as soon as the urgency can be read, then go on."""
        urgency = value_typed(args, _URGENCY)
        if urgency in set(Urgency):
            typed = typed_language(args)
            language = typed or ctx.ensure_object(Settings).language
            texts = before_form(Urgency(urgency))
            if texts and _TEST in args:
                note(f"fedsafe: {_EXERCISE.said(language)}")
            for text in texts:
                note(f"fedsafe: {in_either(text, language)}")
        return super().parse_args(ctx, args)


_ASK: Final = Phrase(
    "fedsafe: why life or safety is, or is not, under threat; end with Ctrl-D:"
)
"""What stands before the reason, on a terminal."""


@click.group(cls=SpokenGroup)
def case() -> None:
    """Manage the provider's own cases, from a finding to the right partner.

    \b
    Examples:
      fedsafe case open --urgency u1 --danger yes --source user_report
      fedsafe case list
    """  # noqa: D301


case.add_command(render)
case.add_command(pack)
case.add_command(template)


@case.command("open", cls=CallFirst)
@word("urgency", Urgency, "Urgency", required=True)
@word(
    "danger",
    Danger,
    "Whether life or safety is threatened (Art. 18 DSA)",
    required=True,
)
@word("source", CaseSource, "What led to it", multiple=True, required=True)
@word("phenomenon", Phenomenon, "What happened")
@word("age", AgeBand, "Age of the affected person", multiple=True)
@click.option(
    "--evidence",
    multiple=True,
    metavar="REFERENCE",
    help="Where own evidence is kept. May be repeated.",
)
@click.option(
    "--known",
    callback=moment_of,
    metavar="MOMENT",
    help="When somebody learned of it, such as 2026-11-24T09:30Z; default: now.",
)
@click.option("--test", is_flag=True, help="Exercise: it goes to test contacts only.")
@shared_options
@click.pass_context
def open_(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Open a case; reads from standard input why life or safety is threatened.

    A case rests on the provider's own finding. A signal of another provider may be one
    of the sources, never the only one. With --urgency u0, call 110 first.

    \b
    Example:
      fedsafe case open --urgency u1 --danger yes --source user_report < reason.txt
    """  # noqa: D301
    settings = settings_of(context)
    if sys.stdin.isatty():
        note(_ASK.said(settings.language))
    reason = _read_text()
    body: dict[str, Any] = {
        "urgency": given["urgency"],
        "known_at": given["known"] or int(time.time()),  # noqa: TID251 - now
        "threat": {"danger": given["danger"], "reason": reason},
        "sources": sorted(set(given["source"])),
        "ages": given["age"],
        "evidence": given["evidence"],
    }
    if given["test"]:
        body["test"] = True
    if given["phenomenon"]:
        body["phenomenon"] = given["phenomenon"]
    return tell_receipt(settings, personal(settings).change("/v1/cases", body))


@case.command("list")
@shared_options
@click.pass_context
def list_(context: click.Context) -> ExitStatus:
    """List cases that need work, in the order of work.

    The order is: urgency; then cases of minors and of people of unknown age; then age.
    A case that has waited as long as its urgency allows comes before the others of this
    urgency.

    \b
    Example:
      fedsafe case list --json
    """  # noqa: D301
    settings = settings_of(context)
    return tell_queue(settings, personal(settings).get("/v1/cases"))


@case.command("show")
@click.argument("case_id", metavar="CASE")
@shared_options
@click.pass_context
def show(context: click.Context, case_id: str) -> ExitStatus:
    """Show a case as your role may see it, with its checklist and what is missing.

    \b
    Example:
      fedsafe case show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(f"/v1/cases/{case_id_of(case_id)}")
    status = tell_case(settings, answer)
    if not settings.json:
        tell_calls(answer, settings)
        tell_inquiries(answer, settings)
    return status


@case.command("assess", cls=CallFirst)
@click.argument("case_id", metavar="CASE")
@assessment_options
@shared_options
@click.pass_context
def assess(context: click.Context, /, case_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Record what is known now; this ends an approval, and other fields stay.

    Steps, conditions and missing elements are added to those recorded before; --undone,
    --lapsed and --remove take them back.

    \b
    Examples:
      fedsafe case assess CASE --phenomenon grooming --age 10_13
      fedsafe case assess CASE --done secure_evidence --level L6
      fedsafe case assess CASE --unavailable network=not_recorded
      echo '{"contact": {"function": "Night desk", "phone": "+49 30 0000001"}}' |
        fedsafe case assess CASE --elements -
    """  # noqa: D301
    body = assessment_of(given)
    settings = settings_of(context)
    path = f"/v1/cases/{case_id_of(case_id)}/assess"
    return tell_receipt(settings, personal(settings).change(path, body))


@case.command("attach")
@click.argument("case_id", metavar="CASE")
@attachment_options
@shared_options
@click.pass_context
def attach(context: click.Context, /, case_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Attach evidence by digest and place; the file is read here and never sent.

    \b
    Example:
      fedsafe case attach CASE chat.txt --object chat-7 --held-at vault-2 \\
        --hold hold-8 --by staff-1
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/cases/{case_id_of(case_id)}/attach"
    body = {"attachments": [attachment_of(given)]}
    return tell_receipt(settings, personal(settings).change(path, body))


@case.command("approve")
@click.argument("case_id", metavar="CASE")
@word(
    "partner",
    PartnerClass,
    "Class of partner that may receive it",
    multiple=True,
    required=True,
)
@shared_options
@click.pass_context
def approve(
    context: click.Context, case_id: str, partner: tuple[str, ...]
) -> ExitStatus:
    """Approve that a case goes to classes of partners, or ask a second person to.

    U1 and U2 take two people. In imminent danger (U0) one escalation officer approves,
    and a second person runs this command again within twelve hours. Name all classes at
    once, each with --partner: one approval covers the case as it is now.

    \b
    Examples:
      fedsafe case approve CASE --partner law_enforcement
      fedsafe case approve CASE --partner law_enforcement --partner hotline
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/cases/{case_id_of(case_id)}/approve"
    body = {"partners": sorted(set(partner))}
    return tell_receipt(settings, personal(settings).post(path, body))


for command in (
    call,
    send,
    dispatches,
    take,
    handed,
    acknowledged,
    asked,
    supplemented,
    receive,
    recall,
    sending,
):
    case.add_command(command)


@case.command("close")
@click.argument("case_id", metavar="CASE")
@shared_options
@click.pass_context
def close(context: click.Context, case_id: str) -> ExitStatus:
    """Close a case that has answered all of its questions.

    These are: phenomenon, misused feature, help offered, threat to life or safety,
    level of the ladder, and what happens to the evidence. An approval that waits for a
    second person is withdrawn.

    \b
    Example:
      fedsafe case close 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/cases/{case_id_of(case_id)}/close"
    return tell_receipt(settings, personal(settings).change(path, None))


def _read_text() -> str:
    text = sys.stdin.buffer.read(MOST_READ).decode("utf-8", "replace").strip()
    if not text:
        raise misused(Phrase("say on standard input why, or why not"))
    return text
