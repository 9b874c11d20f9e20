# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace
from tests.support.store_rows import ANNA

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.people_rows import (
    ActRefusalRow,
    ActRow,
    ActState,
    GrantRow,
    IdentityRow,
    PasskeyRow,
    PersonState,
    SessionRow,
    TermsRow,
    ThrottleRow,
    TrainingRow,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import CredentialRow

ACT = ActRow(
    id="a1",
    kind="account.roles",
    digest=bytes(32),
    content=b"{}",
    asked_by="anna",
    asked_role="operator",
    asked_at=5,
    expires_at=99,
)


async def add_anna(store: Store) -> None:
    await store.write(lambda tx: tx.add_person(ANNA))


async def test_a_person_comes_back(store: Store) -> None:
    await add_anna(store)
    active = replace(
        ANNA,
        state=PersonState.ACTIVE,
        password="$argon2id$",
        totp=b"sealed",
        code_hash=None,
        code_until=None,
        external=True,
    )

    assert await store.read(lambda r: r.person("p1")) == ANNA
    assert await store.read(lambda r: r.person_named("anna")) == ANNA
    assert await store.write(lambda tx: tx.set_person(active))
    assert await store.read(lambda r: r.persons()) == [active]
    assert not await store.write(lambda tx: tx.set_person(replace(ANNA, id="p9")))
    assert await store.read(lambda r: r.person("p9")) is None
    assert "argon2" not in repr(active)


async def test_a_name_is_given_once(store: Store) -> None:
    await add_anna(store)

    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_person(replace(ANNA, id="p2")))


def a_grant(role: str, since: int, until: int | None, by: str) -> GrantRow:
    return GrantRow(person="p1", role=role, since=since, until=until, granted_by=by)


async def test_a_grant_ends_the_one_before_and_both_stay(store: Store) -> None:
    await add_anna(store)
    second = a_grant("analyst", 2, 7, "d")
    for grant in (a_grant("analyst", 1, None, "o"), second, a_grant("dpo", 2, 7, "d")):
        await store.write(lambda tx, grant=grant: tx.add_grant(grant))  # type: ignore[misc]
    await store.write(lambda tx: tx.end_grant(2, 5))

    assert await store.read(lambda r: r.grants_of("p1")) == [
        replace(a_grant("analyst", 1, 2, "o"), number=1),
        replace(second, until=5, number=2),
        replace(a_grant("dpo", 2, 7, "d"), number=3),
    ]
    assert await store.read(lambda r: r.grants_of("p2")) == []


@pytest.mark.parametrize("at", [5, 9])
async def test_an_end_is_never_put_off(store: Store, at: int) -> None:
    await add_anna(store)
    await store.write(lambda tx: tx.add_grant(a_grant("analyst", 1, 5, "o")))
    await store.write(lambda tx: tx.end_grant(1, at))

    (grant,) = await store.read(lambda r: r.grants_of("p1"))
    assert grant.until == 5


async def test_a_grant_that_had_not_begun_never_was(store: Store) -> None:
    await add_anna(store)
    await store.write(lambda tx: tx.add_grant(a_grant("analyst", 9, None, "o")))
    await store.write(lambda tx: tx.add_grant(a_grant("analyst", 3, None, "o")))

    begun = [
        (each.since, each.until)
        for each in await store.read(lambda r: r.grants_of("p1"))
    ]
    assert begun == [(9, 9), (3, None)]


async def test_trainings_are_kept_in_order_of_their_end(store: Store) -> None:
    await add_anna(store)
    late, soon = (
        TrainingRow(
            id=f"t{until}",
            person="p1",
            kind="basic",
            organisation="Fachstelle",
            since=1,
            until=until,
            recorded_by="o",
        )
        for until in (20, 10)
    )
    await store.write(lambda tx: tx.add_training(late))
    await store.write(lambda tx: tx.add_training(soon))

    assert await store.read(lambda r: r.trainings_of("p1")) == [soon, late]


