# SPDX-License-Identifier: Apache-2.0
"""What keeps the audit log, put together."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from fedsafe_federation.wire.pace import Offload
from fedsafe_node.acts.audit import LogCheck
from fedsafe_node.audit.account_erasure import ErasureService, SubjectErasure
from fedsafe_node.audit.account_reports import AccountReports
from fedsafe_node.audit.account_view import Search, Telling
from fedsafe_node.audit.gaps import Gaps
from fedsafe_node.audit.inspection import Admit, Cosigned
from fedsafe_node.audit.legal_holds import Holding
from fedsafe_node.audit.pruning import Pruning, Sizes
from fedsafe_node.audit.pseudonym_reveal import RevealEffect, RevealService
from fedsafe_node.audit.retention import Retention
from fedsafe_node.ground.config import AuditRetention
from fedsafe_node.ground.job import Job
from fedsafe_node.log.key_destruction import Destroying
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_node.people.approvals import Approvals, Effect
from fedsafe_node.people.office import Office
from fedsafe_node.rights.erasers import Erasers
from fedsafe_node.rights.withheld import PackWithholding, RecipientSilence
from fedsafe_policies.vocabulary import Act

_SOON: Final = timedelta(seconds=20)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Keeping:
    """All that people do with the audit log, beside reading and exporting it."""

    telling: Telling
    reports: AccountReports
    holding: Holding
    erasure: ErasureService
    reveals: RevealService
    withholding: PackWithholding


class Keeper:
    """All that the node does for its audit log by itself, and for people.

    Other parts of the node register in `erasers` what they hold about an account.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        office: Office,
        kept: Callable[[], AuditRetention],
        *,
        keys: Path,
        periods: PeriodKeys,
        pseudonyms: Pseudonyms,
        seen: Callable[[], Awaitable[Sizes | None]],
        offload: Offload,
    ) -> None:
        self._office = office
        self._pseudonyms = pseudonyms
        self.erasers = Erasers()
        self.gaps = Gaps(office.store, office.trail, office.clock)
        self.destroying = Destroying(
            office.store,
            office.trail,
            office.clock,
            keys=keys,
            periods=periods,
            pseudonyms=pseudonyms,
            offload=offload,
        )
        self._retention = Retention(
            office.store,
            office.trail,
            office.clock,
            kept,
            destroying=self.destroying,
            pruning=Pruning(office, anchor=office.trail.anchor, seen=seen),
            periods=periods,
            pseudonyms=pseudonyms,
        )

    def effects(self) -> Mapping[Act, Effect]:
        """Return what approvals of its acts do."""
        return {
            Act.PSEUDONYM_REVEAL: RevealEffect(),
            Act.SUBJECT_ERASURE: SubjectErasure(self._office, self.erasers),
            Act.RECIPIENT_SILENCE: RecipientSilence(self._office),
        }

    def keeping(
        self,
        approvals: Approvals,
        admit: Admit,
        search: Search,
        *,
        check: Callable[[], Awaitable[LogCheck]],
        cosigned: Cosigned,
    ) -> Keeping:
        """Return what people do with it; *check* verifies the log."""
        office = self._office
        telling = Telling(office, admit, search)
        return Keeping(
            telling=telling,
            reports=AccountReports(office, admit, check, telling.gaps, cosigned),
            holding=Holding(office),
            erasure=ErasureService(office, approvals),
            reveals=RevealService(office, approvals, self._pseudonyms),
            withholding=PackWithholding(office, approvals),
        )

    def jobs(self) -> Mapping[str, Job]:
        """Name its duties and how often they are due."""
        return {
            "audit-gaps": Job(self.gaps.watch, _SOON, is_own=True),
            "audit-retention": Job(self._retention.run, _HOUR),
        }
