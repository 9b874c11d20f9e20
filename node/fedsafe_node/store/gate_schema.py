# SPDX-License-Identifier: Apache-2.0
"""The table of the Schutzkonzept register; `schema.py` says which migration it is."""

REGISTER: tuple[str, ...] = (
    """
    CREATE TABLE register (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        item TEXT NOT NULL,
        record BLOB NOT NULL,
        recorded_at INTEGER NOT NULL,
        recorded_by TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER register_no_update BEFORE UPDATE ON register
    BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END
    """,
    """
    CREATE TRIGGER register_no_delete BEFORE DELETE ON register
    BEGIN SELECT RAISE(ABORT, 'the register is append-only'); END
    """,
)
