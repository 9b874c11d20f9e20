# SPDX-License-Identifier: Apache-2.0
"""What the API calls about the node's own log; see `services.py`."""

from collections.abc import AsyncIterator
from typing import Protocol

from fedsafe_node.audit_messages import (
    AuditEntry,
    AuditEvents,
    FoundEvents,
    VerifyAnswer,
)
from fedsafe_node.backup.messages import BackupNote, BackupNoted
from fedsafe_node.compliance.model import Language, SheetAnswer, SheetKind
from fedsafe_node.evidence.span import ExportRequest
from fedsafe_node.evidence.tiled import OwnLog
from fedsafe_node.peering.messages import SightingsAnswer
from fedsafe_node.people.messages import ActAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.searching import Wanted
from fedsafe_node.standing_messages import AuditStanding
from fedsafe_policies.vocabulary import Purpose


class Audits(Protocol):
    """The node's two logs, as a person checks them."""

    async def verify(self, who: Principal) -> VerifyAnswer:
        """Verify feed, audit log and all replicated feeds from end to end."""
        ...

    async def events(
        self, since: int, limit: int, who: Principal, purpose: Purpose | None = None
    ) -> AuditEvents:
        """Read the audit log in order.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...

    async def search(  # noqa: PLR0913 - what, where, who, what for
        self,
        wanted: Wanted,
        since: int,
        limit: int,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        subject_ref: str | None = None,
    ) -> FoundEvents:
        """Find events of the audit log; with *subject_ref* those that name it.

        Raises:
            BadRequestError: a class of events that there is not.
            DeniedError: this role may not, or not for that purpose.
        """
        ...


class Inspections(Protocol):
    """The audit log as a log."""

    async def standing(self) -> AuditStanding:
        """Tell how the log stands."""
        ...

    async def entry(
        self, index: int, who: Principal, purpose: Purpose | None, *, proof: bool
    ) -> AuditEntry:
        """Show one entry.

        Raises:
            NotFoundError: the log has no such entry.
            PrunedError: only its hash is left.
        """
        ...


class Evidence(Protocol):
    """Parts of the audit log, for others to verify."""

    async def ask(self, request: ExportRequest, who: Principal) -> ActAnswer:
        """Ask for an export with openings."""
        ...

    async def export(
        self,
        request: ExportRequest,
        who: Principal,
        *,
        act: str | None = None,
        anchors: int | None = None,
    ) -> AsyncIterator[bytes]:
        """Give an evidence pack in pieces; of the anchor the leaves from *anchors* on.

        Raises:
            WrongStateError: *act* is no approved export of this part and person.
        """
        ...


class Tiling(Protocol):
    """Whole logs, as files that others can read and verify."""

    async def export(self, log: OwnLog, who: Principal) -> AsyncIterator[bytes]:
        """Give all files of a log as pieces of a tar archive."""
        ...


class Seen(Protocol):
    """What came of other members' signals."""

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> SightingsAnswer:
        """Tell the sums for each other member.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...


class Sheets(Protocol):
    """Documents for compliance officers."""

    async def write(
        self,
        kind: SheetKind,
        language: Language,
        who: Principal,
        purpose: Purpose | None = None,
    ) -> SheetAnswer:
        """Write a document out of what the node runs with now.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        ...


class Backups(Protocol):
    """What the audit log knows of backups."""

    async def note(self, request: BackupNote, who: Principal) -> BackupNoted:
        """Enter a backup."""
        ...
