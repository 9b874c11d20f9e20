# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from itertools import product

import pytest

from fedsafe_policies.decision import Obligation
from fedsafe_policies.gate import LegalGate, Site
from fedsafe_policies.lookups import LookupRequest, decide_lookup
from fedsafe_policies.policy import ROLE_PURPOSES, Policy, shipped
from fedsafe_policies.vocabulary import Plane, Purpose, Role

BuildSite = Callable[[LegalGate | None], Site]
SIGN_UP = LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.ACTOR)


def test_a_service_asks_at_sign_up(
    synthetic: Policy, demo_site: Site, now: int
) -> None:
    decision = decide_lookup(SIGN_UP, demo_site, synthetic, now)

    assert (decision.effect, decision.rule) == ("allow", "P8")
    assert decision.obligations == {Obligation.AUDIT_EVENT}


@pytest.mark.parametrize(
    "request_",
    [
        LookupRequest(Role.SERVICE, Purpose.MODERATION_REVIEW, Plane.ACTOR),
        LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.MEDIA),
        LookupRequest(Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.ACTOR),
        LookupRequest(Role.OPERATOR, Purpose.OPERATIONS, Plane.ACTOR),
        LookupRequest(Role.AUDITOR, Purpose.AUDIT_REVIEW, Plane.ACTOR),
    ],
)
def test_a_purpose_outside_role_or_plane_is_refused(
    synthetic: Policy, demo_site: Site, now: int, request_: LookupRequest
) -> None:
    decision = decide_lookup(request_, demo_site, synthetic, now)

    assert (decision.effect, decision.rule) == ("deny", "P8")


@pytest.mark.parametrize("name", ["strict", "synthetic"])
def test_no_policy_allows_a_role_more_than_its_purposes(
    demo_site: Site, now: int, name: str
) -> None:
    for role, purpose, plane in product(Role, Purpose, Plane):
        request = LookupRequest(role, purpose, plane)
        if decide_lookup(request, demo_site, shipped(name), now).allowed:
            assert purpose in ROLE_PURPOSES[role]
            assert role in {Role.SERVICE, Role.ANALYST, Role.REVIEWER}


def test_behind_a_closed_gate_only_own_bans_are_asked(
    gated: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    closed = decide_lookup(SIGN_UP, real_site(None), gated, now)
    opened = decide_lookup(SIGN_UP, real_site(full_gate), gated, now)

    assert closed.allowed
    assert Obligation.OWN_BANS_ONLY in closed.obligations
    assert Obligation.OWN_BANS_ONLY not in opened.obligations


def test_strict_asks_peers_about_media_only(
    real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    strict, site = shipped("strict"), real_site(full_gate)
    media = LookupRequest(Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.MEDIA)
    about_media = decide_lookup(media, site, strict, now)

    assert Obligation.OWN_BANS_ONLY not in about_media.obligations
    about_person = decide_lookup(SIGN_UP, site, strict, now)
    assert Obligation.OWN_BANS_ONLY in about_person.obligations


def test_synthetic_asks_nothing_on_a_real_site(
    synthetic: Policy, real_site: BuildSite, full_gate: LegalGate, now: int
) -> None:
    decision = decide_lookup(SIGN_UP, real_site(full_gate), synthetic, now)

    assert (decision.effect, decision.code) == ("deny", "synthetic_only")
