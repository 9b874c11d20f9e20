# SPDX-License-Identifier: Apache-2.0
"""`fedsafe node outside-key`: a key without which the directory opens no media.

All of it is done in the directory of a node that stands still.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from fedsafe_cli.terminal.errors import ProgrammeError, SettingsError, WrongStateError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenGroup
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line, note
from fedsafe_cli.terminal.settings import Settings, printable, printed
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.ground.config import Config, Place
    from fedsafe_node.operations.outside_key_change import KeyState

_TEXTS: Final = {
    "none": Phrase(
        "no outside key: whoever has the directory opens media and own bans; "
        "pictures lie in no file"
    ),
    "key": Phrase("outside key {name} in {path}"),
    "wrapped": Phrase("it wraps: {files}"),
    "plain": Phrase(
        "NOT wrapped: {files}; `fedsafe node outside-key new` makes up for it"
    ),
    "others": Phrase(
        "under another key: {files}; name that key, or run the same command again"
    ),
    "copy": Phrase(
        "keep the key apart from the directory and its backups; if it is lost, "
        "only the custody key gets it back (`fedsafe node outside-key recover`)"
    ),
    "older": Phrase("backups of the keys from before open on without it: destroy them"),
    "rotated": Phrase(
        "older backups need the old key {name}: keep it as long as those"
    ),
    "unit": Phrase("LoadCredential= of the unit has to name {path} now"),
    "removed": Phrase("destroy the key once no backup needs it any more"),
}


@click.group("outside-key", cls=SpokenGroup)
def outside_key() -> None:
    """Wrap media and the node's own keys with a key outside its directory.

    Then a thief of the directory, of backups or of logs cannot open media. Pictures are
    kept in a file under this key, so that many of them do not delay a start. The node
    must be stopped.

    \b
    Examples:
      fedsafe node outside-key new /etc/fedsafe/outside.key --config /srv/fedsafe
      fedsafe node outside-key show
    """  # noqa: D301


@outside_key.command("new")
@click.argument("path", required=False, metavar="[PATH]")
@shared_options
@click.pass_context
def new(context: click.Context, /, path: str | None) -> ExitStatus:
    """Wrap the node's keys with the key at PATH; it is created if it does not exist.

    node.toml then names this key. Without PATH the key is the systemd credential
    fedsafe-outside-key, and node.toml stays unchanged. If the command breaks off, run
    it again.

    \b
    Examples:
      fedsafe node outside-key new /etc/fedsafe/outside.key --config /srv/fedsafe
      systemd-run --pipe -p User=fedsafe \\
        -p LoadCredential=fedsafe-outside-key:/etc/fedsafe/outside.key \\
        fedsafe node outside-key new --config /srv/fedsafe
    """  # noqa: D301
    settings = settings_of(context)

    def run(place: "Place", config: "Config") -> "KeyState":
        from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
        from fedsafe_node.operations.outside_key_change import make_key  # noqa: PLC0415

        wanted = Path(path) if path is not None else None
        return asyncio.run(make_key(place, config, SystemClock(), wanted))

    return _change(settings, run, "copy", "older")


@outside_key.command("rotate")
@click.argument("path", metavar="PATH")
@shared_options
@click.pass_context
def rotate(context: click.Context, /, path: str) -> ExitStatus:
    """Wrap the node's keys with another key, at PATH.

    \b
    Example:
      fedsafe node outside-key rotate /etc/fedsafe/outside-2027.key
    """  # noqa: D301
    settings = settings_of(context)
    before: list[str] = []

    def run(place: "Place", config: "Config") -> "KeyState":
        from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
        from fedsafe_node.ground.outside_key import find_outside_key  # noqa: PLC0415
        from fedsafe_node.operations.outside_key_change import rotate_key  # noqa: PLC0415

        old = find_outside_key(place)
        before.append("" if old is None else old.name)
        return asyncio.run(rotate_key(place, config, SystemClock(), Path(path)))

    status = _change(settings, run, "copy")
    if not settings.json:
        note(_say("rotated", settings, name=before[0]))
        if not _is_named(settings):
            note(_say("unit", settings, path=printable(path)))
    return status


@outside_key.command("remove")
@shared_options
@click.pass_context
def remove(context: click.Context, /) -> ExitStatus:
    """Unwrap the node's keys, so that it needs no outside key.

    \b
    Example:
      fedsafe node outside-key remove --config /srv/fedsafe
    """  # noqa: D301

    def run(place: "Place", config: "Config") -> "KeyState":
        from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415
        from fedsafe_node.operations.outside_key_change import remove_key  # noqa: PLC0415

        return asyncio.run(remove_key(place, config, SystemClock()))

    return _change(settings_of(context), run, "removed")


@outside_key.command("recover")
@click.argument("path", metavar="PATH")
@click.option(
    "--custody-key", required=True, metavar="FILE", help="The private custody key."
)
@shared_options
@click.pass_context
def recover(context: click.Context, /, path: str, custody_key: str) -> ExitStatus:
    """Recover a lost outside key to a new file at PATH.

    \b
    Example:
      fedsafe node outside-key recover /etc/fedsafe/outside.key \\
        --custody-key /media/safe/custody.key
    """  # noqa: D301

    def run(place: "Place", config: "Config") -> "KeyState":
        from fedsafe_crypto.errors import CryptoError  # noqa: PLC0415
        from fedsafe_crypto.seal.hpke import RecipientKey  # noqa: PLC0415
        from fedsafe_node.ground.key_files import read_secret  # noqa: PLC0415
        from fedsafe_node.operations.outside_key_change import recover_key  # noqa: PLC0415

        try:
            custody = RecipientKey.from_bytes(read_secret(Path(custody_key)))
        except CryptoError:
            why = Phrase("{key} is no custody key").filled(key=printable(custody_key))
            raise WrongStateError(why) from None
        return recover_key(place, config, Path(path), custody)

    return _change(settings_of(context), run, "copy")


@outside_key.command("show")
@shared_options
@click.pass_context
def show(context: click.Context, /) -> ExitStatus:
    """Show where the outside key is, its name, and what it wraps.

    \b
    Example:
      fedsafe node outside-key show --config /srv/fedsafe
    """  # noqa: D301

    def run(place: "Place", _config: "Config") -> "KeyState":
        from fedsafe_node.operations.outside_key_change import state_of  # noqa: PLC0415

        return state_of(place)

    return _change(settings_of(context), run)


def _change(
    settings: Settings,
    run: "Callable[[Place, Config], KeyState]",
    *hints: str,
) -> ExitStatus:
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import (  # noqa: PLC0415
        ConfigError,
        KeyFileError,
        NodeError,
        OutsideKeyError,
        StoreBusyError,
    )

    place = Place(Path(settings.directory()))
    try:
        state = run(place, load_config(place))
    except ConfigError as error:
        raise SettingsError(printed(error)) from None
    except OutsideKeyError as error:
        raise WrongStateError(printed(error.reason), error.way_out) from None
    except KeyFileError as error:
        raise WrongStateError(printed(error)) from None
    except StoreBusyError as error:
        hint = Phrase("stop the node, then run the same command again")
        raise WrongStateError(printed(error), hint) from None
    except NodeError as error:
        raise ProgrammeError(printed(error), Phrase("see `fedsafe doctor`")) from None
    if settings.json:
        path = None if state.path is None else str(state.path)
        document({**asdict(state), "path": path})
        return OK
    _tell(settings, state)
    for each in hints:
        note(_say(each, settings))
    return OK


def _is_named(settings: Settings) -> bool:
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415

    return load_config(Place(Path(settings.directory()))).outside_key is not None


def _tell(settings: Settings, state: "KeyState") -> None:
    if state.name is None:
        line(_say("none", settings))
    else:
        path = printable(str(state.path))
        line(_say("key", settings, name=state.name, path=path))
        if state.plain:
            note(_say("plain", settings, files=", ".join(state.plain)))
    if state.wrapped:
        line(_say("wrapped", settings, files=", ".join(state.wrapped)))
    if state.others:
        note(_say("others", settings, files=", ".join(state.others)))


def _say(key: str, settings: Settings, **values: object) -> str:
    return _TEXTS[key].said(settings.language).format(**values)
