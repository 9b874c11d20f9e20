# SPDX-License-Identifier: Apache-2.0
"""Cases in words: the queue, a case with its checklist, and what a step led to."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fedsafe_cli.cases.dispatch_texts import reach_lines
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.moments import shown
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import in_either
from fedsafe_node.words.casework import (
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
    paper_language,
    role_word,
    word,
)
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase, all_said

_FIELDS: Final[Words] = {
    "case": Phrase("case"),
    "state": Phrase("state"),
    "urgency": Phrase("urgency"),
    "known_at": Phrase("known since"),
    "opened_by": Phrase("opened by"),
    "sources": Phrase("rests on"),
    "evidence": Phrase("own evidence"),
    "feature": Phrase("misused feature"),
    "help": Phrase("help"),
    "level": Phrase("level"),
    "evidence_decision": Phrase("evidence kept"),
    "opinion": Phrase("legal opinion"),
    "hidden": Phrase("hidden from your role"),
    "conditions": Phrase("recorded"),
    "unavailable": Phrase("unavailable"),
    "unanswered": Phrase("open before closing"),
}
_IN_WORDS: Final[Mapping[str, Callable[[str, str], str]]] = {
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
    Phrase("case"),
    Phrase("urgency"),
    Phrase("state"),
    Phrase("minors"),
    Phrase("known since"),
    Phrase("next"),
    Phrase("owes"),
)
_NEXT: Final[Words] = {
    "recall": Phrase("RECALL IT"),
    "say_what_came": Phrase("SAY IF IT WAS HANDED OVER"),
    "recall_again": Phrase("RECALL IT AGAIN"),
    "hand_over": Phrase("hand over, and note it"),
    "see_through": Phrase("correction: ask whether it is there"),
    "second_look": Phrase("second look"),
    "give_opinion": Phrase("give the legal opinion"),
    "fill_in": Phrase("enter what is lacking"),
    "approve": Phrase("approve"),
    "approve_second": Phrase("approve as second person"),
    "send": Phrase("send"),
    "ask_for_receipt": Phrase("get the acknowledgement"),
    "supplement": Phrase("answer the partner's question"),
    "answer": Phrase("answer the open questions"),
    "put_right": Phrase("put right, or close"),
    "close": Phrase("close"),
    "wait": Phrase("nothing: the node is sending"),
}
_EMPTY: Final = Phrase("no case is open")
_MILESTONES: Final[Words] = {
    "call": Phrase("call"),
    "dispatch": Phrase("dispatch"),
    "acknowledgement": Phrase("acknowledgement"),
    "second_look": Phrase("second look"),
}
_WAYS: Final[Words] = {
    "next_contact": Phrase("next contact"),
    "management": Phrase("tell the management"),
    "second_channel": Phrase("second channel"),
    "phone": Phrase.within("case", "phone"),
    "reminder": Phrase("remind them"),
    "other_offers": Phrase("show other offers of help"),
}
_TEST: Final = Phrase("THIS IS AN EXERCISE.")
_EXERCISE: Final = Phrase("EXERCISE: ")
_FALLEN: Final = Phrase(
    "signal {} no longer stands: recall the case (fedsafe case recall)"
)
_RECALL: Final = Phrase(" (recall?)")
_HAND_OVER: Final = "hand_over"
_TASKS: Final[Words] = {
    "hand_over": Phrase("a package for {0} waits for you: fedsafe case dispatches {1}"),
    "hand_over_correction": Phrase(
        "a CORRECTION for {0} waits for you: fedsafe case dispatches {1}"
    ),
    "say_what_came": Phrase(
        "RECALLED, AND PERHAPS AT {0} ALL THE SAME: fedsafe case dispatches {1}"
    ),
    "recall_again": Phrase(
        "AT {0} DESPITE THE RECALL, UNCORRECTED: fedsafe case recall {1} --reason …"
    ),
    "see_through": Phrase(
        "the correction for {0} is not acknowledged: fedsafe case dispatches {1}"
    ),
}
_TAKEN_BY: Final = Phrase("   taken by: {}")
_LATE: Final = Phrase("overdue")
_TERMS: Final = Phrase("deadlines:")
_YOUNG: Final = (Phrase("no"), Phrase("yes"), Phrase("unknown"))
_LACKS: Final = Phrase("still lacking:")
_CLASS_LACKS: Final = Phrase("still lacking for {}: {}")
_CLASS_NEEDS: Final = Phrase("record first: {}")
_CLASS_READY: Final = Phrase("nothing else is lacking for: {}")
_APPROVAL: Final = Phrase("{}; approval waits")
_STEPS: Final = Phrase("steps:")
_HOLD: Final = Phrase("do not tell until {} ({}, {})")
_ENDED: Final = Phrase("the approval {} that waited is withdrawn with that")
_WAITS: Final = Phrase(
    "the case is approved once another person stands by it; as them:"
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
            note(_WAITS.said(settings.language))
            note(f"fedsafe act approve {act}")
        for each in answer.get("ended", ()):
            line(_ENDED.said(settings.language).format(each))
    return ExitStatus.WAITING if act else OK


def tell_queue(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell which cases wait, first whose turn it is."""
    language = settings.language
    if settings.json:
        document(answer)
    elif not answer["cases"]:
        line(_EMPTY.said(language))
    else:
        rows = [
            [
                each["case"],
                each["urgency"].upper(),
                _state(each, settings),
                all_said(_YOUNG, language)[_young(each)],
                shown(each["known_at"]),
                "; ".join(word(_NEXT, step, language) for step in each["next"]),
                _owes(each, language),
            ]
            for each in answer["cases"]
        ]
        table(all_said(_QUEUE, language), rows)
    return OK


