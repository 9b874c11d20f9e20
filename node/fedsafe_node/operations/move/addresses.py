# SPDX-License-Identifier: Apache-2.0
"""Between which addresses a store is moved, and what `node.toml` then says.

A password comes out of a file: never out of an address that is an argument, since
arguments show in the list of processes.
"""

import os
import re
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec

from fedsafe_node.ground.config import Config, Place, parse_config
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.key_files import read_secret, sync_directory, write_durably
from fedsafe_node.ground.store_settings import SCHEME, Storage, unfit_storage
from fedsafe_node.operations.move.errors import MoveRefusedError
from fedsafe_node.store.address import password_of, store_at
from fedsafe_policies.ground.catalogue import Phrase

_EMBEDDED: Final = "sqlite"
_SECTION: Final = re.compile(r"\s*\[\s*store\s*\]\s*(#.*)?")
_OTHER: Final = re.compile(r"\s*\[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody wants to be moved, as it was typed.

    * `source`, `target`: `sqlite:///DIR/store.db` or `postgresql://…`;
    * `owner`: where the owner of the tables connects, on the way to a server;
    * `owner_file`: a secret file with that, in which a password may stand;
    * `password_file`: what is to be kept in `node.toml` of the node's password.
    """

    source: str | None
    target: str
    owner: str | None = None
    owner_file: Path | None = None
    password_file: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where; `storage` is what `node.toml` is to say afterwards."""

    source: str
    target: str
    storage: Storage | None
    source_password: str | None = field(default=None, repr=False)
    owner: str | None = field(default=None, repr=False)

    @property
    def role(self) -> str:
        """The role of the node on the server that it goes to."""
        return unquote(urlsplit(self.target).username or "")


def is_file(address: str) -> bool:
    """Whether an address is that of the embedded store."""
    return urlsplit(address).scheme == _EMBEDDED


def file_in(address: str) -> Path:
    """Return the file of the embedded store.

    Raises:
        MoveRefusedError: the address names none.
    """
    parts = urlsplit(address)
    path = Path(unquote(parts.path))
    if path.is_absolute():  # sqlite:////srv and sqlite:///srv are the same place
        path = Path("/", str(path).lstrip("/"))
    if parts.netloc or not path.is_absolute() or parts.query or parts.fragment:
        raise MoveRefusedError(
            Phrase(
                "a file is sqlite:///DIR/store.db, with the whole path of the directory"
            )
        )
    return path


def same_spelling(address: str) -> str:
    """Return an address as the program writes it, however it was typed.

    Raises:
        MoveRefusedError: that of an embedded store names no file.
    """
    return str(store_at(file_in(address), None)) if is_file(address) else address


def directory_in(wanted: Wanted) -> Path | None:
    """Return the node's directory if one of both addresses is a file in it."""
    files = [each for each in (wanted.source, wanted.target) if each and is_file(each)]
    return file_in(files[0]).parent if files else None


def route_of(wanted: Wanted, place: Place, config: Config) -> Route:
    """Check both addresses, and find out how each is reached. It blocks.

    Raises:
        MoveRefusedError: an address does not fit, or both are of one kind.
        ConfigError: a file with a password does not fit.
    """
    found = config.store.url if config.store else store_at(place.database, None)
    source = same_spelling(wanted.source or str(found))
    wanted = replace(wanted, target=same_spelling(wanted.target))
    if source == wanted.target:
        raise MoveRefusedError(
            Phrase("the store is there already, as node.toml says")
            if wanted.source is None
            else Phrase("both addresses are the same")
        )
    if is_file(source) == is_file(wanted.target):
        raise MoveRefusedError(
            Phrase("a store moves from a file to a PostgreSQL server, or back"),
            Phrase(
                "from server to server its own tools copy it (pg_dump, pg_basebackup)"
            ),
        )
    file = file_in(source if is_file(source) else wanted.target)
    if file.resolve() != place.database.resolve():
        raise MoveRefusedError(
            Phrase("the file of this node's store is {path}").filled(
                path=place.database
            )
        )
    if is_file(source):
        return _to_server(wanted, source)
    _check(source, "--from")
    known = config.store if config.store and config.store.url == source else None
    password = password_of(place.directory, known) if known else None
    return Route(source, wanted.target, None, password)


def _to_server(wanted: Wanted, source: str) -> Route:
    storage = Storage(wanted.target, wanted.password_file)
    _check(wanted.target, "--to")
    if not urlsplit(wanted.target).username:
        raise MoveRefusedError(
            Phrase("--to names the node's role: postgresql://ROLE@HOST/DB")
        )
    if wanted.owner_file is not None:
        owner = _owner_in(wanted.owner_file)
    elif wanted.owner is not None:
        owner = wanted.owner
        _check(owner, "--owner")
    else:
        raise MoveRefusedError(
            Phrase("say who makes the tables: the node's role may not own them"),
            Phrase(
                "--owner postgresql://OWNER@HOST/DB, or --owner-file FILE with that"
            ),
        )
    return Route(source, wanted.target, storage, owner=owner)


def _owner_in(file: Path) -> str:
    try:
        text = read_secret(file).decode().strip()
    except UnicodeDecodeError:
        raise MoveRefusedError(
            Phrase("{file} is not UTF-8").filled(file=file)
        ) from None
    try:
        parts = urlsplit(text)
    except ValueError:
        raise MoveRefusedError(
            Phrase("{file} holds no address of a server").filled(file=file)
        ) from None
    account, at, place = parts.netloc.rpartition("@")
    bare = f"{account.partition(':')[0]}{at}{place}"
    _check(urlunsplit(parts._replace(netloc=bare)), str(file))
    return text


def _check(address: str, what: str) -> None:
    try:
        storage = msgspec.convert({"url": address}, Storage)
    except msgspec.ValidationError:
        raise MoveRefusedError(
            Phrase("{what}: want {scheme}://ROLE@HOST/DATABASE").filled(
                what=what, scheme=SCHEME
            )
        ) from None
    why = unfit_storage(storage)
    if why is not None:
        raise MoveRefusedError(Phrase("{what}: {why}").filled(what=what, why=why))


def section_of(storage: Storage | None) -> str:
    """Write the lines of `node.toml` about the store; none for the embedded one."""
    if storage is None:
        return ""
    lines = ["[store]", f"url = {_toml(storage.url)}"]
    if storage.password_file is not None:
        lines.append(f"password_file = {_toml(storage.password_file)}")
    return "\n".join(lines) + "\n"


def switch(place: Place, config: Config, storage: Storage | None) -> None:
    """Let `node.toml` name another store; all but that section stays as it is.

    Raises:
        ConfigError: it says where the store is in a way that only a person can change.
    """
    kept: list[str] = []
    inside = False
    for line in place.config.read_text(encoding="utf-8").splitlines():
        if _SECTION.fullmatch(line):
            inside = True
        elif _OTHER.match(line):
            inside = False
        if not inside:
            kept.append(line)
    text = "\n".join(kept).rstrip("\n") + "\n"
    if storage is not None:
        text += "\n" + section_of(storage)
    wanted = msgspec.structs.replace(config, store=storage)
    if parse_config(place, text) != wanted:
        raise ConfigError(place.config, Phrase("change [store] yourself"))
    draft = place.config.with_name(f".{place.config.name}.{secrets.token_hex(4)}")
    write_durably(draft, text.encode())
    draft.chmod(place.config.stat().st_mode & 0o777)
    os.replace(draft, place.config)  # noqa: PTH105
    sync_directory(place.directory)


def _toml(text: str) -> str:
    return msgspec.json.encode(text).decode()
