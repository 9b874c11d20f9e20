# SPDX-License-Identifier: Apache-2.0
"""What stays of the beginning of a log that was pruned; `schema.py` says when.

A row of `pruned` claims that nothing is left of the first `size` entries of a log but
their hashes, that their tree has this root, that the log began in the month `since`,
and which event says so. `openings` counts those that were erased one by one and went
with their entries. `leaf_tiles` has the leaf hashes of these entries, 256 a row, so
that every proof is what it was.

Nothing is deleted that no row of `pruned` lies above, nor an opening that can still be
read: it was erased, or the key of its month is destroyed.
"""

_DESTROYED = (
    "EXISTS (SELECT 1 FROM effects WHERE kind = 'period_key' "
    "AND target = OLD.period AND ended_at IS NOT NULL)"
)
_BELOW = (
    "EXISTS (SELECT 1 FROM pruned WHERE pruned.log = OLD.log AND OLD.idx < pruned.size)"
)

PRUNE: tuple[str, ...] = (
    """
    CREATE TABLE leaf_tiles (
        log INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        hashes BLOB NOT NULL CHECK (length(hashes) = 8192),
        PRIMARY KEY (log, idx)
    ) STRICT
    """,
    """
    CREATE TRIGGER leaf_tiles_no_update BEFORE UPDATE ON leaf_tiles
    BEGIN SELECT RAISE(ABORT, 'leaf_tiles are append-only'); END
    """,
    """
    CREATE TRIGGER leaf_tiles_no_delete BEFORE DELETE ON leaf_tiles
    BEGIN SELECT RAISE(ABORT, 'leaf_tiles are append-only'); END
    """,
    """
    CREATE TABLE pruned (
        log INTEGER PRIMARY KEY,
        size INTEGER NOT NULL CHECK (size > 0 AND size % 256 = 0),
        root BLOB NOT NULL CHECK (length(root) = 32),
        since TEXT NOT NULL,
        event INTEGER NOT NULL,
        openings INTEGER NOT NULL CHECK (openings >= 0),
        at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER pruned_only_grows BEFORE UPDATE ON pruned
    WHEN NEW.log <> OLD.log OR NEW.size <= OLD.size OR NEW.since <> OLD.since
        OR NEW.event <= OLD.event OR NEW.openings < OLD.openings
    BEGIN SELECT RAISE(ABORT, 'what was pruned only grows'); END
    """,
    """
    CREATE TRIGGER pruned_no_delete BEFORE DELETE ON pruned
    BEGIN SELECT RAISE(ABORT, 'what was pruned stays so'); END
    """,
    "DROP TRIGGER entries_no_delete",
    f"""
    CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
    WHEN NOT {_BELOW}
    BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END
    """,
    "DROP TRIGGER openings_no_delete",
    f"""
    CREATE TRIGGER openings_no_delete BEFORE DELETE ON openings
    WHEN NOT ({_BELOW} AND (OLD.sealed IS NULL OR {_DESTROYED}))
    BEGIN SELECT RAISE(ABORT, 'openings are erased, never deleted'); END
    """,
)
