# SPDX-License-Identifier: Apache-2.0
"""The tables of what comes back to origins; `schema.py` has their migration.

* A row of `sent_inquiries` claims that this node owes the origin of a signal an
  inquiry, or has brought it (`state`), and when next. There is one for each signal.
* A row of `inquiries` claims that a signal of this node is to be reviewed, or was;
  those of `inquirers` say which members have asked for it, and on which UTC day. There
  is nothing about an account in any of them.
* `sighting_counts` count how reviews of an origin's signals ended here; `told` is what
  the origin is told, in whole steps. A count never falls.
* `told_sightings` keep what each member has told last of this node's signals.
"""

INQUIRIES: tuple[str, ...] = (
    """
    CREATE TABLE sent_inquiries (
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        state TEXT NOT NULL
            CHECK (state IN ('waiting', 'open', 'kept', 'ended', 'lost')),
        day INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        tries INTEGER NOT NULL CHECK (tries >= 0),
        next_at INTEGER,
        PRIMARY KEY (origin, signal_id),
        CHECK ((next_at IS NOT NULL) = (state IN ('waiting', 'open')))
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE INDEX sent_inquiries_by_next ON sent_inquiries (next_at)
    WHERE next_at IS NOT NULL
    """,
    """
    CREATE TABLE inquiries (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        origin TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'kept', 'ended')),
        opened_at INTEGER NOT NULL,
        ruled_at INTEGER,
        ruled_by TEXT,
        reason TEXT,
        CHECK ((ruled_at IS NULL) = (state = 'open'))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX inquiries_by_state ON inquiries (state, opened_at)",
    """
    CREATE TABLE inquirers (
        signal_id BLOB NOT NULL REFERENCES inquiries (signal_id),
        member TEXT NOT NULL,
        day INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        PRIMARY KEY (signal_id, member)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX inquirers_by_member ON inquirers (member, received_at)",
    """
    CREATE TABLE sighting_counts (
        origin TEXT NOT NULL,
        kind TEXT NOT NULL,
        ending TEXT NOT NULL,
        count INTEGER NOT NULL CHECK (count >= 1),
        told INTEGER NOT NULL CHECK (told BETWEEN 0 AND count),
        PRIMARY KEY (origin, kind, ending)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER sighting_counts_only_grow BEFORE UPDATE ON sighting_counts
    WHEN NEW.count < OLD.count OR NEW.told < OLD.told
    BEGIN SELECT RAISE(ABORT, 'a count of sightings never falls'); END
    """,
    """
    CREATE TABLE told_sightings (
        member TEXT PRIMARY KEY,
        received_at INTEGER NOT NULL,
        statement BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
