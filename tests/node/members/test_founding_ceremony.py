# SPDX-License-Identifier: Apache-2.0
"""Founding a federation: over sockets, with crashes, and against the rules."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.support.ceremony_rounds import go_round, states
from tests.support.fleet import (
    FEDERATION,
    NAMES,
    Fleet,
    confirm,
    eventually,
    found,
    make,
)

from fedsafe_federation.errors import (
    FoundingError,
    PeerRefusedError,
    UntrustedError,
)
from fedsafe_federation.exchange.peer import send_founding
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import ProposalRequest
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import ForbiddenError, NodeError, WrongStateError
from fedsafe_node.members import founding_ceremony as founding


@pytest.fixture
async def strangers(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give three nodes that run and belong to no federation."""
    fleet = await make(tmp_path / "s", *NAMES)
    await fleet.start(*NAMES)
    yield fleet
    await fleet.close()


async def proposal(
    fleet: Fleet,
    *names: str,
    federation: str = FEDERATION,
    threshold: int | None = None,
) -> Signed:
    """Propose a founding, as the first of them."""
    cards = [await fleet[name].services.foundings.card() for name in names]
    request = ProposalRequest(federation=federation, cards=cards, threshold=threshold)
    return await fleet[names[0]].services.foundings.propose(request)


async def agreed(
    fleet: Fleet,
    *names: str,
    federation: str = FEDERATION,
    threshold: int | None = None,
) -> Signed:
    """Propose a founding that all confirm."""
    found = await proposal(fleet, *names, federation=federation, threshold=threshold)
    for name in names:
        await confirm(fleet, name, found)
    return found


def founded(fleet: Fleet) -> bool:
    return all(node.base.situation.shared for node in fleet.running.values())


async def test_three_nodes_found_a_federation_over_http(strangers: Fleet) -> None:
    await found(strangers, *NAMES)
    charters = {await strangers[n].services.foundings.charter() for n in NAMES}
    await strangers.covered()
    answer = await strangers.look_up("a.demo", "somebody@mail.example")

    assert len(charters) == 1
    assert states(strangers) == []
    assert answer.result is Result.NONE
    for name in NAMES:
        (event,) = await strangers.audit(name, "federation.joined")
        assert b'"threshold":2' in event.openings["detail"]
        checks = await strangers[name].services.node.checks()
        assert "witnesses" not in checks  # who is not ready yet refuses nobody


@pytest.mark.parametrize("after", [1, 2, 3, 4])
async def test_a_founding_survives_restarts_in_its_middle(
    strangers: Fleet, after: int
) -> None:
    seen = [await agreed(strangers, *NAMES)]
    for _ in range(after):
        await go_round(strangers, seen, NAMES)
        await strangers.stop("b.demo")
        await strangers.start("b.demo")
    while not founded(strangers):
        await go_round(strangers, seen, NAMES)

    assert states(strangers) == []
    answer = await strangers.look_up("b.demo", "somebody@mail.example")
    assert answer.matches == []


async def test_steps_at_once_deal_once(strangers: Fleet) -> None:
    seen = [await agreed(strangers, *NAMES)]
    while not founded(strangers):
        before = list(seen)
        owed = await asyncio.gather(
            *(
                strangers[name].services.foundings.step(before, local=True)
                for name in NAMES
                for _ in range(3)
            )
        )
        for messages in owed:
            seen += [message for message in messages if message not in seen]

    assert len(seen) == 1 + 4 * len(NAMES)
    for name in NAMES:
        assert len(await strangers.audit(name, "federation.joined")) == 1


async def test_the_charters_signatures_are_given_again(strangers: Fleet) -> None:
    seen = [await agreed(strangers, *NAMES)]
    first = seen[0]
    while not founded(strangers):
        await go_round(strangers, seen, NAMES)
    owed = await strangers["a.demo"].services.foundings.step([first], local=True)
    stranger = for_another(first)

    assert [message.type for message in owed] == ["charter"] * 3
    with pytest.raises(WrongStateError):
        await strangers["a.demo"].services.foundings.step([stranger], local=True)
    with pytest.raises(WrongStateError):
        await proposal(strangers, *NAMES)


def for_another(signed: Signed) -> Signed:
    payload = signed.payload.replace(FEDERATION.encode(), b"other#1")
    return msgspec.structs.replace(signed, payload=payload)


