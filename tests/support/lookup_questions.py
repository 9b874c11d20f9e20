# SPDX-License-Identifier: Apache-2.0
"""What the tests of lookups ask about."""

from tests.support.origin import WHO

from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.acts.lookup import LookupAnswer, Result

PICTURE = bytes.fromhex("a5" * 32)
HASH = "ab" * 32


def is_restricted(answer: LookupAnswer) -> bool:
    """Decide as an application does that runs the recipe of the README."""
    if answer.result is not Result.REVIEW:
        return answer.result is not Result.NONE
    return answer.reason != "flood"


def email(value: str = WHO) -> Question:
    return Question(kind=Kind.EMAIL, value=value)
