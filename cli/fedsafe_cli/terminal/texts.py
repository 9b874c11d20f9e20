# SPDX-License-Identifier: Apache-2.0
"""The words of results, in German and in English.

Results are for the people who work with them and come in both languages; help,
errors and hints are for whoever installs and scripts, and are English.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_policies.ground.reasons import Text

_TEXTS: Final[dict[str, Phrase]] = {
    "task": Phrase("task {task} of account {account}: see `fedsafe task show {task}`"),
    "none": Phrase("no signal"),
    "none_by_bytes": Phrase("no signal by its bytes; not compared as a picture"),
    "review": Phrase("review, {count} signals"),
    "review_one": Phrase("review, 1 signal"),
    "incomplete": Phrase("no signal, but some origins are not covered: {origins}"),
    "review_flood": Phrase(
        "review, restrict nothing: the signal matches unusually many accounts"
    ),
    "flood": Phrase(
        "A task is open; only a person decides whether the signal is right."
    ),
    "on_trial": Phrase("on trial until {day}, without effect: a signal of {origin}"),
    "not_all_read": Phrase("no signal, but not everything can be read"),
    "not_all_looked_at": Phrase("no signal, but not every signal was looked at"),
    "further": Phrase("not looked at: {count} further signals"),
    "unreadable": Phrase("question {number} ({kind}) cannot be read: {why}"),
    "picture_unread": Phrase(
        "cannot be read as a picture, compared by its bytes only ({why})"
    ),
    "picture_plain": Phrase(
        "too little to see for PDQ, compared by its bytes only ({why})"
    ),
    "interrupted": Phrase(
        "{count} are written; the same command with --resume goes on from there"
    ),
    "ask_again": Phrase(
        "the node answers no more for now; what it has said is written"
    ),
    "hashed": Phrase("{total} files, {bad} not readable"),
    "matched": Phrase(
        "{total} files: {review} to review, {bad} not readable, {open} open"
    ),
    "blind": Phrase("; pictures by their bytes only: {blind}"),
    "not_compared": Phrase("question {number} ({kind}) names nobody: {why}"),
    "way_out": Phrase(
        "Have the value corrected and ask with that, or leave it out; asking again "
        "unchanged changes nothing."
    ),
    "fault_empty": Phrase("there is no value"),
    "fault_encoding": Phrase("it is not UTF-8"),
    "fault_nul": Phrase("a NUL byte is in it"),
    "fault_too_long": Phrase("it is longer than 4,096 characters"),
    "fault_kind_twice": Phrase("the kind stands before the value once more"),
    "fault_not_bare": Phrase("the bare address, without name and angle brackets"),
    "not_covered": Phrase("not covered: {origins}"),
    "gate_closed": Phrase(
        "This node's own legal gate is closed, so nobody else was asked; "
        "`fedsafe gate show` says what it lacks."
    ),
    "deferred": Phrase(
        "no answer yet, ask again: create the account restricted, ask later"
    ),
    "reminder": Phrase(
        "This is a reason to review, not a verdict: create the account restricted, "
        "review, decide."
    ),
    "corroborated": Phrase("found independently by {count} providers themselves"),
    "corroborated_one": Phrase("found by 1 provider itself"),
    "second_hand": Phrase(
        "said by {count} more without a finding of their own; that does not count"
    ),
    "second_hand_one": Phrase(
        "said by 1 more without a finding of its own; that does not count"
    ),
    "own": Phrase("own ban"),
    "origin": Phrase.within("texts", "origin"),
    "about": Phrase.within("texts", "about"),
    "phenomenon": Phrase("phenomenon"),
    "grade": Phrase("grade"),
    "surface": Phrase("surface"),
    "rule": Phrase("rule"),
    "dates": Phrase("dates"),
    "removed": Phrase("removed {day}"),
    "published": Phrase("published {day}"),
    "until": Phrase("matches until {day}"),
    "distance": Phrase("distance {bits} of 256 bits"),
    "contact": Phrase.within("texts", "contact"),
    "signal": Phrase("signal"),
    "policy_rule": Phrase("allowed by"),
    "decided_by": Phrase("{rule} of policy {policy}"),
    "appeal": Phrase.within("texts", "appeal"),
    "appeal_origin": Phrase("… at origin"),
    "unnamed": Phrase(
        "it names nobody who recorded it; once there are accounts (`fedsafe "
        "account setup`), somebody who has logged in records it"
    ),
    "state": Phrase("state"),
    "scope": Phrase.within("texts", "scope"),
    "group": Phrase("group"),
    "nodes": Phrase("meant for"),
    "plane": Phrase("plane"),
    "author": Phrase.within("texts", "author"),
    "approver": Phrase("approver"),
    "match_until": Phrase.within("texts", "matches until"),
    "provenance": Phrase("provenance"),
    "findings": Phrase("established"),
    "legal_review": Phrase("legal review"),
    "erasure": Phrase("erasure receipts"),
    "erasure_told": Phrase("{receipts} of {recipients}, residues until {until}"),
    "recorded": Phrase("{count} recorded"),
    "would": Phrase("dry run: {count} would be recorded"),
    "refused": Phrase("{count} refused"),
    "read": Phrase("read: {lines} lines with {count} identifiers"),
    "of_lines": Phrase(" (identifiers of {count} lines)"),
    "of_lines_one": Phrase(" (identifiers of one line)"),
    "nothing_written": Phrase("nothing was written"),
    "already_listed": Phrase("already listed: nothing new was recorded"),
    "listed_before": Phrase("{count} listed already"),
    "twice": Phrase("{count} twice in this list"),
    "twice_lines": Phrase("twice in this list: line {lines}"),
    "placeholder": Phrase(
        "the same identifier ({kind}) stands on {count} lines: {lines}: a "
        "placeholder? --except FILE leaves it out"
    ),
    "over_rows": Phrase("{count} over"),
    "taken_off_before": Phrase("{count} taken off before"),
    "taken_off_lines": Phrase("taken off the list ({reason}): line {lines}"),
    "taken_off_anew": Phrase(
        "who was taken off as a mistake stays off until --anew lists them"
    ),
    "taken_off_for_good": Phrase(
        "after a ruling, an appeal or an erasure only `fedsafe signal add` lists "
        "somebody again, one at a time"
    ),
    "anew_told": Phrase(
        "--anew: {number} were taken off as a mistake, and are to be listed again: "
        "line {lines}"
    ),
    "later_line": Phrase(
        "line {number}: removed on {removed_on}, listed as of {listed}: `fedsafe "
        "signal revoke {signal} --reason superseded`, then import again"
    ),
    "later_more": Phrase("and {count} more: --json names all"),
    "nameless": Phrase("{count} without an identifier"),
    "already_lines": Phrase("listed already: line {lines}"),
    "differing_lines": Phrase(
        "other than what stands already, which stays as it is: line {lines}"
    ),
    "differs": Phrase(
        "what stands says something else: revoke it first, then add this anew"
    ),
    "over_kind": Phrase(
        "over: {count} {kind}, listed for {term} from the removal (P9); removals "
        "from {first} on still count"
    ),
    "undo_by": Phrase("to undo it: `fedsafe import undo {run}`"),
    "resumed": Phrase("this import was broken off, and goes on"),
    "goes_on": Phrase("the same command again goes on from there"),
    "columns": Phrase("columns: {told}"),
    "columns_left_out": Phrase("{count} others are left out: {told}"),
    "columns_left_out_one": Phrase("one other is left out: {told}"),
    "left_out_where": Phrase("{count} left out by --where"),
    "left_out_own": Phrase("{count} left out: this node's own address"),
    "left_out_except": Phrase("{count} left out by --except"),
    "fault_sum": Phrase("{count} lines: {field} ({code})"),
    "fault_sum_one": Phrase("1 line: {field} ({code})"),
    "fault_sum_identifiers": Phrase(
        "{count} lines, {identifiers} identifiers: {field} ({code})"
    ),
    "fault_sum_identifiers_one": Phrase(
        "1 line, {identifiers} identifiers: {field} ({code})"
    ),
    "import_open": Phrase("unfinished"),
    "import_done": Phrase("finished"),
    "import_undoing": Phrase("being undone"),
    "import_undone": Phrase("undone"),
    "undoing": Phrase("undoing"),
    "no_imports": Phrase("no imports"),
    "undone": Phrase("undone: {count} withdrawn, {revoked} revoked"),
    "undone_already": Phrase("was undone before: nothing was left to do"),
    "met_in": Phrase("  perhaps {run}, {when}, by {who}"),
    "met_again": Phrase(
        "{number} of them came with another import as well: import that again to "
        "list them anew"
    ),
    "ask_undo": Phrase(
        "{count} signals end everywhere and for good; what stood before stays"
    ),
    "approved": Phrase("{count} approved, {bad} refused"),
    "no_drafts": Phrase("no drafts"),
    "logs_ok": Phrase("all logs and tables verify"),
    "verified_directory": Phrase(
        "no node runs here: its directory was verified, and nothing in it changed"
    ),
    "disk_short": Phrase(
        "the disk is nearly full: make room, not in the node's directory"
    ),
    "disk_full": Phrase(
        "the disk is full, only restrictions and erasures are kept: make room"
    ),
    "logs_bad": Phrase(
        "something is damaged: stop the node, copy its directory, `fedsafe doctor`"
    ),
    "looser": Phrase("looser"),
    "stricter": Phrase("stricter"),
    "other": Phrase("other"),
    "fits": Phrase("fits"),
    "line": Phrase("line {number}"),
    "no_difference": Phrase("no difference"),
    "ready": Phrase("ready"),
}


def words(key: str, *, language: str, **values: object) -> str:
    """Return a text in one of the two languages; of one, in the singular."""
    if values.get("count") == 1:
        key = f"{key}_one" if f"{key}_one" in _TEXTS else key
    return _TEXTS[key].said(language).format(**values)


def in_either(text: "Text", language: str) -> str:
    """Say what a document or a policy has in German and in English."""
    return text.de if language == "de" else text.en


def account_in(entry: Mapping[str, object]) -> str | None:
    """Name an account as it may be typed again: its service, then its reference."""
    reference, service = entry.get("subject_ref"), entry.get("service")
    if not isinstance(reference, str) or service is None:
        return None if reference is None else str(reference)
    return f"{service}/{reference}"
