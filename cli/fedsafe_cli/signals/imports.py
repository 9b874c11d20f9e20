# SPDX-License-Identifier: Apache-2.0
"""`fedsafe import`: list what was imported, show it, and undo it."""

import re
import time
from typing import Final

import click

from fedsafe_cli.signals.revocations import REASONS
from fedsafe_cli.terminal.client import Client, Json
from fedsafe_cli.terminal.confirmation import confirm
from fedsafe_cli.terminal.errors import BadInputError, BrokenAnswerError, RefusedError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.findings import one_of, read_for, reading_purpose
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.labels import field
from fedsafe_cli.terminal.moments import readable, shown, written
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs, table
from fedsafe_cli.terminal.progress import CopyingBar
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_cli.terminal.texts import words
from fedsafe_policies.ground.catalogue import Phrase

_ID: Final = re.compile(r"[0-9a-f]{32}")
_PAGE: Final = 200
_LATER: Final = 200
_OTHERS: Final = 5
_DAY: Final = len("2026-11-24")
_TIMEOUT: Final = 300.0
_ASKED: Final = Phrase("Undo this import?")
_LISTED: Final = ("began_at", "state", "author", "lines", "added")
_SHOWN: Final = (
    *("run", "state", "author", "began_at", "ended_at", "list", "lines", "added"),
    *("listed", "refused", "over", "taken_off", "stopped", "met_again", "undone_by"),
    *("undone_at", "reason"),
)


@click.group("import", cls=SpokenGroup)
def imports() -> None:
    """List and undo imports; to import, use `fedsafe signal import`.

    \b
    Examples:
      fedsafe import list
      fedsafe import undo IMPORT
    """  # noqa: D301


@imports.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, help="At most this many.")
@reading_purpose
@shared_options
@click.pass_context
def list_imports(
    context: click.Context, /, *, limit: int, purpose: str | None
) -> ExitStatus:
    """List imports, newest first.

    \b
    Example:
      fedsafe import list
    """  # noqa: D301
    settings = settings_of(context)
    found = _all(personal(settings), limit, purpose)
    if settings.json:
        document({"imports": found})
    elif not found:
        line(words("no_imports", language=settings.language))
    else:
        rows = [
            [
                each["run"],
                shown(each["began_at"])[:_DAY],
                *(_told(each, name, settings) for name in _LISTED[1:]),
            ]
            for each in found
        ]
        table([field(name, settings) for name in ("run", *_LISTED)], rows)
    return OK


@imports.command("show")
@click.argument("run", metavar="IMPORT")
@reading_purpose
@shared_options
@click.pass_context
def show_import(
    context: click.Context, /, *, run: str, purpose: str | None
) -> ExitStatus:
    """Show the result of an import.

    \b
    Example:
      fedsafe import show IMPORT
    """  # noqa: D301
    settings = settings_of(context)
    target = read_for(f"/v1/imports/{_checked(run)}", purpose)
    answer = personal(settings).get(target)
    if settings.json:
        document(answer)
        return OK
    pairs(
        [
            (field(name, settings), _told(answer, name, settings))
            for name in _SHOWN
            if answer.get(name) is not None
        ],
        indent="",
    )
    return OK


@imports.command("undo")
@click.argument("run", metavar="IMPORT")
@click.option(
    "--reason",
    type=click.Choice(REASONS),
    default="mistake",
    metavar="WORD",
    help=one_of("Reason", REASONS),
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@click.pass_context
def undo_import(
    context: click.Context, /, *, run: str, reason: str, yes: bool
) -> ExitStatus:
    """Revoke for good, at every member, all signals that an import has added.

    Own bans and drafts are withdrawn, published signals are revoked at every member.
    Signals from before the import stay. If the command breaks off, run it again: it
    continues.

    \b
    Examples:
      fedsafe import undo IMPORT
      fedsafe import undo IMPORT --reason superseded --yes
    """  # noqa: D301
    settings = settings_of(context)
    client, language = personal(settings), settings.language
    target = f"/v1/imports/{_checked(run)}"
    if not yes:
        _ask(client, target, settings)
    undone = {"withdrawn": 0, "revoked": 0}
    bar = CopyingBar(time.monotonic)
    try:
        answer = _piece(client, target, reason)
        bar.begin(words("undoing", language=language), answer["left"])
        while True:
            for name in undone:
                undone[name] += answer[name]
            if answer["state"] == "undone":
                break
            answer = _piece(client, target, reason)
            done = answer["withdrawn"] + answer["revoked"]
            bar.advance(words("undoing", language=language), done)
    finally:
        bar.stop()
    if settings.json:
        document(answer | undone)
        return OK
    count, revoked = undone["withdrawn"], undone["revoked"]
    if not count and not revoked:
        line(words("undone_already", language=language))
    else:
        line(words("undone", language=language, count=count, revoked=revoked))
    if answer["met_again"]:
        _tell_others(client, run, answer["met_again"], language=language)
    return OK


def _tell_others(client: Client, run: str, count: int, *, language: str) -> None:
    """Say which later imports may have met what was undone.

    The same table once more, of which nothing was added, is none to import again.
    """
    own: Json = {}
    try:
        own = client.get(f"/v1/imports/{run}")
        found = _all(client, _LATER, None)
    except RefusedError:
        found = []
    later = [
        each
        for each in found
        if each["run"] != run
        and each["state"] in {"open", "done"}
        and each["began_at"] >= own["began_at"]
        and (each["state"] == "open" or each["listed"])
    ]
    others = [
        each
        for each in later
        if each["state"] == "open" or each["added"] or each["lines"] != own["lines"]
    ]
    if later and not others:
        return
    note(words("met_again", language=language, number=count))
    for each in others[:_OTHERS]:
        when, who = written(each["began_at"]), printable(str(each["author"]))
        said = words("met_in", language=language, run=each["run"], when=when, who=who)
        note(said)


def _ask(client: Client, target: str, settings: Settings) -> None:
    """Tell what the undoing does, and ask."""
    found = client.get(target)
    count = found["added"] - found["stopped"]
    if not count:
        return
    note(words("ask_undo", language=settings.language, count=count))
    confirm(_ASKED, settings, without="without a terminal: --yes")


def _piece(client: Client, target: str, reason: str) -> Json:
    body = {"reason": reason}
    answer = client.change(f"{target}/undo", body, timeout=_TIMEOUT, keyed=False)
    if not isinstance(answer, dict) or not {"state", "left"} <= answer.keys():
        raise BrokenAnswerError(Phrase("the node's answer has no state"))
    return answer


def _all(client: Client, limit: int, purpose: str | None) -> list[Json]:
    found: list[Json] = []
    before = ""
    while len(found) < limit:
        page = min(limit - len(found), _PAGE)
        target = read_for(f"/v1/imports?limit={page}{before}", purpose)
        answer = client.get(target)
        found += answer["imports"]
        if not answer["more"] or not answer["imports"]:
            break
        before = f"&before={found[-1]['run']}"
    return found


def _told(found: Json, name: str, settings: Settings) -> object:
    if name == "state":
        return words(f"import_{found[name]}", language=settings.language)
    return readable(name, found[name])


def _checked(run: str) -> str:
    if _ID.fullmatch(run) is None:
        raise BadInputError(
            Phrase("that is no import's id"), Phrase("see `fedsafe import list`")
        )
    return run
