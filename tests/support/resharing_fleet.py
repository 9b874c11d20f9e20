# SPDX-License-Identifier: Apache-2.0
"""Fleets whose members share their key anew, over sockets and with one clock."""

from datetime import timedelta
from pathlib import Path

from tests.support.council import agree, at_version, propose, vote
from tests.support.fleet import PATIENCE, Fleet, eventually, make

from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import Epoch
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.membership import Membership
from fedsafe_node.members.ceremonies.exchange import Carrying
from fedsafe_node.members.ceremonies.kinds import GRACE
from fedsafe_node.members.ceremonies.record import Scene, read_scene
from fedsafe_node.members.ceremonies.service import Ceremonies
from fedsafe_policies.vocabulary import Role

OLAF = Principal("olaf", Role.OPERATOR)
WAIT = timedelta(seconds=GRACE + 1)


def ceremonies_of(fleet: Fleet, name: str) -> Ceremonies:
    return fleet[name]._made.ceremonies  # noqa: SLF001


def carrying_of(fleet: Fleet, name: str) -> Carrying:
    return fleet[name]._made.carrying  # noqa: SLF001


async def scene_of(fleet: Fleet, name: str) -> Scene:
    scene = await fleet[name].base.store.read(read_scene)
    assert scene is not None
    return scene


def membership_of(fleet: Fleet, name: str) -> Membership:
    shared = fleet[name].base.situation.shared
    assert shared is not None
    return shared.membership


def entry_of(fleet: Fleet, name: str) -> Epoch:
    return membership_of(fleet, name).epoch


async def joined(fleet: Fleet, *names: str) -> None:
    """Let nodes join one after the other, by the signatures of all members."""
    await make(fleet.root, *names)
    for name in names:
        members = list(fleet.running)
        await fleet.start(name)
        services = fleet["a.demo"].services
        made = await services.inviting.invite(24, OLAF)
        joining = fleet[name].services.joining
        await joining.join(made.invitation)
        version = membership_of(fleet, "a.demo").version
        change = Change(kind=ChangeKind.JOIN, member=name)
        card = await services.admitting.card_of(name)
        now = int(fleet.clock.now().timestamp())
        payload = encode(amended(version, change, now=now, card=card))
        proposal = await vote(fleet, "a.demo", payload)
        await joining.run()
        await agree(fleet, proposal, *(m for m in members if m != "a.demo"))
        number = version.charter.version + 1
        await at_version(fleet, number, *members)
        await joining.run()
        await at_version(fleet, number, name)


async def left(fleet: Fleet, name: str) -> None:
    """Let a member leave; it still runs."""
    number = membership_of(fleet, name).charter.version + 1
    others = [each for each in fleet.running if each != name]
    proposal = await propose(fleet, name, ChangeKind.LEAVE, name)
    await agree(fleet, proposal, *others)
    await at_version(fleet, number, *others)


async def tend(fleet: Fleet, *names: str) -> None:
    """Let the job of some run, or of all."""
    for name in names or list(fleet.running):
        await fleet[name]._made.tending.run()  # noqa: SLF001


async def due(fleet: Fleet) -> None:
    """Let all see what is due, wait as long as they do, and propose it."""
    await tend(fleet)
    fleet.clock.advance(WAIT)
    await tend(fleet)


async def at_generation(fleet: Fleet, generation: int, *names: str) -> None:
    """Wait until members have taken a generation up."""

    async def there() -> bool:
        return all(entry_of(fleet, each).generation == generation for each in names)

    await eventually(there, 6 * PATIENCE)  # five nodes of one process, four rounds


def shares_of(fleet: Fleet, name: str) -> list[Path]:
    return sorted(fleet.place(name).keys.glob("share-*.key"))