def tell_case(settings: Settings, answer: dict[str, Any]) -> ExitStatus:
    """Tell a case as it is seen: facts, elements, checklist, and what it lacks."""
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    rows = [
        (_field(name, settings), _cell(name, answer, settings))
        for name in _FIELDS
        if answer[name] not in (None, [], {}, "")
    ]
    if answer["test"]:
        line(_TEST.said(language))
    pairs(rows, indent="")
    for each in answer["fallen"]:
        line(_FALLEN.said(language).format(each))
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


def _tell_task(task: dict[str, Any], case: str, language: str) -> None:
    """Tell what a person has to do about a package, and who has it."""
    kind = task.get("kind", _HAND_OVER)
    if kind == _HAND_OVER and task["recalls"] is not None:
        kind = f"{kind}_correction"
    said = _TASKS.get(kind, _TASKS[_HAND_OVER])
    line(said.said(language).format(task["partner"], case))
    if task.get("taken_by"):
        line(_TAKEN_BY.said(language).format(", ".join(task["taken_by"])))
    for each in reach_lines(task.get("reach"), language):
        line(f"   {each}")


def _tell_work(answer: dict[str, Any], language: str) -> None:
    """Tell the checklist, and what the case lacks."""
    if answer["checklist"]:
        line()
        line(_STEPS.said(language))
        for step in answer["checklist"]:
            mark = "x" if step["done"] else " "
            text, role = (
                step[paper_language(language)],
                role_word(step["role"], language),
            )
            line(f"   [{mark}] {step['step']}: {text} ({role})")
    if answer["gaps"]:
        line()
        line(_LACKS.said(language))
        for gap in answer["gaps"]:
            line(f"   {gap[paper_language(language)]}")
    _tell_lacking(answer.get("lacking", ()), language)


def _tell_lacking(classes: Iterable[dict[str, Any]], language: str) -> None:
    """Tell what the case lacks for each class of partner beside that."""
    ready = list[str]()
    for each in classes:
        name = class_word(each["partner"], language)
        parts = [element_word(lack["element"], language) for lack in each["lacks"]]
        if each["needs"]:
            needs = (condition_word(need, language) for need in each["needs"])
            parts.insert(0, _CLASS_NEEDS.said(language).format(", ".join(needs)))
        if parts:
            line(_CLASS_LACKS.said(language).format(name, "; ".join(parts)))
        else:
            ready.append(name)
    if ready:
        line(_CLASS_READY.said(language).format("; ".join(ready)))


def _tell_holds(answer: dict[str, Any], settings: Settings) -> None:
    language = settings.language
    for hold in answer["holds"]:
        parts = shown(hold["until"]), hold["authority"], hold["basis"]
        line(_HOLD.said(language).format(*parts))


