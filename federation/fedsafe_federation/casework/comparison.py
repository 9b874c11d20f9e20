# SPDX-License-Identifier: Apache-2.0
"""Compare files with the evidence manifest of a package; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from msgspec import UNSET

from fedsafe_policies.escalation.package import CasePackage


@unique
class Finding(StrEnum):
    """What a file is to the manifest."""

    SAME = "same"
    CHANGED = "changed"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digested:
    """A file that was read: how long it is, and its two digests."""

    name: str
    size: int
    sha256: str
    blake3: str


@dataclass(frozen=True, slots=True)
class Compared:
    """What a file was found to be; `object_id` names what it is, if it is listed."""

    name: str
    finding: Finding
    object_id: str | None = None


def compare(package: CasePackage, files: Iterable[Digested]) -> list[Compared]:
    """Find each file in the manifest, by both digests and its size.

    One of them alone that fits is a change of the manifest or the file, and not the
    same file.
    """
    listed = package.elements.attachments
    known = () if listed is UNSET else listed
    found: list[Compared] = []
    for file in files:
        near = [
            each
            for each in known
            if file.sha256 == each.sha256 or file.blake3 == each.blake3
        ]
        same = [
            each
            for each in near
            if (each.sha256, each.blake3, each.size)
            == (file.sha256, file.blake3, file.size)
        ]
        if same:
            found.append(Compared(file.name, Finding.SAME, same[0].object_id))
        elif near:
            found.append(Compared(file.name, Finding.CHANGED, near[0].object_id))
        else:
            found.append(Compared(file.name, Finding.UNLISTED))
    return found
