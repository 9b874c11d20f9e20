# SPDX-License-Identifier: Apache-2.0
"""Rounds of a ceremony, and thresholds that people have agreed on."""

from collections.abc import Sequence

from tests.support.council import TWO
from tests.support.fleet import Fleet
from tests.support.resharing_fleet import ceremonies_of, entry_of

from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.members.ceremonies.resharing_requests import Rotation, RotationEffect


async def go_round(fleet: Fleet, seen: list[Signed], names: Sequence[str]) -> None:
    for name in names:
        owed = await fleet[name].services.foundings.step(seen, local=True)
        seen += [message for message in owed if message not in seen]


def states(fleet: Fleet) -> list[str]:
    return sorted(path.name for path in fleet.root.glob("*/keys/founding-*"))


async def agree_on(
    fleet: Fleet, name: str, threshold: int, *, opens: bool = False
) -> None:
    """Let two people of a node agree on a threshold."""
    effect = RotationEffect(ceremonies_of(fleet, name), fleet[name]._made.tending.run)  # noqa: SLF001
    content = Rotation(
        epoch=1,
        generation=entry_of(fleet, name).generation,
        threshold=threshold,
        version=1,
        opens=opens,
        changes=[],
    )
    learn = await fleet[name].base.store.write(
        lambda tx: effect.carry_out(tx, encode(content), *TWO)
    )
    await learn()
