# SPDX-License-Identifier: Apache-2.0
"""The tables of trials (P22); `schema.py` says which migration they are.

* A row of `trials` claims that signals of an origin have no effect here: why (`cause`),
  of which list, and from when until when. It has sums of the matches and of how those
  that were drawn ended, and the seed of the draw. Its end is never taken back.
* A row of `trial_matches` claims that such a signal has matched an account, or file; it
  names both by a keyed digest only. One with a `task` was drawn and is not decided on.
  They go with the trial.
* A row of `closings` claims that a review of matches of one origin and kind is closed:
  by two people or one, and whether the listing was wrong. It names nobody.
* `because` of a decision is why a match was dismissed, where that is about the listing.
"""

TRIALS: tuple[str, ...] = (
    """
    CREATE TABLE trials (
        id TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        cause TEXT NOT NULL
            CHECK (cause IN ('new_origin', 'imported_list', 'probation')),
        list TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL CHECK (ends_at > began_at),
        seed BLOB NOT NULL CHECK (length(seed) = 32),
        matches INTEGER NOT NULL CHECK (matches >= 0),
        drawn INTEGER NOT NULL CHECK (drawn BETWEEN 0 AND matches),
        upheld INTEGER NOT NULL CHECK (upheld >= 0),
        wrong INTEGER NOT NULL CHECK (wrong >= 0),
        other INTEGER NOT NULL CHECK (other >= 0),
        prolonged_by TEXT,
        prolonged_at INTEGER,
        ended_by TEXT,
        ended_at INTEGER,
        reason TEXT,
        reminded_at INTEGER,
        UNIQUE (origin, cause, list, began_at),
        CHECK ((prolonged_by IS NULL) = (prolonged_at IS NULL)),
        CHECK ((ended_by IS NULL) = (ended_at IS NULL))
    ) STRICT
    """,
    """
    CREATE TRIGGER trials_stay BEFORE UPDATE ON trials
    WHEN OLD.ended_at IS NOT NULL OR NEW.origin <> OLD.origin
        OR NEW.cause <> OLD.cause OR NEW.list <> OLD.list
        OR NEW.began_at <> OLD.began_at OR NEW.seed <> OLD.seed
    BEGIN SELECT RAISE(ABORT, 'a trial that has ended never changes'); END
    """,
    "CREATE INDEX trials_by_end ON trials (ends_at) WHERE ended_at IS NULL",
    """
    CREATE TABLE trial_matches (
        trial TEXT NOT NULL REFERENCES trials (id),
        mark BLOB NOT NULL CHECK (length(mark) = 16),
        task TEXT,
        PRIMARY KEY (trial, mark)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE INDEX trial_matches_by_task ON trial_matches (task)
    WHERE task IS NOT NULL
    """,
    "ALTER TABLE task_decisions ADD COLUMN because TEXT",
)

CLOSINGS: tuple[str, ...] = (
    """
    CREATE TABLE closings (
        task TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        kind TEXT NOT NULL,
        closed_at INTEGER NOT NULL,
        is_by_two INTEGER NOT NULL CHECK (is_by_two IN (0, 1)),
        is_wrong INTEGER NOT NULL CHECK (is_wrong IN (0, 1))
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX closings_by_origin ON closings (origin, kind, closed_at)",
    "CREATE INDEX closings_by_age ON closings (closed_at)",
)
