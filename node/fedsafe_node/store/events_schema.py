# SPDX-License-Identifier: Apache-2.0
"""The table of what a provider's back-end reads from a cursor.

Each row claims: this was announced, in this order, in the act that caused it. The
content is sealed under a period key; it can be erased, never changed. A row is
never deleted, so a cursor that a client holds means the same for ever; `mark` is drawn
for the event, so that a cursor from before a restore is known for one.
"""

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
