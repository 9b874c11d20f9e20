# SPDX-License-Identifier: Apache-2.0
"""The entries of the register as they are kept, and as they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import msgspec

from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import Bilingual
from fedsafe_node.acts.register import (
    PublicItem,
    PublicRegister,
    RegisterAnswer,
    RegisterEntry,
    RegisterItem,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_policies.documents.register import (
    CLAIMS,
    Claim,
    Item,
    Status,
    catalogue,
    effective,
    lacking,
    met_until,
)


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of an entry; a review repeats it with the `reviewed_` fields."""

    item: str
    status: Status
    expires_on: date
    evidence: str | None
    reason: str | None
    entered_by: str
    entered_at: int
    reviewed_by: str | None = None
    reviewed_role: str | None = None
    reviewed_at: int | None = None

    def claim(self) -> Claim:
        """What the rules see of it."""
        return Claim(
            item=self.item,
            status=self.status,
            expires_on=self.expires_on,
            evidence=self.evidence,
            reason=self.reason,
            reviewed=self.reviewed_by is not None,
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry and its id."""

    id: str
    entry: Entry


async def read_entries(reader: Reader) -> list[Kept]:
    """Read all entries, oldest first.

    Raises:
        MalformedError: an entry does not fit.
    """
    rows = await reader.register_entries()
    return [Kept(row.id, decode(row.record, Entry)) for row in rows]


async def read_register_end(store: Store) -> int:
    """Read until when the register is met (UTC seconds); 0 if it is not.

    Raises:
        MalformedError: an entry does not fit.
    """
    return end_of(await store.read(read_entries))


def end_of(entries: Sequence[Kept]) -> int:
    """Tell until when the register is met (UTC seconds); 0 if it is not."""
    return met_until(effective(kept.entry.claim() for kept in entries))


def waiting(entries: Sequence[Kept]) -> dict[str, Kept]:
    """Give the newest entry of each item, if it waits for a second person."""
    newest = {kept.entry.item: kept for kept in entries}
    return {
        item: kept
        for item, kept in newest.items()
        if kept.entry.status in CLAIMS and kept.entry.reviewed_by is None
    }


def show_register(entries: Sequence[Kept], now: int) -> RegisterAnswer:
    """Show the register to the provider's own staff."""
    claims, counting = _counting(entries)
    missing, waits = lacking(claims, now), waiting(entries)
    return RegisterAnswer(
        met=not missing,
        met_until=_moment(met_until(claims)),
        missing=list(missing),
        items=[
            RegisterItem(
                item=item.id,
                title=_title(item),
                source=item.source,
                mandatory=item.mandatory,
                may_not_apply=item.may_not_apply,
                missing=item.id in missing,
                counts=_shown(counting.get(item.id)),
                waits=_shown(waits.get(item.id)),
            )
            for item in catalogue().values()
        ],
    )


def show_publicly(node: str, entries: Sequence[Kept], now: int) -> PublicRegister:
    """Show the register to anybody: roles instead of persons, public evidence only."""
    claims, counting = _counting(entries)
    return PublicRegister(
        node=node,
        met=not lacking(claims, now),
        met_until=_moment(met_until(claims)),
        items=[_public(item, counting.get(item.id)) for item in catalogue().values()],
    )


def _counting(
    entries: Sequence[Kept],
) -> tuple[Mapping[str, Claim], Mapping[str, Kept]]:
    by_claim = [(kept.entry.claim(), kept) for kept in entries]
    claims = effective(claim for claim, _ in by_claim)
    kept_of = {id(claim): kept for claim, kept in by_claim}
    return claims, {item: kept_of[id(claim)] for item, claim in claims.items()}


def _public(item: Item, kept: Kept | None) -> PublicItem:
    entry = kept.entry if kept is not None else None
    shown = PublicItem(
        item=item.id, title=_title(item), mandatory=item.mandatory, status=None
    )
    if entry is None:
        return shown
    evidence = entry.evidence or ""
    return msgspec.structs.replace(
        shown,
        status=entry.status,
        evidence=evidence if evidence.startswith("https://") else None,
        reviewed_by_role=entry.reviewed_role,
        reviewed_on=_day(entry.reviewed_at),
        expires_on=entry.expires_on,
    )


def _shown(kept: Kept | None) -> RegisterEntry | None:
    if kept is None:
        return None
    entry = kept.entry
    return RegisterEntry(
        entry=kept.id,
        status=entry.status,
        expires_on=entry.expires_on,
        evidence=entry.evidence,
        reason=entry.reason,
        entered_by=entry.entered_by,
        entered_at=_moment(entry.entered_at) or "",
        reviewed_by=entry.reviewed_by,
        reviewed_at=_moment(entry.reviewed_at),
    )


def _title(item: Item) -> Bilingual:
    return Bilingual.of(item.title)


def _moment(at: int | None) -> str | None:
    return datetime.fromtimestamp(at, UTC).isoformat() if at else None


def _day(at: int | None) -> date | None:
    return datetime.fromtimestamp(at, UTC).date() if at else None
