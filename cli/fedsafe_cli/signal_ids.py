# SPDX-License-Identifier: Apache-2.0
"""Signal ids as people type them."""

import re
from typing import Final

from fedsafe_cli.errors import BadInputError

_ID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)


def checked_id(text: str, place: str = "") -> str:
    """Return a signal's id; *place* says where it was read.

    Raises:
        BadInputError: it is none.
    """
    if _ID.fullmatch(text) is None:
        raise BadInputError(
            f"{place}that is no signal's id",
            "an id looks like 01a20e5e-7e0b-7dca-b773-0d06d4879060; it stands in "
            "matches, and what waits is listed by `fedsafe signal list`",
        )
    return text
