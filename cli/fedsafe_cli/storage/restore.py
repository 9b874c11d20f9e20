# SPDX-License-Identifier: Apache-2.0
"""`fedsafe restore`: bring a backup back into the living federation.

`fedsafe_node` is imported inside the command: it is what a lookup must not pay for.
"""

import asyncio
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.storage.backup import translated
from fedsafe_cli.terminal.errors import (
    NodeUnreachableError,
    ProgrammeError,
    WrongStateError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, pairs
from fedsafe_cli.terminal.progress import CopyingBar
from fedsafe_cli.terminal.settings import Settings, printable, printed
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.operations.backup.errors import PastLostError
    from fedsafe_node.operations.restore.journey import Outcome
    from fedsafe_node.operations.restore.placement import Request

_TEXTS: Final = {
    "check": Phrase("checking the backup"),
    "fetch": Phrase("fetching the own feed back"),
    "restored": Phrase("restored: {node}"),
    "was_there": Phrase("an earlier call had done all but the end: {node} is ready"),
    "feed": Phrase("entries of the own feed"),
    "records": Phrase("of these fetched back"),
    "openings": Phrase("signals fetched back"),
    "statements": Phrase("restrictions caught up"),
    "handed": Phrase("recipients entered again"),
    "lost": Phrase("lost entries of the audit log"),
    "limited": Phrase("go to nobody else (their audience is lost)"),
    "lacking": Phrase("signals without what they say (no member has it)"),
    "gone": Phrase("keys that are gone"),
    "absent": Phrase("not asked"),
    "unknown": Phrase(
        "what stood only here since the backup is lost: own bans, cases, "
        "requests, accounts. Check locked accounts and revoked credentials, and "
        "repeat the erasures since the backup"
    ),
    "share": Phrase(
        "this node has no share of the key any more: it asks the others, and gets "
        "a new one with the next resharing"
    ),
    "next": Phrase("start it: {command}"),
}
_COUNTS: Final = ("records", "openings", "statements", "handed", "limited", "lacking")


@click.command(cls=SpokenCommand)
@click.argument("backup", metavar="DIRECTORY")
@click.option(
    "--dir",
    "directory",
    required=True,
    metavar="DIR",
    help="Directory of the node: the old one without its store, or a new one.",
)
@click.option(
    "--by",
    required=True,
    metavar="NAME",
    help="Who restores; the audit log names them.",
)
@click.option(
    "--reason",
    required=True,
    metavar="REFERENCE",
    help="Reference to the reason, such as ticket-7; the audit log records it.",
)
@click.option("--keys", metavar="FILE", help="File that `fedsafe backup --keys` wrote.")
@click.option(
    "--custody-key", metavar="FILE", help="The private custody key, to open --keys."
)
@click.option(
    "--statement-key",
    metavar="HEX",
    help="Public key that has signed --keys, if it is newer than the backup.",
)
@click.option(
    "--absent",
    multiple=True,
    metavar="MEMBER",
    help="Leave out a member that does not answer; may be repeated.",
)
@click.option(
    "--give-up-unseen",
    is_flag=True,
    help="Give up entries of the feed that only the guard file knows of.",
)
@shared_options
@click.pass_context
def restore(context: click.Context, /, **given: Any) -> ExitStatus:  # noqa: ANN401 (options)
    """Restore a stopped node from a backup, into the running federation.

    The node first fetches its own feed from the other members, restrictions first, and
    records in its audit log which entries are lost and who restored it. It takes that
    person from --by: accounts cannot be checked while the node is stopped. Until this
    is done, nothing is signed or sent. If the command breaks off, run it again; the
    node does not start before it has finished. Exit status 4 if a member does not
    answer, 5 if somebody has seen more of the feed than any member holds, 20 or 21 if
    the backup is not intact.

    \b
    Examples:
      fedsafe restore /mnt/backup/monday --dir /srv/fedsafe \\
        --by olaf --reason ticket-7
      fedsafe restore /mnt/backup/monday --dir /srv/fedsafe \\
        --by olaf --reason ticket-7 --keys /media/usb/monday.keys \\
        --custody-key /media/safe/custody.key
    """  # noqa: D301
    from fedsafe_node.operations.restore.placement import Request  # noqa: PLC0415 (slow to load)

    settings = settings_of(context)
    keys, custody = given["keys"], given["custody_key"]
    if (keys is None) != (custody is None):
        raise misused(Phrase("--keys and --custody-key belong together"))
    if given["statement_key"] is not None and keys is None:
        raise misused(Phrase("--statement-key says who has signed --keys"))
    request = Request(
        Path(given["backup"]),
        given["by"],
        given["reason"],
        keys=Path(keys) if keys else None,
        custody=Path(custody) if custody else None,
        statement_key=_public_key(given["statement_key"]),
        absent=given["absent"],
        give_up=given["give_up_unseen"],
    )
    directory = Path(given["directory"])
    return translated(lambda: _told(lambda: _restore(settings, directory, request)))


def _public_key(text: str | None) -> bytes | None:
    if text is None:
        return None
    if re.fullmatch(r"[0-9a-fA-F]{64}", text) is None:
        raise misused(Phrase("--statement-key takes 64 hexadecimal digits"))
    return bytes.fromhex(text)


def _restore(settings: Settings, directory: Path, request: "Request") -> ExitStatus:
    from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
    from fedsafe_node.ground.config import Place  # noqa: PLC0415
    from fedsafe_node.operations.restore.journey import restore_node  # noqa: PLC0415

    watcher = _watcher(settings)
    began = time.monotonic()
    restoring = restore_node(Place(directory), request, SystemClock(), watcher=watcher)
    try:
        outcome = asyncio.run(restoring)
    finally:
        watcher.bar.stop()
    seconds = round(time.monotonic() - began, 1)
    if settings.json:
        document({**asdict(outcome), "seconds": seconds})
    else:
        _tell(settings, directory, outcome)
    return OK


def _tell(settings: Settings, directory: Path, outcome: "Outcome") -> None:
    if outcome.was_there:
        line(_say("was_there", settings, node=outcome.node))
    else:
        line(_say("restored", settings, node=outcome.node))
        counts = asdict(outcome.adopted)
        rows: list[tuple[str, object]] = [(_say("feed", settings), outcome.feed)]
        rows += [(_say(name, settings), counts[name]) for name in _COUNTS]
        rows.append((_say("lost", settings), outcome.lost))
        if outcome.absent:
            rows.append((_say("absent", settings), ", ".join(outcome.absent)))
        if outcome.gone:
            rows.append((_say("gone", settings), ", ".join(outcome.gone)))
        pairs(rows)
        note(_say("unknown", settings))
        if any(name.startswith("share-") for name in outcome.gone):
            note(_say("share", settings))
    place = shlex.quote(printable(str(directory)))
    line(_say("next", settings, command=f"fedsafe node run --config {place}"))


def _say(key: str, settings: Settings, **values: object) -> str:
    return _TEXTS[key].said(settings.language).format(**values)


def _watcher(settings: Settings) -> Any:  # noqa: ANN401 (its class is slow to load)
    from fedsafe_node.operations.restore.journey import Watcher  # noqa: PLC0415

    class Shown(Watcher):
        """Shows what is going on."""

        def __init__(self) -> None:
            self.bar = CopyingBar(time.monotonic)
            self._step = ""

        def read(self, count: int) -> None:
            self._show("check", count)

        def records(self, count: int) -> None:
            self._show("fetch", count)

        def _show(self, step: str, count: int) -> None:
            if settings.json:
                return
            text = _say(step, settings)
            if step != self._step:
                self.bar.begin(text, None)
                self._step = step
            self.bar.advance(text, count)

    return Shown()


def _told(run: Callable[[], ExitStatus]) -> ExitStatus:
    from fedsafe_federation.errors import FederationError  # noqa: PLC0415 (slow)
    from fedsafe_node.ground.errors import StoreBusyError  # noqa: PLC0415
    from fedsafe_node.operations.backup.errors import (  # noqa: PLC0415
        MembersAwayError,
        PastLostError,
    )

    try:
        return run()
    except MembersAwayError as error:
        left = " ".join(f"--absent {name}" for name in error.names)
        raise NodeUnreachableError(
            printed(error),
            Phrase(
                "wait until they answer, or ask them by telephone what they "
                "hold of your feed and leave them out with {left}: if one "
                "comes back with more, everybody sees two histories"
            ).filled(left=left),
        ) from None
    except PastLostError as error:
        raise WrongStateError(printed(error), _way_out(error)) from None
    except StoreBusyError as error:
        hint = Phrase("stop the node first, and end another `fedsafe restore`")
        raise WrongStateError(printed(error), hint) from None
    except FederationError as error:
        raise ProgrammeError(
            printed(error),
            Phrase("run the same command again once that is mended"),
        ) from None


def _way_out(error: "PastLostError") -> Phrase:
    if error.witness is not None:
        return Phrase(
            "a member that holds more may be away: run this again once all answer; if "
            "nobody ever does, your node needs a new name"
        )
    return Phrase(
        "a member that was away may hold it: run this again once all answer; if you "
        "are sure that nobody has it, --give-up-unseen"
    )
