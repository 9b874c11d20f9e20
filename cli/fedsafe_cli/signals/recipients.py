# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal recipients` and `sightings`: who has a signal, what came of others'.

Who has received a signal of this node, when, what for and why, and how many each member
has; and in sums what reviews here made of other members' signals.
"""

from collections.abc import Mapping
from typing import Any, Final

import click

from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.labels import coded
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import label
from fedsafe_policies.ground.catalogue import Phrase, all_said, joined

_HEADINGS: Final = (
    Phrase("recipient"),
    Phrase("first"),
    Phrase("last"),
    Phrase("times"),
    Phrase("purpose"),
    Phrase("basis"),
    Phrase("knows the end"),
)
_RECEIPTS: Final = Phrase("Erasure receipts (signed, not proved):")
_RECEIPT_HEADINGS: Final = (
    Phrase("recipient"),
    Phrase("erased"),
    Phrase("method"),
    Phrase("residues until"),
    Phrase("received"),
)
_OWED: Final = Phrase("receipt missing: {names}")
_NOBODY: Final = Phrase("No member has received this signal.")
_PACKS: Final = Phrase("Evidence packs that tell of it:")
_PACK_HEADINGS: Final = (
    Phrase("made for"),
    Phrase("when"),
    Phrase("purpose"),
    Phrase("basis"),
    Phrase("event"),
    Phrase.within("recipients", "asked by"),
    Phrase("approved by"),
)
_HOLDERS: Final = (
    Phrase("member"),
    Phrase("has living"),
    Phrase("had ended"),
    Phrase("receipts missing"),
)
_NO_HOLDERS: Final = Phrase(
    "No member has received anything of this node; published: {count}."
)
_GROUP: Final = Phrase("group: {group}")
_MEANT: Final = Phrase("meant for: {nodes}")
_TOLD: Final[Mapping[bool | None, Phrase]] = {
    None: joined("", []),
    True: Phrase("yes"),
    False: Phrase("no"),
}

_SUMS: Final = (Phrase("origin"), Phrase("decided reviews"))
_TOLD_SUMS: Final = (
    Phrase("member"),
    Phrase("kind"),
    Phrase("reviews of our signals there"),
    Phrase("until"),
)
_STEPS: Final = Phrase(
    "Numbers are whole steps of {fewest} since the beginning, by the member's word."
)
_FEWEST: Final = Phrase("Numbers below {fewest} are left out.")
_OUTCOMES: Final[Mapping[str, Phrase]] = {
    "dismiss": Phrase("dismissed"),
    "watch": Phrase("watched"),
    "feature_limit": Phrase("features limited"),
    "inquire": Phrase("inquired"),
    "confirm": Phrase("confirmed"),
    "listing_wrong": Phrase("listing wrong"),
    "lapsed": Phrase("not decided"),
}


@click.command("recipients", cls=SpokenCommand)
@click.argument("signal", metavar="[SIGNAL]", required=False)
@reading_purpose
@shared_options
@click.pass_context
def recipients(
    context: click.Context, /, *, signal: str | None, purpose: str | None
) -> ExitStatus:
    """Show who has received a signal, or how many signals each member has received.

    For one signal this answers a request under GDPR Article 15; evidence packs with
    openings that mention it are listed too. `fedsafe signal list --recipient NODE`
    lists the signals that a member has.

    \b
    Examples:
      fedsafe signal recipients
      fedsafe signal recipients SIGNAL
      fedsafe signal recipients SIGNAL --purpose rights_of_the_person --json
    """  # noqa: D301
    settings = settings_of(context)
    if signal is None:
        _show_holders(settings, purpose)
        return OK
    target = read_for(f"/v1/signals/{checked_id(signal)}/recipients", purpose)
    answer = personal(settings).get(target)
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    if answer.get("group") is not None:
        line(_GROUP.said(language).format(group=answer["group"]))
    if answer.get("nodes") is not None:
        line(_MEANT.said(language).format(nodes=", ".join(answer["nodes"]) or "-"))
    if answer["recipients"]:
        rows = [_row(each, settings) for each in answer["recipients"]]
        table(all_said(_HEADINGS, language), rows)
    else:
        line(_NOBODY.said(language))
    _show_receipts(answer["recipients"], settings)
    if answer.get("packs"):
        line(_PACKS.said(language))
        packs = [_pack(each, settings) for each in answer["packs"]]
        table(all_said(_PACK_HEADINGS, language), packs)
    return OK


def _show_holders(settings: Settings, purpose: str | None) -> None:
    answer = personal(settings).get(read_for("/v1/recipients", purpose))
    language = settings.language
    if settings.json:
        document(answer)
    elif answer["holders"]:
        names = ("recipient", "living", "ended", "owed")
        rows = [[each[name] for name in names] for each in answer["holders"]]
        table(all_said(_HOLDERS, language), rows)
    else:
        line(_NO_HOLDERS.said(language).format(count=answer["published"]))


def _show_receipts(recipients: list[dict[str, Any]], settings: Settings) -> None:
    """Show who has signed that it erased the signal, and who owes that."""
    language = settings.language
    ended = {
        each["recipient"]: each.get("receipt")
        for each in recipients
        if each.get("told") is not None
    }
    signed = {name: found for name, found in ended.items() if found is not None}
    if signed:
        line(_RECEIPTS.said(language))
        rows = [_receipt(name, each, settings) for name, each in signed.items()]
        table(all_said(_RECEIPT_HEADINGS, language), rows)
    if owed := sorted(ended.keys() - signed.keys()):
        line(_OWED.said(language).format(names=", ".join(owed)))


def _receipt(
    name: str, found: dict[str, Any], settings: Settings
) -> tuple[object, ...]:
    return (
        name,
        readable("erased_at", found["erased_at"]),
        coded(found["method"], settings),
        readable("residual_until", found["residual_until"]),
        readable("received_at", found["received_at"]),
    )


def _pack(found: dict[str, Any], settings: Settings) -> tuple[object, ...]:
    return (
        found["recipient"],
        readable("at", found["at"]),
        coded(found["purpose"], settings),
        found["basis"],
        found["entry"],
        found["asked_by"],
        found["approved_by"],
    )


def _row(found: dict[str, Any], settings: Settings) -> tuple[object, ...]:
    language = settings.language
    return (
        found["recipient"],
        readable("first_at", found["first_at"]),
        readable("last_at", found["last_at"]),
        found["times"],
        coded(found["purpose"], settings),
        found["basis"],
        _TOLD[found.get("told")].said(language),
    )


@click.command("sightings", cls=SpokenCommand)
@reading_purpose
@shared_options
@click.pass_context
def sightings(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """Show how often signals matched, here and at other members, and how reviews ended.

    \b
    Examples:
      fedsafe signal sightings
      fedsafe signal sightings --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(read_for("/v1/sightings", purpose))
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    rows = [_sums(each, language=language) for each in answer["sightings"]]
    table(all_said(_SUMS, language), rows)
    line(_FEWEST.said(language).format(fewest=answer["fewest"]))
    told = [
        row for each in answer["told"] for row in _told_rows(each, language=language)
    ]
    if told:
        line()
        table(all_said(_TOLD_SUMS, language), told)
        line(_STEPS.said(language).format(fewest=answer["fewest"]))
    return OK


def _told_rows(found: dict[str, Any], *, language: str) -> list[tuple[object, ...]]:
    return [
        (found["member"], kind, _counted(endings, language=language), found["day"])
        for kind, endings in found["kinds"].items()
    ]


def _sums(found: dict[str, Any], *, language: str) -> tuple[object, ...]:
    return found["origin"], _counted(found["outcomes"], language=language) or "-"


def _counted(counts: dict[str, int], *, language: str) -> str:
    named = {code: label(_OUTCOMES, code, language=language) for code in counts}
    return ", ".join(f"{named[code]}: {count}" for code, count in counts.items())
