# SPDX-License-Identifier: Apache-2.0
"""New keys take over, and what the old ones signed counts as far as it may."""

from collections.abc import Callable

import msgspec
import pytest
from tests.support.charter_versions import FOUR, OTHER_KEY, after, rotated, signature
from tests.support.members import (
    FEDERATION,
    NAMES,
    NOW,
    key_of,
    keys_of,
    make_log,
    served,
    signal_id,
)

from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.tree import Frontier
from fedsafe_federation.charter.amendment import Version, open_successor, verify_next
from fedsafe_federation.charter.card import Card
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import (
    Charter,
    Member,
    SignedCharter,
    charter_digest,
)
from fedsafe_federation.charter.diff import differences
from fedsafe_federation.charter.former_keys import FormerKeys, Trust, former_of
from fedsafe_federation.errors import (
    AmendmentError,
    EquivocationError,
    FeedError,
    MalformedError,
    UnknownLogError,
    UntrustedError,
)
from fedsafe_federation.feed.forks import culprit, open_fork, transferable
from fedsafe_federation.feed.receipts import Receipt, open_receipt, sign_receipt
from fedsafe_federation.feed.records import RulingRecord, encode_record
from fedsafe_federation.feed.restrictions import (
    Reason,
    Restriction,
    open_restriction,
    sign_restriction,
)
from fedsafe_federation.feed.rulings import Outcome, Ruling, open_ruling, sign_ruling
from fedsafe_federation.feed.verification import (
    Known,
    open_checkpoint,
    verify_batch,
    verify_restrictions,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.vocabulary import Effect, ErasureMethod

replace = msgspec.structs.replace
A = NAMES[0]
STOLEN = 1_000
LATER = replace(FOUR.charter, created=2_000)


def late(stolen: int | None = None) -> Charter:
    return replace(rotated(FOUR, A, stolen), created=2_000)


def restriction(at: int, by: str = A) -> Signed:
    said = Restriction(1, A, A, 1, Effect.REVOKED, Reason.MISTAKE, at, [signal_id(1)])
    return sign_restriction(said, key=key_of(by, "statement"), federation=FEDERATION)


def note(by: str, size: int = 1, root: bytes = bytes(32)) -> str:
    tree = Checkpoint(f"{A}/feed", size, root)
    return sign_checkpoint(tree, key_of(by, "feed")).decode()


def test_the_charter_keeps_the_keys_that_were_given_up() -> None:
    (kept,) = late().member(A).former_keys

    assert kept.signing() == keys_of(A).signing()
    assert kept.stolen is None
    assert all(b"former" not in encode(each) for each in FOUR.charter.members)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda m: replace(m, former=msgspec.UNSET), "left out"),
        (
            lambda m: replace(
                m, former=(replace(m.former[0], audit=key_of("z").public),)
            ),
            "former key is another one",
        ),
        (
            lambda m: replace(m, former=(replace(m.former[0], stolen=2_001),)),
            "will be stolen",
        ),
        (
            lambda m: replace(m, keys=replace(m.keys, feed=keys_of(A).feed)),
            "used twice",
        ),
        (
            lambda m: replace(m, keys=replace(m.keys, sealing=keys_of(A).sealing)),
            "keeps some",
        ),
    ],
)
def test_no_former_key_is_left_out_changed_or_used_again(
    spoil: Callable[[Member], Member], why: str
) -> None:
    charter = late()
    members = [spoil(e) if e.name == A else e for e in charter.members]

    with pytest.raises(MalformedError, match=why):
        open_successor(FOUR, encode(replace(charter, members=members)))


def test_former_keys_stay_as_they_were() -> None:
    version = Version(late(), charter_digest(encode(late())))
    forgotten = [replace(e, former=msgspec.UNSET) for e in version.charter.members]
    named = [
        replace(e, former=(former_of(keys_of("z"), None),)) if e.name != A else e
        for e in version.charter.members
    ]

    for members in (forgotten, named):
        with pytest.raises(MalformedError, match=r"not what they were|used twice"):
            open_successor(version, encode(after(version, members=members)))


def test_of_stolen_keys_the_others_decide_without_them() -> None:
    payload = encode(late(STOLEN))
    old, new = signature(payload, A), signature(payload, A, OTHER_KEY)
    others = [signature(payload, name) for name in NAMES[1:4]]

    for lacking in ([*others], [*others[:2], old, new], [*others[:2], new]):
        with pytest.raises(UntrustedError):
            verify_next(FOUR, SignedCharter(lacking))
    version = verify_next(FOUR, SignedCharter([*others, new]))
    assert version.charter.member(A).former_keys[0].stolen == STOLEN


