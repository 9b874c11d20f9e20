# SPDX-License-Identifier: Apache-2.0
"""The reply to a minor who was affected: seven blocks in a fixed order.

The words are data (`data/help_reply.toml`); a provider may write its own. They are a
draft until a named person of a specialised counselling centre (Fachberatungsstelle)
has approved exactly these words, for a year at most.
"""

import hashlib
import tomllib
from datetime import date
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import day_number

FACTS: Final = frozenset({"provider", "contact"})
"""What a block may name in braces."""
APPROVED_DAYS: Final = 365
_Name = Annotated[
    str, msgspec.Meta(pattern=r"^\S[^\x00-\x1f\x7f]*(?!\n)$", max_length=200)
]


@unique
class Block(StrEnum):
    """The seven blocks, in their order."""

    THANKS = "thanks"
    NOT_YOUR_FAULT = "not_your_fault"
    FEELINGS = "feelings"
    WHAT_NOW = "what_now"
    EVIDENCE = "evidence"
    OFFERS = "offers"
    """The offers of the help directory follow it."""
    NEXT = "next"


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has approved the words with this digest, of which counselling centre."""

    person: _Name
    organisation: _Name
    on: date
    digest: str


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The words of each block, and who has approved them."""

    thanks: Text
    not_your_fault: Text
    feelings: Text
    what_now: Text
    evidence: Text
    offers: Text
    next: Text
    approved: Approval | None = None

    def block(self, block: Block) -> Text:
        """Return the words of a block."""
        text: Text = getattr(self, block.value)
        return text

    @property
    def digest(self) -> str:
        """Name exactly these words, in both languages (SHA-256, hex)."""
        words = [
            (block.value, self.block(block).de, self.block(block).en) for block in Block
        ]  # as JSON: no word passes from one language or block into the next
        return hashlib.sha256(msgspec.json.encode(words)).hexdigest()

    def is_approved(self, day: int) -> bool:
        """Tell whether somebody has approved exactly these words, within a year."""
        approved = self.approved
        if approved is None or approved.digest != self.digest:
            return False
        return 0 <= day - day_number(approved.on) < APPROVED_DAYS


class ReplyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A provider's own words, and who has approved all of them.

    A block that is left out keeps its words, so that what is shipped can be approved.
    """

    thanks: Text | None = None
    not_your_fault: Text | None = None
    feelings: Text | None = None
    what_now: Text | None = None
    evidence: Text | None = None
    offers: Text | None = None
    next: Text | None = None
    approved: Approval | None = None

    def upon(self, base: Reply) -> Reply:
        """Put these words upon others; an approval is of the whole."""
        own = {name: getattr(self, name) for name in self.__struct_fields__}
        words = {name: text for name, text in own.items() if text is not None}
        return replace(base, **{"approved": None, **words})


@cache
def shipped_reply() -> Reply:
    """Return the reply that is shipped: a draft."""
    folder = files("fedsafe_policies").joinpath("data")
    text = folder.joinpath("help_reply.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Reply)


def facts_named(text: str) -> frozenset[str]:
    """Return the facts that a text names in braces, with how they are to be written.

    Raises:
        ValueError: a brace is not closed.
    """
    return frozenset(
        f"{name}{how or ''}{spec or ''}"
        for _, name, spec, how in Formatter().parse(text)
        if name is not None
    )
