# SPDX-License-Identifier: Apache-2.0
"""`fedsafe register`: what the provider documents about its own protection concept.

One person enters how far the provider is with an item, another confirms it. Actor
signals hang on the mandatory items.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.errors import BadInputError
from fedsafe_cli.exit_codes import OK, ExitStatus
from fedsafe_cli.moments import ENDS, readable
from fedsafe_cli.options import settings_of, shared_options
from fedsafe_cli.output import document, line, table
from fedsafe_cli.sessions import personal
from fedsafe_cli.settings import Settings

STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "met": ("erfüllt", "met"),
    "partly": ("teilweise", "partly"),
    "planned": ("geplant", "planned"),
    "not_applicable": ("entfällt", "does not apply"),
}
_HEADINGS: Final = (
    ("Punkt", "Pflicht", "Stand", "gilt bis", "bestätigt", "wartet", "Inhalt"),
    ("item", "needed", "status", "until", "confirmed", "waits", "what it is"),
)
_MET: Final = (
    "Das Register ist erfüllt bis {until}.",
    "The register is met until {until}.",
)
_LACKING: Final = (
    "Das Register ist nicht erfüllt; keine Personensignale. Es fehlen: {items}",
    "The register is not met, so no actor signals pass. Missing: {items}",
)
Json = dict[str, Any]


@click.group()
def register() -> None:
    """The Schutzkonzept register that actor signals hang on.

    \b
    Examples:
      fedsafe register check
      fedsafe register set S-V-1 --status met --evidence doc-7 --expires 2027-11-01
      fedsafe register review S-V-1
    """  # noqa: D301


@register.command("show")
@shared_options
@click.pass_context
def show(context: click.Context) -> ExitStatus:
    """Show all items, how they stand and what waits for a second person.

    \b
    Example:
      fedsafe register show --lang de
    """  # noqa: D301
    settings = settings_of(context)
    _tell(settings, settings.client().get("/v1/register"))
    return OK


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
    """Enter how far the provider is with ITEM; a second person confirms it.

    \b
    Examples:
      fedsafe register set S-V-1 --status met --evidence doc-7 --expires 2027-11-01
      fedsafe register set S-II-4c --status not_applicable --reason note-3 \\
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
@click.option("--entry", metavar="ID", help="Confirm this entry and no other.")
@shared_options
@click.pass_context
def review(context: click.Context, item: str, entry: str | None) -> ExitStatus:
    """Confirm the entry of ITEM that somebody else has made.

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
            raise BadInputError(f"no entry of {item} waits for a second person")
        entry = str(waits["entry"])
    answer = client.change(f"/v1/register/{item}/review", {"entry": entry})
    _tell_item(settings, answer, item)
    return OK


@register.command("check")
@shared_options
@click.pass_context
def check(context: click.Context) -> ExitStatus:
    """Say what is missing for actor signals; status 1 if anything is.

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
    """Print the public part as JSON: no person, no internal document.

    \b
    Example:
      fedsafe register export > register.json
    """  # noqa: D301
    document(settings_of(context).client().get("/v1/register/public"))
    return OK


def _checked(item: str) -> str:
    # It becomes a part of a path; the node knows which items there are.
    if not item.replace("-", "").isalnum() or not item.isascii():
        raise BadInputError("an item is named like S-I-1")
    return item


def _item(answer: Json, item: str) -> Json:
    for found in answer["items"]:
        if found["item"] == item:
            return dict(found)
    raise BadInputError(f"the register has no item {item}")


def _tell(settings: Settings, answer: Json) -> None:
    if settings.json:
        document(answer)
        return
    table(
        _HEADINGS[not settings.german],
        [_row(settings, item) for item in answer["items"]],
    )
    line()
    _tell_verdict(settings, answer)


def _tell_item(settings: Settings, answer: Json, item: str) -> None:
    shown = answer | {"items": [_item(answer, item)]}
    _tell(settings, shown)


def _tell_verdict(settings: Settings, answer: Json) -> None:
    other = not settings.german
    if answer["met"]:
        line(_MET[other].format(until=readable("met_until", answer["met_until"])))
    else:
        line(_LACKING[other].format(items=", ".join(answer["missing"])))


def _row(settings: Settings, item: Json) -> tuple[object, ...]:
    other = not settings.german
    counts, waits = item.get("counts") or {}, item.get("waits") or {}
    needed = ("ja", "yes")[other] if item["mandatory"] else ""
    return (
        item["item"],
        needed + (" !" if item["missing"] else ""),
        STATUSES[counts["status"]][other] if counts else "-",
        counts.get("expires_on"),
        counts.get("reviewed_by"),
        STATUSES[waits["status"]][other] if waits else None,
        item["title"]["de" if settings.german else "en"],
    )
