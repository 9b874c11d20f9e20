# SPDX-License-Identifier: Apache-2.0
"""What a store promises about the register; part of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_node.store.rows import RegisterRow


class GateReader(Protocol):
    """Reads what the actor plane hangs on."""

    async def register_entries(self) -> list[RegisterRow]:
        """Return all entries of the Schutzkonzept register, oldest first."""
        ...


class GateWriter(Protocol):
    """Keeps what the actor plane hangs on."""

    async def add_register_entry(self, entry: RegisterRow) -> None:
        """Add an entry to the Schutzkonzept register.

        Raises:
            ConflictError: its id is taken.
        """
        ...
