# SPDX-License-Identifier: Apache-2.0
"""What people and their programs send and get: bodies of the API, all closed types.

A field that holds a secret is never shown by `repr`.
"""

from enum import StrEnum, unique
from typing import Annotated, Any, Final

import msgspec

from fedsafe_policies.vocabulary import Act, Module, Purpose, Role

PersonName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9._-]{0,31}(?!\n)$")]
DisplayName = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,80}(?!\n)$", max_length=80)
]
Secret = Annotated[str, msgspec.Meta(max_length=256)]
ShortCode = Annotated[str, msgspec.Meta(max_length=64)]
Organisation = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,120}(?!\n)$", max_length=120)
]
CredentialName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9._-]{0,31}(~[1-9][0-9]{0,5})?(?!\n)$")
]
ActReference = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]*(?!\n)$"
    ),
]
ActId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]
LAST_SECOND: Final = 253_402_300_799  # of the year 9999, the last that a date holds
Seconds = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)]


class _Secretive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message of which nothing is shown."""

    def __repr__(self) -> str:
        """Show only what kind of message it is."""
        return f"{type(self).__name__}(…)"


class LoginRequest(_Secretive, frozen=True):
    """A login: `code` is the authenticator's, or a recovery code."""

    name: PersonName
    password: Secret
    code: ShortCode
    role: Role | None = None


class SessionAnswer(_Secretive, frozen=True):
    """A session; the token is shown this once. Times are seconds since 1970."""

    token: str
    name: str
    role: Role
    ends_at: int
    recovery_codes_left: int


SessionName = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}(?!\n)$")]


class SessionShown(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A session of whoever asks; times are seconds since 1970.

    `way` is how it began, None where that is not known. Without a request it ends at
    `idle_until`, in any case at `ends_at`. `current` is the one that asks.
    """

    session: str
    role: Role
    way: str | None
    began_at: int
    seen_at: int
    idle_until: int
    ends_at: int
    fresh_until: int | None
    current: bool


class SessionsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sessions of whoever asks, newest first."""

    sessions: list[SessionShown]


class SessionsEndedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose sessions have ended, and how many."""

    name: str
    ended: int


class RoleChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The role in which a session goes on."""

    role: Role


PasskeyId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
PasskeyLabel = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,60}(?!\n)$", max_length=60)
]
Encoded = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,8192}(?!\n)$")]
"""Bytes of a browser's, in base64url without padding."""


class PasskeyOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `navigator.credentials` takes as `publicKey`, its bytes in base64url.

    The challenge in it is good for five minutes and one answer.
    """

    options: dict[str, Any]


class PasskeyEnrolment(_Secretive, frozen=True):
    """A passkey that a browser has made, and what its person calls it.

    `credential` is its `rawId`; `client_data` and `attestation` are `clientDataJSON`
    and `attestationObject` of its response.
    """

    name: PasskeyLabel
    credential: Encoded
    client_data: Encoded
    attestation: Encoded


class PasskeyProof(_Secretive, frozen=True):
    """What a passkey has signed.

    `credential` is its `rawId`; the others are `clientDataJSON`, `authenticatorData`,
    `signature` and `userHandle` of its response.
    """

    credential: Encoded
    client_data: Encoded
    authenticator: Encoded
    signature: Encoded
    user_handle: Encoded = ""


class PasskeyStart(_Secretive, frozen=True):
    """The begin of a log-in by passkey.

    `browser` stands for the browser that asks, such as the value of a cookie: whoever
    ends the log-in names it again, so that none ends in another browser.
    """

    browser: Secret = ""


class PasskeyLogIn(PasskeyProof, frozen=True):
    """What a passkey has signed to log in, in a role if there are several."""

    role: Role | None = None
    browser: Secret = ""


class PasskeyName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What its person calls a passkey."""

    name: PasskeyLabel


