# SPDX-License-Identifier: Apache-2.0
"""Compare what the audit log says in sum (`reconcile_sums`) with the tables."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from typing import Final

from fedsafe_node.audit.reconcile_sums import Reckoning, Recorded
from fedsafe_node.ground.errors import CorruptRowError
from fedsafe_node.signals.missing_openings import read_lacking
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import PeerState
from fedsafe_policies.ground.catalogue import Phrase

_SIGNALS: Final = "signals"


class Sums:
    """Checks tables against one reckoning, on the snapshot that it was made of."""

    def __init__(self, reader: Reader, said: Reckoning) -> None:
        self._reader = reader
        self._said = said

    async def check(
        self,
        kept: Mapping[str, int],
        ended: int,
        unstated: Sequence[CorruptRowError],
        *,
        ours: Collection[str],
    ) -> None:
        """Compare all; nothing, if the key to some of the events was destroyed.

        `kept` counts rows by origin, `ended` the erased ones that nothing explains;
        the signals of `ours` came with no feed. `unstated` are the faults of those
        that were stopped by no statement that was kept.

        Raises:
            CorruptRowError: names the origin or record at fault.
        """
        if not self._said.whole:
            return
        await self._check_relocked()
        for origin in {*self._said.kept, *kept} - {*ours}:
            said, here = self._said.kept[origin], kept.get(origin, 0)
            if here != said:
                why = Phrase(
                    "{said} of its signals were kept, and {here} are here"
                ).filled(said=said, here=here)
                raise CorruptRowError(_SIGNALS, None, origin, why)
        unkept = self._said.unkept - len(unstated)
        if unkept < 0:
            raise unstated[0]
        said = self._said.ended + unkept  # their dates may have passed since
        if ended > said:
            why = Phrase("{ended} signals ended, but events tell of {said}").filled(
                ended=ended, said=said
            )
            raise CorruptRowError(_SIGNALS, None, "erased signals", why)
        await self._check_records()
        for peer in await self._reader.peers():
            suspended = peer.state is PeerState.SUSPENDED
            if suspended and peer.origin not in self._said.suspended:
                why = Phrase("it is suspended, but no event says so")
                raise CorruptRowError("peers", None, peer.origin, why)

    async def _check_relocked(self) -> None:
        here = await self._reader.relocked_counts()
        for origin in {*self._said.lacking, *here}:
            said, found = self._said.relocked[origin], here.get(origin, 0)
            if found != said:
                why = Phrase(
                    "{said} of its signals are relocked, but {found} are noted so"
                ).filled(said=said, found=found)
                raise CorruptRowError(_SIGNALS, None, origin, why)
        for origin, lacking in self._said.lacking.items():
            if await read_lacking(self._reader, origin) != lacking:
                why = Phrase(
                    "from where on its openings are lacking is not as it was noted"
                )
                raise CorruptRowError(_SIGNALS, None, origin, why)

    async def _check_records(self) -> None:
        entries = await self._reader.register_entries()
        here = [Recorded(row.id, sha256(row.record).hexdigest()) for row in entries]
        if here != self._said.register:
            pairs = zip(here, self._said.register, strict=False)
            at = next((n for n, (a, b) in enumerate(pairs) if a != b), None)
            name = here[at].id if at is not None else "its end"
            why = Phrase("its entries are not those that the events have recorded")
            raise CorruptRowError("register", None, name, why)
        gate = await self._reader.newest_gate()
        found = Recorded(gate.id, sha256(gate.record).hexdigest()) if gate else None
        if found != self._said.gate:
            name = gate.id if gate else "the newest"
            why = Phrase("it is not the record that the newest event names")
            raise CorruptRowError("gate", None, name, why)
