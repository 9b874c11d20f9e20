# SPDX-License-Identifier: Apache-2.0
"""The query parameters of API version 1, as closed types."""

from typing import Annotated

import msgspec

from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.wire.signed import Count
from fedsafe_node.acts.bodies import Message
from fedsafe_policies.vocabulary import Purpose

MAX_EVENTS = 1_000


class ReadQuery(Message, frozen=True):
    """What something is read for; left out, for what the role usually reads it."""

    purpose: Purpose | None = None


class EventsQuery(ReadQuery, frozen=True):
    """Which part of the audit log is read."""

    since: Count = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_EVENTS)] = 100


class TallyQuery(Message, frozen=True):
    """Of which UTC day, numbered since 1970, the counts are asked for."""

    day: Count


class FeedQuery(Message, frozen=True):
    """Where the member stands; see `FeedRequest`."""

    since: Count = 0
    known: Count = 0
    restrictions: Count = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_RECORDS)] = MAX_RECORDS
