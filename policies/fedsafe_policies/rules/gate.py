# SPDX-License-Identifier: Apache-2.0
"""The node that decides: its surroundings, and what its legal gate has on record.

A record is complete with every field of `LegalGate`, and closes again by itself.
A site is a demonstration if every listener and every peer is on loopback and every
node's name ends in ``.demo``.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.ground.span import SECONDS_A_DAY, day_number, today

DEMO_SUFFIX: Final = ".demo"


@unique
class Consultation(StrEnum):
    """Whether the supervisory authority was asked beforehand (GDPR Art. 36)."""

    DONE = "done"
    NOT_REQUIRED = "not_required"


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who approved, and on which day."""

    person: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    on: date


class LegalGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a node must have recorded before the gate opens.

    A field that is still missing is `None`, so a record can grow step by step.
    `legal_basis` to `arrangement` refer to documents; `consultation_reference` is
    the authority's file number, or the reasoned note why none was required. In a
    federation `arrangement` ends in what its charter says of the arrangement
    (`cites`). The gate closes as `valid_until` begins (UTC).
    """

    legal_basis: str | None = None
    balancing_test: str | None = None
    dpia: str | None = None
    consultation: Consultation | None = None
    consultation_reference: str | None = None
    arrangement: str | None = None
    dpo_approval: Approval | None = None
    management_approval: Approval | None = None
    valid_until: date | None = None


def missing(gate: LegalGate, now: int, agreed: str = "") -> tuple[str, ...]:
    """Name the fields that keep `gate` closed at `now` (UTC seconds).

    A reference that is none, an approval of tomorrow, a second approval by the
    same person, another arrangement than the one `agreed` on and a passed
    `valid_until` count as missing.
    """
    references = (
        "legal_basis",
        "balancing_test",
        "dpia",
        "consultation_reference",
        "arrangement",
    )
    names = [name for name in references if not _refers(getattr(gate, name))]
    if _refers(gate.arrangement) and not cites(gate.arrangement or "", agreed):
        names.append("arrangement")
    if gate.consultation is None:
        names.append("consultation")
    for name in ("dpo_approval", "management_approval"):
        approval = getattr(gate, name)
        if approval is None or day_number(approval.on) > today(now):
            names.append(name)
    if (
        gate.dpo_approval is not None
        and gate.management_approval is not None
        and plain(gate.dpo_approval.person) == plain(gate.management_approval.person)
    ):
        names.append("management_approval")
    if gate.valid_until is None or today(now) >= day_number(gate.valid_until):
        names.append("valid_until")
    return tuple(dict.fromkeys(names))


def cites(reference: str, agreed: str) -> bool:
    """Tell whether a reference means the arrangement that a charter names.

    It ends in the first eight digits of its SHA-256 (``jca-3:0a1b2c3d``), which
    `agreed` is; where a charter names none, any reference does.
    """
    return not agreed or re.split(r"[._/:-]", reference.lower())[-1] == agreed


def plain(name: str) -> str:
    """Return a name as names are compared: how it is written makes nobody another."""
    return " ".join(name.casefold().split())


def open_days(gate: LegalGate | None, agreed: str = "") -> range:
    """Number the days on which nothing of `gate` is missing: `today(now)` of each."""
    if gate is None or gate.valid_until is None:
        return range(0)
    end = day_number(gate.valid_until)
    approvals = (gate.dpo_approval, gate.management_approval)
    days = [day_number(each.on) for each in approvals if each is not None]
    first = max(days, default=end)
    # What is missing on the last day is missing on all: only dates pass.
    gaps = missing(gate, (end - 1) * SECONDS_A_DAY, agreed)
    return range(0) if gaps else range(first, end)


@dataclass(frozen=True, slots=True)
class Site:
    """The node that decides: its surroundings and its gate record.

    `register_until` is when its Schutzkonzept register is met no more (UTC seconds).
    `names` are its own and its peers' names, `addresses` all listeners and peer
    addresses: URLs, ``host:port`` or ``unix:`` paths. `arrangement` is what the gate
    record has to cite of its federation's, if that has one.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    gate: LegalGate | None = None
    register_until: int = 0
    arrangement: str = ""
    demo: bool = field(init=False)
    open_days: range = field(init=False)

    def __post_init__(self) -> None:
        """Judge once whether this is a demonstration, and when its gate is open."""
        object.__setattr__(self, "open_days", open_days(self.gate, self.arrangement))
        demo = (
            bool(self.names)
            and bool(self.addresses)
            and all(name.endswith(DEMO_SUFFIX) for name in self.names)
            and all(is_loopback(address) for address in self.addresses)
        )
        object.__setattr__(self, "demo", demo)


def is_loopback(address: str) -> bool:
    """Tell whether `address` can only be reached from this machine.

    A host name is not, `localhost` included: what it resolves to is not ours.
    """
    if address.startswith("unix:"):
        return True
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname
        parsed = ip_address(host or "")
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return False
    return parsed.is_loopback


def _refers(value: str | None) -> bool:
    return value is not None and is_reference(value)
