# SPDX-License-Identifier: Apache-2.0
"""A node's part in witnessing: its logs, who cosigns them, and what it cosigns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.feed.witness_policy import Policy, parse_policy
from fedsafe_federation.feed.witnessing import witness_name, witness_of
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import HeldKeys
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.guard import Guard
from fedsafe_node.members.forks import Forks
from fedsafe_node.members.peering.cosigning import Cosigning
from fedsafe_node.members.peering.feed_cosigning import FeedCosigning
from fedsafe_node.members.peering.feed_server import FeedServer
from fedsafe_node.members.peering.log_comparison import Comparing
from fedsafe_node.members.peering.own_anchor import Anchor
from fedsafe_node.members.peering.own_logs import OwnFeed, OwnLogKeys
from fedsafe_node.members.peering.witness_delay import Waiting
from fedsafe_node.members.peering.witnessing import WitnessServer
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(slots=True)
class Witnesses:
    """The parts that belong together; `place` says where the policy files lie.

    `own` is what this node wants of others' feeds beside the charter.
    """

    place: Place
    anchor: Anchor
    own_feed: OwnFeed
    cosigning: Cosigning
    server: WitnessServer
    comparing: Comparing
    serving: FeedServer
    feed: FeedCosigning
    waiting: Waiting
    own: Policy | None = None

    @classmethod
    def make(  # noqa: PLR0913 - everything it needs is an argument
        cls,
        place: Place,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        *,
        keys: HeldKeys,
        guard: Guard,
        offload: Workers,
        client: PeerClient,
        feed: FeedServer,
        tell: Callable[[int], None],
        forks: Forks,
    ) -> Self:
        """Put the parts together; *tell* hears how far the own feed was cosigned."""
        anchor = Anchor(
            trail,
            store,
            guard,
            keys.audit,
            feed.keep_audit,
            offload=offload,
        )
        log = feed_name(situation.node)
        own = OwnFeed(feed, store, log, OwnLogKeys("feed", keys.feed))
        server = WitnessServer(
            situation,
            store,
            keys.witness,
            trail,
            clock,
            forks,
        )
        return cls(
            place,
            anchor,
            own,
            Cosigning(anchor, store, client, trail, clock),
            server,
            Comparing(situation, client, server, forks),
            feed,
            FeedCosigning(
                own,
                store,
                client,
                trail,
                clock,
                coverage=situation.coverage,
                tell=tell,
            ),
            Waiting(situation, store, trail, clock),
        )

    def join(self, membership: Membership) -> None:
        """Know the witnesses. Blocks: reads the policy files, if there are any.

        Raises:
            ConfigError: the file does not fit; names it and the line.
        """
        self.anchor.keys.former = membership.me.former_keys
        self.own_feed.keys.former = membership.me.former_keys
        policy = _read_policy(self.place.witness_policy, membership)
        strangers = self.cosigning.join(membership, policy)
        if strangers:
            why = Phrase("{strangers} is no other member and has no address").filled(
                strangers=strangers[0]
            )
            raise ConfigError(self.place.witness_policy, why)
        self.own = self._own_policy(membership)
        self.feed.join(membership)
        self.serving.policy = self.feed.policy

    def _own_policy(self, membership: Membership) -> Policy | None:
        path = self.place.additions_policy
        policy = _read_policy(path, membership)
        members = set(map(witness_of, membership.charter.members))
        for witness in policy.witnesses if policy is not None else ():
            if witness.key not in members:
                raise ConfigError(
                    path, Phrase("{key} is no member").filled(key=witness.key.name)
                )
        return policy


def _read_policy(path: Path, membership: Membership) -> Policy | None:
    """Read a file; where it names a key that a member had, it means the present one."""
    try:
        policy = parse_policy(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(path, error.strerror or Phrase("it cannot be read")) from None
    except MalformedError as error:
        raise ConfigError(path, error.told) from None
    present = {
        VerifierKey.of(witness_name(each.name), former.witness, COSIGNER): witness_of(
            each
        )
        for each in membership.charter.members
        for former in each.former_keys
    }
    return policy.renewed(present)
