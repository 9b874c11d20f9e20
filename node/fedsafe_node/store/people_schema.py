# SPDX-License-Identifier: Apache-2.0
"""The tables about people; `schema.py` says which migration they belong to."""

PEOPLE: tuple[str, ...] = (
    """
    CREATE TABLE persons (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        display TEXT NOT NULL,
        external INTEGER NOT NULL CHECK (external IN (0, 1)),
        state TEXT NOT NULL CHECK (state IN ('invited', 'active', 'locked')),
        created_at INTEGER NOT NULL,
        password TEXT,
        totp BLOB,
        totp_step INTEGER NOT NULL,
        code_hash BLOB CHECK (length(code_hash) = 32),
        code_until INTEGER,
        CHECK ((password IS NULL) = (totp IS NULL)),
        CHECK ((code_hash IS NULL) = (code_until IS NULL))
    ) STRICT
    """,
    """
    CREATE TRIGGER persons_stay BEFORE DELETE ON persons
    BEGIN SELECT RAISE(ABORT, 'a name stays with its person'); END
    """,
    """
    CREATE TRIGGER persons_keep_their_names BEFORE UPDATE ON persons
    WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name
    BEGIN SELECT RAISE(ABORT, 'a name stays with its person'); END
    """,
    """
    CREATE TABLE role_grants (
        person TEXT NOT NULL REFERENCES persons (id),
        role TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER,
        granted_by TEXT NOT NULL,
        PRIMARY KEY (person, role)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE trainings (
        id TEXT PRIMARY KEY,
        person TEXT NOT NULL REFERENCES persons (id),
        kind TEXT NOT NULL,
        organisation TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        recorded_by TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX trainings_by_person ON trainings (person)",
    """
    CREATE TABLE recovery_codes (
        person TEXT NOT NULL REFERENCES persons (id),
        hash BLOB NOT NULL CHECK (length(hash) = 32),
        PRIMARY KEY (person, hash)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        person TEXT NOT NULL REFERENCES persons (id),
        role TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL,
        stepped_up_at INTEGER
    ) STRICT
    """,
    "CREATE INDEX sessions_by_person ON sessions (person)",
    "CREATE INDEX sessions_by_age ON sessions (seen_at)",
    """
    CREATE TABLE throttles (
        key TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        until INTEGER NOT NULL,
        seen_at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX throttles_by_age ON throttles (seen_at)",
    """
    CREATE TABLE acts (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        digest BLOB NOT NULL CHECK (length(digest) = 32),
        content BLOB,
        asked_by TEXT NOT NULL,
        asked_role TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'withdrawn')),
        decided_by TEXT,
        decided_at INTEGER,
        CHECK ((content IS NULL) = (state <> 'pending')),
        CHECK (state <> 'done' OR decided_by <> asked_by)
    ) STRICT
    """,
    "CREATE INDEX acts_by_state ON acts (state, asked_at)",
    """
    CREATE TRIGGER acts_are_decided_once BEFORE UPDATE ON acts
    WHEN OLD.state <> 'pending'
    BEGIN SELECT RAISE(ABORT, 'an act is decided once'); END
    """,
    """
    CREATE TABLE credential_terms (
        credential TEXT PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
        holder TEXT NOT NULL,
        scope TEXT CHECK (scope IN ('lookup', 'publish')),
        purposes TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE identities (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        person TEXT NOT NULL REFERENCES persons (id),
        PRIMARY KEY (issuer, subject),
        UNIQUE (issuer, person)
    ) STRICT, WITHOUT ROWID
    """,
)


# How each session began; `schema.py` says which migration.
#
# One that was there before does not tell, and is over within a day.

SESSION_WAYS: tuple[str, ...] = ("ALTER TABLE sessions ADD COLUMN way TEXT",)


# Passkeys, and the challenges that were used; `schema.py` says which migration.
#
# A challenge is kept, as a hash, until it would not count any more.

PASSKEYS: tuple[str, ...] = (
    """
    CREATE TABLE passkeys (
        id TEXT PRIMARY KEY,
        credential BLOB NOT NULL UNIQUE CHECK (length(credential) BETWEEN 1 AND 1023),
        person TEXT NOT NULL REFERENCES persons (id),
        name TEXT NOT NULL,
        public_key BLOB NOT NULL,
        sign_count INTEGER NOT NULL CHECK (sign_count >= 0),
        synced INTEGER NOT NULL CHECK (synced IN (0, 1)),
        rp TEXT NOT NULL,
        added_at INTEGER NOT NULL,
        used_at INTEGER
    ) STRICT
    """,
    "CREATE INDEX passkeys_by_person ON passkeys (person)",
    """
    CREATE TABLE spent_challenges (
        digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX spent_challenges_by_end ON spent_challenges (until)",
)


# What a credential is good for, with all scopes; `schema.py` says which migration.
#
# The table of 0002 took two of the four scopes. SQLite changes no CHECK, so the table
# is made anew: a row claims what it did before.

SCOPES: tuple[str, ...] = (
    "CREATE TABLE credential_terms_kept AS SELECT * FROM credential_terms",
    "DROP TABLE credential_terms",
    """
    CREATE TABLE credential_terms (
        credential TEXT PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
        holder TEXT NOT NULL,
        scope TEXT CHECK (scope IN ('lookup', 'publish', 'events', 'rights')),
        purposes TEXT NOT NULL
    ) STRICT
    """,
    """
    INSERT INTO credential_terms (credential, holder, scope, purposes)
    SELECT credential, holder, scope, purposes FROM credential_terms_kept
    """,
    "DROP TABLE credential_terms_kept",
)


# Why acts were refused; `schema.py` says which migration it is.
#
# A row claims that the act, which is withdrawn, was refused by whoever withdrew it, and
# for what reason. It goes after some days.

ACT_REFUSALS: tuple[str, ...] = (
    """
    CREATE TABLE act_refusals (
        act TEXT PRIMARY KEY REFERENCES acts (id),
        reason TEXT NOT NULL,
        reference TEXT,
        at INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX act_refusals_by_age ON act_refusals (at, act)",
)
