# SPDX-License-Identifier: Apache-2.0
"""A ceremony ends with one charter for all, or with none for anybody."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.ceremonies import MemoryStates, Table, proposed, signed, table
from tests.support.members import FEDERATION, NAMES, key_of, signed_card

from fedsafe_crypto.dkg.ceremony import Announced, load_state, save_state
from fedsafe_crypto.dkg.messages import (
    Deal,
    Reason,
    Verdict,
    complaint_of,
    read,
    write,
)
from fedsafe_crypto.oprf.threshold import (
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Mode, blind_all
from fedsafe_federation.charter.card import open_card, sign_card
from fedsafe_federation.charter.charter import CHARTER, Charter, open_charter
from fedsafe_federation.charter.consent import Consent
from fedsafe_federation.charter.founding_ceremony import (
    ANNOUNCE,
    DEAL,
    VERDICT,
    Ceremony,
    Participant,
)
from fedsafe_federation.charter.proposal import open_proposal
from fedsafe_federation.errors import FoundingError, UntrustedError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode


def check_founded(done: Table, threshold: int) -> None:
    count = len(done.states)
    assert done.failed == {}
    assert set(done.founded) == set(done.states)
    charters = {encode(each.charter) for each in done.founded.values()}
    assert len(charters) == 1
    results = [done.founded[name].keys for name in NAMES[:count]]
    charter = open_charter(done.founded[NAMES[0]].charter)
    pins = charter.pins()[1]
    inputs = [b"somebody"]
    blinds = blind_all(inputs, Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]
    answers = []
    for result in results:
        assert result.pins == pins
        assert result.group_key == results[0].group_key
        assert result.token_key == results[0].token_key
        result.share.check(pins)
        answer = evaluate_share(result.share, pins, elements)
        answers.append(verify_evaluation(pins, elements, answer))
    one = finalize_threshold(pins, inputs, blinds, answers[:threshold])
    assert one == finalize_threshold(pins, inputs, blinds, answers[-threshold:])


@pytest.mark.parametrize(("count", "threshold"), [(3, 2), (4, 2), (5, 3), (5, 4)])
def test_all_end_with_one_charter_and_fitting_shares(
    count: int, threshold: int
) -> None:
    done = table(count, threshold).finish()

    check_founded(done, threshold)
    terms = open_proposal(done.proposal).proposal
    charter = open_charter(done.founded[NAMES[0]].charter)
    assert (charter.federation, charter.created) == (FEDERATION, terms.created)
    assert [member.name for member in charter.members] == list(NAMES[:count])
    assert charter.epochs[0].threshold == threshold
    assert charter.epochs[0].ends == terms.ends


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_order_with_steps_repeated_ends_alike(data: st.DataObject) -> None:
    here = table(3)
    names = list(here.states)
    for name in data.draw(st.lists(st.sampled_from(names), max_size=12)):
        some = data.draw(st.sets(st.sampled_from(range(9)), max_size=4))
        heard = [each for at, each in enumerate(here.said) if at not in some]
        heard = data.draw(st.permutations(heard + heard[:2]))
        step = here.step(name, heard or [here.proposal])
        here.said += [each for each in step.owed if each not in here.said]

    check_founded(here.finish(), 2)


def test_a_resumed_participant_says_the_same() -> None:
    here = table(3)
    spoken: dict[tuple[str, str], bytes] = {}
    for _ in range(7):
        for name in here.states:
            for _ in range(2):
                for message in here.step(name).owed:
                    key = (message.signer, message.type)
                    assert spoken.setdefault(key, message.payload) == message.payload
            here.take(name)
    assert {type_ for _, type_ in spoken} == {ANNOUNCE, DEAL, VERDICT, CHARTER}
    check_founded(here, 2)


def test_nobody_is_founded_without_every_signature() -> None:
    here = table(3).finish()
    unsigned = [
        each for each in here.said if (each.signer, each.type) != (NAMES[2], CHARTER)
    ]
    for name in NAMES[:2]:
        assert here.step(name, unsigned).founded is None


def nobody(done: Table, honest: Sequence[str] = NAMES[:2]) -> None:
    assert not set(honest) & set(done.founded)
    assert set(honest) <= set(done.failed)


def junk_of(
    here: Table, name: str, type_: str, *, run: bytes | None = None
) -> Callable[[Signed, str], Signed]:
    head = open_proposal(here.proposal).run.digest() if run is None else run

    def tamper(message: Signed, to: str) -> Signed:
        del to
        cheats = (message.signer, message.type) == (name, type_)
        return signed(name, type_, head + b"junk") if cheats else message

    return tamper


@pytest.mark.parametrize("type_", [ANNOUNCE, DEAL, VERDICT])
def test_junk_ends_the_ceremony_for_all(type_: str) -> None:
    here = table()
    here.tamper = junk_of(here, NAMES[2], type_)

    nobody(here.finish())
    said = str(here.failed[NAMES[0]])
    assert f"{NAMES[2]}: malformed message" in said
    assert f"({NAMES[0]} is at fault)" not in said


@pytest.mark.parametrize("type_", [ANNOUNCE, DEAL, VERDICT])
def test_a_message_of_another_run_counts_as_not_sent(type_: str) -> None:
    here = table()
    here.tamper = junk_of(here, NAMES[2], type_, run=bytes(32))

    here.finish()
    assert not {*NAMES[:2]} & {*here.founded, *here.failed}


def test_a_false_complaint_convicts_who_made_it() -> None:
    here = table()
    run = open_proposal(here.proposal).run

    def tamper(message: Signed, to: str) -> Signed:
        if (message.signer, message.type) != (NAMES[2], VERDICT):
            return message
        deals = [m for m in here.said if (m.signer, m.type) == (NAMES[0], DEAL)]
        complaint = complaint_of(2, 1, Reason.UNREADABLE, deals[0].payload)
        verdict = Verdict(sender=3, transcript=b"", complaints=(complaint,))
        return signed(NAMES[2], VERDICT, write(run, verdict)) if to else message

    here.tamper = tamper
    nobody(here.finish())
    said = str(here.failed[NAMES[1]])
    assert f"{NAMES[2]} complains of {NAMES[0]}: sub-share does not open" in said
    assert f"({NAMES[2]} is at fault)" in said


def other_deal(message: Signed) -> Signed:
    """Deal again, with other commitments: what a cheat does."""
    return signed(message.signer, DEAL, message.payload[:-1] + b"\0")


def test_two_deals_of_one_participant_end_the_ceremony() -> None:
    here = table()

    def tamper(message: Signed, to: str) -> Signed:
        cheats = (message.signer, message.type, to) == (NAMES[2], DEAL, NAMES[0])
        return other_deal(message) if cheats else message

    here.tamper = tamper
    nobody(here.finish())


def test_whoever_hears_two_things_says_so() -> None:
    here = table()
    for _ in range(2):
        for name in here.states:
            here.take(name)
    deal = next(each for each in here.said if each.type == DEAL)
    here.said.append(other_deal(deal))

    for name in here.states:
        if name != deal.signer:
            with pytest.raises(FoundingError, match="said two things"):
                here.step(name)


def test_a_share_that_does_not_fit_is_complained_of() -> None:
    here = table()
    run = open_proposal(here.proposal).run

    def tamper(message: Signed, to: str) -> Signed:
        del to
        if (message.signer, message.type) != (NAMES[2], DEAL):
            return message
        deal = read(Deal, message.payload, run, 3)
        assert isinstance(deal, Deal)
        swapped = replace(deal, sealed=deal.sealed[::-1])
        return signed(NAMES[2], DEAL, write(run, swapped))

    here.tamper = tamper
    nobody(here.finish())
    assert "complains of" in str(here.failed[NAMES[0]])


def test_a_complainer_gives_up_once_its_complaint_has_left() -> None:
    here = table(3)
    here.tamper = junk_of(here, NAMES[1], ANNOUNCE)
    for name in NAMES[:3]:
        here.take(name)
    complaint = here.step(NAMES[0]).owed[-1]

    assert complaint.type == VERDICT
    assert here.step(NAMES[0]).founded is None
    with pytest.raises(FoundingError, match=r"complains of b\.example"):
        here.step(NAMES[0], [*here.said, complaint])


def test_another_charter_ends_the_ceremony() -> None:
    here = table()

    def tamper(message: Signed, to: str) -> Signed:
        del to
        if (message.signer, message.type) != (NAMES[2], CHARTER):
            return message
        charter = decode(message.payload, Charter)
        other = msgspec.structs.replace(charter, created=1)
        return signed(NAMES[2], CHARTER, encode(other))

    here.tamper = tamper
    nobody(here.finish())
    assert "signed another charter" in str(here.failed[NAMES[0]])


@pytest.mark.parametrize("swapped", [0, 1])
def test_a_swapped_card_is_refused_by_its_owner(swapped: int) -> None:
    cards = [signed_card(name) for name in NAMES[:3]]
    card = open_card(cards[swapped])
    keys = msgspec.structs.replace(card.keys, statement=key_of("evil").public)
    cards[swapped] = sign_card(msgspec.structs.replace(card, keys=keys), key_of("evil"))
    name = NAMES[swapped]
    participant = Participant(signed_card(name), key_of(name, "statement"))
    proposal = proposed(3, cards=cards)
    if swapped == 0:
        with pytest.raises(UntrustedError):
            Ceremony(participant, proposal, MemoryStates(), consent=Consent(proposal))
    else:
        with pytest.raises(FoundingError, match="own card"):
            Ceremony(participant, proposal, MemoryStates(), consent=Consent(proposal))


def test_a_stranger_neither_joins_nor_is_heard() -> None:
    stranger = Participant(signed_card(NAMES[4]), key_of(NAMES[4], "statement"))
    with pytest.raises(FoundingError, match="own card"):
        Ceremony(stranger, proposed(3), MemoryStates(), consent=Consent(proposed(3)))

    here = table()
    with pytest.raises(UntrustedError):
        here.step(NAMES[0], [signed(NAMES[4], ANNOUNCE, b"hello")])


def test_nobody_takes_part_in_what_was_not_confirmed() -> None:
    five, three = proposed(5, 2), proposed(3, 2)
    here = table(3)
    participant = Participant(signed_card(NAMES[0]), key_of(NAMES[0], "statement"))
    states = here.states[NAMES[0]]
    others = [
        proposed(3, 2, created=1_700_000_001),
        proposed(3, 2, ends=1_731_000_001),
        proposed(3, 2, federation="other.example#1"),
        proposed(4, 3),
        proposed(4, 2),
    ]

    for other in others:
        with pytest.raises(FoundingError, match="has not confirmed"):
            Ceremony(participant, other, states, consent=Consent(three))
    assert states.kept == {}
    for fewer in (five, proposed(4, 2), three):
        Ceremony(participant, fewer, states, consent=Consent(five))
    swapped = [*(signed_card(name) for name in NAMES[:2]), signed_card("f.example")]
    with pytest.raises(FoundingError, match="has not confirmed"):
        Ceremony(
            participant,
            proposed(3, 2, cards=swapped),
            states,
            consent=Consent(five),
        )


@pytest.mark.parametrize("type_", [ANNOUNCE, DEAL, VERDICT, CHARTER])
def test_a_message_with_another_signature_is_not_heard(type_: str) -> None:
    here = table().finish()
    forged = [
        msgspec.structs.replace(each, signature=bytes(64))
        if (each.signer, each.type) == (NAMES[1], type_)
        else each
        for each in here.said
    ]
    with pytest.raises(UntrustedError):
        here.step(NAMES[0], forged)


def test_the_states_of_another_founding_are_not_mixed_in() -> None:
    here = table()
    here.take(NAMES[0])
    here.proposal = proposed(3, created=1_700_000_001)

    with pytest.raises(FoundingError, match="another founding is under way"):
        here.step(NAMES[0])


def test_a_damaged_state_ends_the_ceremony() -> None:
    here = table()
    here.states[NAMES[0]].put(1, b"damaged")

    with pytest.raises(FoundingError, match="failed"):
        here.step(NAMES[0])


def test_a_state_never_says_something_new() -> None:
    # Whoever lost its first state after it was sent would be a cheat.
    here = table().finish()
    state = load_state(here.states[NAMES[0]].kept[1])
    assert isinstance(state, Announced)
    lost = replace(state, message=state.message[:-1] + b"\0")
    here.states[NAMES[0]] = MemoryStates({1: save_state(lost)})

    with pytest.raises(FoundingError):
        here.step(NAMES[0])
