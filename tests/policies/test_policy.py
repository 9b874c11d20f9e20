# SPDX-License-Identifier: Apache-2.0
import hashlib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.errors import PolicyFileError, UnknownPolicyError
from fedsafe_policies.phenomena import Switch, phenomena
from fedsafe_policies.policy import MAX_POLICY_BYTES, SHIPPED, load_policy, shipped
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Phenomenon, Plane


@pytest.mark.parametrize("name", SHIPPED)
def test_a_policy_is_named_after_its_exact_bytes(name: str) -> None:
    data = files("fedsafe_policies").joinpath("data", f"{name}.toml").read_bytes()
    policy = shipped(name)

    assert policy.reference == f"{name}@{hashlib.sha256(data).hexdigest()[:8]}"
    assert load_policy(data + b"\n").digest != policy.digest


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownPolicyError, match="strict, synthetic"):
        shipped("../strict")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('mode = "synthetic"', 'x = 1\nmode = "synthetic"', r"line 11: gate\.x: unkno"),
        ("format = 1", "format = 1\nnote = 2", "line 7: note: unknown key"),
        ("format = 1", "format = 2", "line 6: format"),
        ('"shop"]', '"pub"]', r"line 18: share\.surfaces"),
        ('grooming = ["actor"]', 'murder = ["actor"]', "line 21: phenomena: "),
        ("[retention]", "[keeping]", "line 39: keeping: unknown key"),
        ('actor = "12 months"', "actor = 12", r"line 40: retention\.actor: want a"),
        ('actor = "12 months"', 'actor = "13 months"', "more than 12 months"),
        ('media = "24 months"', 'media = "740 days"', "more than 24 months"),
        ('bucket = "7 days"', 'bucket = "1 month"', "want days"),
        ('after_match = "7 days"', 'after_match = "8 days"', "more than 7 days"),
        ('ip = "7 days"', 'ip = "8 days"', r"ageing\.ip: want 7 days at most"),
        ('phone = "6 months"', "", r"ageing\.phone: want 6 months at most"),
        ('"confirmed_conduct"]', '"single_report"]', "P5"),
        ('"shop"]', '"ni_ics_private"]', "P3"),
        ('planes = ["actor", "media"]', 'planes = ["media"]', "P1"),
        ('grooming = ["actor"]', 'grooming = ["media"]', r"phenomena\.grooming.*P7"),
        ('sexting_exposure = ["media"]', 'sexting_exposure = ["actor"]', "P7"),
        ('["audit_review"]', '["signup_check"]', r"purposes\.auditor.*P8"),
        ('"synthetic"', '"Syn thetic"', "name"),
        ("[gate]", "[gate", "not TOML"),
    ],
)
def test_a_bad_policy_is_refused_by_key_and_line(
    synthetic_text: str, old: str, new: str, told: str
) -> None:
    assert old in synthetic_text
    with pytest.raises(PolicyFileError, match=told):
        load_policy(synthetic_text.replace(old, new, 1).encode())


def test_a_policy_has_a_longest_size(synthetic_text: str) -> None:
    long = synthetic_text + "#" * MAX_POLICY_BYTES

    with pytest.raises(PolicyFileError, match="longer"):
        load_policy(long.encode())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_junk_is_refused_with_the_own_error(junk: bytes) -> None:
    with pytest.raises(PolicyFileError):
        load_policy(junk)


@pytest.mark.parametrize("junk", [b"a=" + b"[" * 30_000, b"a=" + b"9" * 30_000])
def test_deep_or_huge_values_are_refused(junk: bytes) -> None:
    with pytest.raises(PolicyFileError):
        load_policy(junk)


def test_kinds_of_the_two_planes_are_not_confused() -> None:
    strict = shipped("strict")

    assert int(IdentifierKind.EMAIL) == int(MediaKind.SHA256)
    assert strict.shares(MediaKind.SHA256)
    assert not strict.shares(IdentifierKind.EMAIL)


def test_the_table_says_what_the_plan_says() -> None:
    table = phenomena()
    never = {code for code in Phenomenon if table[code].actor is Switch.NO}
    reviewed = {code for code in Phenomenon if table[code].actor is Switch.LEGAL_REVIEW}
    media = {code for code in Phenomenon if table[code].media is Switch.YES}

    assert set(table) == set(Phenomenon)
    assert never == {"sexting_exposure"}
    assert reviewed == {
        "sexualised_language",
        "violent_fantasy_chat",
        "sex_doll_order",
        "avatar_acts",
    }
    assert media == {
        "abuse_depiction",
        "sextortion",
        "sexting_exposure",
        "unwanted_confrontation",
        "sex_doll_order",
    }


def test_strict_shares_no_actor_signal() -> None:
    strict = shipped("strict").document

    assert strict.share.planes == {Plane.MEDIA}
    assert all(planes == {Plane.MEDIA} for planes in strict.phenomena.values())
