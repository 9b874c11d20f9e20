# SPDX-License-Identifier: Apache-2.0
"""The tables of the provider's own cases; `schema.py` says which migration they are.

* A row of `cases` claims that such a case is in that state, how urgent it is, whether
  it is about minors, and since when it is known. All else is in `sealed`, under a key
  of the case's own, which `key` holds under the key of its period. They go together.
* A row of `case_steps` claims that somebody took that step of a case, in which role;
  it says nothing of what the case is about, and never changes.
"""

CASES: tuple[str, ...] = (
    """
    CREATE TABLE cases (
        id TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        urgency TEXT NOT NULL,
        minors INTEGER NOT NULL CHECK (minors IN (0, 1)),
        known_at INTEGER NOT NULL,
        opened_at INTEGER NOT NULL,
        opened_by TEXT NOT NULL,
        revision INTEGER NOT NULL CHECK (revision >= 1),
        period TEXT NOT NULL,
        key BLOB,
        sealed BLOB,
        CHECK ((key IS NULL) = (sealed IS NULL))
    ) STRICT
    """,
    "CREATE INDEX cases_by_age ON cases (known_at, id) WHERE state <> 'closed'",
    """
    CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases
    BEGIN SELECT RAISE(ABORT, 'a case is closed, never deleted'); END
    """,
    """
    CREATE TABLE case_steps (
        number INTEGER PRIMARY KEY,
        case_id TEXT NOT NULL REFERENCES cases (id),
        step TEXT NOT NULL,
        state TEXT NOT NULL,
        revision INTEGER NOT NULL,
        at INTEGER NOT NULL,
        by TEXT NOT NULL,
        role TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX case_steps_by_case ON case_steps (case_id, number)",
    """
    CREATE TRIGGER case_steps_no_update BEFORE UPDATE ON case_steps
    BEGIN SELECT RAISE(ABORT, 'the steps of cases are append-only'); END
    """,
    """
    CREATE TRIGGER case_steps_no_delete BEFORE DELETE ON case_steps
    BEGIN SELECT RAISE(ABORT, 'the steps of cases are append-only'); END
    """,
)
