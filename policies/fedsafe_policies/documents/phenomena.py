# SPDX-License-Identifier: Apache-2.0
"""The tables of phenomena (P7) and of consequences: the most that any policy may do.

`data/phenomena.toml` is the table; a policy switches on a part of it and can
never switch on more.
"""

import tomllib
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Finding, Level, Phenomenon, Plane


@unique
class Switch(StrEnum):
    """How far a phenomenon may go on one plane."""

    YES = "yes"
    LEGAL_REVIEW = "legal_review"
    NO = "no"


class PhenomenonRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the table."""

    name: Text
    actor: Switch
    media: Switch
    findings: frozenset[Finding]

    def switch(self, plane: Plane) -> Switch:
        """Return how far the phenomenon may go on `plane`."""
        return self.actor if plane is Plane.ACTOR else self.media


@cache
def phenomena() -> MappingProxyType[Phenomenon, PhenomenonRow]:
    """Return the whole table, one row for each phenomenon."""
    text = (
        files("fedsafe_policies").joinpath("data", "phenomena.toml").read_text("utf-8")
    )
    table = msgspec.convert(tomllib.loads(text), dict[Phenomenon, PhenomenonRow])
    return MappingProxyType({code: table[code] for code in Phenomenon})


@cache
def ladder() -> MappingProxyType[Level, Text]:
    """Return the name of every level."""
    folder = files("fedsafe_policies").joinpath("data")
    text = folder.joinpath("ladder.toml").read_text("utf-8")
    table = msgspec.convert(tomllib.loads(text), dict[Level, Text])
    return MappingProxyType({level: table[level] for level in Level})