class PasskeyShown(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A passkey of whoever asks; `synced` if it may lie on several devices.

    It `fits` while the desk is at the domain that it was made for.
    """

    passkey: str
    name: str
    added_at: int
    used_at: int | None
    synced: bool
    fits: bool


class PasskeysAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The passkeys of whoever asks, oldest first."""

    passkeys: list[PasskeyShown]


class PasskeyAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey that is gone."""

    passkey: str


class LinkRequest(_Secretive, frozen=True):
    """A link of a demonstration, and the role that it leads to."""

    role: Role
    link: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}(?!\n)$")]


class LinkShown(_Secretive, frozen=True):
    """A link by which somebody becomes an invented person, once."""

    role: Role
    name: str
    url: str


class LinksAnswer(_Secretive, frozen=True):
    """A link for each role of a demonstration; those of before are good no more."""

    links: list[LinkShown]


class StepUpRequest(_Secretive, frozen=True):
    """The second factor once more."""

    code: ShortCode


@unique
class ActRefusalReason(StrEnum):
    """Why somebody does not stand by an act."""

    NOT_JUSTIFIED = "not_justified"
    INCOMPLETE = "incomplete"
    WRONG_TARGET = "wrong_target"
    DISPROPORTIONATE = "disproportionate"
    OTHER_WAY = "other_way"
    IN_DOUBT = "in_doubt"
    CONFLICT = "conflict"


class ActRefusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who has refused an act, under a pseudonym, when and why.

    `reference` refers to more.
    """

    by: str
    at: int
    reason: ActRefusalReason
    reference: str | None = None


class RefuseActRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The refusal of an act by somebody who could approve it.

    `reference` is a label that refers, a ticket or a minute, and says nothing itself.
    """

    reason: ActRefusalReason
    reference: ActReference | None = None


class ActAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An act that takes two persons; whoever approves it names the digest.

    Who may be the second follows from its kind and from `asked_role`.
    """

    act: str
    kind: Act
    digest: str
    content: dict[str, Any] | None
    asked_by: str
    asked_role: Role
    asked_at: int
    expires_at: int
    state: str
    refusal: ActRefusal | None = None


class ActsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The acts that wait for a second person; `next` is set while there are more."""

    acts: list[ActAnswer]
    next: str | None = None


class ApproveActRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The approval of an act, by what it was shown to be."""

    digest: Digest


class NewAccountRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A new account, without a role yet; `external` for a seat outside the firm."""

    name: PersonName
    display: DisplayName
    external: bool = False


class SetUpCodeAnswer(_Secretive, frozen=True):
    """A code with which a person sets their own account up; shown this once."""

    name: str
    code: str
    until: int


class FirstTraining(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """The training of the first administrator, whom nobody could record it for."""

    organisation: Organisation
    until: Seconds


class SetUpRequest(_Secretive, frozen=True):
    """What a person sets their account up with."""

    name: PersonName
    code: ShortCode
    password: Secret
    training: FirstTraining | None = None


class EnrolmentAnswer(_Secretive, frozen=True):
    """An authenticator's secret and the recovery codes; shown this once."""

    name: str
    secret: str
    uri: str
    recovery_codes: list[str]


class RoleRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A role for a person, from and until before a moment."""

    name: PersonName
    role: Role
    since: Seconds | None = None
    until: Seconds | None = None


class RoleAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role that was granted or ended, or the act that waits for a second person."""

    name: str
    role: Role
    granted: bool
    act: ActAnswer | None = None


class RoleShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A role of a person; `lapsed` while its training is missing or expired."""

    role: Role
    since: int
    until: int | None
    lapsed: bool


class AccountShown(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """An account, without anything that proves it; `ended` are roles that are over."""

    name: str
    display: str
    external: bool
    state: str
    roles: list[RoleShown]
    ended: list[RoleShown] = msgspec.field(default_factory=list)


class AccountsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All accounts by name."""

    accounts: list[AccountShown]


class AccountAnswer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """How an account stands after an act."""

    name: str
    state: str


class TrainingRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A training that a person has had, and until when it counts."""

    name: PersonName
    module: Module
    organisation: Organisation
    since: Seconds
    until: Seconds


class TrainingShown(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A training record."""

    name: str
    module: Module
    organisation: str
    since: int
    until: int
    recorded_by: str
    valid: bool


class TrainingsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Training records, by person and end."""

    trainings: list[TrainingShown]


class StepUpAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Until when approvals are possible, in seconds since 1970."""

    fresh_until: int


class EndedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A session that has ended."""

    name: str


class WhoAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who asks, in which role; `fresh` while approvals are possible."""

    name: str
    role: Role
    session: bool
    fresh: bool


class SeatHolder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person and the roles that they may act in now."""

    name: str
    external: bool
    roles: list[Role]


class StaffingAnswer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """Whether the people suffice; `gaps` names what is missing or clashes."""

    policy: str
    suffices: bool
    gaps: list[str]
    people: list[SeatHolder]


@unique
class CredentialScope(StrEnum):
    """What a service's credential is good for."""

    LOOKUP = "lookup"
    PUBLISH = "publish"
    EVENTS = "events"
    RIGHTS = "rights"


class NewCredentialRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A credential for a service: one scope, its purposes, an end.

    The `service` keeps its name when its credentials are replaced: accounts are its
    own. Left out, it is called like the credential.
    """

    name: PersonName
    service: PersonName | None = None
    scope: CredentialScope
    purposes: Annotated[list[Purpose], msgspec.Meta(max_length=9)] = []
    until: Seconds


class RotateRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A successor: until when it is good, and how long the old one goes on.

    It is of the same service, unless it names one.
    """

    until: Seconds
    service: PersonName | None = None
    overlap: Annotated[int, msgspec.Meta(ge=0, le=30 * 24 * 60 * 60)] = 24 * 60 * 60


class CredentialAnswer(_Secretive, frozen=True):
    """A new credential; the token is shown this once."""

    name: str
    holder: str
    token: str
    until: int


class CredentialShown(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True
):
    """A credential, without its secret; `holder` is the person, or the service."""

    name: str
    holder: str
    role: Role
    scope: CredentialScope | None
    purposes: list[Purpose]
    created_at: int
    until: int | None
    expired: bool


class CredentialsAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All credentials by name."""

    credentials: list[CredentialShown]


class RevokedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A credential that is gone."""

    name: str


class SignOnStart(_Secretive, frozen=True):
    """The begin of a login through a provider, in a role if there are several.

    `browser` stands for the browser that asks at the desk, such as the value of a
    cookie: it comes back to the desk, and whoever ends the login names it again, so
    that none ends in another browser.
    """

    role: Role | None = None
    browser: Secret = ""


class SignOnAnswer(_Secretive, frozen=True):
    """Where the browser goes; it comes back with this `state`, and a code."""

    url: str
    state: str


class SignOnRequest(_Secretive, frozen=True):
    """What the browser came back with; `iss` is what it names as the provider."""

    state: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}(?!\n)$")]
    code: Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,2048}(?!\n)$")]
    iss: Annotated[str, msgspec.Meta(max_length=2_048)] | None = None
    browser: Secret = ""


class LinkedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An identity that is linked to an account."""

    name: str
    issuer: str
