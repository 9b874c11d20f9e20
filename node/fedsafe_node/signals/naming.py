# SPDX-License-Identifier: Apache-2.0
"""Signal ids as people write them: UUIDs."""

from uuid import UUID

from fedsafe_node.errors import NotFoundError


def signal_name(signal_id: bytes) -> str:
    """Write a signal id as a UUID."""
    return str(UUID(bytes=signal_id))


def read_signal_id(name: str) -> bytes:
    """Read a signal id.

    Raises:
        NotFoundError: it is no UUID, so there is no such signal.
    """
    try:
        return UUID(name).bytes
    except ValueError:
        raise NotFoundError("signal") from None
