# SPDX-License-Identifier: Apache-2.0
"""How a process takes up what another one of the node has changed, topic by topic.

Each step reads the newest state of its topic, whatever the change was: so it does no
harm to take up the same change twice, or several at once.
"""

from collections.abc import Callable, Mapping

from fedsafe_node.app.container import Base
from fedsafe_node.app.leader_state import Present
from fedsafe_node.app.parts import Parts
from fedsafe_node.lookup.index.bootstrap import follow_lists, load_gate
from fedsafe_node.members.quarantine import boundaries
from fedsafe_node.people.names import names_of_people
from fedsafe_node.people.register_entries import read_register_end
from fedsafe_node.rules.policy_bundle import approved_digests, kept_provisions
from fedsafe_node.signals.feed_gaps import Gaps, read_gaps
from fedsafe_node.store.change_counter import Refresh, Topic
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import PeerState


class Refreshing:
    """Takes up changes for one process.

    *leads* says whether this process is the one that replicates. What services keep is
    theirs to take up (`services`).
    """

    def __init__(
        self,
        parts: Parts,
        present: Present,
        *,
        leads: Callable[[], bool],
    ) -> None:
        self._base: Base = parts.base
        self._parts = parts
        self._present = present
        self._leads = leads

    def steps(self) -> Mapping[Topic, Refresh]:
        """Name what takes up each topic."""
        return {
            Topic.CHARTER: self._charter,
            Topic.DECISIONS: self._decisions,
            Topic.PEOPLE: self._people,
            Topic.CREDENTIALS: self._credentials,
            Topic.MEMBERS: self._members,
            Topic.SIGNALS: self._signals,
            Topic.PRESENT: self._take_present,
            Topic.POKES: self._pokes,
            Topic.EVENTS: self._events,
        }

    async def _charter(self) -> None:
        await self._parts.ballot.reload(anew=True)

    async def _decisions(self) -> None:
        base, situation = self._base, self._base.situation
        approved = await base.store.read(approved_digests)
        if approved is not None and approved != situation.provisions.digests:
            provisions = await base.workers(
                lambda: kept_provisions(base.place, approved)
            )
            policy = provisions.policy
            base.trail.know_policy(policy.reference, policy.digest)
            situation.adopt(provisions)
        gate = await load_gate(base.store)
        if gate is not None:
            situation.record_gate(gate)
        situation.record_register(await read_register_end(base.store))

    async def _people(self) -> None:
        base = self._base
        base.trail.know_people(*await base.store.read(names_of_people))

    async def _credentials(self) -> None:
        self._base.office.known.forget()

    async def _members(self) -> None:
        situation, store = self._base.situation, self._base.store
        others = situation.others()

        async def query(
            reader: Reader,
        ) -> tuple[set[str], dict[str, Gaps], dict[str, int]]:
            peers = await reader.peers()
            suspended = {p.origin for p in peers if p.state is PeerState.SUSPENDED}
            gaps = {name: await read_gaps(reader, name) for name in others}
            return suspended, gaps, await boundaries(reader)

        coverage = situation.coverage
        coverage.suspended, found, coverage.set_aside = await store.read(query)
        for name, gaps in found.items():
            gaps.mark(coverage, name)
        await self._parts.forks.load()
        if situation.shared is not None:
            await self._parts.attesting.load(situation.shared.membership)

    async def _signals(self) -> None:
        base = self._base
        await follow_lists(base.lists, base.store, base.situation)

    async def _take_present(self) -> None:
        if not self._leads():
            await self._present.take_up()

    async def _pokes(self) -> None:
        self._parts.replicating.wake_all()
        self._parts.attesting.wake_all()
        self._parts.spreading.wake()
        self._parts.witnesses.feed.grew()

    async def _events(self) -> None:
        self._base.announcer.bell.ring()
