# SPDX-License-Identifier: Apache-2.0
"""Making nodes and credentials, for `fedsafe node init` and `fedsafe demo`.

Secrets go into files of mode 0600 outside the node's directory: the private
custody key, and each person's credential. Loads the node's code.
"""

from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from fedsafe_cli.terminal.errors import (
    ProgrammeError,
    SettingsError,
    WrongStateError,
    words_of,
)
from fedsafe_node.acts.people import SetUpCodeAnswer
from fedsafe_node.app.init import create_node
from fedsafe_node.ground.clock import Clock, SystemClock
from fedsafe_node.ground.config import Config, Place, load_config, misfit
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConfigError,
    ConflictError,
    KeyFileError,
    NodeError,
    SchemaBehindError,
    StoreBusyError,
    StoreFailedError,
)
from fedsafe_node.ground.errors import WrongStateError as NodeStateError
from fedsafe_node.ground.key_files import make_private_directory, write_secret
from fedsafe_node.operations.stopped_node import open_trail, stopped_store
from fedsafe_node.people.credentials import People
from fedsafe_node.people.first_administrator import add_first
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of
from fedsafe_policies.vocabulary import Role

CUSTODY_FILE: Final = "custody.pub"
_DIRECTORY: Final = Phrase(
    "name another directory, or have this one made for you: "
    "install -d -m 700 -o USER DIRECTORY"
)
_FILES: Final = Phrase(
    "keys lie beside the node's directory: make DIR.credentials "
    "there for this user, and name another place for the custody "
    "key with --custody-key FILE"
)
_SERVER: Final = Phrase("how a server is set up: docs/howto/postgresql.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """What a new node shall be, and where its secrets go."""

    directory: Path
    name: str
    url: str
    host: str
    port: int
    jurisdiction: str
    contact: str
    policy: str
    staff: tuple[tuple[str, Role], ...]
    credentials: Path
    custody: Path
    founding_open: bool = False
    administrator: str | None = None
    dpo_contact: str | None = None
    store: str | None = None
    store_password_file: str | None = None
    store_owner: str | None = field(default=None, repr=False)
    desk_port: int | None = None
    demonstration: bool = False
    clock: Clock = field(default_factory=SystemClock)


@dataclass(frozen=True, slots=True)
class NewCredential:
    """A credential to be: of *person*, or of whom it is named for."""

    name: str
    role: Role
    person: str | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class MadeNode:
    """Where the secrets of a new node lie, and when its people's credentials end."""

    credentials: Mapping[str, Path]
    custody: Path
    administrator: SetUpCodeAnswer | None
    until: int


async def make_node(wanted: NewNode) -> MadeNode:
    """Make a node, its custody key and its people's credentials.

    Raises:
        SettingsError: a setting does not fit, or the directory is not empty.
        ProgrammeError: a file or the store cannot be written.
    """
    config = _config(wanted)
    try:
        created = await create_node(
            Place(wanted.directory),
            config,
            custody_private=wanted.custody,
            staff=wanted.staff,
            administrator=wanted.administrator,
            owner_url=wanted.store_owner,
            credentials=wanted.credentials,
            clock=wanted.clock,
            demonstration=wanted.demonstration,
        )
    except (ConfigError, BadRequestError) as error:
        raise SettingsError(_by_option(words_of(error), wanted)) from None
    except SchemaBehindError:
        raise SettingsError(
            Phrase("the node was not made: the database has no tables for it"),
            Phrase(
                "name a file with the address of their owner: --store-owner-file FILE"
            ),
        ) from None
    except StoreFailedError as error:
        told = Phrase("the node was not made: {why}").filled(why=error.reason)
        raise ProgrammeError(told, _SERVER if config.store else None) from None
    except OSError as error:
        told = Phrase("the node was not made: {file}: {why}").filled(
            file=error.filename, why=reason_of(error)
        )
        raise ProgrammeError(told, _DIRECTORY) from None
    except KeyFileError as error:
        raise ProgrammeError(
            Phrase("the node was not made: {why}").filled(why=error), _FILES
        ) from None
    except NodeError as error:
        raise ProgrammeError(
            Phrase("the node was not made: {why}").filled(why=error)
        ) from None
    credentials = {
        name: wanted.credentials / f"{name}.key" for name in created.credentials
    }
    return MadeNode(credentials, wanted.custody, created.administrator, created.until)


async def add_administrator(directory: Path, name: str) -> SetUpCodeAnswer:
    """Give an operator's account a code, at a node that is not running.

    Raises:
        SettingsError: the name does not fit.
        WrongStateError: the node is running, the name is taken, or two people can
            grant roles.
        ProgrammeError: its store cannot be written.
    """
    place, clock = Place(directory), SystemClock()
    try:
        config = await to_thread(load_config, place)
        async with stopped_store(place, config, clock) as store:
            trail = await open_trail(place, config.name, store)
            return await add_first(store, trail, clock, name)
    except StoreBusyError:
        raise WrongStateError(
            Phrase("the node is running"), Phrase("stop it first")
        ) from None
    except ConflictError:
        raise WrongStateError(
            Phrase("somebody has that name, or one like it")
        ) from None
    except NodeStateError as error:
        raise WrongStateError(words_of(error)) from None
    except (ConfigError, BadRequestError) as error:
        raise SettingsError(words_of(error)) from None
    except (NodeError, OSError) as error:
        raise ProgrammeError(
            Phrase("no code was made: {why}").filled(why=error)
        ) from None


async def add_person(directory: Path, new: NewCredential, out: Path) -> None:
    """Add a credential to a node that is not running.

    Raises:
        SettingsError: the name does not fit, or the file exists.
        WrongStateError: the node is running, or the name is taken.
        ProgrammeError: its store, or the file, cannot be written.
    """
    place, clock = Place(directory), SystemClock()
    try:
        config = await to_thread(load_config, place)
        async with stopped_store(place, config, clock) as store:
            # Nobody is added whose file fails.
            await to_thread(make_private_directory, out.parent)
            trail = await open_trail(place, config.name, store)
            people = People(store, trail, clock)
            token = await people.add(
                new.name, new.role, by="operator", person=new.person, until=new.until
            )
            await _hand_out(token, out)
    except StoreBusyError:
        raise WrongStateError(
            Phrase("the node is running"),
            Phrase("stop it, add the credential, start it again"),
        ) from None
    except ConflictError:
        raise WrongStateError(
            Phrase(
                "the node has a credential of that name, or of one that looks like it"
            ),
            Phrase("one person has one name; each credential has its own"),
        ) from None
    except (ConfigError, BadRequestError) as error:
        raise SettingsError(words_of(error)) from None
    except (NodeError, OSError) as error:
        raise ProgrammeError(
            Phrase("the credential was not added: {why}").filled(why=error)
        ) from None


async def _hand_out(token: str, file: Path) -> None:
    await to_thread(write_secret, file, token.encode() + b"\n")


def _by_option(why: str | Phrase, wanted: NewNode) -> str | Phrase:
    """Name the option that does not fit, not a file that was never written."""
    text = str(why).removeprefix(f"{Place(wanted.directory).config}: ")
    reason, _, field = text.partition(" - at `$.")
    option = field.rstrip("`").replace("_", "-")
    if option in {"contact", "dpo-contact"}:
        return f"--{option}: {reason}"
    return text if text != str(why) else why


def _config(wanted: NewNode) -> Config:
    document: dict[str, object] = {
        "format": 1,
        "name": wanted.name,
        "url": wanted.url,
        "jurisdiction": wanted.jurisdiction,
        "contact": wanted.contact,
        "dpo_contact": wanted.dpo_contact,
        "policy": wanted.policy,
        "listen": {"host": wanted.host, "port": wanted.port},
        "custody_key": CUSTODY_FILE,
        "founding": {"open": wanted.founding_open},
    }
    if wanted.desk_port is not None:
        document["desk"] = {
            "listen": {"host": wanted.host, "port": wanted.desk_port},
            "origin": f"http://localhost:{wanted.desk_port}",
        }
    if wanted.store is not None:
        password = {"password_file": wanted.store_password_file}
        document["store"] = {"url": wanted.store, **password}
    try:
        return msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise SettingsError(
            Phrase("a setting does not fit: {why}").filled(why=misfit(error))
        ) from None
