# SPDX-License-Identifier: Apache-2.0
"""Appeals: what a member says against an origin's ruling, and who rules on it.

An appeal carries the dispute and the origin's ruling that let the signal stand. The
member that the charter names hears it, and its ruling carries the appeal: so whoever
gets a ruling needs nothing else to check it (protocol 3.6).

* A ruling that *ends* the signal acts as a revocation does: on signature and authority
  alone, from any courier, before all else in a batch. It has no number among the
  restrictions of its author, so who does not know it misses none.
* One by which the signal *stands* lifts the dispute that is named, and nothing else. It
  may let a signal match, so it is an addition: a record behind a checkpoint.
* Nobody hears an appeal of their own, on an own signal, or on a signal that they have
  disputed, by whatever dispute: then the charter's deputy does. The appeal does not
  say who else has disputed the signal, so the deputy's ruling carries a dispute of the
  member that would hear it.
* A ruling that a quorum has set aside, by its digest in the charter, has no effect.

Both travel as statements in records of restrictions. A node that does not know them
keeps and forwards the record, and finds no authority in it.
"""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.charter.former_keys import Trust, open_lasting
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.restrictions import Reason, Restriction, open_restriction
from fedsafe_federation.feed.rulings import Outcome, open_ruling
from fedsafe_federation.wire.signed import NodeName, Seconds, Signed, sign_statement
from fedsafe_federation.wire.wireformat import decode
from fedsafe_policies.vocabulary import Effect

APPEAL: Final = "appeal"
APPEAL_RULING: Final = "appeal-ruling"
UNNUMBERED: Final = 0
"""The number of what is none of its author's counted restrictions."""
RULINGS_A_DAY: Final = 20
"""So many rulings on appeals of one member count on a day, at every other one."""


@unique
class AppealOutcome(StrEnum):
    """How an appeal ended: the signal does, or it stands."""

    ENDED = "ended"
    STANDS = "stands"


class Appeal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*author* appeals against the origin's `ruling` on a `dispute`."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    author: NodeName
    dispute: Signed
    ruling: Signed
    at: Seconds


class AppealRuling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """*author* has ruled on an `appeal`.

    `disputed` is a dispute of the same signal by the member that the charter names
    first, where nothing else of the appeal gives its deputy authority.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    author: NodeName
    appeal: Signed
    outcome: AppealOutcome
    at: Seconds
    disputed: Signed | msgspec.UnsetType = msgspec.UNSET


class Heard(msgspec.Struct, frozen=True):
    """An appeal that was checked: whose it is, of what, and by whom it is heard.

    `dispute` is the digest of the dispute's statement, `disputed_by` its author. Nobody
    hears it, `heard_by` None, if the charter names nobody without a part in it, as far
    as the appeal tells: other disputes of the signal are none of it.
    """

    digest: bytes
    author: str
    origin: str
    signal: bytes
    dispute: bytes
    disputed_by: str
    heard_by: str | None
    at: int

    @property
    def parties(self) -> set[str]:
        """Name who has a part in it."""
        return {self.author, self.disputed_by, self.origin}


class Ruled(msgspec.Struct, frozen=True):
    """A ruling on an appeal that was checked."""

    digest: bytes
    author: str
    heard: Heard
    outcome: AppealOutcome
    at: int


def sign_appeal(appeal: Appeal, *, key: SigningKey, federation: str) -> Signed:
    """Sign *appeal* with its author's statement key."""
    return sign_statement(
        appeal, type_=APPEAL, signer=appeal.author, key=key, federation=federation
    )


def sign_appeal_ruling(
    ruling: AppealRuling, *, key: SigningKey, federation: str
) -> Signed:
    """Sign *ruling* with its author's statement key."""
    return sign_statement(
        ruling,
        type_=APPEAL_RULING,
        signer=ruling.author,
        key=key,
        federation=federation,
    )


