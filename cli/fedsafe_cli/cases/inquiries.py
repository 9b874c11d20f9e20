# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case asked|supplemented`: a partner asks for more, and is answered."""

import time
from typing import Any, Final

import click

from fedsafe_cli.cases.assessment import case_id_of
from fedsafe_cli.cases.case_texts import tell_receipt
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.moments import moment_of, shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import line
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase

_REFERENCE: Final = click.option(
    "--reference",
    required=True,
    metavar="REFERENCE",
    help="Where the question is kept.",
)
_AT: Final = click.option(
    "--at",
    callback=moment_of,
    metavar="MOMENT",
    help="When, such as 2026-11-24T09:30Z; default: now.",
)
_ANSWERED: Final = "supplemented"
_BEFORE: Final = Phrase(
    "the question {} was noted before: nothing was added; another one takes a "
    "--reference of its own"
)
_TOLD: Final = {
    "needs_info": Phrase("a partner asks for more: {}, reference {}, noted by {}"),
    "needed_info": Phrase("a partner asked for more: {}, reference {}, noted by {}"),
    "supplemented": Phrase("that is answered: {}, reference {}, noted by {}"),
}


@click.command("asked", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@_REFERENCE
@_AT
@shared_options
@click.pass_context
def asked(
    context: click.Context, /, case_id: str, reference: str, at: int | None
) -> ExitStatus:
    """Record that a partner who has acknowledged a case asks for more.

    The question itself is not stored. The case cannot be closed until the question is
    answered under the same reference; recording it again before that changes nothing.
    What goes beyond the approved package is sent as a case of its own.

    \b
    Example:
      fedsafe case asked CASE --reference AZ-2026/17
    """  # noqa: D301
    return _note(context, case_id, "needs_info", reference, at)


@click.command("supplemented", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@_REFERENCE
@_AT
@shared_options
@click.pass_context
def supplemented(
    context: click.Context, /, case_id: str, reference: str, at: int | None
) -> ExitStatus:
    """Record that a partner's question was answered, or that the answer was refused.

    Use the reference of the question: `fedsafe case show` lists it.

    \b
    Example:
      fedsafe case supplemented CASE --reference AZ-2026/17
    """  # noqa: D301
    return _note(context, case_id, _ANSWERED, reference, at)


def tell_inquiries(answer: dict[str, Any], settings: Settings) -> None:
    """Tell when a partner asked for more about a case, and was answered."""
    inquiries = answer.get("inquiries", ())
    for place, each in enumerate(inquiries):
        since = [later for later in inquiries[place:] if later["step"] == _ANSWERED]
        is_open = all(later["reference"] != each["reference"] for later in since)
        step = each["step"] if is_open or each["step"] == _ANSWERED else "needed_info"
        said = _TOLD[step].said(settings.language)
        line(said.format(shown(each["at"]), each["reference"], each["by"]))


def _note(
    context: click.Context, case_id: str, step: str, reference: str, at: int | None
) -> ExitStatus:
    settings = settings_of(context)
    moment = at or int(time.time())  # noqa: TID251 - now
    body = {"step": step, "at": moment, "reference": reference}
    path = f"/v1/cases/{case_id_of(case_id)}/inquiries"
    answer = personal(settings).change(path, body)
    status = tell_receipt(settings, answer)
    if not settings.json and not answer.get("noted", True):
        line(_BEFORE.said(settings.language).format(reference))
    return status
