# SPDX-License-Identifier: Apache-2.0
"""What members bring of proposals is bounded, and what does not count is left aside."""

import pytest
from msgspec.structs import replace
from tests.support.members import FEDERATION, NAMES, key_of, keys_of, world

from fedsafe_federation.charter.amendment import (
    Version,
    open_first,
    sign_charter,
    sign_refusal,
)
from fedsafe_federation.charter.bundles import bundled, opened, size_of
from fedsafe_federation.charter.charter import CHARTER, Charter, SignedCharter
from fedsafe_federation.charter.key_change import with_new_keys
from fedsafe_federation.wire.signed import Signed, sign_payload
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.members.charter.ballot import Present
from fedsafe_node.members.charter.proposals import (
    MOST_GROWTH,
    MOST_OF_ONE,
    Pending,
    merged,
)


def signature(payload: bytes, name: str) -> Signed:
    key = key_of(name, "statement")
    return sign_charter(payload, signer=name, key=key, federation=FEDERATION)


def founded() -> Version:
    payload = encode(world(4, 3).charter)
    return open_first(SignedCharter([signature(payload, name) for name in NAMES[:4]]))


FOUR = founded()
NOTHING = Pending(FOUR.digest, [])


def proposal(number: int = 0, **changes: object) -> bytes:
    charter: Charter = replace(
        FOUR.charter, version=2, previous=FOUR.digest, created=number, **changes
    )
    return encode(charter)


def test_signatures_gather_and_make_a_version() -> None:
    payload = proposal()
    pending = NOTHING
    for name in ("a.example", "b.example", "b.example", "c.example"):
        assert not pending.proposals or pending.proposals[0].complete(FOUR) is None
        pending = merged(pending, FOUR, [signature(payload, name)], now=7)

    (proposed,) = pending.proposals
    assert (proposed.by, proposed.at) == ("a.example", 7)
    assert proposed.complete(FOUR) is not None
    assert merged(pending, FOUR, pending.statements(), now=9) == pending


def test_a_new_key_may_come_before_the_old_one_has_proposed_it() -> None:
    first, *others = FOUR.charter.members
    members = [with_new_keys(first, keys_of("new"), None), *others]
    payload, key = proposal(members=members), key_of("new", "statement")
    new = sign_charter(payload, signer=first.name, key=key, federation=FEDERATION)

    pending = merged(NOTHING, FOUR, [new, signature(payload, first.name)], now=1)

    (proposed,) = pending.proposals
    assert len(proposed.signatures) == 2
    assert merged(NOTHING, FOUR, [new], now=1) == NOTHING


def test_one_member_proposes_only_so_much_at_once() -> None:
    many = [signature(proposal(n), "a.example") for n in range(MOST_OF_ONE + 3)]
    other = signature(proposal(99), "b.example")

    pending = merged(NOTHING, FOUR, [*many, other], now=1)

    assert [each.by for each in pending.proposals].count("a.example") == MOST_OF_ONE
    assert len(pending.proposals) == MOST_OF_ONE + 1


def test_a_dead_proposal_keeps_nobody_from_proposing() -> None:
    payloads = [proposal(n) for n in range(MOST_OF_ONE + 1)]
    refusals = [
        sign_refusal(
            payloads[0],
            2,
            signer=name,
            key=key_of(name, "statement"),
            federation=FEDERATION,
        )
        for name in NAMES[1:3]
    ]
    *first, last = (signature(each, "a.example") for each in payloads)
    full = merged(NOTHING, FOUR, [*first, last], now=1)
    freed = merged(merged(full, FOUR, refusals, now=1), FOUR, [last], now=1)

    assert len(full.proposals) == MOST_OF_ONE
    assert len(freed.proposals) == MOST_OF_ONE + 1
    assert {each.signer for each in freed.promises(FOUR)} == set(NAMES[1:3])


def test_what_does_not_count_is_left_aside() -> None:
    payload = proposal()
    forged = sign_payload(
        payload,
        type_=CHARTER,
        signer="b.example",
        key=key_of("thief"),
        federation=FEDERATION,
    )
    stranger = signature(payload, "z.example")
    stale = signature(proposal(federation="other#1"), "a.example")
    junk = signature(b"junk", "a.example")
    good = signature(payload, "a.example")

    pending = merged(NOTHING, FOUR, [forged, stranger, stale, junk, good], now=1)
    again = merged(pending, FOUR, [forged, stranger, forged], now=1)

    assert pending == again == merged(NOTHING, FOUR, [good], now=1)


def test_a_refusal_counts_once_and_of_what_is_proposed() -> None:
    payload, key = proposal(), key_of("c.example", "statement")
    refusal = sign_refusal(
        payload, 2, signer="c.example", key=key, federation=FEDERATION
    )

    early = merged(NOTHING, FOUR, [refusal], now=1)
    pending = merged(
        early, FOUR, [refusal, signature(payload, "a.example"), refusal], now=1
    )

    assert early == NOTHING
    assert pending.proposals[0].refusers() == {"c.example"}
    assert len(pending.proposals[0].refusals) == 1


def test_a_proposal_cannot_be_blown_up_until_nothing_else_fits() -> None:
    padded = proposal() + b" " * (MOST_GROWTH + 1)

    assert merged(NOTHING, FOUR, [signature(padded, "a.example")], now=1) == NOTHING


def test_a_version_from_the_future_is_no_proposal() -> None:
    ahead, near = proposal(8 * 86_400), proposal(3_600)
    given = [signature(each, "a.example") for each in (ahead, near)]

    pending = merged(NOTHING, FOUR, given, now=1)

    assert [each.payload for each in pending.proposals] == [near]


def test_versions_that_do_not_fit_are_opened_a_few_times_only() -> None:
    good = signature(proposal(), "a.example")
    forged = [
        replace(signature(proposal(n, federation="other#1"), "a.example"), signer=name)
        for n, name in enumerate([*NAMES[1:4]] * 3)
    ]
    unfit = [
        signature(proposal(n, federation="other#1"), "c.example") for n in range(20)
    ]

    assert merged(NOTHING, FOUR, [*forged, good], now=1).proposals
    assert merged(NOTHING, FOUR, [*unfit, good], now=1) == NOTHING


def test_the_promise_of_who_has_signed_frees_nobody() -> None:
    payload = proposal()
    promises = [
        sign_refusal(
            payload,
            2,
            signer=name,
            key=key_of(name, "statement"),
            federation=FEDERATION,
        )
        for name in NAMES[1:3]
    ]
    mine, theirs = (signature(payload, name) for name in NAMES[:2])

    free = merged(NOTHING, FOUR, [mine, *promises], now=1)
    bound = merged(NOTHING, FOUR, [mine, theirs, *promises], now=1)

    assert free.vote(FOUR, NAMES[0], but=bytes(32)) is None
    assert bound.vote(FOUR, NAMES[0], but=bytes(32)) is not None
    assert merged(bound, FOUR, promises, now=1) == bound


def test_own_votes_go_first_when_not_all_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    statements = [
        signature(proposal(n), name) for n, name in enumerate([*NAMES[:3], "d.example"])
    ]
    pending = merged(NOTHING, FOUR, statements, now=1)
    room = max(size_of(each) for each in bundled(statements))
    monkeypatch.setattr("fedsafe_node.members.charter.ballot.MOST_CARRIED", room)
    carried = Present(FOUR, pending).carried("d.example")

    assert [each.signer for each in opened(carried)] == ["d.example"]
