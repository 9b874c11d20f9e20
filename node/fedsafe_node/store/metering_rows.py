# SPDX-License-Identifier: Apache-2.0
"""The rows about what members evaluate for each other."""

from enum import StrEnum, unique

from fedsafe_node.store.rows import Row


@unique
class Side(StrEnum):
    """What is counted: what a member had of this node, or this node of a member."""

    ANSWERED = "answered"
    ASKED = "asked"
    RECEIVED = "received"


class LeasedRow(Row, frozen=True):
    """So many elements are off a member's budget in an hour, counted since 1970."""

    side: Side
    member: str
    purpose: str
    hour: int
    elements: int


class TallyRow(Row, frozen=True):
    """What a member has signed about a day, and by how much the counts differ."""

    author: str
    day: int
    statement: bytes
    differs: int
