# SPDX-License-Identifier: Apache-2.0
"""The rows of cases, partners, orders and dispatches.

Times are seconds since 1970 in UTC.
"""

from typing import Final

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


class OrderRow(Row, frozen=True, kw_only=True):
    """An order of an authority: what its clock needs, and the sealed rest."""

    id: str
    kind: str
    emergency: bool
    received_at: int
    due_at: int
    confirm_by: int | None
    entered_at: int
    entered_by: str
    entered_role: str
    acknowledged_at: int | None = None
    confirmed_at: int | None = None
    answered_at: int | None = None
    answered_by: str | None = None
    outcome: str | None = None
    case_id: str | None = None
    reminded_at: int | None = None
    revision: int
    period: str
    sealed: bytes | None


MENDABLE: Final = "mendable-channels/"
"""Under this and its id lies which channels of a dispatch people can mend (`meta`)."""


UNKNOWN: Final = "unknown"
"""Who took a package of which nobody kept who did: migration 0026, and a restore."""


class DispatchRow(Row, frozen=True, kw_only=True):
    """One revision of a case on its way to one partner; what moves comes last.

    `signature` was made of `sealed` while it was sealed, if it needs one beside it.
    """

    id: str
    key: str
    case_id: str
    revision: int
    partner: str
    partner_class: str
    mark: bytes
    test: bool
    urgency: str
    recalls: str | None
    package_id: str
    sealing: str
    reply_token: str
    made_at: int
    made_by: str
    called: str | None
    state: str
    channel: int
    tries: int
    due_at: int | None
    delivered_at: int | None
    acknowledged_at: int | None
    sealed: bytes | None
    signature: bytes | None = None


class AttemptRow(Row, frozen=True, kw_only=True):
    """An attempt to bring a dispatch to its partner; without an end it was cut off."""

    dispatch_id: str
    number: int
    way: str
    began_at: int
    ended_at: int | None = None
    outcome: str | None = None
    proof: str | None = None
    message: str | None = None


class TakingRow(Row, frozen=True, kw_only=True):
    """That a person took out a sealed package; in their hands until it was kept back.

    What was handed over stands with the dispatch, not here.
    """

    dispatch_id: str
    number: int
    by: str
    at: int
    kept_back_at: int | None = None
    kept_back_by: str | None = None


class SendingRow(Row, frozen=True):
    """That somebody has let sending go on, or has stopped it."""

    sends: bool
    at: int
    by: str
