# SPDX-License-Identifier: Apache-2.0
"""The tables of the SQLite store, as numbered migrations.

Statements are raw SQL inside sqlite-utils migrations: its `transform()` would
drop triggers and WITHOUT ROWID, so it is never used. `PRAGMA user_version` tells
the number of the last migration, and sqlite-utils, slow to import, is only
loaded when that number is too small.

What is in a log never changes: triggers refuse to update or delete an entry or
a tile, and of an opening only the sealed bytes may go, once. What was pruned is gone
as a whole prefix (`prune_schema`).
"""

import sqlite3
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from fedsafe_node.ground.errors import SchemaError
from fedsafe_node.store.appeals_schema import APPEALS
from fedsafe_node.store.casework_schema import (
    CASE_ALARMS,
    CASES,
    DISPATCHES,
    ORDERS,
    PARTNERS,
    REPLIES,
    SIGNATURES,
    TAKINGS,
)
from fedsafe_node.store.floods_schema import FLOOD_MARKS, FLOODS
from fedsafe_node.store.gate_schema import REGISTER, RELOCK
from fedsafe_node.store.imports_schema import IMPORTS
from fedsafe_node.store.inquiries_schema import INQUIRIES
from fedsafe_node.store.inventory_schema import INVENTORY, SAMPLES
from fedsafe_node.store.keeping_schema import (
    EPOCHS,
    ERASED_PLACES,
    EVENT_INDEX,
    KEEPING,
)
from fedsafe_node.store.notices_schema import EVENTS, NOTICES, REASONS
from fedsafe_node.store.oversight_schema import OVERSIGHT, ROUNDS
from fedsafe_node.store.peering_schema import (
    METERING,
    PACKS,
    RECEIPTS,
    RECIPIENTS,
    REPEATS,
    WITNESS,
)
from fedsafe_node.store.people_schema import (
    ACT_REFUSALS,
    PASSKEYS,
    PEOPLE,
    SCOPES,
    SESSION_WAYS,
)
from fedsafe_node.store.prune_schema import PRUNE
from fedsafe_node.store.review_schema import ANSWERS, LOOKS, REVIEW, SERVICES
from fedsafe_node.store.rights_schema import RECORDED, RIGHTS, SHARED, WAITING
from fedsafe_node.store.trials_schema import CLOSINGS, TRIALS

if TYPE_CHECKING:
    from sqlite_utils.db import Database

# The table of the seal; `schema.py` says which migration it belongs to.
#
# It claims what all other tables hold: `sealed_parts.py` says how. Every part is
# encrypted under a key outside the database, so the table tells nothing by itself.

