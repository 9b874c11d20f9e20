# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.limits import ROLE_PURPOSES
from fedsafe_policies.documents.policy import Policy, shipped
from fedsafe_policies.engine import decide
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.gate import LegalGate, Site
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.vocabulary import Plane, Purpose, Role, Surface

BuildSite = Callable[[LegalGate | None], Site]
SIGN_UP = LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.ACTOR)


def ask(request: LookupRequest, site: Site, policy: Policy, now: int) -> Decision:
    return decide(request, policy, shipped_calendar(), now, site)


def test_a_service_asks_at_sign_up(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    decision = ask(SIGN_UP, demo_site, synthetic, now)

    assert (decision.effect, decision.rule) == ("allow", "P8")
    assert decision.obligations == {Obligation.AUDIT_EVENT}


@pytest.mark.parametrize(
    "request_",
    [
        LookupRequest(Role.SERVICE, Purpose.MODERATION_REVIEW, Plane.ACTOR),
        LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.MEDIA),
        LookupRequest(Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.ACTOR, Surface.SHOP),
        LookupRequest(Role.OPERATOR, Purpose.OPERATIONS, Plane.ACTOR),
        LookupRequest(Role.AUDITOR, Purpose.AUDIT_REVIEW, Plane.ACTOR),
    ],
)
def test_a_purpose_outside_role_or_plane_is_refused(
    synthetic: Policy, demo_site: Site, now: int, request_: LookupRequest
) -> None:
    decision = ask(request_, demo_site, synthetic, now)

    assert (decision.effect, decision.rule) == ("deny", "P8")


@pytest.mark.promise("LR-10")
@pytest.mark.parametrize("name", ["strict", "synthetic"])
def test_no_policy_allows_a_role_more_than_its_purposes(
    demo_site: Site, now: int, name: str
) -> None:
    for role, purpose, plane in product(Role, Purpose, Plane):
        request = LookupRequest(role, purpose, plane, Surface.PUBLIC_CONTENT)
        if ask(request, demo_site, shipped(name), now).allowed:
            assert purpose in ROLE_PURPOSES[role]
            assert role not in {Role.OPERATOR, Role.AUDITOR}


@pytest.mark.parametrize(
    "request_",
    [
        LookupRequest(Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.MEDIA),
        LookupRequest(Role.ANALYST, Purpose.MODERATION_REVIEW, Plane.ACTOR),
        LookupRequest(Role.REVIEWER, Purpose.ESCALATION, Plane.ACTOR),
    ],
)
def test_a_purpose_that_says_no_surface_needs_one(
    synthetic: Policy, demo_site: Site, now: int, request_: LookupRequest
) -> None:
    decision = ask(request_, demo_site, synthetic, now)
    named = replace(request_, surface=Surface.HOSTED_PRIVATE)

    assert (decision.rule, decision.code) == ("P3", "surface_missing")
    assert ask(named, demo_site, synthetic, now).allowed


def test_behind_a_closed_gate_only_own_bans_are_asked(
    gated: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    closed = ask(SIGN_UP, real_site(None), gated, now)
    opened = ask(SIGN_UP, real_site(full_gate), gated, now)

    assert closed.allowed
    assert Obligation.OWN_BANS_ONLY in closed.obligations
    assert Obligation.OWN_BANS_ONLY not in opened.obligations


def test_strict_asks_peers_about_media_only(
    real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    strict, site = shipped("strict"), real_site(full_gate)
    media = LookupRequest(
        Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.MEDIA, Surface.SHOP
    )
    about_media = ask(media, site, strict, now)

    assert about_media.allowed
    assert Obligation.OWN_BANS_ONLY not in about_media.obligations
    about_person = ask(SIGN_UP, site, strict, now)
    assert Obligation.OWN_BANS_ONLY in about_person.obligations


def test_synthetic_asks_nothing_on_a_real_site(
    synthetic: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    decision = ask(SIGN_UP, real_site(full_gate), synthetic, now)

    assert (decision.effect, decision.code) == ("deny", "synthetic_only")
