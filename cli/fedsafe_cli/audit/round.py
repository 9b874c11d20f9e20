# SPDX-License-Identifier: Apache-2.0
"""`fedsafe round`: review rounds of the audit log, from opening to signature."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import click

from fedsafe_cli.audit import round_record
from fedsafe_cli.cases.render import check_new, new_files
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import BrokenAnswerError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of
from fedsafe_cli.terminal.help_texts import SpokenGroup, misused
from fedsafe_cli.terminal.labels import detail_of, headings, meant, say, yes_or_no
from fedsafe_cli.terminal.moments import readable, shown
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import account_in
from fedsafe_node.words import rounds as words
from fedsafe_policies.ground.catalogue import Phrase

_ROUNDS: Final = "/v1/rounds"
_VERDICTS: Final = ("plausible", "ask", "incident")
_MOST_READ: Final = 8_192
_A_PAGE: Final = 200
_EMPTY: Final = Phrase("no round was opened yet: `fedsafe round open`")
_NOTHING: Final = Phrase("the round has nothing to review from there on")
_REVIEWED: Final = Phrase("the log is reviewed below entry {entry}")
_DUE: Final = Phrase("the next signature is due at {at}")
_ASK: Final = Phrase("fedsafe: why do you find so? End with Ctrl-D:")
_SAY: Final = Phrase("fedsafe: what do you answer? End with Ctrl-D:")
_UNFOUND: Final = Phrase("say on standard input why you find so")
_UNSAID: Final = Phrase("say on standard input what you answer")
_GO_ON: Final = Phrase("there are more: --since {next}")
_QUESTIONS: Final = "/v1/questions"
_UNASKED: Final = Phrase("nobody asks you anything")
_ANSWERED: Final = Phrase("your answer stands in the round")
_ROUND: Final = click.argument("round_id", metavar="ROUND")


@click.group("round", cls=SpokenGroup)
def round_() -> None:
    """Review the audit log in rounds: a sample, all alarms, all refusals.

    A round takes all that nobody has reviewed yet. Of what people read, decided and
    exported it draws a sample that its opening fixes; alarms and refusals it takes all.
    Nobody marks what they did themselves.

    \b
    Examples:
      fedsafe round open
      fedsafe round entries ROUND
      echo "as in ticket 7" | fedsafe round mark ROUND 12 40 --verdict plausible
      fedsafe round sign ROUND
      fedsafe round print ROUND --html round.html
    """  # noqa: D301


@round_.command("open")
@click.option(
    "--sample",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="So many reads, decisions and exports each.",
)
@shared_options
@click.pass_context
def open_(context: click.Context, sample: int) -> ExitStatus:
    """Open a round of all that nobody has reviewed yet; one is open at a time.

    \b
    Example:
      fedsafe round open --sample 40
    """  # noqa: D301
    settings = settings_of(context)
    return _tell(settings, personal(settings).change(_ROUNDS, {"sample": sample}))


@round_.command("list")
@shared_options
@click.pass_context
def list_(context: click.Context) -> ExitStatus:
    """List the rounds, and how far the log is reviewed.

    \b
    Example:
      fedsafe round list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get(_ROUNDS)
    if settings.json:
        document(answer)
        return OK
    language = settings.language
    rows = [
        [
            each["round"],
            round_record.word(words.STATES, each["state"], language),
            words.span_of(each["since"], each["size"]).said(language),
            shown(each["opened_at"]),
            shown(each["signed_at"]) if each.get("signed_at") else "",
        ]
        for each in answer["rounds"]
    ]
    if rows:
        names = ("round", "state", "entries", "opened", "signed at")
        table(headings(settings, *names), rows)
    else:
        line(_EMPTY.said(language))
    line(_REVIEWED.said(language).format(entry=answer["reviewed_to"]))
    if answer.get("due_at") is not None:
        line(_DUE.said(language).format(at=shown(answer["due_at"])))
    return OK


