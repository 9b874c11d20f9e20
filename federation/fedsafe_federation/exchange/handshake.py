# SPDX-License-Identifier: Apache-2.0
"""What two members tell each other before they exchange anything.

Each request and each answer between members says in one header which protocol versions
its sender speaks, which features it has, which version of the charter it holds, and the
hash of the arrangement in it:

    v=1; charter=3; arrangement=<64 hex digits>; features=charter-versions

The highest version that both speak counts, and the features that both have; what one of
them does not know is left aside. So a node that speaks N and N-1 works with both of its
neighbours. Members with different arrangements exchange nothing (426): the header says
nothing that would have to be proved, since whoever lies about it only deceives itself.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import ArrangementError, MalformedError
from fedsafe_policies.ground.catalogue import Phrase

SPEAKS: Final = "fedsafe-speaks"
PROTOCOLS: Final = frozenset({1})
GROUP_COMMITMENTS: Final = "group-commitments"
"""The charter commits to media group keys."""
SIGNED_AUTHORITY: Final = "signed-authority"
"""A request's signature may cover the authority: it is checked against the node's URL,
not against a Host header that a proxy may have changed."""
RIGHTS_FORM: Final = "rights-form"
"""Its public form takes e-mail addresses; said by a node that can mail codes."""
RIGHTS_FORM_PHONE: Final = "rights-form-phone"
"""Its public form takes phone numbers; said by a node with a hook for their codes."""
APPEALS: Final = "appeals"
"""Rulings on appeals, and a charter that names a deputy or sets a ruling aside."""
INQUIRIES: Final = "inquiries"
"""It takes inquiries about its listings, and tells how reviews ended, in sums."""
FORWARDED_DISPUTES: Final = "forwarded-disputes"
"""It takes disputes of third members that their authors' feeds do not show."""
FEATURES: Final = frozenset(
    {
        "charter-versions",
        GROUP_COMMITMENTS,
        SIGNED_AUTHORITY,
        APPEALS,
        INQUIRIES,
        FORWARDED_DISPUTES,
    }
)
_MOST: Final = 1_000
_KEPT: Final = 64
"""So many different headers are known again; each is short."""
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_FEATURE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Speaks:
    """What one side says of itself."""

    protocols: frozenset[int]
    features: frozenset[str]
    charter: int
    arrangement: bytes

    @classmethod
    def of(cls, charter: Charter, *more: str) -> "Speaks":
        """Say what this program speaks, under a charter, and *more* of this node."""
        return _spoken(charter.version, charter.arrangement.sha256, more)

    def header(self) -> str:
        """Write the header's value."""
        return _written(self)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides can do."""

    protocol: int
    features: frozenset[str]


# All members say the same in each request and answer, until something changes.
@lru_cache(maxsize=_KEPT)
def _spoken(charter: int, arrangement: bytes, more: tuple[str, ...]) -> Speaks:
    return Speaks(PROTOCOLS, FEATURES | {*more}, charter, arrangement)


@lru_cache(maxsize=_KEPT)
def _written(speaks: Speaks) -> str:
    versions = ",".join(map(str, sorted(speaks.protocols)))
    features = ",".join(sorted(speaks.features))
    return (
        f"v={versions}; charter={speaks.charter}; "
        f"arrangement={speaks.arrangement.hex()}; features={features}"
    )


@lru_cache(maxsize=_KEPT)
def parse_speaks(text: str) -> Speaks:
    """Read the header; words that are not known here are left aside.

    Raises:
        MalformedError: a word that has to be there is not, or does not fit.
    """
    if len(text) > _MOST:
        raise MalformedError(SPEAKS, Phrase("it is too long"))
    words = dict(word.strip().split("=", 1) for word in text.split(";") if "=" in word)
    versions = [each for each in words.get("v", "").split(",") if each]
    charter, hash_ = words.get("charter", ""), words.get("arrangement", "")
    if not versions or not all(map(_VERSION.fullmatch, [*versions, charter])):
        raise MalformedError(SPEAKS, Phrase("no versions"))
    if not _HASH.fullmatch(hash_):
        raise MalformedError(SPEAKS, Phrase("no arrangement"))
    features = [each for each in words.get("features", "").split(",") if each]
    if not all(map(_FEATURE.fullmatch, features)):
        raise MalformedError(SPEAKS, Phrase("a feature that is no name"))
    return Speaks(
        frozenset(map(int, versions)),
        frozenset(features),
        int(charter),
        bytes.fromhex(hash_),
    )


def agree(own: Speaks, theirs: Speaks) -> Agreed:
    """Find what both sides can do.

    Raises:
        ArrangementError: they have no protocol version in common, or no arrangement.
    """
    common = own.protocols & theirs.protocols
    if not common:
        spoken = ", ".join(map(str, sorted(own.protocols)))
        raise ArrangementError(
            "other_protocol",
            Phrase(
                "this node speaks version {spoken} of the protocol: bring both "
                "nodes to neighbouring releases"
            ).filled(spoken=spoken),
        )
    if own.arrangement != theirs.arrangement:
        raise ArrangementError(
            "other_arrangement",
            Phrase(
                "the arrangement between the members is another one: this node "
                "holds version {charter} of the charter, the asking one "
                "{others}; the older one catches up by itself, or has to "
                "be asked what it holds"
            ).filled(charter=own.charter, others=theirs.charter),
        )
    return Agreed(max(common), own.features & theirs.features)
