# SPDX-License-Identifier: Apache-2.0
"""The rows of what was pruned."""

from fedsafe_node.store.rows import Row


class PrunedRow(Row, frozen=True):
    """The beginning of a log of which only hashes are left.

    These are its first `size` entries, under this root; `since` is the month in which
    the log began, `event` the entry of the audit log that says so. `openings` counts
    those that were erased one by one and went with their entries; `at` is in seconds.
    """

    log: str
    size: int
    root: bytes
    since: str
    event: int
    openings: int
    at: int
