# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import Policy, load_policy, shipped, shipped_text
from fedsafe_policies.engine import decide
from fedsafe_policies.ground.span import SECONDS_A_DAY, day_number, today
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.gate import (
    Approval,
    LegalGate,
    Site,
    is_loopback,
    missing,
    open_days,
)
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.vocabulary import Plane

BuildSite = Callable[[LegalGate | None], Site]


def ask(site: Site, plane: Plane, policy: Policy, now: int) -> Decision:
    return decide(GateRequest(plane), policy, shipped_calendar(), now, site)


def test_a_complete_record_opens_the_gate(
    gated: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    decision = ask(real_site(full_gate), Plane.ACTOR, gated, now)

    assert decision.allowed
    assert (decision.rule, decision.code) == ("P1", "gate_open")
    assert decision.policy == gated.reference


@pytest.mark.promise("LR-01", "LR-30")
@pytest.mark.parametrize("name", LegalGate.__struct_fields__)
def test_every_missing_field_keeps_the_gate_closed(
    gated: Policy, real_site: BuildSite, full_gate: LegalGate, now: int, name: str
) -> None:
    gate = msgspec.structs.replace(full_gate, **{name: None})
    decision = ask(real_site(gate), Plane.ACTOR, gated, now)

    assert missing(gate, now) == (name,)
    assert (decision.effect, decision.code) == ("deny", "legal_gate")


def test_without_a_record_the_gate_is_closed(
    gated: Policy, real_site: BuildSite, now: int
) -> None:
    assert not ask(real_site(None), Plane.ACTOR, gated, now).allowed
    assert len(missing(LegalGate(), now)) == 9


@pytest.mark.promise("LR-01")
def test_the_gate_closes_as_its_last_day_begins(
    gated: Policy, real_site: BuildSite, full_gate: LegalGate
) -> None:
    last_second = 1_803_859_199  # 2027-02-28T23:59:59Z
    site = real_site(full_gate)

    assert ask(site, Plane.ACTOR, gated, last_second).allowed
    assert not ask(site, Plane.ACTOR, gated, last_second + 1).allowed


def test_one_person_cannot_approve_twice(full_gate: LegalGate, now: int) -> None:
    approval = Approval("dana", date(2026, 9, 1))
    gate = msgspec.structs.replace(full_gate, management_approval=approval)

    assert missing(gate, now) == ("management_approval",)


def test_an_approval_of_tomorrow_is_none(full_gate: LegalGate, now: int) -> None:
    approval = Approval("dana", date(2026, 9, 22))
    gate = msgspec.structs.replace(full_gate, dpo_approval=approval)

    assert missing(gate, now) == ("dpo_approval",)


@pytest.mark.parametrize(
    ("reference", "lacks"),
    [
        ("jca-3:0a1b2c3d", ()),
        ("jca-3:0A1B2C3D", ()),
        ("0a1b2c3d", ()),
        ("jca-3", ("arrangement",)),
        ("jca-3:0a1b2c3e", ("arrangement",)),
        ("jca-30a1b2c3d", ("arrangement",)),
        ("0a1b2c3d/jca-3", ("arrangement",)),
    ],
)
def test_a_record_cites_the_arrangement_of_the_charter(  # noqa: PLR0913
    gated: Policy,
    real_site: BuildSite,
    full_gate: LegalGate,
    now: int,
    reference: str,
    lacks: tuple[str, ...],
) -> None:
    gate = msgspec.structs.replace(full_gate, arrangement=reference)
    site = replace(real_site(gate), arrangement="0a1b2c3d")

    assert missing(gate, now, site.arrangement) == lacks
    assert ask(site, Plane.ACTOR, gated, now).allowed is not bool(lacks)
    assert ask(real_site(gate), Plane.ACTOR, gated, now).allowed


def test_a_sentence_is_no_reference(full_gate: LegalGate, now: int) -> None:
    gate = msgspec.structs.replace(full_gate, dpia="we thought about it")

    assert missing(gate, now) == ("dpia",)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8401",
        "127.8.8.8",
        "[::1]:1",
        "unix:/run/f.sock",
        "127.0.0.1:0",
    ],
)
def test_loopback_is_reached_from_here_only(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost",
        "0.0.0.0:80",
        "[::]:80",
        "http://192.0.2.1",
        "http://127.0.0.1@192.0.2.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.0.0.1.example.org",
        "http://[::1",
        "2130706433",
    ],
)
def test_everything_else_is_not_loopback(address: str) -> None:
    assert not is_loopback(address)


