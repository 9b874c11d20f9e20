# SPDX-License-Identifier: Apache-2.0
"""Passkeys, used by a device in software: what counts, and what is refused."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace
from tests.node.people.conftest import SETUP, Team
from tests.support.authenticator import PRESENT, Device, flipped

from fedsafe_node.acts.people import (
    PasskeyEnrolment,
    PasskeyLogIn,
    PasskeyName,
    PasskeyProof,
    PasskeyStart,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    NodeError,
    NotFoundError,
    TooManyTriesError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.passkey_bytes import NotTakenError, to_text
from fedsafe_node.people.passkeys import LIFETIME, MOST, Passkeys
from fedsafe_node.people.sessions import FRESH
from fedsafe_node.people.vault import Vault
from fedsafe_node.people.webauthn_library import asserted, registered
from fedsafe_policies.vocabulary import Role

ORIGIN: Final = "https://desk.a.demo"


@pytest.fixture
async def anna(team: Team) -> Team:
    await team.hire("anna", Role.ANALYST)
    return team


@pytest.fixture
def passkeys(team: Team) -> Passkeys:
    return Passkeys(team.office, team.sessions, ORIGIN)


async def refused(work: Awaitable[object]) -> NodeError:
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


async def enrolled(
    team: Team, passkeys: Passkeys, name: str = "anna", device: Device | None = None
) -> tuple[Device, Principal]:
    who, device = await team.principal(name), device or Device()
    options = (await passkeys.begin_enrolment(who)).options
    made = PasskeyEnrolment(name="key", **device.enrol(options))
    await passkeys.enrol(made, who)
    return device, who


def log_in_by(
    device: Device, options: dict[str, Any], browser: str = ""
) -> PasskeyLogIn:
    return msgspec.convert({**device.sign(options), "browser": browser}, PasskeyLogIn)


async def signed(passkeys: Passkeys, device: Device) -> PasskeyLogIn:
    options = (await passkeys.begin_log_in(PasskeyStart())).options
    assert "allowCredentials" not in options or options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    return log_in_by(device, options)


async def whys(team: Team) -> list[str]:
    return [
        text.split('"why":"')[1].split('"')[0]
        for event, outcome, text in await team.events()
        if (event, outcome) == ("session.refused", "wrong_passkey")
    ]


async def test_a_passkey_logs_in_as_password_and_code_do(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    answer = await passkeys.log_in(await signed(passkeys, device), "192.0.2.1")
    who = await anna.sessions.recognise(answer.token)

    assert (who.name, who.role, who.fresh) == ("anna", Role.ANALYST, True)
    ways = {each.current: each.way for each in (await anna.sessions.show(who)).sessions}
    assert ways == {True: "passkey", False: "password"}
    (shown,) = (await passkeys.show(who)).passkeys
    assert (shown.name, shown.fits, shown.synced) == ("key", True, False)
    assert shown.used_at == anna.now
    texts = "".join(text for _, _, text in await anna.events())
    assert to_text(device.credential) not in texts


async def test_a_passkey_steps_up_in_its_own_session(
    anna: Team, passkeys: Passkeys
) -> None:
    device, who = await enrolled(anna, passkeys)
    anna.pass_time(FRESH)
    options = (await passkeys.begin_step_up(who)).options
    assert [each["id"] for each in options["allowCredentials"]] == [
        to_text(device.credential)
    ]
    other = await anna.principal("anna")
    proof = PasskeyProof(**device.sign(options))

    assert isinstance(await refused(passkeys.step_up(proof, other)), ForbiddenError)
    options = (await passkeys.begin_step_up(who)).options
    answer = await passkeys.step_up(PasskeyProof(**device.sign(options)), who)
    assert answer.fresh_until == anna.now + FRESH
    assert await whys(anna) == ["challenge"]


WRONGS: Final[dict[str, Callable[[Device], object]]] = {
    "origin": lambda d: setattr(d, "origin", "https://desk.b.demo"),
    "rp": lambda d: setattr(d, "rp", "demo"),
    "verification": lambda d: setattr(d, "flags", PRESENT),
    "presence": lambda d: setattr(d, "flags", 0),
    "counter": lambda d: setattr(d, "count", 0),
    "ceremony": lambda d: setattr(d, "kind", "webauthn.create"),
    "person": lambda d: setattr(d, "handle", to_text(b"0" * 32)),
}


@pytest.mark.parametrize("why", WRONGS)
async def test_what_does_not_fit_is_refused_and_is_one_event(
    anna: Team, passkeys: Passkeys, why: str
) -> None:
    device, _ = await enrolled(anna, passkeys)
    right = dataclasses.replace(device)
    WRONGS[why](device)
    error = await refused(passkeys.log_in(await signed(passkeys, device), ""))

    assert isinstance(error, ForbiddenError)
    assert not error.authenticated
    assert await whys(anna) == [why]
    right.count += 5
    assert (await passkeys.log_in(await signed(passkeys, right), "")).token


async def test_another_site_in_between_is_refused(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    device.cross_origin = True
    await refused(passkeys.log_in(await signed(passkeys, device), ""))

    assert await whys(anna) == ["origin"]


async def test_an_answer_counts_once_and_not_for_long(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    proof = await signed(passkeys, device)
    await passkeys.log_in(proof, "")
    await refused(passkeys.log_in(proof, ""))
    late = await signed(passkeys, device)
    anna.pass_time(LIFETIME)
    await refused(passkeys.log_in(late, ""))
    forged = await signed(passkeys, device)
    forged = replace(forged, signature=flipped(forged.signature))
    await refused(passkeys.log_in(forged, ""))

    assert await whys(anna) == ["counter", "late", "signature"]


async def test_one_without_a_counter_cannot_be_replayed_by_two_workers(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys, device=Device(count=0))
    device.count = -1  # it signs with 0 always
    proof = await signed(passkeys, device)
    other = Passkeys(anna.office, anna.sessions, ORIGIN)  # as of another process
    both = [each.log_in(proof, "") for each in (passkeys, other)]
    results = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(isinstance(each, ForbiddenError) for each in results) == [
        False,
        True,
    ]
    assert await whys(anna) == ["replayed"]


class Between(Passkeys):
    """Something happens between what is verified and what is done about it."""

    happens: Callable[[], Awaitable[object]]

    async def _proven(self, *given: Any, **named: Any) -> int:  # noqa: ANN401
        count = await super()._proven(*given, **named)
        await self.happens()
        return count


async def test_of_a_device_and_its_clone_at_two_workers_one_is_refused(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    clone = dataclasses.replace(device)  # it counts from where the first one was
    proofs = [await signed(passkeys, each) for each in (device, clone)]
    assert device.count == clone.count
    workers = [Between(anna.office, anna.sessions, ORIGIN) for _ in proofs]
    verified = asyncio.Barrier(len(workers))
    for worker in workers:
        worker.happens = verified.wait
    both = [each.log_in(proof, "") for each, proof in zip(workers, proofs, strict=True)]
    results = await asyncio.gather(*both, return_exceptions=True)

    assert sorted(isinstance(each, ForbiddenError) for each in results) == [
        False,
        True,
    ]
    assert await whys(anna) == ["counter"]


@pytest.mark.parametrize("does", ["log in", "step up"])
async def test_who_is_locked_meanwhile_is_refused_whatever_was_verified(
    anna: Team, passkeys: Passkeys, does: str
) -> None:
    device, who = await enrolled(anna, passkeys)
    worker = Between(anna.office, anna.sessions, ORIGIN)
    worker.happens = lambda: anna.accounts.lock("anna", SETUP)
    if does == "log in":
        error = await refused(worker.log_in(await signed(passkeys, device), ""))
    else:
        options = (await passkeys.begin_step_up(who)).options
        proof = PasskeyProof(**device.sign(options))
        error = await refused(worker.step_up(proof, who))

    assert isinstance(error, ForbiddenError)
    assert await whys(anna) == ["state"]


async def test_who_is_locked_neither_logs_in_nor_steps_up(
    anna: Team, passkeys: Passkeys
) -> None:
    device, who = await enrolled(anna, passkeys)
    options = (await passkeys.begin_step_up(who)).options
    await anna.accounts.lock("anna", SETUP)

    await refused(passkeys.step_up(PasskeyProof(**device.sign(options)), who))
    await refused(passkeys.log_in(await signed(passkeys, device), ""))
    assert await whys(anna) == ["state", "state"]


async def test_a_refused_answer_has_spent_its_challenge(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    options = (await passkeys.begin_log_in(PasskeyStart())).options
    wrong = log_in_by(device, options)
    await refused(
        passkeys.log_in(replace(wrong, signature=flipped(wrong.signature)), "")
    )
    await refused(passkeys.log_in(log_in_by(device, options), ""))

    assert await whys(anna) == ["signature", "replayed"]


async def test_a_log_in_ends_in_the_browser_that_began_it(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    options = (await passkeys.begin_log_in(PasskeyStart(browser="b1"))).options
    proof = log_in_by(device, options, "b2")
    await refused(passkeys.log_in(proof, ""))
    assert await whys(anna) == ["challenge"]

    options = (await passkeys.begin_log_in(PasskeyStart(browser="b1"))).options
    assert (await passkeys.log_in(log_in_by(device, options, "b1"), "")).token


async def test_a_challenge_of_another_desk_is_none_here(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    elsewhere = Passkeys(anna.office, anna.sessions, "https://desk.b.demo")
    options = (await elsewhere.begin_log_in(PasskeyStart())).options
    await refused(passkeys.log_in(log_in_by(device, options), ""))

    assert await whys(anna) == ["challenge"]


async def test_who_has_several_roles_chooses_with_the_same_answer(
    team: Team, passkeys: Passkeys
) -> None:
    await team.hire("anna", Role.ANALYST)
    device, _ = await enrolled(team, passkeys)
    await team.seat("anna", Role.REVIEWER)
    proof = await signed(passkeys, device)
    error = await refused(passkeys.log_in(proof, ""))

    assert isinstance(error, BadRequestError)
    assert error.code == "choose_role"
    answer = await passkeys.log_in(replace(proof, role=Role.REVIEWER), "")
    assert answer.role is Role.REVIEWER


async def test_locking_and_resetting_end_passkeys(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    await anna.accounts.lock("anna", SETUP)
    await refused(passkeys.log_in(await signed(passkeys, device), ""))
    assert await whys(anna) == ["state"]
    await anna.accounts.reset("anna", SETUP)
    await refused(passkeys.log_in(await signed(passkeys, device), ""))

    assert await anna.store.read(lambda r: r.passkey_of(device.credential)) is None
    assert await whys(anna) == ["state"]  # nobody's passkey names nobody


async def test_guesses_from_a_place_are_slowed_down(
    anna: Team, passkeys: Passkeys
) -> None:
    device, _ = await enrolled(anna, passkeys)
    for _ in range(25):  # those that are right leave no trace
        await passkeys.log_in(await signed(passkeys, device), "192.0.2.1")
    foreign = Device(handle=device.handle)
    for _ in range(20):
        await refused(passkeys.log_in(await signed(passkeys, foreign), "192.0.2.1"))
    error = await refused(passkeys.log_in(await signed(passkeys, device), "192.0.2.1"))

    assert isinstance(error, TooManyTriesError)
    assert (await passkeys.log_in(await signed(passkeys, device), "192.0.2.2")).token


async def test_enrolment_takes_a_fresh_session_of_ones_own(
    anna: Team, passkeys: Passkeys
) -> None:
    await anna.hire("ben", Role.ANALYST)
    who, ben = await anna.principal("anna"), await anna.principal("ben")
    options = (await passkeys.begin_enrolment(who)).options
    assert options["authenticatorSelection"]["residentKey"] == "required"
    device = Device()
    made = PasskeyEnrolment(name="key", **device.enrol(options))

    assert isinstance(await refused(passkeys.enrol(made, ben)), ForbiddenError)
    for unfit in (SETUP, dataclasses.replace(who, fresh=False)):
        assert isinstance(
            await refused(passkeys.begin_enrolment(unfit)), ForbiddenError
        )
        assert isinstance(await refused(passkeys.enrol(made, unfit)), ForbiddenError)
    assert await whys(anna) == ["challenge"]


@pytest.mark.parametrize("why", ["verification", "rp", "origin"])
async def test_a_passkey_that_does_not_fit_is_not_enrolled(
    anna: Team, passkeys: Passkeys, why: str
) -> None:
    device, who = Device(), await anna.principal("anna")
    WRONGS[why](device)
    options = (await passkeys.begin_enrolment(who)).options
    made = PasskeyEnrolment(name="key", **device.enrol(options))

    assert isinstance(await refused(passkeys.enrol(made, who)), ForbiddenError)
    assert (await passkeys.show(who)).passkeys == []
    assert await whys(anna) == [why]


async def test_a_passkey_is_enrolled_once_and_not_without_end(
    anna: Team, passkeys: Passkeys
) -> None:
    device, who = await enrolled(anna, passkeys)
    options = (await passkeys.begin_enrolment(who)).options
    assert [each["id"] for each in options["excludeCredentials"]] == [
        to_text(device.credential)
    ]
    again = PasskeyEnrolment(name="key", **device.enrol(options))
    assert isinstance(await refused(passkeys.enrol(again, who)), WrongStateError)
    for _ in range(MOST - 1):
        options = (await passkeys.begin_enrolment(who)).options
        await passkeys.enrol(
            PasskeyEnrolment(name="key", **Device().enrol(options)), who
        )

    assert isinstance(await refused(passkeys.begin_enrolment(who)), WrongStateError)


async def test_a_passkey_is_named_and_removed_by_its_person_alone(
    anna: Team, passkeys: Passkeys
) -> None:
    device, who = await enrolled(anna, passkeys)
    await anna.hire("ben", Role.ANALYST)
    ben, other = await anna.principal("ben"), await anna.log_in("anna")
    (shown,) = (await passkeys.show(who)).passkeys
    for work in (
        passkeys.rename(shown.passkey, PasskeyName("x"), ben),
        passkeys.remove(shown.passkey, ben),
    ):
        assert isinstance(await refused(work), NotFoundError)
    assert (await passkeys.rename(shown.passkey, PasskeyName("safe"), who)).name == (
        "safe"
    )
    stale = dataclasses.replace(who, fresh=False)
    assert isinstance(
        await refused(passkeys.remove(shown.passkey, stale)), ForbiddenError
    )
    await passkeys.remove(shown.passkey, who)

    assert (await passkeys.show(who)).passkeys == []
    await refused(anna.sessions.recognise(other.token))
    await refused(passkeys.log_in(await signed(passkeys, device), ""))
    events = [event for event, _, _ in await anna.events()]
    assert events[-2:] == ["account.passkey_named", "account.passkey_removed"]


async def test_the_last_second_factor_that_works_stays(
    anna: Team, passkeys: Passkeys
) -> None:
    _, who = await enrolled(anna, passkeys)
    (shown,) = (await passkeys.show(who)).passkeys
    lost = dataclasses.replace(anna.office, vault=Vault(bytes(32)))
    blind = Passkeys(lost, anna.sessions, ORIGIN)  # its people.key is another
    error = await refused(blind.remove(shown.passkey, who))

    assert isinstance(error, WrongStateError)
    assert error.code == "last_factor"
    assert len((await passkeys.show(who)).passkeys) == 1


async def test_a_node_without_a_desk_has_no_passkeys(anna: Team) -> None:
    none = Passkeys(anna.office, anna.sessions, None)
    who = await anna.principal("anna")
    for work in (none.begin_enrolment(who), none.begin_log_in(PasskeyStart())):
        error = await refused(work)
        assert isinstance(error, WrongStateError)
        assert error.code == "no_desk"


# Web Authentication Level 3, "Test Vectors": ES256 with self attestation.


def vector(text: str) -> str:
    return to_text(bytes.fromhex("".join(text.split())))


CREDENTIAL: Final = vector(
    "455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c"
)
MADE: Final = vector(
    """7b2274797065223a22776562617574686e2e637265617465222c226368616c6c656e6765223a2265
    476e4374334c55745936366b336a506a796e6962506b31716e666644616966715a774c33417032392d
    55222c226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f
    726967696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e20
    6d617920626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e
    20746865206675747572652c207375636820617320746869733a205539685458764b453255526b4d6e
    625f307859485667227d"""
)
ATTESTATION: Final = """a363666d74667061636b65646761747453746d74a263616c67266373696758
    4630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7
    b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d68617574684461746158a4
    bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b55d00000000df850e09
    db6afbdfab51697791506cfc0020455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca
    129cbef58ca5010203262001215820eb151c8176b225cc651559fecf07af450fd85802046656b34c18
    f6cf193843c5225820927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2
    """
SIGNED: Final = vector(
    """7b2274797065223a22776562617574686e2e676574222c226368616c6c656e6765223a2252486968
    43784e534e493352594d45314f7731476d3132786e726b634a5f6666707637546e2d4a71386773222c
    226f726967696e223a2268747470733a2f2f6578616d706c652e6f7267222c2263726f73734f726967
    696e223a66616c73652c22657874726144617461223a22636c69656e74446174614a534f4e206d6179
    20626520657874656e6465642077697468206164646974696f6e616c206669656c647320696e207468
    65206675747572652c207375636820617320746869733a206754623533727a36456853576f6d58477a
    696d433151227d"""
)
DATA: Final = vector(
    "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50900000000"
)
SIGNATURE: Final = vector(
    """304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94
    dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66"""
)
AT: Final = {"rp": "example.org", "origin": "https://example.org"}


def test_the_vectors_of_the_specification_are_read_as_it_says() -> None:
    found = registered(CREDENTIAL, MADE, vector(ATTESTATION), **AT)

    assert to_text(found.credential_id) == CREDENTIAL
    assert (found.sign_count, found.credential_backed_up) == (0, True)
    forged = vector(ATTESTATION.replace("067a20754a", "067a20754b"))
    for attestation, why in ((forged, "attestation"), ("AAAA", "malformed")):
        with pytest.raises(NotTakenError) as caught:
            registered(CREDENTIAL, MADE, attestation, **AT)
        assert caught.value.why == why
    # The assertion of that vector verifies nobody, so it is refused for that alone.
    key = found.credential_public_key
    told = (CREDENTIAL, SIGNED, DATA, SIGNATURE)
    with pytest.raises(NotTakenError) as caught:
        asserted(*told, **AT, public_key=key, count=0)
    assert caught.value.why == "verification"
