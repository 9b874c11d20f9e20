# SPDX-License-Identifier: Apache-2.0
"""Showing what a lookup found, for people and for programs.

Inputs are named by their position or their file. Programs get the node's answer
as it is, with a `position` beside it; `problem` stands where there is no answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fedsafe_cli.lookup.lookup_client import Answer, Outcome, Refusal, is_flood
from fedsafe_cli.terminal.errors import CliError, complaint
from fedsafe_cli.terminal.exit_codes import ExitStatus, worst
from fedsafe_cli.terminal.output import document, line, note, pairs
from fedsafe_cli.terminal.texts import account_in, words
from fedsafe_node.words.codes import (
    GRADES,
    KINDS,
    ORIENTATIONS,
    PHENOMENA,
    PROVENANCES,
    SURFACES,
    label,
    of_both,
)
from fedsafe_policies.ground.catalogue import SOURCE, Phrase

_WORDS = {
    ExitStatus.INTERNAL: "error",
    ExitStatus.DENIED: "denied",
    ExitStatus.UNREACHABLE: "unreachable",
    ExitStatus.BAD_INPUT: "bad_input",
    ExitStatus.DEFERRED: "deferred",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How outcomes are printed."""

    json: bool = False
    ndjson: bool = False
    language: str = SOURCE
    silent: bool = False
    """Without a name: there is only one input, and it needs none."""


def show_all(named: Iterable[tuple[str, Outcome]], form: Form) -> ExitStatus:
    """Print outcomes as they come and return the status of the most serious.

    Raises:
        CliError: it ended the run; what came before it is printed, with its status.
    """
    statuses: set[ExitStatus] = set()
    kept: list[dict[str, Any]] = []
    end: CliError | None = None
    try:
        for position, (name, outcome) in enumerate(named):
            statuses.add(outcome.status)
            if form.ndjson:
                document(entry(position, outcome), compact=True)
            elif form.json:
                kept.append(entry(position, outcome))
            else:
                show(name, outcome, form)
    except CliError as error:
        # A node that vanishes in the middle takes no answer with it.
        end = error
    status = worst(statuses) if end is None else end.status
    if form.json:
        document({"exit_status": int(status), "answers": kept})
    if end is not None:
        end.told = form.json or form.ndjson
        raise end
    return status


def numbered(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, Outcome]]:
    """Name each outcome by its place in the input, counted from 1."""
    for number, outcome in enumerate(outcomes, start=1):
        yield str(number), outcome


