# SPDX-License-Identifier: Apache-2.0
"""`fedsafe doctor`: what holds a node's store, SQLite or a PostgreSQL server.

`fedsafe_node` is imported inside the functions: it is slow to load.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.terminal.settings import printed
from fedsafe_policies.ground.catalogue import Phrase

if TYPE_CHECKING:
    from fedsafe_node.store.postgresql.facts import Facts

_SERVER: Final = "docs/howto/postgresql.md"
_PAGES: Final = Phrase(
    "run the node where SQLite was built with ENABLE_DBPAGE_VTAB, as on Debian 13"
)

_ALONE: Final = Phrase(
    "PostgreSQL {version}, {ms} ms, connections for {workers} workers"
)
_WITH_STANDBY: Final = Phrase(
    "PostgreSQL {version}, {ms} ms, connections for {workers} workers, commits "
    "wait for a standby"
)


def server(directory: Path) -> Iterator[Finding]:
    """Say whether the server of the store, if it is on one, is set up well."""
    why = unasked(directory)
    if why is not None:
        yield Finding(Phrase("server"), Level.FAIL, why, _SERVER)
    elif (found := _facts(directory)) is not None:
        yield from _judged(found)


def pages(directory: Path) -> Iterator[Finding]:
    """Warn of an SQLite that cannot clear copies of erased rows out of pages."""
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415
    from fedsafe_node.store.sqlite.residues import can_clear_here  # noqa: PLC0415

    try:
        storage = load_config(Place(directory)).store
    except ConfigError:
        return  # said elsewhere
    if storage is None and not can_clear_here():
        found = Phrase(
            "SQLite leaves sealed copies of erased rows until a month's key ends"
        )
        yield Finding(Phrase("pages"), Level.WARN, found, _PAGES)


def unasked(directory: Path) -> str | Phrase | None:
    """Say why the server of the store cannot be asked; None if it can, or is none."""
    from fedsafe_node.ground.errors import ConfigError, StoreFailedError  # noqa: PLC0415

    try:
        _facts(directory)
    except ConfigError as error:
        return printed(error)
    except StoreFailedError as error:
        return printed(error.reason)
    return None


def _facts(directory: Path) -> "Facts | None":
    from fedsafe_node.ground.config import Place, load_config  # noqa: PLC0415
    from fedsafe_node.ground.errors import ConfigError  # noqa: PLC0415

    try:
        storage = load_config(Place(directory)).store
    except ConfigError:
        return None  # said elsewhere
    if storage is None:
        return None
    from fedsafe_node.store.address import (  # noqa: PLC0415
        Server,
        driver_needed,
        password_of,
    )

    with driver_needed():
        from fedsafe_node.store.postgresql.facts import facts_of  # noqa: PLC0415

    return facts_of(Server(storage.url, password_of(directory, storage)))


def _judged(found: "Facts") -> Iterator[Finding]:
    from fedsafe_node.store.postgresql.facts import OLDEST  # noqa: PLC0415

    loose = ", ".join(found.indiscreet)
    for wrong, level, told in (
        (
            found.version < OLDEST,
            Level.FAIL,
            Phrase("older than {oldest}").filled(oldest=OLDEST),
        ),
        (found.is_standby, Level.FAIL, Phrase("a standby, which takes no writes")),
        (not found.is_durable, Level.FAIL, Phrase("fsync or full_page_writes is off")),
        (
            not found.has_checksums,
            Level.WARN,
            Phrase("no data checksums: rot goes unseen"),
        ),
        (
            bool(loose),
            Level.WARN,
            Phrase("its log may show values of rows: set {loose}").filled(loose=loose),
        ),
        (
            found.workers < 1,
            Level.FAIL,
            Phrase("max_connections is too low for a worker"),
        ),
    ):
        if wrong:
            yield Finding(Phrase("server"), level, told, _SERVER)
    yield from _judged_tables(found)
    told = _WITH_STANDBY if found.has_standby else _ALONE
    ms = f"{found.round_trip * 1e3:.1f}"
    told = told.filled(version=found.version, ms=ms, workers=found.workers)
    yield Finding(Phrase("server"), Level.OK, told)


def _judged_tables(found: "Facts") -> Iterator[Finding]:
    """Say whether the tables are those of this program, and the node's role fits."""
    from fedsafe_node.store.schema import VERSION  # noqa: PLC0415

    theirs = Phrase(
        "its tables are at schema {there}, this program wants {wanted}"
    ).filled(there=found.schema, wanted=VERSION)
    grant = Phrase("as its owner: GRANT TEMPORARY ON DATABASE … TO the node's role")
    revoke = Phrase(
        "take these rights from the node's role, or name another one: {where}"
    ).filled(where=_SERVER)
    prepare = Phrase("stop the node, then `fedsafe store prepare --owner-file FILE`")
    for wrong, told, way_out in (
        (
            not found.has_temporary,
            Phrase("the node's role has no TEMPORARY right"),
            grant,
        ),
        (
            found.may_change,
            Phrase("the node's role may change rows of the logs"),
            revoke,
        ),
        (found.schema == 0, Phrase("the database has no tables of a node"), prepare),
        (0 < found.schema < VERSION, theirs, prepare),
        (
            found.schema > VERSION,
            theirs,
            Phrase("run the newer FedSafe that wrote them"),
        ),
    ):
        if wrong:
            yield Finding(Phrase("server"), Level.FAIL, told, way_out)
