# SPDX-License-Identifier: Apache-2.0
"""The tables that say for whom a signal is meant, and who has got it.

`recipients` claims: in this act, the openings of these entries of the own feed, each
of them and no other, were handed to that member, for that purpose and on that basis.
It outlives the openings. `audiences` claims: this signal is meant for these members
only; a signal without a row is meant for all. `heard` claims: that member has applied
this node's restrictions up to that number.
"""

RECIPIENTS: tuple[str, ...] = (
    """
    CREATE TABLE recipients (
        number INTEGER PRIMARY KEY,
        recipient TEXT NOT NULL,
        first INTEGER NOT NULL CHECK (first >= 0),
        last INTEGER NOT NULL CHECK (last >= first),
        at INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        basis TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX recipients_by_first ON recipients (first)",
    """
    CREATE TRIGGER recipients_no_update BEFORE UPDATE ON recipients
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER recipients_no_delete BEFORE DELETE ON recipients
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TABLE audiences (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        names TEXT NOT NULL,
        idx INTEGER UNIQUE
    ) STRICT
    """,
    """
    CREATE TRIGGER audiences_stay BEFORE UPDATE ON audiences
    WHEN NEW.signal_id <> OLD.signal_id OR NEW.names <> OLD.names
        OR OLD.idx IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'whom a signal is for never changes'); END
    """,
    """
    CREATE TRIGGER audiences_no_delete BEFORE DELETE ON audiences
    BEGIN SELECT RAISE(ABORT, 'whom a signal is for never changes'); END
    """,
    """
    CREATE TABLE heard (
        recipient TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT
    """,
)