async def test_a_recovery_code_is_spent_once(store: Store) -> None:
    await add_anna(store)
    codes = [bytes([number]) * 32 for number in range(3)]
    await store.write(lambda tx: tx.set_recovery_codes("p1", codes))

    assert await store.write(lambda tx: tx.spend_recovery_code("p1", codes[0]))
    assert not await store.write(lambda tx: tx.spend_recovery_code("p1", codes[0]))
    assert not await store.write(lambda tx: tx.spend_recovery_code("p2", codes[1]))
    assert await store.read(lambda r: r.recovery_codes_left("p1")) == 2
    await store.write(lambda tx: tx.set_recovery_codes("p1", codes[:1]))
    assert await store.read(lambda r: r.recovery_codes_left("p1")) == 1


async def test_sessions_come_change_and_end(store: Store) -> None:
    await add_anna(store)
    old, new = (
        SessionRow(id=str(at), person="p1", role="analyst", began_at=at, seen_at=at)
        for at in (10, 20)
    )
    seen = SessionRow(
        id="20", person="p1", role="analyst", began_at=20, seen_at=25, stepped_up_at=24
    )
    for row in (old, new, seen):
        await store.write(lambda tx, row=row: tx.put_session(row))  # type: ignore[misc]

    assert await store.read(lambda r: r.session("20")) == seen
    assert seen in await store.read(lambda r: r.sessions_of("p1"))
    assert await store.read(lambda r: r.sessions_of("p2")) == []
    assert await store.write(lambda tx: tx.forget_sessions(seen=15, began=0)) == 1
    assert await store.read(lambda r: r.session("10")) is None
    assert await store.write(lambda tx: tx.remove_session("20"))
    assert not await store.write(lambda tx: tx.remove_session("20"))
    await store.write(lambda tx: tx.put_session(old))
    assert await store.write(lambda tx: tx.forget_sessions(seen=0, began=11)) == 1
    await store.write(lambda tx: tx.put_session(old))
    assert await store.write(lambda tx: tx.remove_sessions_of("p1")) == 1


async def test_failed_logins_are_counted_and_forgotten(store: Store) -> None:
    rows = [ThrottleRow(key="k", failures=n, until=n, seen_at=n) for n in (1, 2)]
    for row in rows:
        await store.write(lambda tx, row=row: tx.put_throttle(row))  # type: ignore[misc]

    assert await store.read(lambda r: r.throttle("k")) == rows[1]
    assert await store.write(lambda tx: tx.forget_throttles(2)) == 0
    assert await store.write(lambda tx: tx.forget_throttles(3)) == 1
    assert not await store.write(lambda tx: tx.remove_throttle("k"))


async def test_an_act_is_decided_once_and_by_another(store: Store) -> None:
    await store.write(lambda tx: tx.add_act(ACT))

    assert await store.read(lambda r: r.acts(ActState.PENDING, 9)) == [ACT]
    with pytest.raises(ConflictError):
        await store.write(
            lambda tx: tx.decide_act("a1", ActState.DONE, by="anna", at=6)
        )
    assert await store.write(
        lambda tx: tx.decide_act("a1", ActState.DONE, by="ben", at=6)
    )
    assert not await store.write(
        lambda tx: tx.decide_act("a1", ActState.DONE, by="cem", at=7)
    )
    done = await store.read(lambda r: r.act("a1"))
    assert done is not None
    assert (done.state, done.decided_by, done.content) == (ActState.DONE, "ben", None)
    assert await store.read(lambda r: r.acts(ActState.PENDING, 9)) == []


async def test_terms_go_with_their_credential(store: Store) -> None:
    row = CredentialRow(
        id="c1", name="shop", role="service", secret_hash=bytes(32), created_at=1
    )
    terms = TermsRow(
        credential="c1", holder="shop", scope="lookup", purposes="signup_check"
    )
    await store.write(lambda tx: tx.add_credential(row))
    await store.write(lambda tx: tx.add_terms(terms))

    assert await store.read(lambda r: r.terms_of("c1")) == terms
    assert await store.write(lambda tx: tx.set_credential_expiry("c1", 77))
    kept = await store.read(lambda r: r.credential("c1"))
    assert kept is not None
    assert kept.expires_at == 77
    assert await store.write(lambda tx: tx.remove_credential("c1"))
    assert await store.read(lambda r: r.terms_of("c1")) is None
    assert not await store.write(lambda tx: tx.set_credential_expiry("c1", 78))


