# SPDX-License-Identifier: Apache-2.0
"""No version of the charter counts short of what its members agreed to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.charter_versions import (
    FOUR,
    OTHER_KEY,
    after,
    founded,
    key,
    replace,
    rotated,
    signature,
    signed,
)
from tests.support.members import (
    FEDERATION,
    NAMES,
    POLICY,
    keys_of,
    member,
    world,
)

from fedsafe_crypto.primitives.identity import sign
from fedsafe_federation.charter.activation import (
    HOLDING,
    holding_payload,
    with_holdings,
)
from fedsafe_federation.charter.amendment import (
    Version,
    is_dead,
    may_sign,
    open_fork,
    open_refusal,
    open_successor,
    sign_refusal,
    tally,
    verify_chain,
    verify_next,
)
from fedsafe_federation.charter.charter import (
    LONGEST_EPOCH,
    OVERLAP,
    Charter,
    Epoch,
    MemberRole,
    MemberState,
    Pin,
    SignedCharter,
    charter_digest,
    open_charter,
)
from fedsafe_federation.charter.diff import differences
from fedsafe_federation.errors import FederationError, MalformedError, UntrustedError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode

NEW = "e.example"


A, B, C, D = FOUR.charter.members
EPOCH = FOUR.charter.epochs[0]


def state_of(version: Version, name: str, state: MemberState) -> Charter:
    members = [
        replace(each, state=state) if each.name == name else each
        for each in version.charter.members
    ]
    return after(version, members=members)


def joined(version: Version, name: str = NEW) -> Charter:
    index = version.charter.next_index
    members = [*version.charter.members, member(index, name)]
    return after(version, members=members, next_index=index + 1)


def without(version: Version, *names: str) -> Charter:
    return after(
        version,
        members=[each for each in version.charter.members if each.name not in names],
    )


def suspend(version: Version, name: str, by: Sequence[str]) -> Version:
    charter = state_of(version, name, MemberState.SUSPENDED)
    return verify_next(version, signed(charter, by))


def test_a_newcomer_joins_with_a_quorum_and_its_own_signature() -> None:
    charter = joined(FOUR)

    version = verify_next(FOUR, signed(charter, [*NAMES[:3], NEW]))

    assert version.charter.member(NEW).index == 5
    assert version.digest == charter_digest(encode(charter))
    assert [each.name for each in version.charter.holders(1)] == list(NAMES[:4])


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([*NAMES[:3]], "e.example: has not signed"),
        ([*NAMES[:2], NEW], "short of its quorum"),
        ([NAMES[0], NAMES[0], NAMES[1], NEW], "twice"),
    ],
)
def test_nobody_joins_short_of_that(names: Sequence[str], why: str) -> None:
    with pytest.raises(UntrustedError, match=why):
        verify_next(FOUR, signed(joined(FOUR), names))


def test_the_quorum_of_the_new_version_is_needed_as_well() -> None:
    more = ("f.example", "g.example", "h.example")
    members = [*FOUR.charter.members, member(5, NEW)]
    members += [member(6 + at, name) for at, name in enumerate(more)]
    charter = after(FOUR, members=members, next_index=9, quorum=8)

    with pytest.raises(UntrustedError, match="short of its quorum"):
        verify_next(FOUR, signed(charter, [*NAMES[:3], NEW, *more]))
    verify_next(FOUR, signed(charter, [*NAMES[:4], NEW, *more]))


def test_a_suspended_member_neither_signs_nor_counts_until_it_is_back() -> None:
    version = suspend(FOUR, "d.example", NAMES[:3])

    assert version.charter.member("d.example").state is MemberState.SUSPENDED
    with pytest.raises(UntrustedError, match="suspended"):
        version.charter.taking_part("d.example")
    assert "d.example" not in {each.name for each in version.charter.holders(1)}
    charter = after(version, created=9)
    with pytest.raises(UntrustedError, match="counts for nothing"):
        verify_next(version, signed(charter, ["a.example", "b.example", "d.example"]))
    back = state_of(version, "d.example", MemberState.ACTIVE)
    with pytest.raises(UntrustedError, match="short of its quorum"):
        verify_next(version, signed(back, ["a.example", "d.example"]))
    again = verify_next(version, signed(back, ["a.example", "b.example", "d.example"]))
    assert again.charter.taking_part("d.example").index == D.index


def test_whoever_has_left_signs_nothing_more() -> None:
    gone = verify_next(FOUR, signed(without(FOUR, "d.example"), NAMES[:3]))
    charter = after(gone, created=9)

    with pytest.raises(UntrustedError, match="counts for nothing"):
        verify_next(gone, signed(charter, ["a.example", "d.example"]))
    assert {each.index for each in gone.charter.epochs[0].pins} == {1, 2, 3, 4}
    assert "d.example" not in {each.name for each in gone.charter.holders(1)}


def test_an_index_is_never_given_again() -> None:
    gone = verify_next(FOUR, signed(without(FOUR, "d.example"), NAMES[:3]))
    reused = after(gone, members=[*gone.charter.members, member(4, NEW)])

    with pytest.raises(MalformedError, match="used again"):
        open_successor(gone, encode(reused))
    assert open_successor(gone, encode(joined(gone))).member(NEW).index == 5


def test_a_key_is_changed_by_the_old_and_the_new_one() -> None:
    charter = rotated(FOUR, "a.example")
    payload = encode(charter)
    others = [signature(payload, name) for name in NAMES[1:4]]
    old, new = (
        signature(payload, "a.example"),
        signature(payload, "a.example", OTHER_KEY),
    )

    for lacking in ([*others, old], [*others, new]):
        with pytest.raises(UntrustedError, match=r"a\.example: has not signed"):
            verify_next(FOUR, SignedCharter(lacking))
    version = verify_next(FOUR, SignedCharter([*others, old, new]))
    assert version.charter.member("a.example").keys.statement == OTHER_KEY.public


def test_an_address_changes_with_its_member_only() -> None:
    moved = replace(D, url="https://elsewhere.example")
    charter = after(FOUR, members=[A, B, C, moved])

    with pytest.raises(UntrustedError, match=r"d\.example: has not signed"):
        verify_next(FOUR, signed(charter, NAMES[:3]))
    verify_next(FOUR, signed(charter, NAMES[1:4]))


def test_a_chain_is_followed_from_the_trusted_version() -> None:
    second = signed(joined(FOUR), [*NAMES[:3], NEW])
    two = verify_next(FOUR, second)
    third = signed(without(two, "d.example"), [*NAMES[:3], NEW])

    assert verify_chain(FOUR, [second, third]) == verify_chain(two, [third])
    for wrong in ([third], [third, second], [second, second]):
        with pytest.raises(MalformedError, match="does not follow"):
            verify_chain(FOUR, wrong)


def test_a_later_version_is_nothing_by_itself() -> None:
    with pytest.raises(MalformedError, match="without the ones before"):
        open_charter(signed(joined(FOUR), [*NAMES[:4], NEW]))


def newer(**changes: Any) -> Charter:  # noqa: ANN401 - a field of any type
    return after(FOUR, epochs=[replace(EPOCH, **changes)])


OTHER_SECRET = world(4, 3, secret=17).charter.epochs[0]
RESHARED = world(4, 3, number=2).charter.epochs[0]
FOR_TWO = world(4, 2, number=2).charter.epochs[0]


@pytest.mark.parametrize(
    ("charter", "why"),
    [
        (after(FOUR, federation="other#1"), "another federation"),
        (after(FOUR, version=3), "does not follow"),
        (after(FOUR, previous=bytes(32)), "does not follow"),
        (after(FOUR, previous=None), "is named in all but one"),
        (
            after(
                verify_next(FOUR, signed(after(FOUR, created=9), NAMES[:3])),
                version=2,
                previous=FOUR.digest,
                created=0,
                members=[B, A, C, D],
            ),
            "out of order",
        ),
        (after(FOUR, members=[A, B, C, replace(D, name=NEW)]), "to another member"),
        (after(FOUR, members=[A, B, C, member(5, "d.example")], next_index=6), "joins"),
        (after(FOUR, next_index=6), "left out"),
        (
            after(FOUR, members=[*FOUR.charter.members, member(6, NEW)], next_index=7),
            "left out",
        ),
        (after(FOUR, members=[member(5, NEW)], next_index=6), "is left"),
        (after(FOUR, quorum=2), "no majority"),
        (after(FOUR, quorum=5), "no majority"),
        (after(FOUR, appeal=NEW), "no member"),
        (after(FOUR, members=[A, B, C, replace(D, roles=())]), "without a role"),
        (
            after(
                FOUR,
                members=[
                    A,
                    B,
                    C,
                    replace(D, roles=(MemberRole.MEDIA, MemberRole.HOLDER)),
                ],
            ),
            "roles are out of order",
        ),
        (newer(ends=EPOCH.ends + 1), "not what it was"),
        (newer(transcript=b"1" * 32), "not what it was"),
        (newer(pins=EPOCH.pins[:3]), "from 2 to 2 of 3"),
        (newer(generation=3), "left out"),
        (newer(starts=EPOCH.starts + 1, generation=2), "another one"),
        (newer(epoch=2, generation=1, public=OTHER_SECRET.public), "no sharing"),
        (after(FOUR, epochs=[replace(OTHER_SECRET, generation=2)]), "another one"),
        (after(FOUR, epochs=[replace(EPOCH, pins=EPOCH.pins[::-1])]), "pins are out"),
        (
            after(
                FOUR, epochs=[replace(EPOCH, pins=[*EPOCH.pins, Pin(7, A.keys.feed)])]
            ),
            "pins are out",
        ),
    ],
)
def test_a_version_that_does_not_follow(charter: Charter, why: str) -> None:
    with pytest.raises(MalformedError, match=why):
        open_successor(FOUR, encode(charter))


BEGIN = EPOCH.starts + 100


def opened(**changes: Any) -> Epoch:  # noqa: ANN401 - a field of any type
    """Make the epoch behind the first one, for which all its holders have signed."""
    standard = {"epoch": 2, "tokens": b"t" * 32, "starts": BEGIN, "ends": BEGIN + 900}
    entry = replace(OTHER_SECRET, **(standard | changes))
    return with_holdings(entry, [held(entry, name) for name in NAMES[:4]])


def held(entry: Epoch, name: str) -> bytes:
    return sign(key(name), HOLDING, FEDERATION, holding_payload(entry))


def test_the_newest_epoch_never_goes_and_none_comes_back() -> None:
    second = opened()
    over = BEGIN + OVERLAP
    begun = after(FOUR, epochs=[EPOCH, second], created=BEGIN)
    two = verify_next(FOUR, signed(begun, NAMES[:3]))
    gone = after(two, epochs=[second], created=over)
    three = verify_next(two, signed(gone, NAMES[:3]))

    for version, epochs, created, why in (
        (two, [EPOCH], over, "newest epoch"),
        (two, [second], over - 1, "before it is over"),
        (three, [EPOCH, second], over, "was over"),
        (two, [second, EPOCH], over, "out of order"),
    ):
        charter = after(version, epochs=epochs, created=created)
        with pytest.raises(MalformedError, match=why):
            open_successor(version, encode(charter))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"epoch": 3}, "left out"),
        ({"generation": 2}, "left out"),
        ({"tokens": None}, "without its own media token key"),
        ({"public": EPOCH.public, "pins": EPOCH.pins}, "the key of the old one"),
        ({"ends": BEGIN + LONGEST_EPOCH + 1}, "within 366 days"),
        ({"starts": BEGIN + 1}, "starts later"),
        ({"holdings": ()}, "one signature for each pin"),
    ],
)
def test_a_new_epoch_that_does_not_follow(changes: dict[str, Any], why: str) -> None:
    entry = opened(**changes)
    if "holdings" in changes:
        entry = replace(entry, **changes)

    with pytest.raises(MalformedError, match=why):
        open_successor(FOUR, encode(after(FOUR, epochs=[EPOCH, entry], created=BEGIN)))


def test_a_new_epoch_counts_for_nothing_without_each_holder() -> None:
    entry = opened()
    forged = with_holdings(
        entry, [held(entry, NAMES[0]), *entry.holdings[1:3], bytes(64)]
    )

    with pytest.raises(UntrustedError, match="has not signed for its share"):
        open_successor(FOUR, encode(after(FOUR, epochs=[EPOCH, forged], created=BEGIN)))


def test_an_epoch_ends_with_the_next_one_and_is_over_an_overlap_later() -> None:
    charter = after(FOUR, epochs=[EPOCH, opened()], created=BEGIN)

    assert (charter.epoch_ends(1), charter.epoch_ends(2)) == (BEGIN, BEGIN + 900)
    assert charter.epoch_over(1) == BEGIN + OVERLAP
    assert charter.epoch_over(3) == 0
    for now, live in (
        (BEGIN - 1 + OVERLAP, [1, 2]),
        (BEGIN + OVERLAP, [2]),
        (BEGIN + 900 + OVERLAP, []),
    ):
        assert [each.epoch for each in charter.live(now)] == live


@pytest.mark.parametrize("epoch", [RESHARED, replace(FOR_TWO, pins=FOR_TWO.pins[:3])])
def test_a_new_generation_may_have_fewer_holders(epoch: Epoch) -> None:
    renewed = replace(epoch, tokens=b"t" * 32)
    payload = holding_payload(renewed)
    holdings = tuple(
        sign(key(name), HOLDING, FEDERATION, payload)
        for name in NAMES[: len(epoch.pins)]
    )
    charter = after(FOUR, epochs=[replace(renewed, holdings=holdings)])
    version = verify_next(FOUR, signed(charter, NAMES[:3]))

    holders = {each.name for each in version.charter.holders(1)}
    assert holders == set(NAMES[: len(epoch.pins)])


def test_two_successors_name_whoever_signed_both() -> None:
    one = signed(without(FOUR, "d.example"), NAMES[:3])
    other = signed(joined(FOUR), [*NAMES[1:4], NEW])

    found = open_fork(FOUR, one, other)
    assert found.signed_both == {"b.example", "c.example"}
    assert found.broke_promise == set()
    with pytest.raises(MalformedError, match="one version"):
        open_fork(FOUR, one, signed(without(FOUR, "d.example"), NAMES[:4]))
    with pytest.raises(UntrustedError):
        open_fork(FOUR, one, signed(joined(FOUR), [*NAMES[2:4], NEW]))


def test_a_proposal_is_dead_once_enough_have_promised_never_to_sign() -> None:
    payload = encode(without(FOUR, "d.example"))
    refusals = [
        sign_refusal(payload, 2, signer=name, key=key(name), federation=FEDERATION)
        for name in ("c.example", "d.example")
    ]
    refusers = [each.signer for each in refusals]

    assert {open_refusal(FOUR, each).charter for each in refusals} == {
        charter_digest(payload)
    }
    charter = decode(payload, Charter)
    assert is_dead(FOUR, charter, refusers)
    assert not is_dead(FOUR, charter, refusers[:1])
    with pytest.raises(MalformedError, match="another version"):
        open_refusal(
            FOUR,
            sign_refusal(
                payload, 3, signer=A.name, key=key(A.name), federation=FEDERATION
            ),
        )
    with pytest.raises(UntrustedError):
        open_refusal(
            FOUR,
            sign_refusal(payload, 2, signer=NEW, key=key(NEW), federation=FEDERATION),
        )


CHANGES: Sequence[Callable[[Version], Charter]] = (
    joined,
    lambda version: without(version, "a.example"),
    lambda version: without(version, "b.example", "c.example"),
    lambda version: rotated(version, "a.example"),
    lambda version: state_of(version, "b.example", MemberState.SUSPENDED),
    lambda version: state_of(version, "d.example", MemberState.ACTIVE),
    lambda version: after(version, policy=replace(POLICY, name="other")),
    lambda version: after(
        version, quorum=sum(m.active for m in version.charter.members)
    ),
)


@dataclass(frozen=True, slots=True)
class Case:
    """A version to follow, a change of it, and signatures of all sorts."""

    version: Version
    charter: Charter
    signatures: Sequence[Signed]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    version = FOUR
    if draw(st.booleans()):
        version = suspend(FOUR, "d.example", NAMES[:3])
    charter = draw(st.sampled_from(CHANGES))(version)
    payload = encode(charter)
    old = encode(version.charter)
    other = encode(replace(charter, created=charter.created + 1))
    pool = [signature(payload, name) for name in NAMES]
    pool += [signature(payload, NAMES[0], OTHER_KEY)]
    pool += [signature(old, name) for name in NAMES[:4]]
    pool += [signature(other, name) for name in NAMES[:4]]
    pool += [signature(payload, "b.example", key("a.example"))]
    pool += [signature(payload, "z.example")]
    pool += [replace(signature(old, name), payload=payload) for name in NAMES[:2]]
    good = draw(st.lists(st.sampled_from(pool[:6]), max_size=6))
    bad = draw(st.lists(st.sampled_from(pool), max_size=2))
    return Case(version, charter, draw(st.permutations(good + bad)))


def counts(case: Case) -> bool:
    """Say by counting, without the code under test, whether the version counts."""
    payload = encode(case.charter)
    right = {
        (name, public): signature(payload, name, by)
        for name, by, public in [
            *((name, key(name), keys_of(name).statement) for name in NAMES),
            (NAMES[0], OTHER_KEY, OTHER_KEY.public),
        ]
    }
    here = [
        who for who, one in right.items() for each in case.signatures if each == one
    ]
    before = {(m.name, m.keys.statement): m for m in case.version.charter.members}
    now = {(m.name, m.keys.statement): m for m in case.charter.members}
    names = {m.name for m in case.version.charter.members}
    useful = {who for who, m in [*before.items(), *now.items()] if m.active}
    return (
        len(here) == len(set(here)) == len(case.signatures) > 0
        and set(here) <= useful
        and sum(m.active for who, m in before.items() if who in here)
        >= case.version.charter.quorum
        and sum(m.active for who, m in now.items() if who in here)
        >= case.charter.quorum
        and all(who in here for who in now if who[0] not in names)
        and all(
            who in here and (who[0], keys_of(who[0]).statement) in here
            for who in now
            if who[0] in names and who not in before
        )
    )


@given(case=cases())
def test_a_version_counts_exactly_when_all_quorums_signed_it(case: Case) -> None:
    try:
        verify_next(case.version, SignedCharter(list(case.signatures)))
    except (FederationError, IndexError):
        valid = False
    else:
        valid = True

    assert valid == counts(case)


def test_the_same_signature_twice_counts_once_on_the_way() -> None:
    charter = joined(FOUR)
    payload = encode(charter)
    one = signature(payload, "a.example")

    found = tally(FOUR, charter, payload, [one, one])

    assert (found.count, found.count_after, found.complete) == (1, 1, False)
    assert found.owing == {NEW}
    assert may_sign(FOUR, charter, NEW)
    assert not may_sign(FOUR, charter, "z.example")


def test_what_a_version_changes_of_witnesses_and_keys_is_said() -> None:
    before = replace(founded().charter, witness_quorum="majority")
    (epoch,) = before.epochs
    weaker = replace(epoch, generation=2, threshold=1, ends=epoch.ends + 86_400)
    after = replace(before, witness_quorum="none", epochs=[weaker])

    witnesses, keys = differences(before, after)

    assert witnesses.en == "witnesses: majority → none"
    assert f"1.2 (1 of {len(epoch.pins)}, " in keys.en
    assert f"1.2 (1 von {len(epoch.pins)}, " in keys.de


def test_roles_are_named_in_the_readers_language() -> None:
    before = founded().charter
    first, *others = before.members
    fewer = replace(first, roles=(MemberRole.HOLDER, MemberRole.MEDIA))

    (roles,) = differences(before, replace(before, members=[fewer, *others]))
    joined, *_ = differences(replace(before, members=others), before)

    assert roles.de == f"{first.name} hat die Rollen Anteil, Medien"
    assert roles.en == f"{first.name} has holder, media"
    assert joined.de.endswith("Anteil, Liste, Medien)")
    assert joined.en.endswith("holder, lister, media)")
