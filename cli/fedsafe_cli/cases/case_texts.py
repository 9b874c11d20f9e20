# SPDX-License-Identifier: Apache-2.0
"""Cases in words: the queue, a case with its checklist, and what a step led to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fedsafe_cli.cases.dispatch_texts import reach_lines
from fedsafe_cli.cases.release_texts import tell_release
from fedsafe_cli.terminal.casework_words import (
    EVIDENCE,
    HELP,
    QUESTIONS,
    SOURCES,
    STATES,
    Words,
    absence_word,
    class_word,
    coded,
    condition_word,
    element_lines,
    element_word,
    level_word,
    role_word,
    word,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.settings import Settings
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import Urgency

_FIELDS: Final[Words] = {
    "case": ("Fall", "case"),
    "state": ("Stand", "state"),
    "urgency": ("Dringlichkeit", "urgency"),
    "known_at": ("bekannt seit", "known since"),
    "opened_by": ("eröffnet von", "opened by"),
    "sources": ("beruht auf", "rests on"),
    "evidence": ("eigene Belege", "own evidence"),
    "feature": ("missbrauchte Funktion", "misused feature"),
    "help": ("Hilfe", "help"),
    "level": ("Stufe", "level"),
    "evidence_decision": ("Beweismittel", "evidence kept"),
    "opinion": ("rechtliche Einschätzung", "legal opinion"),
    "hidden": ("für Ihre Rolle verborgen", "hidden from your role"),
    "conditions": ("festgehalten", "recorded"),
    "unavailable": ("nicht verfügbar", "unavailable"),
    "unanswered": ("offen vor dem Schließen", "open before closing"),
}
_IN_WORDS: Final[Mapping[str, Callable[[str, int], str]]] = {
    "state": lambda code, language: coded(STATES, code, language),
    "sources": lambda code, language: word(SOURCES, code, language),
    "help": lambda code, language: word(HELP, code, language),
    "level": level_word,
    "evidence_decision": lambda code, language: word(EVIDENCE, code, language),
    "hidden": element_word,
    "conditions": condition_word,
    "unanswered": lambda code, language: word(QUESTIONS, code, language),
}
"""How the codes of a field are said; what is not here is said as it is."""
_QUEUE: Final = (
    (
        *("Fall", "Dringlichkeit", "Stand", "Minderjährige", "bekannt seit"),
        *("als Nächstes", "schuldet"),
    ),
    ("case", "urgency", "state", "minors", "known since", "next", "owes"),
)
_NEXT: Final[Words] = {
    "recall": ("ZURÜCKRUFEN", "RECALL IT"),
    "say_what_came": ("MELDEN, OB ÜBERGEBEN WURDE", "SAY IF IT WAS HANDED OVER"),
    "recall_again": ("NOCHMALS ZURÜCKRUFEN", "RECALL IT AGAIN"),
    "hand_over": ("übergeben und eintragen", "hand over, and note it"),
    "see_through": ("Berichtigung: nachfragen", "correction: ask whether it is there"),
    "second_look": ("zweiter Blick", "second look"),
    "give_opinion": ("rechtlich einschätzen", "give the legal opinion"),
    "fill_in": ("Fehlendes eintragen", "enter what is lacking"),
    "approve": ("freigeben", "approve"),
    "approve_second": ("als zweite Person freigeben", "approve as second person"),
    "send": ("übermitteln", "send"),
    "ask_for_receipt": ("Bestätigung einholen", "get the acknowledgement"),
    "supplement": ("Rückfrage beantworten", "answer the partner's question"),
    "answer": ("offene Fragen beantworten", "answer the open questions"),
    "put_right": ("berichtigen oder schließen", "put right, or close"),
    "close": ("schließen", "close"),
    "wait": ("nichts: der Knoten sendet", "nothing: the node is sending"),
}
_EMPTY: Final = ("kein Fall ist offen", "no case is open")
_MILESTONES: Final[Words] = {
    "call": ("anrufen", "call"),
    "dispatch": ("übermitteln", "dispatch"),
    "acknowledgement": ("Bestätigung", "acknowledgement"),
    "second_look": ("zweiter Blick", "second look"),
}
_WAYS: Final[Words] = {
    "next_contact": ("nächste Ansprechperson", "next contact"),
    "management": ("Leitung benachrichtigen", "tell the management"),
    "second_channel": ("zweiter Weg", "second channel"),
    "phone": ("anrufen", "phone"),
    "reminder": ("erinnern", "remind them"),
    "other_offers": ("andere Hilfsangebote zeigen", "show other offers of help"),
}
_CODES: Final = ("de", "en")
_TEST: Final = ("DAS IST EINE ÜBUNG.", "THIS IS AN EXERCISE.")
_EXERCISE: Final = ("ÜBUNG: ", "EXERCISE: ")
_FALLEN: Final = (
    "der Hinweis {} gilt nicht mehr: den Fall zurückrufen (fedsafe case recall)",
    "signal {} no longer stands: recall the case (fedsafe case recall)",
)
_RECALL: Final = (" (zurückrufen?)", " (recall?)")
_HAND_OVER: Final = "hand_over"
_TASKS: Final[Words] = {
    "hand_over": (
        "ein Paket für {0} wartet auf Sie: fedsafe case dispatches {1}",
        "a package for {0} waits for you: fedsafe case dispatches {1}",
    ),
    "hand_over_correction": (
        "eine BERICHTIGUNG für {0} wartet auf Sie: fedsafe case dispatches {1}",
        "a CORRECTION for {0} waits for you: fedsafe case dispatches {1}",
    ),
    "say_what_came": (
        "ZURÜCKGERUFEN, UND VIELLEICHT DOCH BEI {0}: fedsafe case dispatches {1}",
        "RECALLED, AND PERHAPS AT {0} ALL THE SAME: fedsafe case dispatches {1}",
    ),
    "recall_again": (
        "TROTZ RÜCKRUF UNBERICHTIGT BEI {0}: fedsafe case recall {1} --reason …",
        "AT {0} DESPITE THE RECALL, UNCORRECTED: fedsafe case recall {1} --reason …",
    ),
    "see_through": (
        "die Berichtigung für {0} ist nicht bestätigt: fedsafe case dispatches {1}",
        "the correction for {0} is not acknowledged: fedsafe case dispatches {1}",
    ),
}
_TAKEN_BY: Final = ("   entnommen von: {}", "   taken by: {}")
_LATE: Final = ("überfällig", "overdue")
_TERMS: Final = ("Fristen:", "deadlines:")
_YOUNG: Final = (("nein", "ja", "unbekannt"), ("no", "yes", "unknown"))
_LACKS: Final = ("es fehlt noch:", "still lacking:")
_CLASS_LACKS: Final = ("es fehlt noch für {}: {}", "still lacking for {}: {}")
_CLASS_NEEDS: Final = ("zuerst festhalten: {}", "record first: {}")
_CLASS_READY: Final = (
    "sonst fehlt nichts für: {}",
    "nothing else is lacking for: {}",
)
_APPROVAL: Final = ("{}; Freigabe wartet", "{}; approval waits")
_STEPS: Final = ("Schritte:", "steps:")
_HOLD: Final = ("nicht mitteilen bis {} ({}, {})", "do not tell until {} ({}, {})")
_ENDED: Final = (
    "die wartende Freigabe {} ist damit zurückgezogen",
    "the approval {} that waited is withdrawn with that",
)
_WAITS: Final = (
    "der Fall ist freigegeben, sobald eine zweite Person zustimmt; als diese:",
    "the case is approved once another person stands by it; as them:",
)


def tell_receipt(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell where a step has led; what waits for a second person has its own status."""
    act = answer.get("act")
    if settings.json:
        document(answer)
    else:
        names = ("case", "state")
        pairs(
            [(_field(name, settings), _cell(name, answer, settings)) for name in names],
            indent="",
        )
        if act:
            note(_WAITS[_language(settings)])
            note(f"fedsafe act approve {act}")
        for each in answer.get("ended", ()):
            line(_ENDED[_language(settings)].format(each))
    return ExitStatus.WAITING if act else OK


