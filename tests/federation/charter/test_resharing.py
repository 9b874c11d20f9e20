# SPDX-License-Identifier: Apache-2.0
"""The key stays whoever joins, leaves, cheats or vanishes; nothing else gets in."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.ceremonies import MemoryStates, signed
from tests.support.members import FEDERATION, NAMES, world
from tests.support.renewals import (
    AFTER,
    BEFORE,
    CREATED,
    DEADLINE,
    Federation,
    Renewing,
    Tamper,
    false_complaint,
    founded,
    proposed,
    renewing,
    signed_by_all,
    terms_of,
)

from fedsafe_crypto.dkg.messages import Deal, read, write
from fedsafe_crypto.oprf.shares import recover
from fedsafe_federation.charter.activation import (
    HOLDING,
    check_media_keys,
    holding_payload,
)
from fedsafe_federation.charter.amendment import Version, open_successor, verify_next
from fedsafe_federation.charter.charter import (
    Charter,
    Epoch,
    MemberRole,
    MemberState,
    Pin,
    SignedCharter,
    charter_digest,
)
from fedsafe_federation.charter.renewal import Kept
from fedsafe_federation.charter.resharing import (
    ResharingProposal,
    open_resharing,
    repeated,
)
from fedsafe_federation.errors import (
    AmendmentError,
    FederationError,
    MalformedError,
    ResharingError,
    UntrustedError,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode

A, B, C, D, E = NAMES
ANNOUNCE, DEAL, VERDICT = (
    "resharing.announce",
    "resharing.deal",
    "resharing.verdict",
)
ROUNDS = (ANNOUNCE, DEAL, VERDICT, HOLDING)


@lru_cache
def five() -> Federation:
    return founded().joined(D, E)


@lru_cache
def grown() -> Renewing:
    """Give the attempt that made three holders five, with t = 3."""
    return renewing(five(), 3).finish()


@lru_cache
def shrunk() -> Federation:
    return renewing(grown().agreed().left(B), 3).finish().agreed()


def test_three_become_five_and_four_and_every_output_stays() -> None:
    want = founded().output([A, B])
    for federation in (grown().agreed(), shrunk()):
        for holders in combinations(federation.held, 3):
            assert federation.output(holders) == want
    assert sorted(grown().agreed().held) == [*NAMES]
    assert sorted(shrunk().held) == [A, C, D, E]


def test_the_version_has_the_same_key_and_the_next_generation() -> None:
    old = five().version.charter.epochs[0]
    after = grown().agreed().version.charter
    [entry] = after.epochs

    assert (entry.public, entry.tokens) == (old.public, old.tokens)
    assert (entry.starts, entry.ends) == (old.starts, old.ends)
    assert (entry.generation, entry.threshold) == (2, 3)
    assert [pin.index for pin in entry.pins] == [1, 2, 3, 4, 5]
    assert len(entry.holdings) == 5
    assert after.version == five().version.charter.version + 1


def test_a_leavers_share_and_too_few_new_ones_make_no_key() -> None:
    key = recover({m: founded().held[NAMES[m - 1]].share.secret for m in (1, 2)})
    left = grown().agreed().held[B].share
    for new in combinations(shrunk().held, 2):
        shares = [shrunk().held[name].share for name in new]
        mixed = {each.index: each.secret for each in [*shares, left]}
        assert recover(mixed) != key


def test_whoever_gives_up_the_role_deals_and_receives_nothing() -> None:
    members = [
        msgspec.structs.replace(each, roles=(MemberRole.LISTER,))
        if each.name == C
        else each
        for each in founded().version.charter.members
    ]
    here = renewing(founded().changed(members=members), 2).finish()
    after = here.agreed()

    assert (C, DEAL) in {(each.signer, each.type) for each in here.said}
    assert here.renewed[C].keys is None
    assert sorted(after.held) == [A, B]
    assert after.output([A, B]) == founded().output([A, B])


def test_a_suspended_holder_is_in_no_resharing() -> None:
    members = [
        msgspec.structs.replace(each, state=MemberState.SUSPENDED)
        if each.name == C
        else each
        for each in founded().version.charter.members
    ]
    federation = founded().changed(members=members, quorum=2)
    here = renewing(federation, 2).finish()

    assert sorted(here.states) == [A, B]
    assert sorted(here.agreed().held) == [A, B]


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_order_with_crashes_between_steps_ends_alike(data: st.DataObject) -> None:
    here = renewing(founded().joined(D), 2)
    names = list(here.states)
    for name in data.draw(st.lists(st.sampled_from(names), max_size=14)):
        lost = data.draw(st.sets(st.sampled_from(range(12)), max_size=4))
        heard = [each for at, each in enumerate(here.said) if at not in lost]
        heard = data.draw(st.permutations(heard + heard[:2]))
        step = here.step(name, heard)
        here.said += [each for each in step.owed if each not in here.said]
    after = here.finish().agreed()

    assert after.output([C, D]) == founded().output([A, B])


def test_a_resumed_participant_says_the_same() -> None:
    here = renewing(founded().joined(D), 3)
    spoken: dict[tuple[str, str], bytes] = {}
    for _ in range(7):
        for name in here.states:
            for _ in range(2):
                for message in here.step(name).owed:
                    key = (message.signer, message.type)
                    assert spoken.setdefault(key, message.payload) == message.payload
            here.take(name)

    assert {type_ for _, type_ in spoken} == set(ROUNDS)
    here.agreed()


def test_the_keys_are_kept_before_the_holding_leaves() -> None:
    here = renewing(founded(), 2)
    for _ in range(7):
        for name in here.states:
            here.take(name)
            holdings = [m for m in here.said if (m.signer, m.type) == (name, HOLDING)]
            assert bool(holdings) == (here.side(name).kept() is not None)
    entry = here.agreed().version.charter.epochs[0]

    for name in here.states:
        kept = here.side(name).kept()
        assert kept is not None
        assert kept.fits(entry)
        assert not kept.fits(founded().version.charter.epochs[0])
        assert kept == here.renewed[name].keys


def silent(who: str, type_: str) -> Tamper:
    def tamper(message: Signed, to: str) -> Signed | None:
        del to
        return None if (message.signer, message.type) == (who, type_) else message

    return tamper


def next_attempt(here: Renewing, gone: frozenset[str], convenor: str = A) -> Renewing:
    terms = open_resharing(here.federation.version, here.proposal)
    proposal = repeated(terms, gone, created=AFTER, deadline=AFTER + 3600)
    return Renewing(
        here.federation,
        proposed(proposal, convenor),
        gone=gone,
        now=AFTER + 60,
        said=list(here.said),
    )


@pytest.mark.parametrize("type_", ROUNDS)
def test_whoever_vanishes_costs_one_attempt(type_: str) -> None:
    here = renewing(founded().joined(D), 2)
    here.tamper = silent(C, type_)
    here.finish()
    others = (A, B, D)

    assert not set(others) & {*here.renewed, *here.failed}
    assert {here.side(name).gone(here.heard(name), now=BEFORE) for name in others} == {
        frozenset()
    }
    here.now = AFTER
    here.finish()
    for name in others:
        assert here.failed[name].guilty == {C}
        assert here.side(name).gone(here.heard(name), now=AFTER) == {C}
    after = next_attempt(here, frozenset({C})).finish().agreed()
    assert sorted(after.held) == [A, B, D]
    assert after.output([B, D]) == founded().output([A, B])


def test_the_next_attempt_is_the_run_without_the_gone() -> None:
    here = renewing(five(), 2)
    again = next_attempt(here, frozenset({B, E}))
    run = open_resharing(here.federation.version, again.proposal).run
    before = open_resharing(here.federation.version, here.proposal).run

    assert run == before.without({2, 5}, attempt=run.attempt)


def test_nobody_leaves_out_a_member_that_it_did_not_find_gone() -> None:
    here = renewing(founded().joined(D), 2)
    again = next_attempt(here, frozenset({C}))
    again.gone = ()

    with pytest.raises(ResharingError, match=r"leaves out c\.example"):
        again.step(A)


def test_too_few_that_are_left_repeat_nothing() -> None:
    here = renewing(founded(), 2)
    terms = open_resharing(here.federation.version, here.proposal)

    for gone in ({A, B}, {E}, set[str]()):
        with pytest.raises(ResharingError):
            repeated(terms, gone, created=AFTER, deadline=AFTER + 9)


def cheated(message: Signed, here: Renewing) -> Signed:
    """Deal what fits no commitment."""
    run = open_resharing(here.federation.version, here.proposal).run
    deal = read(Deal, message.payload, run, NAMES.index(message.signer) + 1)
    assert isinstance(deal, Deal)
    swapped = replace(deal, sealed=deal.sealed[::-1])
    return signed(message.signer, DEAL, write(run, swapped))


def test_a_dealer_who_cheats_is_named_by_all_and_left_out() -> None:
    here = renewing(founded().joined(D), 2)

    def tamper(message: Signed, to: str) -> Signed:
        del to
        cheats = (message.signer, message.type) == (C, DEAL)
        return cheated(message, here) if cheats else message

    here.tamper = tamper
    here.finish()
    for name in (A, B, D):
        assert here.failed[name].guilty == {C}
        assert here.side(name).gone(here.heard(name), now=BEFORE) == {C}
    after = next_attempt(here, frozenset({C})).finish().agreed()
    assert after.output([A, D]) == founded().output([A, B])


def test_a_dealer_of_another_constant_is_named_by_all() -> None:
    # The cheat deals a key of its own making: another V.
    here = renewing(founded().joined(D), 2)
    other = renewing(founded().joined(D), 2, created=CREATED + 1)
    for _ in range(2):
        for name in other.states:
            other.take(name)
    run = open_resharing(here.federation.version, here.proposal).run
    foreign = open_resharing(other.federation.version, other.proposal).run
    [stale] = [m for m in other.said if (m.signer, m.type) == (C, DEAL)]

    def tamper(message: Signed, to: str) -> Signed:
        del to
        if (message.signer, message.type) != (C, DEAL):
            return message
        deal, old = (
            read(Deal, message.payload, run, 3),
            read(Deal, stale.payload, foreign, 3),
        )
        assert isinstance(deal, Deal)
        assert isinstance(old, Deal)
        wrong = (old.commitments[1], *deal.commitments[1:])
        return signed(C, DEAL, write(run, replace(deal, commitments=wrong)))

    here.tamper = tamper
    here.finish()
    for name in (A, B, D):
        assert here.failed[name].guilty == {C}


def test_a_false_complaint_convicts_who_made_it() -> None:
    here = renewing(founded().joined(D), 2)

    def tamper(message: Signed, to: str) -> Signed:
        if (message.signer, message.type) != (C, VERDICT) or to == C:
            return message
        return signed(C, VERDICT, false_complaint(here, C, A))

    here.tamper = tamper
    here.finish()
    assert {here.failed[name].guilty for name in (A, B, D)} == {frozenset({C})}


def citing(here: Renewing, cited: bytes) -> None:
    """Let C complain of a deal of A's with that digest."""

    def tamper(message: Signed, to: str) -> Signed:
        if (message.signer, message.type) != (C, VERDICT) or to == C:
            return message
        return signed(C, VERDICT, false_complaint(here, C, A, message=cited))

    here.tamper = tamper


