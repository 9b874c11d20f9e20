# SPDX-License-Identifier: Apache-2.0
"""The table of what people were told of cases; `schema.py` says which migration it is.

A row of `case_alarms` claims that people were told at `told_at` of something that a
case of that urgency owed by `due_at`: which, at which of its moments, and which step of
the fallback chain it was, if one. It says nothing of what the case is about, and stays.
"""

CASE_ALARMS: tuple[str, ...] = (
    """
    CREATE TABLE case_alarms (
        case_id TEXT NOT NULL REFERENCES cases (id),
        urgency TEXT NOT NULL,
        milestone TEXT NOT NULL,
        since INTEGER NOT NULL,
        stage TEXT NOT NULL,
        number INTEGER NOT NULL CHECK (number >= 0),
        at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        fallback TEXT,
        told_at INTEGER NOT NULL,
        PRIMARY KEY (case_id, urgency, milestone, since, stage, number)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER case_alarms_no_update BEFORE UPDATE ON case_alarms
    BEGIN SELECT RAISE(ABORT, 'what people were told stays'); END
    """,
    """
    CREATE TRIGGER case_alarms_no_delete BEFORE DELETE ON case_alarms
    BEGIN SELECT RAISE(ABORT, 'what people were told stays'); END
    """,
)
