# SPDX-License-Identifier: Apache-2.0
"""`fedsafe evidence`: proof that a member has forked a log, to check and hand on."""

import json
from pathlib import Path
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import (
    BadInputError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase, all_said
from fedsafe_policies.ground.system_reasons import reason_of

_MOST: Final = 64 * 1024
_EMPTY: Final = Phrase("no evidence is kept")
_HEADINGS: Final = (Phrase("log"), Phrase("member"), Phrase("digest"))
_PROVEN: Final = Phrase(
    "PROVEN: {log} has signed two histories, of {old} and of {new} entries"
)
_KEY_FITS: Final = Phrase("the key is the one that you have named")
_KEY_OPEN: Final = Phrase(
    "it does not say whether the key is that member's: compare {key}"
)
_TAKEN: Final = Phrase(
    "taken: the signals of {origin} rest, and the other members are told"
)
_ALARMED: Final = Phrase(
    "taken: {log} is in the node's health; the other members are told"
)
_KNOWN: Final = Phrase("that was known already, or has been lifted")
_LIFTED: Final = Phrase(
    "lifted; {origin} counts again as before, unless there is other evidence"
)

_NO_JSON: Final = Phrase("{file} holds no JSON")


@click.group(cls=SpokenGroup)
def evidence() -> None:
    """Handle proofs that a member has signed two different histories of one log.

    Two disputes with the same number are such a proof too: `b.example/disputes` names
    them.

    \b
    Examples:
      fedsafe evidence list
      fedsafe evidence export b.example/feed --out fork.json
      fedsafe evidence check fork.json
    """  # noqa: D301


@evidence.command("check")
@click.argument("file")
@click.option(
    "--key",
    metavar="VKEY",
    help="Verifier key of the log, as you know it from elsewhere.",
)
@shared_options
@click.pass_context
def check(context: click.Context, file: str, key: str | None) -> ExitStatus:
    """Check evidence offline, with nothing but the log's public key.

    Exits with status 20 if the file proves nothing, or the log has another key.

    \b
    Examples:
      fedsafe evidence check fork.json
      fedsafe evidence check fork.json --key b.example/feed+1f9c07b2+AR…
    """  # noqa: D301
    from fedsafe_federation.errors import MalformedError  # noqa: PLC0415
    from fedsafe_federation.feed.forks import ForkEvidence, open_fork  # noqa: PLC0415
    from fedsafe_federation.wire.wireformat import decode  # noqa: PLC0415

    settings = settings_of(context)
    data = read_small(file, _MOST)
    try:
        json.loads(data)
    except ValueError:
        return _refuse(settings, _NO_JSON.filled(file=printable(file)))
    try:
        shown = decode(data, ForkEvidence)
        fork = open_fork(shown)
    except MalformedError as error:
        return _refuse(settings, Phrase(str(error)))
    if key is not None and key != shown.key:
        other = Phrase("the log's key is another than you have named")
        return _refuse(settings, other)
    old, new = fork.trees
    if settings.json:
        told = {"log": fork.log, "key": shown.key, "digest": fork.digest}
        document({"proven": True, **told, "sizes": [old.size, new.size]})
        return OK
    line(_say(_PROVEN, settings).format(log=fork.log, old=old.size, new=new.size))
    line(_say(_KEY_OPEN if key is None else _KEY_FITS, settings).format(key=shown.key))
    return OK


@evidence.command("list")
@shared_options
@click.pass_context
def list_(context: click.Context) -> ExitStatus:
    """List the evidence that this node keeps.

    \b
    Example:
      fedsafe evidence list --json
    """  # noqa: D301
    settings = settings_of(context)
    answer = settings.client().get("/v1/forks")
    if settings.json:
        document(answer)
        return OK
    rows = [[each["log"], each["origin"], each["digest"]] for each in _all(answer)]
    if not rows:
        note(_say(_EMPTY, settings))
        return OK
    table(all_said(_HEADINGS, settings.language), rows)
    return OK


@evidence.command("export")
@click.argument("log")
@click.option(
    "--out", type=click.Path(path_type=Path), help="New file; default: print."
)
@shared_options
@click.pass_context
def export(context: click.Context, log: str, out: Path | None) -> ExitStatus:
    """Export the evidence about a log as one document for anybody.

    \b
    Examples:
      fedsafe evidence export b.example/feed
      fedsafe evidence export b.example/feed --out fork.json
    """  # noqa: D301
    settings = settings_of(context)
    answer = settings.client().get("/v1/forks")
    found = [each for each in _all(answer) if each["log"] == log]
    if not found:
        raise BadInputError(
            Phrase("no evidence about that log is kept"),
            Phrase("see `fedsafe evidence list`"),
        )
    if out is None:
        document(found[0]["evidence"])
        return OK
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(json.dumps(found[0]["evidence"], indent=2) + "\n")
    except OSError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=out, why=reason_of(error)),
            Phrase("name a new file"),
        ) from None
    return OK


@evidence.command("submit")
@click.argument("file")
@shared_options
@click.pass_context
def submit(context: click.Context, file: str) -> ExitStatus:
    """Submit evidence to the node; after a fork that member's signals stop matching.

    The node checks it against the charter and tells the other members.

    \b
    Example:
      fedsafe evidence submit fork.json
    """  # noqa: D301
    settings = settings_of(context)
    try:
        body: Any = json.loads(read_small(file, _MOST))
    except ValueError:
        raise BadInputError(
            _NO_JSON.filled(file=printable(file)),
            Phrase("evidence is what `fedsafe evidence export` has written"),
        ) from None
    answer = settings.client().post("/v1/forks", body)
    if settings.json:
        document(answer)
    elif not answer["new"]:
        note(_say(_KNOWN, settings))
    else:
        words = _TAKEN if answer["suspended"] else _ALARMED
        line(_say(words, settings).format(**answer))
    return OK


@evidence.command("lift")
@click.argument("log")
@click.argument("digest")
@click.option(
    "--reference",
    required=True,
    metavar="TEXT",
    help="Where the members recorded their decision.",
)
@shared_options
@click.pass_context
def lift(context: click.Context, log: str, digest: str, reference: str) -> ExitStatus:
    """Excuse one contradiction, after the members have settled what happened.

    You need the role operator or dpo, and a fresh second factor. Other evidence about
    the same log suspends the member again.

    \b
    Example:
      fedsafe evidence lift b.example/feed 3f9a… --reference minutes-2026-12-01
    """  # noqa: D301
    settings = settings_of(context)
    body = {"log": log, "digest": digest, "reference": reference}
    answer = personal(settings).post("/v1/forks/lift", body)
    if settings.json:
        document(answer)
    else:
        line(_say(_LIFTED, settings).format(origin=log.partition("/")[0]))
    return OK


def _all(answer: dict[str, Any]) -> list[dict[str, Any]]:
    # Two disputes with one number convict as two histories do.
    return [*answer["forks"], *answer.get("doubles", ())]


def _say(pair: Phrase, settings: Settings) -> str:
    return pair.said(settings.language)


def _refuse(settings: Settings, why: Phrase) -> ExitStatus:
    if settings.json:
        document({"proven": False, "why": str(why)})
    else:
        note(f"fedsafe: {why.said(settings.language)}")
    return ExitStatus.LOG_TAMPERED
