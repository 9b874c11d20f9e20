# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit`: is the log complete, and what is in it?"""

from typing import Any, Final

import click

from fedsafe_cli.audit.export import export
from fedsafe_cli.audit.hold import hold
from fedsafe_cli.audit.losses import count_lost, tell_lost
from fedsafe_cli.audit.report import report
from fedsafe_cli.audit.search import search
from fedsafe_cli.audit.tiles import tiles
from fedsafe_cli.audit.upkeep import access, erase, gaps, reveal, subject, withhold
from fedsafe_cli.audit.verify import verify_directory
from fedsafe_cli.doctor.texts import told
from fedsafe_cli.terminal.errors import BrokenAnswerError, NotRunningError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus, damage_status
from fedsafe_cli.terminal.findings import read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import coded, field, headings, say
from fedsafe_cli.terminal.moments import readable, shown, written
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import words
from fedsafe_node.words.codes import label
from fedsafe_policies.ground.catalogue import Phrase

_TIMEOUT: Final = 600.0
_MOVED: Final = "this store is old: it has moved, and goes on at {where}"
_PARTS: Final = {
    "files": Phrase.within("part of a seal", "files"),
    "main": Phrase.within("part of a seal", "main"),
}


@click.group(cls=SpokenGroup)
def audit() -> None:
    """Verify the node's logs and read its audit log.

    \b
    Examples:
      fedsafe audit verify
      fedsafe audit search --event lookup --since 2026-11-01
      fedsafe audit report --account account-17 --since 2026-11-01
      fedsafe audit show 17 --proof
      fedsafe audit export --without-openings -o pack.zip
    """  # noqa: D301


audit.add_command(export)
audit.add_command(search)
audit.add_command(tiles)
for _command in (subject, report, access, gaps, erase, reveal, withhold, hold):
    audit.add_command(_command)


@audit.command("verify")
@shared_options
@click.pass_context
def verify(context: click.Context) -> ExitStatus:
    """Verify all logs from end to end, and the tables that decide a match.

    Exit status 20 if something was changed, 21 if entries are missing, 22 if the
    database cannot be read; the first bad entry is named. Entries that a restore has
    declared lost count as missing, though nothing is damaged. If no node answers, its
    directory is verified as it is, and nothing in it is changed.

    \b
    Example:
      fedsafe audit verify
    """  # noqa: D301
    settings = settings_of(context)
    client = personal(settings)
    try:
        answer = client.post("/v1/audit/verify", None, timeout=_TIMEOUT)
    except NotRunningError as error:
        answer = verify_directory(client.directory, error)
        note(words("verified_directory", language=settings.language))
    if not isinstance(answer, dict) or not isinstance(answer.get("logs"), list):
        raise BrokenAnswerError(Phrase("the node's answer lists no logs"))
    ok = answer.get("ok") is True
    if settings.json:
        document(answer)
    else:
        names = ("log", "entries", "openings", "erased", "verdict", "root")
        logs = [log_row(log, settings) for log in answer["logs"]]
        table(headings(settings, *names), logs)
        tables = answer.get("tables") or []
        if tables:
            line()
            rows = [table_row(each, settings) for each in tables]
            table(headings(settings, "table", "rows", "verdict"), rows)
        line(words("logs_ok" if ok else "logs_bad", language=settings.language))
        tell_lost(answer, settings)
        if where := answer.get("moved"):
            line(say(_MOVED, settings, where=printable(str(where))))
    if not ok:
        return damage_status(answer)
    return ExitStatus.LOG_INCOMPLETE if answer.get("lost") else OK


def log_row(log: dict[str, Any], settings: Settings) -> list[object]:
    """Show what was found of a log: name, sizes, verdict and root."""
    verdict = coded("ok", settings)
    if not log.get("ok"):
        first, last = log.get("first_bad_index"), log.get("last_bad_index")
        why = told(log.get("why"), log.get("why_made")).said(settings.language)
        places = {"why": why, "first": first, "last": last}
        if last is None:
            verdict = say("{why} at entry {first}", settings, **places)
        else:
            text = "{why} somewhere in the entries {first} to {last}"
            verdict = say(text, settings, **places)
    names = ("log", "size", "openings", "erased")
    return [*(log.get(name) for name in names), verdict, log.get("root")]


def table_row(checked: dict[str, Any], settings: Settings) -> list[object]:
    """Show what was found of a table: name, rows and verdict."""
    verdict = coded("ok", settings)
    if not checked.get("ok"):
        at = checked.get("first_bad")
        why = told(checked.get("why"), checked.get("why_made"))
        verdict = why.said(settings.language)
        if at:
            at = label(_PARTS, at, language=settings.language)
            verdict = say("{why} at {at}", settings, why=verdict, at=at)
        if checked.get("first_bad_row") is not None:
            row = checked["first_bad_row"]
            verdict = say("{verdict} (row {row})", settings, verdict=verdict, row=row)
    return [checked.get("table"), checked.get("rows"), verdict]


