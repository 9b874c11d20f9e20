# SPDX-License-Identifier: Apache-2.0
"""What is known of a case, and how it is sealed.

Each case has a key of its own. The key is sealed under the key of its period, the
content under the case's key, bound to the case and its revision: no row opens in the
place of another, and no earlier content in the place of a later.
"""

from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Final

import msgspec

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.seal.secretbox import KEY_BYTES, decrypt, encrypt
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.errors import CorruptRowError, WrongStateError
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.rows import Row
from fedsafe_policies.escalation.calls import Ordered, Said
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.closure import Answers, EvidenceDecision, Help
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.projection import Circumstances
from fedsafe_policies.escalation.states import CaseState, is_borderline
from fedsafe_policies.escalation.vocabulary import (
    MINORS,
    Absence,
    AgeBand,
    Condition,
    Element,
    PartnerClass,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Level

_KEY: Final = "fedsafe/case-key/v1"
_CONTENT: Final = "fedsafe/case/v1"


class KeptHold(Row, frozen=True, kw_only=True):
    """Why and until when the user is not told."""

    authority: str
    basis: str
    since: int
    until: int


class Release(Row, frozen=True, kw_only=True):
    """Who let the case go, to which classes, who stood by it, and by which matrix."""

    partners: tuple[PartnerClass, ...]
    first: str
    at: int
    second: str | None = None
    second_at: int | None = None
    matrix: str | None = None


class KeptCall(Row, frozen=True, kw_only=True):
    """A call: which number, when, who answered, what was said and ordered, by whom.

    Nobody may have `answered`; of older cases everybody has.
    """

    number: str
    at: int
    officer: str | None
    reference: str | None
    said: tuple[Said, ...]
    ordered: tuple[Ordered, ...]
    by: str
    answered: bool = True


class KeptInquiry(Row, frozen=True, kw_only=True):
    """That a partner asked for more, or was answered: when, under which reference."""

    step: str
    at: int
    reference: str
    by: str


class KeptReceipt(Row, frozen=True, kw_only=True):
    """What a person noted of a dispatch: handed over, or acknowledged, and where.

    `signed_by` is the fingerprint of the partner's key that has signed a reply.
    """

    dispatch: str
    kind: str
    reference: str
    at: int
    by: str
    way: str | None = None
    signed_by: str | None = None


class CaseFile(Row, frozen=True, kw_only=True):
    """All that is known of a case and was decided about it.

    Of one that was erased at `erased_at` only what is counted of many is left. `named`
    are accounts that it named and names no more, each with when it was dropped: what
    bound to secrecy until then goes on doing so (`casework.cases.nondisclosure`).
    `late_feature` was named after the case had left: no package of that release has it.
    """

    sources: frozenset[CaseSource]
    evidence: tuple[str, ...]
    elements: Elements
    unavailable: dict[Element, Absence] = msgspec.field(default_factory=dict)
    conditions: frozenset[Condition] = frozenset()
    done: frozenset[str] = frozenset()
    help: Help | None = None
    level: Level | None = None
    evidence_decision: EvidenceDecision | None = None
    opinion: str | None = None
    holds: tuple[KeptHold, ...] = ()
    release: Release | None = None
    calls: tuple[KeptCall, ...] = ()
    erased_at: int | None = None
    receipts: tuple[KeptReceipt, ...] = ()
    test: bool = False
    mentions: tuple[str, ...] = ()
    named: dict[str, int] = msgspec.field(default_factory=dict)
    late_feature: str | None = None
    inquiries: tuple[KeptInquiry, ...] = ()

    @property
    def open_questions(self) -> tuple[str, ...]:
        """Name the questions of partners that nobody has answered, oldest first."""
        found: dict[str, None] = {}
        for each in self.inquiries:
            if each.step == CaseState.NEEDS_INFO.value:
                found[each.reference] = None
            else:
                found.pop(each.reference, None)
        return tuple(found)

    @property
    def known(self) -> Elements:
        """What is known, also what was told too late for what has left."""
        if self.late_feature is None:
            return self.elements
        return msgspec.structs.replace(self.elements, feature=self.late_feature)

    @property
    def has_minors(self) -> bool | None:
        """Whether somebody affected is under eighteen; None while nobody knows."""
        given = self.elements.victim_ages
        ages = frozenset() if given is msgspec.UNSET else frozenset(given)
        if MINORS & ages:
            return True
        return None if not ages or AgeBand.UNKNOWN in ages else False

    @property
    def minors(self) -> bool:
        """Whether somebody affected is, or may be, under eighteen."""
        return self.has_minors is not False

    @property
    def waits_for_opinion(self) -> bool:
        """Whether the legal adviser has to be asked, and has not answered."""
        known = self.elements
        phenomenon = None if known.phenomenon is msgspec.UNSET else known.phenomenon
        danger = None if known.threat is msgspec.UNSET else known.threat.danger
        return self.opinion is None and is_borderline(phenomenon, danger)

    @property
    def answers(self) -> Answers:
        """What has been answered of the questions before closing."""
        known = self.known
        return Answers(
            phenomenon=None if known.phenomenon is msgspec.UNSET else known.phenomenon,
            feature=None if known.feature is msgspec.UNSET else known.feature,
            help=self.help,
            danger=None if known.threat is msgspec.UNSET else known.threat.danger,
            level=self.level,
            evidence=self.evidence_decision,
            opinion=self.opinion is not None,
        )

    @property
    def circumstances(self) -> Circumstances:
        """On what conditional elements depend; a consent counts for what it covers."""
        consent = self.elements.consent
        covered = frozenset[Element]()
        if consent is not msgspec.UNSET:
            covered = frozenset({*consent.covers, Element.CONSENT})
        return Circumstances(granted=self.conditions, consented=covered)


def accounts_of(file: CaseFile) -> frozenset[str]:
    """Return the accounts that a case names: of suspects, and of who is affected."""
    known, accounts = file.elements, set[str]()
    if known.suspects is not msgspec.UNSET:
        accounts |= {each.account_id for each in known.suspects}
    if known.victims is not msgspec.UNSET:
        accounts |= {each.account_id for each in known.victims}
    return frozenset(accounts)


@dataclass(frozen=True, slots=True)
class CaseVault:
    """Seals and opens what is known of cases."""

    periods: PeriodKeys

    def seal(
        self, row: CaseRow | None, case_id: str, file: CaseFile, moment: datetime
    ) -> tuple[str, bytes, bytes]:
        """Seal a file for the revision after `row`; return period, key and content."""
        revision = 1 if row is None else row.revision + 1
        if row is None or row.key is None:
            period, key = period_of(moment), token_bytes(KEY_BYTES)
            kept = self.periods.seal(period, key, _key_place(case_id, period))
        else:
            period, kept, key = row.period, row.key, self._key(row)
        content = encrypt(key, encode(file), _place(case_id, revision))
        return period, kept, content

    def open(self, row: CaseRow) -> CaseFile:
        """Open what is known of a case.

        Raises:
            WrongStateError: its content is erased, or its key destroyed.
            CorruptRowError: it is not what was sealed for this case and revision.
        """
        if row.sealed is None:
            raise _gone()
        key = self._key(row)
        try:
            content = decrypt(key, row.sealed, _place(row.id, row.revision))
        except OpenError:
            raise _damaged(row) from None
        return decode(content, CaseFile)

    def has_minors(self, row: CaseRow) -> bool | None:
        """Tell what a case says of ages; one that does not open any more says nothing.

        A case that cannot be read may be about a child, and no other waits behind it.
        """
        try:
            return self.open(row).has_minors
        except (WrongStateError, CorruptRowError):
            return None

    def is_exercise(self, row: CaseRow) -> bool:
        """Tell whether a case is an exercise; one that does not open may be real."""
        try:
            return self.open(row).test
        except (WrongStateError, CorruptRowError):
            return False

    def mentions(self, row: CaseRow) -> tuple[str, ...]:
        """Return which signals a case mentions; none, if it does not open any more."""
        try:
            return self.open(row).mentions
        except (WrongStateError, CorruptRowError):
            return ()

    def _key(self, row: CaseRow) -> bytes:
        if row.key is None:
            raise _gone()
        place = _key_place(row.id, row.period)
        try:
            key = self.periods.unseal(row.period, row.key, place)
        except OpenError:
            raise _damaged(row) from None
        if key is None:
            raise _gone()
        return key


def _gone() -> WrongStateError:
    return WrongStateError("wiped", Phrase("what was known of this case is erased"))


def _damaged(row: CaseRow) -> CorruptRowError:
    return CorruptRowError("cases", None, row.id, Phrase("it does not open"))


def _key_place(case_id: str, period: str) -> bytes:
    return lp_text(_KEY) + lp_text(case_id) + lp_text(period)


def _place(case_id: str, revision: int) -> bytes:
    return lp_text(_CONTENT) + lp_text(case_id) + lp_text(str(revision))
