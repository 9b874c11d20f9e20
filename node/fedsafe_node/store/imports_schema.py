# SPDX-License-Identifier: Apache-2.0
"""The tables of imports; `schema.py` says which migration they are.

* A row of `listed_tokens` claims that a signal of this node, or a draft that waits,
  stands under a token for an audience. It counts only while that signal lives, and goes
  when the signal's token is wiped.
* A row of `taken_off` claims that a person here has taken somebody off the list: no
  import lists them again before `until`, unless it is told to. It has a keyed digest
  of the token, and goes when they are listed anew.
* A row of `imports` claims that somebody imported a list, and what came of it.
* A row of `import_signals` claims that an import added a signal or met it, or that it
  was stopped with what the import had added.
"""

IMPORTS: tuple[str, ...] = (
    """
    CREATE TABLE listed_tokens (
        token BLOB NOT NULL CHECK (length(token) = 16),
        origin TEXT NOT NULL,
        audience TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        generation INTEGER NOT NULL,
        said BLOB CHECK (length(said) = 16),
        until INTEGER NOT NULL,
        PRIMARY KEY (token, origin, audience)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX listed_tokens_by_signal ON listed_tokens (signal_id)",
    # What stood before: own bans, and what two people have published to all. A draft
    # that waits has its token under seal.
    """
    INSERT INTO listed_tokens (token, origin, audience, signal_id, generation, until)
    SELECT s.token, s.origin, '', s.signal_id, s.generation, s.match_until
    FROM signals s LEFT JOIN drafts d ON d.signal_id = s.signal_id
    WHERE s.token IS NOT NULL AND s.status IN ('active', 'disputed')
    AND (s.own = 1 OR d.state = 'published')
    AND NOT EXISTS (SELECT 1 FROM audiences a WHERE a.signal_id = s.signal_id)
    ON CONFLICT (token, origin, audience) DO NOTHING
    """,
    """
    CREATE TABLE taken_off (
        mark BLOB PRIMARY KEY CHECK (length(mark) = 16),
        reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX taken_off_by_end ON taken_off (until)",
    """
    CREATE TABLE imports (
        id BLOB PRIMARY KEY CHECK (length(id) = 16),
        author TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'done', 'undoing', 'undone')),
        mark BLOB CHECK (length(mark) = 16),
        list TEXT,
        ended_at INTEGER,
        lines INTEGER NOT NULL CHECK (lines >= 0),
        added INTEGER NOT NULL CHECK (added >= 0),
        stopped INTEGER NOT NULL CHECK (stopped BETWEEN 0 AND added),
        listed INTEGER NOT NULL CHECK (listed >= 0),
        refused INTEGER NOT NULL CHECK (refused >= 0),
        lapsed INTEGER NOT NULL CHECK (lapsed >= 0),
        taken_off INTEGER NOT NULL CHECK (taken_off >= 0),
        reason TEXT,
        undone_by TEXT,
        undone_at INTEGER
    ) STRICT
    """,
    "CREATE INDEX imports_by_age ON imports (began_at, id)",
    "CREATE INDEX imports_open ON imports (mark) WHERE state = 'open'",
    """
    CREATE TABLE import_signals (
        import_id BLOB NOT NULL REFERENCES imports (id),
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        part TEXT NOT NULL CHECK (part IN ('added', 'met', 'stopped')),
        PRIMARY KEY (import_id, signal_id)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX import_signals_by_signal ON import_signals (signal_id, part)",
)
