# SPDX-License-Identifier: Apache-2.0
"""The tables of cases, partners, orders and dispatches.

`schema.py` says which migration each is. Of the provider's own cases:

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


# The table of what people were told of cases; `schema.py` says which migration it is.
#
# A row of `case_alarms` claims that people were told at `told_at` of something that a
# case of that urgency owed by `due_at`: which, at which of its moments, and which step
# of the fallback chain it was, if one. It says nothing of what the case is about, and
# stays.

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


# The table of partners; `schema.py` says which migration it is.
#
# A row of `partners` claims that the provider has entered such a partner, whether it is
# one for tests, and until when somebody else has verified it. The rest is in `record`:
# contacts of offices and a public key, nothing of any case.

PARTNERS: tuple[str, ...] = (
    """
    CREATE TABLE partners (
        id TEXT PRIMARY KEY,
        revision INTEGER NOT NULL CHECK (revision >= 1),
        test INTEGER NOT NULL CHECK (test IN (0, 1)),
        entered_at INTEGER NOT NULL,
        entered_by TEXT NOT NULL,
        verified_at INTEGER,
        verified_until INTEGER,
        verified_by TEXT,
        record BLOB NOT NULL,
        CHECK ((verified_at IS NULL) = (verified_until IS NULL)),
        CHECK ((verified_at IS NULL) = (verified_by IS NULL))
    ) STRICT
    """,
    """
    CREATE TRIGGER partners_no_delete BEFORE DELETE ON partners
    BEGIN SELECT RAISE(ABORT, 'a partner is entered anew, never deleted'); END
    """,
)


# The table of orders that authorities sent; `schema.py` says which migration it is.
#
# A row of `orders` claims that an order of that kind came in, by when it is answered,
# and what was done: acknowledged, confirmed, answered. All else is in `sealed`, under
# the key of its period, bound to the order and its revision.

ORDERS: tuple[str, ...] = (
    """
    CREATE TABLE orders (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        emergency INTEGER NOT NULL CHECK (emergency IN (0, 1)),
        received_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        confirm_by INTEGER,
        entered_at INTEGER NOT NULL,
        entered_by TEXT NOT NULL,
        entered_role TEXT NOT NULL,
        acknowledged_at INTEGER,
        confirmed_at INTEGER,
        answered_at INTEGER,
        answered_by TEXT,
        outcome TEXT,
        case_id TEXT REFERENCES cases (id),
        reminded_at INTEGER,
        revision INTEGER NOT NULL CHECK (revision >= 1),
        period TEXT NOT NULL,
        sealed BLOB,
        CHECK ((answered_at IS NULL) = (outcome IS NULL)),
        CHECK ((answered_at IS NULL) = (answered_by IS NULL))
    ) STRICT
    """,
    "CREATE INDEX orders_by_due ON orders (due_at, id) WHERE answered_at IS NULL",
    """
    CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders
    BEGIN SELECT RAISE(ABORT, 'an order is answered, never deleted'); END
    """,
    """
    CREATE TRIGGER orders_stay_answered BEFORE UPDATE ON orders
    WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.received_at <> OLD.received_at
    OR NEW.entered_by <> OLD.entered_by
    OR (OLD.answered_at IS NOT NULL AND NEW.answered_at IS NOT OLD.answered_at)
    BEGIN SELECT RAISE(ABORT, 'an answered order stays so'); END
    """,
)


# The tables of dispatches; `schema.py` says which migration they are.
#
# * A row of `dispatches` claims that this revision of a case was, or is to be, brought
#   to that partner under that key, and where it is now. `mark` is a digest of the entry
#   the partner had then; `sealed` is what travels, until its receipt is acknowledged,
#   and `signature` was made of it while it was sealed.
# * A row of `attempts` claims that an attempt began, and what came of it. One that
#   began and has no end was cut off: it may have arrived.
# * What is mailed names its dispatch by `reply_token`, and so does the answer to it.
# * A row of `takings` claims that somebody took a sealed package out, and may have
#   handed it over, unless somebody has said that it was kept back.
# * The last row of `sendings` says whether anything leaves at all.

DISPATCHES: tuple[str, ...] = (
    """
    CREATE TABLE dispatches (
        id TEXT PRIMARY KEY CHECK (length(id) = 32),
        key TEXT NOT NULL UNIQUE CHECK (length(key) = 64),
        case_id TEXT NOT NULL REFERENCES cases (id),
        revision INTEGER NOT NULL,
        partner TEXT NOT NULL REFERENCES partners (id),
        partner_class TEXT NOT NULL,
        mark BLOB NOT NULL CHECK (length(mark) = 32),
        test INTEGER NOT NULL CHECK (test IN (0, 1)),
        urgency TEXT NOT NULL,
        recalls TEXT REFERENCES dispatches (id),
        package_id TEXT NOT NULL,
        sealing TEXT NOT NULL,
        reply_token TEXT NOT NULL,
        made_at INTEGER NOT NULL,
        made_by TEXT NOT NULL,
        called TEXT,
        state TEXT NOT NULL,
        channel INTEGER NOT NULL,
        tries INTEGER NOT NULL,
        due_at INTEGER,
        delivered_at INTEGER,
        acknowledged_at INTEGER,
        sealed BLOB,
        CHECK ((due_at IS NULL) = (state <> 'queued'))
    ) STRICT
    """,
    "CREATE INDEX dispatches_by_case ON dispatches (case_id, made_at, id)",
    "CREATE INDEX dispatches_by_due ON dispatches (due_at) WHERE due_at IS NOT NULL",
    """
    CREATE TRIGGER dispatches_no_delete BEFORE DELETE ON dispatches
    BEGIN SELECT RAISE(ABORT, 'a dispatch stays'); END
    """,
    """
    CREATE TABLE attempts (
        dispatch_id TEXT NOT NULL REFERENCES dispatches (id),
        number INTEGER NOT NULL CHECK (number >= 1),
        way TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        ended_at INTEGER,
        outcome TEXT,
        proof TEXT,
        message TEXT,
        PRIMARY KEY (dispatch_id, number),
        CHECK ((ended_at IS NULL) = (outcome IS NULL))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX attempts_by_end ON attempts (dispatch_id) WHERE ended_at IS NULL",
    """
    CREATE TRIGGER attempts_no_delete BEFORE DELETE ON attempts
    BEGIN SELECT RAISE(ABORT, 'an attempt stays'); END
    """,
    """
    CREATE TABLE sendings (
        number INTEGER PRIMARY KEY,
        sends INTEGER NOT NULL CHECK (sends IN (0, 1)),
        at INTEGER NOT NULL,
        by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER sendings_no_update BEFORE UPDATE ON sendings
    BEGIN SELECT RAISE(ABORT, 'who switched stays'); END
    """,
    """
    CREATE TRIGGER sendings_no_delete BEFORE DELETE ON sendings
    BEGIN SELECT RAISE(ABORT, 'who switched stays'); END
    """,
)

