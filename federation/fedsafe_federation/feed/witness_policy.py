# SPDX-License-Identifier: Apache-2.0
"""Which witnesses must have cosigned: C2SP policies (c2sp.org/tlog-policy).

    witness b b.example/witness+c74f20a3+BL…
    witness c c.example/witness+12ab34cd+BM…
    group others 1 b c
    quorum others

Without a file of its own a node asks all other members and wants a majority of them.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey
from fedsafe_federation.errors import MalformedError
from fedsafe_policies.ground.catalogue import Phrase

NONE: Final = "none"
MOST_BYTES: Final = 64 * 1024
_DOCUMENT: Final = "witness policy"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_URL: Final = re.compile(
    r"https://[\x21-\x7e]{1,2000}|http://(127\.0\.0\.1|\[::1\]|localhost)(?=[:/])[\x21-\x7e]{1,2000}"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness; `url` is where it takes checkpoints, if it is no member."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these, each a witness or a group, must have witnessed."""

    needed: int
    of: tuple["Group | VerifierKey", ...]

    def reached(self, by: AbstractSet[VerifierKey]) -> bool:
        """Whether these witnesses are enough."""
        there = sum(
            each.reached(by) if isinstance(each, Group) else each in by
            for each in self.of
        )
        return there >= self.needed


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is asked to cosign, and whose cosignatures are enough."""

    witnesses: tuple[Witness, ...]
    quorum: Group

    def reached(self, by: AbstractSet[VerifierKey]) -> bool:
        """Whether these witnesses are enough."""
        return self.quorum.reached(by)

    def renewed(self, keys: Mapping[VerifierKey, VerifierKey]) -> "Policy":
        """Put present keys in the place of those that witnesses had before."""
        witnesses = (
            Witness(keys.get(each.key, each.key), each.url) for each in self.witnesses
        )
        return Policy(tuple(witnesses), _renewed(self.quorum, keys))


def _renewed(group: Group, keys: Mapping[VerifierKey, VerifierKey]) -> Group:
    of = (
        _renewed(each, keys) if isinstance(each, Group) else keys.get(each, each)
        for each in group.of
    )
    return Group(group.needed, tuple(of))


def majority(witnesses: Sequence[VerifierKey]) -> Policy:
    """Ask all of them and want more than half; of none, nobody."""
    needed = len(witnesses) // 2 + 1 if witnesses else 0
    return Policy(tuple(map(Witness, witnesses)), Group(needed, tuple(witnesses)))


def parse_policy(data: bytes) -> Policy:
    """Read a policy file; the logs that it lists are checked and left aside.

    Raises:
        MalformedError: names the line and what is wrong with it.
    """
    text = data.decode("latin-1")  # octets: what is not ASCII is opaque here
    if len(data) > MOST_BYTES or _CONTROLS.search(text):
        raise MalformedError(
            _DOCUMENT, Phrase("it is too large, or holds control characters")
        )
    reading = _Reading()
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if words and not words[0].startswith("#"):
            try:
                reading.take(words)
            except (CryptoError, ValueError) as error:
                raise MalformedError(
                    _DOCUMENT,
                    Phrase("line {number}: {why}").filled(number=number, why=error),
                ) from None
    if reading.quorum is None:
        raise MalformedError(_DOCUMENT, Phrase("it has no quorum"))
    return Policy(tuple(reading.witnesses), reading.quorum)


class _Reading:
    """The lines so far; names are defined before they are used."""

    def __init__(self) -> None:
        self.witnesses: list[Witness] = []
        self.quorum: Group | None = None
        self._names: dict[str, Group | VerifierKey] = {}
        self._members: set[str] = set()
        self._keys: dict[str, set[bytes]] = {"log": set(), "witness": set()}

    def take(self, words: list[str]) -> None:
        """Take a line in; raises `ValueError` for what does not fit."""
        takers: Mapping[str, tuple[int, int]] = {
            "log": (2, 3),
            "witness": (3, 4),
            "group": (4, 10_000),
            "quorum": (2, 2),
        }
        least, most = takers.get(words[0], (0, 0))
        if not least <= len(words) <= most:
            raise ValueError("no line of a policy")
        if words[0] == "log":
            self._once("log", VerifierKey.parse(_utf8(words[1])))
        elif words[0] == "witness":
            self._witness(words)
        elif words[0] == "group":
            self._group(words)
        else:
            self._quorum(words[1])

    def _witness(self, words: list[str]) -> None:
        key = VerifierKey.parse(_utf8(words[2]), COSIGNER)
        url = words[3] if len(words) > 3 else None  # noqa: PLR2004 - it may be left out
        if url is not None and not _URL.fullmatch(url):
            raise ValueError("no https address")
        self._once("witness", key)
        self._define(words[1], key)
        self.witnesses.append(Witness(key, url))

    def _group(self, words: list[str]) -> None:
        _, name, count, *members = words
        needed = {"all": len(members), "any": 1}.get(count)
        if needed is None and _NUMBER.fullmatch(count):
            needed = int(count)
        if needed is None or needed > len(members):
            raise ValueError("no number of the members")
        of = tuple(self._known(member) for member in members)
        if len(set(members)) != len(members) or self._members & set(members):
            raise ValueError("a name is a member twice")
        self._members |= set(members)
        self._define(name, Group(needed, of))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise ValueError("a second quorum")
        if name == NONE:
            self.quorum = Group(0, ())
        else:
            self.quorum = Group(1, (self._known(name),))

    def _known(self, name: str) -> Group | VerifierKey:
        if name not in self._names:
            raise ValueError("a name that no line above defines")
        return self._names[name]

    def _define(self, name: str, what: Group | VerifierKey) -> None:
        if name in self._names or name == NONE:
            raise ValueError("a name that is taken")
        self._names[name] = what

    def _once(self, kind: str, key: VerifierKey) -> None:
        if key.public in self._keys[kind]:
            raise ValueError("a key is listed twice")
        self._keys[kind].add(key.public)


def _utf8(word: str) -> str:
    return word.encode("latin-1").decode()
