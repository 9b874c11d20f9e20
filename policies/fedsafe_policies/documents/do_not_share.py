# SPDX-License-Identifier: Apache-2.0
"""P17: identifiers that many people share, or nobody owns; files that show nothing.

Lists are data with a version, a date, a source and a licence
(`data/do_not_share.toml`, `data/harmless_media.toml`); a provider adds its own. An
identifier is compared in canonical form, and nothing of it is kept: the answer is the
name of a list. Those of files (`harmless_media`) apply whether a policy names them or
not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from functools import cache
from hashlib import sha256
from importlib.resources import files
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from fedsafe_policies.documents.document import IdentifierName, Label
from fedsafe_policies.documents.harmless_media import HarmlessMedia, read_harmless
from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind

SHORT: Final = "short_strings"
"""The name that stands for a string below the policy's `shortest`."""

_NAMESPACED: Final = frozenset({IdentifierKind.USERNAME, IdentifierKind.DEVICE})
"""Kinds whose canonical form is `namespace:name`; lists hold names."""


@unique
class Comparison(StrEnum):
    """What of an identifier is compared with an entry."""

    LOCAL_PART = "local_part"
    DOMAIN = "domain"
    NETWORK = "network"
    WHOLE = "whole"
    DIGEST = "digest"
    NEAR = "near"
    SET_BITS = "set_bits"


_OF_MEDIA: Final[Mapping[str, frozenset[Comparison]]] = {
    "file": frozenset({Comparison.DIGEST}),
    "pdq": frozenset({Comparison.NEAR, Comparison.SET_BITS}),
}
"""How lists about files are compared, by their kind."""


class ListFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list as written, and where it is from.

    Without a date it has that of its file; without a licence it is the provider's own.
    """

    kind: IdentifierName | Literal["file", "pdq"]
    match: Comparison
    version: Annotated[int, msgspec.Meta(ge=1)]
    source: Annotated[str, msgspec.Meta(min_length=1)]
    licence: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    dated: date | None = None
    entries: frozenset[Annotated[str, msgspec.Meta(min_length=1, max_length=320)]]

    @property
    def digest(self) -> str:
        """The SHA-256 of how it is compared and with what, in hex."""
        text = "\n".join([self.match, *sorted(self.entries)])
        return sha256(text.encode()).hexdigest()

    @property
    def of_media(self) -> bool:
        """Whether it is about files."""
        return self.kind in _OF_MEDIA


class ListsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of a file of lists."""

    format: Literal[1]
    dated: date
    lists: dict[Label, ListFile]


Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class DoNotShareLists:
    """Lists by name, ready to be asked.

    `own` names those of the provider: they are asked whether the policy names them
    or not.
    """

    dated: date
    lists: Mapping[str, ListFile]
    networks: Mapping[str, Networks]
    media: HarmlessMedia
    own: frozenset[str] = frozenset()

    def find(self, kind: IdentifierKind, canonical: str, policy: Policy) -> str | None:
        """Name the list that holds the identifier: the policy's, or one's own.

        A list that the policy names and nobody has is not passed: its name comes
        back for every identifier.
        """
        wanted = policy.document.do_not_share
        text = canonical
        if kind in _NAMESPACED:
            text = canonical.partition(":")[2] or canonical
            if len(text) < wanted.shortest:
                return SHORT
        for name in sorted(wanted.lists | self.own):
            entry = self.lists.get(name)
            if entry is None or self._holds(name, entry, kind, text):
                return name
        return None

    def find_file(self, kind: MediaKind, digest: bytes) -> str | None:
        """Name the list that holds a file, or a picture like it; None for none."""
        return self.media.find(kind, digest)

    def digest_of(self, name: str) -> str:
        """Digest a list by name; an empty text if nobody has it."""
        entry = self.lists.get(name)
        return "" if entry is None else entry.digest

    def digests(self, kind: IdentifierKind, policy: Policy) -> dict[str, str]:
        """Digest each list that an identifier of `kind` is compared with, by name.

        Who keeps them can tell later whether what `find` said still holds, without
        the identifier. A list that nobody has gets an empty text.
        """
        wanted = policy.document.do_not_share
        found: dict[str, str] = {}
        if kind in _NAMESPACED:
            found[SHORT] = str(wanted.shortest)
        for name in wanted.lists | self.own:
            entry = self.lists.get(name)
            if entry is None:
                found[name] = ""
            elif entry.kind == kind.name.lower():
                found[name] = entry.digest
        return found

    def _holds(
        self, name: str, entry: ListFile, kind: IdentifierKind, canonical: str
    ) -> bool:
        if entry.kind != kind.name.lower():
            return False
        match entry.match:
            case Comparison.WHOLE:
                return canonical.casefold() in entry.entries
            case Comparison.LOCAL_PART:
                local = canonical.rpartition("@")[0].partition("+")[0]
                return local.casefold() in entry.entries
            case Comparison.DOMAIN:
                labels = canonical.rpartition("@")[2].casefold().split(".")
                above = (".".join(labels[at:]) for at in range(len(labels)))
                return any(domain in entry.entries for domain in above)
            case Comparison.NETWORK:
                return _inside(canonical, self.networks[name])
            case Comparison.DIGEST | Comparison.NEAR | Comparison.SET_BITS:
                return False  # of files; their kind is no identifier's