def open_appeal(
    statement: Signed, charter: Charter, *, trust: Trust = Trust.NOW
) -> Heard:
    """Check an appeal and what it carries; *trust* is how far former keys count.

    Raises:
        UntrustedError: not signed by a member, or not against a ruling of the origin
            that let the disputed signal stand.
        MalformedError: a payload is none of its kind.
    """
    appeal = open_lasting(
        statement,
        Appeal,
        charter.member(statement.signer),
        type_=APPEAL,
        federation=charter.federation,
        trust=trust,
        at=lambda said: said.at,
    )
    if appeal.author != statement.signer:
        raise UntrustedError(statement.signer, "the author is not the signer")
    kept = max(trust, Trust.SOUND)  # what it carries is older than it
    disputed = open_restriction(appeal.dispute, charter, trust=kept)
    ruling = open_ruling(appeal.ruling, charter, trust=kept)
    dispute = digest(appeal.dispute)
    if disputed.effect is not Effect.DISPUTED or (
        (ruling.origin, ruling.signal) != (disputed.origin, disputed.signals[0])
        or dispute not in ruling.disputes
        or ruling.outcome is not Outcome.RESTORED
    ):
        why = "no ruling of the origin that let the disputed signal stand"
        raise UntrustedError(statement.signer, why)
    parties = {appeal.author, disputed.author, disputed.origin}
    return Heard(
        digest=digest(statement),
        author=appeal.author,
        origin=disputed.origin,
        signal=disputed.signals[0],
        dispute=dispute,
        disputed_by=disputed.author,
        heard_by=hearer(charter, parties),
        at=appeal.at,
    )


def hearer(charter: Charter, parties: set[str]) -> str | None:
    """Name who hears an appeal: the first named by the charter that is no party."""
    active = {member.name for member in charter.active()} - parties
    named = (each for each in (charter.appeal, charter.stand_in) if each in active)
    return next(named, None)


def open_appeal_ruling(
    statement: Signed, charter: Charter, *, trust: Trust = Trust.NOW
) -> Ruled:
    """Check a ruling on an appeal, and the authority of who has ruled.

    Raises:
        UntrustedError: not signed by who hears this appeal, or set aside by a quorum.
        MalformedError: a payload is none of its kind.
    """
    ruling = open_lasting(
        statement,
        AppealRuling,
        charter.member(statement.signer),
        type_=APPEAL_RULING,
        federation=charter.federation,
        trust=trust,
        at=lambda said: said.at,
    )
    heard = open_appeal(ruling.appeal, charter, trust=max(trust, Trust.SOUND))
    if ruling.disputed is not msgspec.UNSET:
        heard = _passed_on(heard, ruling.disputed, charter, max(trust, Trust.SOUND))
    if not ruling.author == statement.signer == heard.heard_by:
        raise UntrustedError(statement.signer, "it does not hear this appeal")
    if ruling.at < heard.at:
        raise UntrustedError(statement.signer, "it ruled before the appeal")
    name = digest(statement)
    if name in charter.without_effect:
        raise UntrustedError(statement.signer, "a quorum has set this ruling aside")
    return Ruled(name, ruling.author, heard, ruling.outcome, ruling.at)


def _passed_on(heard: Heard, dispute: Signed, charter: Charter, trust: Trust) -> Heard:
    """Pass an appeal on to the deputy of who has disputed the signal as well."""
    said = open_restriction(dispute, charter, trust=trust)
    named = (said.effect, said.origin, said.signals)
    if named != (Effect.DISPUTED, heard.origin, [heard.signal]):
        raise UntrustedError(dispute.signer, "no dispute of the signal appealed about")
    if said.author != heard.heard_by:
        raise UntrustedError(dispute.signer, "it does not hear this appeal anyway")
    by = hearer(charter, heard.parties | {said.author})
    return msgspec.structs.replace(heard, heard_by=by)


def signals_of(statement: Signed) -> list[bytes]:
    """Read what a kept restriction or ruling on an appeal names; nothing is checked.

    Raises:
        MalformedError: the payload is none of both.
    """
    if statement.type == APPEAL_RULING:
        appeal = decode(statement.payload, AppealRuling).appeal
        statement = decode(appeal.payload, Appeal).dispute
    return decode(statement.payload, Restriction).signals


def stop_of(ruled: Ruled) -> Restriction:
    """Say what a ruling on an appeal stops, as its author's restriction.

    It has no number: it is none that a member asks for by number.

    Raises:
        UntrustedError: by it the signal stands.
    """
    if ruled.outcome is not AppealOutcome.ENDED:
        raise UntrustedError(ruled.author, "a ruling that stops nothing")
    return Restriction(
        v=1,
        origin=ruled.heard.origin,
        author=ruled.author,
        sequence=UNNUMBERED,
        effect=Effect.REVOKED,
        reason=Reason.APPEAL_GRANTED,
        at=ruled.at,
        signals=[ruled.heard.signal],
    )


def open_stop(
    statement: Signed, charter: Charter, *, trust: Trust = Trust.NOW
) -> Restriction:
    """Open what stops a signal: a restriction, or a ruling on an appeal that ends it.

    Raises:
        UntrustedError: not signed by a member, or without authority.
        MalformedError: the payload is none of both.
    """
    if statement.type == APPEAL_RULING:
        return stop_of(open_appeal_ruling(statement, charter, trust=trust))
    return open_restriction(statement, charter, trust=trust)
