# SPDX-License-Identifier: Apache-2.0
"""Who acts."""

from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.vocabulary import Purpose, Role


@unique
class Actor(StrEnum):
    """The names under which the node itself acts; no person or service has one."""

    CLOCK = "clock"
    DISPUTES = "disputes"
    ERASURE = "erasure"
    EVENTS = "events"
    EXPIRY = "expiry"
    FORM = "form"
    LOCAL = "local"
    NOTICES = "notices"
    RELOCK = "relock"
    REQUESTS = "requests"
    REVIEW = "review"
    SETUP = "setup"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: the name of a person or service, and the role they act in.

    A process that can open the node's Unix socket without a credential is
    `local`, with the role of a service. A person has one name, whatever sessions
    and credentials they hold; a session is in one of their roles. `fresh` is true
    while a session has proved its second factor within minutes. A service's credential
    may be bound to a `scope` (a `CredentialScope`) and to `purposes`. A person is
    `bare` whose credential is all there is: without an account nobody knows of any
    training.
    """

    name: str
    role: Role
    session: str | None = field(default=None, repr=False)
    fresh: bool = False
    scope: str | None = None
    purposes: frozenset[Purpose] | None = None
    bare: bool = False

    @property
    def is_person(self) -> bool:
        """Whether somebody acts, in a session or by a credential of their own."""
        return self.role is not Role.SERVICE


LOCAL: Final = Principal(Actor.LOCAL.value, Role.SERVICE)
"""Who opens the node's Unix socket without a credential."""
