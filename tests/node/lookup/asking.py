# SPDX-License-Identifier: Apache-2.0
"""What the tests of lookups ask about."""

from tests.node.origin import WHO

from fedsafe_node.messages import (
    Kind,
    Question,
)

PICTURE = bytes.fromhex("a5" * 32)
HASH = "ab" * 32


def email(value: str = WHO) -> Question:
    return Question(kind=Kind.EMAIL, value=value)
