# SPDX-License-Identifier: Apache-2.0
"""What a partner's entry is searched for, the keys in it, and who compared them."""

from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_node.acts.partners import EnterPartner
from fedsafe_node.casework.cases.changes import check_content, media_refused
from fedsafe_node.store.casework_rows import PartnerRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.channels import host_keys_of
from fedsafe_policies.escalation.media_bytes import beside_key, media_in_key
from fedsafe_policies.escalation.package import refuse_found
from fedsafe_policies.escalation.partners import Partner

_KEYS: Final = ("key", "certificate", "openpgp")


def check_entry(request: EnterPartner) -> None:
    """Refuse media bytes and control characters in any field, and in the keys.

    The bytes of a whole key are searched as bytes: read as text from any letter on,
    they look like a file once in a while. Whether it is a key is for its parser.

    Raises:
        BadRequestError: some were found; the field is named, never its content.
    """
    entry, around = request.entry, dict[str, str]()
    for name in _KEYS:
        text: str | None = getattr(entry, name)
        if text is None:
            continue
        around[name], body = beside_key(text)
        try:
            refuse_found(media_in_key(body, f"entry.{name}"))
        except CasePackageError as error:
            raise media_refused(error) from None
    bare = msgspec.structs.replace(entry, **around)
    check_content(msgspec.structs.replace(request, entry=bare))


# Which host keys were compared when a partner with servers over SFTP was verified.
#
# Kept beside the entry, which its partner's dispatches are sealed for and stays as it
# is. A verification from before host keys were compared has left nothing here: until
# somebody compares them it does not count.

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