@given(st.text())
def test_any_text_is_judged_as_an_address(address: str) -> None:
    assert is_loopback(address) in {True, False}


def test_synthetic_opens_for_a_demonstration(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    decision = ask(demo_site, Plane.ACTOR, synthetic, now)

    assert (decision.effect, decision.code) == ("allow", "synthetic")


@pytest.mark.parametrize(
    "site",
    [
        Site(("a.demo",), ("http://127.0.0.1:1", "http://192.0.2.1:1")),
        Site(("a.demo", "b.example"), ("http://127.0.0.1:1",)),
        Site((), ("http://127.0.0.1:1",)),
        Site(("a.demo",), ()),
    ],
)
def test_synthetic_is_closed_everywhere_else(
    synthetic: Policy, full_gate: LegalGate, site: Site, now: int
) -> None:
    even_with_gate = Site(site.names, site.addresses, full_gate)
    decision = ask(even_with_gate, Plane.ACTOR, synthetic, now)

    assert (decision.effect, decision.code) == ("deny", "synthetic_only")


def test_a_demonstration_does_not_open_a_recorded_gate(
    gated: Policy, demo_site: Site, now: int
) -> None:
    assert not ask(demo_site, Plane.ACTOR, gated, now).allowed


def test_without_a_register_the_actor_plane_alone_stays_closed(
    real_site: BuildSite, full_gate: LegalGate, gated: Policy, now: int
) -> None:
    for until, opens in ((0, False), (now, False), (now + 1, True)):
        site = replace(real_site(full_gate), register_until=until)

        assert ask(site, Plane.ACTOR, gated, now).allowed is opens
        assert ask(site, Plane.MEDIA, gated, now).allowed


@pytest.mark.parametrize("name", ["strict", "germany"])
def test_the_gate_is_for_persons_and_media_need_none(
    real_site: BuildSite, now: int, name: str
) -> None:
    policy, site = shipped(name), real_site(None)

    assert ask(site, Plane.MEDIA, policy, now).allowed
    assert ask(site, Plane.ACTOR, policy, now).code == "legal_gate"


def test_a_policy_may_keep_media_behind_the_gate_as_well(
    real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    text = shipped_text("strict").decode()
    gated = text.replace('planes = ["actor"]', 'planes = ["actor", "media"]', 1)
    policy = load_policy(gated.encode())

    assert not ask(real_site(None), Plane.MEDIA, policy, now).allowed
    assert ask(real_site(full_gate), Plane.MEDIA, policy, now).allowed


@given(st.integers(-(10**18), 10**18))
def test_any_time_gets_an_answer(now: int) -> None:
    gate = LegalGate(valid_until=date(2027, 1, 1))
    site = Site(("a.example",), (), gate)

    assert not ask(site, Plane.ACTOR, shipped("strict"), now).allowed


@given(
    st.sets(st.sampled_from(LegalGate.__struct_fields__)),
    st.integers(1_700_000_000, 1_900_000_000),
)
def test_no_incomplete_or_expired_gate_is_ever_open(
    gated: Policy,
    real_site: BuildSite,
    full_gate: LegalGate,
    absent: set[str],
    now: int,
) -> None:
    gate = msgspec.structs.replace(full_gate, **dict.fromkeys(absent))
    opened = ask(real_site(gate), Plane.ACTOR, gated, now).allowed

    assert opened is (not absent and 1_788_307_200 <= now < 1_803_859_200)


@given(
    st.sets(st.sampled_from(LegalGate.__struct_fields__)),
    st.tuples(*[st.dates(date(2026, 10, 1), date(2026, 12, 1))] * 3),
    st.sampled_from(["A. Ott", "D. Kaya"]),
    st.integers(-40, 40),
)
def test_the_open_days_are_those_on_which_nothing_is_missing(
    full_gate: LegalGate,
    absent: set[str],
    days: tuple[date, date, date],
    person: str,
    day: int,
) -> None:
    gate = msgspec.structs.replace(
        full_gate,
        dpo_approval=Approval(person, days[0]),
        management_approval=Approval("D. Kaya", days[1]),
        valid_until=days[2],
    )
    if len(absent) < 3:
        gate = msgspec.structs.replace(gate, **dict.fromkeys(absent))
    at = (day_number(days[2]) + day) * SECONDS_A_DAY

    assert (today(at) in open_days(gate)) is (missing(gate, at) == ())
    assert list(open_days(None)) == []
