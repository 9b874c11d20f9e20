# SPDX-License-Identifier: Apache-2.0
"""`fedsafe store prepare`: the owner brings the tables up to date."""

from pathlib import Path
from typing import Final

import click

from fedsafe_cli.terminal.errors import ProgrammeError, SettingsError, WrongStateError
from fedsafe_cli.terminal.exit_codes import OK, ExitStatus
from fedsafe_cli.terminal.help_texts import SpokenCommand
from fedsafe_cli.terminal.options import settings_of, shared_options
from fedsafe_cli.terminal.output import document, line
from fedsafe_cli.terminal.settings import printable, printed
from fedsafe_policies.ground.catalogue import Phrase

_DONE: Final = Phrase("{found}: tables at schema {now}, seal checked and renewed")


@click.command(cls=SpokenCommand)
@click.option(
    "--owner-file",
    required=True,
    metavar="FILE",
    help="File of mode 0600 with the URL of the role that owns the tables.",
)
@shared_options
@click.pass_context
def prepare(context: click.Context, /, owner_file: str) -> ExitStatus:
    """Bring the tables of a stopped node on a server up to date.

    First checks the seal of all tables, and changes nothing if it does not match.
    Tables that are up to date stay as they are.

    \b
    Example:
      fedsafe store prepare --config /srv/fedsafe --owner-file owner.url
    """  # noqa: D301
    import asyncio  # noqa: PLC0415 - slow to load

    settings = settings_of(context)
    owner = read_owner("--owner-file", owner_file)
    version = asyncio.run(_prepare(Path(settings.directory()), owner))
    if settings.json:
        document({"schema": version})
    else:
        text = _DONE.said(settings.language)
        line(text.format(found=printable(settings.directory()), now=version))
    return OK


def read_owner(option: str, path: str) -> str:
    """Read the address of a database's owner, which may hold a password.

    Raises:
        SettingsError: the file cannot be read, or others can read it.
    """
    from fedsafe_node.ground.errors import KeyFileError  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.key_files import read_secret  # noqa: PLC0415

    try:
        return read_secret(Path(path)).decode().strip()
    except (KeyFileError, UnicodeDecodeError) as error:
        raise SettingsError(
            Phrase("{option}: {why}").filled(option=option, why=printed(error))
        ) from None


async def _prepare(directory: Path, owner: str) -> int:
    import asyncio  # noqa: PLC0415 - slow to load

    from fedsafe_node.ground.clock import SystemClock  # noqa: PLC0415 (slow to load)
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import (  # noqa: PLC0415
        ConfigError,
        NodeError,
        StoreBusyError,
        StoreFailedError,
    )
    from fedsafe_node.operations.stopped_node import stopped_store  # noqa: PLC0415
    from fedsafe_node.store.schema import VERSION  # noqa: PLC0415

    place = Place(directory)
    try:
        config = await asyncio.to_thread(load_config, place)
        if config.store is None:
            hint = Phrase("the embedded one is brought up to date when the node starts")
            raise SettingsError(Phrase("node.toml names no server"), hint)
        async with stopped_store(place, config, SystemClock(), owner_url=owner):
            pass
    except StoreBusyError:
        raise WrongStateError(
            Phrase("the node is running"), Phrase("stop it first")
        ) from None
    except ConfigError as error:
        raise SettingsError(printed(error)) from None
    except StoreFailedError as error:
        why = Phrase("nothing was changed: {why}").filled(why=printed(error.reason))
        raise ProgrammeError(why) from None
    except NodeError as error:
        raise ProgrammeError(
            Phrase("nothing was changed: {why}").filled(why=printed(error))
        ) from None
    return VERSION
