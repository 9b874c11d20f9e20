# SPDX-License-Identifier: Apache-2.0
"""What a store promises about cases; part of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_node.store.cases_rows import CaseRow, CaseStepRow


class CasesReader(Protocol):
    """Reads cases."""

    async def case(self, case_id: str) -> CaseRow | None:
        """Return a case."""
        ...

    async def open_cases(self) -> list[CaseRow]:
        """Return all cases that are not closed, those known longest first."""
        ...

    async def case_steps(self, case_id: str) -> list[CaseStepRow]:
        """Return the steps of a case, oldest first."""
        ...


class CasesWriter(Protocol):
    """Keeps cases."""

    async def put_case(self, row: CaseRow) -> None:
        """Keep a case; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        ...

    async def add_case_step(self, row: CaseStepRow) -> None:
        """Keep a step of a case."""
        ...
