# SPDX-License-Identifier: Apache-2.0
"""Disputes and rulings (P10), and the requests of persons.

* `disputes`: each statement by which a member contests a signal, with what it
  weighed when it was taken: whether it rested the signal, repeated known facts, or came
  beyond its author's budget. Only what came beyond it is weighed again, on a later day.
  `charged_at` lies in the day whose budget it counts against, unless it is `shared`:
  then its author was charged for another signal of the same origin and token.
* `rulings`: how each dispute ended, whether the dispute has come or not. One counts if
  it is of the origin and the signal that the dispute is about.
* `requests`: what a person has asked for, by which proof, until when it is to be
  answered and how it was. What was found and answered is sealed under the month's
  period key and wiped some time after the end. The identifier is in none of it. `proof`
  names the proof that opened it, so that none opens two; `collect` is the hash of the
  code with which the answer is collected.
* `requests_waiting`: the requests whose identifier could not be looked up yet. It is
  sealed under the month's period key, and goes with its row as soon as it was looked up
  or the request is closed. Domain and place are blinded; turns are fair over both.
"""

RIGHTS: tuple[str, ...] = (
    """
    CREATE TABLE disputes (
        digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        author TEXT NOT NULL,
        seq INTEGER NOT NULL,
        contention TEXT NOT NULL,
        control TEXT NOT NULL,
        weight TEXT NOT NULL CHECK (weight IN ('suspends', 'repeat', 'flood')),
        received_at INTEGER NOT NULL,
        charged_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        opened_by TEXT,
        reminded_at INTEGER,
        UNIQUE (author, seq)
    ) STRICT
    """,
    "CREATE INDEX disputes_by_signal ON disputes (origin, signal_id)",
    "CREATE INDEX disputes_by_author ON disputes (author, charged_at)",
    "CREATE INDEX disputes_beyond ON disputes (author) WHERE weight = 'flood'",
    "CREATE INDEX disputes_by_due ON disputes (origin, due_at)",
    """
    CREATE TRIGGER disputes_no_delete BEFORE DELETE ON disputes
    BEGIN SELECT RAISE(ABORT, 'disputes are append-only'); END
    """,
    """
    CREATE TRIGGER disputes_weighed_once BEFORE UPDATE ON disputes
    WHEN NOT (
        NEW.digest = OLD.digest AND NEW.origin = OLD.origin
        AND NEW.signal_id = OLD.signal_id AND NEW.author = OLD.author
        AND NEW.seq = OLD.seq AND NEW.contention = OLD.contention
        AND NEW.control = OLD.control AND NEW.received_at = OLD.received_at
        AND NEW.opened_by IS OLD.opened_by AND (
            OLD.weight = 'flood' OR (
                NEW.weight = OLD.weight AND NEW.due_at = OLD.due_at
                AND NEW.charged_at = OLD.charged_at
            )
        )
    )
    BEGIN SELECT RAISE(ABORT, 'disputes are append-only'); END
    """,
    """
    CREATE TABLE rulings (
        dispute BLOB NOT NULL CHECK (length(dispute) = 32),
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        outcome TEXT NOT NULL CHECK (outcome IN ('restored', 'revoked', 'lapsed')),
        at INTEGER NOT NULL,
        ruled_by TEXT,
        reason TEXT,
        PRIMARY KEY (dispute, origin, signal_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TRIGGER rulings_no_update BEFORE UPDATE ON rulings
    BEGIN SELECT RAISE(ABORT, 'rulings are append-only'); END
    """,
    """
    CREATE TRIGGER rulings_no_delete BEFORE DELETE ON rulings
    BEGIN SELECT RAISE(ABORT, 'rulings are append-only'); END
    """,
    """
    CREATE TABLE requests (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL CHECK (
            kind IN ('access', 'rectification', 'erasure', 'objection', 'dispute')
        ),
        way TEXT NOT NULL CHECK (way IN ('provider', 'officer', 'form')),
        control TEXT NOT NULL,
        language TEXT NOT NULL CHECK (language IN ('de', 'en')),
        opened_at INTEGER NOT NULL,
        opened_by TEXT NOT NULL,
        proof BLOB UNIQUE,
        collect BLOB,
        due_at INTEGER NOT NULL,
        extended_for TEXT,
        reminded_at INTEGER,
        state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'closed')),
        outcome TEXT,
        reason TEXT,
        ended_at INTEGER,
        ended_by TEXT,
        period TEXT NOT NULL,
        sealed BLOB
    ) STRICT
    """,
    "CREATE INDEX requests_by_due ON requests (state, due_at)",
    """
    CREATE TRIGGER requests_no_delete BEFORE DELETE ON requests
    BEGIN SELECT RAISE(ABORT, 'requests are closed, never deleted'); END
    """,
    """
    CREATE TRIGGER requests_stay_closed BEFORE UPDATE ON requests
    WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.opened_at <> OLD.opened_at
        OR NEW.opened_by <> OLD.opened_by OR NEW.control <> OLD.control
        OR (OLD.state = 'closed' AND NEW.state <> 'closed')
        OR (OLD.sealed IS NULL AND NEW.sealed IS NOT NULL)
    BEGIN SELECT RAISE(ABORT, 'a closed request stays closed'); END
    """,
)

