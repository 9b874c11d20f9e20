# SPDX-License-Identifier: Apache-2.0
"""Find, among cosignatures, the largest checkpoint that enough have cosigned."""

from collections.abc import Sequence
from typing import Final

from fedsafe_federation.feed.witness_policy import Policy
from fedsafe_node.log.anchor import Cosigned
from fedsafe_node.store.witness_rows import CosignatureRow

MOST_SIZES: Final = 16
"""Checkpoints that wait for a quorum; witnesses are asked for the newest one only."""


def forgotten(rows: Sequence[CosignatureRow], found: Cosigned | None) -> set[int]:
    """Give the sizes of those that nobody needs any more."""
    least = found.size if found is not None else 0
    sizes = {row.size for row in rows}
    newest = sorted(size for size in sizes if size >= least)[-MOST_SIZES:]
    return sizes - {least, *newest}


def largest(
    rows: Sequence[CosignatureRow],
    policy: Policy,
    *,
    least: int = 0,
) -> Cosigned | None:
    """Find the largest checkpoint that a quorum has cosigned, of *least* entries."""
    wanted = {each.key.encode(): each.key for each in policy.witnesses}
    by_size: dict[int, list[CosignatureRow]] = {}
    for row in rows:
        if row.witness in wanted and row.size >= least:
            by_size.setdefault(row.size, []).append(row)
    for size in sorted(by_size, reverse=True):
        there = by_size[size]
        if policy.reached({wanted[row.witness] for row in there}):
            return Cosigned(
                size=size,
                lines=tuple(row.line for row in there),
                by=tuple((wanted[row.witness].name, row.at) for row in there),
            )
    return None
