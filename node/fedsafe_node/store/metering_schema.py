# SPDX-License-Identifier: Apache-2.0
"""What members have evaluated for each other; `schema.py` says which migration it is.

* A row of `leased` claims that so many elements are off a budget in a UTC hour
  (counted since 1970): what this node may have evaluated for a member (`answered`),
  may have asked of it (`asked`), and surely has got of it (`received`). It only ever
  shrinks by what a process that is alive has not spent.
* `tallies` keep what a member has signed about a UTC day, and by how many elements
  that differs from what is counted here.
"""

METERING: tuple[str, ...] = (
    """
    CREATE TABLE leased (
        side TEXT NOT NULL CHECK (side IN ('answered', 'asked', 'received')),
        member TEXT NOT NULL,
        purpose TEXT NOT NULL,
        hour INTEGER NOT NULL,
        elements INTEGER NOT NULL CHECK (elements >= 0),
        PRIMARY KEY (side, member, purpose, hour)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX leased_by_hour ON leased (hour)",
    """
    CREATE TABLE tallies (
        author TEXT NOT NULL,
        day INTEGER NOT NULL,
        statement BLOB NOT NULL,
        differs INTEGER NOT NULL CHECK (differs >= 0),
        PRIMARY KEY (author, day)
    ) STRICT, WITHOUT ROWID
    """,
)
