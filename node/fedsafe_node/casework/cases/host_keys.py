# SPDX-License-Identifier: Apache-2.0
"""Which host keys were compared when a partner with servers over SFTP was verified.

Kept beside the entry, which its partner's dispatches are sealed for and stays as it is.
A verification from before host keys were compared has left nothing here: until somebody
compares them it does not count.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.store.partners_rows import PartnerRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.channels import host_keys_of
from fedsafe_policies.escalation.partners import Partner

_COMPARED: Final = "host-keys/"


async def note_compared(tx: Transaction, partner: str, entry: Partner) -> None:
    """Keep that the host keys of an entry were compared by whoever verifies it."""
    if known := host_keys_of(entry.channels):
        await tx.set_meta(_COMPARED + partner, _written(known))


async def counted(reader: Reader, row: PartnerRow, entry: Partner) -> PartnerRow:
    """Return a partner's row; no end of a verification that does not count.

    Who verified it, and when, stays: that tells it from one that nobody has verified.
    """
    known = host_keys_of(entry.channels)
    if not known or await reader.meta(_COMPARED + row.id) == _written(known):
        return row
    return replace(row, verified_until=None)


def _written(fingerprints: frozenset[str]) -> bytes:
    return "\n".join(sorted(fingerprints)).encode()
