# SPDX-License-Identifier: Apache-2.0
"""`fedsafe backup`: make a backup of a node, or check one.

`fedsafe_node` is imported inside the command: it is what a lookup must not pay for.
"""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fedsafe_cli.audit.audit import log_row, table_row
from fedsafe_cli.terminal.errors import (
    CliError,
    NotRunningError,
    ProgrammeError,
    SettingsError,
    WrongStateError,
)
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus, damage_status
from fedsafe_cli.terminal.help_texts import SpokenCommand, misused
from fedsafe_cli.terminal.labels import grouped, headings
from fedsafe_cli.terminal.moments import readable
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note, table
from fedsafe_cli.terminal.progress import CopyingBar
from fedsafe_cli.terminal.settings import Settings, printable, printed
from fedsafe_policies.ground.catalogue import Phrase, listed

if TYPE_CHECKING:
    from fedsafe_node.acts.backup import BackupNote
    from fedsafe_node.ground.config import Config, Place
    from fedsafe_node.operations.backup.check import Checked
    from fedsafe_node.operations.backup.creation import Made, Wanted
    from fedsafe_node.operations.backup.errors import BackupBrokenError

_TEXTS: Final = {
    "copy": Phrase("copying"),
    "check": Phrase("checking"),
    "made": Phrase("backed up: {files} files, {bytes} bytes, digest {digest}"),
    "keys": Phrase(
        "keys in {keys}, sealed to the custody key: keep them elsewhere, and "
        "delete the previous file"
    ),
    "no_keys": Phrase("without keys: they go apart, with --keys FILE"),
    "left_out": Phrase(
        "NOT in the backup, though node.toml names it: {names}. Save these files "
        "yourself; without them the node is not whole after a restore."
    ),
    "next": Phrase("check it: {command}"),
    "whole": Phrase("whole: {node} of {at}, {files} files, digest {digest}"),
    "files_only": Phrase(
        "the files alone: with --config DIR the node's keys verify logs and tables too"
    ),
}


@click.command(cls=SpokenCommand)
@click.argument("directory", metavar="DIRECTORY")
@click.option(
    "--keys",
    metavar="FILE",
    help="Also save the keys to a separate file, sealed to the custody key.",
)
@click.option("--check", is_flag=True, help="Check a backup instead of making one.")
@shared_options
@click.pass_context
def backup(
    context: click.Context,
    /,
    directory: str,
    keys: str | None,
    check: bool,  # noqa: FBT001 (an option)
) -> ExitStatus:
    """Back up a running or stopped node to a new directory.

    Without the keys nobody can open what is sealed in the backup. --keys saves them
    apart, in a file that only the holder of the custody key can open. The audit log
    records the backup. Exit status of --check: 20, 21 or 22 if the backup is not
    intact, as with `fedsafe audit verify`. To bring a node back, use `fedsafe restore`.

    \b
    Examples:
      fedsafe backup /mnt/backup/monday --config /srv/fedsafe
      fedsafe backup /mnt/backup/monday --keys /media/usb/monday.keys
      fedsafe backup --check /mnt/backup/monday --config /srv/fedsafe
    """  # noqa: D301
    settings = settings_of(context)
    if check and keys is not None:
        raise misused(Phrase("--check takes no --keys: `fedsafe restore` opens them"))
    target = Path(directory)
    if check:
        return translated(lambda: _check(settings, target))
    return translated(lambda: _make(settings, target, Path(keys) if keys else None))


def _make(settings: Settings, target: Path, keys: Path | None) -> ExitStatus:
    from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.operations.backup.creation import Wanted, make_backup  # noqa: PLC0415

    place = Place(Path(settings.directory()))
    config = load_config(place)
    wanted, clock = Wanted(target, keys), SystemClock()
    began, bar = time.monotonic(), _Bar(settings)
    try:
        made = make_backup(
            place,
            config,
            wanted,
            clock.now(),
            _noting(settings, place, config),
            copied=bar.copied,
        )
    finally:
        bar.stop()
    seconds = round(time.monotonic() - began, 1)
    if settings.json:
        document(_answer(wanted, made, seconds))
    else:
        _tell(settings, place, wanted, made)
    return OK


def _noting(
    settings: Settings, place: "Place", config: "Config"
) -> "Callable[[BackupNote, int], None]":
    """Enter a backup in the node's audit log, through the node if it runs."""

    def enter(request: "BackupNote", schema: int) -> None:
        import asyncio  # noqa: PLC0415 (slow to load)

        import msgspec  # noqa: PLC0415

        from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
        from fedsafe_node.operations.backup.creation import note_stopped  # noqa: PLC0415

        try:
            settings.client().post("/v1/backups", msgspec.to_builtins(request))
        except NotRunningError:
            noting = note_stopped(place, config, SystemClock(), request, schema=schema)
            asyncio.run(noting)

    return enter


def _answer(wanted: "Wanted", made: "Made", seconds: float) -> dict[str, object]:
    manifest = made.manifest
    return {
        "backup": str(wanted.target),
        "keys": None if wanted.keys is None else str(wanted.keys),
        "node": manifest.node,
        "at": manifest.at,
        "digest": made.digest,
        "files": len(manifest.files),
        "bytes": manifest.size,
        "logs": manifest.logs,
        "left_out": list(made.left_out),
        "seconds": seconds,
    }


