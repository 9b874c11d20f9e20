# SPDX-License-Identifier: Apache-2.0
"""Why a store is not moved; what is at its present place stays as it was."""

from fedsafe_node.acts.audit import VerifyAnswer
from fedsafe_node.ground.errors import StoreError
from fedsafe_policies.ground.catalogue import Phrase


class MoveRefusedError(StoreError):
    """A store is not moved like this."""

    def __init__(
        self, reason: str | Phrase, way_out: str | Phrase | None = None
    ) -> None:
        super().__init__(reason)
        self.way_out = way_out


class UnverifiedError(StoreError):
    """What was verified does not add up."""

    def __init__(self, where: Phrase, answer: VerifyAnswer) -> None:
        super().__init__(Phrase("{what} does not verify").filled(what=where))
        self.answer = answer
