# SPDX-License-Identifier: Apache-2.0
"""The leaves of the anchor in a pack: every checkpoint that the node committed to.

Peers cosign commitments, so a single one that is opened shows a past but not the only
one. All of them one after the other, each extending the one before, do: whoever drops
an event afterwards has a leaf that nothing extends, and cannot leave it out.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_node.audit.packs.pages import PAGE
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.log.anchor import CHECKPOINT, checkpoint_in
from fedsafe_node.log.proofs import prove_consistency
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Opening
from fedsafe_policies.ground.catalogue import Phrase

MOST: Final = 50_000
"""Leaves that are shown where nobody says from which on: five weeks, one a minute."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """The leaves `first` to below `end` of an anchor of checkpoints of one log."""

    log: str
    audit: VerifierKey
    first: int
    end: int

    def starts(self) -> Iterator[int]:
        """Give where each page begins."""
        return iter(range(self.first, self.end, PAGE))


async def find_first(reader: Reader, log: str, since: int | None, end: int) -> int:
    """Find the leaf from which on all openings are here, at *since* or behind it.

    Raises:
        CorruptLogError: what is stored is not what was sealed.
    """
    least = max(0, end - MOST) if since is None else min(since, end - 1)
    for start in reversed(range(least, end, PAGE)):
        count = min(PAGE, end - start)
        kept = await reader.openings(log, start, count, group=CHECKPOINT)
        there = {each.index for each in kept if each.opening is not None}
        gone = [index for index in range(start, start + count) if index not in there]
        if gone:
            return gone[-1] + 1
    return least


async def read_leaves(
    reader: Reader, anchored: Anchored, start: int
) -> tuple[str, bytes]:
    """Give the file of the page that begins at a leaf.

    Raises:
        CorruptLogError: a leaf, or what opens it, is missing or is none.
    """
    log, audit = anchored.log, anchored.audit
    count = min(PAGE, anchored.end - start)
    records = await reader.records(log, start, count)
    since = max(anchored.first, start - 1)  # the page's first leaf extends that one
    openings = {
        each.index: each.opening
        for each in await reader.openings(
            log, since, start + count - since, group=CHECKPOINT
        )
        if each.opening is not None
    }
    lines: list[str] = []
    old = _size(anchored, since, openings) if since < start else 0
    for index, record in enumerate(records, start=start):
        size = _size(anchored, index, openings)
        path: list[bytes] = []
        if 0 < old < size:
            path = await prove_consistency(reader, audit.name, old, size)
        line = {
            "record": record.decode(),
            "salt": _base64(openings[index].salt),
            "audit": openings[index].payload.decode(),
            "consistency": [_base64(each) for each in path],
        }
        lines.append(json.dumps(line, separators=(",", ":")) + "\n")
        old = size
    if len(lines) != count:
        raise CorruptLogError(log, start, Phrase("entries are missing"))
    return f"anchors/{start:012}.ndjson", "".join(lines).encode()


def _size(anchored: Anchored, index: int, openings: dict[int, Opening]) -> int:
    opening = openings.get(index)
    try:
        if opening is not None:
            return checkpoint_in(opening.payload).size
    except CryptoError:
        pass
    raise CorruptLogError(
        anchored.log, index, Phrase("it opens to no checkpoint")
    ) from None


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
