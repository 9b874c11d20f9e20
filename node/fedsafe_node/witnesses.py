# SPDX-License-Identifier: Apache-2.0
"""A node's part in witnessing: its anchor, who cosigns it, and what it cosigns."""

from dataclasses import dataclass
from typing import Self

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.peer import PeerClient
from fedsafe_federation.witness_policy import Policy, parse_policy
from fedsafe_node.base import Base
from fedsafe_node.config import Place
from fedsafe_node.errors import ConfigError
from fedsafe_node.membership import Membership
from fedsafe_node.peering.anchoring import Anchor
from fedsafe_node.peering.comparing import Comparing
from fedsafe_node.peering.cosigning import Cosigning
from fedsafe_node.peering.serving import FeedServer
from fedsafe_node.peering.witnessing import WitnessServer


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The parts that belong together; `place` says where the policy file lies."""

    place: Place
    anchor: Anchor
    cosigning: Cosigning
    server: WitnessServer
    comparing: Comparing

    @classmethod
    def make(cls, base: Base, client: PeerClient, feed: FeedServer) -> Self:
        """Put the parts together."""
        anchor = Anchor(
            base.config.name,
            base.store,
            base.guard,
            base.keys.audit,
            feed.keep_audit,
            offload=base.workers,
        )
        server = WitnessServer(
            base.situation, base.store, base.keys.witness, base.trail, base.clock
        )
        return cls(
            base.place,
            anchor,
            Cosigning(anchor, base.store, client, base.trail, base.clock),
            server,
            Comparing(base.situation, client, server),
        )

    def join(self, membership: Membership) -> None:
        """Know the witnesses. Blocks: reads the policy file, if there is one.

        Raises:
            ConfigError: the file does not fit; names it and the line.
        """
        policy = _read_policy(self.place)
        strangers = self.cosigning.join(membership, policy)
        if strangers:
            why = f"{strangers[0]} is no other member and has no address"
            raise ConfigError(self.place.witness_policy, why)


def _read_policy(place: Place) -> Policy | None:
    path = place.witness_policy
    try:
        return parse_policy(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(path, error.strerror or "it cannot be read") from None
    except MalformedError as error:
        raise ConfigError(path, error.why) from None
