# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import Policy, load_policy, shipped
from fedsafe_policies.engine import decide
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.gate import LegalGate, Site
from fedsafe_policies.rules.matching import (
    BodyFacts,
    HeaderFacts,
    MatchRequest,
    ReceiptRequest,
)
from fedsafe_policies.rules.retention import retention
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Scope,
    Surface,
)

BuildSite = Callable[[LegalGate | None], Site]
DAY = 86_400
BODY = BodyFacts(
    kind=IdentifierKind.PHONE,
    phenomenon=Phenomenon.GROOMING,
    surface=Surface.REGISTRATION,
    grade=Grade.CONFIRMED_CONDUCT,
    rule="r-grooming-1",
    since=date(2026, 9, 20),
    contact="https://a.demo/evidence",
)
_UNTIL, _ERASE = retention(BODY.kind, BODY.since, shipped("synthetic"))
HEADER = HeaderFacts(Plane.ACTOR, Scope.FEDERATION, _UNTIL, _ERASE)


def seconds_of(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY


def ask(
    request: MatchRequest | ReceiptRequest, site: Site, policy: Policy, now: int
) -> Decision:
    return decide(request, policy, shipped_calendar(), now, site)


@pytest.mark.promise("LR-23")
def test_a_match_is_a_reason_to_review(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    decision = ask(MatchRequest(HEADER, BODY), demo_site, synthetic, now)

    assert decision.allowed
    assert decision.obligations == {Obligation.AUDIT_EVENT, Obligation.REVIEW_TASK}


def test_a_received_signal_is_entered_in_the_ledger(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    decision = ask(ReceiptRequest(HEADER), demo_site, synthetic, now)

    assert decision.allowed
    assert Obligation.RECIPIENT_LEDGER in decision.obligations


def test_a_signal_stops_to_match_at_its_time(
    synthetic: Policy, demo_site: Site
) -> None:
    before = ask(MatchRequest(HEADER, BODY), demo_site, synthetic, _UNTIL - 1)
    after = ask(MatchRequest(HEADER, BODY), demo_site, synthetic, _UNTIL)

    assert before.allowed
    assert (after.rule, after.code) == ("P9", "retention")


def test_the_receivers_own_date_counts_as_well(
    synthetic: Policy, demo_site: Site
) -> None:
    stretched = replace(HEADER, match_until=_UNTIL + 99 * DAY, erase_after=_ERASE * 2)
    late = replace(stretched, erase_after=_UNTIL + 100 * DAY)

    assert (
        ask(MatchRequest(late, BODY), demo_site, synthetic, _UNTIL).code == "retention"
    )
    assert (
        ask(ReceiptRequest(stretched), demo_site, synthetic, _UNTIL).code == "retention"
    )


def test_a_signal_ends_when_its_origin_says_though_it_might_live_longer_here(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    ends = replace(HEADER, match_until=now + 60, erase_after=now + 60)
    requests = [
        MatchRequest(replace(ends, scope=scope), BODY)
        for scope in (Scope.FEDERATION, Scope.SELF)
    ]

    for request in requests:
        assert ask(request, demo_site, synthetic, now + 59).allowed
        assert ask(request, demo_site, synthetic, now + 60).code == "retention"
    assert ask(ReceiptRequest(ends), demo_site, synthetic, now + 60).code == "retention"


@pytest.mark.parametrize(
    ("plane", "last"),
    [(Plane.ACTOR, date(2027, 10, 9)), (Plane.MEDIA, date(2028, 10, 9))],
)
def test_no_opening_is_kept_longer_than_a_span_from_today_and_eight_days(
    synthetic: Policy, demo_site: Site, plane: Plane, last: date
) -> None:
    now = seconds_of(date(2026, 10, 1))
    kept = HeaderFacts(plane, Scope.FEDERATION, now + DAY, seconds_of(last))
    longer = replace(kept, erase_after=kept.erase_after + 1)

    assert ask(ReceiptRequest(kept), demo_site, synthetic, now).allowed
    assert ask(ReceiptRequest(kept), demo_site, synthetic, now - 1).code == "retention"
    assert ask(ReceiptRequest(longer), demo_site, synthetic, now).code == "retention"


def test_a_removal_may_be_of_tomorrow_somewhere_on_earth_and_not_later(
    synthetic: Policy, demo_site: Site
) -> None:
    now = seconds_of(BODY.since) - DAY
    header = HeaderFacts(Plane.ACTOR, Scope.FEDERATION, now + 2 * DAY, now + 2 * DAY)
    request = MatchRequest(header, BODY)

    assert ask(request, demo_site, synthetic, now).allowed
    assert ask(request, demo_site, synthetic, now - 1).code == "contradiction"


def test_a_file_on_a_list_of_harmless_ones_matches_for_nobody_but_its_lister(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    own = replace(HEADER, scope=Scope.SELF)
    receipt = ask(ReceiptRequest(HEADER, "logos"), demo_site, synthetic, now)
    match = ask(MatchRequest(HEADER, BODY, listed="logos"), demo_site, synthetic, now)
    closed = ask(
        ReceiptRequest(replace(HEADER, scope=Scope.SELF), "logos"),
        demo_site,
        synthetic,
        now,
    )

    for denied in (receipt, match):
        assert (denied.code, denied.about) == ("harmless_media", "logos")
    assert closed.code == "scope"
    listed = MatchRequest(own, BODY, listed="logos")
    assert ask(listed, demo_site, synthetic, now).allowed


def test_only_a_refused_surface_names_what_would_open_it(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    closed = replace(BODY, surface=Surface.NI_ICS_PRIVATE)
    surface = ask(MatchRequest(HEADER, closed), demo_site, synthetic, now)
    disputed = MatchRequest(HEADER, BODY, disputed=True)
    other = ask(disputed, demo_site, synthetic, now)

    assert surface.about == shipped_calendar().nearest(Surface.NI_ICS_PRIVATE) != ""
    assert other.about == ""


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        ({"plane": Plane.MEDIA}, {}, "contradiction"),
        ({}, {"kind": MediaKind.MD5}, "contradiction"),
        ({"erase_after": _UNTIL - 1}, {}, "contradiction"),
        ({}, {"since": date(2026, 12, 1)}, "contradiction"),
        ({}, {"rule": "he did it"}, "free_text"),
        ({}, {"contact": "him@example.org"}, "free_text"),
        ({}, {"grade": Grade.SINGLE_REPORT}, "single_report"),
        ({}, {"surface": Surface.NI_ICS_PRIVATE}, "surface"),
        ({}, {"phenomenon": Phenomenon.SEXTING_EXPOSURE}, "phenomenon_off"),
        ({}, {"since": date(2025, 1, 1)}, "retention"),
    ],
)
def test_each_rule_suppresses(
    demo_site: Site,
    now: int,
    header: dict[str, object],
    body: dict[str, object],
    code: str,
) -> None:
    decision = ask(
        MatchRequest(
            replace(HEADER, **header),  # type: ignore[arg-type]
            replace(BODY, **body),  # type: ignore[arg-type]
        ),
        demo_site,
        shipped("synthetic"),
        now,
    )

    assert (decision.effect, decision.code) == ("deny", code)


def test_a_disputed_signal_rests(synthetic: Policy, demo_site: Site, now: int) -> None:
    request = MatchRequest(HEADER, BODY, disputed=True)
    decision = ask(request, demo_site, synthetic, now)

    assert (decision.rule, decision.code) == ("P10", "disputed")


def test_a_surface_that_policy_does_not_share_is_not_matched(
    synthetic_text: str, demo_site: Site, now: int
) -> None:
    text = synthetic_text.replace(', "registration", "shop"]', "]")
    decision = ask(
        MatchRequest(HEADER, BODY), demo_site, load_policy(text.encode()), now
    )

    assert (decision.rule, decision.code) == ("P3", "surface")


def test_an_own_ban_of_another_node_is_not_kept(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    own = replace(HEADER, scope=Scope.SELF)

    assert ask(ReceiptRequest(own), demo_site, synthetic, now).code == "scope"


def test_own_bans_match_before_any_gate(real_site: BuildSite, now: int) -> None:
    own = replace(HEADER, scope=Scope.SELF)
    strict = shipped("strict")
    decision = ask(MatchRequest(own, BODY), real_site(None), strict, now)

    assert (decision.effect, decision.code) == ("allow", "own_ban")


@pytest.mark.promise("LR-01")
def test_a_closed_gate_keeps_and_matches_nothing_of_others(
    gated: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    closed, opened = real_site(None), real_site(full_gate)

    assert ask(ReceiptRequest(HEADER), closed, gated, now).code == "legal_gate"
    assert ask(MatchRequest(HEADER, BODY), closed, gated, now).code == "legal_gate"
    assert ask(ReceiptRequest(HEADER), opened, gated, now).allowed
    assert ask(MatchRequest(HEADER, BODY), opened, gated, now).allowed


def test_synthetic_matches_nothing_on_a_real_site(
    synthetic: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    site = real_site(full_gate)
    own = replace(HEADER, scope=Scope.SELF)

    assert ask(MatchRequest(own, BODY), site, synthetic, now).code == "synthetic_only"
    assert ask(ReceiptRequest(HEADER), site, synthetic, now).code == "synthetic_only"


def test_strict_takes_no_actor_signal_of_others(
    real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    strict = shipped("strict")
    decision = ask(ReceiptRequest(HEADER), real_site(full_gate), strict, now)

    assert (decision.rule, decision.code) == ("default", "not_allowed")


def test_strict_takes_only_what_it_switched_on(
    real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    strict, site = shipped("strict"), real_site(full_gate)
    header = replace(HEADER, plane=Plane.MEDIA)
    media = replace(
        BODY,
        kind=MediaKind.SHA1,
        phenomenon=Phenomenon.SEXTORTION,
        grade=Grade.CONFIRMED_MEDIA,
    )
    off = replace(media, phenomenon=Phenomenon.SEXTING_EXPOSURE)
    weaker = replace(media, grade=Grade.CONFIRMED_CONDUCT)

    assert ask(MatchRequest(header, media), site, strict, now).allowed
    assert ask(MatchRequest(header, off), site, strict, now).code == "phenomenon_off"
    assert ask(MatchRequest(header, weaker), site, strict, now).code == "not_allowed"


HEADERS = st.builds(
    HeaderFacts,
    plane=st.sampled_from(Plane),
    scope=st.sampled_from(Scope),
    match_until=st.integers(0, 2**63),
    erase_after=st.integers(0, 2**63),
)
BODIES = st.builds(
    BodyFacts,
    kind=st.one_of(st.sampled_from(IdentifierKind), st.sampled_from(MediaKind)),
    phenomenon=st.sampled_from(Phenomenon),
    surface=st.sampled_from(Surface),
    grade=st.sampled_from(Grade),
    rule=st.just("r-1") | st.text(max_size=5),
    since=st.dates(),
    contact=st.none() | st.text(max_size=5),
)


@given(HEADERS, BODIES, st.integers(-(10**15), 10**15))
def test_any_signal_gets_a_decision_and_none_lives_for_ever(
    header: HeaderFacts, body: BodyFacts, now: int
) -> None:
    site = Site(("a.demo",), ("127.0.0.1:1",))
    synthetic = shipped("synthetic")
    receipt = ask(ReceiptRequest(header), site, synthetic, now)
    match = ask(MatchRequest(header, body), site, synthetic, now)

    if receipt.allowed:
        assert header.erase_after - now < 800 * DAY
    if match.allowed:
        assert now < header.match_until
        assert now < retention(body.kind, body.since, synthetic)[0]
    if match.allowed and header.scope is Scope.FEDERATION:
        assert receipt.allowed
        assert body.grade is not Grade.SINGLE_REPORT
