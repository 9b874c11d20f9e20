# SPDX-License-Identifier: Apache-2.0
"""How ceremonies stand: the version that they are on, and all that was said."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.keys.charter_chain import read_chain, read_version
from fedsafe_node.members.ceremonies.record import Kept, read_kept
from fedsafe_node.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Scene:
    """The version that counts, all before it, and the ceremonies on it."""

    version: Version
    chain: Sequence[Charter]
    kept: Kept


async def read_scene(reader: Reader) -> Scene | None:
    """Read how things stand; None without a federation."""
    version = await read_version(reader)
    if version is None:
        return None
    chain = [decode(each.payload, Charter) for each in await read_chain(reader)]
    return Scene(version, chain, await read_kept(reader, version))
