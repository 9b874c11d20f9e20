# SPDX-License-Identifier: Apache-2.0
"""Take a whole log out of the node as C2SP tiles, in one tar stream.

What leaves is what the tree is made of: the leaves as they were committed, never an
opening. A leaf of the audit log tells class, time and outcome of an event and names
nobody, so one person may take them, as with an evidence pack without openings. The
checkpoint is the archive's first file and counts the export's own event as well.
"""

import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import StrEnum, unique
from functools import partial
from typing import Final

from fedsafe_crypto.tlog.tile_files import CHECKPOINT
from fedsafe_crypto.tlog.tiles import tiles
from fedsafe_node.audit.packs.service import question_of
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.log.proofs import SignedTree, tile_files
from fedsafe_node.people.office import Office
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.people import Person

_BLOCK: Final = tarfile.BLOCKSIZE


@unique
class OwnLog(StrEnum):
    """The logs of a node."""

    AUDIT = "audit"
    FEED = "feed"
    ANCHOR = "anchor"


Sign = Callable[[], Awaitable[SignedTree]]


class TileService:
    """Gives the files of a log; `sign` makes each log's checkpoint."""

    def __init__(self, office: Office, sign: Mapping[OwnLog, Sign]) -> None:
        self._office = office
        self._sign = sign

    async def export(self, log: OwnLog, who: Principal) -> AsyncIterator[bytes]:
        """Give all files of a log, in pieces of a tar archive.

        Raises:
            DeniedError: the policy lets this person take nothing out.
        """
        office = self._office
        question = question_of(Person(who.name, who.role))
        decision = office.judge.decide(question, office.clock.now())
        if not decision.allowed:
            await office.refused(decision, who.name, "audit.export")
            raise DeniedError(decision)

        async def note(tx: Transaction) -> None:
            detail = {"log": log.value, "openings": False}
            await office.note(tx, Event.AUDIT_EXPORTED, who.name, detail)

        await office.store.write(note)
        return self._pieces(await self._sign[log]())

    async def _pieces(self, tree: SignedTree) -> AsyncIterator[bytes]:
        log, store = tree.checkpoint.origin, self._office.store
        yield _file(CHECKPOINT, tree.note)
        for tile in tiles(tree.checkpoint.size):
            files = await store.scan(partial(tile_files, log=log, tile=tile))
            for name, content in files:
                yield _file(name, content)
        yield bytes(2 * _BLOCK)


def _file(name: str, content: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % _BLOCK)
