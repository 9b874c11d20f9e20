# SPDX-License-Identifier: Apache-2.0
"""Databases of a server that runs, each of which one test has to itself.

Roles belong to the whole server: a test that makes one gives it a name of its own
(`fresh_name`), and takes it away again.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, LiteralString
from urllib.parse import quote, urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

SUPERUSER: Final = "postgres"
_LOOPBACK: Final = "127.0.0.1"


def fresh_name(prefix: str = "t") -> str:
    """Invent a name that no other test has."""
    return f"{prefix}_{secrets.token_hex(6)}"


@dataclass(eq=False, kw_only=True)
class Databases:
    """Where a server listens, and what it was made with.

    Its Unix socket lets every role in without a password; only its owner and root
    reach that directory. On loopback it wants the role's password (SCRAM).
    """

    major: int
    directory: Path
    port: int
    password: str = field(repr=False)

    def url(
        self,
        database: str = SUPERUSER,
        *,
        role: str = SUPERUSER,
        password: str | None = None,
        loopback: bool = False,
    ) -> str:
        """Say where a database is: on the Unix socket, or on loopback."""
        if not loopback:
            host = quote(str(self.directory), safe="")
            return f"postgresql://{role}@/{database}?host={host}&port={self.port}"
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{role}:{secret}@{_LOOPBACK}:{self.port}/{database}"

    def database(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of `template`, and return its URL.

        A template is the URL of another one, to which nobody may be connected.
        """
        name = fresh_name()
        # Copying files is somewhat quicker than logging pages: nothing is synced.
        self._administer(
            "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY",
            name,
            "template0" if template is None else name_in(template),
        )
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_in(url))

    def _administer(self, command: LiteralString, *names: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(SQL(command).format(*map(Identifier, names)))


def name_in(url: str) -> str:
    """Read the name of a database in its URL."""
    return urlsplit(url).path.removeprefix("/")
