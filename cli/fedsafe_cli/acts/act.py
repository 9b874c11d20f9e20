# SPDX-License-Identifier: Apache-2.0
"""`fedsafe act`: what waits for a second person, approved, refused or withdrawn."""

from typing import Any, Final

import click

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.moments import readable, shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.acts import (
    REFUSALS,
    act_kind,
    act_rows,
    act_state,
    act_word,
    refusal_rows,
)
from fedsafe_policies.ground.catalogue import Phrase

_NO_CONTENT: Final = "0" * 64
"""No content has this digest: of an act that waits no more the node says why."""
_REFUSED: Final = "/v1/acts?state=refused"
_APPROVE: Final = Phrase("Approve this?")


@click.group(cls=SpokenGroup)
def act() -> None:
    """Approve, refuse or withdraw acts that take two people.

    \b
    Examples:
      fedsafe act list
      fedsafe act approve 0a1b2c3d4e5f60718293a4b5c6d7e8f9
      fedsafe act refuse 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason incomplete
    """  # noqa: D301


@act.command("list")
@click.option(
    "--state",
    type=click.Choice(["pending", "refused"]),
    default="pending",
    help="What waits, or what was refused in the last 14 days: by you, or to you.",
)
@shared_options
@click.pass_context
def list_acts(context: click.Context, state: str) -> ExitStatus:
    """List acts that wait for a second person.

    \b
    Examples:
      fedsafe act list --json
      fedsafe act list --state refused
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    is_refused = state == "refused"
    acts = client.get(_REFUSED)["acts"] if is_refused else _pending(client)
    if settings.json:
        document({"acts": acts})
        return OK
    if not acts:
        none = "none_refused" if is_refused else "nothing"
        line(act_word(none, language=settings.language))
    for number, one in enumerate(acts):
        if number:
            line()
        pairs(_all_rows(one, settings), indent="")
    return OK


def _all_rows(one: dict[str, Any], settings: Settings) -> list[tuple[str, object]]:
    language = settings.language
    words = [act_word(name, language=language) for name in ("act", "state")]
    head = zip(words, (one["act"], act_state(one, language=language)), strict=True)
    return [*head, *_rows(one, settings), *refusal_rows(one, language=language)]


def _shown(waiting: dict[str, Any], settings: Settings) -> str:
    """Show what is asked for, ask whether that is right, and name its content."""
    digest_word = act_word("digest", language=settings.language)
    rows = [*_rows(waiting, settings), (digest_word, waiting["digest"])]
    for name, value in rows:
        note(f"{name}: {value}")
    digest = str(waiting["digest"])
    way = f"fedsafe act approve {waiting['act']} --digest {digest}"
    confirm(_APPROVE, settings, without=f"without a terminal: {way}")
    return digest


def _pending(client: Client) -> list[dict[str, Any]]:
    """Read all pages of what waits."""
    acts: list[dict[str, Any]] = []
    target: str | None = "/v1/acts"
    while target is not None:
        answer = client.get(target)
        acts += answer["acts"]
        following = answer.get("next")
        target = None if following is None else f"/v1/acts?after={following}"
    return acts


def _rows(one: dict[str, Any], settings: Settings) -> list[tuple[str, object]]:
    language = settings.language
    return [
        (act_word("kind", language=language), act_kind(one, language=language)),
        *act_rows(one, language=language, readable=readable),
        (act_word("asked_by", language=language), one["asked_by"]),
        (act_word("expires_at", language=language), shown(one["expires_at"])),
    ]


@act.command("approve")
@click.argument("act_id", metavar="ACT")
@click.option(
    "--digest",
    help="Approve exactly what was shown with this digest; default: show it and ask.",
)
@shared_options
@click.pass_context
def approve(context: click.Context, act_id: str, digest: str | None) -> ExitStatus:
    """Approve an act as its second person; it is then carried out.

    Needs a second factor proved within the last five minutes: log in, or run `fedsafe
    login --step-up`. Without --digest the command shows the act and asks.

    \b
    Example:
      fedsafe act approve 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    if digest is None:
        shown_act = next(
            (one for one in _pending(client) if one["act"] == act_id), None
        )
        digest = _NO_CONTENT if shown_act is None else _shown(shown_act, settings)
    answer = client.post(f"/v1/acts/{act_id}/approve", {"digest": digest})
    if settings.json:
        document(answer)
    else:
        line(f"{answer['act']}: {act_state(answer, language=settings.language)}")
    return OK


@act.command("refuse")
@click.argument("act_id", metavar="ACT")
@click.option(
    "--reason",
    type=click.Choice(list(REFUSALS)),
    metavar="CODE",
    required=True,
    help=f"Why: {', '.join(REFUSALS)}.",
)
@click.option("--reference", help="A label that refers to more, a ticket for instance.")
@shared_options
@click.pass_context
def refuse(
    context: click.Context, act_id: str, reason: str, reference: str | None
) -> ExitStatus:
    """Refuse an act that you could approve, and say why.

    It is closed for good. Whoever asked for it sees why for 14 days, and who under a
    pseudonym: `fedsafe act list --state refused`. Needs a second factor proved within
    the last five minutes, as an approval does.

    \b
    Example:
      fedsafe act refuse 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --reason incomplete
    """  # noqa: D301
    settings = settings_of(context)
    body = {"reason": reason} | ({} if reference is None else {"reference": reference})
    answer = personal(settings).post(f"/v1/acts/{act_id}/refuse", body)
    if settings.json:
        document(answer)
    else:
        line(f"{answer['act']}: {act_state(answer, language=settings.language)}")
    return OK


@act.command("withdraw")
@click.argument("act_id", metavar="ACT")
@shared_options
@click.pass_context
def withdraw(context: click.Context, act_id: str) -> ExitStatus:
    """Withdraw an act that you have asked for; others refuse it, and say why.

    \b
    Example:
      fedsafe act withdraw 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).post(f"/v1/acts/{act_id}/withdraw", None)
    if settings.json:
        document(answer)
    else:
        line(f"{answer['act']}: {act_state(answer, language=settings.language)}")
    return OK
