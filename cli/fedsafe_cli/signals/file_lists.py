# SPDX-License-Identifier: Apache-2.0
"""`fedsafe signal lists`, `examine`, `approve-list`: a list of files as one act (P6).

The second person sees a list of files as a whole, rehearses it on files that should not
be on it, looks at what was drawn, and approves the list of just that digest.
"""

import re
import sys
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError, complaint
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.inputs import FormError, Hints, Question, decode, question
from fedsafe_cli.terminal.labels import field, headings, say
from fedsafe_cli.terminal.moments import shown as moment
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings
from fedsafe_node.words.codes import (
    GRADES,
    PHENOMENA,
    PROVENANCES,
    SIGNAL_WORDS,
    SURFACES,
    label,
)
from fedsafe_policies.ground.catalogue import Phrase, received

MOST_REHEARSED: Final = 5_000
_MAX_BYTES: Final = 1 << 20
_TIMEOUT: Final = 600.0
_CODES: Final = (
    ("provenance", PROVENANCES),
    ("phenomenon", PHENOMENA),
    ("surface", SURFACES),
    ("grade", GRADES),
    ("scope", SIGNAL_WORDS["scope"]),
)


@click.command("lists", cls=SpokenCommand)
@reading_purpose
@shared_options
@click.pass_context
def lists(context: click.Context, /, *, purpose: str | None) -> ExitStatus:
    """List the lists of files that wait for their second person.

    \b
    Example:
      fedsafe signal lists
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(read_for("/v1/lists", purpose), timeout=_TIMEOUT)
    if settings.json:
        document(answer)
        return OK
    found = answer["lists"]
    if not found:
        line(say("no list of files waits", settings))
        return OK
    names = ("name", "count", "authors", "sources")
    rows = [
        [each["name"], each["count"], *(", ".join(each[name]) for name in names[2:])]
        for each in found
    ]
    table(headings(settings, *names), rows)
    return OK


@click.command("examine", cls=SpokenCommand)
@click.argument("name")
@click.argument("rehearsal", required=False, metavar="[-|FILE]")
@shared_options
@click.pass_context
def examine(context: click.Context, /, name: str, rehearsal: str | None) -> ExitStatus:
    """Examine a list of files as the second person.

    Shows the list's source, signature and size; how many of its files have which
    attributes and recipients, rarest first; how many of them members already list; and
    a random sample to check at the source. FILE holds digests of files that should not
    be on the list, as `fedsafe hash` prints them, such as uploads of your own: the list
    is tried on them, and nothing about them is stored.

    \b
    Examples:
      fedsafe signal examine hotline-2026-11
      fedsafe hash uploads/* | fedsafe signal examine hotline-2026-11 -
    """  # noqa: D301
    settings = settings_of(context)
    _check_name(name)
    rehearsed = {} if rehearsal is None else _rehearsal(rehearsal)
    body = {"rehearsal": list(rehearsed.values())}
    client = personal(settings)
    answer = client.post(f"/v1/lists/{name}/examine", body, timeout=_TIMEOUT)
    if settings.json:
        document(answer)
        return OK
    waiting = answer["waiting"]
    told: dict[str, Any] = {
        "name": waiting["name"],
        "authors": ", ".join(waiting["authors"]),
        "sources": ", ".join(waiting["sources"]),
        "signatures": ", ".join(waiting["signatures"]) or "-",
        "count": waiting["count"],
        "kinds": _counts(answer["kinds"]),
        "overlap": _counts({e["origin"]: e["count"] for e in answer["overlap"]}),
        "rehearsed": answer["rehearsed"],
        "hits": len(answer["hits"]),
        "seed": answer["seed"],
        "digest": answer["digest"],
        "approve_until": moment(answer["approve_until"]),
    }
    pairs([(field(key, settings), value) for key, value in told.items()], indent="")
    _show_facts(answer["facts"], settings)
    names = ("drawn", "signal")
    rows = [(f"{e['kind']}:{e['digest']}", e["signal"]) for e in answer["drawn"]]
    table(headings(settings, *names), rows)
    if answer["hits"]:
        numbers = list(rehearsed)
        shown = ", ".join(str(numbers[position]) for position in answer["hits"][:20])
        note(say("the list would hit lines {lines}", settings, lines=shown))
    command = f"fedsafe signal approve-list {name} {answer['digest']}"
    note(say("next: {command}", settings, command=command))
    return OK


@click.command("approve-list", cls=SpokenCommand)
@click.argument("name")
@click.argument("digest")
@shared_options
@click.pass_context
def approve_list(context: click.Context, /, name: str, digest: str) -> ExitStatus:
    """Approve a list of files as the second person, and publish it as a whole.

    You need the role reviewer, must not have imported any of it, and must have examined
    the list with this DIGEST: `fedsafe signal examine` prints it.

    \b
    Example:
      fedsafe signal approve-list hotline-2026-11 DIGEST
    """  # noqa: D301
    settings = settings_of(context)
    _check_name(name)
    client = personal(settings)
    target = f"/v1/lists/{name}/approve"
    answer = client.post(target, {"digest": digest}, timeout=_TIMEOUT)
    if settings.json:
        document(answer)
    else:
        for each in answer["problems"]:
            told = received(each, str(each["detail"])).said(settings.language)
            said = f"{each['signal']}: {told}"
            note(complaint(said, language=settings.language))
        counts = {"count": answer["approved"], "bad": answer["refused"]}
        line(say("published: {count}, refused: {bad}", settings, **counts))
    return ExitStatus.DENIED if answer["refused"] else OK


def _show_facts(facts: list[dict[str, Any]], settings: Settings) -> None:
    """Show what is said of the files: as what they match, where, and whose list."""
    rest = ("rule", "legal_review", "match_until", "source", "signature")
    language = settings.language
    rows = [
        [
            each["count"],
            *(label(table_, each[name], language=language) for name, table_ in _CODES),
            _for_whom(each, settings),
            *(each.get(name) or "-" for name in rest),
        ]
        for each in facts
    ]
    names = ("count", *(name for name, _ in _CODES), "meant_for", *rest)
    table([field(name, settings) for name in names], rows)


def _for_whom(facts: dict[str, Any], settings: Settings) -> str:
    if facts.get("group") is not None:
        return f"{say('group', settings)} {facts['group']}"
    nodes = facts.get("nodes")
    return say("all members", settings) if nodes is None else ", ".join(nodes) or "-"


def _check_name(name: str) -> None:
    if re.fullmatch(r"[a-z][a-z0-9._-]{0,31}", name) is None:
        raise BadInputError(
            Phrase("no list has such a name"),
            Phrase("`fedsafe signal lists` names those that wait"),
        )


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in found.items()) or "0"


def _rehearsal(source: str) -> dict[int, Question]:
    """Read digests by line, one each; what is behind a space is no part of them.

    Turned copies of pictures are passed over: a list has them as they lie.
    """
    data = sys.stdin.buffer.read(_MAX_BYTES + 1) if source == "-" else b""
    if source != "-":
        data = read_small(source, _MAX_BYTES)
    lines = {
        number: text
        for number, text in enumerate(data.splitlines(), start=1)
        if text.strip() and not text.startswith(b"pdq_turned:")
    }
    if len(data) > _MAX_BYTES or len(lines) > MOST_REHEARSED:
        raise BadInputError(
            Phrase("a rehearsal takes {most} digests at most").filled(
                most=MOST_REHEARSED
            )
        )
    found: dict[int, Question] = {}
    for number, text in lines.items():
        try:
            found[number] = question(decode(text.split()[0]), Hints())
        except FormError as error:
            raise BadInputError(
                Phrase("line {number}: {why}").filled(
                    number=number, why=error.fault.detail
                )
            ) from None
    return found
