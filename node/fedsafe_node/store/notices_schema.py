# SPDX-License-Identifier: Apache-2.0
"""The tables of what listed persons are told, and what a back-end reads.

`notices` claims: this signal's person is owed this notice, and how far it is.
`withholdings` claims: this person has held back that notice for this reason until
then. `notice_texts` claims: this person has signed off exactly these words.
"""

NOTICES: tuple[str, ...] = (
    """
    CREATE TABLE notices (
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        queued_at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB,
        event INTEGER REFERENCES provider_events (number),
        PRIMARY KEY (signal_id, kind)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX notices_by_state ON notices (state, queued_at)",
    """
    CREATE TRIGGER notices_stay BEFORE UPDATE ON notices
    WHEN NEW.signal_id <> OLD.signal_id OR NEW.kind <> OLD.kind
        OR NEW.queued_at <> OLD.queued_at OR NEW.period <> OLD.period
        OR (NEW.sealed IS NOT NULL AND NEW.sealed IS NOT OLD.sealed)
        OR (OLD.event IS NOT NULL AND NEW.event IS NOT OLD.event)
    BEGIN SELECT RAISE(ABORT, 'what a person is owed never changes'); END
    """,
    """
    CREATE TRIGGER notices_no_delete BEFORE DELETE ON notices
    BEGIN SELECT RAISE(ABORT, 'notices are erased, never deleted'); END
    """,
    """
    CREATE TABLE withholdings (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        reason TEXT NOT NULL,
        note TEXT NOT NULL,
        by TEXT NOT NULL,
        at INTEGER NOT NULL,
        until INTEGER NOT NULL CHECK (until > at)
    ) STRICT
    """,
    """
    CREATE TRIGGER withholdings_no_update BEFORE UPDATE ON withholdings
    BEGIN SELECT RAISE(ABORT, 'a withholding never changes'); END
    """,
    """
    CREATE TRIGGER withholdings_no_delete BEFORE DELETE ON withholdings
    BEGIN SELECT RAISE(ABORT, 'a withholding never changes'); END
    """,
    """
    CREATE TABLE notice_texts (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        signed_by TEXT NOT NULL,
        role TEXT NOT NULL,
        signed_at INTEGER NOT NULL,
        valid_until INTEGER NOT NULL CHECK (valid_until > signed_at)
    ) STRICT
    """,
    """
    CREATE TRIGGER notice_texts_no_update BEFORE UPDATE ON notice_texts
    BEGIN SELECT RAISE(ABORT, 'a sign-off never changes'); END
    """,
    """
    CREATE TRIGGER notice_texts_no_delete BEFORE DELETE ON notice_texts
    BEGIN SELECT RAISE(ABORT, 'a sign-off never changes'); END
    """,
)


# The table of what a provider's back-end reads from a cursor.
#
# Each row claims: this was announced, in this order, in the act that caused it. The
# content is sealed under a period key; it can be erased, never changed. A row is never
# deleted, so a cursor that a client holds means the same for ever; `mark` is drawn for
# the event, so that a cursor from before a restore is known for one.

EVENTS: tuple[str, ...] = (
    """
    CREATE TABLE provider_events (
        number INTEGER PRIMARY KEY CHECK (number > 0),
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB,
        expires_at INTEGER NOT NULL,
        due_at INTEGER,
        remind_at INTEGER,
        reminds INTEGER REFERENCES provider_events (number),
        receipted_at INTEGER,
        receipted_by TEXT,
        mark BLOB NOT NULL CHECK (length(mark) = 8),
        CHECK ((due_at IS NULL) = (remind_at IS NULL)),
        CHECK ((receipted_at IS NULL) = (receipted_by IS NULL)),
        CHECK (receipted_at IS NULL OR due_at IS NOT NULL)
    ) STRICT
    """,
    """
    CREATE INDEX provider_events_by_expiry ON provider_events (expires_at)
    WHERE sealed IS NOT NULL
    """,
    """
    CREATE INDEX provider_events_by_reminder ON provider_events (remind_at)
    WHERE receipted_at IS NULL AND remind_at IS NOT NULL AND sealed IS NOT NULL
    """,
    """
    CREATE TRIGGER provider_events_stay BEFORE UPDATE ON provider_events
    WHEN NEW.number <> OLD.number OR NEW.kind <> OLD.kind OR NEW.at <> OLD.at
        OR NEW.period <> OLD.period OR NEW.reminds IS NOT OLD.reminds
        OR NEW.due_at IS NOT OLD.due_at OR NEW.mark <> OLD.mark
        OR (NEW.sealed IS NOT NULL AND NEW.sealed IS NOT OLD.sealed)
        OR (OLD.receipted_at IS NOT NULL AND NEW.receipted_at IS NOT OLD.receipted_at)
        OR (OLD.receipted_by IS NOT NULL AND NEW.receipted_by IS NOT OLD.receipted_by)
    BEGIN SELECT RAISE(ABORT, 'an event is erased, never changed'); END
    """,
    """
    CREATE TRIGGER provider_events_no_delete BEFORE DELETE ON provider_events
    BEGIN SELECT RAISE(ABORT, 'events are erased, never deleted'); END
    """,
)


# What a decision rests on, and notices about more than signals.
#
# `schema.py` says which migration they are. A notice is about a signal or a review, and
# of a review there can be several: SQLite changes no primary key, so that table is made
# anew, and a row claims what it did before. A decision names the rule that carries it
# and what the provider's own finding was.

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
