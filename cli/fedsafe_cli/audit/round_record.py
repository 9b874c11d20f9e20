# SPDX-License-Identifier: Apache-2.0
"""The record of a review round, to print and to keep: as text, or as one HTML page."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fedsafe_cli.terminal.moments import readable, shown
from fedsafe_node.words import rounds as words
from fedsafe_node.words.codes import label
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.casework.rendering.document import Document, Section

Answer = Mapping[str, Any]
_TITLE: Final = Phrase("Review round {round} of the audit log")
_ROUND: Final = Phrase("review round")
_STATE: Final = Phrase("state")
_SPAN: Final = Phrase("reviews")
_ROOT: Final = Phrase("root of the log there")
_OPENED: Final = Phrase("opened")
_SIGNED: Final = Phrase("signed")
_BY: Final = Phrase("{at}, by {by}")
_CUT: Final = Phrase.within("round", "end")
_STANDS: Final = Phrase("How it stands")
_FINDINGS: Final = Phrase("What was found")
_ENTRIES: Final = Phrase("What was reviewed")
_NOTHING: Final = Phrase("nothing")
_ENTRY: Final = Phrase("entry {index}, {at}")
_OF_ENTRIES: Final = Phrase("entries {entries}")
_BREACH: Final = Phrase("breach {breach}")
_GONE: Final = Phrase("the reason is erased with the key of its month")
_ANSWER: Final = Phrase("answer of the asked person")
_UNMARKED: Final = Phrase("no mark yet")
_SIGN: Final = (Phrase("Place, day"), Phrase("Signature"))


def word(table: Mapping[str, Phrase], code: object, language: str) -> str:
    """Say what a code means; nothing of none, and the code itself of a newer one."""
    return "" if code is None else label(table, str(code), language=language)


def meaning(event: str, language: str) -> str:
    """Say in few words when an event is written."""
    from fedsafe_node.audit.compliance.events import (  # noqa: PLC0415 (slow to load)
        in_short,
    )

    return in_short(event, language)


def facts(answer: Answer, language: str) -> list[tuple[str, object]]:
    """Name what a round's answer says of it."""
    span = words.span_of(answer["since"], answer["size"])
    told: list[tuple[Phrase, object]] = [
        (_ROUND, answer["round"]),
        (_STATE, word(words.STATES, answer["state"], language)),
        (_SPAN, span.said(language)),
        (_ROOT, answer["root"]),
        (_OPENED, _by(answer, "opened", language)),
        (_SIGNED, _by(answer, "signed", language)),
        *((said, answer.get(name)) for name, said in words.NUMBERS.items()),
        (words.DRAWN, _drawn_from(answer, language)),
        (_CUT, words.CUT.said(language) if answer.get("cut") else None),
    ]
    return [(name.said(language), value) for name, value in told]


def _drawn_from(answer: Answer, language: str) -> str | None:
    found = [
        (each["kind"], each["entries"], each["tried"])
        for each in answer.get("drawn_from", ())
    ]
    return words.drawn_from(found, language) or None


def _by(answer: Answer, step: str, language: str) -> str | None:
    at = answer.get(f"{step}_at")
    if at is None:
        return None
    return _BY.said(language).format(at=shown(at), by=answer[f"{step}_by"])


def as_text(record: Answer, language: str) -> str:
    """Write the record of a round as text."""
    from fedsafe_node.casework.rendering.document import (  # noqa: PLC0415 (slow)
        plain,
    )

    return plain(_written(record, language)).decode()


def as_page(record: Answer, language: str) -> bytes:
    """Write the record of a round as one HTML page that loads nothing."""
    from fedsafe_node.casework.rendering.html import html  # noqa: PLC0415 (slow)

    return html(_written(record, language))


def _written(record: Answer, language: str) -> "Document":
    from fedsafe_node.casework.rendering.document import (  # noqa: PLC0415
        Blanks,
        Document,
        Section,
    )
    from fedsafe_policies.escalation.vocabulary import Language  # noqa: PLC0415

    answer = record["round"]
    title = _TITLE.said(language).format(round=answer["round"])
    stands: list[tuple[str, tuple[str, ...]]] = [
        (name, (str(value),)) for name, value in facts(answer, language) if value
    ]
    return Document(
        language=Language.DE if language == "de" else Language.EN,
        title=title,
        author=answer.get("signed_by") or answer["opened_by"],
        banner="",
        lead=(),
        sections=(
            _section(_STANDS, stands, language),
            _section(
                _FINDINGS, [_finding(e, language) for e in record["marks"]], language
            ),
            _section(
                _ENTRIES, [_entry(e, language) for e in record["entries"]], language
            ),
            Section("", (Blanks(tuple(each.said(language) for each in _SIGN)),)),
        ),
        running=title,
    )


def _finding(mark: Answer, language: str) -> tuple[str, tuple[str, ...]]:
    numbers = ", ".join(map(str, mark["entries"]))
    note = mark.get("note")
    lines = [
        _OF_ENTRIES.said(language).format(entries=numbers),
        _GONE.said(language) if note is None else note,
    ]
    if mark.get("breach"):
        lines.append(_BREACH.said(language).format(breach=mark["breach"]))
    by = _BY.said(language).format(at=shown(mark["at"]), by=mark["by"])
    said = word(words.VERDICTS, mark["verdict"], language)
    if mark.get("answers") is not None:
        said = _ANSWER.said(language)
    return f"{said}, {by}", tuple(lines)


def _entry(entry: Answer, language: str) -> tuple[str, tuple[str, ...]]:
    index, at = entry["index"], readable("at", entry["at"])
    kind = word(words.KINDS, entry["kind"], language)
    if entry["own"]:
        found = words.OWN.said(language)
    else:
        verdict = entry.get("verdict")
        found = word(words.VERDICTS, verdict, language) or _UNMARKED.said(language)
    return (
        _ENTRY.said(language).format(index=index, at=at),
        (f"{kind}: {meaning(entry['event'], language)} ({entry['event']})", found),
    )


def _section(
    heading: Phrase, told: list[tuple[str, tuple[str, ...]]], language: str
) -> "Section":
    from fedsafe_node.casework.rendering.document import (  # noqa: PLC0415
        Fact,
        Facts,
        Paragraph,
        Section,
    )

    if not told:
        nothing = Paragraph(_NOTHING.said(language))
        return Section(heading.said(language), (nothing,))
    rows = tuple(Fact(name, lines) for name, lines in told)
    return Section(heading.said(language), (Facts(rows),))
