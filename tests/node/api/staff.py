# SPDX-License-Identifier: Apache-2.0
"""The services about people as the API's tests see them: each answers in its type."""

from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from fedsafe_node.acts.people import (
    AccountAnswer,
    AccountsAnswer,
    AccountShown,
    ActAnswer,
    ActsAnswer,
    CredentialAnswer,
    CredentialsAnswer,
    CredentialScope,
    CredentialShown,
    EndedAnswer,
    EnrolmentAnswer,
    LinkedAnswer,
    LinksAnswer,
    LinkShown,
    PasskeyAnswer,
    PasskeyOptions,
    PasskeysAnswer,
    PasskeyShown,
    RevokedAnswer,
    RoleAnswer,
    RoleShown,
    SeatHolder,
    SessionAnswer,
    SessionsAnswer,
    SessionsEndedAnswer,
    SessionShown,
    SetUpCodeAnswer,
    SignOnAnswer,
    StaffingAnswer,
    StepUpAnswer,
    TrainingsAnswer,
    TrainingShown,
)
from fedsafe_node.people.staff import Staff
from fedsafe_policies.vocabulary import Act, Module, Purpose, Role

ACT: Final = ActAnswer(
    act="0" * 32,
    kind=Act.ROLE_GRANT,
    digest="0" * 64,
    content={"name": "anna"},
    asked_by="olaf",
    asked_role=Role.OPERATOR,
    asked_at=1,
    expires_at=2,
    state="pending",
)
TRAINING: Final = TrainingShown(
    name="anna",
    module=Module.BASIC,
    organisation="Fachstelle",
    since=1,
    until=2,
    recorded_by="olaf",
    valid=True,
)
ACCOUNT: Final = AccountShown(
    name="anna",
    display="Anna",
    external=False,
    state="active",
    roles=[RoleShown(role=Role.ANALYST, since=1, until=None, lapsed=False)],
)
CREDENTIAL: Final = CredentialShown(
    name="shop",
    holder="shop",
    role=Role.SERVICE,
    scope=CredentialScope.LOOKUP,
    purposes=[Purpose.RECHECK],
    created_at=1,
    until=2,
    expired=False,
)
ROLE: Final = RoleAnswer(name="anna", role=Role.ANALYST, granted=False, act=ACT)
CODE: Final = SetUpCodeAnswer(name="anna", code="AAAA", until=2)
ENROLMENT: Final = EnrolmentAnswer(name="anna", secret="A", uri="u", recovery_codes=[])
TOKEN: Final = CredentialAnswer(name="shop", holder="shop", token="t", until=2)
SESSION: Final = SessionAnswer(
    token="t", name="anna", role=Role.ANALYST, ends_at=2, recovery_codes_left=9
)
SHOWN: Final = SessionShown(
    session="0" * 16,
    role=Role.ANALYST,
    way="password",
    began_at=1,
    seen_at=1,
    idle_until=2,
    ends_at=2,
    fresh_until=None,
    current=True,
)
PASSKEY: Final = PasskeyShown(
    passkey="0" * 32, name="key", added_at=1, used_at=None, synced=False, fits=True
)
ANSWERS: Final[dict[tuple[str, str], object]] = {
    ("sessions", "begin"): SESSION,
    ("sessions", "step_up"): StepUpAnswer(2),
    ("sessions", "end"): EndedAnswer("anna"),
    ("sessions", "show"): SessionsAnswer([SHOWN]),
    ("sessions", "end_named"): SessionsEndedAnswer("anna", 1),
    ("sessions", "end_others"): SessionsEndedAnswer("anna", 1),
    ("sessions", "end_all_of"): SessionsEndedAnswer("anna", 2),
    ("sessions", "change_role"): SESSION,
    ("accounts", "set_up"): ENROLMENT,
    ("accounts", "renew_authenticator"): ENROLMENT,
    ("accounts", "show"): AccountsAnswer([ACCOUNT]),
    ("accounts", "add"): CODE,
    ("accounts", "lock"): AccountAnswer(name="anna", state="locked"),
    ("accounts", "reset"): CODE,
    ("granting", "grant"): ROLE,
    ("granting", "end"): ROLE,
    ("training", "show"): TrainingsAnswer([TRAINING]),
    ("training", "add"): TRAINING,
    ("staffing", "check"): StaffingAnswer(
        policy="germany@00000000",
        suffices=False,
        gaps=["seat:dpo"],
        people=[SeatHolder(name="anna", external=False, roles=[Role.ANALYST])],
    ),
    ("approvals", "pending"): ActsAnswer([ACT]),
    ("approvals", "approve"): ACT,
    ("approvals", "withdraw"): ACT,
    ("approvals", "refuse"): ACT,
    ("approvals", "refused"): ActsAnswer([ACT]),
    ("identities", "start"): SignOnAnswer(url="https://id.example", state="s"),
    ("identities", "finish"): SESSION,
    ("identities", "link"): LinkedAnswer(name="anna", issuer="https://id.example"),
    ("passkeys", "begin_enrolment"): PasskeyOptions({"challenge": "A"}),
    ("passkeys", "enrol"): PASSKEY,
    ("passkeys", "show"): PasskeysAnswer([PASSKEY]),
    ("passkeys", "rename"): PASSKEY,
    ("passkeys", "remove"): PasskeyAnswer("0" * 32),
    ("passkeys", "begin_log_in"): PasskeyOptions({"challenge": "A"}),
    ("passkeys", "log_in"): SESSION,
    ("demonstration", "make_links"): LinksAnswer([LinkShown(Role.DPO, "dora", "http")]),
    ("demonstration", "enter"): SESSION,
    ("passkeys", "begin_step_up"): PasskeyOptions({"challenge": "A"}),
    ("passkeys", "step_up"): StepUpAnswer(2),
    ("machines", "show"): CredentialsAnswer([CREDENTIAL]),
    ("machines", "add"): TOKEN,
    ("machines", "rotate"): TOKEN,
    ("machines", "revoke"): RevokedAnswer("shop"),
}
PROOF: Final = {
    "credential": "A",
    "client_data": "A",
    "authenticator": "A",
    "signature": "A",
}
PEOPLE_BODIES: Final[dict[str, object]] = {
    "logIn": {"name": "anna", "password": "p", "code": "000000"},
    "stepUp": {"code": "000000"},
    "addPasskey": {
        "name": "key",
        "credential": "A",
        "client_data": "A",
        "attestation": "A",
    },
    "namePasskey": {"name": "key"},
    "beginPasskeyLogIn": {},
    "enterByLink": {"role": "dpo", "link": "A" * 43},
    "endPasskeyLogIn": PROOF,
    "endPasskeyStepUp": PROOF,
    "changeRole": {"role": "analyst"},
    "beginSignOn": {},
    "endSignOn": {"state": "s" * 43, "code": "c"},
    "linkIdentity": {"state": "s" * 43, "code": "c"},
    "setUpAccount": {"name": "anna", "code": "AAAA", "password": "p"},
    "addAccount": {"name": "anna", "display": "Anna"},
    "grantRole": {"name": "anna", "role": "analyst"},
    "endRole": {"name": "anna", "role": "analyst"},
    "recordTraining": {
        "name": "anna",
        "module": "basic",
        "organisation": "Fachstelle",
        "since": 1,
        "until": 2,
    },
    "approveAct": {"digest": "0" * 64},
    "refuseAct": {"reason": "incomplete"},
    "addCredential": {
        "name": "shop",
        "scope": "lookup",
        "purposes": ["recheck"],
        "until": 2,
    },
    "rotateCredential": {"until": 2},
}
"""What each route about people takes."""


class _Memory(Protocol):
    async def called(self, call: object) -> None: ...


@dataclass
class _Part:
    memory: _Memory
    name: str

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 - any of a service's
        answer = ANSWERS[self.name, method]

        async def act(*given: object) -> object:
            await self.memory.called((method, *given))
            return answer

        return act


@dataclass
class _FakeStaff:
    memory: _Memory

    def __getattr__(self, name: str) -> _Part:
        return _Part(self.memory, name)


def fake_staff(memory: _Memory) -> Staff:
    return cast("Staff", _FakeStaff(memory))
