# SPDX-License-Identifier: Apache-2.0
"""The entries of a pack, page by page, as lines of JSON.

A record stands as its exact text. Of an entry whose class was not asked for only
the leaf hash leaves the node: it keeps the proof whole and tells nothing.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.tlog.tree import leaf_hash
from fedsafe_federation.errors import MalformedError
from fedsafe_node.audit.packs.contents import Decided
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.log.audit import SOURCE, AuditRecord, decode_audit_record
from fedsafe_node.log.span import Part
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import KeptOpening, LogName, Opening
from fedsafe_policies.ground.catalogue import Phrase

PAGE: Final = 256


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the pack, and the policies that its events name."""

    name: str
    content: bytes
    policies: frozenset[Decided]


async def read_page(
    reader: Reader, log: LogName, part: Part, start: int, *, openings: bool
) -> Page:
    """Read the page of a part that begins at an entry.

    Raises:
        CorruptLogError: an entry is missing, or is no audit event.
    """
    count = min(PAGE, part.end - start)
    records = await reader.records(log, start, count)
    if len(records) != count:
        raise CorruptLogError(log, start, Phrase("entries are missing"))
    by_entry: dict[int, list[KeptOpening]] = {}
    for kept in await reader.openings(log, start, count):
        by_entry.setdefault(kept.index, []).append(kept)
    lines: list[bytes] = []
    policies: set[Decided] = set()
    for index, data in enumerate(records, start=start):
        record = _decode(log, index, data)
        if part.events is not None and record.event.value not in part.events:
            lines.append(_line({"index": index, "leaf": leaf_hash(data).hex()}))
            continue
        groups = by_entry.get(index, [])
        lines.append(_line(_entry(index, data, record, groups, openings=openings)))
        if record.policy is not None:
            policies.add((record.policy, record.policy_hash))
    return Page(
        name=f"entries/{start:012}.ndjson",
        content=b"".join(lines),
        policies=frozenset(policies),
    )


def _decode(log: LogName, index: int, data: bytes) -> AuditRecord:
    try:
        return decode_audit_record(data)
    except MalformedError:
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None


def _entry(
    index: int,
    data: bytes,
    record: AuditRecord,
    groups: Sequence[KeptOpening],
    *,
    openings: bool,
) -> Mapping[str, object]:
    there = {kept.group: kept.opening for kept in groups if kept.opening is not None}
    erased_at = {kept.group: kept.erased_at for kept in groups}
    gone = sorted(group for group in record.commitments if group not in there)
    kept = sorted(there)
    # What a pack has nobody erases: where a stranger came from stays here.
    shown = [group for group in kept if openings and group != SOURCE]
    return {
        "index": index,
        "record": data.decode(),
        "openings": {group: _shown(there[group]) for group in shown},
        "erased": {group: erased_at.get(group) for group in gone},
        "withheld": [group for group in kept if group not in shown],
    }


def _shown(opening: Opening) -> Mapping[str, str]:
    salt = b64encode(opening.salt).decode()
    try:
        return {"salt": salt, "payload": opening.payload.decode()}
    except UnicodeDecodeError:
        encoded = b64encode(opening.payload).decode()
        return {"salt": salt, "payload_base64": encoded}


def _line(document: Mapping[str, object]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return f"{text}\n".encode()
