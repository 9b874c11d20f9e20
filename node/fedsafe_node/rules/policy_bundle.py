# SPDX-License-Identifier: Apache-2.0
"""What the node decides by: its policy, and the data that policies lean on.

node.toml names the texts; what it names at the very first start counts. From then on
the node decides by the texts that were approved, whose digests lie in the store
(`people.policy_changes`): another text takes two persons, and until then it waits.
What does not fit is refused at start, and never found out in the middle of a decision.
Every text is kept under its digest, so that the node can go on by the approved one, and
an old audit event can still be explained. For how long the audit log is kept counts in
the same way: when it is shortened, openings are erased and keys destroyed for good.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Final, TypeVar

from msgspec.structs import replace

from fedsafe_federation.charter.charter import PolicyReference
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.config import AuditRetention, Config, Place
from fedsafe_node.ground.errors import ConfigError, words_of
from fedsafe_node.ground.key_files import (
    make_private_directory,
    sync_directory,
    write_durably,
)
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.do_not_share import (
    DoNotShareLists,
    load_lists,
    shipped_lists,
)
from fedsafe_policies.documents.legal_calendar import (
    Calendar,
    load_calendar,
    shipped_calendar,
)
from fedsafe_policies.documents.policy import SHIPPED, Policy, load_policy, shipped_text
from fedsafe_policies.documents.strictness import load_node_policy
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.matrix import Matrix, shipped_matrix
from fedsafe_policies.escalation.own_matrix import load_own_matrix
from fedsafe_policies.ground.catalogue import Phrase

NOT_ITS_NAME: Final = Phrase("it is not the text that its name says")
_APPROVED: Final = "provisions/approved"

T = TypeVar("T")


class Digests(Row, frozen=True, kw_only=True):
    """Which texts: the SHA-256 of each in hex, None for what is shipped alone.

    And for how long the audit log is kept: None is what a version left that kept no
    such thing, and becomes what node.toml says at the next start.
    """

    policy: str
    calendar: str | None = None
    do_not_share: str | None = None
    minimisation: str | None = None
    audit: AuditRetention | None = None

    def differing(self, approved: "Digests") -> tuple[str, ...]:
        """Name in what these differ from what was approved."""
        other = approved.with_times(self.audit)
        fields = self.__struct_fields__
        return tuple(n for n in fields if getattr(self, n) != getattr(other, n))

    def with_times(self, audit: AuditRetention | None) -> "Digests":
        """Take these times where there are none yet."""
        return self if self.audit is not None else replace(self, audit=audit)


@dataclass(frozen=True, slots=True)
class Provisions:
    """A policy, and what it leans on: calendar, lists, matrix, the audit log's times.

    `digests` are those of the texts, `source` says where the policy's is from.
    """

    policy: Policy
    calendar: Calendar = field(default_factory=shipped_calendar)
    do_not_share: DoNotShareLists = field(default_factory=shipped_lists)
    matrix: Matrix = field(default_factory=shipped_matrix)
    audit: AuditRetention = field(default_factory=AuditRetention)
    digests: Digests | None = field(default=None, compare=False)
    source: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _Text:
    source: object
    data: bytes


@dataclass(frozen=True, slots=True)
class _Texts:
    policy: _Text
    calendar: _Text | None
    lists: _Text | None
    matrix: _Text | None


def read_provisions(place: Place, config: Config) -> Provisions:
    """Read what a configuration names, and keep the texts.

    Raises:
        ConfigError: a file cannot be read or does not fit; with key and line.
    """
    texts = _texts(place, config)
    provisions = _load(texts, config.audit)
    for text in (texts.policy, texts.calendar, texts.lists, texts.matrix):
        if text is not None:
            _keep(place, _digest(text), text.data)
    return provisions


def named_digests(place: Place, config: Config) -> Digests:
    """Say which texts a configuration names, whether they fit or not.

    Raises:
        ConfigError: one cannot be read.
    """
    return _digests(_texts(place, config), config.audit)


def check_named(place: Place, config: Config) -> Digests:
    """Say which texts a configuration names, and change nothing.

    Raises:
        ConfigError: one cannot be read or does not fit; with key and line.
    """
    texts = _texts(place, config)
    _load(texts, config.audit)
    return _digests(texts, config.audit)


def kept_provisions(place: Place, digests: Digests) -> Provisions:
    """Read the texts that were kept, or are shipped, by their digests.

    Raises:
        ConfigError: one is not there any more, or this program cannot read it.
    """
    kept = [
        None if digest is None else _kept(place, digest)
        for digest in (digests.calendar, digests.do_not_share, digests.minimisation)
    ]
    return _load(_Texts(_kept(place, digests.policy), *kept), digests.audit)


async def approved_digests(reader: Reader) -> Digests | None:
    """Return what two persons approved; None before the first start."""
    kept = await reader.meta(_APPROVED)
    return None if kept is None else decode(kept, Digests)


async def keep_approved(tx: Transaction, digests: Digests) -> None:
    """Decide by these from now on."""
    await tx.set_meta(_APPROVED, encode(digests))


def _load(texts: _Texts, audit: AuditRetention | None) -> Provisions:
    policy = texts.policy
    try:
        loaded = load_policy(policy.data)
    except PolicyFileError as error:
        raise ConfigError(policy.source, words_of(error)) from None
    return Provisions(
        policy=loaded,
        calendar=_load_own(texts.calendar, load_calendar, shipped_calendar()),
        do_not_share=_load_own(texts.lists, load_lists, shipped_lists()),
        matrix=_load_own(texts.matrix, load_own_matrix, shipped_matrix()),
        audit=audit or AuditRetention(),
        digests=_digests(texts, audit),
        source=policy.source,
    )


def _digests(texts: _Texts, audit: AuditRetention | None) -> Digests:
    calendar, lists, matrix = texts.calendar, texts.lists, texts.matrix
    return Digests(
        policy=_digest(texts.policy),
        calendar=None if calendar is None else _digest(calendar),
        do_not_share=None if lists is None else _digest(lists),
        minimisation=None if matrix is None else _digest(matrix),
        audit=audit,
    )


def _load_own(text: _Text | None, load: Callable[[bytes, T], T], base: T) -> T:
    if text is None:
        return base
    try:
        return load(text.data, base)
    except PolicyFileError as error:
        raise ConfigError(text.source, words_of(error)) from None


def check_federation_policy(
    place: Place, own: Provisions, reference: PolicyReference
) -> Policy:
    """Refuse a node's policy that allows what its federation's does not.

    Returns the federation's.

    The federation's is the shipped one of that digest, or lies with those that were
    kept: a provider puts it there that has never decided by it.

    Raises:
        ConfigError: it is looser, with key and line; or the other is not here.
    """
    digest = reference.sha256.hex()
    if own.policy.digest == digest:
        return own.policy
    theirs = _find(place, digest)
    path = _kept_path(place, digest)
    if theirs is None:
        where = path.relative_to(place.directory)
        why = Phrase(
            "the federation decides by the policy {reference}, whose text is "
            "not here: get the file from the convenor, put it into {where} in "
            "this node's directory, and try again"
        ).filled(reference=reference.name, where=where)
        raise ConfigError(path, why)
    try:
        federation = load_policy(theirs)
    except PolicyFileError as error:
        raise ConfigError(path, words_of(error)) from None
    check_against(place, own, federation)
    return federation


def check_against(place: Place, own: Provisions, agreed: Policy | None) -> None:
    """Refuse a policy that allows what the one that members agreed on does not.

    Raises:
        ConfigError: it is looser, with key and line.
    """
    if agreed is None or own.policy.digest == agreed.digest:
        return
    try:
        load_node_policy(_kept(place, own.policy.digest).data, agreed)
    except PolicyFileError as error:
        raise ConfigError(own.source, words_of(error)) from None


def odd_text(kept: Path) -> str | None:
    """Name a kept text that is not the one that its name says; None if all are.

    One that is gone is no fault: whoever has its text can put it back. It blocks.
    """
    for path in sorted(kept.glob("*.toml")):
        try:
            text = path.read_bytes()
        except OSError:
            return path.name
        if not is_text(text, path.stem):
            return path.name
    return None


def is_text(text: bytes, digest: str) -> bool:
    """Whether a text has that digest, in hexadecimal."""
    return hashlib.sha256(text).hexdigest() == digest


def _texts(place: Place, config: Config) -> _Texts:
    """Read policy, calendar, lists and matrix that a configuration names."""
    return _Texts(
        policy=_policy_text(place, config),
        calendar=_named(place, config.calendar),
        lists=_named(place, config.do_not_share),
        matrix=_named(place, config.minimisation),
    )


def _policy_text(place: Place, config: Config) -> _Text:
    name = config.policy
    if name in SHIPPED:
        return _Text(f"policy {name}", shipped_text(name))
    path = place.directory / name
    if not path.is_file():
        known = ", ".join(SHIPPED)
        why = Phrase("no such policy, only {known}, or a file - at `$.policy`").filled(
            known=known
        )
        raise ConfigError(place.config, why)
    return _Text(path, _read(path))


def _named(place: Place, name: str | None) -> _Text | None:
    if name is None:
        return None
    path = place.directory / name
    return _Text(path, _read(path))


def _digest(text: _Text) -> str:
    return hashlib.sha256(text.data).hexdigest()


def _kept(place: Place, digest: str) -> _Text:
    path, text = _kept_path(place, digest), _find(place, digest)
    if text is None:
        why = Phrase(
            "the approved text is not here any more: put it back from a backup"
        )
        raise ConfigError(path, why)
    return _Text(path, text)


def _find(place: Place, digest: str) -> bytes | None:
    for text in map(shipped_text, SHIPPED):
        if is_text(text, digest):
            return text
    path = _kept_path(place, digest)
    if not path.exists():
        return None
    text = _read(path)
    if not is_text(text, digest):
        raise ConfigError(path, NOT_ITS_NAME)
    return text


def _keep(place: Place, digest: str, text: bytes) -> None:
    path = _kept_path(place, digest)
    draft = path.with_suffix(f".{token_hex(4)}.draft")
    try:
        if path.exists() and path.read_bytes() == text:
            return
        make_private_directory(place.policies)
        write_durably(draft, text)
        draft.replace(path)
        sync_directory(place.policies)
    except OSError as error:
        raise ConfigError(path, error.strerror or Phrase("cannot be written")) from None


def _kept_path(place: Place, digest: str) -> Path:
    return place.policies / f"{digest}.toml"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, error.strerror or Phrase("cannot be read")) from None
