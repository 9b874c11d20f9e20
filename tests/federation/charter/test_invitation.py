# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import FEDERATION, key_of, signed_card

from fedsafe_federation.charter.invitation import Invitation, open_joining, sign_joining
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.signed import sign_payload

MADE = Invitation(
    federation=FEDERATION,
    urls=("https://a.example", "https://b.example:8443"),
    charter=bytes(range(32)),
    expires=1_800_000_000,
    secret=bytes(range(16)),
)
TEXT = MADE.text()


def test_an_invitation_is_one_line_that_says_it_all() -> None:
    assert Invitation.parse(TEXT) == MADE
    assert TEXT.startswith("FSI1-")
    assert set(TEXT) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567FSI1-")
    assert len(TEXT) < 300
    assert MADE.secret.hex() not in repr(MADE)
    assert repr(MADE.secret) not in repr(MADE)


@pytest.mark.parametrize(
    "written", [TEXT.lower(), TEXT.replace("-", ""), TEXT.replace("-", " ") + "\n"]
)
def test_case_and_groups_do_not_matter(written: str) -> None:
    assert Invitation.parse(written) == MADE


@given(place=st.integers(5, len(TEXT) - 1), other=st.sampled_from("ABCDEFGHIJ234567"))
def test_a_wrong_character_is_noticed(place: int, other: str) -> None:
    changed = TEXT[:place] + other + TEXT[place + 1 :]
    if changed == TEXT or TEXT[place] == "-":
        return
    with pytest.raises(MalformedError):
        Invitation.parse(changed)


@given(text=st.text(max_size=300))
def test_junk_is_no_invitation(text: str) -> None:
    for junk in (text, "FSI1" + text):
        with pytest.raises(MalformedError):
            Invitation.parse(junk)


def test_a_card_is_bound_to_the_invitation() -> None:
    card = signed_card("d.example")
    statement = sign_joining(MADE, card)
    wish = open_joining(statement, federation=FEDERATION)

    assert wish.key == MADE.key().public
    assert (wish.card.name, wish.signed) == ("d.example", card)
    other = msgspec.structs.replace(statement, signer="e.example")
    forged = sign_payload(
        statement.payload,
        type_=statement.type,
        signer="d.example",
        key=key_of("thief"),
        federation=FEDERATION,
    )
    for wrong in (other, forged):
        with pytest.raises(UntrustedError):
            open_joining(wrong, federation=FEDERATION)
    with pytest.raises(UntrustedError):
        open_joining(statement, federation="other#1")
