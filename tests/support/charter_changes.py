# SPDX-License-Identifier: Apache-2.0
"""Changes of a charter: a fourth member, and new keys."""

import pytest
from tests.support.council import agree, at_version, vote
from tests.support.fleet import NAMES, Fleet, make

from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_policies.vocabulary import Role

PERSON = "somebody@mail.example"


async def matches(fleet: Fleet, name: str, value: str = PERSON) -> int:
    return len((await fleet.look_up(name, value)).matches)


async def faults(fleet: Fleet, name: str) -> list[str]:
    found = await fleet[name].services.audits.verify(LOCAL)
    logs = [f"{each.log}: {each.why}" for each in found.logs if not each.ok]
    return logs + [f"{each.table}: {each.why}" for each in found.tables if not each.ok]


NEW = "d.demo"
OLAF = Principal("olaf", Role.OPERATOR)


@pytest.fixture
async def four(trio: Fleet) -> Fleet:
    """Give three members, and a fourth node that runs and belongs to nothing."""
    await make(trio.root, NEW)
    await trio.start(NEW)
    return trio


async def invitation(fleet: Fleet, by: str = "a.demo", hours: int = 24) -> str:
    return (await fleet[by].services.inviting.invite(hours, OLAF)).invitation


async def asked_of(node: RunningNode, stolen_since: int | None = None) -> bytes:
    """Let a node make new keys; return the version that brings them."""
    base = node.base
    change = Change(kind=ChangeKind.KEYS, member=base.config.name, stolen=stolen_since)
    found = await node._made.ballot.present()  # noqa: SLF001
    assert found is not None
    card = await node.services.charters._card(found, change)  # noqa: SLF001
    now = int(base.clock.now().timestamp())
    return encode(amended(found.version, change, now=now, card=card))


async def ask_for_keys(
    fleet: Fleet, name: str = "c.demo", stolen_since: int | None = None
) -> bytes:
    return await asked_of(fleet[name], stolen_since)


async def rotate(fleet: Fleet, name: str = "c.demo", *by: str, number: int = 2) -> None:
    payload = await ask_for_keys(fleet, name)
    proposal = await vote(fleet, name, payload)
    await agree(fleet, proposal, *(by or ("a.demo",)))
    await at_version(fleet, number, *NAMES)