async def test_an_identity_is_one_persons(store: Store) -> None:
    await add_anna(store)
    await store.write(lambda tx: tx.add_person(replace(ANNA, id="p2", name="ben")))
    identity = IdentityRow(issuer="https://id", subject="s", person="p1")
    await store.write(lambda tx: tx.add_identity(identity))

    assert await store.read(lambda r: r.identity("https://id", "s")) == identity
    assert await store.read(lambda r: r.identity("https://other", "s")) is None
    for subject, person in (("s", "p2"), ("s2", "p1")):
        taken = IdentityRow(issuer="https://id", subject=subject, person=person)
        with pytest.raises(ConflictError):
            await store.write(lambda tx, taken=taken: tx.add_identity(taken))  # type: ignore[misc]
    assert await store.write(lambda tx: tx.remove_identities_of("p1")) == 1


async def test_why_acts_were_refused_is_kept_for_a_while(store: Store) -> None:
    acts = [replace(ACT, id=f"a{number}") for number in range(3)]
    for act in acts:
        await store.write(lambda tx, act=act: tx.add_act(act))  # type: ignore[misc]
        await store.write(
            lambda tx, act=act: tx.decide_act(  # type: ignore[misc]
                act.id, ActState.WITHDRAWN, by="ben", at=7
            )
        )
    whys = [
        ActRefusalRow(act="a0", reason="in_doubt", reference=None, at=7),
        ActRefusalRow(act="a2", reason="conflict", reference="note-7", at=9),
    ]
    for why in whys:
        await store.write(lambda tx, why=why: tx.add_act_refusal(why))  # type: ignore[misc]

    assert await store.read(lambda r: r.act_refusal("a2")) == whys[1]
    assert await store.read(lambda r: r.act_refusal("a1")) is None
    for name in ("anna", "ben"):
        found = await store.read(lambda r, name=name: r.refused_acts(name, 7, 9))  # type: ignore[misc]
        assert [(row.id, why) for row, why in found] == [
            ("a2", whys[1]),
            ("a0", whys[0]),
        ]
    assert await store.read(lambda r: r.refused_acts("cem", 7, 9)) == []
    (newest,) = await store.read(lambda r: r.refused_acts("anna", 7, 1))
    assert (newest[0].decided_by, newest[0].content) == ("ben", None)
    assert len(await store.read(lambda r: r.refused_acts("anna", 8, 9))) == 1
    assert await store.write(lambda tx: tx.forget_act_refusals(8)) == 1
    assert await store.read(lambda r: r.act_refusal("a0")) is None


async def test_passkeys_come_change_and_go(store: Store) -> None:
    await add_anna(store)
    row = PasskeyRow(
        id="k1",
        credential=b"\x00c",
        person="p1",
        name="key",
        public_key=b"\x01k",
        sign_count=2**32 - 1,
        synced=True,
        rp="desk.a.demo",
        added_at=1,
    )
    await store.write(lambda tx: tx.add_passkey(row))
    other = replace(row, id="k2", credential=b"d", added_at=0, synced=False)
    await store.write(lambda tx: tx.add_passkey(other))

    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_passkey(replace(row, id="k3")))
    assert await store.read(lambda r: r.passkey_of(b"\x00c")) == row
    assert await store.read(lambda r: r.passkey_of(b"x")) is None
    assert await store.read(lambda r: r.passkeys_of("p1")) == [other, row]
    used = replace(row, name="safe", sign_count=7, used_at=9)
    assert await store.write(lambda tx: tx.set_passkey(used))
    assert not await store.write(lambda tx: tx.set_passkey(replace(row, id="k3")))
    assert await store.read(lambda r: r.passkey_of(b"\x00c")) == used
    assert await store.write(lambda tx: tx.remove_passkey("k1"))
    assert not await store.write(lambda tx: tx.remove_passkey("k1"))
    assert await store.write(lambda tx: tx.remove_passkeys_of("p1")) == 1


async def test_a_challenge_is_spent_once_until_it_is_forgotten(store: Store) -> None:
    digest = bytes(32)
    assert await store.write(lambda tx: tx.spend_challenge(digest, 9))
    assert not await store.write(lambda tx: tx.spend_challenge(digest, 9))
    assert await store.write(lambda tx: tx.forget_challenges(8)) == 0
    assert await store.write(lambda tx: tx.forget_challenges(9)) == 1
    assert await store.write(lambda tx: tx.spend_challenge(digest, 19))
