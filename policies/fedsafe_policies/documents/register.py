# SPDX-License-Identifier: Apache-2.0
"""The Schutzkonzept register: what a provider documents about itself.

`data/register.toml` lists the items. Actor signals are only for nodes whose mandatory
items are met: claimed with evidence, confirmed by a second person, and not expired.

An entry that claims something (`met`, `not_applicable`) counts from its review on;
until then the confirmed one before it does, so that a renewal opens no gap. An
entry that takes a claim back (`planned`, `partly`) counts at once.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.references import is_contact, is_reference
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span, day_number, today

LONGEST: Final = Span.parse("12 months")

ItemId = Annotated[
    str,
    msgspec.Meta(pattern=r"^S-(0|I|II|III|IV|V|VI)-[0-9]{1,2}[a-e]?$(?!\n)"),
]


@unique
class Status(StrEnum):
    """How far a provider is with an item."""

    MET = "met"
    PARTLY = "partly"
    PLANNED = "planned"
    NOT_APPLICABLE = "not_applicable"


CLAIMS: Final = frozenset({Status.MET, Status.NOT_APPLICABLE})
"""What only counts once a second person has confirmed it."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to document, and whether actor signals hang on it."""

    id: ItemId
    mandatory: bool
    may_not_apply: bool
    source: str
    title: Text


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    item: tuple[Item, ...]


@unique
class Fault(StrEnum):
    """What an entry is refused for."""

    ITEM = "unknown_item"
    EVIDENCE = "bad_evidence"
    EVIDENCE_MISSING = "evidence_missing"
    REASON = "bad_reason"
    REASON_MISSING = "reason_missing"
    APPLIES = "always_applies"
    EXPIRED = "already_expired"
    TOO_LONG = "expires_too_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one entry says; `expires_on` is the first day it no longer counts (UTC).

    `reason` says why an item does not apply; both it and `evidence` refer to a
    document and tell nothing themselves.
    """

    item: str
    status: Status
    expires_on: date
    evidence: str | None = None
    reason: str | None = None
    reviewed: bool = False


@cache
def catalogue() -> Mapping[str, Item]:
    """Return all items by id, in the order of the paper."""
    folder = files("fedsafe_policies").joinpath("data")
    tree = tomllib.loads(folder.joinpath("register.toml").read_text("utf-8"))
    found = msgspec.convert(tree, _Catalogue)
    return MappingProxyType({item.id: item for item in found.item})


def fault_of(claim: Claim, now: int) -> Fault | None:
    """Say what is wrong with an entry made at `now` (UTC seconds), if anything is."""
    item = catalogue().get(claim.item)
    if item is None:
        return Fault.ITEM
    if claim.evidence is not None and not _is_evidence(claim.evidence):
        return Fault.EVIDENCE
    if claim.reason is not None and not is_reference(claim.reason):
        return Fault.REASON
    return _fault_of_claim(claim, item) or _fault_of_end(claim, now)


def effective(history: Iterable[Claim]) -> dict[str, Claim]:
    """Give the entry that counts for each item; `history` is oldest first."""
    counting: dict[str, Claim] = {}
    for claim in history:
        if claim.status not in CLAIMS or claim.reviewed:
            counting[claim.item] = claim
    return counting


def lacking(counting: Mapping[str, Claim], now: int) -> tuple[str, ...]:
    """Name the mandatory items that are not met at `now` (UTC seconds)."""
    return tuple(
        item.id for item in _mandatory() if _until(counting.get(item.id)) <= now
    )


def met_until(counting: Mapping[str, Claim]) -> int:
    """Tell when the register is met no more (UTC seconds); 0 if it never was."""
    return min(_until(counting.get(item.id)) for item in _mandatory())


def _mandatory() -> list[Item]:
    return [item for item in catalogue().values() if item.mandatory]


def _until(claim: Claim | None) -> int:
    # What never applies to a provider meets nothing that signals about persons need.
    if claim is None or claim.status is not Status.MET or not claim.reviewed:
        return 0
    return day_number(claim.expires_on) * SECONDS_A_DAY


def _is_evidence(value: str) -> bool:
    return is_reference(value) or (value.startswith("https://") and is_contact(value))


def _fault_of_claim(claim: Claim, item: Item) -> Fault | None:
    if claim.status is Status.MET and claim.evidence is None:
        return Fault.EVIDENCE_MISSING
    if claim.status is not Status.NOT_APPLICABLE:
        return None
    if not item.may_not_apply:
        return Fault.APPLIES
    return Fault.REASON_MISSING if claim.reason is None else None


def _fault_of_end(claim: Claim, now: int) -> Fault | None:
    if day_number(claim.expires_on) <= today(now):
        return Fault.EXPIRED
    start = date.fromordinal(today(now) + date(1970, 1, 1).toordinal())
    return Fault.TOO_LONG if claim.expires_on > LONGEST.after(start) else None
