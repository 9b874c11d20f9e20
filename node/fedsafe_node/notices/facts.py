# SPDX-License-Identifier: Apache-2.0
"""The facts of a notice as they are kept; `phrases` puts them into words.

What is kept is sealed under a period key and holds what the author stated and the
provider's own name for the account, never an identifier.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.notices import NoticeKind
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.texts import Trigger
from fedsafe_node.store.notices_rows import NoticeKey, NoticeRow
from fedsafe_node.store.rows import Row
from fedsafe_policies.vocabulary import (
    Detection,
    Grade,
    Level,
    Phenomenon,
    Provenance,
    Source,
    Surface,
)

_DOMAIN: Final = "fedsafe/v1/notice"


class Finding(Row, frozen=True, kw_only=True):
    """What was found and how long it is shared."""

    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    provenance: Provenance
    rule: str
    removed_on: date
    match_until: date
    source: Source | None = None
    detection: Detection | None = None


class Facts(Row, frozen=True, kw_only=True):
    """What a notice says; of a publication with the `finding`, of an end with its day.

    `recipients` are the members that a signal is meant for, or at its end those
    that have received it.
    """

    subject_ref: str | None
    published_on: date
    recipients: list[str]
    finding: Finding | None = None
    ended_on: date | None = None


class Reviewed(Row, frozen=True, kw_only=True):
    """What a notice says of a measure after a review; `until` is its last day.

    `hearing` says whether the person was heard, or why not; no more than `two` people
    have decided.
    """

    subject_ref: str | None
    decided_on: date
    level: Level
    until: date | None
    rule: str
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    source: Source
    trigger: Trigger
    two: bool
    hearing: str


AnyFacts = Facts | Reviewed
_TYPES: Final[Mapping[NoticeKind, type[AnyFacts]]] = {
    NoticeKind.PUBLICATION: Facts,
    NoticeKind.END: Facts,
    NoticeKind.REVIEW: Reviewed,
}


def seal_facts(facts: AnyFacts, keys: PeriodKeys, period: str, key: NoticeKey) -> bytes:
    """Seal the facts of a notice for its place."""
    return keys.seal(period, encode(facts), _place(key, period))


def open_facts(row: NoticeRow, keys: PeriodKeys) -> AnyFacts | None:
    """Open the facts of a notice; None if they or their period's key are erased.

    Raises:
        StoreFailedError: they are not what was sealed.
    """
    if row.sealed is None:
        return None
    place = _place(row.key, row.period)
    try:
        payload = keys.unseal(row.period, row.sealed, place)
        return None if payload is None else decode(payload, _TYPES[row.kind])
    except (CryptoError, MalformedError):
        raise StoreFailedError("a notice does not open") from None


def _place(key: NoticeKey, period: str) -> bytes:
    about, kind, nth = key
    place = lp_text(_DOMAIN) + about + lp_text(kind.value) + lp_text(period)
    # The first of its kind lies where it did when there was no second.
    return place if nth == 1 else place + lp_text(str(nth))
