# SPDX-License-Identifier: Apache-2.0
"""Sites, gates and policies that the tests of this room decide with."""

from collections.abc import Callable
from datetime import date
from importlib.resources import files

import pytest

from fedsafe_policies.documents.policy import Policy, load_policy, shipped
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate, Site

NOW = 1_790_000_000  # 2026-09-21


@pytest.fixture(scope="session")
def now() -> int:
    return NOW


@pytest.fixture(scope="session")
def synthetic() -> Policy:
    return shipped("synthetic")


@pytest.fixture(scope="session")
def synthetic_text() -> str:
    folder = files("fedsafe_policies").joinpath("data")
    return folder.joinpath("synthetic.toml").read_text("utf-8")


@pytest.fixture(scope="session")
def gated(synthetic_text: str) -> Policy:
    """All that `synthetic` shares, behind a recorded gate."""
    text = synthetic_text.replace('mode = "synthetic"', 'mode = "record"')
    return load_policy(text.replace('name = "synthetic"', 'name = "gated"').encode())


@pytest.fixture(scope="session")
def full_gate() -> LegalGate:
    return LegalGate(
        legal_basis="gdpr-6-1-f/2026-03",
        balancing_test="doc:bt-7",
        dpia="doc:dpia-2",
        consultation=Consultation.NOT_REQUIRED,
        consultation_reference="note:art36-1",
        arrangement="jca-1.2",
        dpo_approval=Approval("dana", date(2026, 9, 1)),
        management_approval=Approval("max", date(2026, 9, 2)),
        valid_until=date(2027, 3, 1),
    )


@pytest.fixture(scope="session")
def demo_site() -> Site:
    return Site(("a.demo", "b.demo"), ("http://127.0.0.1:8401", "[::1]:8402"))


@pytest.fixture(scope="session")
def real_site() -> Callable[[LegalGate | None], Site]:
    def build(gate: LegalGate | None) -> Site:
        return Site(("a.example.org",), ("https://192.0.2.7",), gate, NOW + 10**9)

    return build
