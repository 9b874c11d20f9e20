# SPDX-License-Identifier: Apache-2.0
"""Where a node's store is: in its directory, or on a PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from fedsafe_node.ground.errors import ConfigError, KeyFileError, StoreFailedError
from fedsafe_node.ground.key_files import read_secret
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.store.postgresql.instances import instance_of
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Server:
    """Where the database is.

    * `url`: for the node's role, `postgresql://…`;
    * `password`: of that role, where the server wants one and libpq knows none;
    * `owner_url`: for the owner of the tables, where the schema may be upgraded;
    * `worker`: the name of this worker, among those that run at the same time;
    * `instance`: which directory of which running system they are of (`instances`).
    """

    url: str
    password: str | None = field(default=None, repr=False)
    owner_url: str | None = field(default=None, repr=False)
    worker: str = "0"
    instance: int | None = None


def store_at(
    database: Path, storage: Storage | None, owner_url: str | None = None
) -> str | Server:
    """Say where a store is; without *storage* it is the embedded one. It blocks.

    With *owner_url* its schema may be made or brought up to date.

    Raises:
        ConfigError: the file with the password does not fit.
    """
    if storage is None:
        return f"sqlite://{quote(str(database.absolute()))}"
    password = password_of(database.parent, storage)
    instance = instance_of(database.parent)
    return Server(storage.url, password, owner_url, instance=instance)


def password_of(directory: Path, storage: Storage) -> str | None:
    """Read the password of a server; None if no file is named. It blocks.

    Raises:
        ConfigError: the file cannot be read, others can read it, or it holds none.
    """
    if storage.password_file is None:
        return None
    path = directory / storage.password_file
    try:
        password = read_secret(path).decode().strip("\r\n")
    except (KeyFileError, UnicodeDecodeError) as error:
        why = str(error) if isinstance(error, KeyFileError) else "it is not UTF-8"
        raise ConfigError(path, why) from None
    if not password or not password.isprintable():
        raise ConfigError(
            path, Phrase("want one line with the password, and nothing else")
        )
    return password


# Only who uses a server installs and loads the driver of PostgreSQL, so what needs it
# is imported within `driver_needed`.


@contextmanager
def driver_needed() -> Iterator[None]:
    """Say how the driver is had, if what is imported inside misses it.

    Raises:
        StoreFailedError: it is not installed.
    """
    try:
        yield
    except ImportError:
        why = "PostgreSQL needs its driver: pip install 'fedsafe[postgresql]'"
        raise StoreFailedError(why) from None
