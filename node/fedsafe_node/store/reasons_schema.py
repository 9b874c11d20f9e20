# SPDX-License-Identifier: Apache-2.0
"""What a decision rests on, and notices about more than signals.

`schema.py` says which migration they are. A notice is about a signal or a review, and
of a review there can be several: SQLite changes no primary key, so that table is made
anew, and a row claims what it did before. A decision names the rule that carries it and
what the provider's own finding was.
"""

REASONS: tuple[str, ...] = (
    "CREATE TABLE notices_kept AS SELECT * FROM notices",
    "DROP TRIGGER notices_stay",
    "DROP TRIGGER notices_no_delete",
    "DROP INDEX notices_by_state",
    "DROP TABLE notices",
    """
    CREATE TABLE notices (
        about BLOB NOT NULL CHECK (length(about) = 16),
        kind TEXT NOT NULL,
        nth INTEGER NOT NULL CHECK (nth >= 1),
        state TEXT NOT NULL,
        queued_at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB,
        event INTEGER REFERENCES provider_events (number),
        PRIMARY KEY (about, kind, nth)
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO notices (about, kind, nth, state, queued_at, period, sealed, event)
    SELECT signal_id, kind, 1, state, queued_at, period, sealed, event
    FROM notices_kept
    """,
    "DROP TABLE notices_kept",
    "CREATE INDEX notices_by_state ON notices (state, queued_at)",
    """
    CREATE TRIGGER notices_stay BEFORE UPDATE ON notices
    WHEN NEW.about <> OLD.about OR NEW.kind <> OLD.kind OR NEW.nth <> OLD.nth
        OR NEW.queued_at <> OLD.queued_at OR NEW.period <> OLD.period
        OR (NEW.sealed IS NOT NULL AND NEW.sealed IS NOT OLD.sealed)
        OR (OLD.event IS NOT NULL AND NEW.event IS NOT OLD.event)
    BEGIN SELECT RAISE(ABORT, 'what a person is owed never changes'); END
    """,
    """
    CREATE TRIGGER notices_no_delete BEFORE DELETE ON notices
    BEGIN SELECT RAISE(ABORT, 'notices are erased, never deleted'); END
    """,
    "ALTER TABLE withholdings RENAME COLUMN signal_id TO about",
    "ALTER TABLE task_decisions ADD COLUMN rule TEXT",
    "ALTER TABLE task_decisions ADD COLUMN phenomenon TEXT",
    "ALTER TABLE task_decisions ADD COLUMN surface TEXT",
    "ALTER TABLE task_decisions ADD COLUMN grade TEXT",
    "ALTER TABLE task_decisions ADD COLUMN source TEXT",
)
