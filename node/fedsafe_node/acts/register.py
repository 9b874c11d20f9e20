# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API that speak of the Schutzkonzept register, as closed types."""

from datetime import date
from typing import Annotated

import msgspec

from fedsafe_node.acts.bodies import (
    Bilingual,
    Message,
)
from fedsafe_policies.documents.register import Status

_Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
EntryId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]


class EntryRequest(Message, frozen=True):
    """Say how far the provider is with an item.

    `evidence` is a reference to a document, or an https address of the provider;
    `reason` refers to why an item does not apply. The entry counts until
    `expires_on` begins (UTC), twelve months from now at most.
    """

    status: Status
    expires_on: date
    evidence: _Reference | None = None
    reason: _Reference | None = None


class ReviewRequest(Message, frozen=True):
    """Confirm an entry as a second person; `entry` is the one that was looked at."""

    entry: EntryId


class RegisterEntry(Message, frozen=True):
    """An entry as it was made, and who confirmed it."""

    entry: str
    status: Status
    expires_on: date
    evidence: str | None
    reason: str | None
    entered_by: str
    entered_at: str
    reviewed_by: str | None
    reviewed_at: str | None


class RegisterItem(Message, frozen=True):
    """An item of the register: the entry that counts, and the one that waits."""

    item: str
    title: Bilingual
    source: str
    mandatory: bool
    may_not_apply: bool
    missing: bool
    counts: RegisterEntry | None = None
    waits: RegisterEntry | None = None


class RegisterAnswer(Message, frozen=True):
    """The whole register; `missing` names what keeps it from being met."""

    met: bool
    met_until: str | None
    missing: list[str]
    items: list[RegisterItem]


class PublicItem(Message, frozen=True):
    """What anybody may know of an item: no person, and no internal document."""

    item: str
    title: Bilingual
    mandatory: bool
    status: Status | None
    evidence: str | None = None
    reviewed_by_role: str | None = None
    reviewed_on: date | None = None
    expires_on: date | None = None


class PublicRegister(Message, frozen=True):
    """The public part of the register."""

    node: str
    met: bool
    met_until: str | None
    items: list[PublicItem]
