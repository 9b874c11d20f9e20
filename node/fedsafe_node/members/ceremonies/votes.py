# SPDX-License-Identifier: Apache-2.0
"""The node's votes on what ceremonies ended with.

Its people have agreed to take part, or did not have to: so nobody is asked again. Two
ceremonies for one generation may both end. Then all choose alike, by the digest: who
has signed neither refuses the other, until that one is dead for whoever signed it.
"""

import logging
from collections.abc import Mapping, Sequence

from fedsafe_federation.charter.charter import Charter, Member, charter_digest
from fedsafe_federation.charter.renewal_rules import (
    fitting,
    is_ending,
    is_exposed,
    renewal_in,
)
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.members.ceremonies.kinds import ResharingKind
from fedsafe_node.members.ceremonies.record import Scene, opened_of
from fedsafe_node.members.charter.ballot import Ballot, Present
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store

_LOG = logging.getLogger(f"{LOGGER}.renewing")


class Votes:
    """Signs and refuses, without asking."""

    def __init__(
        self,
        situation: Situation,
        store: Store,
        ballot: Ballot,
        kinds: Mapping[str, ResharingKind],
    ) -> None:
        self._situation = situation
        self._store = store
        self._ballot = ballot
        self._kinds = kinds

    async def run(self, scene: Scene) -> None:
        """Sign what ceremonies ended with; of two that rival, what all would choose."""
        present = await self._ballot.present()
        if present is None or present.version.digest != scene.version.digest:
            return
        node = self._situation.node
        for ended in self._ended(scene, present):
            first, *later = sorted(ended, key=charter_digest)
            for payload in [first, *later]:
                known = present.pending.find(charter_digest(payload))
                said = known is not None and (
                    node in known.signers() | known.refusers()
                )
                if not said and (payload == first or known is not None):
                    await self._say(payload, refuse=payload != first)

    def _ended(self, scene: Scene, present: Present) -> list[list[bytes]]:
        """Give by target the versions that this node vouches for."""
        found: dict[tuple[int, int], list[bytes]] = {}
        for each in scene.kept.attempts:
            if each.agreed:
                target = opened_of(scene.version, self._kinds, each).target
                found.setdefault(target, []).append(each.agreed)
        if self._situation.node not in names_of(scene.version.charter.willing()):
            for target, payload in onlooked(scene, present):
                found.setdefault(target, []).append(payload)
        return list(found.values())

    async def _say(self, payload: bytes, *, refuse: bool) -> None:
        try:
            await self._store.write(
                lambda tx: self._ballot.sign(tx, payload, refuse=refuse)
            )
        except WrongStateError as error:
            # Another version was signed here, which may still come to count.
            _LOG.info("no vote for a ceremony yet", extra=fields(reason=error.code))
            return
        await self._ballot.signed()


def names_of(members: Sequence[Member]) -> set[str]:
    """Name some members."""
    return {each.name for each in members}


def onlooked(scene: Scene, present: Present) -> list[tuple[tuple[int, int], bytes]]:
    """Give proposals, and what they bring, that a member without a share may sign.

    They bring a generation and nothing else, with the threshold that fits, held by all
    who should: each of them has signed for its share.
    """
    before = present.version.charter
    willing = {each.index for each in before.willing()}
    found: list[tuple[tuple[int, int], bytes]] = []
    for proposed in present.pending.proposals:
        entry = renewal_in(before, decode(proposed.payload, Charter))
        if entry is None or {pin.index for pin in entry.pins} != willing:
            continue
        same = [each for each in before.epochs if each.epoch == entry.epoch]
        old = same[0] if same else before.newest
        due = is_ending(before, entry.starts) or is_exposed(scene.chain)
        if not same and not due:
            continue
        if entry.threshold == fitting(before, old) >= old.threshold:
            target = entry.epoch, entry.generation
            found.append((target, proposed.payload))
    return found
