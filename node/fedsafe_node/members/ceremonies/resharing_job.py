# SPDX-License-Identifier: Apache-2.0
"""Propose ceremonies that are due, and let go of old shares: a job of the node.

Who proposes is the same for all: each next in line waits a minute longer. A ceremony
that failed is repeated at once without whoever it failed by.
"""

import logging
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import FederationError
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.ceremony_files import RENEWAL, destroy_states
from fedsafe_node.keys.identity import passed_over
from fedsafe_node.keys.own_keys import HeldKeys, load_shares
from fedsafe_node.log.key_destruction import Destroying
from fedsafe_node.members.ceremonies.installation import former_shares
from fedsafe_node.members.ceremonies.kinds import ResharingKind, Wanted
from fedsafe_node.members.ceremonies.record import (
    Kept,
    Scene,
    gone_from,
    keep,
    opened_of,
    read_scene,
)
from fedsafe_node.members.ceremonies.service import Ceremonies
from fedsafe_node.members.charter.ballot import Ballot
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

_LOG = logging.getLogger(f"{LOGGER}.renewing")
_PATIENCE: Final = 60
"""So many seconds the next in line waits for whoever is to propose before it."""
_LONGEST_WAIT: Final = 7 * 24 * 3600
"""So many seconds an old share is served for members that have not followed."""
_DAY: Final = 24 * 3600


class Tending:
    """Looks after the keys of the federation."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        place: Place,
        situation: Situation,
        store: Store,
        ceremonies: Ceremonies,
        ballot: Ballot,
        destroying: Destroying,
        *,
        keys: HeldKeys,
        offload: Workers,
    ) -> None:
        self._place = place
        self._situation = situation
        self._store = store
        self._keys = keys
        self._offload = offload
        self._destroying = destroying
        self._ceremonies = ceremonies
        self._ballot = ballot

    async def run(self) -> None:
        """Make all steps, propose what is due, let go of old shares and own keys."""
        ceremonies = self._ceremonies
        await ceremonies.advance()
        async with ceremonies.alone():
            scene = await ceremonies.present()
            if scene is None:
                await self._leave_behind()
                return
            await self._propose(scene)
            await self._let_go(scene)
            await self._give_up(scene)

    async def _propose(self, scene: Scene) -> None:
        wish, now = scene.kept.wish, self._ceremonies.now()
        if wish is not None and wish.until <= now:
            wish = None
        since = scene.kept.since
        wanted = [
            (kind, each)
            for kind in self._ceremonies.kinds.values()
            for each in kind.wanted(scene.chain, wish, now)
        ]
        if bool(wanted) != bool(since):
            kept = replace(scene.kept, since=now if wanted else 0)
            await self._store.write(lambda tx: self._keep_since(tx, kept))
            since = kept.since
        for kind, each in wanted:
            proposal = self._next(scene, kind, each, since, now)
            if proposal is not None and await self._ceremonies.take([proposal]):
                self._ceremonies.wake()

    async def _keep_since(self, tx: Transaction, kept: Kept) -> None:
        scene = await read_scene(tx)
        if scene is not None and scene.kept.charter == kept.charter:
            await keep(tx, replace(scene.kept, since=kept.since))

    def _next(
        self, scene: Scene, kind: ResharingKind, wanted: Wanted, since: int, now: int
    ) -> Signed | None:
        """Give the proposal that is this node's to make, if it is its turn."""
        attempts = [
            (each, opened)
            for each in scene.kept.attempts
            if (opened := opened_of(scene.version, self._ceremonies.kinds, each)).target
            == wanted.target
            and self._ceremonies.agrees(scene, opened)
        ]
        if any(not each.over and opened.deadline > now for each, opened in attempts):
            return None
        repeated = None
        begin, names = since + wanted.grace, list(wanted.names)
        if attempts:
            last, opened = max(attempts, key=lambda pair: pair[1].created)
            gone = gone_from(scene.kept, scene.version, self._ceremonies.kinds, opened)
            willing = [each.name for each in scene.version.charter.willing()]
            begin = last.over or opened.deadline
            names = [name for name in willing if name not in gone]
            if last.gone:
                repeated = opened, gone
        node = self._situation.node
        if node not in names or now < begin + names.index(node) * _PATIENCE:
            return None
        try:
            if repeated is not None and now < begin + _DAY:
                return kind.repeat(scene.version, *repeated, now)
            return kind.propose(scene.version, wanted, now)
        except FederationError as error:
            _LOG.warning("nothing to propose", extra=fields(reason=str(error)))
            return None

    async def _let_go(self, scene: Scene) -> None:
        """Destroy what newer shares stand for, and states of what is over."""
        place, charter = self._place, scene.version.charter
        live = {each.run for each in scene.kept.attempts}
        await self._offload(lambda: destroy_states(place, RENEWAL, but=live))
        former = await self._offload(lambda: former_shares(place, charter))
        if not former or not self._all_followed(scene):
            return

        for epoch, generation in former:
            target = f"share-{epoch}-{generation}"
            await self._destroying.destroy(EffectKind.EPOCH_KEY, target)
        await self._ballot.keys_changed()

    async def _leave_behind(self) -> None:
        """Destroy the shares of a node that the charter does not list any more.

        An index is never given again, so they are of no use but to a thief.
        """
        scene = await self._store.scan(read_scene)
        node, place = self._situation.node, self._place
        if scene is None or node in {e.name for e in scene.version.charter.members}:
            return
        await self._offload(lambda: destroy_states(place, RENEWAL))
        for epoch, generation in await self._offload(lambda: load_shares(place)):
            target = f"share-{epoch}-{generation}"
            await self._destroying.destroy(EffectKind.EPOCH_KEY, target)

    async def _give_up(self, scene: Scene) -> None:
        """Destroy own keys that no version of the charter can bring up any more."""
        place, charter = self._place, scene.version.charter
        name = self._situation.node
        me = next((each for each in charter.members if each.name == name), None)
        if me is None or me.keys != self._keys.public():
            return
        for target in await self._offload(
            lambda: passed_over(place, me.keys, charter.version)
        ):
            await self._destroying.destroy(EffectKind.EPOCH_KEY, target)

    def _all_followed(self, scene: Scene) -> bool:
        """Whether all members know the newest generations, or had long enough to."""
        charter, node = scene.version.charter, self._situation.node
        needed = max(_shown_since(scene.chain, each) for each in _shown(charter))
        made = next(each for each in scene.chain if each.version == needed)
        if self._ceremonies.now() >= made.created + _LONGEST_WAIT:
            return True
        others = [each.name for each in charter.active() if each.name != node]
        return all(scene.kept.acks.get(name, 0) >= needed for name in others)


def _shown(charter: Charter) -> list[tuple[int, int]]:
    return [(each.epoch, each.generation) for each in charter.epochs]


def _shown_since(chain: Sequence[Charter], number: tuple[int, int]) -> int:
    return next(each.version for each in chain if number in _shown(each))
