# SPDX-License-Identifier: Apache-2.0
"""Under which keys the members have known a node, as a copy of its store says."""

from pathlib import Path

from fedsafe_federation.charter.card import MemberKeys
from fedsafe_node.ground.config import Place
from fedsafe_node.keys.charter_chain import read_charters
from fedsafe_node.log.engine import examine_store
from fedsafe_node.operations.offline_inspect import unsealing_of
from fedsafe_node.store.address import store_at


def read_own_keys(place: Place, database: Path, node: str) -> list[MemberKeys]:
    """Read a node's public keys from all versions of its charter, the newest last.

    None if it has no charter.

    Raises:
        StoreFailedError: the copy is no store, or cannot be read.
    """
    where = store_at(database, None)
    charters = examine_store(where, read_charters, unsealing_of(place.periods))
    return [
        member.keys
        for charter in charters
        for member in charter.members
        if member.name == node
    ]
