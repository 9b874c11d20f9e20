# SPDX-License-Identifier: Apache-2.0
"""What an appeal and a ruling on it have to carry, and who may rule."""

import msgspec
import pytest
from tests.support.members import FEDERATION, key_of, restriction, signal_id, world

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import Charter, check_charter
from fedsafe_federation.errors import (
    AmendmentError,
    FederationError,
    MalformedError,
    UntrustedError,
)
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.appeals import (
    UNNUMBERED,
    Appeal,
    AppealOutcome,
    AppealRuling,
    open_appeal,
    open_appeal_ruling,
    open_stop,
    sign_appeal,
    sign_appeal_ruling,
    signals_of,
)
from fedsafe_federation.feed.records import (
    RestrictionRecord,
    decode_record,
    encode_record,
)
from fedsafe_federation.feed.restrictions import (
    Reason,
    Restriction,
    Terms,
    open_restriction,
    sign_restriction,
)
from fedsafe_federation.feed.rulings import Outcome, Ruling, sign_ruling
from fedsafe_federation.feed.verification import (
    VerifiedAppeal,
    verify_appeals,
    verify_restrictions,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.vocabulary import Contention, Control, Effect

A, B, C, D = "a.example", "b.example", "c.example", "d.example"
NAMED = msgspec.structs.replace(world().charter, appeal=C)
AT = 1_700_000_000


def disputed(author: str = B, origin: str = A, number: int = 1) -> Signed:
    said = Restriction(
        v=1,
        origin=origin,
        author=author,
        sequence=1,
        effect=Effect.DISPUTED,
        reason=Reason.REQUEST_OF_THE_PERSON,
        at=AT,
        signals=[signal_id(number)],
        terms=Terms(Contention.WRONG_PERSON, Control.MAILED_CODE, AT + 1_000),
    )
    key = key_of(author, "statement")
    return sign_restriction(said, key=key, federation=FEDERATION)


def ruled(dispute: Signed, origin: str = A, number: int = 1, **more: object) -> Signed:
    ruling = Ruling(
        v=1,
        origin=origin,
        signal=signal_id(number),
        disputes=[digest(dispute)],
        outcome=Outcome.RESTORED,
        at=AT + 1,
    )
    ruling = msgspec.structs.replace(ruling, **more)
    key = key_of(origin, "statement")
    return sign_ruling(ruling, key=key, federation=FEDERATION)


def appealed(author: str = B, dispute: Signed | None = None, **more: object) -> Signed:
    dispute = dispute or disputed()
    said = Appeal(v=1, author=author, dispute=dispute, ruling=ruled(dispute), at=AT + 2)
    said = msgspec.structs.replace(said, **more)
    key = key_of(author, "statement")
    return sign_appeal(said, key=key, federation=FEDERATION)


def decided(author: str = C, appeal: Signed | None = None, **more: object) -> Signed:
    said = AppealRuling(
        v=1,
        author=author,
        appeal=appeal or appealed(),
        outcome=AppealOutcome.ENDED,
        at=AT + 3,
    )
    said = msgspec.structs.replace(said, **more)
    key = key_of(author, "statement")
    return sign_appeal_ruling(said, key=key, federation=FEDERATION)


def test_who_the_charter_names_ends_a_signal_of_another() -> None:
    statement = decided()
    stop = open_stop(statement, NAMED)
    (item,), faults = verify_restrictions([statement], NAMED)

    assert (stop.origin, stop.author, stop.effect) == (A, C, Effect.REVOKED)
    assert (stop.sequence, stop.signals) == (UNNUMBERED, [signal_id(1)])
    assert stop.reason is Reason.APPEAL_GRANTED
    assert (item.restriction, faults) == (stop, [])
    assert item.ruled is not None
    assert signals_of(statement) == [signal_id(1)]
    assert signals_of(restriction(A, 1, [signal_id(7)])) == [signal_id(7)]


def test_a_feed_keeps_its_appeals_and_the_rulings_by_which_a_signal_stands() -> None:
    appeal, ended = appealed(), decided()
    stands = decided(outcome=AppealOutcome.STANDS)
    broken = msgspec.structs.replace(appeal, signature=bytes(64))
    heard = VerifiedAppeal(appeal, open_appeal(appeal, NAMED))
    said = VerifiedAppeal(stands, open_appeal_ruling(stands, NAMED))

    assert verify_appeals([disputed(), broken, appeal], B, NAMED) == [heard]
    assert verify_appeals([ended, stands, appeal], C, NAMED) == [said]
    assert verify_appeals([appeal, stands], A, NAMED) == []


def test_a_node_that_does_not_know_it_keeps_the_record_and_nothing_follows() -> None:
    # What the version before does with it: the record is one, the statement acts not.
    for statement in (appealed(), decided()):
        record = decode_record(encode_record(RestrictionRecord(statement)))

        assert record == RestrictionRecord(statement)
        with pytest.raises(UntrustedError):
            open_restriction(statement, NAMED)


def test_that_a_signal_stands_stops_nothing() -> None:
    statement = decided(outcome=AppealOutcome.STANDS)

    assert open_appeal_ruling(statement, NAMED).outcome is AppealOutcome.STANDS
    assert verify_restrictions([statement], NAMED)[0] == []


OF_C = disputed(author=C)
OWN = disputed(author=B, origin=C)
CASES = {
    "not who is named": decided(author=B),
    "the origin": decided(author=A),
    "another's key": msgspec.structs.replace(decided(), signer=B),
    "its own dispute": decided(appeal=appealed(dispute=OF_C)),
    "its own signal": decided(
        appeal=appealed(dispute=OWN, ruling=ruled(OWN, origin=C))
    ),
    "its own appeal": decided(appeal=appealed(author=C)),
    "no dispute": decided(appeal=appealed(dispute=restriction(A, 1, [signal_id(1)]))),
    "no ruling on it": decided(appeal=appealed(ruling=ruled(disputed(number=2)))),
    "a ruling on another signal": decided(
        appeal=appealed(ruling=ruled(disputed(), number=2))
    ),
    "a ruling of another": decided(appeal=appealed(ruling=ruled(disputed(), origin=B))),
    "it was revoked": decided(
        appeal=appealed(ruling=ruled(disputed(), outcome=Outcome.REVOKED))
    ),
    "it lapsed": decided(
        appeal=appealed(ruling=ruled(disputed(), outcome=Outcome.LAPSED))
    ),
    "before the appeal": decided(at=AT),
    "no appeal": decided(appeal=disputed()),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_else_has_authority(name: str) -> None:
    good, faults = verify_restrictions([CASES[name]], NAMED)

    assert (good, len(faults)) == ([], 1)
    with pytest.raises(FederationError):
        open_appeal_ruling(CASES[name], NAMED)


@pytest.mark.parametrize(
    ("appeal", "deputy", "hears"),
    [
        (C, None, C),
        (None, None, None),
        (A, None, None),
        (A, C, C),
        (B, C, C),
        (B, A, None),
    ],
)
def test_the_deputy_hears_where_who_is_named_has_a_part(
    appeal: str | None, deputy: str | None, hears: str | None
) -> None:
    charter = msgspec.structs.replace(
        NAMED, appeal=appeal, deputy=deputy or msgspec.UNSET
    )

    assert open_appeal(appealed(), charter).heard_by == hears


FOUR = msgspec.structs.replace(world(4).charter, appeal=C, deputy=D)


def test_the_deputy_hears_where_who_is_named_has_disputed_the_signal() -> None:
    plain = decided(author=D)
    carrying = decided(author=D, disputed=OF_C)
    for refused in (
        plain,
        decided(author=C, disputed=OF_C),
        decided(author=D, disputed=disputed(author=C, number=2)),
        decided(author=D, disputed=disputed(author=B)),
        decided(author=D, disputed=disputed(author=D)),
        decided(author=C, disputed=disputed(author=B)),
        decided(author=D, disputed=restriction(A, 1, [signal_id(1)])),
        decided(author=D, disputed=msgspec.structs.replace(OF_C, signer=B)),
    ):
        with pytest.raises(FederationError):
            open_appeal_ruling(refused, FOUR)

    assert open_appeal(appealed(), FOUR).heard_by == C
    assert open_appeal_ruling(carrying, FOUR).heard.heard_by == D
    assert b'"disputed":' not in plain.payload
    assert verify_restrictions([carrying], FOUR)[0] != []
    assert verify_restrictions([carrying], NAMED)[0] == []


def test_a_suspended_member_hears_nothing() -> None:
    version = Version(NAMED, bytes(32))
    change = Change(kind=ChangeKind.SUSPEND, member=C)

    assert open_appeal(appealed(), amended(version, change, now=1)).heard_by is None


def test_a_quorum_sets_a_ruling_aside() -> None:
    statement = decided()
    change = Change(kind=ChangeKind.TERMS, set_aside=digest(statement))
    charter = amended(Version(NAMED, bytes(32)), change, now=1)
    check_charter(charter)

    assert verify_restrictions([statement], charter)[0] == []
    assert len(verify_restrictions([decided(at=AT + 9)], charter)[0]) == 1
    with pytest.raises(AmendmentError, match="already"):
        amended(Version(charter, bytes(32)), change, now=1)


def test_a_charter_that_says_nothing_of_both_keeps_its_bytes() -> None:
    said = encode(NAMED)

    assert b"deputy" not in said
    assert b"set_aside" not in said


@pytest.mark.parametrize(
    "changes",
    [
        {"deputy": "z.example"},
        {"deputy": C},
        {"deputy": B, "appeal": None},
        {"set_aside": [bytes([2]) * 32, bytes([1]) * 32]},
        {"set_aside": [bytes(32), bytes(32)]},
    ],
)
def test_a_charter_does_not_contradict_itself(changes: dict[str, object]) -> None:
    charter: Charter = msgspec.structs.replace(NAMED, **changes)

    with pytest.raises(MalformedError):
        check_charter(charter)


def test_who_leaves_hears_nothing_any_more() -> None:
    terms = Change(kind=ChangeKind.TERMS, deputy=B)
    charter = amended(Version(NAMED, bytes(32)), terms, now=1)
    gone = amended(
        Version(charter, bytes(32)),
        Change(kind=ChangeKind.EXPEL, member=B),
        now=1,
    )
    nobody = amended(
        Version(charter, bytes(32)), Change(kind=ChangeKind.TERMS, appeal=""), now=1
    )

    assert charter.stand_in == B
    assert (gone.appeal, gone.stand_in) == (C, None)
    assert (nobody.appeal, nobody.stand_in) == (None, None)
    with pytest.raises(AmendmentError, match="stands in"):
        amended(
            Version(NAMED, bytes(32)), Change(kind=ChangeKind.TERMS, deputy=C), now=1
        )
