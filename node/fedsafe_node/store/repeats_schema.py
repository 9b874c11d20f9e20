# SPDX-License-Identifier: Apache-2.0
"""The tables of what was handed over again; `schema.py` says which migration it is.

* A row of `handed_again` claims of a line of the recipient ledger that entries of it
  went to the same member again: in so many requests, the last one then. `parts` has
  it for each entry: runs of entries, each `[first, last, times, first_at, last_at]`.
  Like the ledger it only grows, and outlives the openings.
* A row of `served_again` claims that requests in a UTC hour (counted since 1970) gave
  a member nothing but what it had before. It waits for the event of the audit log
  that says so, and goes with it.
"""

REPEATS: tuple[str, ...] = (
    """
    CREATE TABLE handed_again (
        line INTEGER NOT NULL REFERENCES recipients (number),
        times INTEGER NOT NULL CHECK (times >= 1),
        last_at INTEGER NOT NULL,
        parts TEXT NOT NULL,
        PRIMARY KEY (line)
    ) STRICT
    """,
    """
    CREATE TRIGGER handed_again_only_grows BEFORE UPDATE ON handed_again
    WHEN NEW.line <> OLD.line OR NEW.times <= OLD.times OR NEW.last_at < OLD.last_at
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger only grows'); END
    """,
    """
    CREATE TRIGGER handed_again_no_delete BEFORE DELETE ON handed_again
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TABLE served_again (
        recipient TEXT NOT NULL,
        origin TEXT NOT NULL,
        hour INTEGER NOT NULL,
        times INTEGER NOT NULL CHECK (times >= 1),
        openings INTEGER NOT NULL CHECK (openings >= 1),
        first INTEGER NOT NULL CHECK (first >= 0),
        last INTEGER NOT NULL CHECK (last >= first),
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        PRIMARY KEY (recipient, origin, hour)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX recipients_by_recipient ON recipients (recipient, first)",
)
