# SPDX-License-Identifier: Apache-2.0
"""Dispatches in words: what a partner would receive, every attempt, whom to call."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from fedsafe_cli.cases.carrier_texts import in_words
from fedsafe_cli.terminal.casework_words import (
    DISPATCH_STATES,
    WAYS,
    Words,
    class_word,
    element_word,
    word,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.settings import Settings

_RECALLED: Final[Words] = {
    "delivered": ("angekommen und zurückgerufen", "arrived, and recalled"),
    "acknowledged": ("bestätigt und zurückgerufen", "acknowledged, and recalled"),
}
_WITHDRAWN: Final = (
    "zurückgezogen: das Paket, das sie berichtigt, wurde nie übergeben",
    "withdrawn: the package that it corrects was never handed over",
)
_OUTCOMES: Final[Words] = {
    "delivered": ("zugestellt", "delivered"),
    "unreachable": ("nicht erreicht", "not reached"),
    "refused": ("abgelehnt", "refused"),
    "untrusted": ("Gegenstelle nicht vertrauenswürdig", "other side not trusted"),
    "misconfigured": ("falsch eingerichtet", "set up wrongly"),
    "partner_changed": ("Partner inzwischen geändert", "partner has changed since"),
    "in_doubt": (
        "unklar: vielleicht angekommen, wird mit demselben Schlüssel wiederholt",
        "in doubt: perhaps arrived, repeated under the same key",
    ),
    "bounced": ("kam zurück", "came back"),
    "kept_back": ("zurückbehalten, nie übergeben", "kept back, never handed over"),
}
_NOTED: Final = ("eingetragen: {}", "noted: {}")
_BOUNCED: Final = (
    "{}: eine E-Mail kam zurück (Fall {}); nun: {}. Bewiesen ist das nicht.",
    "{}: a mail came back (case {}); now: {}. That is no proof.",
)
_BOUNCED_BEFORE: Final = (
    "{} (Fall {}): bestätigt, oder schon eingetragen; nichts wurde geändert.",
    "{} (case {}): acknowledged, or noted before; nothing was changed.",
)
_UNDER_WAY: Final = ("läuft", "under way")
_KINDS: Final[Words] = {
    "handed": ("übergeben", "handed over"),
    "acknowledged": ("bestätigt", "acknowledged"),
}
_BY_TOKEN: Final = (
    "bestätigt per E-Mail, von wem immer das Kennzeichen hatte",
    "acknowledged by mail, by whoever had the token",
)
_BY_KEY: Final = (
    "bestätigt per E-Mail, unterschrieben mit dem Schlüssel {}",
    "acknowledged by mail, signed with the key {}",
)
_SIGNED: Final = ("{}: {} (Fall {}).", "{}: {} (case {}).")
_REPLIED: Final = (
    "{}: {} (Fall {}). Wer geschrieben hat, ist damit nicht bewiesen.",
    "{}: {} (case {}). That does not prove who wrote.",
)
_BEFORE: Final = (
    "{} war schon bestätigt (Fall {}): Nichts wurde eingetragen.",
    "{} was acknowledged before (case {}): nothing was noted.",
)
_SEALINGS: Final[Words] = {
    "hpke": ("versiegelt (HPKE)", "sealed (HPKE)"),
    "smime": ("versiegelt (S/MIME)", "sealed (S/MIME)"),
    "openpgp": ("versiegelt (OpenPGP)", "sealed (OpenPGP)"),
    "none": ("ohne Schlüssel, nur von Hand", "no key, by hand only"),
}
_OFF: Final = (
    "DER VERSAND IST ANGEHALTEN: Nichts verlässt den Knoten.",
    "SENDING IS OFF: nothing leaves the node.",
)
_NONE: Final = ("nichts wurde übermittelt", "nothing was sent")
_DRY: Final = ("Probe: Nichts wurde gesendet.", "dry run: nothing was sent.")
_WOULD: Final = ("{} ({}), {}, Wege: {}", "{} ({}), {}, ways: {}")
_UNAVAILABLE: Final = ("   nicht verfügbar: {}", "   unavailable: {}")
_HEAD: Final = ("{} an {}: {}", "{} to {}: {}")
_HEAD_OF_CORRECTION: Final = (
    "Berichtigung {} an {}: {}",
    "correction {} to {}: {}",
)
_CORRECTS: Final = ("   berichtigt {}", "   corrects {}")
_ATTEMPT: Final = ("   {}. {} {}: {}", "   {}. {} {}: {}")
_RECEIPT: Final = ("   {} {}: {} ({})", "   {} {}: {} ({})")
_TAKING: Final = ("   {} entnommen von {}", "   {} taken by {}")
_KEPT_BACK: Final = (
    "   {} entnommen von {}, zurückbehalten laut {} am {}",
    "   {} taken by {}, kept back, as {} says, {}",
)
_UNCLEAR: Final = (
    "   ZURÜCKGERUFEN, UND VIELLEICHT DOCH ÜBERGEBEN (entnommen von {}). Übergeben?",
    "   RECALLED, AND PERHAPS HANDED OVER ALL THE SAME (taken by {}). Was it?",
)
_YES: Final = (
    "   ja: fedsafe case handed {} {} --way portal --reference …",
    "   yes: fedsafe case handed {} {} --way portal --reference …",
)
_NO: Final = (
    "   nein, Datei vernichtet: fedsafe case handed {} {} --outcome kept_back{}",
    "   no, file destroyed: fedsafe case handed {} {} --outcome kept_back{}",
)
_BY: Final = " --taken-by {}"
_HELD: Final = (
    "ein Paket liegt noch bei: {}",
    "a package is still in the hands of: {}",
)
_RECALL_AGAIN: Final = (
    "TROTZ RÜCKRUF DORT, NICHTS BERICHTIGT ES: fedsafe case recall {} --reason …",
    "THERE DESPITE THE RECALL, UNCORRECTED: fedsafe case recall {} --reason …",
)
_CORRECTION: Final = ("Berichtigung: {}", "correction: {}")
_DUE: Final = ("   nächster Versuch: {}", "   next attempt: {}")
_TODO: Final = ("   von Hand: {}", "   by hand: {}")
_TAKE: Final = (
    "   versiegelt als Datei: fedsafe case take {} {} --output DATEI",
    "   sealed, as a file: fedsafe case take {} {} --output FILE",
)
_PAPER: Final = (
    "   ohne Schlüssel, als Papier: fedsafe case render {} --for {} …",
    "   no key, on paper: fedsafe case render {} --for {} …",
)
_THEN: Final = (
    "   danach: fedsafe case handed {} {} --way {} --reference …",
    "   then: fedsafe case handed {} {} --way {} --reference …",
)
_TAKEN: Final = (
    "fedsafe: danach eintragen: fedsafe case handed {} {} --way portal --reference …",
    "fedsafe: then note it with: fedsafe case handed {} {} --way portal --reference …",
)
_UNSEALED: Final = "none"
_LANGUAGES: Final = ("de", "en")
_ENDS: Final = re.compile(r"[.\[]")


def tell_plans(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell what partners would receive, or what was made of it."""
    if settings.json:
        document(answer)
        return OK
    language = 0 if settings.german else 1
    for plan in answer["plans"]:
        for warning in plan["warnings"]:
            note(f"{plan['partner']}: {warning[_LANGUAGES[language]]}")
    if not answer["dry_run"]:
        return tell_dispatches(settings, answer)
    for plan in answer["plans"]:
        ways = ", ".join(word(WAYS, way, language) for way in plan["ways"])
        sealing = word(_SEALINGS, plan["sealing"], language)
        class_ = class_word(plan["partner_class"], language)
        line(_WOULD[language].format(plan["partner"], class_, sealing, ways))
        _tell_paths(plan["paths"], language)
        if plan["unavailable"]:
            lacks = [element_word(each, language) for each in plan["unavailable"]]
            line(_UNAVAILABLE[language].format("; ".join(lacks)))
    line(_DRY[language])
    return OK


