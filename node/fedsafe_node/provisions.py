# SPDX-License-Identifier: Apache-2.0
"""What the node decides by: its policy, and the data that policies lean on.

Read once, at start, from what is shipped and from the provider's own files; what
does not fit is refused there, and never found out in the middle of a decision. The
text of every policy that the node has decided by is kept under its digest, so that
an old audit event can still be explained.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fedsafe_federation.charter import PolicyReference
from fedsafe_node.config import Config, Place
from fedsafe_node.errors import ConfigError
from fedsafe_node.keyfiles import make_private_directory, sync_directory, write_durably
from fedsafe_policies.do_not_share import DoNotShareLists, load_lists, shipped_lists
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.legal_calendar import Calendar, load_calendar, shipped_calendar
from fedsafe_policies.policy import SHIPPED, Policy, load_policy, shipped_text
from fedsafe_policies.strictness import load_node_policy

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Provisions:
    """A policy, the legal calendar and the do-not-share lists."""

    policy: Policy
    calendar: Calendar = field(default_factory=shipped_calendar)
    do_not_share: DoNotShareLists = field(default_factory=shipped_lists)


def read_provisions(place: Place, config: Config) -> Provisions:
    """Read what a configuration names, and keep the policy's text.

    Raises:
        ConfigError: a file cannot be read or does not fit; with key and line.
    """
    text = _policy_text(place, config)
    try:
        policy = load_policy(text)
    except PolicyFileError as error:
        raise ConfigError(_policy_place(place, config), str(error)) from None
    provisions = Provisions(
        policy=policy,
        calendar=_read_own(place, config.calendar, load_calendar, shipped_calendar()),
        do_not_share=_read_own(place, config.do_not_share, load_lists, shipped_lists()),
    )
    _keep(place, policy.digest, text)
    return provisions


def check_federation_policy(
    place: Place, config: Config, reference: PolicyReference
) -> Policy:
    """Refuse a node's policy that allows what its federation's does not.

    Returns the federation's.

    The federation's is the shipped one of that digest, or lies with those that were
    kept: a provider puts it there that has never decided by it.

    Raises:
        ConfigError: it is looser, with key and line; or the other is not here.
    """
    text, digest = _policy_text(place, config), reference.sha256.hex()
    if hashlib.sha256(text).digest() == reference.sha256:
        return load_policy(text)
    theirs = _find(place, digest)
    path = _kept_path(place, digest)
    if theirs is None:
        why = f"the federation decides by the policy {reference.name}; put it here"
        raise ConfigError(path, why)
    try:
        federation = load_policy(theirs)
    except PolicyFileError as error:
        raise ConfigError(path, str(error)) from None
    try:
        load_node_policy(text, federation)
    except PolicyFileError as error:
        raise ConfigError(_policy_place(place, config), str(error)) from None
    return federation


def _policy_place(place: Place, config: Config) -> object:
    if config.policy in SHIPPED:
        return f"policy {config.policy}"
    return place.directory / config.policy


def _policy_text(place: Place, config: Config) -> bytes:
    if config.policy in SHIPPED:
        return shipped_text(config.policy)
    return _read(place.directory / config.policy)


def _find(place: Place, digest: str) -> bytes | None:
    for text in map(shipped_text, SHIPPED):
        if hashlib.sha256(text).hexdigest() == digest:
            return text
    path = _kept_path(place, digest)
    if not path.exists():
        return None
    text = _read(path)
    if hashlib.sha256(text).hexdigest() != digest:
        raise ConfigError(path, "it is not the policy that its name says")
    return text


def _keep(place: Place, digest: str, text: bytes) -> None:
    path = _kept_path(place, digest)
    draft = path.with_suffix(".draft")
    try:
        if path.exists() and path.read_bytes() == text:
            return
        make_private_directory(place.policies)
        draft.unlink(missing_ok=True)
        write_durably(draft, text)
        draft.replace(path)
        sync_directory(place.policies)
    except OSError as error:
        raise ConfigError(path, error.strerror or "cannot be written") from None


def _kept_path(place: Place, digest: str) -> Path:
    return place.policies / f"{digest}.toml"


def _read_own(
    place: Place, name: str | None, load: Callable[[bytes, T], T], base: T
) -> T:
    if name is None:
        return base
    path = place.directory / name
    try:
        return load(_read(path), base)
    except PolicyFileError as error:
        raise ConfigError(path, str(error)) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, error.strerror or "cannot be read") from None
