# SPDX-License-Identifier: Apache-2.0
"""The table of partners; `schema.py` says which migration it is.

A row of `partners` claims that the provider has entered such a partner, whether it is
one for tests, and until when somebody else has verified it. The rest is in `record`:
contacts of offices and a public key, nothing of any case.
"""

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
