# SPDX-License-Identifier: Apache-2.0
"""What members show each other: logs, forks and openings."""

from typing import Final

from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.witnessed_log import OpenLog

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_crypto.tlog.tree import Frontier, leaf_hash
from fedsafe_federation.feed.forks import ForkEvidence, fork_of
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Role, Scope


async def propose(fleet: Fleet, value: str) -> str:
    request = request_for(value, kind=Kind.EMAIL, scope=Scope.FEDERATION)
    return (await fleet["a.demo"].services.signals.add(request, ANNA)).signal


async def publish(fleet: Fleet, value: str) -> None:
    """Publish, and wait for nobody."""
    draft = await propose(fleet, value)
    await fleet["a.demo"].services.signals.approve([draft], RITA)


STRANGER: Final = VerifierKey.of(
    "x.demo/witness", SigningKey.generate().public, COSIGNER
).encode()
LOG = "b.demo/feed"  # a log that its member does not let be witnessed by itself yet
LEAVES = [leaf_hash(bytes([number])) for number in range(20)]


def root_of(size: int) -> bytes:
    tree = Frontier()
    tree.extend(LEAVES[:size])
    return tree.root()


def evidence_of(fleet: Fleet, log: str = "a.demo/feed", size: int = 7) -> ForkEvidence:
    keys = fleet[log.partition("/")[0]].base.keys
    key = keys.feed if log.endswith("/feed") else keys.audit
    one, other = OpenLog(log, key), OpenLog(log, key, b"other")
    verifier = VerifierKey.of(log, key.public)
    return fork_of(verifier, one.note(size).decode(), other.note(size).decode())


DORA = Principal("dora", Role.DPO)
