# SPDX-License-Identifier: Apache-2.0
"""The table of orders that authorities sent; `schema.py` says which migration it is.

A row of `orders` claims that an order of that kind came in, by when it is answered, and
what was done: acknowledged, confirmed, answered. All else is in `sealed`, under the key
of its period, bound to the order and its revision.
"""

ORDERS: tuple[str, ...] = (
    """
    CREATE TABLE orders (
        id TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        emergency INTEGER NOT NULL CHECK (emergency IN (0, 1)),
        received_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL,
        confirm_by INTEGER,
        entered_at INTEGER NOT NULL,
        entered_by TEXT NOT NULL,
        entered_role TEXT NOT NULL,
        acknowledged_at INTEGER,
        confirmed_at INTEGER,
        answered_at INTEGER,
        answered_by TEXT,
        outcome TEXT,
        case_id TEXT REFERENCES cases (id),
        reminded_at INTEGER,
        revision INTEGER NOT NULL CHECK (revision >= 1),
        period TEXT NOT NULL,
        sealed BLOB,
        CHECK ((answered_at IS NULL) = (outcome IS NULL)),
        CHECK ((answered_at IS NULL) = (answered_by IS NULL))
    ) STRICT
    """,
    "CREATE INDEX orders_by_due ON orders (due_at, id) WHERE answered_at IS NULL",
    """
    CREATE TRIGGER orders_no_delete BEFORE DELETE ON orders
    BEGIN SELECT RAISE(ABORT, 'an order is answered, never deleted'); END
    """,
    """
    CREATE TRIGGER orders_stay_answered BEFORE UPDATE ON orders
    WHEN NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.received_at <> OLD.received_at
    OR NEW.entered_by <> OLD.entered_by
    OR (OLD.answered_at IS NOT NULL AND NEW.answered_at IS NOT OLD.answered_at)
    BEGIN SELECT RAISE(ABORT, 'an answered order stays so'); END
    """,
)
