# SPDX-License-Identifier: Apache-2.0
"""Logins through a real provider of identities on loopback, in its own process."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession
from tests.node.people.conftest import SETUP, Team
from tests.node.people.provider import CLIENT, REDIRECT
from tests.support.provider import Provider, log_in_there, serve_provider

from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_node.acts.people import SignOnRequest, SignOnStart
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Oidc
from fedsafe_node.ground.errors import (
    ForbiddenError,
    IdentityError,
    NodeError,
    UnavailableError,
    WrongStateError,
)
from fedsafe_node.ground.shared_nonces import SharedNonces, make_shared
from fedsafe_node.people.identity_provider import BACK, LIFETIME, Identities
from fedsafe_node.people.identity_web import ProviderWeb, is_safe
from fedsafe_policies.vocabulary import Role

START: Final = SignOnStart()
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with serve_provider(tmp_path_factory.mktemp("provider")) as made:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(trust_env=False) as session:
        yield session


@pytest.fixture
async def house(team: Team) -> Team:
    """Keep the time of the provider: its tokens are of the real present."""
    team.clock.moment = SystemClock().now()
    await team.hire("anna", Role.ANALYST)
    await team.hire("ben", Role.ANALYST)
    return team


def seen(team: Team) -> SeenNonces:
    return SeenNonces(began=team.clock.now())


def made(team: Team, http: ClientSession, issuer: str) -> Identities:
    oidc = Oidc(issuer=issuer, client_id=CLIENT, redirect=REDIRECT)
    return Identities(team.office, team.sessions, oidc, ProviderWeb(http), seen(team))


@pytest.fixture
def identities(house: Team, http: ClientSession, provider: Provider) -> Identities:
    return made(house, http, provider.url)


async def browse(url: str, name: str) -> SignOnRequest:
    """Log in at the provider's pages as a person does; return what comes back."""
    query = parse_qs(urlsplit(await log_in_there(url, name)).query)
    told = {each: query[each][0] for each in ("state", "code", "iss")}
    return SignOnRequest(**told)


async def refused(work: object) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work  # type: ignore[misc]
    return caught.value


async def link(team: Team, identities: Identities, name: str, at: str) -> None:
    who = await team.principal(name)
    begun = await identities.start(START)
    await identities.link(await browse(begun.url, at), who)
    team.clock.moment = SystemClock().now()


