# SPDX-License-Identifier: Apache-2.0
"""What is said of a backup to a running node."""

from typing import Annotated

import msgspec

from fedsafe_federation.wire.signed import Count
from fedsafe_node.acts.bodies import Message

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class BackupNote(Message, frozen=True):
    """The SHA-256 of a backup's manifest, and whether the keys were saved apart."""

    digest: Digest
    keys: bool


class BackupNoted(Message, frozen=True):
    """Where in the audit log it stands."""

    digest: Digest
    index: Count
