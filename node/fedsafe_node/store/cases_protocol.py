# SPDX-License-Identifier: Apache-2.0
"""What a store promises about cases and partners: of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_node.store.cases_rows import CaseAlarmRow, CaseRow, CaseStepRow
from fedsafe_node.store.dispatches_protocol import DispatchesReader, DispatchesWriter
from fedsafe_node.store.partners_protocol import PartnersReader, PartnersWriter


class CasesReader(PartnersReader, DispatchesReader, Protocol):
    """Reads cases, who receives them, and what is on its way."""

    async def case(self, case_id: str) -> CaseRow | None:
        """Return a case."""
        ...

    async def open_cases(self) -> list[CaseRow]:
        """Return all cases that are not closed, those known longest first."""
        ...

    async def closed_cases_sent(self) -> list[CaseRow]:
        """Return the closed cases of which a package waits by hand, or was stopped."""
        ...

    async def cases_known(self, since: int, until: int) -> list[CaseRow]:
        """Return all cases known from `since` to before `until`, oldest first."""
        ...

    async def cases_to_erase(self, closed_before: int) -> list[CaseRow]:
        """Return what is closed since before that moment and not erased, by id."""
        ...

    async def case_steps(self, case_id: str) -> list[CaseStepRow]:
        """Return the steps of a case, oldest first."""
        ...

    async def steps_of_open_cases(self) -> list[CaseStepRow]:
        """Return the steps of all cases that are not closed, case by case."""
        ...

    async def case_alarms(self, case_id: str) -> list[CaseAlarmRow]:
        """Return what people were told of a case, oldest first."""
        ...

    async def alarms_of_open_cases(self) -> list[CaseAlarmRow]:
        """Return what people were told of all cases that are not closed."""
        ...


class CasesWriter(PartnersWriter, DispatchesWriter, Protocol):
    """Keeps cases, who receives them, and what is on its way."""

    async def put_case(self, row: CaseRow) -> None:
        """Keep a case; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        ...

    async def add_case_step(self, row: CaseStepRow) -> None:
        """Keep a step of a case."""
        ...

    async def add_case_alarm(self, row: CaseAlarmRow) -> None:
        """Keep that people were told of something.

        Raises:
            ConflictError: they were told of it before.
        """
        ...
