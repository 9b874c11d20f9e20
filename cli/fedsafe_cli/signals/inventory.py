# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal list`: the node's own signals, as table, CSV or JSON.

Never what a signal is found by: the node does not have it. The table stays within the
terminal, says all that does not fit below its row, and draws nothing.
"""

import shutil
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any, Final

import click

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of, read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused, unfit
from fedsafe_cli.terminal.ids import checked_id, checked_member, shortened
from fedsafe_cli.terminal.inputs import KINDS, read_day
from fedsafe_cli.terminal.moments import written
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import csv_rows, document, line, narrow_table, note
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_cli.terminal.texts import account_in, words
from fedsafe_node.words.codes import FINDINGS, PHENOMENA, SIGNAL_WORDS, label
from fedsafe_node.words.codes import KINDS as KIND_WORDS
from fedsafe_policies.ground.catalogue import Phrase, all_said
from fedsafe_policies.vocabulary import Phenomenon

_STATES: Final = (
    *("living", "ended", "all", "own", "draft", "published", "disputed"),
    *("withdrawn", "revoked", "expired", "erased"),
)
_SORTS: Final = ("newest", "oldest", "ends")
_MOST: Final = 1_000  # of a page
_SHOWN: Final = 100
_ROOM: Final = 96  # columns from which a whole id fits
_HEADINGS: Final = (
    Phrase("signal"),
    Phrase("state"),
    Phrase("ends on"),
    Phrase.within("inventory", "about"),
)
_FLEXIBLE: Final = 3
_NOTHING: Final = Phrase("no signals")
_UNKNOWN: Final = Phrase(
    "{count} passed over: nobody here can read any more what they are about"
)
_MORE: Final = Phrase("there are more: --after {after}, or --all")
_BELOW: Final[dict[str, Phrase]] = {
    "account": Phrase("account"),
    "recorded": Phrase.within("inventory", "recorded"),
    "rule": Phrase("rule"),
    "list": Phrase("list"),
    "review_by": Phrase("review by"),
    "recipients": Phrase("recipients"),
    "owed": Phrase("receipt missing from"),
    "disputed": Phrase("a dispute is open"),
}
_CSV: Final = (
    *("signal", "state", "plane", "scope", "kind", "phenomenon", "surface", "grade"),
    *("rule", "list_name", "listed_at", "match_until", "review_by", "ends"),
    *("disputed", "recipients", "owed", "author", "approver", "nodes", "group"),
    *("provenance", "findings", "legal_review", "account"),
)


def _day(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> str | None:
    try:
        return (
            None
            if text is None
            else date.fromisoformat(read_day(text) or text).isoformat()
        )
    except ValueError:
        raise unfit(Phrase("want a day such as 2027-11-03 or 3.11.2027")) from None


@click.command("list", cls=SpokenCommand)
@click.option(
    "--state",
    type=click.Choice(_STATES),
    metavar="WORD",
    help=one_of("State; default: living", _STATES),
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    metavar="KIND",
    help="Kind of identifier or digest.",
)
@click.option(
    "--phenomenon",
    type=click.Choice([each.value for each in Phenomenon]),
    metavar="CODE",
    help=one_of("Phenomenon", Phenomenon),
)
@click.option(
    "--since", callback=_day, metavar="DAY", help="Recorded on this day or later."
)
@click.option(
    "--before", callback=_day, metavar="DAY", help="Recorded before this day."
)
@click.option(
    "--ends-before",
    callback=_day,
    metavar="DAY",
    help="Term ends, or review is due, before this day.",
)
@click.option(
    "--disputed", is_flag=True, help="Only with a dispute that waits for its ruling."
)
@click.option(
    "--owed", is_flag=True, help="Only if a receipt for the erasure is missing."
)
@click.option(
    "--recipient", metavar="NODE", help="Only those that this member has received."
)
@click.option(
    "--accounts",
    is_flag=True,
    help="Show your references to accounts; the audit log records each.",
)
@click.option(
    "--sort",
    type=click.Choice(_SORTS),
    metavar="WORD",
    help=one_of("Sort order", _SORTS),
)
@click.option("--after", metavar="CURSOR", help="Continue after this place.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=_SHOWN,
    show_default=True,
    metavar="N",
    help="At most this many.",
)
@click.option("--all", "every", is_flag=True, help="List all.")
@click.option("--ids", is_flag=True, help="Print only ids.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@reading_purpose
@shared_options
@click.pass_context
def list_signals(  # noqa: PLR0913 - the options that shape the output
    context: click.Context,
    /,
    *,
    every: bool,
    ids: bool,
    as_csv: bool,
    limit: int,
    purpose: str | None,
    **asked: Any,  # noqa: ANN401 (texts and flags)
) -> ExitStatus:
    """List this node's own signals: own bans, drafts, published and ended ones.

    Identifiers are never shown: the node does not have them. All commands accept a
    shortened id.

    \b
    Examples:
      fedsafe signal list --disputed
      fedsafe signal list --ends-before 2027-01-01
      fedsafe signal list --recipient b.example.de --all --csv > b.csv
      fedsafe signal list --state draft --ids | fedsafe signal approve -
    """  # noqa: D301
    settings = settings_of(context)
    if asked["recipient"] is not None:
        checked_member(asked["recipient"])
    if asked["after"] is not None:
        end, dot, name = asked["after"].rpartition(".")
        asked["after"] = f"{end}{dot}{checked_id(name)}"
    if sum((ids, as_csv, settings.json)) > 1:
        raise misused(Phrase("--ids, --csv and --json are different forms"))
    pages = Pages(personal(settings), asked, purpose, most=None if every else limit)
    if as_csv:
        csv_rows(_CSV, [_cells(each) for each in pages])
    elif ids:
        for each in pages:
            line(str(each["signal"]))
    else:
        found = list(pages)
        if settings.json:
            shown = {"signals": found, "after": pages.after, "unknown": pages.unknown}
            document(shown)
            return OK
        _show(found, settings)
    language = settings.language
    if pages.unknown:
        note(_UNKNOWN.said(language).format(count=pages.unknown))
    if pages.after is not None:
        note(_MORE.said(language).format(after=pages.after))
    return OK


class Pages:
    """Walks over own signals page by page, of which there are `most` at most.

    Afterwards `after` is where to go on, if there is more, and `unknown` how many were
    passed over since nobody can read what they are about.
    """

    def __init__(
        self,
        client: Client,
        asked: dict[str, Any],
        purpose: str | None = None,
        *,
        most: int | None = None,
    ) -> None:
        self._client = client
        self._asked = {
            name: str(value).lower() if value is True else str(value)
            for name, value in asked.items()
            if value not in {None, False}
        }
        self._purpose = purpose
        self._most = most
        self.after: str | None = self._asked.pop("after", None)
        self.unknown = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Walk over them."""
        left = self._most
        while left is None or left > 0:
            size = _MOST if left is None else min(left, _MOST)
            query = self._asked | {"limit": str(size)}
            if self.after is not None:
                query["after"] = self.after
            joined = "&".join(f"{name}={value}" for name, value in query.items())
            answer = self._client.get(read_for(f"/v1/signals?{joined}", self._purpose))
            signals = answer.get("signals") if isinstance(answer, dict) else None
            if not isinstance(signals, list):
                raise BrokenAnswerError(Phrase("the node's answer has no signals"))
            self.unknown += answer.get("unknown", 0)
            self.after = answer.get("after")
            yield from islice(signals, size)
            if self.after is None:
                return
            left = None if left is None else left - len(signals)


