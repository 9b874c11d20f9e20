# SPDX-License-Identifier: Apache-2.0
"""The table of erasure receipts; `schema.py` says which migration it is.

A row of `erasure_receipts` claims: that member has signed that it erased what this
node's restrictions up to `seq` name, or all that came from this node once they parted
(`parted`, a version of the charter), and until when residues live. Each is kept for
good, since it answers for openings that are gone.
"""

RECEIPTS: tuple[str, ...] = (
    """
    CREATE TABLE erasure_receipts (
        member TEXT NOT NULL,
        seq INTEGER NOT NULL CHECK (seq >= 0),
        parted INTEGER NOT NULL CHECK (parted >= 0),
        method TEXT NOT NULL,
        erased_at INTEGER NOT NULL,
        residual_until INTEGER NOT NULL CHECK (residual_until >= erased_at),
        received_at INTEGER NOT NULL,
        statement BLOB NOT NULL,
        PRIMARY KEY (member, seq, parted)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER erasure_receipts_no_update BEFORE UPDATE ON erasure_receipts
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER erasure_receipts_no_delete BEFORE DELETE ON erasure_receipts
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
)
