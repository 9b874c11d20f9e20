# SPDX-License-Identifier: Apache-2.0
"""`fedsafe case recall|sending`: take packages back, and stop all sending."""

from typing import Any, Final

import click

from fedsafe_cli.cases.assessment import case_id_of, word
from fedsafe_cli.cases.dispatch_texts import tell_dispatches
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.escalation.dispatches import RecallReason
from fedsafe_policies.ground.catalogue import Phrase

_ON: Final = Phrase("sending is on")
_OFF: Final = Phrase("SENDING IS OFF: nothing leaves the node.")
_SINCE: Final = Phrase("   since {}, by {}")
_BY_HAND: Final = Phrase("   packages that wait for a person: {}")


@click.command("recall", cls=SpokenCommand)
@click.argument("case_id", metavar="CASE")
@word(
    "reason",
    RecallReason,
    "Reason; everybody who received the package is told",
    required=True,
)
@shared_options
@click.pass_context
def recall(context: click.Context, case_id: str, reason: str) -> ExitStatus:
    """Stop all unsent packages of a case, and send a correction for sent ones.

    Everybody who received the package, or may have, gets one correction, even if you
    run this again. Then correct the case (`fedsafe case assess`) and have it approved
    again.

    \b
    Example:
      fedsafe case recall CASE --reason wrong_facts
    """  # noqa: D301
    settings = settings_of(context)
    path = f"/v1/cases/{case_id_of(case_id)}/recall"
    answer = personal(settings).change(path, {"reason": reason})
    return tell_dispatches(settings, answer)


@click.command("sending", cls=SpokenCommand)
@click.argument(
    "switch", type=click.Choice(("on", "off")), metavar="[on|off]", required=False
)
@shared_options
@click.pass_context
def sending(context: click.Context, switch: str | None) -> ExitStatus:
    """Stop or resume sending of all case packages; without an argument, show the state.

    While sending is off, nothing leaves the node and queued packages stay queued.
    Handing over by hand is not affected.

    \b
    Examples:
      fedsafe case sending
      fedsafe case sending off
    """  # noqa: D301
    settings = settings_of(context)
    node = personal(settings)
    if switch is None:
        return _tell(settings, node.get("/v1/sending"))
    return _tell(settings, node.post("/v1/sending", {"sends": switch == "on"}))


def _tell(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    line((_ON if answer["sends"] else _OFF).said(language))
    if answer["by"] is not None:
        line(_SINCE.said(language).format(shown(answer["at"]), answer["by"]))
    if answer["by_hand"]:
        line(_BY_HAND.said(language).format(answer["by_hand"]))
    return OK
