# SPDX-License-Identifier: Apache-2.0
"""The rows of partners; times are seconds since 1970 in UTC."""

from fedsafe_node.store.rows import Row


class PartnerRow(Row, frozen=True):
    """A partner that the provider has entered, and until when it counts."""

    id: str
    revision: int
    test: bool
    entered_at: int
    entered_by: str
    verified_at: int | None
    verified_until: int | None
    verified_by: str | None
    record: bytes
