# SPDX-License-Identifier: Apache-2.0
"""Whether the node may exchange under the policy that the members agreed on.

It may be outvoted: the members then decide by a policy whose text is not here, or than
which its own is looser. It rests until that is mended: it starts and answers its own
people, and exchanges nothing with members but versions of the charter.
"""

import logging

from fedsafe_node.base import Base
from fedsafe_node.errors import ConfigError
from fedsafe_node.identity import find_identity
from fedsafe_node.log.audit import Event
from fedsafe_node.membership import Membership
from fedsafe_node.provisions import check_federation_policy
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.telemetry import LOGGER, fields

_LOG = logging.getLogger(f"{LOGGER}.governing")


async def agree_on_policy(base: Base, membership: Membership) -> None:
    """Know the policy of the members and have the keys that they know, or rest."""
    situation, reference = base.situation, membership.charter.policy
    if base.keys.public() != membership.me.keys:
        situation.rests = (
            "the members know other keys of this node than are here: restore the "
            "newest, or let them expel this node and invite it anew"
        )
        _LOG.error("exchanges nothing", extra=fields(reason=situation.rests))
        return
    agreed = situation.agreed
    if agreed is not None and agreed.digest == reference.sha256.hex():
        situation.rests = None
        return
    own = situation.provisions
    try:
        situation.agreed = await base.workers(
            lambda: check_federation_policy(base.place, own, reference)
        )
    except ConfigError as error:
        situation.rests = f"{error}; then start the node anew"
        _LOG.error("exchanges nothing", extra=fields(reason=situation.rests))
    else:
        situation.rests = None


async def take_up_keys(base: Base, membership: Membership) -> None:
    """Use the keys that the charter names from now on, if they are here.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    public = membership.me.keys
    if base.keys.public() == public:
        return
    found = await base.workers(lambda: find_identity(base.place, public))
    if found is not None:
        base.keys.turn_to(found.keys)


async def note_rest(base: Base, membership: Membership) -> None:
    """Write down that the node rests, once for each start and version."""
    charter = membership.charter
    entry = base.trail.entry(
        Event.MEMBER_RESTS,
        at=base.clock.now(),
        detail={"version": charter.version, "policy": charter.policy.sha256.hex()},
    )

    async def act(tx: Transaction) -> None:
        await tx.append(base.trail.log, entry.record, entry.openings)

    await base.store.write(act)