async def test_a_linked_identity_logs_its_person_in(
    house: Team, identities: Identities, provider: Provider
) -> None:
    stranger = await identities.start(START)
    error = await refused(identities.finish(await browse(stranger.url, "anna")))
    assert isinstance(error, ForbiddenError)

    await link(house, identities, "anna", "anna")
    begun = await identities.start(SignOnStart(role=Role.ANALYST))
    answer = await identities.finish(await browse(begun.url, "anna"))
    who = await house.sessions.recognise(answer.token)

    assert (who.name, who.role, who.fresh) == ("anna", Role.ANALYST, False)
    events = await house.events()
    (told,) = [text for event, _, text in events if event == "account.linked"]
    assert f'"issuer":"{provider.url}"' in told
    query = parse_qs(urlsplit(begun.url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(base64.urlsafe_b64decode(query["code_challenge"][0] + "=")) == (
        hashlib.sha256().digest_size
    )
    await house.accounts.lock("anna", SETUP)
    again = await identities.start(START)
    await refused(identities.finish(await browse(again.url, "anna")))


async def test_a_state_is_used_once_and_ends(
    house: Team, identities: Identities
) -> None:
    await link(house, identities, "anna", "anna")
    begun = await identities.start(START)
    back = await browse(begun.url, "anna")
    results = await asyncio.gather(
        *(identities.finish(back) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, ForbiddenError) for result in results) == 2
    late = await identities.start(START)
    back = await browse(late.url, "anna")
    house.pass_time(LIFETIME)
    assert isinstance(await refused(identities.finish(back)), ForbiddenError)


async def test_a_code_of_another_login_is_refused(
    house: Team, identities: Identities
) -> None:
    """A stolen code has another PKCE secret, and its token another nonce."""
    await link(house, identities, "anna", "anna")
    first, second = await identities.start(START), await identities.start(START)
    stolen = await browse(first.url, "anna")
    mixed = SignOnRequest(state=second.state, code=stolen.code, iss=stolen.iss)

    assert isinstance(await refused(identities.finish(mixed)), ForbiddenError)


async def test_new_keys_are_found(
    house: Team, identities: Identities, provider: Provider
) -> None:
    await link(house, identities, "anna", "anna")
    begun = await identities.start(START)
    back = await browse(begun.url, "anna")
    await asyncio.to_thread(provider.turn_keys)
    house.pass_time(120)  # the keys were looked at within the last minute

    answer = await identities.finish(back)

    assert (await house.sessions.recognise(answer.token)).name == "anna"


async def test_an_identity_is_one_persons_and_a_person_has_one(
    house: Team, identities: Identities
) -> None:
    await link(house, identities, "anna", "anna")
    for name, at in (("ben", "anna"), ("anna", "ben")):
        with pytest.raises(WrongStateError):
            await link(house, identities, name, at)
    stale = await house.principal("ben")
    house.pass_time(300)
    stale = type(stale)(stale.name, stale.role, stale.session, fresh=False)
    begun = await identities.start(START)
    back = SignOnRequest(state=begun.state, code="x")
    assert isinstance(await refused(identities.link(back, stale)), ForbiddenError)


async def test_a_provider_of_another_name_is_not_used(
    house: Team, http: ClientSession, provider: Provider
) -> None:
    other = provider.url.replace("127.0.0.1", "localhost")
    for issuer in (other, f"{provider.url}/", "http://127.0.0.1:1"):
        error = await refused(made(house, http, issuer).start(START))
        assert isinstance(error, UnavailableError)


async def test_a_node_without_a_provider_says_so(
    house: Team, http: ClientSession
) -> None:
    without = Identities(
        house.office, house.sessions, None, ProviderWeb(http), seen(house)
    )

    assert isinstance(await refused(without.start(START)), WrongStateError)
    back = SignOnRequest(state="s" * 43, code="x")
    assert isinstance(await refused(without.finish(back)), WrongStateError)


PKCE: Final = {"code_challenge_methods_supported": ["S256"]}


class FakeWeb(ProviderWeb):
    """A provider that answers, or fails, at once; it counts."""

    def __init__(self) -> None:
        self.gets = 0
        self.posts = 0
        self.fails = False
        self.names_itself = False
        self.ends: dict[str, str] = {}
        self.forms: list[Mapping[str, str]] = []

    async def get(self, url: str) -> bytes:
        self.gets += 1
        if self.fails:
            raise IdentityError("down")
        issuer = url.removesuffix("/.well-known/openid-configuration")
        ends = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        document = {end: f"{issuer}/{end}" for end in ends}
        naming = {"authorization_response_iss_parameter_supported": self.names_itself}
        told = {"issuer": issuer, **document, **PKCE, **naming, **self.ends}
        return json.dumps(told).encode()

    async def post(self, url: str, form: Mapping[str, str]) -> bytes:
        self.posts += 1
        self.forms.append(form)
        raise IdentityError(f"{url} took {len(form)}")


@pytest.fixture
def web() -> FakeWeb:
    return FakeWeb()


@pytest.fixture
def faked(team: Team, web: FakeWeb) -> Identities:
    oidc = Oidc(issuer="https://id.example", client_id=CLIENT, redirect=REDIRECT)
    return Identities(team.office, team.sessions, oidc, web, seen(team))


async def test_a_state_that_the_node_has_not_made_is_refused(
    faked: Identities, web: FakeWeb
) -> None:
    state = (await faked.start(START)).state

    for at in (0, 8, 20, 41):
        other = "A" if state[at] != "A" else "B"
        changed = state[:at] + other + state[at + 1 :]
        with pytest.raises(ForbiddenError):
            await faked.finish(SignOnRequest(state=changed, code="code"))
    assert web.posts == 0


DESK: Final = "https://desk.example"


def at_desk(team: Team, web: FakeWeb, desk: str | None = DESK) -> Identities:
    oidc = Oidc(issuer="https://id.example", client_id=CLIENT, redirect=REDIRECT)
    return Identities(team.office, team.sessions, oidc, web, seen(team), desk=desk)


async def test_a_login_at_the_desk_ends_there_in_the_browser_where_it_began(
    team: Team, web: FakeWeb
) -> None:
    identities = at_desk(team, web)
    begun = await identities.start(SignOnStart(browser="this one"))
    query = parse_qs(urlsplit(begun.url).query)

    for browser in ("", "another one", "this one "):
        with pytest.raises(ForbiddenError):
            await identities.finish(
                SignOnRequest(state=begun.state, code="x", browser=browser)
            )
    assert web.posts == 0  # and it is not used up
    back = SignOnRequest(state=begun.state, code="x", browser="this one")
    with pytest.raises(ForbiddenError):
        await identities.finish(back)

    assert query["redirect_uri"] == [f"{DESK}{BACK}"]
    assert web.forms[-1]["redirect_uri"] == f"{DESK}{BACK}"


async def test_a_login_of_no_browser_is_not_ended_in_one(
    team: Team, web: FakeWeb
) -> None:
    identities = at_desk(team, web)
    begun = await identities.start(START)

    assert parse_qs(urlsplit(begun.url).query)["redirect_uri"] == [REDIRECT]
    back = SignOnRequest(state=begun.state, code="x", browser="any")
    with pytest.raises(ForbiddenError):
        await identities.finish(back)
    assert web.posts == 0


async def test_no_browser_is_led_back_to_a_desk_that_there_is_not(
    team: Team, web: FakeWeb
) -> None:
    with pytest.raises(WrongStateError) as caught:
        await at_desk(team, web, None).start(SignOnStart(browser="this one"))
    assert caught.value.code == "no_desk"


@pytest.mark.parametrize(
    ("always", "iss", "posts"),
    [
        (False, None, 1),
        (False, "https://id.example", 1),
        (False, "https://evil.example", 0),
        (False, "", 0),
        (True, None, 0),
        (True, "https://id.example", 1),
        (True, "https://id.example/", 0),
    ],
)
async def test_a_code_goes_to_the_provider_alone_that_has_made_it(
    faked: Identities, web: FakeWeb, *, always: bool, iss: str | None, posts: int
) -> None:
    web.names_itself = always
    begun = await faked.start(START)

    with pytest.raises(ForbiddenError):
        await faked.finish(SignOnRequest(state=begun.state, code="x", iss=iss))
    assert web.posts == posts


@pytest.mark.parametrize("end", ["authorization_endpoint", "token_endpoint"])
@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "http://id.example/x", "https://id.example/\nx"]
)
async def test_a_provider_that_leads_to_no_safe_address_is_not_used(
    faked: Identities, web: FakeWeb, end: str, address: str
) -> None:
    web.ends[end] = address

    assert isinstance(await refused(faked.start(START)), UnavailableError)


