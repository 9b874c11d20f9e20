# SPDX-License-Identifier: Apache-2.0
"""The table by which a node finds its own signals; `schema.py` says which migration.

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
