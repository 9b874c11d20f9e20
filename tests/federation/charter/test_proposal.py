# SPDX-License-Identifier: Apache-2.0

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import (
    ANSWERS,
    FEDERATION,
    NAMES,
    POLICY,
    key_of,
    keys_of,
    signed_card,
)

from fedsafe_federation.charter.card import Card, open_card, sign_card
from fedsafe_federation.charter.proposal import (
    FIRST_EPOCH,
    PROPOSAL,
    Proposal,
    open_proposal,
    sign_proposal,
)
from fedsafe_federation.errors import (
    FederationError,
    FoundingError,
    MalformedError,
    UntrustedError,
)
from fedsafe_federation.wire.signed import Signed, sign_payload

replace = msgspec.structs.replace
VALID = Proposal(
    v=1,
    federation=FEDERATION,
    threshold=2,
    cards=[signed_card(name) for name in NAMES[:3]],
    policy=POLICY,
    arrangement=POLICY,
    created=1_700_000_000,
    ends=1_731_000_000,
)


def proposed(proposal: Proposal = VALID, convenor: str = "a.example") -> Signed:
    return sign_proposal(proposal, convenor=convenor, key=key_of(convenor, "statement"))


def card_with(name: str, key: str, **keys: bytes) -> Signed:
    mixed = replace(keys_of(name), statement=key_of(key, "statement").public, **keys)
    card = Card(1, name, f"https://{name}", "DE", mixed, ANSWERS)
    return sign_card(card, key_of(key, "statement"))


def test_a_proposal_fixes_the_run() -> None:
    terms = open_proposal(proposed())

    assert terms.proposal == VALID
    assert [card.name for card in terms.cards] == list(NAMES[:3])
    assert terms.run.generation == FIRST_EPOCH
    assert terms.run.threshold == 2
    assert terms.run.roster == tuple(
        (i, key_of(n, "statement").public) for i, n in enumerate(NAMES[:3], start=1)
    )
    assert terms.index("c.example") == 3
    assert terms.statement_key("c.example") == keys_of("c.example").statement


def test_two_proposals_never_share_a_run() -> None:
    other = replace(VALID, created=VALID.created + 1)

    assert open_proposal(proposed()).run != open_proposal(proposed(other)).run


def test_strangers_neither_take_part_nor_convene() -> None:
    with pytest.raises(UntrustedError):
        open_proposal(proposed()).index("e.example")
    with pytest.raises(UntrustedError):
        open_proposal(proposed(convenor="e.example"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"threshold": 4}, "from 2 to 2 of 3"),
        ({"threshold": 3}, "from 2 to 2 of 3"),
        ({"threshold": 1}, "from 2 to 2 of 3"),
        ({"cards": VALID.cards[:2]}, "3 share holders at least, not 2"),
        ({"cards": VALID.cards[:1], "threshold": 1}, "3 share holders at least"),
        ({"ends": VALID.created}, "end after its begin"),
        ({"ends": VALID.created + 366 * 86_400 + 1}, "within 366 days"),
        ({"cards": [*VALID.cards, card_with("a.example", "other")]}, "one name"),
        ({"cards": [*VALID.cards, card_with("d.example", "a.example")]}, "used twice"),
        (
            {
                "cards": [
                    *VALID.cards,
                    card_with("d.example", "d", feed=keys_of("a.example").feed),
                ]
            },
            "used twice",
        ),
    ],
)
def test_terms_that_contradict_themselves(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(FoundingError, match=why):
        open_proposal(proposed(replace(VALID, **changes)))


def answering(name: str, **answers: bytes) -> Signed:
    said = {f"{kind}/1": answer for kind, answer in answers.items()}
    card = replace(open_card(signed_card(name)), canonicalisers={**ANSWERS, **said})
    return sign_card(card, key_of(name, "statement"))


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("kind", ["phone", "url"])
def test_nobody_founds_with_a_member_that_writes_otherwise(odd: int, kind: str) -> None:
    cards = list(VALID.cards)
    cards[odd] = answering(NAMES[odd], **{kind: b"x" * 32})

    with pytest.raises(FoundingError, match=f"{NAMES[odd]} .* {kind}/1"):
        open_proposal(proposed(replace(VALID, cards=cards)))


def test_two_that_write_differently_do_not_found_either() -> None:
    cards = [VALID.cards[0], answering("b.example", email=b"x" * 32)]

    with pytest.raises(FoundingError, match=r"b\.example .* email/1"):
        open_proposal(proposed(replace(VALID, cards=cards)))


def test_members_that_write_alike_found() -> None:
    cards = [answering(name, url=b"x" * 32) for name in NAMES[:3]]

    assert len(open_proposal(proposed(replace(VALID, cards=cards))).cards) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"federation": "UPPER"},
        {"federation": "demo.example\n"},
        {"cards": []},
        {"threshold": 0},
        {"v": 2},
    ],
)
def test_terms_out_of_bounds(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        open_proposal(proposed(replace(VALID, **changes)))


def test_a_card_that_its_node_did_not_sign_is_untrusted() -> None:
    card = open_card(VALID.cards[1])
    forged = sign_card(replace(card, jurisdiction="AT"), key_of("a.example", "x"))

    with pytest.raises(UntrustedError):
        open_proposal(proposed(replace(VALID, cards=[VALID.cards[0], forged])))


@given(place=st.integers(0, 100_000), flip=st.integers(1, 255))
def test_one_changed_byte_is_refused(place: int, flip: int) -> None:
    valid = proposed()
    for name in ("payload", "signature"):
        changed = bytearray(getattr(valid, name))
        changed[place % len(changed)] ^= flip
        with pytest.raises(FederationError):
            open_proposal(replace(valid, **{name: bytes(changed)}))


@given(payload=st.binary(max_size=200))
def test_junk_is_no_proposal(payload: bytes) -> None:
    statement = sign_payload(
        payload,
        type_=PROPOSAL,
        signer="a.example",
        key=key_of("a.example", "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(MalformedError):
        open_proposal(statement)
