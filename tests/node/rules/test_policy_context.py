# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import msgspec
import pytest
from tests.support.fleet import BEGAN, Fleet, config_of

from fedsafe_crypto.primitives.ristretto import random_scalar
from fedsafe_node.ground.config import Listen
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.rules.policy_bundle import Provisions
from fedsafe_node.rules.policy_context import Coverage, Situation
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.rules.gate import LegalGate

STALE = timedelta(seconds=60)


def situation(host: str = "127.0.0.1", name: str = "a.demo") -> Situation:
    config = config_of(name, 8443)
    config = msgspec.structs.replace(config, listen=Listen(host, 8443))
    own = OwnList(name, OwnKeys(random_scalar(), MediaKeys(bytes(32), bytes(32))))
    return Situation(config, Provisions(shipped("synthetic")), own)


def test_an_origin_is_covered_while_its_copy_is_fresh() -> None:
    coverage = Coverage(STALE)
    before = coverage.covers("b.demo", BEGAN)
    coverage.saw("b.demo", BEGAN)

    assert not before
    assert coverage.covers("b.demo", BEGAN + STALE)
    assert not coverage.covers("b.demo", BEGAN + STALE + timedelta(seconds=1))
    assert coverage.last("b.demo") == BEGAN
    assert coverage.last("c.demo") is None


def test_a_suspended_origin_is_never_covered() -> None:
    coverage = Coverage(STALE)
    coverage.saw("b.demo", BEGAN)
    coverage.suspended.add("b.demo")

    assert not coverage.covers("b.demo", BEGAN)


def test_a_node_alone_lacks_nobody() -> None:
    assert situation().not_covered(BEGAN) == []
    assert situation().others() == []


@pytest.mark.parametrize(
    ("host", "demo"),
    [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("192.0.2.7", False)],  # noqa: S104
)
def test_only_loopback_is_a_demonstration(host: str, *, demo: bool) -> None:
    assert situation(host).site.demo is demo


def test_a_name_outside_demo_is_no_demonstration() -> None:
    assert not situation(name="a.example").site.demo


def test_a_gate_record_counts_from_its_entry_on() -> None:
    now = situation()
    gate = LegalGate(dpia="DPIA-7")
    now.record_gate(gate)

    assert now.site.gate == gate
    assert now.gate == gate


async def test_others_stay_known_after_a_gate_record(trio: Fleet) -> None:
    now = trio["a.demo"].base.situation
    before = now.site
    now.record_gate(LegalGate())

    assert now.site.names == before.names == ("a.demo", "b.demo", "c.demo")
    assert len(now.site.addresses) == 4
    assert now.others() == ["b.demo", "c.demo"]


def test_what_witnesses_prove_of_a_copy_counts_for_a_day() -> None:
    now, coverage = BEGAN, Coverage(STALE)
    coverage.since = now
    coverage.saw("a.demo", now - timedelta(hours=2))
    before = coverage.is_current("a.demo", now)
    coverage.caught_up("a.demo", now - timedelta(hours=23))
    coverage.caught_up("a.demo", now - timedelta(hours=30))

    assert not before
    assert coverage.is_current("a.demo", now)
    assert not coverage.is_current("a.demo", now + timedelta(hours=2))
    assert not coverage.covers("a.demo", now)
