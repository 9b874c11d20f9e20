# SPDX-License-Identifier: Apache-2.0
"""Whether the node may exchange under the policy that the members agreed on.

It may be outvoted: the members then decide by a policy whose text is not here, or than
which its own is looser. It rests until that is mended: it starts and answers its own
people, and exchanges nothing with members but versions of the charter.
"""

import logging
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.identity import find_identity
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import HeldKeys
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.rules.policy_bundle import check_federation_policy
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_LOG = logging.getLogger(f"{LOGGER}.governing")
_OTHER_KEYS: Final = Phrase(
    "the members know other keys of this node than are here: restore the newest, or "
    "let them expel this node and invite it anew"
)


async def agree_on_policy(
    situation: Situation,
    membership: Membership,
    *,
    place: Place,
    keys: HeldKeys,
    offload: Workers,
) -> None:
    """Know the policy of the members and have the keys that they know, or rest."""
    reference = membership.charter.policy
    if keys.public() != membership.me.keys:
        situation.rests = _OTHER_KEYS
        _LOG.error("exchanges nothing", extra=fields(reason=str(situation.rests)))
        return
    agreed = situation.agreed
    if agreed is not None and agreed.digest == reference.sha256.hex():
        situation.rests = None
        return
    own = situation.provisions
    try:
        situation.agreed = await offload(
            lambda: check_federation_policy(place, own, reference)
        )
    except ConfigError as error:
        situation.rests = Phrase("{why}; then start the node anew").filled(why=error)
        _LOG.error("exchanges nothing", extra=fields(reason=str(situation.rests)))
    else:
        situation.rests = None


async def take_up_keys(
    keys: HeldKeys, membership: Membership, place: Place, offload: Workers
) -> None:
    """Use the keys that the charter names from now on, if they are here.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    public = membership.me.keys
    if keys.public() == public:
        return
    found = await offload(lambda: find_identity(place, public))
    if found is not None:
        keys.turn_to(found.keys)


async def note_rest(
    store: Store, trail: AuditTrail, clock: Clock, membership: Membership
) -> None:
    """Write down that the node rests, once for each start and version."""
    charter = membership.charter
    entry = trail.entry(
        Event.MEMBER_RESTS,
        at=clock.now(),
        detail={"version": charter.version, "policy": charter.policy.sha256.hex()},
    )

    async def act(tx: Transaction) -> None:
        await tx.append(trail.log, entry.record, entry.openings)

    await store.write(act)
