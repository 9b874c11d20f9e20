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
from fedsafe_cli.terminal.ids import checked_id
from fedsafe_cli.terminal.labels import coded
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings

_HEADINGS: Final = (
    ("Empfänger", "zuerst", "zuletzt", "mal", "Zweck", "Grundlage", "Ende bekannt"),
    ("recipient", "first", "last", "times", "purpose", "basis", "knows the end"),
)
_RECEIPTS: Final = (
    "Löschquittungen (unterschrieben, nicht bewiesen):",
    "Erasure receipts (signed, not proved):",
)
_RECEIPT_HEADINGS: Final = (
    ("Empfänger", "gelöscht", "Verfahren", "Reste bis", "eingegangen"),
    ("recipient", "erased", "method", "residues until", "received"),
)
_OWED: Final = ("Quittung fehlt: {names}", "receipt missing: {names}")
_NOBODY: Final = (
    "Kein Mitglied hat dieses Signal erhalten.",
    "No member has received this signal.",
)
_PACKS: Final = ("Auszüge mit Angaben dazu:", "Evidence packs that tell of it:")
_PACK_HEADINGS: Final = (
    ("gemacht für", "am", "Zweck", "Grundlage", "Ereignis", "beantragt", "zugestimmt"),
    ("made for", "when", "purpose", "basis", "event", "asked by", "approved by"),
)
_HOLDERS: Final = (
    ("Mitglied", "hat gültige", "hatte beendete", "Quittungen fehlen"),
    ("member", "has living", "had ended", "receipts missing"),
)
_NO_HOLDERS: Final = (
    "Kein Mitglied hat etwas von diesem Knoten erhalten; veröffentlicht: {count}.",
    "No member has received anything of this node; published: {count}.",
)
_GROUP: Final = ("Gruppe: {group}", "group: {group}")
_MEANT: Final = ("bestimmt für: {nodes}", "meant for: {nodes}")
_TOLD: Final[Mapping[bool | None, tuple[str, str]]] = {
    None: ("", ""),
    True: ("ja", "yes"),
    False: ("nein", "no"),
}

_SUMS: Final = (
    ("Ursprung", "abgeschlossene Prüfungen"),
    ("origin", "decided reviews"),
)
_TOLD_SUMS: Final = (
    ("Mitglied", "Art", "Prüfungen unserer Signale dort", "bis"),
    ("member", "kind", "reviews of our signals there", "until"),
)
_STEPS: Final = (
    "Die Zahlen sind volle {fewest}er-Schritte seit Beginn, laut dem Mitglied.",
    "Numbers are whole steps of {fewest} since the beginning, by the member's word.",
)
_FEWEST: Final = (
    "Zahlen unter {fewest} stehen hier nicht.",
    "Numbers below {fewest} are left out.",
)
_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    "dismiss": ("verworfen", "dismissed"),
    "watch": ("beobachtet", "watched"),
    "feature_limit": ("eingeschränkt", "features limited"),
    "inquire": ("nachgefragt", "inquired"),
    "confirm": ("bestätigt", "confirmed"),
    "listing_wrong": ("Eintrag falsch", "listing wrong"),
    "lapsed": ("nicht entschieden", "not decided"),
}


@click.command("recipients")
@click.argument("signal", metavar="[SIGNAL]", required=False)
@reading_purpose
@shared_options
@click.pass_context
def recipients(
    context: click.Context, /, *, signal: str | None, purpose: str | None
) -> ExitStatus:
    """Tell who has received a signal, or how many each member has of this node.

    Of one signal it is the answer under GDPR Article 15. Beside the members stand the
    evidence packs with openings that tell of it. `fedsafe signal list --recipient NODE`
    names the signals that a member has.

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
    other = not settings.german
    if answer.get("group") is not None:
        line(_GROUP[other].format(group=answer["group"]))
    if answer.get("nodes") is not None:
        line(_MEANT[other].format(nodes=", ".join(answer["nodes"]) or "-"))
    if answer["recipients"]:
        rows = [_row(each, settings) for each in answer["recipients"]]
        table(_HEADINGS[other], rows)
    else:
        line(_NOBODY[other])
    _show_receipts(answer["recipients"], settings)
    if answer.get("packs"):
        line(_PACKS[other])
        packs = [_pack(each, settings) for each in answer["packs"]]
        table(_PACK_HEADINGS[other], packs)
    return OK


def _show_holders(settings: Settings, purpose: str | None) -> None:
    answer = personal(settings).get(read_for("/v1/recipients", purpose))
    other = not settings.german
    if settings.json:
        document(answer)
    elif answer["holders"]:
        names = ("recipient", "living", "ended", "owed")
        rows = [[each[name] for name in names] for each in answer["holders"]]
        table(_HOLDERS[other], rows)
    else:
        line(_NO_HOLDERS[other].format(count=answer["published"]))


def _show_receipts(recipients: list[dict[str, Any]], settings: Settings) -> None:
    """Show who has signed that it erased the signal, and who owes that."""
    other = not settings.german
    ended = {
        each["recipient"]: each.get("receipt")
        for each in recipients
        if each.get("told") is not None
    }
    signed = {name: found for name, found in ended.items() if found is not None}
    if signed:
        line(_RECEIPTS[other])
        rows = [_receipt(name, each, settings) for name, each in signed.items()]
        table(_RECEIPT_HEADINGS[other], rows)
    if owed := sorted(ended.keys() - signed.keys()):
        line(_OWED[other].format(names=", ".join(owed)))


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
    other = not settings.german
    return (
        found["recipient"],
        readable("first_at", found["first_at"]),
        readable("last_at", found["last_at"]),
        found["times"],
        coded(found["purpose"], settings),
        found["basis"],
        _TOLD[found.get("told")][other],
    )


@click.command("sightings")
@reading_purpose
@shared_options
@click.pass_context
def sightings(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """Tell what came of others' signals here, and of this node's there, in sums.

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
    other = not settings.german
    rows = [_sums(each, other=other) for each in answer["sightings"]]
    table(_SUMS[other], rows)
    line(_FEWEST[other].format(fewest=answer["fewest"]))
    told = [row for each in answer["told"] for row in _told_rows(each, other=other)]
    if told:
        line()
        table(_TOLD_SUMS[other], told)
        line(_STEPS[other].format(fewest=answer["fewest"]))
    return OK


def _told_rows(found: dict[str, Any], *, other: bool) -> list[tuple[object, ...]]:
    return [
        (found["member"], kind, _counted(endings, other=other), found["day"])
        for kind, endings in found["kinds"].items()
    ]


def _sums(found: dict[str, Any], *, other: bool) -> tuple[object, ...]:
    return found["origin"], _counted(found["outcomes"], other=other) or "-"


def _counted(counts: dict[str, int], *, other: bool) -> str:
    named = {code: _OUTCOMES.get(code, (code, code))[other] for code in counts}
    return ", ".join(f"{named[code]}: {count}" for code, count in counts.items())