@pytest.mark.parametrize("at", [1, 1_500, 2_500])
def test_what_a_former_key_signed_counts_where_its_owner_vouches_for_it(
    at: int,
) -> None:
    charter, old, new = late(), restriction(at), restriction(at, "rotated")

    assert open_restriction(new, charter).sequence == 1
    with pytest.raises(UntrustedError, match="does not count any more"):
        open_restriction(
            old, charter
        )  # whoever found a copy of the key writes any time
    for feed, count in ((A, 1), (NAMES[1], 0), ("", 0)):
        assert len(verify_restrictions([old], charter, feed=feed)[0]) == count
    with pytest.raises(UntrustedError, match="bad signature"):
        open_restriction(restriction(at, "z"), charter)


def test_a_former_key_says_nothing_that_no_feed_holds() -> None:
    at = int(NOW.timestamp())
    said = Receipt(1, A, NAMES[1], 4, at, ErasureMethod.OVERWRITTEN, at)
    ruled = Ruling(1, A, signal_id(1), [bytes(32)], Outcome.RESTORED, 1_500)
    old, new = key_of(A, "statement"), OTHER_KEY
    receipts = [sign_receipt(said, key=e, federation=FEDERATION) for e in (old, new)]
    rulings = [sign_ruling(ruled, key=e, federation=FEDERATION) for e in (old, new)]

    with pytest.raises(UntrustedError):
        open_receipt(receipts[0], me=NAMES[1], charter=late(), now=NOW)
    assert open_receipt(receipts[1], me=NAMES[1], charter=late(), now=NOW) == said
    with pytest.raises(UntrustedError):
        open_ruling(rulings[0], late())
    assert open_ruling(rulings[0], late(), trust=Trust.VOUCHED) == ruled
    assert open_ruling(rulings[1], late()) == ruled


def test_a_feed_vouches_for_the_rulings_in_it_of_its_own_member_alone() -> None:
    old = Ruling(1, A, signal_id(1), [bytes(32)], Outcome.RESTORED, 1_500)
    own = sign_ruling(old, key=key_of(A, "statement"), federation=FEDERATION)
    forged = sign_ruling(old, key=key_of("z"), federation=FEDERATION)
    theirs = sign_ruling(
        replace(old, origin=NAMES[1]),
        key=key_of(NAMES[1], "statement"),
        federation=FEDERATION,
    )
    log = make_log(1, 0)
    log.records += [encode_record(RulingRecord(e)) for e in (forged, own, theirs)]
    known = Known(Frontier())
    batch = served(log, known)
    held = verify_batch(batch, late().member(A), known, late(), trust=Trust.SOUND)

    assert [(each.statement, each.ruling) for each in held.rulings] == [(own, old)]
    assert len(held.records) == 4


def test_a_carried_copy_that_a_thief_has_gone_on_with_is_refused() -> None:
    log = make_log(2, 1)
    log.openings.clear()
    batch = served(log, Known(Frontier()))

    with pytest.raises(FeedError):
        verify_batch(batch, late().member(A), Known(Frontier()), late(), carried=True)
    held = verify_batch(
        batch, late().member(A), Known(Frontier()), late(), trust=Trust.SOUND
    )
    assert len(held.restrictions) == 1


LATE = Version(late(), charter_digest(encode(late())))


def called(stolen: int | None, *, after: Version = LATE, number: int = 1) -> Charter:
    kind = ChangeKind.SOUND if stolen is None else ChangeKind.STOLEN
    change = Change(kind=kind, member=A, stolen=stolen, former=number)
    return amended(after, change, now=3_000)


def agreed(charter: Charter, before: Version = LATE) -> Version:
    payload = encode(charter)
    own = signature(payload, A, OTHER_KEY)
    others = [signature(payload, name) for name in NAMES[1:3]]
    return verify_next(before, SignedCharter([own, *others]))


def test_a_quorum_calls_keys_stolen_that_were_given_up_long_ago() -> None:
    payload = encode(called(STOLEN))
    version = agreed(called(STOLEN))
    member, older, newer = (
        version.charter.member(A),
        restriction(999),
        restriction(1_000),
    )

    with pytest.raises(UntrustedError, match="quorum"):
        verify_next(LATE, SignedCharter([signature(payload, e) for e in NAMES[1:3]]))
    assert member.keys == keys_of("rotated")
    assert member.former_keys[0].stolen == STOLEN
    assert len(verify_restrictions([older, newer], version.charter, feed=A)[0]) == 1
    with pytest.raises(FeedError):
        open_checkpoint(member, note(A), trust=Trust.SOUND)
    assert open_checkpoint(member, note("rotated")).size == 1
    shown = EquivocationError(A, "fork", (note(A), note(A, root=bytes([1]) * 32)))
    evidence = transferable(late().member(A), shown)
    assert evidence is not None
    assert culprit(open_fork(evidence), late()).name == A
    with pytest.raises(UnknownLogError):
        culprit(open_fork(evidence), version.charter)