def tell_dispatches(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell the dispatches of a case, every attempt, and what waits for a person."""
    if settings.json:
        document(answer)
        return OK
    language = 0 if settings.german else 1
    if not answer["sending"]:
        note(_OFF[language])
    if not answer["dispatches"]:
        line(_NONE[language])
    for each in answer["dispatches"]:
        _tell(each, answer["case"], language)
    return OK


def tell_dispatch_receipt(
    settings: Settings, answer: dict[str, Any], outcome: str | None = None
) -> ExitStatus:
    """Tell what was noted, if somebody tried to hand it over, and where it is now."""
    if settings.json:
        document(answer)
    else:
        language = 0 if settings.german else 1
        if outcome is not None:
            line(_NOTED[language].format(word(_OUTCOMES, outcome, language)))
        line(f"{answer['dispatch']}: {_state_of_receipt(answer, language)}")
        if answer.get("held_by"):
            line(_HELD[language].format(", ".join(answer["held_by"])))
        if answer.get("correction") is not None:
            known = _state_of_correction(answer["correction"], language)
            line(_CORRECTION[language].format(known))
        if answer.get("recall_again"):
            line(_RECALL_AGAIN[language].format(answer["case"]))
    return OK


def tell_taken(settings: Settings, case: str, dispatch: str) -> None:
    """Tell what is left to do with a package that lies in a file now."""
    if not settings.json:
        note(_TAKEN[0 if settings.german else 1].format(case, dispatch))


def tell_reply(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell what a reply has acknowledged, and how little that proves."""
    if settings.json:
        document(answer)
        return OK
    language = 0 if settings.german else 1
    dispatch, case = answer["dispatch"], answer["case"]
    if answer.get("bounced"):
        told = _BOUNCED if answer["noted"] else _BOUNCED_BEFORE
        state = _state_of_receipt(answer, language)
        line(told[language].format(dispatch, case, state))
    elif answer["noted"]:
        said = _by_mail(answer["signed_by"], language)
        told = _REPLIED if answer["signed_by"] is None else _SIGNED
        line(told[language].format(dispatch, said, case))
    else:
        line(_BEFORE[language].format(dispatch, case))
    return OK


def _tell_paths(paths: list[str], language: int) -> None:
    """Tell the fields that would go, below what each belongs to."""
    for element, found in groupby(paths, lambda path: _ENDS.split(path, 1)[0]):
        line(f"   {element_word(element, language)}")
        for path in found:
            line(f"      {path}")


def _by_mail(key: str | None, language: int) -> str:
    return _BY_TOKEN[language] if key is None else _BY_KEY[language].format(key)


def _tell(found: dict[str, Any], case: str, language: int) -> None:
    named = found["dispatch"], found["partner"]
    if found["recalls"] is None:
        line(_HEAD[language].format(*named, _state(found, found["state"], language)))
    else:
        state = _state_of_correction(found["state"], language)
        line(_HEAD_OF_CORRECTION[language].format(*named, state))
        line(_CORRECTS[language].format(found["recalls"]))
    for each in found["attempts"]:
        outcome = _UNDER_WAY[language]
        if each["outcome"] is not None:
            outcome = word(_OUTCOMES, each["outcome"], language)
        if each["proof"]:
            outcome += f" ({in_words(each['proof'], german=language == 0)})"
        way = word(WAYS, each["way"], language)
        parts = each["number"], shown(each["began_at"]), way, outcome
        line(_ATTEMPT[language].format(*parts))
    for each in found["receipts"]:
        kind = word(_KINDS, each["kind"], language)
        if each["way"] == "mail":
            kind = _by_mail(each["signed_by"], language)
        parts = shown(each["at"]), kind, each["reference"], each["by"]
        line(_RECEIPT[language].format(*parts))
    _tell_takings(found, case, language)
    if found["due_at"] is not None:
        line(_DUE[language].format(shown(found["due_at"])))
    if found["ways"]:
        ways = ", ".join(word(WAYS, way, language) for way in found["ways"])
        line(_TODO[language].format(ways))
        if found["sealing"] == _UNSEALED:
            line(_PAPER[language].format(case, found["partner_class"]))
        else:
            line(_TAKE[language].format(case, found["dispatch"]))
        line(_THEN[language].format(case, found["dispatch"], found["ways"][0]))


def _state(found: dict[str, Any], code: str, language: int) -> str:
    """Say where a package is: one that was recalled may be there all the same."""
    if found.get("recalled"):
        for name in ("acknowledged", "delivered"):
            if found.get(f"{name}_at") is not None:
                return word(_RECALLED, name, language)
    return word(DISPATCH_STATES, code, language)


def _state_of_receipt(answer: dict[str, Any], language: int) -> str:
    return _state(answer, answer["dispatch_state"], language)


def _state_of_correction(code: str, language: int) -> str:
    return (
        _WITHDRAWN[language]
        if code == "stopped"
        else word(DISPATCH_STATES, code, language)
    )


def _tell_takings(found: dict[str, Any], case: str, language: int) -> None:
    """Tell who took a package, what is asked of them, and whom to call about it."""
    held = list[str]()
    for each in found.get("takings", ()):
        parts = [shown(each["at"]), each["by"]]
        if each["kept_back_at"] is None:
            held.append(each["by"])
            line(_TAKING[language].format(*parts))
        else:
            parts += [each["kept_back_by"], shown(each["kept_back_at"])]
            line(_KEPT_BACK[language].format(*parts))
    if found.get("unclear"):
        line(_UNCLEAR[language].format(", ".join(held)))
        line(_YES[language].format(case, found["dispatch"]))
        for each in held:
            by = _BY.format(each)
            line(_NO[language].format(case, found["dispatch"], by))
    for call in reach_lines(found.get("reach"), language):
        line(f"   {call}")


_CALL: Final = ("anrufen: {}", "call: {}")
_HOURS: Final = (" ({})", " ({})")
_NO_PHONE: Final = ("keine Nummer eingetragen", "no number entered")
_STANDS: Final = {
    "unverified": (
        "diesen Eintrag hat niemand geprüft: Nummer erst woanders nachsehen",
        "nobody has verified this entry: look the number up elsewhere first",
    ),
    "expired": (
        "die Prüfung dieses Eintrags ist abgelaufen: Nummer erst nachsehen",
        "the verification of this entry has expired: look the number up first",
    ),
}


def reach_lines(reach: dict[str, Any] | None, language: int) -> Iterator[str]:
    """Say whom to call, in order, and whether the entry counts."""
    if reach is None:
        return
    hours = _HOURS[language].format(reach["hours"]) if reach["hours"] else ""
    for place, each in enumerate(reach["chain"]):
        phone = each["phone"] or _NO_PHONE[language]
        said = f"{reach['name']}, {each['function']}: {phone}"
        yield _CALL[language].format(said) + (hours if place == 0 else "")
    if reach["standing"] in _STANDS:
        yield _STANDS[reach["standing"]][language]
