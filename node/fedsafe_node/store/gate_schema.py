# SPDX-License-Identifier: Apache-2.0
"""What the actor plane hangs on: the register, and what a relock has erased.

`schema.py` says which migration each is. A signal that a relock has erased may come
back, and nothing else that was erased: the triggers of the first migration are
replaced by ones that look into `relocked`.
"""

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

_RELOCKED = (
    "EXISTS (SELECT 1 FROM relocked WHERE relocked.origin = OLD.origin "
    "AND relocked.signal_id = OLD.signal_id)"
)
RELOCK: tuple[str, ...] = (
    """
    CREATE TABLE relocked (
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        log TEXT NOT NULL,
        idx INTEGER NOT NULL,
        grp TEXT NOT NULL,
        event INTEGER NOT NULL,
        PRIMARY KEY (origin, signal_id),
        UNIQUE (log, idx, grp)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE INDEX signals_by_origin ON signals (origin)
    WHERE plane = 'actor' AND own = 0 AND status IN ('active', 'disputed', 'expired')
    """,
    "DROP TRIGGER signals_stay_erased",
    f"""
    CREATE TRIGGER signals_stay_erased BEFORE UPDATE ON signals
    WHEN OLD.status = 'erased' AND NOT {_RELOCKED}
    BEGIN SELECT RAISE(ABORT, 'an erased signal stays erased'); END
    """,
    "DROP TRIGGER openings_erase_only",
    """
    CREATE TRIGGER openings_erase_only BEFORE UPDATE ON openings
    WHEN NOT (
        NEW.log = OLD.log AND NEW.idx = OLD.idx AND NEW.grp = OLD.grp
        AND (
            (
                OLD.sealed IS NOT NULL AND NEW.sealed IS NULL
                AND NEW.period = OLD.period
            )
            OR (
                OLD.sealed IS NULL AND NEW.sealed IS NOT NULL
                AND EXISTS (
                    SELECT 1 FROM relocked JOIN logs ON logs.origin = relocked.log
                    WHERE logs.id = OLD.log AND relocked.idx = OLD.idx
                    AND relocked.grp = OLD.grp
                )
            )
        )
    )
    BEGIN SELECT RAISE(ABORT, 'openings are erased, never changed'); END
    """,
)
