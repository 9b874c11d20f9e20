# SPDX-License-Identifier: Apache-2.0
"""The rows of the inventory, and of samples of it.

Times are whole seconds since 1970 in UTC.
"""

from enum import StrEnum, unique
from typing import Final

from fedsafe_node.acts.signal_reviews import SampleFinding
from fedsafe_node.store.rows import Row


@unique
class InventoryState(StrEnum):
    """How an own signal stands: as a draft, and then as its status."""

    DRAFT = "draft"
    WITHDRAWN = "withdrawn"
    ACTIVE = "active"
    DISPUTED = "disputed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ERASED = "erased"


LIVING: Final = (InventoryState.DRAFT, InventoryState.ACTIVE, InventoryState.DISPUTED)
LOWEST: Final = b""
HIGHEST: Final = b"\xff" * 17
"""Bounds that no id of a signal reaches."""


class NewInventoryRow(Row, frozen=True, kw_only=True):
    """A signal to enter; a draft has no `origin` and no `match_until` yet.

    `sealed` says what it is about, under the key of `period`.
    """

    signal_id: bytes
    own: bool
    state: InventoryState
    origin: str | None = None
    match_until: int | None = None
    period: str | None = None
    sealed: bytes | None = None


class InventoryRow(Row, frozen=True, kw_only=True):
    """A signal of this node, as the inventory shows it.

    `index` is where its opening lies. `reviewed_at` is when somebody last looked at a
    published signal about a file.
    """

    signal_id: bytes
    own: bool
    state: InventoryState
    match_until: int | None
    period: str | None
    sealed: bytes | None
    plane: str
    scope: str
    media_kind: int | None
    index: int | None
    author: str | None
    approver: str | None
    reviewed_at: int | None


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
