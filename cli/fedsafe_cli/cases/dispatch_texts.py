# SPDX-License-Identifier: Apache-2.0
"""Dispatches in words: what a partner would receive, every attempt, whom to call."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from fedsafe_cli.cases.carrier_texts import in_words
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.casework import (
    DISPATCH_STATES,
    WAYS,
    Words,
    class_word,
    element_word,
    paper_language,
    word,
)
from fedsafe_policies.ground.catalogue import Phrase

_RECALLED: Final[Words] = {
    "delivered": Phrase("arrived, and recalled"),
    "acknowledged": Phrase("acknowledged, and recalled"),
}
_WITHDRAWN: Final = Phrase(
    "withdrawn: the package that it corrects was never handed over"
)
_OUTCOMES: Final[Words] = {
    "delivered": Phrase("delivered"),
    "unreachable": Phrase("not reached"),
    "refused": Phrase("refused"),
    "untrusted": Phrase("other side not trusted"),
    "misconfigured": Phrase("set up wrongly"),
    "partner_changed": Phrase("partner has changed since"),
    "in_doubt": Phrase("in doubt: perhaps arrived, repeated under the same key"),
    "bounced": Phrase("came back"),
    "kept_back": Phrase("kept back, never handed over"),
}
_NOTED: Final = Phrase("noted: {}")
_BOUNCED: Final = Phrase("{}: a mail came back (case {}); now: {}. That is no proof.")
_BOUNCED_BEFORE: Final = Phrase(
    "{} (case {}): acknowledged, or noted before; nothing was changed."
)
_UNDER_WAY: Final = Phrase("under way")
_KINDS: Final[Words] = {
    "handed": Phrase("handed over"),
    "acknowledged": Phrase("acknowledged"),
}
_BY_TOKEN: Final = Phrase("acknowledged by mail, by whoever had the token")
_BY_KEY: Final = Phrase("acknowledged by mail, signed with the key {}")
_SIGNED: Final = Phrase("{}: {} (case {}).")
_REPLIED: Final = Phrase("{}: {} (case {}). That does not prove who wrote.")
_BEFORE: Final = Phrase("{} was acknowledged before (case {}): nothing was noted.")
_SEALINGS: Final[Words] = {
    "hpke": Phrase("sealed (HPKE)"),
    "smime": Phrase("sealed (S/MIME)"),
    "openpgp": Phrase("sealed (OpenPGP)"),
    "none": Phrase("no key, by hand only"),
}
_OFF: Final = Phrase("SENDING IS OFF: nothing leaves the node.")
_NONE: Final = Phrase("nothing was sent")
_DRY: Final = Phrase("dry run: nothing was sent.")
_WOULD: Final = Phrase("{} ({}), {}, ways: {}")
_UNAVAILABLE: Final = Phrase("   unavailable: {}")
_HEAD: Final = Phrase("{} to {}: {}")
_HEAD_OF_CORRECTION: Final = Phrase("correction {} to {}: {}")
_CORRECTS: Final = Phrase("   corrects {}")
_ATTEMPT: Final = Phrase("   {}. {} {}: {}")
_RECEIPT: Final = Phrase("   {} {}: {} ({})")
_TAKING: Final = Phrase("   {} taken by {}")
_KEPT_BACK: Final = Phrase("   {} taken by {}, kept back, as {} says, {}")
_UNCLEAR: Final = Phrase(
    "   RECALLED, AND PERHAPS HANDED OVER ALL THE SAME (taken by {}). Was it?"
)
_YES: Final = Phrase("   yes: fedsafe case handed {} {} --way portal --reference …")
_NO: Final = Phrase(
    "   no, file destroyed: fedsafe case handed {} {} --outcome kept_back{}"
)
_BY: Final = " --taken-by {}"
_HELD: Final = Phrase("a package is still in the hands of: {}")
_RECALL_AGAIN: Final = Phrase(
    "THERE DESPITE THE RECALL, UNCORRECTED: fedsafe case recall {} --reason …"
)
_CORRECTION: Final = Phrase("correction: {}")
_DUE: Final = Phrase("   next attempt: {}")
_TODO: Final = Phrase("   by hand: {}")
_TAKE: Final = Phrase("   sealed, as a file: fedsafe case take {} {} --output FILE")
_PAPER: Final = Phrase("   no key, on paper: fedsafe case render {} --for {} …")
_THEN: Final = Phrase("   then: fedsafe case handed {} {} --way {} --reference …")
_TAKEN: Final = Phrase(
    "fedsafe: then note it with: fedsafe case handed {} {} --way portal --reference …"
)
_UNSEALED: Final = "none"
_ENDS: Final = re.compile(r"[.\[]")


def tell_plans(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell what partners would receive, or what was made of it."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    for plan in answer["plans"]:
        for warning in plan["warnings"]:
            note(f"{plan['partner']}: {warning[paper_language(language)]}")
    if not answer["dry_run"]:
        return tell_dispatches(settings, answer)
    for plan in answer["plans"]:
        ways = ", ".join(word(WAYS, way, language) for way in plan["ways"])
        sealing = word(_SEALINGS, plan["sealing"], language)
        class_ = class_word(plan["partner_class"], language)
        line(_WOULD.said(language).format(plan["partner"], class_, sealing, ways))
        _tell_paths(plan["paths"], language)
        if plan["unavailable"]:
            lacks = [element_word(each, language) for each in plan["unavailable"]]
            line(_UNAVAILABLE.said(language).format("; ".join(lacks)))
    line(_DRY.said(language))
    return OK


def tell_dispatches(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell the dispatches of a case, every attempt, and what waits for a person."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    if not answer["sending"]:
        note(_OFF.said(language))
    if not answer["dispatches"]:
        line(_NONE.said(language))
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
        language = settings.language
        if outcome is not None:
            line(_NOTED.said(language).format(word(_OUTCOMES, outcome, language)))
        line(f"{answer['dispatch']}: {_state_of_receipt(answer, language)}")
        if answer.get("held_by"):
            line(_HELD.said(language).format(", ".join(answer["held_by"])))
        if answer.get("correction") is not None:
            known = _state_of_correction(answer["correction"], language)
            line(_CORRECTION.said(language).format(known))
        if answer.get("recall_again"):
            line(_RECALL_AGAIN.said(language).format(answer["case"]))
    return OK


def tell_taken(settings: Settings, case: str, dispatch: str) -> None:
    """Tell what is left to do with a package that lies in a file now."""
    if not settings.json:
        note(_TAKEN.said(settings.language).format(case, dispatch))


def tell_reply(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell what a reply has acknowledged, and how little that proves."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    dispatch, case = answer["dispatch"], answer["case"]
    if answer.get("bounced"):
        told = _BOUNCED if answer["noted"] else _BOUNCED_BEFORE
        state = _state_of_receipt(answer, language)
        line(told.said(language).format(dispatch, case, state))
    elif answer["noted"]:
        said = _by_mail(answer["signed_by"], language)
        told = _REPLIED if answer["signed_by"] is None else _SIGNED
        line(told.said(language).format(dispatch, said, case))
    else:
        line(_BEFORE.said(language).format(dispatch, case))
    return OK


def _tell_paths(paths: list[str], language: str) -> None:
    """Tell the fields that would go, below what each belongs to."""
    for element, found in groupby(paths, lambda path: _ENDS.split(path, 1)[0]):
        line(f"   {element_word(element, language)}")
        for path in found:
            line(f"      {path}")


def _by_mail(key: str | None, language: str) -> str:
    return (
        _BY_TOKEN.said(language) if key is None else _BY_KEY.said(language).format(key)
    )


def _tell(found: dict[str, Any], case: str, language: str) -> None:
    named = found["dispatch"], found["partner"]
    if found["recalls"] is None:
        line(
            _HEAD.said(language).format(*named, _state(found, found["state"], language))
        )
    else:
        state = _state_of_correction(found["state"], language)
        line(_HEAD_OF_CORRECTION.said(language).format(*named, state))
        line(_CORRECTS.said(language).format(found["recalls"]))
    for each in found["attempts"]:
        outcome = _UNDER_WAY.said(language)
        if each["outcome"] is not None:
            outcome = word(_OUTCOMES, each["outcome"], language)
        if each["proof"]:
            outcome += f" ({in_words(each['proof'], language=language)})"
        way = word(WAYS, each["way"], language)
        parts = each["number"], shown(each["began_at"]), way, outcome
        line(_ATTEMPT.said(language).format(*parts))
    for each in found["receipts"]:
        kind = word(_KINDS, each["kind"], language)
        if each["way"] == "mail":
            kind = _by_mail(each["signed_by"], language)
        parts = shown(each["at"]), kind, each["reference"], each["by"]
        line(_RECEIPT.said(language).format(*parts))
    _tell_takings(found, case, language)
    if found["due_at"] is not None:
        line(_DUE.said(language).format(shown(found["due_at"])))
    if found["ways"]:
        ways = ", ".join(word(WAYS, way, language) for way in found["ways"])
        line(_TODO.said(language).format(ways))
        if found["sealing"] == _UNSEALED:
            line(_PAPER.said(language).format(case, found["partner_class"]))
        else:
            line(_TAKE.said(language).format(case, found["dispatch"]))
        line(_THEN.said(language).format(case, found["dispatch"], found["ways"][0]))


def _state(found: dict[str, Any], code: str, language: str) -> str:
    """Say where a package is: one that was recalled may be there all the same."""
    if found.get("recalled"):
        for name in ("acknowledged", "delivered"):
            if found.get(f"{name}_at") is not None:
                return word(_RECALLED, name, language)
    return word(DISPATCH_STATES, code, language)


def _state_of_receipt(answer: dict[str, Any], language: str) -> str:
    return _state(answer, answer["dispatch_state"], language)


def _state_of_correction(code: str, language: str) -> str:
    return (
        _WITHDRAWN.said(language)
        if code == "stopped"
        else word(DISPATCH_STATES, code, language)
    )


def _tell_takings(found: dict[str, Any], case: str, language: str) -> None:
    """Tell who took a package, what is asked of them, and whom to call about it."""
    held = list[str]()
    for each in found.get("takings", ()):
        parts = [shown(each["at"]), each["by"]]
        if each["kept_back_at"] is None:
            held.append(each["by"])
            line(_TAKING.said(language).format(*parts))
        else:
            parts += [each["kept_back_by"], shown(each["kept_back_at"])]
            line(_KEPT_BACK.said(language).format(*parts))
    if found.get("unclear"):
        line(_UNCLEAR.said(language).format(", ".join(held)))
        line(_YES.said(language).format(case, found["dispatch"]))
        for each in held:
            by = _BY.format(each)
            line(_NO.said(language).format(case, found["dispatch"], by))
    for call in reach_lines(found.get("reach"), language):
        line(f"   {call}")


_CALL: Final = Phrase("call: {}")
_HOURS: Final = Phrase(" ({})")
_NO_PHONE: Final = Phrase("no number entered")
_STANDS: Final = {
    "unverified": Phrase(
        "nobody has verified this entry: look the number up elsewhere first"
    ),
    "expired": Phrase(
        "the verification of this entry has expired: look the number up first"
    ),
}


def reach_lines(reach: dict[str, Any] | None, language: str) -> Iterator[str]:
    """Say whom to call, in order, and whether the entry counts."""
    if reach is None:
        return
    hours = _HOURS.said(language).format(reach["hours"]) if reach["hours"] else ""
    for place, each in enumerate(reach["chain"]):
        phone = each["phone"] or _NO_PHONE.said(language)
        said = f"{reach['name']}, {each['function']}: {phone}"
        yield _CALL.said(language).format(said) + (hours if place == 0 else "")
    if reach["standing"] in _STANDS:
        yield _STANDS[reach["standing"]].said(language)
