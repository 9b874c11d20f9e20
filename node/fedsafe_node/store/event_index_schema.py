# SPDX-License-Identifier: Apache-2.0
"""Where events are looked up: the table of `log/event_index.py`.

A row has what one part of a chunk of entries says, as far as one month sealed it:
`content` is encrypted under that month's key, or, of what records say in the clear, it
is as it is and the month is empty. All rows of a part go when one of the openings that
it was made of is erased, in the same act; what is not there is made again.
"""

EVENT_INDEX: tuple[str, ...] = (
    """
    CREATE TABLE event_chunks (
        log INTEGER NOT NULL,
        part TEXT NOT NULL,
        chunk INTEGER NOT NULL CHECK (chunk >= 0),
        period TEXT NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (log, part, chunk, period)
    ) STRICT
    """,
)