SEAL: tuple[str, ...] = (
    """
    CREATE TABLE seal (
        part TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)


_LOGS = (
    """
    CREATE TABLE logs (
        id INTEGER PRIMARY KEY,
        origin TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE entries (
        log INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        record BLOB NOT NULL,
        PRIMARY KEY (log, idx)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE tile_roots (
        log INTEGER NOT NULL,
        level INTEGER NOT NULL CHECK (level >= 1),
        idx INTEGER NOT NULL,
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (log, level, idx)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE openings (
        log INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        grp TEXT NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB,
        erased_at INTEGER,
        PRIMARY KEY (log, idx, grp),
        CHECK ((sealed IS NULL) = (erased_at IS NOT NULL))
    ) STRICT, WITHOUT ROWID
    """,
)

_APPEND_ONLY = tuple(
    f"""
    CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END
    """
    for table in ("logs", "entries", "tile_roots")
    for verb in ("UPDATE", "DELETE")
)

_ERASE_ONLY = (
    """
    CREATE TRIGGER openings_no_delete BEFORE DELETE ON openings
    BEGIN SELECT RAISE(ABORT, 'openings are erased, never deleted'); END
    """,
    """
    CREATE TRIGGER openings_erase_only BEFORE UPDATE ON openings
    WHEN NOT (
        OLD.sealed IS NOT NULL AND NEW.sealed IS NULL
        AND NEW.log = OLD.log AND NEW.idx = OLD.idx
        AND NEW.grp = OLD.grp AND NEW.period = OLD.period
    )
    BEGIN SELECT RAISE(ABORT, 'openings are erased, never changed'); END
    """,
)

_SIGNALS = (
    # No index on the token: a memory-mapped index maps tokens to rows.
    """
    CREATE TABLE signals (
        row INTEGER PRIMARY KEY,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        origin TEXT NOT NULL,
        plane TEXT NOT NULL,
        scope TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        media_kind INTEGER,
        token BLOB CHECK (length(token) = 16),
        match_until INTEGER NOT NULL,
        erase_after INTEGER NOT NULL,
        status TEXT NOT NULL CHECK (
            status IN ('active', 'disputed', 'revoked', 'expired', 'erased')
        ),
        own INTEGER NOT NULL CHECK (own IN (0, 1)),
        log TEXT NOT NULL,
        idx INTEGER NOT NULL,
        grp TEXT NOT NULL,
        CHECK ((token IS NULL) = (status = 'erased')),
        UNIQUE (signal_id, origin)
    ) STRICT
    """,
    """
    CREATE INDEX signals_by_match_until ON signals (match_until)
    WHERE status IN ('active', 'disputed')
    """,
    """
    CREATE INDEX signals_by_erase_after ON signals (erase_after)
    WHERE status <> 'erased'
    """,
    """
    CREATE INDEX signals_by_media_kind ON signals (media_kind, row)
    WHERE media_kind IS NOT NULL AND status <> 'erased'
    """,
    """
    CREATE TRIGGER signals_stay_erased BEFORE UPDATE ON signals
    WHEN OLD.status = 'erased'
    BEGIN SELECT RAISE(ABORT, 'an erased signal stays erased'); END
    """,
    """
    CREATE TRIGGER signals_no_delete BEFORE DELETE ON signals
    BEGIN SELECT RAISE(ABORT, 'signals are erased, never deleted'); END
    """,
    """
    CREATE TABLE restrictions (
        digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
        origin TEXT NOT NULL,
        author TEXT NOT NULL,
        seq INTEGER NOT NULL,
        effect TEXT NOT NULL,
        statement BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX restrictions_by_author ON restrictions (author, seq)",
    """
    CREATE TABLE restricted (
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        effect TEXT NOT NULL,
        digest BLOB NOT NULL REFERENCES restrictions (digest),
        PRIMARY KEY (origin, signal_id, effect, digest)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE drafts (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        author TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB,
        state TEXT NOT NULL CHECK (state IN ('pending', 'published', 'withdrawn')),
        decided_by TEXT,
        decided_at INTEGER,
        CHECK ((sealed IS NULL) = (state <> 'pending'))
    ) STRICT
    """,
    "CREATE INDEX drafts_by_state ON drafts (state, created_at)",
    """
    CREATE TABLE custody (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        sealed BLOB NOT NULL
    ) STRICT
    """,
)

_NODE = (
    """
    CREATE TABLE peers (
        origin TEXT PRIMARY KEY,
        cursor INTEGER NOT NULL,
        root BLOB NOT NULL CHECK (length(root) = 32),
        checkpoint TEXT NOT NULL,
        synced_at INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('active', 'suspended'))
    ) STRICT
    """,
    """
    CREATE TABLE credentials (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        secret_hash BLOB NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE gate (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        record BLOB NOT NULL,
        valid_until INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        recorded_by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE idempotency (
        key TEXT PRIMARY KEY,
        request_digest BLOB NOT NULL,
        status INTEGER NOT NULL,
        body BLOB NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX idempotency_by_expiry ON idempotency (expires_at)",
    "CREATE TABLE due (job TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE documents (name TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT",
)

# One more tuple a migration; one that has shipped never changes.
MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("0001_first", (*_LOGS, *_APPEND_ONLY, *_ERASE_ONLY, *_SIGNALS, *_NODE)),
    ("0002_people", PEOPLE),
    ("0003_register", REGISTER),
    ("0004_relock", RELOCK),
    ("0005_provider", (*EVENTS, *RECIPIENTS, *NOTICES)),
    ("0006_oversight", OVERSIGHT),
    ("0007_review", REVIEW),
    ("0008_rights", RIGHTS),
    ("0009_seal", SEAL),
    ("0010_witness", WITNESS),
    ("0011_keeping", KEEPING),
    ("0012_scopes", SCOPES),
    ("0013_prune", PRUNE),
    ("0014_reasons", REASONS),
    ("0015_answers", ANSWERS),
    ("0016_packs", PACKS),
    ("0017_metering", METERING),
    ("0018_receipts", RECEIPTS),
    ("0019_epochs", EPOCHS),
    ("0020_cases", CASES),
    ("0021_case_alarms", CASE_ALARMS),
    ("0022_partners", PARTNERS),
    ("0023_orders", ORDERS),
    ("0024_dispatches", DISPATCHES),
    ("0025_replies", REPLIES),
    ("0026_takings", TAKINGS),
    ("0027_signatures", SIGNATURES),
    ("0028_repeats", REPEATS),
    ("0029_services", SERVICES),
    ("0030_floods", FLOODS),
    ("0031_trials", TRIALS),
    ("0032_appeals", APPEALS),
    ("0033_inquiries", INQUIRIES),
    ("0034_quality", (*LOOKS, *CLOSINGS, *SAMPLES)),
    ("0035_recorded", RECORDED),
    ("0036_listings", (*FLOOD_MARKS, *SHARED)),
    ("0037_imports", IMPORTS),
    ("0038_inventory", INVENTORY),
    ("0039_waiting", WAITING),
    ("0040_event_index", EVENT_INDEX),
    ("0041_session_ways", SESSION_WAYS),
    ("0042_passkeys", PASSKEYS),
    ("0043_erased_places", ERASED_PLACES),
    ("0044_act_refusals", ACT_REFUSALS),
    ("0045_rounds", ROUNDS),
)
VERSION = len(MIGRATIONS)


def migrate(
    connection: sqlite3.Connection, finish: Callable[[], None] = lambda: None
) -> None:
    """Bring a database to the newest schema, all of it or nothing.

    *finish* is called before all of it is committed, if there is something to do.

    Raises:
        SchemaError: the database is newer than this program.
    """
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise SchemaError(found, VERSION)
    if found == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _apply(connection)
        finish()
    except BaseException:
        if connection.in_transaction:  # a full disk has taken it back already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _apply(connection: sqlite3.Connection) -> None:
    database: Database = import_module("sqlite_utils").Database(connection)
    migrations = import_module("sqlite_utils.migrations").Migrations("fedsafe")
    for number, (name, statements) in enumerate(MIGRATIONS, start=1):
        migrations(name=name)(_migration(number, statements))
    migrations.apply(database)


def _migration(
    number: int, statements: tuple[str, ...]
) -> Callable[["Database"], None]:
    def run(db: "Database") -> None:
        for statement in statements:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")

    return run
