# SPDX-License-Identifier: Apache-2.0
"""The rows of samples of own signals. Times are whole seconds since 1970 in UTC."""

from fedsafe_node.acts.signal_reviews import SampleFinding
from fedsafe_node.store.rows import Row


class SampleRow(Row, frozen=True, kw_only=True):
    """A draw: of so many `published` signals so many were `drawn` by the `seed`."""

    began_at: int
    seed: bytes
    published: int
    drawn: int


class SampledRow(Row, frozen=True, kw_only=True):
    """A signal that was drawn, and what somebody found who had no part in it."""

    began_at: int
    signal_id: bytes
    due_at: int
    finding: SampleFinding | None = None
    found_by: str | None = None
    found_at: int | None = None
    reason: str | None = None