def test_what_nobody_shows_by_the_deadline_counts_against_who_cites_it() -> None:
    here = renewing(founded().joined(D), 2)
    citing(here, bytes(32))
    here.finish()
    others = {A, B, D}
    before = {
        name: here.side(name).gone(here.heard(name), now=BEFORE) for name in others
    }
    ended = others & {*here.failed, *here.renewed}
    here.now = AFTER
    here.finish()

    assert (ended, before) == (set(), dict.fromkeys(others, frozenset()))
    for name in others:
        assert here.failed[name].guilty == {C}
        assert here.side(name).gone(here.heard(name), now=AFTER) == {C}


def test_a_complaint_that_comes_before_the_deal_ends_nothing_yet() -> None:
    here = renewing(founded().joined(D), 2)
    held_back = {B}

    def tamper(message: Signed, to: str) -> Signed | None:
        if (message.signer, message.type) != (C, DEAL):
            return message
        return None if to in held_back else cheated(message, here)

    here.tamper = tamper
    here.finish()
    failed = {name: error.guilty for name, error in here.failed.items()}
    held_back.clear()
    here.finish()

    assert failed[A] == failed[D] == {C}
    assert B not in failed
    assert here.failed[B].guilty == {C}


def test_who_only_deals_hears_of_the_end_after_the_deadline() -> None:
    members = [
        msgspec.structs.replace(each, roles=(MemberRole.LISTER,))
        if each.name == C
        else each
        for each in founded().version.charter.members
    ]
    here = renewing(founded().changed(members=members), 2).finish()
    here.now = AFTER
    late = here.step(C)

    assert late.renewed is not None
    assert late.renewed == here.renewed[C]


