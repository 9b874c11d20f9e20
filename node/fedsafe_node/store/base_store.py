# SPDX-License-Identifier: Apache-2.0
"""What a store is on either kind of database: a writer, and a seal that it keeps."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from fedsafe_node.store.keeping_rows import Outage
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import StoreTrouble
from fedsafe_node.store.seal_protocol import SealReport, Surroundings
from fedsafe_node.store.sealing import Sealer
from fedsafe_node.store.writer import Writer

T = TypeVar("T")


class WrittenStore(ABC):
    """The part of a store that its writer and its sealer answer for."""

    def __init__(
        self, writer: Writer, sealer: Sealer | None, around: Surroundings | None
    ) -> None:
        self._writer = writer
        self._sealer = sealer
        self._around = around

    @abstractmethod
    async def scan(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a long query away from the event loop, on the newest snapshot."""

    async def check_seal(self) -> SealReport:
        """Compare everything that the seal vouches for with it.

        Raises:
            StoreClosedError: the store is closed.
            StoreFailedError: the database refused.
        """
        sealer, around = self._sealer, self._around
        if sealer is None or around is None:
            return SealReport()
        newest = sealer.number
        report = await self.scan(lambda reader: reader.seal_report(around, newest))
        if report.faults:
            # Files are read after the snapshot began: a key that was destroyed in
            # between would be missed in it.
            report = await self.scan(lambda reader: reader.seal_report(around, newest))
        return report

    async def scrub(self) -> bool:
        """Clear erased bytes out of residues, where it can; False if a reader hinders.

        Raises:
            StoreClosedError: the store takes no more writes.
        """
        while (is_clean := await self._writer.submit(None)) is None:
            pass  # that was a piece of it
        return cast("bool", is_clean)

    def take_outages(self) -> list[Outage]:
        """Return the times, now over, in which writes failed; each is given once."""
        return self._writer.take_outages()

    def trouble(self) -> StoreTrouble | None:
        """Return why writes fail, until one that changes something succeeds."""
        return self._writer.trouble

    def gave_up(self) -> bool:
        """Whether it takes no more writes until it is opened anew."""
        return self._writer.gave_up
