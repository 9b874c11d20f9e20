# SPDX-License-Identifier: Apache-2.0
"""`fedsafe doctor`: the PostgreSQL server of a node's store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fedsafe_cli.diagnosis import Finding, Level
from fedsafe_cli.settings import printable

_SERVER: Final = "docs/howto/postgresql.md"


def server(directory: Path) -> Iterator[Finding]:
    """Say whether the server of the store, if it is on one, is set up well."""
    from fedsafe_node.config import Place, load_config  # noqa: PLC0415 (slow to load)
    from fedsafe_node.errors import ConfigError, StoreFailedError  # noqa: PLC0415

    try:
        storage = load_config(Place(directory)).store
        if storage is None:
            return
        from fedsafe_node.storage import password_of  # noqa: PLC0415
        from fedsafe_node.store.postgresql import facts, server  # noqa: PLC0415

        password = password_of(directory, storage)
        found = facts.facts_of(server.Server(storage.url, password))
    except ConfigError:
        return  # said already
    except (ImportError, StoreFailedError) as error:
        yield Finding("server", Level.FAIL, printable(str(error)), _SERVER)
        return
    for wrong, level, told in (
        (found.version < facts.OLDEST, Level.FAIL, f"older than {facts.OLDEST}"),
        (found.is_standby, Level.FAIL, "a standby, which takes no writes"),
        (not found.is_durable, Level.FAIL, "fsync or full_page_writes is off"),
        (not found.has_checksums, Level.WARN, "no data checksums: rot goes unseen"),
        (
            not found.is_discreet,
            Level.WARN,
            "its log may show values of rows: set log_error_verbosity = terse",
        ),
    ):
        if wrong:
            yield Finding("server", level, told, _SERVER)
    standby = ", commits wait for a standby" if found.has_standby else ""
    told = f"PostgreSQL {found.version}, {found.round_trip * 1e3:.1f} ms{standby}"
    yield Finding("server", Level.OK, told)