def tell_queue(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell which cases wait, first whose turn it is."""
    language = _language(settings)
    if settings.json:
        document(answer)
    elif not answer["cases"]:
        line(_EMPTY[language])
    else:
        rows = [
            [
                each["case"],
                each["urgency"].upper(),
                _state(each, settings),
                _YOUNG[language][_young(each)],
                shown(each["known_at"]),
                "; ".join(word(_NEXT, step, language) for step in each["next"]),
                _owes(each, language),
            ]
            for each in answer["cases"]
        ]
        table(_QUEUE[language], rows)
    return OK


def tell_case(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell a case as it is seen: facts, elements, checklist, and what it lacks."""
    if settings.json:
        document(answer)
        return OK
    language = _language(settings)
    rows = [
        (_field(name, settings), _cell(name, answer, settings))
        for name in _FIELDS
        if answer[name] not in (None, [], {}, "")
    ]
    if answer["test"]:
        line(_TEST[language])
    pairs(rows, indent="")
    for each in answer["fallen"]:
        line(_FALLEN[language].format(each))
    for task in answer["tasks"]:
        _tell_task(task, answer["case"], language)
    for name, value in answer["elements"].items():
        line()
        line(element_word(name, language))
        for each in element_lines(name, value, language):
            line(f"   {each}")
    if any(answer.get(name) for name in ("holds", "release", "approval")):
        line()
    _tell_holds(answer, settings)
    tell_release(answer, language)
    _tell_terms(answer, language)
    _tell_work(answer, language)
    return OK


def _tell_task(task: dict[str, Any], case: str, language: int) -> None:
    """Tell what a person has to do about a package, and who has it."""
    kind = task.get("kind", _HAND_OVER)
    if kind == _HAND_OVER and task["recalls"] is not None:
        kind = f"{kind}_correction"
    said = _TASKS.get(kind, _TASKS[_HAND_OVER])
    line(said[language].format(task["partner"], case))
    if task.get("taken_by"):
        line(_TAKEN_BY[language].format(", ".join(task["taken_by"])))
    for each in reach_lines(task.get("reach"), language):
        line(f"   {each}")


def _tell_work(answer: dict[str, Any], language: int) -> None:
    """Tell the checklist, and what the case lacks."""
    if answer["checklist"]:
        line()
        line(_STEPS[language])
        for step in answer["checklist"]:
            mark = "x" if step["done"] else " "
            text, role = step[_CODES[language]], role_word(step["role"], language)
            line(f"   [{mark}] {step['step']}: {text} ({role})")
    if answer["gaps"]:
        line()
        line(_LACKS[language])
        for gap in answer["gaps"]:
            line(f"   {gap[_CODES[language]]}")
    _tell_lacking(answer.get("lacking", ()), language)


def _tell_lacking(classes: Iterable[dict[str, Any]], language: int) -> None:
    """Tell what the case lacks for each class of partner beside that."""
    ready = list[str]()
    for each in classes:
        name = class_word(each["partner"], language)
        parts = [element_word(lack["element"], language) for lack in each["lacks"]]
        if each["needs"]:
            needs = (condition_word(need, language) for need in each["needs"])
            parts.insert(0, _CLASS_NEEDS[language].format(", ".join(needs)))
        if parts:
            line(_CLASS_LACKS[language].format(name, "; ".join(parts)))
        else:
            ready.append(name)
    if ready:
        line(_CLASS_READY[language].format("; ".join(ready)))


def _tell_holds(answer: dict[str, Any], settings: Settings) -> None:
    language = _language(settings)
    for hold in answer["holds"]:
        parts = shown(hold["until"]), hold["authority"], hold["basis"]
        line(_HOLD[language].format(*parts))


def _owes(listed: dict[str, Any], language: int) -> str:
    """Say what a case owes first, by when, and that it is overdue."""
    return _owed(listed["owed"][0], language) if listed["owed"] else ""


def _owed(term: dict[str, Any], language: int) -> str:
    what = _MILESTONES[term["milestone"]][language]
    late = f" ({_LATE[language]})" if term["overdue"] else ""
    return f"{what}: {shown(term['due_at'])}{late}"


def _tell_terms(answer: dict[str, Any], language: int) -> None:
    if answer["terms"]:
        line()
        line(_TERMS[language])
    for term in answer["terms"]:
        mark = " " if term["met_at"] is None else "x"
        line(f"   [{mark}] {_owed(term, language)}")
    for alarm in answer["alarms"]:
        if alarm["fallback"] is not None:
            when, way = shown(alarm["told_at"]), _WAYS[alarm["fallback"]][language]
            line(f"   {when}: {way}")


def _young(listed: dict[str, Any]) -> int:
    """Tell yes from no, and both from what nobody has said."""
    return int(listed["minors"]) if listed["ages_known"] else 2


def _state(listed: dict[str, Any], settings: Settings) -> str:
    """Say where a case is, that it is an exercise, and that it may be recalled."""
    language = _language(settings)
    exercise = _EXERCISE[language] if listed.get("test") else ""
    recall = _RECALL[language] if listed["recall_due"] else ""
    return f"{exercise}{_cell('state', listed, settings)}{recall}"


def _cell(name: str, answer: dict[str, Any], settings: Settings) -> object:
    value, language = answer[name], _language(settings)
    if name == "state" and answer.get("approval") is not None:
        return _APPROVAL[language].format(coded(STATES, value, language))
    if name == "urgency":
        text = urgencies()[Urgency(value)].name
        return text.de if settings.german else text.en
    if name == "known_at":
        return shown(value)
    if name == "unavailable":
        return "; ".join(
            f"{element_word(key, language)}: {absence_word(why, language)}"
            for key, why in value.items()
        )
    say = _IN_WORDS.get(name)
    if say is None:
        return ", ".join(value) if isinstance(value, list) else value
    codes = value if isinstance(value, list) else [value]
    return "; ".join(say(code, language) for code in codes)


def _field(name: str, settings: Settings) -> str:
    return _FIELDS[name][_language(settings)]


def _language(settings: Settings) -> int:
    return 0 if settings.german else 1
