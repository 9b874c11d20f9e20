# SPDX-License-Identifier: Apache-2.0
"""What is noted of a call in danger: words of a closed list, so that nothing else is.

Who was called, when, and who answered is noted beside them; what was talked about
stays in the call.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text


@unique
class Said(StrEnum):
    """What the caller has said."""

    WHO = "who"
    CHILD_IN_DANGER = "child_in_danger"
    WHAT_HAPPENS = "what_happens"
    PLACE = "place"
    ACCOUNTS = "accounts"
    PRESERVED = "preserved"


@unique
class Ordered(StrEnum):
    """What whoever answered has asked for or ordered."""

    SEND_PACKAGE = "send_package"
    PRESERVE = "preserve"
    LEAVE_ACCOUNT = "leave_account"
    BLOCK_ACCOUNT = "block_account"
    TELL_NOBODY = "tell_nobody"
    CALL_BACK = "call_back"
    NOTHING = "nothing"


SAID: Final[Mapping[Said, Text]] = MappingProxyType(
    {
        Said.WHO: Phrase("who, and for which service").both(),
        Said.CHILD_IN_DANGER: Phrase("a child is in danger").both(),
        Said.WHAT_HAPPENS: Phrase("what is happening").both(),
        Said.PLACE: Phrase("what is known of the place").both(),
        Said.ACCOUNTS: Phrase("accounts and IP addresses").both(),
        Said.PRESERVED: Phrase("what is preserved").both(),
    }
)
ORDERED: Final[Mapping[Ordered, Text]] = MappingProxyType(
    {
        Ordered.SEND_PACKAGE: Phrase("send the package").both(),
        Ordered.PRESERVE: Phrase("preserve evidence").both(),
        Ordered.LEAVE_ACCOUNT: Phrase("leave the account open").both(),
        Ordered.BLOCK_ACCOUNT: Phrase("block the account").both(),
        Ordered.TELL_NOBODY: Phrase("tell nobody").both(),
        Ordered.CALL_BACK: Phrase("wait for a call back").both(),
        Ordered.NOTHING: Phrase("nothing ordered").both(),
    }
)