@round_.command("show")
@_ROUND
@shared_options
@click.pass_context
def show(context: click.Context, round_id: str) -> ExitStatus:
    """Tell how a round stands.

    \b
    Example:
      fedsafe round show 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    return _tell(settings, personal(settings).get(_target(round_id)))


@round_.command("entries")
@_ROUND
@click.option(
    "--since", type=click.IntRange(min=0), default=0, help="Entry to start from."
)
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@shared_options
@click.pass_context
def entries(
    context: click.Context, round_id: str, since: int, limit: int
) -> ExitStatus:
    """List what a round reviews, without who acted and about whom.

    \b
    Examples:
      fedsafe round entries ROUND
      fedsafe round entries ROUND --since 4711 --limit 200 --json
    """  # noqa: D301
    settings, language = settings_of(context), settings_of(context).language
    answer = _page(personal(settings), round_id, since, limit)
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            each["index"],
            readable("at", each["at"]),
            round_record.word(words.KINDS, each["kind"], language),
            each["event"],
            meant("outcome", each["outcome"], settings),
            words.OWN.said(language)
            if each["own"]
            else round_record.word(words.VERDICTS, each.get("verdict"), language),
        ]
        for each in answer["entries"]
    ]
    if not rows:
        line(_NOTHING.said(language))
        return OK
    names = ("entry", "at", "kind", "event", "outcome", "found")
    table(headings(settings, *names), rows)
    if answer["more"]:
        note(_GO_ON.said(language).format(next=answer["next"]))
    return OK


@round_.command("entry")
@_ROUND
@click.argument("index", metavar="ENTRY", type=click.IntRange(min=0))
@shared_options
@click.pass_context
def entry(context: click.Context, round_id: str, index: int) -> ExitStatus:
    """Show one entry whole, people under pseudonyms, and what was found of it.

    That you have looked is an event, about the same account as the entry.

    \b
    Example:
      fedsafe round entry 0a1b2c3d4e5f60718293a4b5c6d7e8f9 4711
    """  # noqa: D301
    settings, language = settings_of(context), settings_of(context).language
    answer = personal(settings).get(f"{_target(round_id)}/entries/{index}")
    if settings.json:
        document(answer)
        return OK
    event = answer["entry"]
    detail = event.get("detail")
    rows = {
        "entry": event["index"],
        "at": readable("at", event["at"]),
        "kind": round_record.word(words.KINDS, answer["kind"], language),
        "event": f"{event['event']}: {round_record.meaning(event['event'], language)}",
        "outcome": meant("outcome", event["outcome"], settings),
        "purpose": meant("purpose", event["purpose"], settings),
        "actor": event.get("actor"),
        "account": account_in(event),
        "detail": detail_of(detail, settings) if detail else None,
        "own": yes_or_no(answer["own"], settings),
        "found": round_record.word(words.VERDICTS, answer.get("verdict"), language)
        or None,
        "breach": answer.get("breach"),
        "why": "; ".join(answer["notes"]) or None,
    }
    pairs([(say(name, settings), value) for name, value in rows.items()], indent="")
    return OK


@round_.command("mark")
@_ROUND
@click.argument("indices", metavar="ENTRY...", type=click.IntRange(min=0), nargs=-1)
@click.option(
    "--verdict",
    type=click.Choice(_VERDICTS),
    required=True,
    metavar="WORD",
    help=one_of("What you find", _VERDICTS),
)
@click.option("--breach", metavar="BREACH", help="Breach that was opened for it.")
@shared_options
@click.pass_context
def mark(context: click.Context, /, round_id: str, **given: Any) -> ExitStatus:  # noqa: ANN401
    """Say what you find of entries: all of them or none; the reason is read from stdin.

    The reason has up to 2,000 characters and no identifiers. A later mark takes the
    place of an earlier one. What is to be asked about has no final mark yet.

    \b
    Examples:
      echo "as in ticket 7" | fedsafe round mark ROUND 12 40 --verdict plausible
      fedsafe round mark ROUND 41 --verdict incident --breach BREACH < reason.txt
    """  # noqa: D301
    settings, target = settings_of(context), f"{_target(round_id)}/mark"
    if not given["indices"]:
        raise misused(Phrase("name at least one entry"))
    body = {
        "entries": list(given["indices"]),
        "verdict": given["verdict"],
        "note": _typed(settings, _ASK, _UNFOUND),
    }
    if given["breach"]:
        body["breach"] = given["breach"]
    return _tell(settings, personal(settings).change(target, body))


@round_.command("sign")
@_ROUND
@shared_options
@click.pass_context
def sign(context: click.Context, round_id: str) -> ExitStatus:
    """Sign that the log is reviewed to where the round ends.

    Each entry that is not your own act has a final mark then: plausible or incident.

    \b
    Example:
      fedsafe round sign 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """  # noqa: D301
    settings = settings_of(context)
    return _tell(settings, personal(settings).change(f"{_target(round_id)}/sign", None))


@round_.command("questions")
@shared_options
@click.pass_context
def questions(context: click.Context) -> ExitStatus:
    """List what review rounds ask you about acts of your own; anybody may be asked.

    \b
    Example:
      fedsafe round questions
    """  # noqa: D301
    settings, language = settings_of(context), settings_of(context).language
    answer = personal(settings).get(_QUESTIONS)
    if settings.json:
        document(answer)
        return OK
    rows = [
        [
            each["question"],
            shown(each["at"]),
            ", ".join(f"{one['index']} ({one['event']})" for one in each["entries"]),
            each.get("asks"),
        ]
        for each in answer["questions"]
    ]
    if rows:
        names = ("question", "at", "entries", "why")
        table(headings(settings, *names), rows)
    else:
        line(_UNASKED.said(language))
    return OK


@round_.command("answer")
@click.argument("question", metavar="QUESTION", type=click.IntRange(min=0))
@shared_options
@click.pass_context
def answer(context: click.Context, question: int) -> ExitStatus:
    """Answer what a round asks you; the answer is read from stdin, and kept once.

    It has up to 2,000 characters and no identifiers, and stands in the round under your
    pseudonym.

    \b
    Example:
      echo "for ticket 7" | fedsafe round answer 12
    """  # noqa: D301
    settings = settings_of(context)
    body = {"answer": _typed(settings, _SAY, _UNSAID)}
    found = personal(settings).change(f"{_QUESTIONS}/{question}/answer", body)
    if settings.json:
        document(found)
    else:
        line(_ANSWERED.said(settings.language))
    return OK


@round_.command("print")
@_ROUND
@click.option(
    "--html", metavar="FILE", help="Write a page to print, to a new file, instead."
)
@shared_options
@click.pass_context
def print_(context: click.Context, round_id: str, html: str | None) -> ExitStatus:
    """Write the record of a round, to print and to keep: entries, findings, signature.

    It names no account. Fetching it is an event.

    \b
    Examples:
      fedsafe round print ROUND | less
      fedsafe round print ROUND --lang de --html runde.html
    """  # noqa: D301
    settings, target = settings_of(context), _target(round_id)
    if html is not None:
        check_new(html)
    node = personal(settings)
    record = {
        "round": _checked(node.get(target)),
        "entries": [
            each for page in _pages(node, round_id) for each in page["entries"]
        ],
        "marks": node.get(f"{target}/marks")["marks"],
    }
    if settings.json:
        document(record)
    elif html is None:
        for each in round_record.as_text(record, settings.language).splitlines():
            line(each)
    if html is not None:
        new_files((html, round_record.as_page(record, settings.language)))
        note(say("written: {file}", settings, file=printable(html)))
    return OK


def _target(round_id: str) -> str:
    if len(round_id) != 32 or set(round_id) - set("0123456789abcdef"):  # noqa: PLR2004
        raise misused(Phrase("a round is named by 32 hexadecimal digits"))
    return f"{_ROUNDS}/{round_id}"


def _page(node: Client, round_id: str, since: int, limit: int) -> dict[str, Any]:
    query = urlencode({"since": since, "limit": limit})
    answer = node.get(f"{_target(round_id)}/entries?{query}")
    if not isinstance(answer, dict) or not isinstance(answer.get("entries"), list):
        raise BrokenAnswerError(Phrase("the node's answer lists no entries"))
    return answer


def _pages(node: Client, round_id: str) -> Iterator[dict[str, Any]]:
    since, more = 0, True
    while more:
        page = _page(node, round_id, since, _A_PAGE)
        yield page
        since, more = page["next"], page["more"]


def _typed(settings: Settings, ask: Phrase, lacking: Phrase) -> str:
    """Read a text from standard input; a person is asked for it."""
    if sys.stdin.isatty():
        note(ask.said(settings.language))
    text = sys.stdin.buffer.read(_MOST_READ).decode("utf-8", "replace").strip()
    if not text:
        raise misused(lacking)
    return text


def _checked(answer: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    if not isinstance(answer, dict) or not isinstance(answer.get("round"), str):
        raise BrokenAnswerError(Phrase("the node's answer shows no round"))
    return answer


def _tell(settings: Settings, asked: Any) -> ExitStatus:  # noqa: ANN401 (JSON)
    answer: Mapping[str, Any] = _checked(asked)
    if settings.json:
        document(answer)
    else:
        pairs(round_record.facts(answer, settings.language), indent="")
    return OK
