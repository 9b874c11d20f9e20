# SPDX-License-Identifier: Apache-2.0
"""What a person's request has found, sealed under the month's period key."""

from typing import Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.requests import (
    Attestation,
    ErasedPart,
    Finding,
    RefusalGround,
    Remaining,
)
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.rights_rows import RequestRow, WaitingRow
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import Contention, Role

_DOMAIN: Final = "fedsafe/v1/rights-request"
_SOUGHT: Final = "fedsafe/v1/rights-sought"


class Checked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An officer's identity check; without a `second` nobody has decided on it.

    `reminded_at` is when somebody was last reminded that nobody has.
    """

    seen_on: str
    reference: str
    by: str
    act: str = ""
    second: str | None = None
    contention: Contention | None = None
    reminded_at: int | None = None


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of a request beside its dates; never the identifier.

    `uncovered` names the members of whose signals not all were here, `closed` says
    that the own gate was. `shredded` are the key epochs that were over by then.
    `tokens` are those under which this node would list the identifier. `collected`
    says that the answer was handed out, `ground` why it was refused. Once a grant has
    taken what was found, `erased` counts it, `shared` are the signals that others had
    of it, `packs` the entries of evidence packs about it, and `remains` what stays.
    `age` is what the person has said of theirs: to a minor letters begin in plain
    words. What a back-end has `attested`, or an officer `checked`, shows how control
    of the identifier was shown.
    """

    subject_ref: str | None
    findings: list[Finding]
    unevaluated: list[str]
    uncovered: list[str] = []
    closed: bool = False
    shredded: list[int] = []
    disputes: list[str]
    answer: str | None = None
    tokens: list[bytes] = []
    collected: bool = False
    ground: RefusalGround | None = None
    erased: list[ErasedPart] | None = None
    shared: list[str] = []
    packs: list[int] = []
    remains: list[Remaining] = []
    age: Age = Age.ADULT
    attested: Attestation | None = None
    checked: Checked | None = None

    @property
    def is_undecided(self) -> bool:
        """Whether an identity check waits for its second officer."""
        return self.checked is not None and self.checked.second is None

    @property
    def is_whole(self) -> bool:
        """Whether everything could be looked up."""
        return not self.unevaluated and not self.uncovered


class Sought(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The identifier that a request waits for, and who wants to contest what.

    Kept apart from all else, and only until it was looked up.
    """

    kind: int
    canonicaliser: str
    value: str
    role: Role
    contention: Contention | None = None

    def __repr__(self) -> str:
        """Show nothing of whom it is about."""
        return "Sought(…)"


def seal_content(keys: PeriodKeys, name: str, period: str, content: Content) -> bytes:
    """Seal a request's content for its row."""
    return keys.seal(period, encode(content), _place(name, period))


def open_content(keys: PeriodKeys, row: RequestRow) -> Content | None:
    """Open a request's content; None if it is wiped or its key destroyed."""
    if row.sealed is None:
        return None
    try:
        payload = keys.unseal(row.period, row.sealed, _place(row.id, row.period))
        return None if payload is None else decode(payload, Content)
    except (CryptoError, MalformedError):
        return None


def seal_sought(keys: PeriodKeys, name: str, period: str, sought: Sought) -> bytes:
    """Seal what a request waits for."""
    return keys.seal(period, encode(sought), _place(name, period, _SOUGHT))


def open_sought(keys: PeriodKeys, row: WaitingRow) -> Sought | None:
    """Open what a request waits for; None if its key is destroyed."""
    place = _place(row.request, row.period, _SOUGHT)
    try:
        payload = keys.unseal(row.period, row.sealed, place)
        return None if payload is None else decode(payload, Sought)
    except (CryptoError, MalformedError):
        return None


def _place(name: str, period: str, domain: str = _DOMAIN) -> bytes:
    return lp_text(domain) + lp_text(name) + lp_text(period)
