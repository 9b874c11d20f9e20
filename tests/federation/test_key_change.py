# SPDX-License-Identifier: Apache-2.0
"""New keys take over, and what the old ones signed counts as far as it may."""

from collections.abc import Callable

import msgspec
import pytest
from tests.federation.conftest import (
    FEDERATION,
    NAMES,
    key_of,
    keys_of,
    signal_id,
)
from tests.federation.test_amendment import (
    FOUR,
    OTHER_KEY,
    after,
    rotated,
    signature,
)

from fedsafe_crypto.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_federation.amendment import Version, open_successor, verify_next
from fedsafe_federation.card import Card
from fedsafe_federation.changing import Change, ChangeKind, amended, differences
from fedsafe_federation.charter import Charter, Member, SignedCharter, charter_digest
from fedsafe_federation.errors import (
    AmendmentError,
    EquivocationError,
    FeedError,
    MalformedError,
    UnknownLogError,
    UntrustedError,
)
from fedsafe_federation.forks import culprit, open_fork, transferable
from fedsafe_federation.former import Trust, former_of
from fedsafe_federation.restrictions import (
    Reason,
    Restriction,
    open_restriction,
    sign_restriction,
)
from fedsafe_federation.signed import Signed
from fedsafe_federation.verification import open_checkpoint, verify_restrictions
from fedsafe_federation.wireformat import encode
from fedsafe_policies.vocabulary import Effect

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


def test_what_a_sound_key_signed_counts_from_any_courier() -> None:
    old, new = restriction(1_500), restriction(1_500, "rotated")

    for statement in (old, new):
        assert open_restriction(statement, late()).sequence == 1
    with pytest.raises(UntrustedError, match="bad signature"):
        open_restriction(restriction(1_500, "z"), late())


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
    assert said.en.startswith(f"{A} has new keys: ")
    assert "since 1970-01-01T00:16+00:00 nothing counts" in robbed.en
    assert "seit 1970-01-01T00:16+00:00 gilt nichts" in robbed.de
    with pytest.raises(AmendmentError, match="card"):
        amended(FOUR, change, now=2_000)
    with pytest.raises(AmendmentError, match="before now"):
        amended(FOUR, replace(change, stolen=2_001), now=2_000, card=card)