def changed_list(then: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Name a list that holds something else now than it did, or is new; by digest."""
    return next((name for name in sorted(now) if now[name] != then.get(name)), None)


def load_lists(text: bytes, base: DoNotShareLists | None = None) -> DoNotShareLists:
    """Read lists; a provider's own add to `base` and replace by name.

    One that replaces another holds all that the other holds.

    Raises:
        PolicyFileError: the file is malformed, or loosens a list of `base`.
    """
    own, written = read_document(text, ListsFile)
    replaced: Mapping[str, ListFile] = base.lists if base else {}
    try:
        for name in sorted(own.lists.keys() & replaced.keys()):
            _check_whole(name, own.lists[name], replaced[name])
    except PolicyFileError as error:
        raise locate(error, written) from None
    dated = {
        name: entry if entry.dated is not None else replace(entry, dated=own.dated)
        for name, entry in own.lists.items()
    }
    lists = {**replaced, **dated}
    added = frozenset(own.lists) if base else frozenset[str]()
    try:
        networks = {
            name: _networks(name, entry.entries)
            for name, entry in lists.items()
            if entry.match is Comparison.NETWORK
        }
        media = _media(lists)
    except PolicyFileError as error:
        raise locate(error, written) from None
    return DoNotShareLists(own.dated, lists, networks, media, added)


@cache
def shipped_lists() -> DoNotShareLists:
    """Return the lists that come with FedSafe."""
    folder = files("fedsafe_policies").joinpath("data")
    people = load_lists(folder.joinpath("do_not_share.toml").read_bytes())
    both = load_lists(folder.joinpath("harmless_media.toml").read_bytes(), people)
    return DoNotShareLists(both.dated, both.lists, both.networks, both.media)


def _media(lists: Mapping[str, ListFile]) -> HarmlessMedia:
    for name, entry in lists.items():
        compared = _OF_MEDIA.get(entry.kind, frozenset())
        others = frozenset[Comparison]().union(*_OF_MEDIA.values())
        fits = entry.match in compared if compared else entry.match not in others
        if not fits:
            raise PolicyFileError(
                Phrase("a list of {kind} is not compared by {match}").filled(
                    kind=entry.kind, match=entry.match
                ),
                key=f"lists.{name}.match",
            )
    digests, pictures, set_bits = (
        {name: each.entries for name, each in lists.items() if each.match is match}
        for match in (Comparison.DIGEST, Comparison.NEAR, Comparison.SET_BITS)
    )
    return read_harmless(digests, pictures, set_bits)


def _check_whole(name: str, mine: ListFile, theirs: ListFile) -> None:
    """Refuse a list that would let pass what the one of its name does not."""
    for key in ("kind", "match"):
        if getattr(mine, key) != getattr(theirs, key):
            raise PolicyFileError(
                Phrase("the list of that name has {value}; take another name").filled(
                    value=getattr(theirs, key)
                ),
                key=f"lists.{name}.{key}",
            )
    lacking = theirs.entries - mine.entries
    if theirs.match is Comparison.NETWORK:
        held = _networks(name, mine.entries)
        lacking = frozenset(
            entry for entry in lacking if not _covered(ip_network(entry), held)
        )
    if lacking:
        raise PolicyFileError(
            Phrase(
                "loosens: lacks {count} entries of the list that it replaces, such as "
                "{name}"
            ).filled(count=len(lacking), name=min(lacking)),
            key=f"lists.{name}.entries",
        )


def _covered(network: IPv4Network | IPv6Network, held: Networks) -> bool:
    return any(
        network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]
        for other in held
    )


def _networks(name: str, entries: Iterable[str]) -> Networks:
    try:
        return tuple(ip_network(entry) for entry in sorted(entries))
    except ValueError:
        raise PolicyFileError(
            Phrase("want networks"), key=f"lists.{name}.entries"
        ) from None


def _inside(written: str, networks: Networks) -> bool:
    """Tell whether an address, or a prefix as IPv6 is shortened to, lies inside."""
    try:
        address: IPv4Address | IPv6Address = ip_address(written.partition("/")[0])
    except ValueError:
        return False
    return any(address in network for network in networks)
