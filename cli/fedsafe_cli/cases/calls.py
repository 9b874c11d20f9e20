# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case call`: what to say, and the note of what was said.

Without a case it needs no node: the script must be there when nothing else is.
"""

import sys
import time
from typing import Any, Final

import click

from fedsafe_cli.cases.assessment import case_id_of, word
from fedsafe_cli.cases.case_texts import tell_receipt
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.moments import moment_of, shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import in_either
from fedsafe_policies.escalation.calls import ORDERED, SAID, Ordered, Said
from fedsafe_policies.escalation.urgency import before_form
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase

_EMERGENCY: Final = "110"
_LONGEST: Final = 500
_CALL: Final = Phrase("called: {} at {}, by {}")
_NOBODY: Final = Phrase("   nobody answered")
_OFFICER: Final = Phrase("   answered by: {}")
_REFERENCE: Final = Phrase("   reference: {}")
_ASK: Final = Phrase("fedsafe: who answered (name or number)? End with Ctrl-D:")


@click.command("call", cls=SpokenCommand)
@click.argument("case_id", metavar="[CASE]", required=False)
@click.option(
    "--number",
    default=_EMERGENCY,
    metavar="NUMBER",
    help="Number that was called; default: 110.",
)
@click.option(
    "--at",
    callback=moment_of,
    metavar="MOMENT",
    help="When, such as 2026-11-24T09:30Z; default: now.",
)
@click.option("--reference", metavar="REFERENCE", help="Their incident number.")
@click.option(
    "--no-answer",
    is_flag=True,
    help="Nobody answered: the call is noted, and is owed still.",
)
@word("said", Said, "What was said", multiple=True)
@word("ordered", Ordered, "What they asked for or ordered", multiple=True)
@shared_options
@click.pass_context
def call(context: click.Context, /, case_id: str | None, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Show whom to call and what to say; with CASE, record the call that was made.

    Reads who answered from standard input, one line or none. Of the conversation only
    the words of --said and --ordered are stored. With --no-answer it reads nothing:
    call again, and record that too.

    \b
    Examples:
      fedsafe case call
      fedsafe case call CASE --reference 2026/4711 --said child_in_danger \\
        --said place --ordered send_package < officer.txt
    """  # noqa: D301
    settings = settings_of(context)
    if case_id is None:
        return _tell_script(settings)
    answered = not given["no_answer"]
    if sys.stdin.isatty() and answered:
        _tell_script(settings)
        note(_ASK.said(settings.language))
    officer = ""  # nobody is there to be named
    if answered:
        officer = sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace").strip()
    body = {
        "number": given["number"],
        "at": given["at"] or int(time.time()),  # noqa: TID251 - now
        "said": sorted(set(given["said"])),
        "ordered": sorted(set(given["ordered"])),
    }
    known = {"officer": officer or None, "reference": given["reference"]}
    if not answered:
        body["answered"] = False
    body |= {name: value for name, value in known.items() if value is not None}
    path = f"/v1/cases/{case_id_of(case_id)}/calls"
    return tell_receipt(settings, personal(settings).change(path, body))


def tell_calls(answer: dict[str, Any], settings: Settings) -> None:
    """Tell which calls were made about a case."""
    language = settings.language
    for made in answer["calls"]:
        line(_CALL.said(language).format(made["number"], shown(made["at"]), made["by"]))
        if not made.get("answered", True):
            line(_NOBODY.said(language))
        if made["officer"] is not None:
            line(_OFFICER.said(language).format(made["officer"]))
        if made["reference"] is not None:
            line(_REFERENCE.said(language).format(made["reference"]))
        texts = [SAID[Said(each)] for each in made["said"]]
        texts += [ORDERED[Ordered(each)] for each in made["ordered"]]
        for text in texts:
            line(f"   - {in_either(text, settings.language)}")


def _tell_script(settings: Settings) -> ExitStatus:
    texts = before_form(Urgency.U0)
    if settings.json:
        document({"script": [{"de": text.de, "en": text.en} for text in texts]})
        return OK
    for number, text in enumerate(texts, start=1):
        line(f"{number}. {in_either(text, settings.language)}")
    return OK
