# SPDX-License-Identifier: Apache-2.0
"""`fedsafe register`: what the provider documents about its own protection concept.

One person enters how far the provider is with an item, another confirms it. Actor
signals hang on the mandatory items.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError, BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import coded
from fedsafe_cli.terminal.moments import ENDS, readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.remote import remote
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import of_both
from fedsafe_policies.ground.catalogue import Phrase, all_said

STATUSES: Final[Mapping[str, Phrase]] = {
    "met": Phrase("met"),
    "partly": Phrase("partly"),
    "planned": Phrase("planned"),
    "not_applicable": Phrase("does not apply"),
}
_HEADINGS: Final = (
    Phrase("item"),
    Phrase("needed"),
    Phrase("status"),
    Phrase.within("register", "until"),
    Phrase("confirmed"),
    Phrase("waits"),
    Phrase("what it is"),
)
_PUBLIC: Final = (
    Phrase("item"),
    Phrase("needed"),
    Phrase("status"),
    Phrase.within("register", "until"),
    Phrase("confirmed"),
    Phrase.within("register", "evidence"),
    Phrase("what it is"),
)
_NOT_MET: Final = Phrase("The register of {node} is not met.")
_MET: Final = Phrase("The register is met until {until}.")
_LACKING: Final = Phrase(
    "The register is not met, so no actor signals pass. Missing: {items}"
)
Json = dict[str, Any]


@click.group(cls=SpokenGroup)
def register() -> None:
    """Manage the register of the Schutzkonzept, which signals about persons require.

    \b
    Examples:
      fedsafe register check
      fedsafe register set S-V-1 --status met --evidence doc-7 --expires 2027-11-01
      fedsafe register review S-V-1
    """  # noqa: D301


@register.command("show")
@click.option(
    "--of", "member", metavar="NODE", help="Show another member's public part."
)
@shared_options
@click.pass_context
def show(context: click.Context, member: str | None) -> ExitStatus:
    """Show all items, their state, and what waits for a second person.

    \b
    Examples:
      fedsafe register show --lang de
      fedsafe register show --of b.example.de
    """  # noqa: D301
    settings = settings_of(context)
    if member is None:
        _tell(settings, settings.client().get("/v1/register"))
        return OK
    try:
        _tell_public(settings, _public_of(settings, member))
    except (AttributeError, KeyError, TypeError, ValueError):
        # It comes from elsewhere: whoever answers there may say anything.
        raise BrokenAnswerError(
            Phrase("what answers for {member} is malformed").filled(member=member)
        ) from None
    return OK


def _public_of(settings: Settings, member: str) -> Json:
    """Read a member's public part from the address that the charter has for it."""
    peers = {
        peer["name"]: peer["url"]
        for peer in settings.client().get("/v1/status")["peers"]
    }
    if member not in peers:
        known = ", ".join(sorted(peers)) or "-"
        raise BadInputError(
            Phrase("no other member is called that"),
            Phrase("members: {known}").filled(known=known),
        )
    found: Json = remote(peers[member]).get("/v1/register/public")
    if found.get("node") != member or not isinstance(found.get("items"), list):
        raise BrokenAnswerError(
            Phrase("what answers for {member} is another node").filled(member=member)
        )
    return found


@register.command("set")
@click.argument("item")
@click.option("--status", type=click.Choice(list(STATUSES)), required=True)
@click.option("--expires", metavar="DAY", required=True, help=ENDS)
@click.option("--evidence", metavar="REFERENCE", help="A document, or an https URL.")
@click.option("--reason", metavar="REFERENCE", help="Why the item does not apply.")
@shared_options
@click.pass_context
def set_item(  # noqa: PLR0913 - the options of one command
    context: click.Context,
    item: str,
    status: str,
    expires: str,
    evidence: str | None,
    reason: str | None,
) -> ExitStatus:
    """Record the state of ITEM; a second person confirms it.

    \b
    Examples:
      fedsafe register set S-V-1 --status met --evidence doc-7 --expires 2027-11-01
      fedsafe register set S-I-3 --status not_applicable --reason note-3 \\
          --expires 2027-11-01
    """  # noqa: D301
    settings = settings_of(context)
    said = {
        "status": status,
        "expires_on": expires,
        "evidence": evidence,
        "reason": reason,
    }
    entry = {name: value for name, value in said.items() if value is not None}
    client = personal(settings)
    _tell_item(settings, client.change(f"/v1/register/{_checked(item)}", entry), item)
    return OK


