# SPDX-License-Identifier: Apache-2.0
"""The answer to a person (GDPR Art. 15), in German or English.

It names recipients and dates, not staff, and says what could not be looked up. The
texts are an engineering reading of the law, not legal advice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.rights.finding import Finding
from fedsafe_node.rights.request_messages import Language


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who has received a signal, and when for the first and last time."""

    recipient: str
    first_at: str
    last_at: str


_HEAD: Final[Mapping[Language, str]] = {
    Language.DE: (
        "Antwort auf Ihren Antrag {request}\n\n"
        "Verantwortlich: {node} ({contact}). Stand: {today}.\n"
        "Ihre Kennung haben wir für diese Auskunft geprüft und nicht gespeichert.\n"
    ),
    Language.EN: (
        "Answer to your request {request}\n\n"
        "Controller: {node} ({contact}). As of {today}.\n"
        "We have checked your identifier for this answer and have not kept it.\n"
    ),
}
_NOTHING: Final[Mapping[Language, str]] = {
    Language.DE: "\nZu dieser Kennung ist kein Signal gespeichert.\n",
    Language.EN: "\nNo signal is kept about this identifier.\n",
}
_SIGNAL: Final[Mapping[Language, str]] = {
    Language.DE: (
        "\nSignal {signal}\n"
        "  gemeldet von: {origin} (Kontakt: {contact})\n"
        "  Art der Kennung: {kind}; Erscheinungsform: {phenomenon}; Ort: {surface}\n"
        "  Grundlage: Regel {rule} des meldenden Anbieters, Stufe {grade}\n"
        "  Konto entfernt am {removed_on}, Signal vom {published_on}, "
        "gilt bis {match_until}\n"
    ),
    Language.EN: (
        "\nSignal {signal}\n"
        "  reported by: {origin} (contact: {contact})\n"
        "  kind of identifier: {kind}; phenomenon: {phenomenon}; place: {surface}\n"
        "  ground: rule {rule} of the reporting provider, grade {grade}\n"
        "  account removed on {removed_on}, signal of {published_on}, "
        "in force until {match_until}\n"
    ),
}
_RECIPIENT: Final[Mapping[Language, str]] = {
    Language.DE: "  Empfänger: {recipient}, zuerst {first_at}, zuletzt {last_at}\n",
    Language.EN: "  recipient: {recipient}, first {first_at}, last {last_at}\n",
}
_OWN: Final[Mapping[Language, str]] = {
    Language.DE: "  Empfänger: keine; nur dieser Anbieter verwendet es\n",
    Language.EN: "  recipients: none; only this provider uses it\n",
}
_FOREIGN: Final[Mapping[Language, str]] = {
    Language.DE: "  Wem {origin} es weitergegeben hat, sagt Ihnen {origin}.\n",
    Language.EN: "  {origin} will tell you whom it has given it to.\n",
}
_DISPUTED: Final[Mapping[Language, str]] = {
    Language.DE: (
        "\nFür Sie bestritten: {count}. Bis zur Entscheidung ruht es überall.\n"
    ),
    Language.EN: (
        "\nDisputed for you: {count}. It rests everywhere until it is decided.\n"
    ),
}
_UNEVALUATED: Final[Mapping[Language, str]] = {
    Language.DE: (
        "\nNicht zu prüfen war: {what}. Bitte fragen Sie später noch einmal.\n"
    ),
    Language.EN: "\nThis could not be checked: {what}. Please ask again later.\n",
}
_TAIL: Final[Mapping[Language, str]] = {
    Language.DE: (
        "\nSie können Berichtigung, Löschung oder Einschränkung verlangen, "
        "widersprechen und sich bei einer Aufsichtsbehörde beschweren "
        "(Art. 15 Abs. 1 Buchst. e und f DSGVO).\n"
    ),
    Language.EN: (
        "\nYou may ask for rectification, erasure or restriction, object, and "
        "complain to a supervisory authority (Art. 15 (1) (e) and (f) GDPR).\n"
    ),
}


def write_answer(  # noqa: PLR0913 - what an answer tells
    language: Language,
    *,
    request: str,
    node: str,
    contact: str,
    today: str,
    findings: Sequence[Finding],
    recipients: Mapping[str, Sequence[Told]],
    disputes: int,
    unevaluated: Sequence[str],
) -> str:
    """Write the answer; *recipients* are by signal, of own shared signals only."""
    head = _HEAD[language]
    parts = [head.format(request=request, node=node, contact=contact, today=today)]
    for finding in findings:
        parts.append(_SIGNAL[language].format_map(_fields(finding)))
        if finding.own:
            parts.append(_OWN[language])
        elif finding.origin != node:
            parts.append(_FOREIGN[language].format(origin=finding.origin))
        parts += [
            _RECIPIENT[language].format(
                recipient=told.recipient, first_at=told.first_at, last_at=told.last_at
            )
            for told in recipients.get(finding.signal, ())
        ]
    if not findings:
        parts.append(_NOTHING[language])
    if disputes:
        parts.append(_DISPUTED[language].format(count=disputes))
    if unevaluated:
        parts.append(_UNEVALUATED[language].format(what=", ".join(unevaluated)))
    return "".join([*parts, _TAIL[language]])


def _fields(finding: Finding) -> dict[str, str]:
    return {name: str(getattr(finding, name)) for name in finding.__struct_fields__}
