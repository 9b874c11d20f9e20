# SPDX-License-Identifier: Apache-2.0
"""The table of the seal; `schema.py` says which migration it belongs to.

It claims what all other tables hold: `sealed_parts.py` says how. Every part is
encrypted under a key outside the database, so the table tells nothing by itself.
"""

SEAL: tuple[str, ...] = (
    """
    CREATE TABLE seal (
        part TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)
