# SPDX-License-Identifier: Apache-2.0
"""Drafts: what waits, sealed, for a second person.

A draft holds all that publishing needs, so that the second person neither sees
the identifier nor asks the members anew: the finished opening with its salt, the
row to be, and the facts that policy decides on once more. It is sealed under the
month's period key, bound to its signal. The PDQ digest of a picture is sealed within
under the own keys, which an outside key may wrap; drafts from before have it as it is.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import SIGNAL_GROUP, SignalHeader, decode_opening
from fedsafe_federation.wire.signed import Bytes16, Bytes32
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import ListSource
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.signals.creation import Made
from fedsafe_node.store.rows import DraftRow, Opening, Row
from fedsafe_policies.documents.do_not_share import changed_list
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.vocabulary import (
    Detection,
    Finding,
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Provenance,
    Role,
    Source,
    Surface,
)

_DOMAIN: Final = "fedsafe/v1/draft"
_PICTURE: Final = "fedsafe/v1/draft picture"


class DraftFacts(Row, frozen=True, kw_only=True):
    """What the author stated, for the decision at approval.

    `compared` digests the do-not-share lists that did not hold the identifier: the
    identifier is not here to be compared again, so the lists must be the same. `renews`
    names the signal of an older key epoch that it follows, `list` the list of files
    that it belongs to.
    """

    kind: int
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    provenance: Provenance
    rule: str
    since: date
    contact: str
    author: str
    role: Role
    subject_ref: str | None = None
    minor: bool
    findings: list[Finding]
    legal_review: str | None = None
    compared: dict[str, str]
    source: Source | None = None
    detection: Detection | None = None
    renews: str | None = None
    list: ListSource | None = None


class Draft(Row, frozen=True, kw_only=True):
    """The payload of a draft.

    `own` is the id of the own ban that matches here while the draft waits, if there
    is one. `token` and `picture` are what the signal will be found by; `picture` is a
    PDQ digest under the own keys, `pdq` one as drafts had it before.
    """

    v: Literal[1]
    own: Bytes16 | None
    token: Bytes16
    pdq: Bytes32 | None
    salt: Bytes32
    payload: bytes
    facts: DraftFacts
    picture: bytes | None = None

    def request(
        self, approver: Person, compared: Mapping[str, str], listed: str | None
    ) -> PublishRequest:
        """Ask for the publication that *approver* would answer for.

        *compared* digests the do-not-share lists as they are now; *listed* names the
        one that holds the file.
        """
        facts, header = self.facts, self.header()
        return PublishRequest(
            kind=self.kind,
            phenomenon=facts.phenomenon,
            surface=facts.surface,
            grade=facts.grade,
            scope=header.scope,
            rule=facts.rule,
            since=facts.since,
            author=Person(facts.author, facts.role),
            approver=approver,
            contact=facts.contact,
            suspected_minor=facts.minor,
            findings=frozenset(facts.findings),
            legal_review=facts.legal_review,
            listed=listed,
            relisted=changed_list(facts.compared, compared),
        )

    @property
    def kind(self) -> IdentifierKind | MediaKind:
        """The kind; its number means something else on each plane."""
        if self.header().plane is Plane.ACTOR:
            return IdentifierKind(self.facts.kind)
        return MediaKind(self.facts.kind)

    def header(self) -> SignalHeader:
        """Read the header out of the opening."""
        return decode_opening(self.payload)[0]

    def made(self, signal_id: bytes, origin: str, own_list: OwnList) -> Made:
        """Give the signal that waits in the draft.

        Raises:
            WrongStateError: its picture was sealed under other own keys.
        """
        kind, pdq = self.kind, self.pdq
        if self.picture is not None:
            try:
                pdq = own_list.open_picture(self.picture, _picture_place(signal_id))
            except CryptoError:
                raise _unreadable() from None
        return Made(
            signal_id=signal_id,
            origin=origin,
            header=self.header(),
            token=self.token,
            opening=Opening(group=SIGNAL_GROUP, salt=self.salt, payload=self.payload),
            media_kind=kind if isinstance(kind, MediaKind) else None,
            pdq=pdq,
        )


def draft_row(  # noqa: PLR0913 - what a draft is made of, and sealed under
    made: Made,
    *,
    own: bytes | None,
    facts: DraftFacts,
    periods: PeriodKeys,
    own_list: OwnList,
    now: datetime,
) -> DraftRow:
    """Seal a draft into its row."""
    picture = None
    if made.pdq is not None:
        picture = own_list.seal_picture(made.pdq, _picture_place(made.signal_id))
    draft = Draft(
        v=1,
        own=own,
        token=made.token,
        pdq=None,
        salt=made.opening.salt,
        payload=made.opening.payload,
        facts=facts,
        picture=picture,
    )
    period = period_of(now)
    sealed = periods.seal(period, encode(draft), _place(made.signal_id, period))
    return DraftRow(
        signal_id=made.signal_id,
        author=facts.author,
        created_at=int(now.timestamp()),
        period=period,
        sealed=sealed,
        plane=made.header.plane.value,
        scope=made.header.scope.value,
    )


def open_draft(row: DraftRow, periods: PeriodKeys) -> Draft:
    """Open a draft that still waits.

    Raises:
        WrongStateError: it is decided, or its period's key is gone or another.
    """
    if row.sealed is None:
        raise WrongStateError("not_pending", Phrase("this draft is decided"))
    try:
        place = _place(row.signal_id, row.period)
        payload = periods.unseal(row.period, row.sealed, place)
        if payload is not None:
            return decode(payload, Draft)
    except (CryptoError, MalformedError):
        pass
    raise _unreadable()


def _unreadable() -> WrongStateError:
    return WrongStateError(
        "draft_unreadable", Phrase("this draft can't be opened any more; withdraw it")
    )


def _place(signal_id: bytes, period: str) -> bytes:
    return lp_text(_DOMAIN) + signal_id + lp_text(period)


def _picture_place(signal_id: bytes) -> bytes:
    return lp_text(_PICTURE) + signal_id
