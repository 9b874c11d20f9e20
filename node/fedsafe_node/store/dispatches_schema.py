# SPDX-License-Identifier: Apache-2.0
"""The tables of dispatches; `schema.py` says which migration they are.

* A row of `dispatches` claims that this revision of a case was, or is to be, brought to
  that partner under that key, and where it is now. `mark` is a digest of the entry the
  partner had then; `sealed` is what travels, until its receipt is acknowledged, and
  `signature` was made of it while it was sealed.
* A row of `attempts` claims that an attempt began, and what came of it. One that began
  and has no end was cut off: it may have arrived.
* What is mailed names its dispatch by `reply_token`, and so does the answer to it.
* A row of `takings` claims that somebody took a sealed package out, and may have handed
  it over, unless somebody has said that it was kept back.
* The last row of `sendings` says whether anything leaves at all.
"""

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