def test_whoever_says_two_things_is_named() -> None:
    here = renewing(founded(), 2)
    for _ in range(2):
        for name in here.states:
            here.take(name)
    deal = next(each for each in here.said if each.type == DEAL)
    here.said.append(signed(deal.signer, DEAL, deal.payload[:-1] + b"\0"))

    for name in set(here.states) - {deal.signer}:
        with pytest.raises(ResharingError, match="said two things") as caught:
            here.step(name)
        assert caught.value.guilty == {deal.signer}
        assert here.side(name).gone(here.said, now=BEFORE) == {deal.signer}


@pytest.mark.parametrize("type_", ROUNDS)
def test_messages_of_another_attempt_count_as_not_sent(type_: str) -> None:
    older = renewing(founded(), 2).finish()
    here = renewing(founded(), 2, created=CREATED + 1)
    here.tamper = silent(C, type_)
    here.said = [each for each in older.said if each.type == type_]
    here.finish()

    assert not {A, B} & {*here.renewed, *here.failed}
    here.tamper = lambda message, _: message
    here.finish().agreed()


def test_a_holding_of_other_pins_counts_as_not_sent() -> None:
    here = renewing(founded(), 2)

    def tamper(message: Signed, to: str) -> Signed:
        del to
        if (message.signer, message.type) != (C, HOLDING):
            return message
        entry = decode(message.payload, Epoch)
        return signed(C, HOLDING, encode(msgspec.structs.replace(entry, threshold=3)))

    here.tamper = tamper
    here.finish()
    here.now = AFTER
    here.finish()

    assert {here.failed[name].guilty for name in (A, B)} == {frozenset({C})}


