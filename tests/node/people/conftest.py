# SPDX-License-Identifier: Apache-2.0
"""A node's people with cheap hashes, standing rules and a clock that is moved."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from argon2.profiles import CHEAPEST
from tests.support.fleet import StandingClock, config_of

from fedsafe_node.acts.people import (
    EnrolmentAnswer,
    LoginRequest,
    NewAccountRequest,
    RoleRequest,
    SessionAnswer,
    SetUpRequest,
    TrainingRequest,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.log.audit import AuditTrail, decode_audit_record
from fedsafe_node.people.accounts import Accounts
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.office import Office
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.people.role_grants import Granting, RoleGrant, give
from fedsafe_node.people.sessions import Sessions
from fedsafe_node.people.totp import code_at, step_of
from fedsafe_node.people.training import Training
from fedsafe_node.people.vault import Vault
from fedsafe_node.rules.policy_bundle import Provisions
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.vocabulary import Act, Module, Role

PASSWORD: Final = "korrekt pferd batterie"
SETUP: Final = Principal("setup", Role.OPERATOR)
YEAR: Final = 365 * 24 * 60 * 60


class Team:
    """The services about people, and short ways through them."""

    def __init__(self, store: Store) -> None:
        self.clock = StandingClock()
        config = config_of("a.demo", 1, policy="germany")
        own = OwnList("a.demo", OwnKeys(bytes(32), MediaKeys(bytes(32), bytes(32))))
        self.situation = Situation(config, Provisions(shipped("germany")), own)
        self.passwords = Passwords(CHEAPEST)
        self.store = store
        self.office = Office(
            node="a.demo",
            store=store,
            trail=AuditTrail("a.demo"),
            clock=self.clock,
            vault=Vault(bytes(range(32))),
            passwords=self.passwords,
            judge=self.situation,
        )
        self.accounts = Accounts(self.office)
        self.sessions = Sessions(self.office)
        self.training = Training(self.office)
        effects = {Act.ROLE_GRANT: RoleGrant(self.office)}
        self.approvals = Approvals(self.office, effects)
        self.granting = Granting(self.office, self.approvals)
        self.secrets: dict[str, EnrolmentAnswer] = {}

    @property
    def now(self) -> int:
        return self.office.now()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    async def hire(self, name: str, *roles: Role, password: str = PASSWORD) -> None:
        """Add a person who is set up, trained and has roles, all by `setup`."""
        added = await self.accounts.add(
            NewAccountRequest(name=name, display=name.title()), SETUP
        )
        request = SetUpRequest(name=name, code=added.code, password=password)
        self.secrets[name] = await self.accounts.set_up(request, "")
        for module in Module:
            await self.train(name, module)
        for role in roles:
            await self.seat(name, role)

    async def seat(self, name: str, role: Role) -> None:
        """Give a role as it was given before anybody else was there."""
        request = RoleRequest(name=name, role=role)
        await self.store.write(lambda tx: give(self.office, tx, request, by="setup"))

    async def train(
        self, name: str, module: Module = Module.BASIC, *, seconds: int = YEAR // 2
    ) -> None:
        request = TrainingRequest(
            name=name,
            module=module,
            organisation="Fachberatungsstelle",
            since=self.now,
            until=self.now + seconds,
        )
        await self.training.add(request, SETUP)

    def code(self, name: str) -> str:
        """Return what the person's authenticator shows; a fresh one each time."""
        self.pass_time(30)
        secret = base64.b32decode(self.secrets[name].secret)
        return code_at(secret, step_of(self.clock.now()))

    def login_request(self, name: str, role: Role | None = None) -> LoginRequest:
        return LoginRequest(
            name=name, password=PASSWORD, code=self.code(name), role=role
        )

    async def log_in(self, name: str, role: Role | None = None) -> SessionAnswer:
        return await self.sessions.begin(self.login_request(name, role), "")

    async def principal(self, name: str, role: Role | None = None) -> Principal:
        answer = await self.log_in(name, role)
        return await self.sessions.recognise(answer.token)

    async def events(self) -> list[tuple[str, str, str]]:
        """Return (event, outcome, all openings) of the audit log."""
        log = self.office.trail.log
        records = await self.store.scan(lambda r: r.records(log, 0, 9_999))
        kept = await self.store.scan(lambda r: r.openings(log, 0, 9_999))
        told: dict[int, str] = {}
        for item in kept:
            if item.opening is not None:
                text = item.opening.payload.decode()
                told[item.index] = told.get(item.index, "") + text
        decoded = [decode_audit_record(record) for record in records]
        return [
            (each.event.value, each.outcome, told.get(index, ""))
            for index, each in enumerate(decoded)
        ]


@pytest.fixture
async def team(store: Store) -> AsyncIterator[Team]:
    await asyncio.to_thread(shipped_calendar)  # as a node reads it, off the loop
    team = Team(store)
    yield team
    await asyncio.to_thread(team.passwords.close)


@pytest.fixture
def entrance(team: Team) -> Entrance:
    return Entrance(team.office, team.sessions)
