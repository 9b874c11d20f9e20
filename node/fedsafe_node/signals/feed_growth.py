# SPDX-License-Identifier: Apache-2.0
"""Tell others that the own feed has grown.

What restricts goes at once. Additions wait for witnesses, where the charter wants any:
then the members are told when these have cosigned (`members.peering.feed_cosigning`),
so that nobody pulls in vain.
"""

from dataclasses import dataclass

from fedsafe_node.members.witnesses import Witnesses
from fedsafe_node.signals.replicator import Replicating
from fedsafe_node.store.change_counter import Follower


@dataclass(frozen=True, slots=True)
class Announcing:
    """Tells members and witnesses; the process that leads asks the witnesses."""

    follower: Follower | None
    replicating: Replicating
    witnesses: Witnesses

    def restricted(self, size: int) -> None:
        """Poke all other members now."""
        self.replicating.announce(size)
        self._ask()

    def published(self, size: int) -> None:
        """Poke them when witnesses have cosigned, or now if nobody waits for those."""
        if not self.witnesses.feed.waits:
            self.replicating.announce(size)
        self._ask()

    def _ask(self) -> None:
        self.witnesses.feed.grew()
        if self.follower is not None and not self.replicating.replicates:
            self.follower.poke()
