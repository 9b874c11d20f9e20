# SPDX-License-Identifier: Apache-2.0
"""What the node decides by: its policy, and the data that policies lean on.

Read once, at start, from what is shipped and from the provider's own files; what
does not fit is refused there, and never found out in the middle of a decision.
"""

from dataclasses import dataclass, field
from pathlib import Path

from fedsafe_node.config import Config, Place
from fedsafe_node.errors import ConfigError
from fedsafe_policies.do_not_share import DoNotShareLists, load_lists, shipped_lists
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.legal_calendar import Calendar, shipped_calendar
from fedsafe_policies.policy import Policy, shipped


@dataclass(frozen=True, slots=True)
class Provisions:
    """A policy, the legal calendar and the do-not-share lists."""

    policy: Policy
    calendar: Calendar = field(default_factory=shipped_calendar)
    do_not_share: DoNotShareLists = field(default_factory=shipped_lists)


def read_provisions(place: Place, config: Config) -> Provisions:
    """Read what a configuration names.

    Raises:
        ConfigError: a file cannot be read or does not fit; with key and line.
    """
    return Provisions(
        policy=shipped(config.policy),
        do_not_share=_read_lists(place, config.do_not_share),
    )


def _read_lists(place: Place, name: str | None) -> DoNotShareLists:
    if name is None:
        return shipped_lists()
    path = place.directory / name
    try:
        return load_lists(_read(path), shipped_lists())
    except PolicyFileError as error:
        raise ConfigError(path, str(error)) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, error.strerror or "cannot be read") from None
