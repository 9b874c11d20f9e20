# SPDX-License-Identifier: Apache-2.0
"""Which keys of epochs were to be destroyed; `schema.py` says which migration it is.

A row claims that the key file of that name, a share or media keys of a generation, was
to be destroyed, and, once it has an end, that it was. It is an effect like those of
`effects`, whose shipped table takes no other kinds.
"""

EPOCHS: tuple[str, ...] = (
    """
    CREATE TABLE epoch_effects (
        number INTEGER PRIMARY KEY,
        target TEXT NOT NULL UNIQUE,
        begun_at INTEGER NOT NULL,
        ended_at INTEGER
    ) STRICT
    """,
    """
    CREATE TRIGGER epoch_effects_no_delete BEFORE DELETE ON epoch_effects
    BEGIN SELECT RAISE(ABORT, 'effects stay as they are'); END
    """,
    """
    CREATE TRIGGER epoch_effects_only_end BEFORE UPDATE ON epoch_effects
    WHEN OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL
        OR NEW.target <> OLD.target OR NEW.begun_at <> OLD.begun_at
    BEGIN SELECT RAISE(ABORT, 'an effect only ends'); END
    """,
)
