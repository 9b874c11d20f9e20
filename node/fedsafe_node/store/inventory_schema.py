# SPDX-License-Identifier: Apache-2.0
"""The tables by which a node finds its own signals, and samples of them.

`schema.py` says which migration each is.

A row of `inventory` claims that this node drafted or listed a signal, how it stands,
and until when it matches; `own` says that it is, or is to be, an own ban. What it is
about (kind, phenomenon, rule, the provider's name for the account) is sealed under the
key of its month, and goes when the signal ends. Nothing of the identifier is in it,
sealed or not. The table of signals holds those of all members: no question about the
own ones walks it.

Rows of an older node say nothing of what they are about: nobody can read it any more.
"""

_LIVES = "state IN ('draft', 'active', 'disputed')"

INVENTORY: tuple[str, ...] = (
    f"""
    CREATE TABLE inventory (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        own INTEGER NOT NULL CHECK (own IN (0, 1)),
        origin TEXT,
        state TEXT NOT NULL CHECK (state IN (
            'draft', 'withdrawn', 'active', 'disputed', 'revoked', 'expired', 'erased'
        )),
        match_until INTEGER,
        period TEXT,
        sealed BLOB,
        CHECK ((origin IS NULL) = (state IN ('draft', 'withdrawn'))),
        CHECK ((origin IS NULL) = (match_until IS NULL)),
        CHECK (sealed IS NULL OR (period IS NOT NULL AND {_LIVES}))
    ) STRICT
    """,
    "CREATE INDEX inventory_by_state ON inventory (own, state, signal_id)",
    """
    CREATE INDEX inventory_by_end ON inventory (match_until, signal_id)
    WHERE state IN ('active', 'disputed')
    """,
    """
    CREATE TRIGGER inventory_no_delete BEFORE DELETE ON inventory
    BEGIN SELECT RAISE(ABORT, 'the inventory ends, and is never deleted'); END
    """,
    """
    INSERT INTO inventory (signal_id, own, origin, state, match_until)
    SELECT signal_id, own, origin, status, match_until FROM signals
    WHERE own = 1 OR origin IN (
        SELECT substr(origin, 1, length(origin) - 6) FROM logs
        WHERE origin LIKE '%/audit'
    )
    """,
    """
    INSERT INTO inventory (signal_id, own, state)
    SELECT signal_id, CASE WHEN scope = 'self' THEN 1 ELSE 0 END,
        CASE WHEN state = 'pending' THEN 'draft' ELSE 'withdrawn' END
    FROM drafts WHERE state <> 'published'
    """,
    "CREATE INDEX restricted_by_digest ON restricted (digest)",
)


# The tables of samples of the own signals; `schema.py` says which migration they are.
#
# * A row of `samples` claims that at a moment so many (`drawn`) of the published
#   signals were drawn by a seed; whoever knows the signals can draw again.
# * A row of `sampled_signals` claims that one of them was drawn, until when a person
#   looks at it, and what that person found. A finding never changes.

SAMPLES: tuple[str, ...] = (
    """
    CREATE TABLE samples (
        began_at INTEGER PRIMARY KEY,
        seed BLOB NOT NULL CHECK (length(seed) = 32),
        published INTEGER NOT NULL CHECK (published >= 0),
        drawn INTEGER NOT NULL CHECK (drawn BETWEEN 0 AND published)
    ) STRICT
    """,
    """
    CREATE TABLE sampled_signals (
        began_at INTEGER NOT NULL REFERENCES samples (began_at),
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        due_at INTEGER NOT NULL,
        finding TEXT CHECK (finding IN ('stands', 'wrong')),
        found_by TEXT,
        found_at INTEGER,
        reason TEXT,
        PRIMARY KEY (began_at, signal_id),
        CHECK ((finding IS NULL) = (found_by IS NULL)),
        CHECK ((finding IS NULL) = (found_at IS NULL))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sampled_signals_by_signal ON sampled_signals (signal_id)",
    """
    CREATE TRIGGER sampled_signals_stay BEFORE UPDATE ON sampled_signals
    WHEN OLD.finding IS NOT NULL OR NEW.due_at <> OLD.due_at
    BEGIN SELECT RAISE(ABORT, 'what was found in a sample stays'); END
    """,
)