def lying_of_the_group_key(here: Renewing, liar: str) -> None:
    def tamper(message: Signed, to: str) -> Signed:
        del to
        if (message.signer, message.type) != (liar, HOLDING):
            return message
        entry = msgspec.structs.replace(decode(message.payload, Epoch), group=bytes(32))
        return signed(liar, HOLDING, holding_payload(entry))

    here.tamper = tamper


def test_the_version_commits_to_the_group_key_that_all_holders_have() -> None:
    [entry] = grown().agreed().version.charter.epochs
    [kept] = {
        (each.keys.group_key, each.keys.token_key)
        for each in grown().renewed.values()
        if each.keys is not None
    }

    check_media_keys(entry, FEDERATION, token=kept[1], group=kept[0])
    with pytest.raises(AmendmentError, match="media group key"):
        check_media_keys(entry, FEDERATION, token=kept[1], group=bytes(32))
    with pytest.raises(AmendmentError, match="media token key"):
        check_media_keys(entry, FEDERATION, token=bytes(32), group=kept[0])


def test_who_only_deals_commits_to_what_most_holders_say() -> None:
    members = [
        msgspec.structs.replace(each, roles=(MemberRole.LISTER,))
        if each.name == D
        else each
        for each in grown().agreed().version.charter.members
    ]
    here = renewing(grown().agreed().changed(members=members), 3).finish()
    assert here.renewed[D].payload == here.renewed[A].payload

    here = renewing(grown().agreed().changed(members=members), 3)
    lying_of_the_group_key(here, A)
    here.finish()
    assert sorted(here.renewed) == [A]
    here.now = AFTER
    here.finish()
    assert {here.failed[name].guilty for name in (B, C, D, E)} == {frozenset({A})}


