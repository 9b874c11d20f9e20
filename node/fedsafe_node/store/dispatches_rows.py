# SPDX-License-Identifier: Apache-2.0
"""The rows of dispatches; times are seconds since 1970 in UTC."""

from typing import Final

from fedsafe_node.store.rows import Row

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
