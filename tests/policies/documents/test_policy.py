# SPDX-License-Identifier: Apache-2.0
import hashlib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.documents.phenomena import Switch, phenomena
from fedsafe_policies.documents.policy import (
    MAX_POLICY_BYTES,
    SHIPPED,
    load_policy,
    shipped,
    shipped_text,
)
from fedsafe_policies.errors import PolicyFileError, UnknownPolicyError
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Phenomenon, Plane


@pytest.mark.parametrize("name", SHIPPED)
def test_a_policy_is_named_after_its_exact_bytes(name: str) -> None:
    data = files("fedsafe_policies").joinpath("data", f"{name}.toml").read_bytes()
    policy = shipped(name)

    assert policy.reference == f"{name}@{hashlib.sha256(data).hexdigest()[:8]}"
    assert load_policy(data + b"\n").digest != policy.digest


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownPolicyError, match="strict, germany, synthetic"):
        shipped("../strict")


BAD = [
    ("mode = ", "x = 1\nmode = ", "gate.x", "unknown key"),
    ("format = 1", "note = 2\nformat = 1", "note", "unknown key"),
    ("[retention]", "[keeping]", "keeping", "unknown key"),
    ("[training.dpo]", "[training.dpo]\nyears = 2", "training.years", "unknown key"),
    ("level = ", "cost = 2\nlevel = ", "rulebook.rules.cost", "unknown key"),
    ("format = 1", "format = 2", "format", "invalid"),
    ('surfaces = ["', 'surfaces = ["pub", "', "share.surfaces", "invalid enum"),
    ('"L2"', '"L7"', "rulebook.rules.level", "invalid enum"),
    ("[phenomena]", '[phenomena]\nmurder = ["actor"]', "phenomena", "invalid enum"),
    ('actor = "12 months"', "actor = 12", "retention.actor", "want a span"),
    ('actor = "12 months"', 'actor = "13 months"', "retention.actor", "P9"),
    ('renewed = "24 months"', 'renewed = "25 months"', "retention.renewed", "P9"),
    ('renewed = "24 months"', 'renewed = "11 months"', "retention.renewed", "P9"),
    ('media = "24 months"', 'media = "740 days"', "retention.media", "P9"),
    ('revalidate = "12', 'revalidate = "13', "retention.revalidate", "P9"),
    ('bucket = "7 days"', 'bucket = "1 month"', "retention.bucket", "want days"),
    ('after_match = "7 d', 'after_match = "8 d', "retention.after_match", "P9"),
    ('cases = "12 months"', 'cases = "37 months"', "retention.cases", "P9"),
    ('ip = "7 days"', 'ip = "8 days"', "ageing.ip", "7 days at most"),
    ('"confirmed_conduct"]', '"single_report"]', "share.grades", "P5"),
    ('planes = ["actor"]', 'planes = ["media"]', "gate.planes", "P1"),
    ('grooming = ["actor"]', 'grooming = ["media"]', "phenomena.grooming", "P7"),
    (
        'exposure = ["media"]',
        'exposure = ["actor"]',
        "phenomena.sexting_exposure",
        "P7",
    ),
    ('= ["operations"]', '= ["recheck"]', "purposes.operator", "P8"),
    ("working_days = 3", "working_days = 4", "review.working_days", "P9"),
    ('watch = "30', 'watch = "31', "review.watch", "P13"),
    ("watch_renewals = 1", "watch_renewals = 2", "review.watch_renewals", "<= 1"),
    ('from = "L5"', 'from = "L6"', "review.second_person_from", "P13"),
    ("alarm_percent = 95", "alarm_percent = 96", "review.alarm_percent", "P13"),
    ("minutes = 5", "minutes = 6", "disputes.suspend_minutes", "P10"),
    ("ruling_working_days = 10", "ruling_working_days = 11", "disputes.ruling", "P10"),
    ("alarm_hours = 24", "alarm_hours = 25", "erasure.alarm_hours", "P11"),
    ("stop_hours = 72", "stop_hours = 73", "erasure.stop_hours", "P11"),
    ("stop_hours = 72", "stop_hours = 23", "erasure.stop_hours", "P11"),
    ('longest = "30 days"', 'longest = "31 days"', "notices.longest", "P16"),
    ('  "actor_signal", ', "  ", "four_eyes.acts", "P6"),
    ("recheck = 1", "recheck = -1", "budgets.lookups_an_hour", ">= 0"),
    ('dpo = ["operator", ', "dpo = [", "staffing.apart", "P19"),
    ("origins = 2", "origins = 0", "corroboration.origins", ">= 1"),
    ('id = "house-2"', 'id = "house-1"', "rulebook.rules", "twice"),
    ('name = "germany"', 'name = "Ger many"', "name", "regex"),
]


@pytest.mark.parametrize(("old", "new", "key", "problem"), BAD)
def test_a_bad_policy_is_refused_by_key_and_line(
    old: str, new: str, key: str, problem: str
) -> None:
    text = shipped_text("germany").decode()
    assert old in text
    bad = text.replace(old, new, 1)
    with pytest.raises(PolicyFileError) as refused:
        load_policy(bad.encode())

    assert refused.value.key.startswith(key)
    assert problem in refused.value.problem
    assert refused.value.line is not None
    at = bad.splitlines()[refused.value.line - 1]
    leaf = key.rpartition(".")[2]
    assert leaf in at or key in at


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"[gate]": "[gate"}, "not TOML"),
        ({'phone = "6 months"\n': ""}, r"ageing\.phone: want 6 months at most"),
        ({"dated = 2026-11-24\n": ""}, "missing required field `dated`"),
    ],
)
def test_what_is_missing_is_refused(change: dict[str, str], told: str) -> None:
    text = shipped_text("germany").decode()
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(PolicyFileError, match=told):
        load_policy(text.encode())


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


@pytest.mark.promise("LR-24")
def test_strict_shares_no_actor_signal() -> None:
    strict = shipped("strict").document

    assert strict.share.planes == {Plane.MEDIA}
    assert all(planes == {Plane.MEDIA} for planes in strict.phenomena.values())
