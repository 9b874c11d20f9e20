# SPDX-License-Identifier: Apache-2.0
"""What `audit verify` has found, which the node says in English.

The English template is the pattern by which it is known again; what stands in braces
is the node's own (a number, a name). A finding that is newer than this table is shown
as the node says it.
"""

import re
from typing import Any, Final

from fedsafe_cli.terminal.exit_codes import ExitStatus
from fedsafe_cli.terminal.texts import matched, patterns
from fedsafe_policies.ground.catalogue import Phrase

_WORST: Final = ExitStatus.LOG_TAMPERED
_DAMAGE: Final = {  # the most serious first
    "tampered": ExitStatus.LOG_TAMPERED,
    "incomplete": ExitStatus.LOG_INCOMPLETE,
    "unreadable": ExitStatus.LOG_UNREADABLE,
}
FINDINGS: Final = (
    # logs
    Phrase("entries are missing that {whose} had"),
    Phrase("the entries are not those that {whose} had"),
    Phrase("there are entries that nobody knows of, and not all before them"),
    Phrase("the hashes of pruned entries are missing"),
    Phrase("the node did not write this entry"),
    Phrase("the entry is missing"),
    Phrase("entries come and go"),
    Phrase("an opening has no entry"),
    Phrase("the root of this tile is missing"),
    Phrase("the entries of this tile have changed"),
    Phrase("the opening of {group} does not fit the record"),
    Phrase("the opening of {group} does not open"),
    Phrase("the record has no commitment {group}"),
    Phrase("it is no record"),
    Phrase("it is no audit event"),
    Phrase("{count} of its openings are gone"),
    Phrase("a row about it cannot be read"),
    Phrase("a row before its begin"),
    Phrase("there is none"),
    Phrase("there is no such log"),
    Phrase("it was pruned, and is here"),
    Phrase("it had come to {size} entries of this log"),
    Phrase("it had {size} entries and another root when it was sealed"),
    Phrase("{size} entries were sealed, and {here} are here"),
    Phrase("the log has {size} entries, and no such tile"),
    # seal, keys and files
    Phrase("it is missing"),
    Phrase("not as it was sealed"),
    Phrase("it does not open: it was changed, or keys/seal.key was"),
    Phrase("there never was a key of {period}"),
    Phrase("it is not what was kept"),
    Phrase("it is not the text that its name says"),
    Phrase("the database cannot be read: {why}"),
    Phrase("a row of it cannot be read"),
    Phrase("a row cannot be read"),
    Phrase("it holds {one}, not {other}"),
    Phrase("the checkpoint that was kept is not its origin's"),
    # tables
    Phrase("it points into the log of another list"),
    Phrase("it points to entry {index} of {log}: there is none"),
    Phrase("another signal points to entry {index} as well"),
    Phrase("it is active, but a dispute rests it"),
    Phrase("it is disputed, but no statement says so"),
    Phrase("it is {status}, but its entry was pruned"),
    Phrase("entries of {log} are missing near {first}"),
    Phrase("entry {index} of {log} is not of this signal"),
    Phrase("entry {index} of {log} has no opening"),
    Phrase("its opening is of a month that never had a key"),
    Phrase("it is {status}, but its opening is erased"),
    Phrase("it is {status}, but its opening is not erased"),
    Phrase("it is {status}, but no statement says so"),
    Phrase("its opening is none of a signal"),
    Phrase("its plane or scope is not that of its opening"),
    Phrase("the body of its opening does not open"),
    Phrase("its token is not that of its opening"),
    Phrase("its {name} is not that of its opening"),
    Phrase("the statement is not the one of this digest"),
    Phrase("its columns are not what the statement says"),
    Phrase("no statement that was kept names it"),
    Phrase("its statement says something else"),
    Phrase("it is {status}, but was {before} by a statement of {origin}"),
    Phrase("{log} restricts it, but no row does"),
    Phrase("what it says of signals was taken away"),
    Phrase("it has no row"),
    Phrase("more was pruned than the log has"),
    Phrase("the root is not that of the hashes that stayed"),
    Phrase("entry {index} of {log} does not say so"),
    Phrase("entry {index} of {log} says something else"),
    Phrase("{said} of its signals were kept, and {here} are here"),
    Phrase("{ended} signals ended, but events tell of {said}"),
    Phrase("it is suspended, but no event says so"),
    Phrase("{said} of its signals are relocked, but {found} are noted so"),
    Phrase("from where on its openings are lacking is not as it was noted"),
    Phrase("its entries are not those that the events have recorded"),
    Phrase("it is not the record that the newest event names"),
)
_WHOSE: Final = (
    Phrase("the guard"),
    Phrase("the seal"),
    Phrase("the running node"),
    Phrase("the position that was kept"),
)
_BY_NAME: Final = {each.english: each for each in _WHOSE}
_SIGNED: Final = re.compile(r"the checkpoint that (.+) signed")
_SIGNED_BY: Final = Phrase("the checkpoint that {} signed")
_PATTERNS: Final = patterns(FINDINGS)


def _whose(name: str, value: str) -> str | Phrase:
    if name != "whose":
        return value
    signed = _SIGNED.fullmatch(value)
    return (
        _BY_NAME.get(value, value) if signed is None else _SIGNED_BY.filled(signed[1])
    )


def finding(why: object, *, language: str) -> str:
    """Say what was found, in the reader's language if it is known here."""
    text = str(why)
    found = damage(text)
    return text if found is None else found.said(language)


def damage(text: str) -> Phrase | None:
    """Take up what was found, if it is known here."""
    return matched(text, _PATTERNS, _whose)


def damage_status(answer: dict[str, Any]) -> ExitStatus:
    """Return the exit status of the most serious damage that was found."""
    checks = [*answer["logs"], *(answer.get("tables") or [])]
    found = {check.get("damage") for check in checks}
    return next((_DAMAGE[word] for word in _DAMAGE if word in found), _WORST)