@audit.command("status")
@shared_options
@click.pass_context
def status(context: click.Context) -> ExitStatus:
    """Show the state of the audit log, and the fingerprint of its key.

    Exit status 21 if entries are missing before its end, or were declared lost.

    \b
    Example:
      fedsafe audit status --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = personal(settings).get("/v1/audit/status", timeout=_TIMEOUT)
    if not isinstance(answer, dict) or not isinstance(answer.get("missing"), int):
        raise BrokenAnswerError(Phrase("the node's answer says nothing of its log"))
    if settings.json:
        document(answer)
    else:
        names = {
            "size": "entries",
            "kept_size": "last signed",
            "kept_at": "signed at",
            "minimum": "pruned below",
            "lost": "declared lost",
            "nightly": "last nightly check",
        }
        told = answer | {
            "cosigned": _cosigned(answer.get("cosigned"), settings),
            "kept_at": shown(answer.get("kept_at")) or None,
            "nightly": _nightly(answer.get("nightly"), settings),
            "minimum": answer.get("minimum") or None,
            "lost": count_lost(answer),
        }
        pairs(
            [
                (field(names.get(str(name), str(name)), settings), value)
                for name, value in told.items()
            ]
        )
        tell_lost(answer, settings)
    is_whole = not answer["missing"] and not answer.get("lost")
    return OK if is_whole else ExitStatus.LOG_INCOMPLETE


def _nightly(found: object, settings: Settings) -> str:
    """Say what the newest nightly check of the log has found."""
    if not isinstance(found, dict) or not isinstance(found.get("ok"), bool):
        return say("none yet", settings)
    at, size = shown(found.get("at")), found.get("size")
    if found["ok"]:
        return say("{size} entries intact, {at}", settings, size=size, at=at)
    first, why = (
        found.get("first_bad_index"),
        told(found.get("why"), found.get("why_made")),
    )
    return say(
        "damaged at entry {first}, {at}: {why}", settings, first=first, at=at, why=why
    )


def _cosigned(told: object, settings: Settings) -> str:
    if not isinstance(told, dict) or not isinstance(told.get("by"), list):
        return say("nothing yet", settings)
    by = ", ".join(
        say(
            "{name} at {at}",
            settings,
            name=each.get("name"),
            at=readable("at", each.get("at")),
        )
        for each in told["by"]
    )
    return say("{size} entries, by {by}", settings, size=told.get("size"), by=by)


@audit.command("show")
@click.argument("index", type=click.IntRange(min=0))
@click.option("--proof", is_flag=True, help="Include its proof in the signed tree.")
@reading_purpose
@shared_options
@click.pass_context
def show(
    context: click.Context, index: int, *, proof: bool, purpose: str | None
) -> ExitStatus:
    """Show one entry: its record, and its openings as far as they are not erased.

    \b
    Examples:
      fedsafe audit show 17
      fedsafe audit show 17 --proof --json
    """  # noqa: D301
    settings = settings_of(context)
    target = f"/v1/audit/entries/{index}{'?proof=true' if proof else ''}"
    answer = personal(settings).get(read_for(target, purpose))
    if not isinstance(answer, dict) or not isinstance(answer.get("openings"), dict):
        raise BrokenAnswerError(Phrase("the node's answer shows no entry"))
    if settings.json:
        document(_in_moments(answer))
        return OK
    rows: list[tuple[str, object]] = [
        (say(name, settings), answer.get(name)) for name in ("index", "record", "leaf")
    ]
    rows += answer["openings"].items()
    erased = answer.get("erased", {}).items()
    rows += [(group, _erased(at, settings)) for group, at in erased]
    withheld = say("withheld", settings)
    rows += [(group, withheld) for group in answer.get("withheld", ())]
    rows += [(say("proof", settings), node) for node in answer.get("proof") or ()]
    pairs(rows, indent="")
    if answer.get("checkpoint"):
        line()
        line(str(answer["checkpoint"]).rstrip("\n"))
    return OK


def _in_moments(answer: dict[str, Any]) -> dict[str, Any]:
    """Write the moments of erasure, which stand under the groups' names."""
    erased = answer.get("erased", {}).items()
    moments = {group: None if at is None else written(at) for group, at in erased}
    return answer | {"erased": moments}


def _erased(at: object, settings: Settings) -> str:
    if at is None:
        return say("erased", settings)
    return say("erased on {at}", settings, at=shown(at))
