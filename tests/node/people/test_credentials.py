# SPDX-License-Identifier: Apache-2.0
import re

import pytest
from tests.support.fleet import StandingClock

from fedsafe_node.ground.errors import BadRequestError, ConflictError, ForbiddenError
from fedsafe_node.log.audit import AuditTrail, Event, decode_audit_record
from fedsafe_node.people.credentials import People, new_credential
from fedsafe_node.people.entrance import Entrance
from fedsafe_node.people.names import RESERVED, look_of
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import CredentialRow
from fedsafe_policies.vocabulary import Role

TRAIL = AuditTrail("a.demo")


@pytest.fixture
def people(store: Store) -> People:
    return People(store, TRAIL, StandingClock())


async def test_a_credential_names_its_holder(
    people: People, entrance: Entrance
) -> None:
    token = await people.add("anna", Role.ANALYST, by="setup")
    who = await entrance.authenticate(token)

    assert (who.name, who.role) == ("anna", Role.ANALYST)


async def test_every_addition_is_audited_without_the_token(
    people: People, store: Store
) -> None:
    token = await people.add("anna", Role.ANALYST, by="setup")
    (record,) = await store.scan(lambda r: r.records(TRAIL.log, 0, 9))
    openings = await store.scan(lambda r: r.openings(TRAIL.log, 0, 9))
    text = b"".join(o.opening.payload for o in openings if o.opening)

    assert decode_audit_record(record).event is Event.CREDENTIAL_ADDED
    assert b"anna" in text
    assert token.encode() not in text + record


@pytest.mark.parametrize("token", ["", "fs1_" + "a" * 43, "junk", "fs1_"])
async def test_an_unknown_credential_is_nobodys(
    people: People, entrance: Entrance, token: str
) -> None:
    await people.add("anna", Role.ANALYST, by="setup")

    with pytest.raises(ForbiddenError) as caught:
        await entrance.authenticate(token)

    assert not caught.value.authenticated
    assert token == "" or token not in str(caught.value)


async def test_an_expired_credential_is_nobodys(
    entrance: Entrance, store: Store
) -> None:
    token, digest = new_credential()
    now = int(StandingClock().now().timestamp())
    row = CredentialRow(
        id=digest.hex(),
        name="old",
        role="analyst",
        secret_hash=digest,
        created_at=0,
        expires_at=now,
    )
    await store.write(lambda tx: tx.add_credential(row))

    with pytest.raises(ForbiddenError):
        await entrance.authenticate(token)


async def test_a_name_is_given_once(people: People) -> None:
    await people.add("anna", Role.ANALYST, by="setup")

    with pytest.raises(ConflictError):
        await people.add("anna", Role.REVIEWER, by="setup")


@pytest.mark.parametrize("name", ["anna.mueller", "annamueller", "anna-mue11er"])
async def test_a_name_that_looks_like_another_is_refused(
    people: People, store: Store, name: str
) -> None:
    await people.add("anna_mueller", Role.ANALYST, by="setup")
    with pytest.raises(ConflictError):
        await people.add(name, Role.REVIEWER, by="setup")
    await people.add("anna_miller", Role.REVIEWER, by="setup")

    names = [row.name for row in await store.read(lambda r: r.credentials())]
    assert names == ["anna_miller", "anna_mueller"]


@pytest.mark.parametrize("name", ["ANNA", "\uff41nna", "\u1d43nna"])
def test_case_and_letter_forms_make_no_other_name(name: str) -> None:
    assert look_of(name) == look_of("anna")


@pytest.mark.parametrize(
    "name", ["", "Anna", "a b", "a" * 33, "ä", "1a", *RESERVED, "f0rm", "local-"]
)
async def test_a_name_that_does_not_fit_is_refused(people: People, name: str) -> None:
    with pytest.raises(BadRequestError):
        await people.add(name, Role.ANALYST, by="setup")


def test_credentials_are_long_and_never_the_same() -> None:
    tokens = {new_credential()[0] for _ in range(100)}

    assert len(tokens) == 100
    assert all(re.fullmatch(r"fs1_[A-Za-z0-9_-]{43}", token) for token in tokens)
