# SPDX-License-Identifier: Apache-2.0
"""A fleet whose members begin a new epoch, by the ceremony and a vote."""

from asyncio import to_thread
from collections.abc import Sequence

from tests.support.ceremonies import MemoryStates
from tests.support.council import agree, at_version, present, vote
from tests.support.fleet import NAMES, Fleet

from fedsafe_federation.charter.renewal import Attendant, Kept, Renewed, Resharing
from fedsafe_federation.charter.resharing import ResharingProposal, sign_resharing
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.keys.own_keys import MediaKeys, write_epoch_keys

YEAR = 365 * 24 * 3600


async def opened(fleet: Fleet, *names: str) -> dict[str, Renewed]:
    """Let all holders make the keys of the next epoch."""
    version = (await present(fleet, names[0])).version
    newest, now = version.charter.newest, int(fleet.clock.now().timestamp())
    terms = ResharingProposal(
        federation=version.charter.federation,
        charter=version.digest,
        epoch=newest.epoch,
        generation=newest.generation,
        threshold=2,
        created=now,
        deadline=now + 3600,
        ends=now + YEAR,
        commits=True,
    )
    keys = {name: fleet[name].base.keys.statement for name in names}
    proposal = sign_resharing(terms, convenor=names[0], key=keys[names[0]])
    sides = {
        name: Resharing(Attendant(name, key), version, proposal, MemoryStates())
        for name, key in keys.items()
    }
    return await to_thread(_played, sides, now)


def _played(sides: dict[str, Resharing], now: int) -> dict[str, Renewed]:
    said: list[Signed] = []
    renewed: dict[str, Renewed] = {}
    while len(renewed) < len(sides):
        for name, side in sides.items():
            step = side.step(said, now=now)
            said += [each for each in step.owed if each not in said]
            if step.renewed is not None:
                renewed[name] = step.renewed
    return renewed


def keep(fleet: Fleet, name: str, kept: Kept | None) -> None:
    assert kept is not None
    media = MediaKeys(kept.token_key, kept.group_key)
    write_epoch_keys(fleet.place(name), kept.share, media)


async def rotate(fleet: Fleet, names: Sequence[str] = NAMES) -> None:
    """Begin the next epoch: keys first, then the version that shows them."""
    first, *others = names
    renewed = await opened(fleet, *names)
    for name in names:
        await to_thread(keep, fleet, name, renewed[name].keys)
    proposal = await vote(fleet, first, renewed[first].payload)
    await agree(fleet, proposal, others[0])
    await at_version(fleet, renewed[first].charter.version, *names)
