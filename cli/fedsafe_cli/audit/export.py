# SPDX-License-Identifier: Apache-2.0
"""`fedsafe audit export`: a part of the audit log that others can verify."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import urlencode

import click

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import (
    BrokenAnswerError,
    SettingsError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.labels import field, say
from fedsafe_cli.terminal.moments import start_of
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, note, pairs
from fedsafe_cli.terminal.progress import receiving
from fedsafe_cli.terminal.sessions import personal
from fedsafe_cli.terminal.settings import Settings, printable
from fedsafe_policies.ground.catalogue import Phrase, Told
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from fedsafe_node.evidence.verify import Report

_TARGET: Final = "/v1/audit/export"
_ASKED: Final = frozenset({"trust", "charter"})
"""What whoever verifies the pack asks somebody else, so nothing is lacking here."""
_TIMEOUT: Final = 3_600.0
_NEXT: Final = (
    "nothing is written yet: let another person run `{command}`, then `{then}`"
)


@click.command("export", cls=SpokenCommand)
@click.option("--from", "first", type=click.IntRange(min=0), help="First entry.")
@click.option("--to", "last", type=click.IntRange(min=0), help="Last entry.")
@click.option(
    "--since", metavar="YYYY-MM-DD", callback=start_of, help="First day (UTC)."
)
@click.option(
    "--until", metavar="YYYY-MM-DD", callback=start_of, help="Day after the last one."
)
@click.option(
    "--event",
    multiple=True,
    metavar="CLASS",
    help="Only events of this class; may be repeated.",
)
@click.option(
    "--without-openings",
    is_flag=True,
    help="Only records, without openings; one person is enough.",
)
@click.option(
    "--for",
    "recipient",
    metavar="NAME",
    help="Authority, court or firm that gets it; default: this provider keeps it.",
)
@click.option("--act", metavar="ACT", help="Approval of exactly this export.")
@click.option(
    "--anchors-from",
    type=click.IntRange(min=0),
    help="First leaf of the anchor to include.",
)
@click.option(
    "-o", "--out", required=True, metavar="FILE.zip", help="New file to write."
)
@shared_options
@click.pass_context
def export(context: click.Context, /, out: str, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Write an evidence pack: entries, proofs, keys, policies and a verifier.

    The command also says which entries nothing in the pack proves.

    With openings it takes two people: the first call exits with status 13; after
    another person's `fedsafe act approve`, run the command that it printed. The export
    is recorded in the recipient ledger, so name the recipient: an organisation, never a
    person.

    \b
    Examples:
      fedsafe audit export --without-openings -o pack.zip
      fedsafe audit export --from 12 --to 40 --for police.example -o pack.zip
      fedsafe audit export --from 12 --to 40 --for police.example \\
        --act ACT -o pack.zip
    """  # noqa: D301
    settings = settings_of(context)
    act, bare = given["act"], given["without_openings"]
    if act is not None and bare:
        raise misused(Phrase("--act is for an export with openings"))
    if os.path.lexists(out):
        raise SettingsError(
            Phrase("{file} exists already").filled(file=printable(out)),
            Phrase("name a new file"),
        )
    client, part = personal(settings), _part(given)
    if act is None and not bare:
        asked = client.post(_TARGET, part)
        if settings.json:
            document(asked)
        note(_next_step(settings, asked, given["anchors_from"]))
        return ExitStatus.WAITING
    wanted = {"act": act, "anchors": given["anchors_from"]}
    query = urlencode(part | {k: v for k, v in wanted.items() if v is not None})
    report = _fetch(client, f"{_TARGET}?{query}" if query else _TARGET, out)
    told = {"file": out, **_described(report, settings)}
    unproved = [each for each in report.unproved if each.code not in _ASKED]
    if settings.json:
        document(told | {"unproved": [each.code for each in unproved]})
        return OK
    rows = [(field(name, settings), each) for name, each in told.items()]
    label = field("unproved", settings)
    rows += [
        (label, each.de if settings.language == "de" else each.en) for each in unproved
    ]
    pairs(rows, indent="")
    return OK


def _part(given: dict[str, Any]) -> dict[str, int | str]:
    names = ("first", "last", "since", "until", "recipient")
    part = {name: given[name] for name in names if given[name] is not None}
    return part | ({"events": ",".join(given["event"])} if given["event"] else {})


def _next_step(
    settings: Settings,
    asked: Any,  # noqa: ANN401 (JSON)
    anchors: int | None,
) -> str:
    try:
        content, act = asked["content"], asked["act"]
        start, end = content["start"], content["end"]
        classes = "".join(f" --event {name}" for name in content.get("events") or ())
        recipient = str(content.get("recipient") or "")
    except (KeyError, TypeError):
        raise BrokenAnswerError(Phrase("the node's answer names no act")) from None
    leaves = f" --anchors-from {anchors}" if anchors is not None else ""
    made_for = f" --for {quote(recipient)}" if recipient else ""
    then = (
        f"fedsafe audit export --from {start} --to {end - 1}{classes}{made_for}"
        f"{leaves} --act {act} -o FILE.zip"
    )
    return say(_NEXT, settings, command=f"fedsafe act approve {act}", then=then)


def _fetch(client: Client, target: str, out: str) -> "Report":
    """Write the pack beside its place, verify it there, then give it its name."""
    draft = f"{out}.{os.getpid()}.part"
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(draft, flags, 0o600), "w+b") as file:
            receive(client, target, file.write)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            report = _verified(file)
        os.link(draft, out)
    except OSError as error:
        raise SettingsError(
            Phrase("{file}: {why}").filled(file=printable(out), why=reason_of(error))
        ) from None
    finally:
        with suppress(FileNotFoundError):
            Path(draft).unlink()
    return report


def receive(client: Client, target: str, write: Callable[[bytes], object]) -> None:
    """Hand the pieces of an answer to *write*, with a bar where somebody watches."""
    with receiving() as advance:

        def sink(piece: bytes) -> None:
            write(piece)
            if advance is not None:
                advance(len(piece))

        client.download(target, sink, timeout=_TIMEOUT)


def _described(report: "Report", settings: Settings) -> dict[str, object]:
    # Programs read one language.
    spoken = replace(settings, lang="en") if settings.json else settings
    entries = say(
        "{start} to {end} of {size}",
        spoken,
        start=report.start,
        end=report.end - 1,
        size=report.size,
    )
    return {
        "entries": entries,
        **report.counts,
        "cosigned": _cosigned(report, spoken),
        "fingerprint": report.fingerprint,
        "charter": report.charter or None,
    }


def _cosigned(report: "Report", settings: Settings) -> str:
    if not report.witnesses:
        return say("nothing", settings)
    return say(
        "entries 0 to {last} by {names} (anchors {first} to {end})",
        settings,
        last=report.cosigned - 1,
        names=", ".join(name for name, _ in report.witnesses),
        first=report.first_anchor,
        end=report.anchors - 1,
    )


def _verified(file: BinaryIO) -> "Report":
    from fedsafe_node.evidence.verify import PackError, verify_pack  # noqa: PLC0415

    try:
        return verify_pack(file)
    except PackError as error:
        why = Told({"en": str(error), "de": error.german})
        raise BrokenAnswerError(
            Phrase("the pack does not verify: {}").filled(why),
            Phrase("see `fedsafe audit verify`"),
        ) from None
