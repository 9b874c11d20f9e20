# SPDX-License-Identifier: Apache-2.0
"""What several sections of `node.toml` are made of."""

from typing import Annotated, Final

import msgspec

from fedsafe_policies.ground.catalogue import Phrase

USER_AND_PASSWORD: Final = Phrase("user and password_file belong together")

Host = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]{1,253}(?!\n)$")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Printable = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$", max_length=4_096)
]
Mailbox = Annotated[
    str,
    msgspec.Meta(pattern=r"^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+(?!\n)$", max_length=254),
]


def at_key(why: Phrase, key: str) -> Phrase:
    """Say at which key a setting does not fit, as the decoder does."""
    return Phrase("{why} - at `$.{key}`").filled(why=why, key=key)