async def test_no_login_outlives_the_start_before_which_it_began(
    team: Team, faked: Identities, web: FakeWeb
) -> None:
    begun = await faked.start(START)
    team.pass_time(2)
    oidc = Oidc(issuer="https://id.example", client_id=CLIENT, redirect=REDIRECT)
    later = Identities(team.office, team.sessions, oidc, web, seen(team))

    with pytest.raises(ForbiddenError):
        await later.finish(SignOnRequest(state=begun.state, code="code"))
    assert web.posts == 0


async def test_a_login_may_end_at_another_process_and_ends_once(
    team: Team, web: FakeWeb, tmp_path: Path
) -> None:
    await asyncio.to_thread(
        make_shared, tmp_path / "nonces", began=team.clock.now(), pages=4
    )
    oidc = Oidc(issuer="https://id.example", client_id=CLIENT, redirect=REDIRECT)
    both = [SharedNonces(tmp_path / "nonces") for _ in range(2)]
    one, other = (
        Identities(team.office, team.sessions, oidc, web, each) for each in both
    )
    begun = await one.start(START)
    request = SignOnRequest(state=begun.state, code="code")

    for identities in (other, one, other):
        with pytest.raises(ForbiddenError):
            await identities.finish(request)
    for each in both:
        each.close()

    assert web.posts == 1


async def test_a_provider_that_failed_is_left_alone_for_some_seconds(
    faked: Identities, web: FakeWeb, team: Team
) -> None:
    web.fails = True
    errors = [await refused(faked.start(START)) for _ in range(3)]
    assert {type(error) for error in errors} == {UnavailableError}
    assert web.gets == 1

    web.fails = False
    team.pass_time(5)
    assert (await faked.start(START)).state
    assert web.gets == 2


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://id.example.de/x", True),
        ("http://127.0.0.1:9/x", True),
        ("http://id.example.de/x", False),
        ("http://127.0.0.1.evil.example/x", False),
        ("file:///etc/passwd", False),
    ],
)
async def test_secrets_go_to_safe_addresses_only(
    http: ClientSession, url: str, *, safe: bool
) -> None:
    assert is_safe(url) is safe
    if not safe:
        with pytest.raises(IdentityError, match="address"):
            await ProviderWeb(http).get(url)
