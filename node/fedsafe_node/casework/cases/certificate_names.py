# SPDX-License-Identifier: Apache-2.0
"""The name of the provider in its own certificate, by which partners verify packages.

It is kept when a node is made, and never changed: with another name the certificate
would be another one, which no partner has compared. A node from before that was kept
has a certificate without a name, and goes on with it.
"""

from typing import Final

from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction

_NAME: Final = "case-certificate-name"


async def name_certificate(tx: Transaction, node: str) -> None:
    """Keep the name of a node that is made."""
    await tx.set_meta(_NAME, node.encode())


async def certificate_name(reader: Reader) -> str | None:
    """Return the name in the certificate; None for one from before."""
    kept = await reader.meta(_NAME)
    return None if kept is None else kept.decode()
