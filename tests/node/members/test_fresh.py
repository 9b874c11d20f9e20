# SPDX-License-Identifier: Apache-2.0
"""Fresh nodes in a federation: files from the first day, persons behind the gate."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.attested_gates import FILE, LONG
from tests.support.fleet import NAMES, Fleet, eventually, found, make

from fedsafe_node.acts.bodies import (
    Kind,
)
from fedsafe_node.ground.errors import DeniedError
from fedsafe_policies.rules.disclosure import Audience, OpeningRequest, Recipient
from fedsafe_policies.rules.matching import HeaderFacts, ReceiptRequest
from fedsafe_policies.vocabulary import Circle, Plane, Purpose, Scope

WHO = "person@mail.example"


@pytest.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give three founded nodes: a.demo under `germany`, the others under `strict`."""
    fleet = await make(tmp_path / "n", *NAMES, policy="strict")
    path = fleet.place("a.demo").config
    path.write_text(path.read_text().replace('"strict"', '"germany"'))
    await fleet.start(*NAMES)
    await found(fleet, *NAMES)
    yield fleet
    await fleet.close()


async def share_file(fleet: Fleet, name: str) -> str:
    """Publish a file's hash and wait until the others hold the record."""
    request = request_for(
        FILE, kind=Kind.SHA256, scope=Scope.FEDERATION, rule="house-2"
    )
    signals = fleet[name].services.signals
    with pytest.raises(DeniedError):
        await signals.add(request, BOT)
    added = await signals.add(request, ANNA)
    await signals.approve([added.signal], RITA)
    await fleet.level(name, [each for each in NAMES if each != name])
    return added.signal


async def test_files_are_exchanged_without_a_gate(fresh: Fleet) -> None:
    signal = await share_file(fresh, "b.demo")

    async def matched() -> bool:
        answer = await fresh.look_up("c.demo", FILE, Kind.SHA256)
        return [each.signal for each in answer.matches] == [signal]

    await eventually(matched)
    recipients = fresh["b.demo"].services.recipients
    told = await recipients.show(signal, RITA, Purpose.RIGHTS_OF_THE_PERSON)
    assert {each.recipient for each in told.recipients} == {"a.demo", "c.demo"}
    assert all(node.base.situation.gate is None for node in fresh.running.values())


async def test_persons_are_refused_both_ways_without_a_gate(fresh: Fleet) -> None:
    node = fresh["b.demo"]
    outward = request_for(WHO, scope=Scope.FEDERATION, rule="house-2")
    with pytest.raises(DeniedError) as refused:
        await node.services.signals.add(outward, ANNA)
    situation, now = node.base.situation, fresh.clock.now()
    header = HeaderFacts(Plane.ACTOR, Scope.FEDERATION, LONG, LONG)
    everybody = Audience(Circle.FEDERATION)
    other = Recipient("a.demo", member=True, jurisdiction="DE", attested_until=LONG)
    purpose = Purpose.MODERATION_REVIEW
    handed = OpeningRequest(Plane.ACTOR, everybody, other, purpose, "charter:1")

    assert refused.value.decision.code == "legal_gate"
    assert situation.decide(ReceiptRequest(header), now).code == "legal_gate"
    assert situation.decide(handed, now).code == "legal_gate"
