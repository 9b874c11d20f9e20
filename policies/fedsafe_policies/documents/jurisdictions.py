# SPDX-License-Identifier: Apache-2.0
"""P15: names of places, and what a name of several stands for.

`data/jurisdictions.toml` holds the groups, with source and date. A code that
names no group stands for itself.
"""

import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from fedsafe_policies.documents.document import Code


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several jurisdictions under one name (ISO 3166-1 alpha-2)."""

    source: str
    dated: date
    members: frozenset[Code]


@cache
def groups() -> MappingProxyType[str, Group]:
    """Return the groups by name."""
    folder = files("fedsafe_policies").joinpath("data")
    text = folder.joinpath("jurisdictions.toml").read_text("utf-8")
    table = msgspec.convert(tomllib.loads(text), dict[str, Group])
    return MappingProxyType(table)


def expand(codes: Iterable[str]) -> frozenset[str]:
    """Resolve groups into their members."""
    table = groups()
    places: set[str] = set()
    for code in codes:
        places |= table[code].members if code in table else {code}
    return frozenset(places)