def _owes(listed: dict[str, Any], language: str) -> str:
    """Say what a case owes first, by when, and that it is overdue."""
    return _owed(listed["owed"][0], language) if listed["owed"] else ""


def _owed(term: dict[str, Any], language: str) -> str:
    what = _MILESTONES[term["milestone"]].said(language)
    late = f" ({_LATE.said(language)})" if term["overdue"] else ""
    return f"{what}: {shown(term['due_at'])}{late}"


def _tell_terms(answer: dict[str, Any], language: str) -> None:
    if answer["terms"]:
        line()
        line(_TERMS.said(language))
    for term in answer["terms"]:
        mark = " " if term["met_at"] is None else "x"
        line(f"   [{mark}] {_owed(term, language)}")
    for alarm in answer["alarms"]:
        if alarm["fallback"] is not None:
            when, way = shown(alarm["told_at"]), _WAYS[alarm["fallback"]].said(language)
            line(f"   {when}: {way}")


def _young(listed: dict[str, Any]) -> int:
    """Tell yes from no, and both from what nobody has said."""
    return int(listed["minors"]) if listed["ages_known"] else 2


def _state(listed: dict[str, Any], settings: Settings) -> str:
    """Say where a case is, that it is an exercise, and that it may be recalled."""
    language = settings.language
    exercise = _EXERCISE.said(language) if listed.get("test") else ""
    recall = _RECALL.said(language) if listed["recall_due"] else ""
    return f"{exercise}{_cell('state', listed, settings)}{recall}"


def _cell(name: str, answer: dict[str, Any], settings: Settings) -> object:
    value, language = answer[name], settings.language
    if name == "state" and answer.get("approval") is not None:
        return _APPROVAL.said(language).format(coded(STATES, value, language))
    if name == "urgency":
        text = urgencies()[Urgency(value)].name
        return in_either(text, settings.language)
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
    return _FIELDS[name].said(settings.language)


# Who let a case go to whom, and who has still to stand by it.

_RELEASE: Final = Phrase("approved for {} by {}")
_RELEASED_BEFORE: Final = Phrase(
    "approved before the recall for {} by {}; change it first, then approve it anew"
)
_RELEASE_ENDED: Final = Phrase(
    "approved before the recall for {} by {}; that counts no more"
)
_SECOND_LOOK: Final = Phrase(
    "a second person, other than {}, looks at the case by {}: fedsafe case approve "
    "{} --partner {}"
)
_RELEASE_WAITS: Final = Phrase(
    "the approval for {} was asked for by {}, and waits until {} for a second "
    "person ({}): fedsafe act approve {}"
)


def tell_release(answer: dict[str, Any], language: str) -> None:
    """Tell who let a case go, and whose word or look it waits for, with the command."""
    release, waiting = answer["release"], answer.get("approval")
    if release is not None:
        people = ", ".join(filter(None, (release["first"], release["second"])))
        classes = _classes(release["partners"], language)
        line(_release_words(answer).said(language).format(classes, people))
        if release["second_by"] is not None:
            by, first = shown(release["second_by"]), release["first"]
            case, partner = answer["case"], release["partners"][0]
            line(_SECOND_LOOK.said(language).format(first, by, case, partner))
    if waiting is not None:
        classes = _classes(waiting["partners"], language)
        roles = ", ".join(role_word(each, language) for each in waiting["roles"])
        by, until = waiting["asked_by"], shown(waiting["expires_at"])
        line(
            _RELEASE_WAITS.said(language).format(
                classes, by, until, roles, waiting["act"]
            )
        )


def _classes(codes: Iterable[str], language: str) -> str:
    return "; ".join(class_word(each, language) for each in codes)


def _release_words(answer: dict[str, Any]) -> Phrase:
    """Say of an approval whether it counts: a recall ends it for good."""
    if answer["state"] == "recalled":
        return _RELEASED_BEFORE
    ways = [step["state"] for step in answer["steps"]]
    last = [state for state in ways if state in {"approved", "recalled"}][-1:]
    return _RELEASE_ENDED if last == ["recalled"] else _RELEASE
