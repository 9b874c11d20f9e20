# SPDX-License-Identifier: Apache-2.0
"""`fedsafe dispute`: contest a signal, and rule on what others contest.

What is disputed rests everywhere at once. The origin has ten working days to let it
stand or to revoke it, by a person who decided nothing about it before.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.ground.catalogue import Phrase, all_said

CONTENTIONS: Final[Mapping[str, Phrase]] = {
    "wrong_person": Phrase("wrong person"),
    "identifier_reassigned": Phrase("identifier reassigned"),
    "conduct_denied": Phrase("conduct denied"),
    "minor": Phrase("a minor"),
    "basis_lacking": Phrase("no legal basis"),
    "overturned": Phrase("decided otherwise"),
}
CONTROLS: Final = (
    "officer",
    "account_login",
    "mailed_code",
    "identity_document",
    "known_correspondence",
)
_OWN: Final = Phrase(" (own ban)")
_WEIGHTS: Final[Mapping[str, Phrase]] = {
    "suspends": Phrase("rests"),
    "repeat": Phrase("a repeat"),
    "flood": Phrase("beyond the budget"),
}
_STATES: Final[Mapping[str, Phrase]] = {
    "open": Phrase("open"),
    "restored": Phrase("stands"),
    "revoked": Phrase("revoked"),
    "lapsed": Phrase("lapsed, revoked"),
}
_UNHEARD: Final = Phrase(", nobody hears an appeal")
_HEADINGS: Final = (
    Phrase("dispute"),
    Phrase("signal"),
    Phrase("origin"),
    Phrase("by"),
    Phrase("contends"),
    Phrase("effect"),
    Phrase("state"),
    Phrase("until"),
    Phrase("ruling"),
)
_ID_DIGITS: Final = 64
Json = dict[str, Any]


@click.group(cls=SpokenGroup)
def dispute() -> None:
    """Dispute signals, and rule on disputes.

    \b
    Examples:
      fedsafe dispute open 01936e0c-… --facts wrong_person
      fedsafe dispute list
      fedsafe dispute rule 6d0f… --restore --reason ruling-7
    """  # noqa: D301


@dispute.command("open")
@click.argument("signal")
@click.option(
    "--facts",
    type=click.Choice(list(CONTENTIONS)),
    metavar="FACTS",
    required=True,
    help="What is wrong with it: wrong_person, identifier_reassigned, "
    "conduct_denied, minor, basis_lacking or overturned.",
)
@click.option(
    "--control",
    type=click.Choice(CONTROLS),
    metavar="HOW",
    default="officer",
    show_default=True,
    help="How the person showed that the identifier is theirs: officer (nobody "
    "asked), account_login, mailed_code, identity_document, known_correspondence.",
)
@click.option(
    "--origin",
    metavar="NODE",
    help="Origin of the signal, if two signals have the same id.",
)
@shared_options
@click.pass_context
def open_(
    context: click.Context, signal: str, facts: str, control: str, origin: str | None
) -> ExitStatus:
    """Dispute SIGNAL, your own or another provider's; it stops matching at once.

    \b
    Examples:
      fedsafe dispute open 01936e0c-… --facts wrong_person
      fedsafe dispute open 01936e0c-… --facts minor --control identity_document
    """  # noqa: D301
    settings = settings_of(context)
    said = {"signal": signal, "contention": facts, "control": control}
    if origin is not None:
        said["origin"] = origin
    _tell(settings, [personal(settings).change("/v1/disputes", said)])
    return OK


@dispute.command("list")
@click.option("--ruled", is_flag=True, help="List those that have their ruling.")
@shared_options
@click.pass_context
def list_(context: click.Context, ruled: bool) -> ExitStatus:  # noqa: FBT001 (click's)
    """List disputes that wait for a ruling, those that suspend a signal first.

    \b
    Examples:
      fedsafe dispute list
      fedsafe dispute list --ruled --json
    """  # noqa: D301
    settings = settings_of(context)
    state = "ruled" if ruled else "open"
    client, target = personal(settings), f"/v1/disputes?state={state}"
    answer = client.get(target)
    disputes = answer["disputes"]
    while (following := answer.get("next")) is not None:
        answer = client.get(f"{target}&after={following}")
        disputes += answer["disputes"]
    if settings.json:
        document({"disputes": disputes})
    elif disputes:
        _tell(settings, disputes)
    else:
        line(Phrase("There are none.").said(settings.language))
    return OK


@dispute.command("show")
@click.argument("dispute_id", metavar="ID")
@shared_options
@click.pass_context
def show(context: click.Context, dispute_id: str) -> ExitStatus:
    """Show a dispute and how it ended.

    \b
    Example:
      fedsafe dispute show 6d0f… --json
    """  # noqa: D301
    settings = settings_of(context)
    _tell(settings, [personal(settings).get(f"/v1/disputes/{_checked(dispute_id)}")])
    return OK


@dispute.command("rule")
@click.argument("dispute_id", metavar="ID")
@click.option(
    "--restore/--revoke",
    "stands",
    default=None,
    help="Let the signal stand and match again, or revoke it everywhere; an own ban "
    "is erased.",
)
@click.option(
    "--reason", metavar="REFERENCE", required=True, help="Number of the written ruling."
)
@shared_options
@click.pass_context
def rule(
    context: click.Context,
    dispute_id: str,
    stands: bool | None,  # noqa: FBT001 (click's)
    reason: str,
) -> ExitStatus:
    """Rule on dispute ID about an own signal; you must not have decided on it before.

    \b
    Examples:
      fedsafe dispute rule 6d0f… --restore --reason ruling-7
      fedsafe dispute rule 6d0f… --revoke --reason ruling-8
    """  # noqa: D301
    settings = settings_of(context)
    if stands is None:
        raise BadInputError(Phrase("say --restore or --revoke"))
    target = f"/v1/disputes/{_checked(dispute_id)}/ruling"
    said = {"stands": stands, "reason": reason}
    _tell(settings, [personal(settings).change(target, said)])
    return OK


def _checked(dispute_id: str) -> str:
    # It becomes a part of a path.
    if len(dispute_id) != _ID_DIGITS or set(dispute_id) - set("0123456789abcdef"):
        raise BadInputError(Phrase("a dispute is named by 64 hexadecimal digits"))
    return dispute_id


def _tell(settings: Settings, disputes: list[Json]) -> None:
    if settings.json:
        document(disputes[0])
        return
    language = settings.language
    table(
        all_said(_HEADINGS, language),
        [_row(found, language=language) for found in disputes],
    )


def _state(found: Json, *, language: str) -> str:
    state = _STATES[found["state"]].said(language)
    return state + _UNHEARD.said(language) if found.get("nobody_hears") else state


def _row(found: Json, *, language: str) -> tuple[object, ...]:
    return (
        found["dispute"],
        found["signal"],
        found["origin"] + (_OWN.said(language) if found.get("own") else ""),
        found["author"],
        CONTENTIONS[found["contention"]].said(language),
        _WEIGHTS[found["weight"]].said(language),
        _state(found, language=language),
        readable("due_at", found["due_at"]) if found["state"] == "open" else None,
        found["reason"],
    )