def before_commitments() -> Federation:
    """Give the founded federation as a version made before members committed."""
    [entry] = founded().version.charter.epochs
    older = msgspec.structs.replace(entry, group=msgspec.UNSET)
    charter = msgspec.structs.replace(founded().version.charter, epochs=[older])
    return Federation(
        Version(charter, charter_digest(encode(charter))), founded().held, ()
    )


def test_a_federation_without_commitments_gets_them_when_all_know_how() -> None:
    old = before_commitments()
    [without] = renewing(old, 2).finish().agreed().version.charter.epochs
    [entry] = renewing(old, 2, commits=True).finish().agreed().version.charter.epochs

    assert b'"group"' not in encode(old.version.charter)
    assert b'"group"' not in encode(without)
    assert (without.commits, entry.commits) == (False, True)


def test_what_the_charter_commits_to_is_committed_to_ever_after() -> None:
    terms = terms_of(grown().agreed(), 3)
    bare = msgspec.structs.replace(terms, commits=msgspec.UNSET)
    opening = msgspec.structs.replace(bare, tokens=None, ends=DEADLINE)
    for each in (bare, opening):
        with pytest.raises(ResharingError, match="commit to the media group key"):
            open_resharing(grown().agreed().version, proposed(each))


def test_no_quorum_takes_the_commitment_away() -> None:
    here = renewing(founded(), 2).finish()
    charter = here.renewed[A].charter
    entry = msgspec.structs.replace(charter.epochs[0], group=msgspec.UNSET)
    bare = msgspec.structs.replace(charter, epochs=[entry])

    with pytest.raises(MalformedError, match="commits to its media group key"):
        open_successor(founded().version, encode(bare))


def test_a_stranger_is_not_heard() -> None:
    here = renewing(founded(), 2)

    with pytest.raises(UntrustedError):
        here.step(A, [signed(E, ANNOUNCE, b"hello")])


@pytest.mark.parametrize("type_", ROUNDS)
def test_a_message_with_another_signature_is_not_heard(type_: str) -> None:
    here = renewing(founded(), 2).finish()
    forged = [
        msgspec.structs.replace(each, signature=bytes(64))
        if (each.signer, each.type) == (B, type_)
        else each
        for each in here.said
    ]

    with pytest.raises(UntrustedError):
        here.step(A, forged)


def test_nobody_begins_a_round_after_the_deadline() -> None:
    here = renewing(founded(), 2)
    here.now = AFTER

    for name in here.states:
        with pytest.raises(ResharingError, match="deadline"):
            here.step(name)
        assert here.states[name].kept.keys() <= {5}


def test_whoever_signed_for_its_share_ends_after_the_deadline_as_well() -> None:
    here = renewing(founded(), 2).finish()
    here.renewed.clear()
    here.now = AFTER

    assert here.finish().agreed().version.charter.epochs[0].generation == 2