async def test_a_founding_over_the_network_needs_an_open_door(
    strangers: Fleet,
) -> None:
    seen = [await agreed(strangers, *NAMES)]
    text = strangers.place("b.demo").config
    await strangers.stop("b.demo")
    await asyncio.to_thread(close_door, text)
    await strangers.start("b.demo")
    url = strangers["b.demo"].base.config.url
    socket = strangers.place("b.demo").socket
    async with (
        aiohttp.ClientSession() as network,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as local,
    ):
        with pytest.raises(PeerRefusedError) as caught:
            await send_founding(network, url, seen)
        owed = await send_founding(local, "http://localhost", seen)

    assert caught.value.status == 403
    assert [message.type for message in owed] == ["founding.announce"]
    with pytest.raises(ForbiddenError):
        await strangers["b.demo"].services.foundings.step(seen, local=False)


def close_door(path: Path) -> None:
    text = path.read_text()
    assert "open = true" in text
    path.write_text(text.replace("open = true", "open = false"))


async def test_a_proposal_needs_sound_cards_and_the_own_one(strangers: Fleet) -> None:
    foundings = strangers["a.demo"].services.foundings
    own = await foundings.card()
    other = await strangers["b.demo"].services.foundings.card()
    forged = msgspec.structs.replace(other, signature=own.signature)

    with pytest.raises(FoundingError):
        await foundings.propose(ProposalRequest(federation=FEDERATION, cards=[other]))
    with pytest.raises(UntrustedError):
        await foundings.propose(
            ProposalRequest(federation=FEDERATION, cards=[own, forged])
        )


@pytest.mark.parametrize(
    ("names", "threshold", "why"),
    [
        (NAMES, 1, "from 2 to 2 of 3"),
        (NAMES, 3, "from 2 to 2 of 3"),
        (NAMES[:2], None, "3 share holders"),
        (NAMES[:1], None, "3 share holders"),
    ],
)
async def test_nobody_proposes_what_may_not_be_founded(
    strangers: Fleet, names: Sequence[str], threshold: int | None, why: str
) -> None:
    with pytest.raises(FoundingError, match=why):
        await proposal(strangers, *names, threshold=threshold)


async def test_nobody_founds_with_a_member_that_writes_identifiers_otherwise(
    strangers: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {**await asyncio.to_thread(corpus_digests), "phone/1": bytes(32)}
    monkeypatch.setattr(founding, "corpus_digests", lambda: answers)
    await strangers["b.demo"].services.foundings.card()
    monkeypatch.undo()

    with pytest.raises(FoundingError, match=r"b\.demo .* phone/1"):
        await proposal(strangers, *NAMES)


async def test_exactly_one_proposal_is_needed(strangers: Fleet) -> None:
    foundings = strangers["a.demo"].services.foundings
    one = await proposal(strangers, *NAMES)
    two = await proposal(strangers, *NAMES, federation="demo#2")

    for messages in ([], [one, two]):
        with pytest.raises(FoundingError):
            await foundings.step(messages, local=True)


async def test_states_left_by_a_crash_after_the_end_are_destroyed(
    fleet: Fleet,
) -> None:
    await asyncio.to_thread(leave_state, fleet.place("a.demo").keys)
    await fleet.start("a.demo")

    assert states(fleet) == []


def leave_state(keys: Path) -> None:
    path = keys / "founding-0123456789abcdef-2.key"
    path.touch(mode=0o600)
    path.write_bytes(b"what was dealt")


async def test_keys_written_before_a_crash_are_used_after_it(
    strangers: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [await agreed(strangers, *NAMES)]

    async def fail(_act: object) -> None:
        raise NodeError("killed")

    while not strangers["b.demo"].base.situation.shared:
        await go_round(strangers, seen, ["b.demo", "c.demo"])
        monkeypatch.setattr(strangers["a.demo"].base.store, "write", fail)
        try:
            await go_round(strangers, seen, ["a.demo"])
        except NodeError:
            break
        monkeypatch.undo()
    monkeypatch.undo()
    await strangers.stop("a.demo")
    await strangers.start("a.demo")
    while not founded(strangers):
        await go_round(strangers, seen, NAMES)

    assert (await strangers.look_up("a.demo", "somebody@mail.example")).matches == []


async def test_a_new_member_hears_of_what_is_published_at_once(
    strangers: Fleet,
) -> None:
    await found(strangers, *NAMES)
    await strangers.covered()
    await strangers.publish("somebody@mail.example")

    async def heard() -> bool:
        answer = await strangers.look_up("c.demo", "somebody@mail.example")
        return bool(answer.matches)

    assert await eventually(heard)


async def test_a_failed_ceremony_stands_in_no_other_ones_way(strangers: Fleet) -> None:
    names = list(strangers.running)
    abandoned = await agreed(strangers, *names, federation="first#1")
    await strangers[names[0]].services.foundings.step([abandoned], local=True)

    await found(strangers, *names)

    assert all(strangers[name].base.situation.shared is not None for name in names)
    assert states(strangers) == []
