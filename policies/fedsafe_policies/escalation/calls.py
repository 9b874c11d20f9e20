# SPDX-License-Identifier: Apache-2.0
"""What is noted of a call in danger: words of a closed list, so that nothing else is.

Who was called, when, and who answered is noted beside them; what was talked about
stays in the call.
"""

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

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
        Said.WHO: Text("wer und für welchen Dienst", "who, and for which service"),
        Said.CHILD_IN_DANGER: Text("ein Kind ist in Gefahr", "a child is in danger"),
        Said.WHAT_HAPPENS: Text("was geschieht", "what is happening"),
        Said.PLACE: Text("was über den Ort bekannt ist", "what is known of the place"),
        Said.ACCOUNTS: Text("Konten und IP-Adressen", "accounts and IP addresses"),
        Said.PRESERVED: Text("was gesichert ist", "what is preserved"),
    }
)
ORDERED: Final[Mapping[Ordered, Text]] = MappingProxyType(
    {
        Ordered.SEND_PACKAGE: Text("Paket senden", "send the package"),
        Ordered.PRESERVE: Text("Beweismittel sichern", "preserve evidence"),
        Ordered.LEAVE_ACCOUNT: Text("Konto offen lassen", "leave the account open"),
        Ordered.BLOCK_ACCOUNT: Text("Konto sperren", "block the account"),
        Ordered.TELL_NOBODY: Text("niemandem mitteilen", "tell nobody"),
        Ordered.CALL_BACK: Text("Rückruf abwarten", "wait for a call back"),
        Ordered.NOTHING: Text("nichts angeordnet", "nothing ordered"),
    }
)