def test_damaged_keys_end_the_attempt() -> None:
    here = renewing(founded(), 2).finish()
    states = here.states[A].kept
    states[4] = states[4][:-1] + bytes([states[4][-1] ^ 1]) + b"x"

    with pytest.raises(ResharingError, match="damaged"):
        here.step(A)


def test_nothing_is_dealt_but_the_pinned_share() -> None:
    federation = founded()
    lies = {**federation.held, C: federation.held[B]}
    here = renewing(Federation(federation.version, lies, federation.documents), 2)
    for name in (A, B):
        here.take(name)
    here.take(C)
    here.finish()

    assert "the share held is another's" in str(here.failed[C])
    assert here.renewed == {}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"charter": bytes(32)}, "another version"),
        ({"generation": 2}, "has no generation 1.2"),
        ({"epoch": 2}, "has no generation 2.1"),
        ({"threshold": 1}, "from 2 to 2 of 3"),
        ({"threshold": 3}, "from 2 to 2 of 3"),
        ({"threshold": 4}, "from 2 to 2 of 3"),
        ({"tokens": bytes(32)}, "media token key"),
        ({"deadline": CREATED}, "deadline"),
        ({"deadline": CREATED + 15 * 86400}, "deadline"),
        ({"attempt": 2}, "leaves out nobody"),
        ({"left_out": (C,)}, "leaves out nobody"),
        ({"attempt": 2, "left_out": (A,)}, "convenor"),
        ({"attempt": 2, "left_out": (E,)}, "no member"),
        ({"attempt": 2, "left_out": (C, B)}, "out of order"),
        ({"attempt": 2, "left_out": (B, C)}, "3 share holders at least"),
    ],
)
def test_terms_that_cannot_be(changes: dict[str, Any], why: str) -> None:
    terms = msgspec.structs.replace(terms_of(founded(), 2), **changes)

    with pytest.raises(ResharingError, match=why):
        open_resharing(founded().version, proposed(terms))


def test_only_a_member_that_takes_part_convenes() -> None:
    terms = terms_of(founded(), 2)

    with pytest.raises(UntrustedError):
        open_resharing(founded().version, proposed(terms, E))
    forged = msgspec.structs.replace(proposed(terms), signer=B)
    with pytest.raises(UntrustedError):
        open_resharing(founded().version, forged)


def entry_of(charter: Charter) -> Epoch:
    return charter.epochs[0]


def rewritten(changes: dict[str, Any], *, by: tuple[str, ...] = ()) -> Charter:
    """Change the epoch that was agreed on; some holders sign for what it says now."""
    charter = grown().renewed[A].charter
    entry = msgspec.structs.replace(entry_of(charter), **changes)
    payload = holding_payload(entry)
    again = [
        signed(name, HOLDING, payload).signature if name in by else signature
        for name, signature in zip(NAMES, entry.holdings, strict=False)
    ]
    if "holdings" not in changes:
        entry = msgspec.structs.replace(entry, holdings=tuple(again))
    return msgspec.structs.replace(charter, epochs=[entry])


OTHER = world(5, 3, secret=17, number=2).charter.epochs[0]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"public": OTHER.public, "pins": OTHER.pins}, "another one"),
        ({"pins": OTHER.pins}, "no sharing"),
        ({"pins": entry_of(five().version.charter).pins}, "one signature"),
        ({"threshold": 2}, "no sharing"),
        ({"generation": 3}, "left out"),
        ({"generation": 1}, "not what it was"),
        ({"tokens": bytes(32)}, "media token key"),
        ({"tokens": None}, "media token key"),
        ({"ends": 1_730_000_000}, "another one"),
        ({"starts": 1_700_000_001}, "another one"),
        ({"holdings": ()}, "one signature"),
    ],
)
def test_no_quorum_slips_anything_into_the_version(
    changes: dict[str, Any], why: str
) -> None:
    charter = rewritten(changes, by=NAMES)

    with pytest.raises(MalformedError, match=why):
        verify_next(five().version, signed_by_all(five().version, charter))


