# SPDX-License-Identifier: Apache-2.0
"""What a witness has seen, and who has cosigned the own logs.

`witnessed` claims: of this log no larger tree was cosigned here, and none of another
root at this size. So a row only ever grows. A log is named by its verifier key: a node
that was founded anew under its old name begins anew, under a new charter.
`cosignatures` are signed by others and claim nothing that is not verified anew;
older ones may be forgotten.
"""

WITNESS: tuple[str, ...] = (
    """
    CREATE TABLE witnessed (
        log TEXT PRIMARY KEY,
        size INTEGER NOT NULL CHECK (size >= 0),
        root BLOB NOT NULL CHECK (length(root) = 32),
        note BLOB NOT NULL,
        at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TRIGGER witnessed_only_grows BEFORE UPDATE ON witnessed
    WHEN NEW.log <> OLD.log OR NEW.size < OLD.size
        OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
    BEGIN SELECT RAISE(ABORT, 'what was witnessed only grows'); END
    """,
    """
    CREATE TRIGGER witnessed_no_delete BEFORE DELETE ON witnessed
    BEGIN SELECT RAISE(ABORT, 'what was witnessed stays'); END
    """,
    """
    CREATE TABLE cosignatures (
        log TEXT NOT NULL,
        size INTEGER NOT NULL,
        witness TEXT NOT NULL,
        line TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (log, size, witness)
    ) STRICT, WITHOUT ROWID
    """,
)