def _tell(settings: Settings, place: "Place", wanted: "Wanted", made: "Made") -> None:
    manifest = made.manifest
    table(headings(settings, "log", "entries"), list(manifest.logs.items()))
    line()
    size = grouped(manifest.size, settings)
    told = {"files": len(manifest.files), "bytes": size}
    line(_say("made", settings, digest=made.digest, **told))
    if made.left_out:
        names = printable(", ".join(made.left_out))
        note(_say("left_out", settings, names=names))
    if wanted.keys is None:
        line(_say("no_keys", settings))
    else:
        line(_say("keys", settings, keys=printable(str(wanted.keys))))
    command = " ".join(
        (
            *("fedsafe backup --check", shlex.quote(printable(str(wanted.target)))),
            *("--config", shlex.quote(printable(str(place.directory)))),
        )
    )
    line(_say("next", settings, command=command))


def _check(settings: Settings, directory: Path) -> ExitStatus:
    from fedsafe_node.ground.config import Place  # noqa: PLC0415
    from fedsafe_node.operations.backup.check import check_backup  # noqa: PLC0415

    keys = Place(Path(settings.directory())) if settings.named else None
    bar = _Bar(settings)
    try:
        checked = check_backup(directory, keys, bar.read)
    finally:
        bar.stop()
    answer = _checked(directory, checked)
    if settings.json:
        document(answer)
    else:
        _tell_checked(settings, checked, answer["verified"])
    verified = checked.verified
    if verified is None or verified.ok:
        return OK
    return damage_status(answer["verified"])


def _checked(directory: Path, checked: "Checked") -> dict[str, Any]:
    import msgspec  # noqa: PLC0415 (slow to load)

    verified, manifest = checked.verified, checked.manifest
    return {
        "backup": str(directory),
        "node": manifest.node,
        "at": manifest.at,
        "digest": checked.digest,
        "files": len(manifest.files),
        "bytes": manifest.size,
        "keys": manifest.keys is not None,
        "ok": verified is None or verified.ok,
        "verified": None if verified is None else msgspec.to_builtins(verified),
    }


def _tell_checked(
    settings: Settings, checked: "Checked", verified: dict[str, Any] | None
) -> None:
    if verified is not None:
        names = ("log", "entries", "openings", "erased", "verdict", "root")
        logs = [log_row(log, settings) for log in verified["logs"]]
        table(headings(settings, *names), logs)
        for each in verified["tables"]:
            if not each["ok"]:
                line("  ".join(str(cell) for cell in table_row(each, settings) if cell))
        line()
        if not verified["ok"]:
            return
    manifest = checked.manifest
    at = readable("at", manifest.at)
    told = {"node": manifest.node, "at": at, "files": len(manifest.files)}
    line(_say("whole", settings, digest=checked.digest, **told))
    if verified is None:
        note(_say("files_only", settings))


class _Bar:
    """Shows how far copying or checking has come."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bar = CopyingBar(time.monotonic)
        self._done = -1

    def copied(self, done: int, total: int) -> None:
        """Be told of pages."""
        if self._settings.json:
            return
        text = _say("copy", self._settings)
        if self._done < 0:
            self._bar.begin(text, total)
            self._done = 0
        self._bar.advance(text, done - self._done)
        self._done = done

    def read(self, count: int) -> None:
        """Be told of bytes."""
        if self._settings.json:
            return
        text = _say("check", self._settings)
        if self._done < 0:
            self._bar.begin(text, None)
            self._done = 0
        self._bar.advance(text, count)

    def stop(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def _say(key: str, settings: Settings, **values: object) -> str:
    return _TEXTS[key].said(settings.language).format(**values)


class _BrokenError(CliError):
    """A backup is not as it was made."""

    code = "backup_damaged"

    def __init__(self, error: "BackupBrokenError") -> None:
        part = Phrase("{name}: {why}")
        parts = [part.filled(name=each.name, why=each.why) for each in error.parts[:5]]
        told = Phrase("the backup is damaged: {parts}")
        super().__init__(
            printed(told.filled(parts=listed(parts))),
            Phrase("use another backup; `fedsafe backup` makes a new one"),
        )
        missing = all(each.is_missing for each in error.parts)
        self.status = ExitStatus.LOG_INCOMPLETE if missing else ExitStatus.LOG_TAMPERED


def translated(run: Callable[[], ExitStatus]) -> ExitStatus:
    """Run a command on backups, and say its errors as the command line does.

    Raises:
        CliError: it has failed.
    """
    from fedsafe_node.ground.errors import (  # noqa: PLC0415
        ConfigError,
        NodeError,
        StoreBusyError,
    )
    from fedsafe_node.operations.backup.errors import (  # noqa: PLC0415 (slow to load)
        BackupBrokenError,
        BackupRefusedError,
    )

    try:
        return run()
    except ConfigError as error:
        raise SettingsError(printed(error)) from None
    except BackupRefusedError as error:
        raise WrongStateError(printed(error), error.way_out) from None
    except BackupBrokenError as error:
        raise _BrokenError(error) from None
    except StoreBusyError as error:
        hint = Phrase("the node starts or stops just now: run the same command again")
        raise WrongStateError(printed(error), hint) from None
    except NodeError as error:
        raise ProgrammeError(printed(error), Phrase("see `fedsafe doctor`")) from None