@pytest.mark.parametrize("missing", NAMES)
def test_no_version_counts_without_each_holders_signature(missing: str) -> None:
    others = tuple(name for name in NAMES if name != missing)
    charter = rewritten({"transcript": b"t" * 32}, by=others)

    with pytest.raises(UntrustedError, match=missing):
        verify_next(five().version, signed_by_all(five().version, charter))


def test_holders_that_are_no_members_do_not_count() -> None:
    charter = grown().renewed[A].charter
    kept = [each for each in charter.members if each.name != E]
    gone = msgspec.structs.replace(charter, members=kept, quorum=3)

    with pytest.raises(MalformedError, match="takes no part"):
        open_successor(five().version, encode(gone))


def test_a_quorum_of_both_versions_is_still_needed() -> None:
    charter = grown().renewed[A].charter
    few = signed_by_all(five().version, charter).signatures[:2]

    with pytest.raises(UntrustedError, match="short of its quorum"):
        verify_next(five().version, SignedCharter(few))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_change_of_the_agreed_epoch_is_refused(data: st.DataObject) -> None:
    entry = entry_of(grown().renewed[A].charter)
    at = data.draw(st.integers(0, 4))
    some = OTHER.pins[at].public
    changes: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"transcript": data.draw(st.binary(min_size=32, max_size=32))},
                {"pins": [*entry.pins[:at], *entry.pins[at + 1 :]]},
                {
                    "pins": [
                        Pin(pin.index, some if n == at else pin.public)
                        for n, pin in enumerate(entry.pins)
                    ]
                },
                {"holdings": (*entry.holdings[1:], entry.holdings[0])},
                {"threshold": data.draw(st.integers(1, 5).filter(lambda t: t != 3))},
                {"generation": data.draw(st.integers(3, 9))},
            ]
        )
    )
    charter = rewritten(changes)

    with pytest.raises(FederationError):
        verify_next(five().version, signed_by_all(five().version, charter))


def test_what_is_kept_prints_no_secret() -> None:
    kept = grown().renewed[A].keys
    assert kept is not None
    printed = repr((kept, grown().renewed[A]))

    for secret in (kept.share.secret, kept.group_key, kept.token_key):
        assert secret.hex() not in printed
        assert repr(secret)[2:-1] not in printed
    assert Kept.from_bytes(kept.to_bytes()) == kept


class KilledError(Exception):
    """The process ends here."""


@dataclass(slots=True)
class DyingStates(MemoryStates):
    """States of a process that is killed at its next write, before or after it."""

    before: bool = True
    armed: bool = True

    def put(self, round_: int, state: bytes) -> None:
        dies, self.armed = self.armed, False
        if dies and self.before:
            raise KilledError
        MemoryStates.put(self, round_, state)
        if dies:
            raise KilledError


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", [A, D])
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_whoever_is_killed_at_any_write_goes_on_where_it_was(
    turn: int, name: str, *, before: bool
) -> None:
    here = renewing(founded().joined(D), 2)
    killed = 0
    for number in range(4):
        if number == turn:
            kept = here.states[name].kept
            here.states[name] = DyingStates(kept, before=before)
        while True:
            try:
                here.take(name)
            except KilledError:
                killed += 1
                continue
            break
        for other in here.states:
            if other != name:
                here.take(other)
    after = here.finish().agreed()

    assert killed == 1
    assert after.output([A, D]) == founded().output([A, B])


LIES = ("nothing", "junk", "altered", "two", "of another attempt", "a complaint")


def lies_of(lie: str, message: Signed, here: Renewing, older: Renewing) -> list[Signed]:
    """Say what a cheat says instead of an honest message."""
    run = open_resharing(here.federation.version, here.proposal).run
    head, payload, who = run.digest(), message.payload, message.signer
    if lie == "nothing":
        return []
    if lie == "junk":
        return [signed(who, message.type, head + b"junk")]
    if lie == "of another attempt":
        return [m for m in older.said if (m.signer, m.type) == (who, message.type)]
    if lie == "a complaint":
        deals = [m.signer for m in here.said if m.type == DEAL and m.signer != who]
        if not deals:
            return []
        return [signed(who, VERDICT, false_complaint(here, who, deals[0]))]
    at = len(payload) // 2
    bad = payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
    changed = signed(who, message.type, bad)
    return [changed] if lie == "altered" else [message, changed]


