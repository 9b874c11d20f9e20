# SPDX-License-Identifier: Apache-2.0
"""Dispatches: to whom a case may go, what follows an attempt, what a case is by them.

A dispatch is one revision of a case on its way to one partner, under one key for all
attempts. Each channel is tried a few times, then the next; behind the last, people
take the ways by hand. Pure: clock and chance are handed in.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from fedsafe_policies.escalation.partners import Standing
from fedsafe_policies.escalation.states import ANSWERED, CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Role

SENDERS: Final = frozenset({Role.ESCALATION_OFFICER})
"""Who sends packages, and notes what came of the ways by hand."""

SWITCHERS: Final = frozenset({Role.OPERATOR, Role.ESCALATION_OFFICER})
"""Who stops all sending, and lets it go on."""

MOST_TRIES: Final = 5
"""How often one channel is tried before the next."""

_LONGEST_PAUSE: Final = 3_600
_FIRST_PAUSE: Final = 60
_FIRST_PAUSE_IN_DANGER: Final = 10
_IN_DANGER: Final = frozenset({Urgency.U0, Urgency.U1})


@unique
class DispatchState(StrEnum):
    """Where a dispatch is; `delivered` is what a transport or a person says."""

    QUEUED = "queued"
    BY_HAND = "by_hand"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    STOPPED = "stopped"


UNDER_WAY: Final = frozenset({DispatchState.QUEUED, DispatchState.BY_HAND})
ARRIVED: Final = frozenset({DispatchState.DELIVERED, DispatchState.ACKNOWLEDGED})


@unique
class Outcome(StrEnum):
    """What came of an attempt; `in_doubt` may have arrived.

    `bounced` is that a mail server says it brought it nowhere, or whoever had the token
    says so: no attempt of its own, but what became of one that was delivered.
    """

    __schema_name__ = "DispatchOutcome"

    DELIVERED = "delivered"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNTRUSTED = "untrusted"
    MISCONFIGURED = "misconfigured"
    PARTNER_CHANGED = "partner_changed"
    IN_DOUBT = "in_doubt"
    BOUNCED = "bounced"


MAY_HAVE_ARRIVED: Final = frozenset({Outcome.DELIVERED, Outcome.IN_DOUBT})


@unique
class PartnerFault(StrEnum):
    """Why a case does not go to a partner."""

    UNVERIFIED = "partner_unverified"
    EXPIRED = "partner_expired"
    TEST_CONTACT = "test_contact"
    PRODUCTION_CONTACT = "production_contact"
    NOT_APPROVED = "not_approved"


FAULTS: Final[Mapping[PartnerFault, Text]] = MappingProxyType(
    {
        PartnerFault.UNVERIFIED: Phrase(
            "nobody else has verified this partner yet, or not with the host key of "
            "its SFTP server: `fedsafe partner verify`"
        ).both(),
        PartnerFault.EXPIRED: Phrase(
            "this partner's verification has expired: call there, compare the key, "
            "and say where that is noted (--called)"
        ).both(),
        PartnerFault.TEST_CONTACT: Phrase(
            "a real case never goes to a contact for tests"
        ).both(),
        PartnerFault.PRODUCTION_CONTACT: Phrase(
            "a test never goes to a production contact"
        ).both(),
        PartnerFault.NOT_APPROVED: Phrase(
            "the case is not approved for this class of partner"
        ).both(),
    }
)


@unique
class RecallReason(StrEnum):
    """Why a case is recalled; these codes travel to whoever got it."""

    WRONG_FACTS = "wrong_facts"
    WRONG_PARTNER = "wrong_partner"
    CONSENT_REVOKED = "consent_revoked"
    SIGNAL_REVOKED = "signal_revoked"
    SENT_IN_ERROR = "sent_in_error"


RECALL_REASONS: Final[Mapping[RecallReason, Text]] = MappingProxyType(
    {
        RecallReason.WRONG_FACTS: Phrase("it holds wrong facts").both(),
        RecallReason.WRONG_PARTNER: Phrase("it was not meant for you").both(),
        RecallReason.CONSENT_REVOKED: Phrase("a consent was revoked").both(),
        RecallReason.SIGNAL_REVOKED: Phrase(
            "a signal that it rests on was revoked"
        ).both(),
        RecallReason.SENT_IN_ERROR: Phrase("it was sent in error").both(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """What is known of a partner when a case is to go there."""

    standing: Standing
    is_test: bool
    is_approved: bool


def fault_of(
    receiver: Receiver, *, test_case: bool, called: bool
) -> PartnerFault | None:
    """Say why a case may not go to a partner.

    Of a verification that has expired a call is asked, noted by whoever sends.
    """
    if receiver.is_test and not test_case:
        return PartnerFault.TEST_CONTACT
    if test_case and not receiver.is_test:
        return PartnerFault.PRODUCTION_CONTACT
    if not receiver.is_approved:
        return PartnerFault.NOT_APPROVED
    if receiver.standing is Standing.UNVERIFIED:
        return PartnerFault.UNVERIFIED
    if receiver.standing is Standing.EXPIRED and not called:
        return PartnerFault.EXPIRED
    return None


def dispatch_key(case: str, revision: int, partner: str) -> str:
    """Return the one key of all attempts to bring a revision to a partner."""
    parts = ("fedsafe/dispatch/v1", case, str(revision), partner)
    return sha256("\n".join(parts).encode()).hexdigest()


def correction_key(dispatch: str) -> str:
    """Return the one key of the correction of a dispatch."""
    return sha256(f"fedsafe/correction/v1\n{dispatch}".encode()).hexdigest()


def pause(tries: int, urgency: Urgency, chance: float) -> int:
    """Return how many seconds pass after so many tries of a channel.

    Twice as long each time, and shortened by up to half by *chance* (0 to 1), so that
    what failed together is not tried together.
    """
    first = _FIRST_PAUSE_IN_DANGER if urgency in _IN_DANGER else _FIRST_PAUSE
    longest = min(first << min(tries - 1, 20), _LONGEST_PAUSE)
    return max(1, round(longest * (1 - chance / 2)))


@dataclass(frozen=True, slots=True)
class Place:
    """Which channel is tried next, and how often it was tried already."""

    channel: int
    tries: int


def after_failure(place: Place, *, retry: bool) -> Place:
    """Return what is tried after an attempt has failed at a place."""
    if retry and place.tries < MOST_TRIES:
        return place
    return Place(place.channel + 1, 0)


def case_steps(
    state: CaseState, states: Collection[DispatchState], *, fell_back: bool
) -> tuple[CaseState, ...]:
    """Name the states a case goes through by what has become of its dispatches.

    It is delivered, and acknowledged, when all of them are, and neither any more once
    one goes out anew, or to one more partner. `fell_back` says that of one every
    channel has failed.
    """
    wanted = _wanted(states, fell_back=fell_back)
    return _WAYS.get((state, wanted), ())


def _wanted(states: Iterable[DispatchState], *, fell_back: bool) -> CaseState:
    live = {each for each in states if each is not DispatchState.STOPPED}
    if fell_back:
        return CaseState.FALLBACK
    if live == {DispatchState.ACKNOWLEDGED}:
        return CaseState.ACKNOWLEDGED
    return CaseState.DELIVERED if live and live <= ARRIVED else CaseState.DISPATCHING


_S = CaseState
_WAYS: Final[Mapping[tuple[CaseState, CaseState], tuple[CaseState, ...]]] = (
    MappingProxyType(
        {
            (_S.DISPATCHING, _S.DELIVERED): (_S.DELIVERED,),
            (_S.DISPATCHING, _S.ACKNOWLEDGED): (_S.DELIVERED, _S.ACKNOWLEDGED),
            (_S.DISPATCHING, _S.FALLBACK): (_S.FAILED, _S.FALLBACK),
            (_S.DELIVERED, _S.ACKNOWLEDGED): (_S.ACKNOWLEDGED,),
            (_S.DELIVERED, _S.DISPATCHING): (_S.DISPATCHING,),
            (_S.DELIVERED, _S.FALLBACK): (_S.FAILED, _S.FALLBACK),
            **{(each, _S.DISPATCHING): (_S.DISPATCHING,) for each in ANSWERED},
            **{(each, _S.FALLBACK): (_S.FAILED, _S.FALLBACK) for each in ANSWERED},
            (_S.FALLBACK, _S.DELIVERED): (_S.DELIVERED,),
            (_S.FALLBACK, _S.ACKNOWLEDGED): (_S.DELIVERED, _S.ACKNOWLEDGED),
            (_S.FALLBACK, _S.DISPATCHING): (_S.DISPATCHING,),
        }
    )
)
