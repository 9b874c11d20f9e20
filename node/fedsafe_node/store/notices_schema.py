# SPDX-License-Identifier: Apache-2.0
"""The tables of what listed persons are told.

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
