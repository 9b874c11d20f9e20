# SPDX-License-Identifier: Apache-2.0
"""The tables of appeals against origins' rulings; `schema.py` says which migration.

* `appeals`: each statement by which a member appeals, with the signal and the dispute
  that it is about. `due_at` is until when it is to be ruled on; `opened_by` and
  `reason` are of a person of this provider.
* `appeal_rulings`: how each ended, by the statement of the member that heard it. The
  first counts. `charged_at` lies in the day whose budget of its author it counts
  against; `place` is where it stands in the own feed. Who ruled here are two persons.
"""

APPEALS: tuple[str, ...] = (
    """
    CREATE TABLE appeals (
        digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        dispute BLOB NOT NULL CHECK (length(dispute) = 32),
        disputed_by TEXT NOT NULL,
        author TEXT NOT NULL,
        at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        statement BLOB NOT NULL,
        opened_by TEXT,
        reason TEXT
    ) STRICT
    """,
    "CREATE INDEX appeals_by_signal ON appeals (origin, signal_id)",
    "CREATE INDEX appeals_by_due ON appeals (due_at, digest)",
    """
    CREATE TRIGGER appeals_no_update BEFORE UPDATE ON appeals
    BEGIN SELECT RAISE(ABORT, 'appeals are append-only'); END
    """,
    """
    CREATE TRIGGER appeals_no_delete BEFORE DELETE ON appeals
    BEGIN SELECT RAISE(ABORT, 'appeals are append-only'); END
    """,
    """
    CREATE TABLE appeal_rulings (
        appeal BLOB PRIMARY KEY REFERENCES appeals (digest),
        digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
        author TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('ended', 'stands')),
        at INTEGER NOT NULL,
        charged_at INTEGER NOT NULL,
        statement BLOB NOT NULL,
        place INTEGER,
        first TEXT,
        second TEXT,
        reason TEXT
    ) STRICT
    """,
    "CREATE INDEX appeal_rulings_by_author ON appeal_rulings (author, charged_at)",
    """
    CREATE TRIGGER appeal_rulings_no_update BEFORE UPDATE ON appeal_rulings
    BEGIN SELECT RAISE(ABORT, 'rulings on appeals are append-only'); END
    """,
    """
    CREATE TRIGGER appeal_rulings_no_delete BEFORE DELETE ON appeal_rulings
    BEGIN SELECT RAISE(ABORT, 'rulings on appeals are append-only'); END
    """,
)
