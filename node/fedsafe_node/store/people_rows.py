# SPDX-License-Identifier: Apache-2.0
"""The rows about people: accounts, roles, training, sessions, acts that wait.

Times are whole seconds since 1970 in UTC. Secrets are hashes, or sealed under a
key outside the database.
"""

from enum import StrEnum, unique

from fedsafe_node.store.rows import Row


@unique
class PersonState(StrEnum):
    """Whether somebody may log in."""

    INVITED = "invited"
    ACTIVE = "active"
    LOCKED = "locked"


class PersonRow(Row, frozen=True):
    """One person, one account. `name` is never given to somebody else.

    `external` marks a seat that somebody outside the firm fills. `totp` is sealed;
    `totp_step` is the last step whose code was taken.
    """

    id: str
    name: str
    display: str
    external: bool
    state: PersonState
    created_at: int
    password: str | None = None
    totp: bytes | None = None
    totp_step: int = 0
    code_hash: bytes | None = None
    code_until: int | None = None

    def __repr__(self) -> str:
        """Show who it is, and nothing that proves it."""
        return f"PersonRow(id={self.id!r}, name={self.name!r}, state={self.state!r})"


class GrantRow(Row, frozen=True):
    """A role that a person has from `since` until before `until`, if that is set.

    The store numbers grants. One that is over stays as it was.
    """

    person: str
    role: str
    since: int
    until: int | None
    granted_by: str
    number: int | None = None


class TrainingRow(Row, frozen=True):
    """A training of a person, valid from `since` until before `until`."""

    id: str
    person: str
    kind: str
    organisation: str
    since: int
    until: int
    recorded_by: str


class SessionRow(Row, frozen=True):
    """A login of a person in one role; `id` is the hash of its token, in hex.

    `way` is how somebody logged in; None where that was before it was kept.
    """

    id: str
    person: str
    role: str
    began_at: int
    seen_at: int
    stepped_up_at: int | None = None
    way: str | None = None


class PasskeyRow(Row, frozen=True):
    """A passkey of a person, good at one domain (`rp`).

    `credential` is what the device calls it, `name` what the person does. `sign_count`
    is how often it said that it had signed when it was used last; some say 0 always.
    One that is `synced` may lie on several devices.
    """

    id: str
    credential: bytes
    person: str
    name: str
    public_key: bytes
    sign_count: int
    synced: bool
    rp: str
    added_at: int
    used_at: int | None = None


class ThrottleRow(Row, frozen=True):
    """Failed logins under one blinded name; nothing is tried before `until`."""

    key: str
    failures: int
    until: int
    seen_at: int


@unique
class ActState(StrEnum):
    """Where an act stands that takes two persons."""

    PENDING = "pending"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class ActRow(Row, frozen=True):
    """An act that waits for a second person; its content goes once it is decided."""

    id: str
    kind: str
    digest: bytes
    content: bytes | None
    asked_by: str
    asked_role: str
    asked_at: int
    expires_at: int
    state: ActState = ActState.PENDING
    decided_by: str | None = None
    decided_at: int | None = None


class ActRefusalRow(Row, frozen=True):
    """Why somebody who could have approved an act has refused it.

    The act itself is withdrawn, and says by whom. `reason` is a code of a closed list,
    `reference` a label that refers to more.
    """

    act: str
    reason: str
    reference: str | None
    at: int


class TermsRow(Row, frozen=True):
    """What a credential is good for, beside its role.

    `holder` is the person or service that it belongs to; a service's has a `scope`
    and `purposes`, divided by blanks.
    """

    credential: str
    holder: str
    scope: str | None = None
    purposes: str = ""


class IdentityRow(Row, frozen=True):
    """Who somebody is at an issuer of identities."""

    issuer: str
    subject: str
    person: str
