# SPDX-License-Identifier: Apache-2.0
"""The tables of match floods (P21); `schema.py` says which migration they are.

* A row of `restricted_subjects` claims that a match of a signal restricted an account,
  or file, at that second. It is named by a keyed digest only, and goes after a day.
* A row of `match_floods` claims that a signal has matched more than its bound within a
  day. One of a signal is alive: it waits for a ruling, or the signal rests by one.
  `sealed` is the match as lookups showed it, `kept` how many references there are, and
  `beyond` how many more were not kept. `subjects` go once they are reviews, or over.
* A row of `flood_subjects` claims that such a match named that account, or file.
* A row of `raised_bounds` claims that two people have raised a bound for a time.
* A row of `flood_pictures` claims that an origin lists a picture, by a signal that was
  counted then: what lies within the match radius of it is about the same.

`about` is a keyed mark of an origin and what it lists, so that the same listed again,
or in another key epoch, counts on. What lies there from before it was kept has the id
of the signal in its place.
"""

FLOODS: tuple[str, ...] = (
    """
    CREATE TABLE restricted_subjects (
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        mark BLOB NOT NULL CHECK (length(mark) = 16),
        at INTEGER NOT NULL,
        PRIMARY KEY (origin, signal_id, mark)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX restricted_subjects_by_age ON restricted_subjects (at)",
    """
    CREATE TABLE match_floods (
        id TEXT PRIMARY KEY,
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        state TEXT NOT NULL
            CHECK (state IN ('waiting', 'rested', 'stands', 'lapsed', 'over')),
        bound INTEGER NOT NULL CHECK (bound >= 1),
        opened_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        remind_at INTEGER,
        kept INTEGER NOT NULL CHECK (kept >= 0),
        beyond INTEGER NOT NULL CHECK (beyond >= 0),
        period TEXT NOT NULL,
        sealed BLOB,
        ruled_by TEXT,
        second TEXT,
        ruled_at INTEGER,
        reason TEXT,
        CHECK ((ruled_by IS NULL) = (ruled_at IS NULL)),
        CHECK (second <> ruled_by)
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX match_floods_alive ON match_floods (origin, signal_id)
    WHERE state IN ('waiting', 'rested')
    """,
    "CREATE INDEX match_floods_by_state ON match_floods (state, ends_at)",
    """
    CREATE TABLE flood_subjects (
        flood TEXT NOT NULL REFERENCES match_floods (id),
        subject TEXT NOT NULL,
        added_at INTEGER NOT NULL,
        PRIMARY KEY (flood, subject)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX flood_subjects_by_subject ON flood_subjects (subject)",
    """
    CREATE TABLE raised_bounds (
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        bound INTEGER NOT NULL CHECK (bound >= 1),
        until INTEGER NOT NULL,
        raised_by TEXT NOT NULL,
        second TEXT NOT NULL,
        PRIMARY KEY (origin, signal_id),
        CHECK (second <> raised_by)
    ) STRICT, WITHOUT ROWID
    """,
)

FLOOD_MARKS: tuple[str, ...] = (
    "ALTER TABLE restricted_subjects RENAME COLUMN signal_id TO about",
    "ALTER TABLE raised_bounds RENAME COLUMN signal_id TO about",
    "ALTER TABLE match_floods ADD COLUMN about BLOB CHECK (length(about) = 16)",
    "UPDATE match_floods SET about = signal_id",
    "DROP INDEX match_floods_alive",
    """
    CREATE UNIQUE INDEX match_floods_by_mark ON match_floods (about)
    WHERE state IN ('waiting', 'rested')
    """,
    """
    CREATE TABLE flood_pictures (
        origin TEXT NOT NULL,
        about BLOB NOT NULL CHECK (length(about) = 16),
        at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB NOT NULL,
        PRIMARY KEY (origin, about)
    ) STRICT, WITHOUT ROWID
    """,
)
