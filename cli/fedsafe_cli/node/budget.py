# SPDX-License-Identifier: Apache-2.0
"""`fedsafe budget`: what is left of the budgets, and what a pattern has shut."""

from typing import Final

import click

from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import meant
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_policies.ground.catalogue import Phrase, all_said

_HEADINGS: Final = (
    Phrase("who"),
    Phrase.within("budget", "for"),
    Phrase("spent"),
    Phrase("left"),
    Phrase("shut until"),
    Phrase("because"),
)
_NOTHING: Final = Phrase("nothing was spent within the last hour, and nothing is shut")


@click.group(cls=SpokenGroup)
def budget() -> None:
    """Show budgets of lookups and publications (rule P18).

    \b
    Example:
      fedsafe budget show
    """  # noqa: D301


@budget.command("show")
@shared_options
@click.pass_context
def show(context: click.Context) -> ExitStatus:
    """Show what was used within the last hour, what is left, and what is blocked.

    Evaluations count per UTC day: `evaluate.…` is what this node evaluated for a
    member, `ask.…` what it asked of a member.

    A pattern (`enumeration`, `mass_listing`) blocks its way for an hour; then it opens
    again.

    \b
    Example:
      fedsafe budget show --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/budgets")
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            "" if each.get(name) is None else meant(name, each[name], settings)
            for name in ("holder", "purpose", "spent", "left", "shut_until", "code")
        ]
        for each in answer["budgets"]
    ]
    language = settings.language
    if rows:
        table(all_said(_HEADINGS, language), rows)
    else:
        line(_NOTHING.said(language))
    return OK
