# SPDX-License-Identifier: Apache-2.0
"""The ladder of consequences by name; `data/ladder.toml` is the table."""

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Level


@cache
def ladder() -> MappingProxyType[Level, Text]:
    """Return the name of every level."""
    folder = files("fedsafe_policies").joinpath("data")
    text = folder.joinpath("ladder.toml").read_text("utf-8")
    table = msgspec.convert(tomllib.loads(text), dict[Level, Text])
    return MappingProxyType({level: table[level] for level in Level})