@register.command("review")
@click.argument("item")
@click.option("--entry", metavar="ID", help="Confirm only this entry.")
@shared_options
@click.pass_context
def review(context: click.Context, item: str, entry: str | None) -> ExitStatus:
    """Confirm the entry of ITEM that another person has made.

    \b
    Examples:
      fedsafe register review S-V-1
      fedsafe register review S-V-1 --entry 0123456789abcdef0123456789abcdef
    """  # noqa: D301
    settings = settings_of(context)
    client, item = personal(settings), _checked(item)
    if entry is None:
        waits = _item(client.get("/v1/register"), item).get("waits")
        if waits is None:
            raise BadInputError(
                Phrase("no entry of {item} waits for a second person").filled(item=item)
            )
        entry = str(waits["entry"])
    answer = client.change(f"/v1/register/{item}/review", {"entry": entry})
    _tell_item(settings, answer, item)
    return OK


@register.command("check")
@shared_options
@click.pass_context
def check(context: click.Context) -> ExitStatus:
    """Show what is missing for signals about persons; exit status 1 if anything is.

    \b
    Example:
      fedsafe register check || fedsafe register show
    """  # noqa: D301
    settings = settings_of(context)
    answer = settings.client().get("/v1/register")
    if settings.json:
        document({name: answer[name] for name in ("met", "met_until", "missing")})
    else:
        _tell_verdict(settings, answer)
    return OK if answer["met"] else ExitStatus.INTERNAL


@register.command("export")
@shared_options
@click.pass_context
def export(context: click.Context) -> ExitStatus:
    """Print the public part as JSON, without people and internal documents.

    \b
    Example:
      fedsafe register export > register.json
    """  # noqa: D301
    document(settings_of(context).client().get("/v1/register/public"))
    return OK


def _checked(item: str) -> str:
    # It becomes a part of a path; the node knows which items there are.
    if not item.replace("-", "").isalnum() or not item.isascii():
        raise BadInputError(Phrase("an item is named like S-I-1"))
    return item


def _item(answer: Json, item: str) -> Json:
    for found in answer["items"]:
        if found["item"] == item:
            return dict(found)
    raise BadInputError(Phrase("the register has no item {item}").filled(item=item))


def _tell(settings: Settings, answer: Json) -> None:
    if settings.json:
        document(answer)
        return
    table(
        all_said(_HEADINGS, settings.language),
        [_row(settings, item) for item in answer["items"]],
    )
    line()
    _tell_verdict(settings, answer)


def _tell_public(settings: Settings, answer: Json) -> None:
    if settings.json:
        document(answer)
        return
    language = settings.language
    rows = [
        (
            item["item"],
            Phrase("yes").said(language) if item["mandatory"] else "",
            STATUSES[item["status"]].said(language) if item["status"] else "-",
            item.get("expires_on"),
            _role(item, settings),
            item.get("evidence"),
            of_both(item["title"], settings.language),
        )
        for item in answer["items"]
    ]
    table(all_said(_PUBLIC, language), rows)
    line()
    if answer["met"]:
        line(
            _MET.said(language).format(until=readable("met_until", answer["met_until"]))
        )
    else:
        line(_NOT_MET.said(language).format(node=answer["node"]))


def _role(item: Json, settings: Settings) -> str | None:
    role = item.get("reviewed_by_role")
    return None if role is None else coded(role, settings)


def _tell_item(settings: Settings, answer: Json, item: str) -> None:
    shown = answer | {"items": [_item(answer, item)]}
    _tell(settings, shown)


def _tell_verdict(settings: Settings, answer: Json) -> None:
    language = settings.language
    if answer["met"]:
        line(
            _MET.said(language).format(until=readable("met_until", answer["met_until"]))
        )
    else:
        line(_LACKING.said(language).format(items=", ".join(answer["missing"])))


def _row(settings: Settings, item: Json) -> tuple[object, ...]:
    language = settings.language
    counts, waits = item.get("counts") or {}, item.get("waits") or {}
    needed = Phrase("yes").said(language) if item["mandatory"] else ""
    return (
        item["item"],
        needed + (" !" if item["missing"] else ""),
        STATUSES[counts["status"]].said(language) if counts else "-",
        counts.get("expires_on"),
        counts.get("reviewed_by"),
        STATUSES[waits["status"]].said(language) if waits else None,
        of_both(item["title"], settings.language),
    )
