# SPDX-License-Identifier: Apache-2.0
"""Evidence packs in the recipient ledger; `schema.py` says which migration it is.

A row of `packs` claims that with that entry of the audit log the openings of these
entries went out, of these classes or of all, for that recipient and purpose, and which
two people (as the log names them) asked and approved; `pack_signals`, which signals
those openings tell of. Accounts are not here: they are found in the entries, for as
long as those name them.
"""

PACKS: tuple[str, ...] = (
    """
    CREATE TABLE packs (
        entry INTEGER PRIMARY KEY CHECK (entry >= 0),
        first INTEGER NOT NULL CHECK (first >= 0),
        last INTEGER NOT NULL CHECK (last >= first AND last < entry),
        events TEXT,
        recipient TEXT NOT NULL,
        asked_by TEXT NOT NULL,
        approved_by TEXT NOT NULL,
        at INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        basis TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER packs_no_update BEFORE UPDATE ON packs
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER packs_no_delete BEFORE DELETE ON packs
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TABLE pack_signals (
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        pack INTEGER NOT NULL REFERENCES packs (entry),
        PRIMARY KEY (signal_id, pack)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER pack_signals_no_update BEFORE UPDATE ON pack_signals
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
    """
    CREATE TRIGGER pack_signals_no_delete BEFORE DELETE ON pack_signals
    BEGIN SELECT RAISE(ABORT, 'the recipient ledger is append-only'); END
    """,
)