def test_a_quorum_takes_back_that_keys_were_stolen() -> None:
    stolen = agreed(called(STOLEN))
    back = called(None, after=stolen)
    version = agreed(back, stolen)
    (said,) = differences(stolen.charter, back)

    assert version.charter.member(A) == LATE.charter.member(A)
    assert len(verify_restrictions([restriction(1_000)], back, feed=A)[0]) == 1
    assert "stolen no more" in said.en
    assert "nicht gestohlen" in said.de
    (said,) = differences(LATE.charter, stolen.charter)
    assert "since 1970-01-01 00:16:40 UTC nothing counts" in said.en
    assert "seit 1970-01-01 00:16:40 UTC" in said.de


@pytest.mark.parametrize(
    ("stolen", "number", "why"),
    [(3_001, 1, "before now"), (STOLEN, 2, "1 times"), (None, 1, "already")],
)
def test_keys_are_called_stolen_only_that_were_there_and_in_the_past(
    stolen: int | None, number: int, why: str
) -> None:
    with pytest.raises(AmendmentError, match=why):
        called(stolen, number=number)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda former: replace(former, stolen=3_001), "will be stolen"),
        (lambda former: replace(former, audit=key_of("z").public), "not what they"),
    ],
)
def test_a_version_calls_former_keys_nothing_but_stolen_before_it(
    spoil: Callable[[FormerKeys], FormerKeys], why: str
) -> None:
    charter = called(STOLEN)
    spoiled = [
        replace(e, former=(spoil(e.former_keys[0]),)) if e.name == A else e
        for e in charter.members
    ]

    with pytest.raises(MalformedError, match=why):
        open_successor(LATE, encode(replace(charter, members=spoiled)))


def test_what_a_stolen_key_signed_counts_only_if_older_and_vouched_for() -> None:
    charter, older, newer = late(STOLEN), restriction(999), restriction(1_000)

    for statement in (older, newer):  # a thief writes what time it likes
        with pytest.raises(UntrustedError, match="does not count any more"):
            open_restriction(statement, charter)
    assert open_restriction(older, charter, trust=Trust.VOUCHED).at == 999
    with pytest.raises(UntrustedError, match="does not count any more"):
        open_restriction(newer, charter, trust=Trust.VOUCHED)
    assert len(verify_restrictions([older, newer], charter, feed=A)[0]) == 1
    assert verify_restrictions([older], charter, feed=NAMES[1])[0] == []
    assert open_restriction(newer, charter, trust=Trust.KEPT).at == 1_000


@pytest.mark.parametrize("stolen", [None, STOLEN])
def test_a_checkpoint_counts_under_the_present_key(stolen: int | None) -> None:
    member = late(stolen).member(A)

    assert open_checkpoint(member, note("rotated")).size == 1
    with pytest.raises(FeedError):
        open_checkpoint(member, note(A))
    assert open_checkpoint(member, note(A), trust=Trust.KEPT).size == 1
    if stolen is None:
        assert open_checkpoint(member, note(A), trust=Trust.SOUND).size == 1
    else:
        with pytest.raises(FeedError):
            open_checkpoint(member, note(A), trust=Trust.SOUND)


def test_a_fork_across_new_keys_convicts_and_one_of_a_stolen_key_does_not() -> None:
    notes = note(A), note("rotated", root=bytes([1]) * 32)
    shown = EquivocationError(A, "fork", notes)
    evidence = transferable(late().member(A), shown)

    assert evidence is not None
    fork = open_fork(evidence)
    assert culprit(fork, late()).name == A
    with pytest.raises(UnknownLogError):
        culprit(fork, late(STOLEN))
    assert transferable(late(STOLEN).member(A), shown) is None


def test_a_change_of_keys_is_made_and_said_with_their_fingerprint() -> None:
    card = Card(1, A, f"https://{A}", "DE", keys_of("rotated"), {"email/1": bytes(32)})
    change = Change(kind=ChangeKind.KEYS, member=A)
    plain = amended(FOUR, change, now=2_000, card=card)
    stolen = amended(FOUR, replace(change, stolen=STOLEN), now=2_000, card=card)
    (said,), (robbed,) = (differences(FOUR.charter, e) for e in (plain, stolen))

    assert open_successor(FOUR, encode(plain)).member(A).keys == keys_of("rotated")
    assert said.en.startswith(f"{A} has new keys: fingerprint ")
    assert "since 1970-01-01 00:16:40 UTC nothing counts" in robbed.en
    assert "seit 1970-01-01 00:16:40 UTC gilt nichts" in robbed.de
    with pytest.raises(AmendmentError, match="card"):
        amended(FOUR, change, now=2_000)
    with pytest.raises(AmendmentError, match="before now"):
        amended(FOUR, replace(change, stolen=2_001), now=2_000, card=card)
