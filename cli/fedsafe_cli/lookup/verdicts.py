# SPDX-License-Identifier: Apache-2.0
"""Showing what a lookup found, for people and for programs.

Inputs are named by their position or their file. Programs get the node's answer
as it is, with a `position` beside it; `problem` stands where there is no answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fedsafe_cli.lookup.lookup_client import Answer, Outcome, Refusal, is_flood
from fedsafe_cli.terminal.errors import CliError
from fedsafe_cli.terminal.exit_codes import ExitStatus, worst
from fedsafe_cli.terminal.output import document, line, note, pairs
from fedsafe_cli.terminal.texts import (
    GRADES,
    KINDS,
    ORIENTATIONS,
    PHENOMENA,
    PROVENANCES,
    SURFACES,
    account_in,
    label,
    words,
)

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
    german: bool = False
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
        note(f"fedsafe: error: {prefix}{fault.detail}{code}")
        return
    body, german = outcome.body, form.german
    origins = ", ".join(map(str, body.get("not_covered", [])))
    matches = body.get("matches", [])
    verdict = _verdict(body, origins)
    line(prefix + words(verdict, german=german, count=len(matches), origins=origins))
    if body.get("gate_closed"):
        line("   " + words("gate_closed", german=german))
    for text in ("unreadable", "not_compared"):
        for left_out in body.get(text) or []:
            _show_left_out(text, left_out, german=german)
    for match in matches:
        _show_match(match, german=german)
    _show_on_trial(body, german=german)
    for counted in body.get("corroboration") or []:
        count, others = counted.get("origins"), counted.get("others")
        line("   " + words("corroborated", german=german, count=count))
        if others:
            line("   " + words("second_hand", german=german, count=others))
    if body["result"] == "review":
        _show_review(body, origins, german=german)


def _show_review(body: dict[str, Any], origins: str, *, german: bool) -> None:
    if body.get("task"):
        named = {"task": body["task"], "account": account_in(body)}
        line("   " + words("task", german=german, **named))
    if origins:
        line("   " + words("not_covered", german=german, origins=origins))
    if is_flood(body):
        line("   " + words("flood", german=german))
        return
    reminder = body.get("reminder")
    language = "de" if german else "en"
    text = reminder.get(language) if isinstance(reminder, dict) else None
    line("   " + (text or words("reminder", german=german)))


def _verdict(body: dict[str, Any], origins: str) -> str:
    result = str(body["result"])
    if is_flood(body):
        return "review_flood"
    if result == "incomplete" and body.get("unreadable") and not origins:
        return "not_all_read"
    return result


def _show_left_out(name: str, entry: dict[str, Any], *, german: bool) -> None:
    language = "de" if german else "en"
    said = words(
        name,
        german=german,
        number=entry["question"] + 1,
        kind=label(KINDS, entry["kind"] or "?", german=german),
        why=entry["detail"][language],
    )
    line(f"   {said}")
    line(f"   {entry['way_out'][language]}")


def _show_on_trial(body: dict[str, Any], *, german: bool) -> None:
    for tried in body.get("on_trial") or []:
        told = {"origin": tried.get("origin"), "day": tried.get("until")}
        line("   " + words("on_trial", german=german, **told))


def _show_match(match: dict[str, Any], *, german: bool) -> None:
    def name(key: str) -> str:
        return words(key, german=german)

    origin = str(match.get("origin"))
    if match.get("own"):
        origin += f" ({name('own')})"
    distance = match.get("distance")
    about = label(KINDS, str(match.get("kind")), german=german)
    if distance is not None:
        about += f", {words('distance', german=german, bits=distance)}"
    orientation = match.get("orientation")
    if orientation is not None:
        about += f", {label(ORIENTATIONS, str(orientation), german=german)}"
    pairs(
        [
            (name("origin"), origin),
            (name("about"), about),
            (name("phenomenon"), _coded(PHENOMENA, match, "phenomenon", german=german)),
            (name("grade"), _coded(GRADES, match, "grade", german=german)),
            (
                name("provenance"),
                _coded(PROVENANCES, match, "provenance", german=german),
            ),
            (name("surface"), _coded(SURFACES, match, "surface", german=german)),
            (name("rule"), match.get("rule")),
            (name("dates"), _dates(match, german=german)),
            (name("contact"), match.get("contact")),
            (name("signal"), match.get("signal")),
            *_ways(match, german=german),
        ]
    )


def _ways(match: dict[str, Any], *, german: bool) -> Iterator[tuple[str, object]]:
    """Tell which rule let the signal count, and where the person contests it."""
    if match.get("policy_rule"):
        said = words(
            "decided_by",
            german=german,
            rule=match["policy_rule"],
            policy=match.get("policy"),
        )
        yield words("policy_rule", german=german), said
    appeal = match.get("appeal")
    if isinstance(appeal, dict):
        ways = [appeal[way] for way in ("form", "contact") if appeal.get(way)]
        yield words("appeal", german=german), ", ".join(ways)
        if appeal.get("origin_form"):
            yield words("appeal_origin", german=german), appeal["origin_form"]


def _coded(
    table: dict[str, tuple[str, str]],
    match: dict[str, Any],
    field: str,
    *,
    german: bool,
) -> str:
    code = str(match.get(field))
    meaning = label(table, code, german=german)
    return (
        code
        if meaning.lower() in {code, code.replace("_", " ")}
        else f"{meaning} ({code})"
    )


def _dates(match: dict[str, Any], *, german: bool) -> str:
    days = (
        ("removed", match.get("removed_on")),
        ("published", match.get("published_on")),
        ("until", match.get("match_until")),
    )
    return ", ".join(
        words(key, german=german, day=day) for key, day in days if day is not None
    )
