# SPDX-License-Identifier: Apache-2.0
"""The tables of what keeps the audit log in order.

`schema.py` says which migration they are. A row of `holds` claims that somebody may
need what is held, until a moment or until it is lifted; the account goes out of it
when it is over. One of `effects` claims that a key outside the database was to be
destroyed, and, once it has an end, that it was. One of `gaps` claims that the node
could write nothing in that time; one of `erasures`, how many openings went for a
reason. The audit events beside them say the same.

A row of `event_chunks` has what one part of a chunk of entries says, as far as one
month sealed it (`log/event_index.py`): encrypted under that month's key, or, of what
records say in the clear, as it is and without a month. All rows of a part go when one
of the openings that it was made of is erased, in the same act.
"""

_STAY = tuple(
    f"""
    CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
    BEGIN SELECT RAISE(ABORT, '{table} stay as they are'); END
    """
    for table, verb in (
        ("holds", "DELETE"),
        ("effects", "DELETE"),
        ("gaps", "DELETE"),
        ("gaps", "UPDATE"),
        ("erasures", "DELETE"),
        ("erasures", "UPDATE"),
    )
)

KEEPING: tuple[str, ...] = (
    """
    CREATE TABLE holds (
        id TEXT PRIMARY KEY,
        subject TEXT,
        first INTEGER,
        last INTEGER,
        reason TEXT NOT NULL,
        until INTEGER NOT NULL,
        placed_at INTEGER NOT NULL,
        placed_by TEXT NOT NULL,
        lifted_at INTEGER,
        lifted_by TEXT,
        CHECK ((first IS NULL) = (last IS NULL)),
        CHECK (first <= last),
        CHECK (subject IS NULL OR (first IS NULL AND lifted_at IS NULL)),
        CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
    ) STRICT
    """,
    "CREATE INDEX holds_in_force ON holds (placed_at) WHERE lifted_at IS NULL",
    """
    CREATE TRIGGER holds_only_end BEFORE UPDATE ON holds
    WHEN OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL OR NEW.id <> OLD.id
        OR NEW.reason <> OLD.reason OR NEW.until <> OLD.until
        OR NEW.placed_at <> OLD.placed_at OR NEW.placed_by <> OLD.placed_by
        OR NEW.first IS NOT OLD.first OR NEW.last IS NOT OLD.last
    BEGIN SELECT RAISE(ABORT, 'a hold is only lifted'); END
    """,
    """
    CREATE TABLE effects (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('period_key', 'quarter_key')),
        target TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        ended_at INTEGER,
        UNIQUE (kind, target)
    ) STRICT
    """,
    """
    CREATE TRIGGER effects_only_end BEFORE UPDATE ON effects
    WHEN OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR NEW.kind <> OLD.kind
        OR NEW.target <> OLD.target OR NEW.begun_at <> OLD.begun_at
    BEGIN SELECT RAISE(ABORT, 'an effect only ends'); END
    """,
    """
    CREATE TABLE gaps (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('unwritable', 'unclean_end')),
        reason TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE erasures (
        number INTEGER PRIMARY KEY,
        reason TEXT NOT NULL CHECK (reason IN ('retention', 'subject')),
        at INTEGER NOT NULL,
        openings INTEGER NOT NULL CHECK (openings >= 0)
    ) STRICT
    """,
    *_STAY,
)


# Which keys of epochs were to be destroyed; `schema.py` says which migration it is.
#
# A row claims that the key file of that name, a share or media keys of a generation,
# was to be destroyed, and, once it has an end, that it was. It is an effect like those
# of `effects`, whose shipped table takes no other kinds.

EPOCHS: tuple[str, ...] = (
    """
    CREATE TABLE epoch_effects (
        number INTEGER PRIMARY KEY,
        target TEXT NOT NULL UNIQUE,
        begun_at INTEGER NOT NULL,
        ended_at INTEGER
    ) STRICT
    """,
    """
    CREATE TRIGGER epoch_effects_no_delete BEFORE DELETE ON epoch_effects
    BEGIN SELECT RAISE(ABORT, 'effects stay as they are'); END
    """,
    """
    CREATE TRIGGER epoch_effects_only_end BEFORE UPDATE ON epoch_effects
    WHEN OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
        OR NEW.target <> OLD.target OR NEW.begun_at <> OLD.begun_at
    BEGIN SELECT RAISE(ABORT, 'an effect only ends'); END
    """,
)

# What is erased is found without a walk over what is not.

ERASED_PLACES: tuple[str, ...] = (
    "CREATE INDEX openings_erased ON openings (grp, idx) WHERE sealed IS NULL",
)

EVENT_INDEX: tuple[str, ...] = (
    """
    CREATE TABLE event_chunks (
        log INTEGER NOT NULL,
        part TEXT NOT NULL,
        chunk INTEGER NOT NULL CHECK (chunk >= 0),
        period TEXT NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (log, part, chunk, period)
    ) STRICT
    """,
)
