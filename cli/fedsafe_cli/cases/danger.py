# SPDX-License-Identifier: Apache-2.0
"""Imminent danger: the way to 110 comes before anything else that a command says."""

from typing import Final

import click

from fedsafe_cli.terminal.output import note
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.escalation.urgency import before_form
from fedsafe_policies.escalation.vocabulary import Urgency

_URGENCY: Final = "--urgency"
_LANGUAGE: Final = "--lang"
_TEST: Final = "--test"
_EXERCISE: Final = (
    "Das ist eine Übung. Rufen Sie niemanden an; im Ernstfall stünde hier:",
    "This is an exercise. Call nobody; in earnest you would read:",
)


class CallFirst(click.Command):
    """A command that shows whom to call even if it is typed wrong otherwise."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show whom to call as soon as the urgency can be read, then go on."""
        urgency = _value(args, _URGENCY)
        if urgency in set(Urgency):
            typed = _value(args, _LANGUAGE)
            german = typed == "de" if typed else ctx.ensure_object(Settings).german
            texts = before_form(Urgency(urgency))
            if texts and _TEST in args:
                note(f"fedsafe: {_EXERCISE[0 if german else 1]}")
            for text in texts:
                note(f"fedsafe: {text.de if german else text.en}")
        return super().parse_args(ctx, args)


def _value(args: list[str], option: str) -> str | None:
    """Return what was typed for an option, the last time it was."""
    found = None
    for place, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name == option:
            found = value if equals else "".join(args[place + 1 : place + 2])
    return found
