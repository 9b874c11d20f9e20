# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Iterator
from threading import Event

import pytest
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.errors import BadRequestError, UnavailableError
from fedsafe_node.people.passwords import PARAMETERS, Passwords, check_password

GOOD = "korrekt pferd batterie"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(CHEAPEST)
    yield passwords
    passwords.close()


def test_the_parameters_are_those_of_the_rfc() -> None:
    assert PARAMETERS == RFC_9106_LOW_MEMORY
    assert (PARAMETERS.time_cost, PARAMETERS.memory_cost) == (3, 65_536)


async def test_a_hash_says_its_parameters_and_verifies() -> None:
    passwords = Passwords()
    encoded = await passwords.hash(GOOD)

    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.verify(encoded, GOOD)
    assert not passwords.is_outdated(encoded)
    await asyncio.to_thread(passwords.close)


async def test_another_password_and_nobody_are_refused(passwords: Passwords) -> None:
    encoded = await passwords.hash(GOOD)

    assert not await passwords.verify(encoded, GOOD + "!")
    assert not await passwords.verify(None, GOOD)
    assert not await passwords.verify(None, "nobody's password")
    assert not await passwords.verify("junk", GOOD)


async def test_cheaper_hashes_are_seen_as_outdated(passwords: Passwords) -> None:
    cheap = await passwords.hash(GOOD)
    dear = Passwords()

    assert dear.is_outdated(cheap)
    await asyncio.to_thread(dear.close)


async def test_a_flood_is_told_to_wait_and_recovers(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = Event()

    def slow(password: str, encoded: str | None) -> str:
        del password, encoded
        go.wait(10)
        return ""

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "_work", slow)
        waiting = [asyncio.create_task(passwords.hash(GOOD)) for _ in range(16)]
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):
            await passwords.hash(GOOD)
        for task in waiting[:4]:
            task.cancel()
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):  # the work itself still goes on
            await passwords.hash(GOOD)
        go.set()
        await asyncio.gather(*waiting, return_exceptions=True)

    while True:  # the cancelled ones end in their own time
        try:
            assert await passwords.hash(GOOD)
            break
        except UnavailableError:
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short pass",
        "x" * 12,
        "Password1234",
        "anna.weber anna.weber",
        "Weber anna.weber Anna",
        "y" * 257,
        "tab\tcharacter here",
        "nul\x00character here",
    ],
)
def test_a_weak_password_is_refused_unrepeated(password: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        check_password(password, "anna.weber", "Anna Weber")

    assert caught.value.code == "bad_password"
    assert password == "" or password not in str(caught.value)


@pytest.mark.parametrize(
    "password",
    [GOOD, "aaaaaaaaaaaabcde", "annas graue katze schläft", "🐴🔋📎 pferd ja"],
)
def test_no_kind_of_character_is_demanded(password: str) -> None:
    assert check_password(password, "anna.weber", "Anna Weber")


def test_two_keyboards_give_one_password() -> None:
    composed = check_password("gr\u00fcne katze im baum")
    decomposed = check_password("gru\u0308ne katze im baum")

    assert composed == decomposed


@given(st.text())
def test_any_text_is_taken_or_refused_by_our_own_error(password: str) -> None:
    try:
        text = check_password(password, "anna")
    except BadRequestError:
        return
    assert len(text) >= 12
