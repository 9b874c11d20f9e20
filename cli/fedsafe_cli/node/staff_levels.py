# SPDX-License-Identifier: Apache-2.0
"""`fedsafe staffing`: whether the people suffice for what a policy switches on."""

from collections.abc import Iterable
from typing import Any, Final

import click

from fedsafe_cli.node.login import ROLES
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import coded, headings, say
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import in_either
from fedsafe_node.words.casework import role_word
from fedsafe_policies.ground.catalogue import SOURCE, Phrase
from fedsafe_policies.vocabulary import Role

_NO_TWO: Final = "no two people may do this together: {act}"
_NONE_ALONE: Final = "no escalation officer is trained to act alone in imminent danger"
_WHOLE: Final = {
    "alone": _NONE_ALONE,
    "four_eyes": "no author finds a reviewer who is somebody else",
}
_NO_RULER: Final = "what {people} published: nobody else may rule on a dispute of it"


@click.group(cls=SpokenGroup)
def staffing() -> None:
    """Check whether there are enough people for all roles.

    \b
    Examples:
      fedsafe staffing check
      fedsafe staffing check --policy germany anna ben dora
    """  # noqa: D301


@staffing.command("check")
@click.argument("people", nargs=-1, metavar="[NAME[:ROLE,ROLE...]]...")
@click.option("--policy", metavar="NAME", help="Shipped policy; with names only.")
@shared_options
@click.pass_context
def check(
    context: click.Context, people: tuple[str, ...], policy: str | None
) -> ExitStatus:
    """Check whether there are enough people, and show missing and conflicting roles.

    Without names: the accounts of the node, with the roles that are valid now. With
    names: whether these people could run the policy, and how to share out the roles;
    add roles that a person already has to the name.

    Exit status 0 if there are enough, 3 if not.

    \b
    Examples:
      fedsafe staffing check
      fedsafe staffing check --policy germany anna ben dora
      fedsafe staffing check --policy germany anna:analyst,reviewer ben dora:dpo
    """  # noqa: D301
    settings = settings_of(context)
    if people:
        answer = _plan([_person(text) for text in people], policy or "germany")
    elif policy is not None:
        raise misused(Phrase("--policy goes with names; the node has its own"))
    else:
        found = personal(settings).get("/v1/staffing")
        answer = found | _matrix(found["policy"].partition("@")[0])
    if settings.json:
        document(answer)
    else:
        _tell(answer, settings)
    return OK if answer["suffices"] else ExitStatus.DENIED


def _person(text: str) -> tuple[str, frozenset[Role]]:
    name, _, listed = text.partition(":")
    roles = [role for role in listed.split(",") if role]
    if not name or not set(roles) <= set(ROLES):
        raise misused(
            Phrase("want NAME or NAME:ROLE,ROLE with {roles}").filled(
                roles=", ".join(ROLES)
            )
        )
    return name, frozenset(Role(role) for role in roles)


def _plan(people: list[tuple[str, frozenset[Role]]], name: str) -> dict[str, Any]:
    from fedsafe_policies.checks.staff_levels import gaps, suggest  # noqa: PLC0415
    from fedsafe_policies.documents.policy import SHIPPED, shipped  # noqa: PLC0415 (slow to load)

    if name not in SHIPPED:
        raise misused(
            Phrase("no such policy, only {policies}").filled(
                policies=", ".join(SHIPPED)
            )
        )
    policy = shipped(name)
    held = dict(people)
    named = any(held.values())
    shared = held if named else suggest(list(held), policy)
    found = gaps(shared or held, policy)
    return {
        "policy": policy.reference,
        "suffices": not found,
        "gaps": list(found),
        "people": [
            {"name": one, "external": False, "roles": sorted(roles)}
            for one, roles in (shared or held).items()
        ],
    } | _matrix(name)


def _matrix(name: str) -> dict[str, Any]:
    """What the policy lets nobody combine, and what somebody external may fill."""
    from fedsafe_policies.documents.policy import SHIPPED, shipped  # noqa: PLC0415 (slow to load)

    if name not in SHIPPED:
        return {"apart": [], "external": []}
    policy = shipped(name)
    pairs = {tuple(sorted(pair)) for pair in policy.apart}
    return {
        "apart": sorted("+".join(pair) for pair in pairs),
        "external": sorted(policy.document.staffing.external),
    }


def _tell(answer: dict[str, Any], settings: Settings) -> None:
    if answer["suffices"]:
        line(say("policy {policy}: the people suffice", settings, **answer))
    else:
        line(say("policy {policy}: the people do not suffice", settings, **answer))
    for gap in answer["gaps"]:
        line(f"  {_gap(gap, settings)}")
    if answer["people"]:
        line()
        rows = [
            [
                one["name"],
                coded("external", settings) if one["external"] else "",
                _roles(one["roles"], settings),
            ]
            for one in answer["people"]
        ]
        table(headings(settings, "name", "seat", "roles"), rows)
    line()
    apart = _roles(answer["apart"], settings) or coded("nothing", settings)
    line(say("never together: {pairs}", settings, pairs=apart))
    seats = _roles(answer["external"], settings) or coded("none", settings)
    line(say("external seats: {seats}", settings, seats=seats))


def _gap(gap: str, settings: Settings) -> str:
    kind, _, rest = gap.partition(":")
    if kind == "seat":
        return say("nobody is {role}", settings, role=_roles([rest], settings))
    if kind == "apart":
        name, _, pair = rest.partition(":")
        first, second = (_roles([role], settings) for role in pair.split("+"))
        told = {"name": name, "first": first, "second": second}
        text = "{name} may not be {first} and {second} at once"
        return say(text, settings, **told)
    if kind == "act":
        return say(_NO_TWO, settings, act=_act(rest, settings))
    if kind == "ruling":
        return say(_NO_RULER, settings, people=rest.replace("+", ", "))
    return say(_WHOLE.get(kind, gap), settings)


def _roles(codes: Iterable[str], settings: Settings) -> str:
    """Name roles, or pairs of them; in English by the codes that options take."""
    if settings.language == SOURCE:
        return ", ".join(codes)
    return ", ".join(
        " + ".join(role_word(role, settings.language) for role in code.split("+"))
        for code in codes
    )


def _act(name: str, settings: Settings) -> str:
    from fedsafe_policies.documents.value_words import said  # noqa: PLC0415 (slow to load)

    text = said(name)
    return in_either(text, settings.language).replace("_", " ")
