# SPDX-License-Identifier: Apache-2.0
"""The evidence manifest: what the provider holds, by digest and place, never in bytes.

An authority that needs a file asks the provider for it by its object id; the digests
say afterwards that it is the same file. `held_at` and `hold_id` are names inside the
provider and lead nowhere outside.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec

from fedsafe_policies.escalation.vocabulary import Clock

Moment = Annotated[
    datetime,
    msgspec.Meta(tz=True, extra_json_schema={"pattern": "Z$"}),
]
"""A moment in UTC, written with ``Z``; another offset is refused."""

WANT_UTC: Final = "want a moment in UTC, written with Z"

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
ObjectId = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$(?!\n)")
]
MediaType = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z]{1,32}/[a-z0-9][a-z0-9.+-]{0,63}$(?!\n)")
]
Pseudonym = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)")
]
Place = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,199}$(?!\n)")
]


class Attachment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One object that the provider holds as evidence."""

    object_id: ObjectId
    sha256: Digest
    blake3: Digest
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
    media_type: MediaType
    captured_at: Moment
    clock: Clock
    captured_by: Pseudonym
    held_at: Place
    hold_id: ObjectId

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC."""
        require_utc(self.captured_at, "captured_at")


def require_utc(moment: datetime, field: str = "") -> None:
    """Refuse another offset: readers compare moments by eye.

    Raises:
        ValueError: it is not in UTC; the field is named before it.
    """
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"{field}: {WANT_UTC}" if field else WANT_UTC)
