# SPDX-License-Identifier: Apache-2.0
"""A node's attestation: until when its gate is open and its register is met.

A short statement, renewed long before it ends. Whoever gives a member openings of
actor signals, evaluates for it or matches its actor signals looks here first, and
without an attestation that holds nothing of the kind happens (rule P1). One of a
higher sequence replaces the one before, also to take it back; a lower one never
does, so an old statement that somebody kept opens nothing.

A node whose policy is *synthetic* says so, and is believed by demonstrations only.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import (
    MalformedError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.wire.freshness import SKEW
from fedsafe_federation.wire.signed import (
    Count,
    NodeName,
    Seconds,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase

ATTESTATION: Final = "attestation"
LIFE: Final = timedelta(hours=24)
"""How long an attestation holds at most, whatever it says."""

_PolicyReference = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}@[0-9a-f]{8}$(?!\n)")
]


class Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What *node* says of itself; times in UTC seconds.

    `gate_until` and `register_until` are 0 while the gate is closed or the
    register is not met; `synthetic` says that only a demonstration's data is behind
    it.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    node: NodeName
    sequence: Count
    at: Seconds
    valid_until: Seconds
    gate_until: Seconds
    register_until: Seconds
    policy: _PolicyReference
    synthetic: bool

    @property
    def until(self) -> int:
        """The second from which on it opens nothing."""
        return min(self.valid_until, self.gate_until, self.register_until)


def sign_attestation(
    attestation: Attestation, *, key: SigningKey, federation: str
) -> Signed:
    """Sign *attestation* with its node's statement key."""
    return sign_statement(
        attestation,
        type_=ATTESTATION,
        signer=attestation.node,
        key=key,
        federation=federation,
    )


def open_attestation(
    statement: Signed, charter: Charter, *, now: datetime
) -> Attestation:
    """Check signature, author and times.

    Raises:
        UntrustedError: not signed by the member that it speaks of.
        StaleStatementError: it was made in the future.
        MalformedError: it is no attestation, or lives longer than one may.
    """
    member = charter.member(statement.signer)
    attestation = open_statement(
        statement,
        Attestation,
        type_=ATTESTATION,
        public=member.keys.statement,
        federation=charter.federation,
    )
    if attestation.node != statement.signer:
        raise UntrustedError(statement.signer, "it speaks of another node")
    if attestation.at > (now + SKEW).timestamp():
        raise StaleStatementError(statement.signer, "the statement lies in the future")
    life = int(LIFE.total_seconds())
    if attestation.valid_until > attestation.at + life:
        raise MalformedError("Attestation", Phrase("it lives longer than one may"))
    return attestation


class Attestations:
    """The newest attestation of each member.

    State, owned by the event loop: `_newest`, by name.
    """

    def __init__(self) -> None:
        self._newest: dict[str, tuple[Attestation, Signed]] = {}

    def judge(
        self, statement: Signed, charter: Charter, *, now: datetime
    ) -> Attestation | None:
        """Open a member's attestation; None if it is the one that is here.

        Raises:
            UntrustedError: not signed by the member that it speaks of.
            StaleStatementError: from the future, or not newer than the one here.
            MalformedError: it is no attestation.
        """
        attestation = open_attestation(statement, charter, now=now)
        before = self._newest.get(attestation.node)
        if before is not None:
            if before[1] == statement:
                return None
            if attestation.sequence <= before[0].sequence:
                raise StaleStatementError(
                    statement.signer, "a newer attestation is known"
                )
        return attestation

    def keep(self, attestation: Attestation, statement: Signed) -> None:
        """Let an attestation that was judged count from now on."""
        self._newest[attestation.node] = (attestation, statement)

    def allows(self, node: str, now: datetime, *, demo: bool) -> bool:
        """Tell whether actor signals may go to *node*, and those of *node* count.

        *demo* says that the one who asks is a demonstration.
        """
        known = self._newest.get(node)
        if known is None or now.timestamp() >= known[0].until:
            return False
        return demo or not known[0].synthetic

    def newest(self, node: str) -> Attestation | None:
        """Give a member's newest attestation, whether it still holds or not."""
        known = self._newest.get(node)
        return known[0] if known is not None else None