@pytest.mark.parametrize(
    ("cheat", "type_"), [(D, ANNOUNCE), (B, DEAL), (D, VERDICT), (B, HOLDING)]
)
@pytest.mark.parametrize("lie", LIES)
def test_one_liar_names_nobody_else_and_costs_one_attempt(
    cheat: str, type_: str, lie: str
) -> None:
    here = renewing(founded().joined(D), 2)
    honest = [name for name in here.states if name != cheat]
    for _ in range(7):
        for name in here.states:
            said = list(here.said)
            here.take(name)
            for message in [m for m in here.said if m not in said]:
                if (name, message.type) == (cheat, type_):
                    here.said.remove(message)
                    instead = lies_of(lie, message, here, older_attempt())
                    here.said += [m for m in instead if m not in here.said]
    ended = {name for name in honest if name in here.renewed}
    gone = {here.side(name).gone(here.said, now=AFTER) for name in honest}

    assert all(
        here.failed[name].guilty <= {cheat} for name in honest if name in here.failed
    )
    if ended:  # the lie was no message of its round, or the same twice
        assert ended == set(honest)
        assert gone == {frozenset()}
        return
    assert gone == {frozenset({cheat})}
    after = next_attempt(here, frozenset({cheat}), honest[0]).finish().agreed()
    assert after.output(honest[:2]) == founded().output([A, B])


def test_what_comes_after_the_deadline_shifts_no_blame() -> None:
    here = renewing(founded(), 2)
    for name in here.states:
        here.take(name)
    late = [m for m in here.said if m.signer == C]
    here.said = [m for m in here.said if m.signer != C]
    for name in (A, B):
        assert here.side(name).gone(here.said, now=AFTER) == {C}
    here.said += late
    here.now = AFTER

    for name in (A, B):
        assert here.side(name).gone(here.said, now=AFTER) == {C}
        with pytest.raises(ResharingError) as caught:
            here.step(name)
        assert caught.value.guilty == {C}


@lru_cache
def older_attempt() -> Renewing:
    return renewing(founded().joined(D), 2, created=CREATED - 1).finish()


PROPOSED = (
    b'{"v":1,"federation":"demo.example#1","charter":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",'
    b'"epoch":1,"generation":1,"threshold":2,'
    b'"tokens":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","attempt":2,'
    b'"left_out":["b.example"],"created":1710000000,"deadline":1710003600,"ends":null}'
)
HELD = (
    b'{"epoch":1,"generation":2,"threshold":1,'
    b'"public":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",'
    b'"pins":[{"index":1,"public":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="}],'
    b'"transcript":"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=","starts":0,"ends":9,'
    b'"tokens":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","holdings":[]}'
)


def test_what_is_signed_stays_the_same_byte_by_byte() -> None:
    proposal = ResharingProposal(
        federation="demo.example#1",
        charter=b"\1" * 32,
        epoch=1,
        generation=1,
        threshold=2,
        tokens=b"\2" * 32,
        attempt=2,
        left_out=(B,),
        created=CREATED,
        deadline=DEADLINE,
    )
    entry = Epoch(
        epoch=1,
        generation=2,
        threshold=1,
        public=b"\3" * 32,
        pins=[Pin(1, b"\3" * 32)],
        transcript=b"\4" * 32,
        starts=0,
        ends=9,
        tokens=b"\2" * 32,
        holdings=(b"\5" * 64,),
    )

    assert encode(proposal) == PROPOSED
    assert holding_payload(entry) == HELD
