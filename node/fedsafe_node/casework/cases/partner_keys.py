# SPDX-License-Identifier: Apache-2.0
"""What an entry of a partner is searched for, and how the keys in it are; pure."""

from typing import Final

import msgspec

from fedsafe_node.acts.partners import EnterPartner
from fedsafe_node.casework.cases.changes import check_content, media_refused
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.armor import beside_key, media_in_key
from fedsafe_policies.escalation.package import refuse_found

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
