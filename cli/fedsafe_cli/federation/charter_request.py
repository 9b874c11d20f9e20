# SPDX-License-Identifier: Apache-2.0
"""What commands about the charter share: say what comes of it, ask, ask the node."""

from typing import Any, Final

import click

from fedsafe_cli.federation.charter_texts import CONSEQUENCES
from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.ids import checked_member
from fedsafe_cli.terminal.labels import say
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of
from fedsafe_cli.terminal.output import document, note, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_node.words.acts import act_rows, act_word
from fedsafe_policies.ground.catalogue import Phrase

FEDERATION: Final = "/v1/federation"
PROPOSALS: Final = "/v1/federation/proposals"
_GO_ON: Final = Phrase("Go on?")
yes_option: Final = click.option("--yes", is_flag=True, help="Do not ask.")
role_option: Final = click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["holder", "lister", "media"]),
    help="Role of the member; may be repeated. A member that is only a holder is a "
    "custodian.",
)
member_argument: Final = click.argument("member", metavar="MEMBER")


def change(
    context: click.Context,
    kind: str,
    *,
    yes: bool,
    told: str | None = None,
    **said: Any,  # noqa: ANN401 (a body)
) -> ExitStatus:
    """Ask the node for a next version of the charter; *told* is what it leads to."""
    settings = settings_of(context)
    member = said.get("member")
    named = "" if member is None else checked_member(str(member))
    client = personal(settings)
    if not yes:
        client.get(FEDERATION)  # it says that there is none before anybody is asked
    say_first(told or kind, settings, yes=yes, member=named)
    body = {name: value for name, value in said.items() if value is not None}
    asked = client.post(PROPOSALS, {"change": kind, **body})
    return waiting(asked, settings)


def say_first(kind: str, settings: Settings, *, yes: bool, member: str = "") -> None:
    """Say what a command leads to, and ask whether to go on."""
    for text in CONSEQUENCES[kind]:
        note(text.said(settings.language).format(member=printable(member)))
    if not yes:
        confirm(_GO_ON, settings, without="to go on without a question: --yes")


def waiting(asked: dict[str, Any], settings: Settings) -> ExitStatus:
    """Print an act that waits for a second person."""
    if settings.json:
        document(asked)
    else:
        rows = [(act_word("act", language=settings.language), asked["act"])]
        pairs(
            [*rows, *act_rows(asked, language=settings.language, readable=readable)],
            indent="",
        )
    command = f"fedsafe act approve {printable(str(asked['act']))}"
    note(
        say(
            "nothing is done yet: let another person run `{command}`",
            settings,
            command=command,
        )
    )
    return ExitStatus.WAITING
