# SPDX-License-Identifier: Apache-2.0
"""The rows of cases; times are seconds since 1970 in UTC."""

from fedsafe_node.store.rows import Row


class CaseRow(Row, frozen=True):
    """A case: what its order and clock need, and the sealed rest with its key."""

    id: str
    state: str
    urgency: str
    minors: bool
    known_at: int
    opened_at: int
    opened_by: str
    revision: int
    period: str
    key: bytes | None
    sealed: bytes | None


class CaseAlarmRow(Row, frozen=True):
    """That people were told of something a case owes, at one of its moments."""

    case_id: str
    urgency: str
    milestone: str
    since: int
    stage: str
    number: int
    at: int
    due_at: int
    fallback: str | None
    told_at: int


class CaseStepRow(Row, frozen=True):
    """One step of a case: who did what, in which role, and where it led."""

    case_id: str
    step: str
    state: str
    revision: int
    at: int
    by: str
    role: str
