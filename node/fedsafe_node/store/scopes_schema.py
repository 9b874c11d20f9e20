# SPDX-License-Identifier: Apache-2.0
"""What a credential is good for, with all scopes; `schema.py` says which migration.

The table of 0002 took two of the four scopes. SQLite changes no CHECK, so the table is
made anew: a row claims what it did before.
"""

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