def _cells(found: dict[str, Any]) -> list[object]:
    told = found | {
        "listed_at": written(found["listed_at"]),
        "account": account_in(found),
        "disputed": "yes" if found.get("disputed") else "no",
    }
    for name in ("owed", "nodes", "findings"):
        told[name] = " ".join(found.get(name) or ())
    return [told.get(name) for name in _CSV]


def _show(found: list[dict[str, Any]], settings: Settings) -> None:
    language = settings.language
    if not found:
        line(_NOTHING.said(language))
        return
    width = shutil.get_terminal_size().columns
    rows = [
        (
            (
                each["signal"] if width >= _ROOM else shortened(each["signal"]),
                label(SIGNAL_WORDS["state"], each["state"], language=settings.language),
                each.get("ends") or "-",
                about(each, language=settings.language),
            ),
            below(each, language=settings.language),
        )
        for each in found
    ]
    narrow_table(all_said(_HEADINGS, language), rows, flexible=_FLEXIBLE, width=width)


def about(found: dict[str, Any], *, language: str) -> str:
    """Say what a signal is about; of one that has ended only whether of a person."""
    kind, phenomenon = found.get("kind"), found.get("phenomenon")
    said = [label(KIND_WORDS, kind, language=language)] if kind else []
    said += [label(PHENOMENA, phenomenon, language=language)] if phenomenon else []
    plane = label(SIGNAL_WORDS["plane"], found["plane"], language=language)
    return ", ".join(said) or plane


def below(found: dict[str, Any], *, language: str) -> str:
    """Say of a listed signal the rest of what is known, as one line."""
    told: dict[str, object] = {
        "account": account_in(found),
        "recorded": written(found["listed_at"])[:10],
        "rule": found.get("rule"),
        "list": found.get("list_name"),
        "review_by": found.get("review_by"),
        "recipients": found.get("recipients"),
        "owed": ", ".join(found.get("owed") or ()) or None,
    }
    if found.get("disputed") and found["state"] != "disputed":
        told["disputed"] = ""
    said = [
        f"{_BELOW[name].said(language)} {value}".strip()
        for name, value in told.items()
        if value is not None
    ]
    return "; ".join([*said, *_drafted(found, language=language)])


def _drafted(found: dict[str, Any], *, language: str) -> list[str]:
    """Say what the second person of a draft has to know."""
    if found["state"] != "draft":
        return []
    scope = label(SIGNAL_WORDS["scope"], found["scope"], language=language)
    if found.get("group") is not None:
        scope = f"{words('group', language=language)} {found['group']}"
    elif found.get("nodes") is not None:
        scope = ", ".join(found["nodes"]) or "-"
    told = {
        "scope": scope,
        "author": found.get("author"),
        "provenance": found.get("provenance")
        and label(
            SIGNAL_WORDS["provenance"], str(found["provenance"]), language=language
        ),
        "findings": ", ".join(
            label(FINDINGS, each, language=language)
            for each in found.get("findings") or ()
        ),
        "legal_review": found.get("legal_review"),
    }
    return [
        f"{words(name, language=language)} {value}"
        for name, value in told.items()
        if value
    ]