# An author may have signed two statements with one number: both are kept, so the number
# is no key. A row claims as well whether the feed of its author has shown the dispute
# (`recorded`), and since when it rests nothing though it has no ruling (`let_go_at`).
# For what others had said before, the copy of the feed is searched
# (`rights.unrecorded_disputes`).
RECORDED: tuple[str, ...] = (
    "CREATE TABLE disputes_kept AS SELECT * FROM disputes",
    "DROP TRIGGER disputes_no_delete",
    "DROP TRIGGER disputes_weighed_once",
    "DROP INDEX disputes_by_signal",
    "DROP INDEX disputes_by_author",
    "DROP INDEX disputes_beyond",
    "DROP INDEX disputes_by_due",
    "DROP TABLE disputes",
    """
    CREATE TABLE disputes (
        digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
        origin TEXT NOT NULL,
        signal_id BLOB NOT NULL CHECK (length(signal_id) = 16),
        author TEXT NOT NULL,
        seq INTEGER NOT NULL,
        contention TEXT NOT NULL,
        control TEXT NOT NULL,
        weight TEXT NOT NULL CHECK (weight IN ('suspends', 'repeat', 'flood')),
        received_at INTEGER NOT NULL,
        charged_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        opened_by TEXT,
        reminded_at INTEGER,
        recorded INTEGER NOT NULL CHECK (recorded IN (0, 1)),
        let_go_at INTEGER
    ) STRICT
    """,
    """
    INSERT INTO disputes (digest, origin, signal_id, author, seq, contention, control,
        weight, received_at, charged_at, due_at, opened_by, reminded_at, recorded,
        let_go_at)
    SELECT digest, origin, signal_id, author, seq, contention, control,
        weight, received_at, charged_at, due_at, opened_by, reminded_at,
        CASE WHEN opened_by IS NULL THEN 0 ELSE 1 END, NULL
    FROM disputes_kept
    """,
    "DROP TABLE disputes_kept",
    "CREATE INDEX disputes_by_signal ON disputes (origin, signal_id)",
    "CREATE INDEX disputes_by_author ON disputes (author, charged_at)",
    "CREATE INDEX disputes_by_number ON disputes (author, seq)",
    "CREATE INDEX disputes_beyond ON disputes (author) WHERE weight = 'flood'",
    "CREATE INDEX disputes_by_due ON disputes (origin, due_at)",
    "CREATE INDEX disputes_by_end ON disputes (due_at) WHERE reminded_at IS NULL",
    """
    CREATE INDEX disputes_unrecorded ON disputes (received_at)
    WHERE recorded = 0 AND let_go_at IS NULL
    """,
    """
    CREATE TRIGGER disputes_no_delete BEFORE DELETE ON disputes
    BEGIN SELECT RAISE(ABORT, 'disputes are append-only'); END
    """,
    """
    CREATE TRIGGER disputes_weighed_once BEFORE UPDATE ON disputes
    WHEN NOT (
        NEW.digest = OLD.digest AND NEW.origin = OLD.origin
        AND NEW.signal_id = OLD.signal_id AND NEW.author = OLD.author
        AND NEW.seq = OLD.seq AND NEW.contention = OLD.contention
        AND NEW.control = OLD.control AND NEW.received_at = OLD.received_at
        AND NEW.opened_by IS OLD.opened_by AND NEW.recorded >= OLD.recorded AND (
            OLD.weight = 'flood' OR (
                NEW.weight = OLD.weight AND NEW.due_at = OLD.due_at
                AND NEW.charged_at = OLD.charged_at
            )
        )
    )
    BEGIN SELECT RAISE(ABORT, 'disputes are append-only'); END
    """,
)

SHARED: tuple[str, ...] = (
    """
    ALTER TABLE disputes ADD COLUMN shared INTEGER NOT NULL DEFAULT 0
    CHECK (shared IN (0, 1))
    """,
    """
    CREATE TRIGGER disputes_charged_once BEFORE UPDATE ON disputes
    WHEN OLD.weight <> 'flood' AND NEW.shared <> OLD.shared
    BEGIN SELECT RAISE(ABORT, 'disputes are append-only'); END
    """,
)

WAITING: tuple[str, ...] = (
    """
    CREATE TABLE requests_waiting (
        request TEXT PRIMARY KEY,
        domain TEXT NOT NULL,
        place TEXT NOT NULL,
        turn INTEGER NOT NULL CHECK (turn >= 0),
        since INTEGER NOT NULL,
        again_at INTEGER NOT NULL,
        period TEXT NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX requests_waiting_by_turn ON requests_waiting (turn, since, request)",
    "CREATE INDEX requests_waiting_by_lane ON requests_waiting (domain, place, turn)",
    "CREATE INDEX requests_waiting_by_place ON requests_waiting (place)",
    "CREATE INDEX requests_waiting_by_age ON requests_waiting (since)",
)
