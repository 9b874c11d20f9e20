# SPDX-License-Identifier: Apache-2.0
"""Behind a listed proxy its clients are counted, each by itself: at desk and API."""

from collections.abc import Iterator
from datetime import timedelta

import aiohttp
import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk import PASSWORD, Reader, Shown
from tests.support.desk_house import NODE, House, house

from fedsafe_node.people.throttle import FORGOTTEN

GUESSER, OTHER = "198.51.100.7", "203.0.113.9"
SLOW = "too many"
_MANY = 25
"""More than may fail from one place before it has to wait."""


@pytest.fixture(scope="module")
def office() -> Iterator[House]:
    """Give a node whose desk and API stand behind a proxy on this machine."""
    with house(full=False, proxies=("127.0.0.1/32",)) as made:
        yield made


@pytest.fixture(scope="module")
def plain() -> Iterator[House]:
    """Give a node that nobody has told of a proxy."""
    with house(full=False) as made:
        yield made


async def tried(reader: Reader, name: str, code: str, hops: str) -> Shown:
    """Try to log in, by a proxy that says where from."""
    page = await reader.open("/desk/login")
    given = {"name": name, "password": PASSWORD, "code": code}
    return await reader.send("/desk/login", given, page=page, X_Forwarded_For=hops)


async def guessed(reader: Reader, hops: str) -> None:
    """Guess passwords of nobody, more often than one place may."""
    for number in range(_MANY):
        await tried(reader, f"nobody{number}", "000000", hops)


async def test_who_guesses_slows_down_nobody_but_themselves(
    office: House, reader: Readers
) -> None:
    office.later(timedelta(seconds=FORGOTTEN + 1))
    guesser, other, feigner = await reader(), await reader(), await reader()
    rita, dora = office.code("rita"), office.code("dora")
    await guessed(guesser, GUESSER)

    again = await tried(guesser, "rita", rita, GUESSER)
    feigned = f"{OTHER}, {GUESSER}"  # the last is what the proxy has seen
    as_other = await tried(feigner, "rita", rita, feigned)
    theirs = await tried(other, "dora", dora, OTHER)

    assert SLOW in again.text.lower()
    assert SLOW in as_other.text.lower()
    assert (theirs.status, theirs.path) == (200, "/desk/today")


async def test_the_api_counts_by_the_same_places(
    office: House, reader: Readers
) -> None:
    office.later(timedelta(seconds=FORGOTTEN + 1))
    code = office.code("anna")
    await guessed(await reader(), GUESSER)
    url = office.fleet[NODE].base.config.url + "/v1/session"
    seen = {}
    async with aiohttp.ClientSession() as session:
        for place in (GUESSER, OTHER):
            body = {"name": "anna", "password": PASSWORD, "code": code}
            headers = {"X-Forwarded-For": place}
            async with session.post(url, json=body, headers=headers) as answer:
                seen[place] = answer.status

    assert seen == {GUESSER: 429, OTHER: 201}


async def test_a_node_that_lists_no_proxy_takes_nobodys_word(plain: House) -> None:
    code = plain.code("rita")
    async with Reader(plain.origin) as reader:
        for number in range(_MANY):  # another place each time, if one believed it
            hops = f"198.51.{number}.7"
            await tried(reader, f"nobody{number}", "000000", hops)
        slowed = await tried(reader, "rita", code, OTHER)

    assert SLOW in slowed.text.lower()
