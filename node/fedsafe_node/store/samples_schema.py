# SPDX-License-Identifier: Apache-2.0
"""The tables of samples of the own signals; `schema.py` says which migration they are.

* A row of `samples` claims that at a moment so many (`drawn`) of the published signals
  were drawn by a seed; whoever knows the signals can draw again.
* A row of `sampled_signals` claims that one of them was drawn, until when a person
  looks at it, and what that person found. A finding never changes.
"""

SAMPLES: tuple[str, ...] = (
    """
    CREATE TABLE samples (
        began_at INTEGER PRIMARY KEY,
        seed BLOB NOT NULL CHECK (length(seed) = 32),
        published INTEGER NOT NULL CHECK (published >= 0),
        drawn INTEGER NOT NULL CHECK (drawn BETWEEN 0 AND published)
    ) STRICT
    """,
    """
    CREATE TABLE sampled_signals (
        began_at INTEGER NOT NULL REFERENCES samples (began_at),
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        due_at INTEGER NOT NULL,
        finding TEXT CHECK (finding IN ('stands', 'wrong')),
        found_by TEXT,
        found_at INTEGER,
        reason TEXT,
        PRIMARY KEY (began_at, signal_id),
        CHECK ((finding IS NULL) = (found_by IS NULL)),
        CHECK ((finding IS NULL) = (found_at IS NULL))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sampled_signals_by_signal ON sampled_signals (signal_id)",
    """
    CREATE TRIGGER sampled_signals_stay BEFORE UPDATE ON sampled_signals
    WHEN OLD.finding IS NOT NULL OR NEW.due_at <> OLD.due_at
    BEGIN SELECT RAISE(ABORT, 'what was found in a sample stays'); END
    """,
)
