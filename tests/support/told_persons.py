# SPDX-License-Identifier: Apache-2.0
"""A node that tells listed persons, and what keeps that back."""

from datetime import date

import pytest
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet

from fedsafe_node.acts.cases import OpenCase
from fedsafe_node.acts.notices import SignOffRequest, TextName
from fedsafe_node.acts.orders import AddOrder
from fedsafe_node.acts.provider_events import FollowQuery, ProviderEvent
from fedsafe_node.ground.principal import Principal
from fedsafe_node.notices.provider_events.upkeep import EventUpkeep
from fedsafe_node.notices.upkeep import NoticeUpkeep
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.orders import OrderKind
from fedsafe_policies.escalation.package import Threat
from fedsafe_policies.escalation.vocabulary import Danger, Urgency
from fedsafe_policies.vocabulary import Role, Scope

A = "a.demo"
ADA = Principal("ada", Role.ESCALATION_OFFICER)
DORA = Principal("dora", Role.DPO)
SHOP = Principal("shop", Role.SERVICE)
VALUE = "person@mail.example"


@pytest.fixture
def node(trio: Fleet) -> Fleet:
    return trio


async def sign(
    fleet: Fleet, name: TextName, valid_until: date = date(2027, 11, 1)
) -> None:
    digest = fleet[A].notices.texts[name].digest
    request = SignOffRequest(digest=digest, valid_until=valid_until)
    await fleet[A].services.notices.sign_off(name, request, DORA)


async def sign_all(fleet: Fleet, valid_until: date = date(2027, 11, 1)) -> None:
    for name in TextName:
        await sign(fleet, name, valid_until)


async def draft(fleet: Fleet, value: str = VALUE, ref: str | None = "user-1") -> str:
    request = request_for(value, scope=Scope.FEDERATION, subject_ref=ref)
    return (await fleet[A].services.signals.add(request, ANNA)).signal


async def publish(fleet: Fleet, value: str = VALUE, ref: str | None = "user-1") -> str:
    signal = await draft(fleet, value, ref)
    await fleet[A].services.signals.approve([signal], RITA)
    return signal


async def tend(fleet: Fleet) -> None:
    node = fleet[A]
    base = node.base
    await EventUpkeep(base.store, base.trail, base.clock, base.announcer).run()
    await NoticeUpkeep(base.store, node.notices).run()


async def told(fleet: Fleet) -> list[ProviderEvent]:
    events = (await fleet[A].services.events.read(FollowQuery(), SHOP)).events
    return [each for each in events if each.kind == "notice.due"]


def secret_order(now: int, until: int, case: str | None) -> AddOrder:
    return AddOrder(
        kind=OrderKind.EPOC,
        received_at=now,
        authority="Parquet de Paris",
        reference="4711",
        basis="Art. 5",
        scope="Konto user-1",
        secret_until=until,
        case=case,
    )


async def open_case(node: Fleet) -> str:
    now = int(node[A].base.clock.now().timestamp())
    opening = OpenCase(
        urgency=Urgency.U2,
        known_at=now,
        threat=Threat(danger=Danger.NO, reason="Nichts ist verabredet."),
        sources=(CaseSource.OWN_REVIEW,),
    )
    return (await node[A].services.cases.open(opening, ADA)).case