def entry(position: int, outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as programs see it."""
    if isinstance(outcome, Answer):
        return {"position": position, **outcome.body}
    return {
        "position": position,
        "result": _WORDS[outcome.status],
        "problem": outcome.fault.document(),
    }


def show(name: str, outcome: Outcome, form: Form) -> None:
    """Print an outcome for people; a refusal goes to standard error."""
    prefix = "" if form.silent else f"{name}: "
    if isinstance(outcome, Refusal):
        if outcome.ended:
            return  # the error itself follows, once for all
        fault = outcome.fault
        code = f" ({fault.code})" if fault.code else ""
        said = f"{prefix}{fault.said(form.language)}{code}"
        note(complaint(said, language=form.language))
        return
    body, language = outcome.body, form.language
    origins = ", ".join(map(str, body.get("not_covered", [])))
    matches = body.get("matches", [])
    verdict = _verdict(body, origins)
    line(
        prefix + words(verdict, language=language, count=len(matches), origins=origins)
    )
    _show_limits(body, language=language)
    for text in ("unreadable", "not_compared"):
        for left_out in body.get(text) or []:
            _show_left_out(text, left_out, language=language)
    for match in matches:
        _show_match(match, language=language)
    _show_on_trial(body, language=language)
    for counted in body.get("corroboration") or []:
        count, others = counted.get("origins"), counted.get("others")
        line("   " + words("corroborated", language=language, count=count))
        if others:
            line("   " + words("second_hand", language=language, count=others))
    if body["result"] == "review":
        _show_review(body, origins, language=language)


def _show_limits(body: dict[str, Any], *, language: str) -> None:
    if body.get("further"):
        line("   " + words("further", language=language, count=body["further"]))
    if body.get("gate_closed"):
        line("   " + words("gate_closed", language=language))


def _show_review(body: dict[str, Any], origins: str, *, language: str) -> None:
    if body.get("task"):
        named = {"task": body["task"], "account": account_in(body)}
        line("   " + words("task", language=language, **named))
    if origins:
        line("   " + words("not_covered", language=language, origins=origins))
    if is_flood(body):
        line("   " + words("flood", language=language))
        return
    reminder = body.get("reminder")
    text = reminder.get(language) if isinstance(reminder, dict) else None
    line("   " + (text or words("reminder", language=language)))


def _verdict(body: dict[str, Any], origins: str) -> str:
    result = str(body["result"])
    if is_flood(body):
        return "review_flood"
    if result == "none" and body.get("picture_unread"):
        return "none_by_bytes"
    if result == "incomplete" and body.get("unreadable") and not origins:
        return "not_all_read"
    if result == "incomplete" and body.get("further") and not origins:
        return "not_all_looked_at"
    return result


def _show_left_out(name: str, entry: dict[str, Any], *, language: str) -> None:
    said = words(
        name,
        language=language,
        number=entry["question"] + 1,
        kind=label(KINDS, entry["kind"] or "?", language=language),
        why=of_both(entry["detail"], language),
    )
    line(f"   {said}")
    line(f"   {of_both(entry['way_out'], language)}")


def _show_on_trial(body: dict[str, Any], *, language: str) -> None:
    for tried in body.get("on_trial") or []:
        told = {"origin": tried.get("origin"), "day": tried.get("until")}
        line("   " + words("on_trial", language=language, **told))


def _show_match(match: dict[str, Any], *, language: str) -> None:
    def name(key: str) -> str:
        return words(key, language=language)

    origin = str(match.get("origin"))
    if match.get("own"):
        origin += f" ({name('own')})"
    distance = match.get("distance")
    about = label(KINDS, str(match.get("kind")), language=language)
    if distance is not None:
        about += f", {words('distance', language=language, bits=distance)}"
    orientation = match.get("orientation")
    if orientation is not None:
        about += f", {label(ORIENTATIONS, str(orientation), language=language)}"
    pairs(
        [
            (name("origin"), origin),
            (name("about"), about),
            (
                name("phenomenon"),
                _coded(PHENOMENA, match, "phenomenon", language=language),
            ),
            (name("grade"), _coded(GRADES, match, "grade", language=language)),
            (
                name("provenance"),
                _coded(PROVENANCES, match, "provenance", language=language),
            ),
            (name("surface"), _coded(SURFACES, match, "surface", language=language)),
            (name("rule"), match.get("rule")),
            (name("dates"), _dates(match, language=language)),
            (name("contact"), match.get("contact")),
            (name("signal"), match.get("signal")),
            *_ways(match, language=language),
        ]
    )


def _ways(match: dict[str, Any], *, language: str) -> Iterator[tuple[str, object]]:
    """Tell which rule let the signal count, and where the person contests it."""
    if match.get("policy_rule"):
        said = words(
            "decided_by",
            language=language,
            rule=match["policy_rule"],
            policy=match.get("policy"),
        )
        yield words("policy_rule", language=language), said
    appeal = match.get("appeal")
    if isinstance(appeal, dict):
        ways = [appeal[way] for way in ("form", "contact") if appeal.get(way)]
        yield words("appeal", language=language), ", ".join(ways)
        if appeal.get("origin_form"):
            yield words("appeal_origin", language=language), appeal["origin_form"]


def _coded(
    table: dict[str, Phrase],
    match: dict[str, Any],
    field: str,
    *,
    language: str,
) -> str:
    code = str(match.get(field))
    meaning = label(table, code, language=language)
    return (
        code
        if meaning.lower() in {code, code.replace("_", " ")}
        else f"{meaning} ({code})"
    )


def _dates(match: dict[str, Any], *, language: str) -> str:
    days = (
        ("removed", match.get("removed_on")),
        ("published", match.get("published_on")),
        ("until", match.get("match_until")),
    )
    return ", ".join(
        words(key, language=language, day=day) for key, day in days if day is not None
    )