REPLIES: tuple[str, ...] = (
    "CREATE UNIQUE INDEX dispatches_by_reply_token ON dispatches (reply_token)",
)

# No older release has kept who took a package: one that waits for a person, sealed, may
# be in somebody's hands.
TAKINGS: tuple[str, ...] = (
    """
    CREATE TABLE takings (
        dispatch_id TEXT NOT NULL REFERENCES dispatches (id),
        number INTEGER NOT NULL CHECK (number >= 1),
        by TEXT NOT NULL,
        at INTEGER NOT NULL,
        kept_back_at INTEGER,
        kept_back_by TEXT,
        PRIMARY KEY (dispatch_id, number),
        CHECK ((kept_back_at IS NULL) = (kept_back_by IS NULL))
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER takings_end_once BEFORE UPDATE ON takings
    WHEN OLD.kept_back_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'who took a package stays'); END
    """,
    """
    CREATE TRIGGER takings_no_delete BEFORE DELETE ON takings
    BEGIN SELECT RAISE(ABORT, 'who took a package stays'); END
    """,
    """
    INSERT INTO takings (dispatch_id, number, by, at)
    SELECT id, 1, 'unknown', made_at FROM dispatches
    WHERE state = 'by_hand' AND sealed IS NOT NULL
    """,
)

# What an older release has sealed has none here: `dispatch/signing.py` says what of it
# is signed all the same.
SIGNATURES: tuple[str, ...] = (
    """
    ALTER TABLE dispatches ADD COLUMN signature BLOB
    CHECK (signature IS NULL OR sealed IS NOT NULL)
    """,
)
