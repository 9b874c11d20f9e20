# SPDX-License-Identifier: Apache-2.0
"""What four eyes, budgets, retention reviews and breaches leave behind.

* `drafts` say for whom a signal waits and of what plane it is; its payload stays
  sealed.
* `grants` say who had which role from when until when. A grant that is over
  stays: only its end is ever written, once, and never put off.
* `spent` counts what somebody spent of a budget in five minutes, so that a restart
  refills none; it goes after a day. `circuits` says what a pattern has shut, and
  until when.
* `validations` say who published a signal about a file that still matches, and who
  has reviewed it last; the audit log keeps what became of those that are gone.
* `breach_entries` say what was known of a breach and done about it, step by step; the
  newest entry counts, and a note is sealed under the key of its month.
* `round_entries` say how far people have reviewed the audit log: a round is opened,
  its sample drawn, entries are marked, and it is signed. The newest mark of an entry
  counts, and a note is sealed under the key of its month.
* `feed_marks` say how large the whole copy of an origin's feed was at a moment: what
  has come since is what the origin has published since.
"""

OVERSIGHT: tuple[str, ...] = (
    "ALTER TABLE drafts ADD COLUMN plane TEXT NOT NULL DEFAULT 'actor'",
    "ALTER TABLE drafts ADD COLUMN scope TEXT NOT NULL DEFAULT 'federation'",
    """
    CREATE TABLE grants (
        number INTEGER PRIMARY KEY,
        person TEXT NOT NULL REFERENCES persons (id),
        role TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER,
        granted_by TEXT NOT NULL
    ) STRICT
    """,
    """
    INSERT INTO grants (person, role, since, until, granted_by)
    SELECT person, role, since, until, granted_by FROM role_grants
    """,
    "DROP TABLE role_grants",
    "CREATE INDEX grants_by_person ON grants (person, role)",
    """
    CREATE UNIQUE INDEX grants_open ON grants (person, role)
    WHERE until IS NULL
    """,
    """
    CREATE TRIGGER grants_stay BEFORE DELETE ON grants
    BEGIN SELECT RAISE(ABORT, 'who had which role stays'); END
    """,
    """
    CREATE TRIGGER grants_only_end BEFORE UPDATE ON grants
    WHEN NEW.number <> OLD.number OR NEW.person <> OLD.person
        OR NEW.role <> OLD.role OR NEW.since <> OLD.since
        OR NEW.granted_by <> OLD.granted_by
        OR NEW.until IS NULL OR NEW.until > OLD.until
    BEGIN SELECT RAISE(ABORT, 'a grant only ends'); END
    """,
    """
    CREATE TABLE spent (
        holder TEXT NOT NULL,
        purpose TEXT NOT NULL,
        slot INTEGER NOT NULL,
        spent INTEGER NOT NULL,
        identifiers INTEGER NOT NULL,
        accounts INTEGER NOT NULL,
        PRIMARY KEY (holder, purpose, slot)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX spent_by_slot ON spent (slot)",
    """
    CREATE TABLE circuits (
        holder TEXT NOT NULL,
        purpose TEXT NOT NULL,
        code TEXT NOT NULL,
        broken_at INTEGER NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (holder, purpose)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE feed_marks (
        origin TEXT NOT NULL,
        at INTEGER NOT NULL,
        size INTEGER NOT NULL,
        PRIMARY KEY (origin, at)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE validations (
        signal_id BLOB PRIMARY KEY CHECK (length(signal_id) = 16),
        author TEXT NOT NULL,
        author_role TEXT NOT NULL,
        published_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        reviewer TEXT,
        reviewer_role TEXT,
        CHECK ((reviewer IS NULL) = (reviewer_role IS NULL)),
        CHECK (last_at >= published_at)
    ) STRICT
    """,
    "CREATE INDEX validations_by_age ON validations (last_at, signal_id)",
    """
    CREATE TABLE breach_entries (
        number INTEGER PRIMARY KEY,
        breach TEXT NOT NULL,
        step TEXT NOT NULL CHECK (
            step IN ('opened', 'assessed', 'notified', 'reminded', 'closed')
        ),
        record BLOB NOT NULL,
        period TEXT,
        note BLOB,
        recorded_at INTEGER NOT NULL,
        recorded_by TEXT NOT NULL,
        CHECK ((note IS NULL) = (period IS NULL))
    ) STRICT
    """,
    "CREATE INDEX breach_entries_by_breach ON breach_entries (breach, number)",
    """
    CREATE TRIGGER breach_entries_no_update BEFORE UPDATE ON breach_entries
    BEGIN SELECT RAISE(ABORT, 'the register of breaches is append-only'); END
    """,
    """
    CREATE TRIGGER breach_entries_no_delete BEFORE DELETE ON breach_entries
    BEGIN SELECT RAISE(ABORT, 'the register of breaches is append-only'); END
    """,
)

ROUNDS: tuple[str, ...] = (
    """
    CREATE TABLE round_entries (
        number INTEGER PRIMARY KEY,
        round TEXT NOT NULL,
        step TEXT NOT NULL CHECK (step IN ('opened', 'drawn', 'marked', 'signed')),
        record BLOB NOT NULL,
        period TEXT,
        note BLOB,
        recorded_at INTEGER NOT NULL,
        recorded_by TEXT NOT NULL,
        CHECK ((note IS NULL) = (period IS NULL))
    ) STRICT
    """,
    "CREATE INDEX round_entries_by_round ON round_entries (round, number)",
    """
    CREATE UNIQUE INDEX round_entries_once ON round_entries (round, step)
    WHERE step <> 'marked'
    """,
    """
    CREATE TRIGGER round_entries_no_update BEFORE UPDATE ON round_entries
    BEGIN SELECT RAISE(ABORT, 'review rounds are append-only'); END
    """,
    """
    CREATE TRIGGER round_entries_no_delete BEFORE DELETE ON round_entries
    BEGIN SELECT RAISE(ABORT, 'review rounds are append-only'); END
    """,
)
