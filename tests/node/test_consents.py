# SPDX-License-Identifier: Apache-2.0
"""No share is made but for what the node's own operator has confirmed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.federation.conftest import key_of, keys_of
from tests.node.fleet import NAMES, OPERATOR, Fleet, confirm, copy_of, make
from tests.node.test_founding import agreed, go_round, proposal, states

from fedsafe_federation.card import Card, fingerprint, open_card, sign_card
from fedsafe_federation.consent import CONSENT_LIFE, HIDDEN
from fedsafe_federation.errors import FoundingError, PeerRefusedError
from fedsafe_federation.peer import send_founding
from fedsafe_federation.proposal import Proposal, sign_proposal
from fedsafe_federation.signed import Signed
from fedsafe_federation.wireformat import decode
from fedsafe_node.consents import MOST_OF_STRANGERS, MOST_TRIES, MOST_WAITING
from fedsafe_node.errors import BadRequestError, WrongStateError
from fedsafe_node.messages import ConfirmRequest, FoundingAnswer, WithdrawRequest

FOUR = (*NAMES, "d.demo")
LIFE = timedelta(seconds=CONSENT_LIFE)


@pytest.fixture(scope="module")
def unfounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make four nodes that belong to no federation, once; a test works on copies."""
    root = tmp_path_factory.mktemp("unfounded")
    asyncio.run(make(root, *FOUR))
    return root


@pytest.fixture
async def strangers(unfounded: Path, tmp_path: Path) -> AsyncIterator[Fleet]:
    """Start three of them."""
    fleet = await asyncio.to_thread(copy_of, unfounded, tmp_path / "s")
    await fleet.start(*NAMES)
    yield fleet
    await fleet.close()


def forged(card: Signed, key: str) -> Signed:
    """Make the card of a node's name and address, with keys of somebody else."""
    honest = open_card(card)
    keys = keys_of(f"{key}.{honest.name}")
    mine = msgspec.structs.replace(keys, statement=key_of(key, "statement").public)
    false = Card(
        v=1,
        name=honest.name,
        url=honest.url,
        jurisdiction=honest.jurisdiction,
        keys=mine,
        canonicalisers=honest.canonicalisers,
    )
    return sign_card(false, key_of(key, "statement"))


@dataclass(frozen=True)
class Stranger:
    """Somebody with access to the network, and to nothing else."""

    fleet: Fleet

    async def proposal(
        self, victim: str, *, number: int = 0, threshold: int = 2, days: int = 300
    ) -> Signed:
        """Propose a federation of a node and of two that are the stranger's own."""
        card = await self.fleet[victim].services.foundings.card()
        first, second = (forged_as(card, f"{n}{number}.demo") for n in ("x", "y"))
        return self.signed(
            [card, first, second],
            number=number,
            threshold=threshold,
            seconds=days * 86_400,
            by=first.signer,
        )

    def signed(
        self,
        cards: list[Signed],
        *,
        by: str,
        number: int = 0,
        threshold: int = 2,
        seconds: int = 300 * 86_400,
    ) -> Signed:
        """Sign a proposal with a key of the stranger's own."""
        base = self.fleet["a.demo"].base
        digest = bytes.fromhex(base.situation.policy.digest)
        now = base.office.now()
        terms = Proposal(
            v=1,
            federation=f"demo#{number + 1}",
            threshold=threshold,
            cards=cards,
            policy=msgspec.convert(
                {"name": base.situation.policy.name, "sha256": digest},
                Proposal.__annotations__["policy"],
            ),
            arrangement=msgspec.convert(
                {"name": "arrangement", "sha256": bytes(32)},
                Proposal.__annotations__["arrangement"],
            ),
            created=now,
            ends=now + seconds,
        )
        return sign_proposal(terms, convenor=by, key=key_of(by, "statement"))

    async def send(self, victim: str, message: Signed) -> PeerRefusedError:
        url = self.fleet[victim].base.config.url
        async with aiohttp.ClientSession() as session:
            with pytest.raises(PeerRefusedError) as caught:
                await send_founding(session, url, [message])
        return caught.value


def forged_as(card: Signed, name: str) -> Signed:
    """Make a card of the stranger's own, that answers as the node's does."""
    mine = Card(
        v=1,
        name=name,
        url="http://127.0.0.1:1",
        jurisdiction="DE",
        keys=keys_of(name),
        canonicalisers=open_card(card).canonicalisers,
    )
    return sign_card(mine, key_of(name, "statement"))


async def waiting(fleet: Fleet, name: str) -> list[FoundingAnswer]:
    return (await fleet[name].services.foundings.shown()).foundings


async def told(fleet: Fleet, name: str, event: str) -> list[dict[str, object]]:
    written = await fleet.audit(name, event)
    return [json.loads(each.openings["detail"]) for each in written]


async def test_a_stranger_gets_no_share_made(strangers: Fleet) -> None:
    stranger = Stranger(strangers)
    theirs = await stranger.proposal("a.demo")

    refused = await stranger.send("a.demo", theirs)
    again = await stranger.send("a.demo", theirs)

    assert (refused.status, again.status) == (409, 409)
    assert "founding_waits" in str(refused)
    assert states(strangers) == []
    (found,) = await waiting(strangers, "a.demo")
    assert (found.state, found.by) == ("waiting", theirs.signer)
    (event,) = await told(strangers, "a.demo", "founding.proposed")
    assert event["proposal"] == found.proposal
    for threshold, days in ((1, 300), (3, 300), (2, 367)):
        other = await stranger.proposal("a.demo", threshold=threshold, days=days)
        assert "founding_failed" in str(await stranger.send("a.demo", other))
        with pytest.raises(FoundingError):
            await strangers["a.demo"].services.foundings.review(other)
    assert len(await waiting(strangers, "a.demo")) == 1


async def test_strangers_fill_few_places_and_push_nobody_out(
    strangers: Fleet,
) -> None:
    stranger, foundings = Stranger(strangers), strangers["a.demo"].services.foundings
    own = await proposal(strangers, *NAMES)
    for number in range(1, MOST_OF_STRANGERS + 1):
        theirs = await stranger.proposal("a.demo", number=number)
        assert "founding_waits" in str(await stranger.send("a.demo", theirs))
    more = await stranger.proposal("a.demo", number=99)

    assert "founding_full" in str(await stranger.send("a.demo", more))
    assert len(await waiting(strangers, "a.demo")) == 1 + MOST_OF_STRANGERS
    junk = next(e for e in await waiting(strangers, "a.demo") if e.by != "a.demo")
    await foundings.withdraw(WithdrawRequest(proposal=junk.proposal), OPERATOR)
    assert "founding_waits" in str(await stranger.send("a.demo", more))
    for number in range(MOST_WAITING - 1):
        await proposal(strangers, *NAMES, federation=f"other#{number + 1}")
    now_here = await waiting(strangers, "a.demo")
    assert len(now_here) == MOST_WAITING
    assert {each.by for each in now_here} == {"a.demo"}
    with pytest.raises(WrongStateError, match="too many"):
        await proposal(strangers, *NAMES, federation="last#1")
    await confirm(strangers, "a.demo", own)
    strangers.clock.advance(LIFE)
    await foundings.review(more)
    assert [each.by for each in await waiting(strangers, "a.demo")] == [more.signer]


@dataclass(frozen=True)
class Swapped:
    """A founding by a.demo, that holds another card for b.demo, as c.demo sees it."""

    fleet: Fleet
    proposal: Signed

    @classmethod
    async def of(cls, fleet: Fleet, federation: str = "demo#1") -> "Swapped":
        a, b, c = [await fleet[n].services.foundings.card() for n in NAMES]
        mine, cards = await proposal(fleet, *NAMES), [a, forged(b, "mallory"), c]
        false = await changed(fleet, mine, "a.demo", cards=cards, federation=federation)
        return cls(fleet, false)

    async def seen(self) -> FoundingAnswer:
        return await self.fleet["c.demo"].services.foundings.review(self.proposal)

    async def typed(self) -> ConfirmRequest:
        """Type what each other member reads out from its own node."""
        seen, groups = await self.seen(), dict[str, list[str]]()
        for each in seen.members:
            if each.asked:
                card = await self.fleet[each.name].services.foundings.card()
                shown = fingerprint(card).split()
                groups[each.name] = [shown[at - 1] for at in each.asked]
        return ConfirmRequest(proposal=seen.proposal, groups=groups)


async def test_a_card_that_the_convenor_swapped_is_found_by_its_owners_voice(
    strangers: Fleet,
) -> None:
    swapped = await Swapped.of(strangers)
    foundings = strangers["c.demo"].services.foundings
    for _ in range(MOST_TRIES):
        with pytest.raises(BadRequestError, match=r"typed for b\.demo"):
            await foundings.confirm(await swapped.typed(), OPERATOR)

    with pytest.raises(WrongStateError, match="5 times"):
        await foundings.confirm(await swapped.typed(), OPERATOR)
    with pytest.raises(WrongStateError) as caught:
        await foundings.step([swapped.proposal], local=True)
    assert caught.value.code == "founding_refused"
    assert states(strangers) == []
    tried = await told(strangers, "c.demo", "founding.mismatch")
    assert [each["tries"] for each in tried] == list(range(1, MOST_TRIES + 1))
    assert {each["member"] for each in tried} == {"b.demo"}
    (event, *_) = await strangers.audit("c.demo", "founding.mismatch")
    assert '"olaf"' in event.text or "olaf" in event.openings["actor"].decode()


async def test_no_screen_shows_the_groups_that_are_asked_for(
    strangers: Fleet,
) -> None:
    swapped = await Swapped.of(strangers)
    seen = await swapped.seen()
    (card,) = [
        card
        for card in decode(swapped.proposal.payload, Proposal).cards
        if card.signer == "b.demo"
    ]
    groups = fingerprint(card).split()
    (member,) = [each for each in seen.members if each.name == "b.demo"]
    shown = member.fingerprint.split()
    said = [msgspec.json.encode(seen).decode()]
    with pytest.raises(BadRequestError) as wrong:
        await strangers["c.demo"].services.foundings.confirm(
            await swapped.typed(), OPERATOR
        )
    said += [str(wrong.value), *(e.text for e in await strangers.audit("c.demo"))]

    assert len(member.asked) == len(set(member.asked)) == 2
    for at, group in enumerate(groups, start=1):
        assert shown[at - 1] == (HIDDEN if at in member.asked else group)
    for at in member.asked:
        assert not any(groups[at - 1] in each.split('"') for each in said)
    (own,) = [each for each in seen.members if each.name == "c.demo"]
    assert own.fingerprint == fingerprint(
        await strangers["c.demo"].services.foundings.card()
    )


async def test_nobody_has_other_groups_drawn_by_asking_again(
    strangers: Fleet,
) -> None:
    first = await Swapped.of(strangers)
    asked = [each.asked for each in (await first.seen()).members]
    await strangers["c.demo"].services.foundings.withdraw(
        WithdrawRequest(proposal=(await first.seen()).proposal), OPERATOR
    )
    for number in range(5):
        again = await Swapped.of(strangers, f"again#{number + 1}")
        assert [each.asked for each in (await again.seen()).members] == asked


async def test_nothing_but_the_groups_confirms(strangers: Fleet) -> None:
    mine = await proposal(strangers, *NAMES)
    foundings = strangers["c.demo"].services.foundings
    seen = await foundings.review(mine)
    typed: list[dict[str, list[str]]] = [
        {},
        {"a.demo": ["0000", "0000"]},
        {"a.demo": ["", ""], "b.demo": ["", ""]},
        {"a.demo": ["0000", "0000"], "b.demo": ["0000", "0000"]},
        {"a.demo": [HIDDEN, HIDDEN], "b.demo": [HIDDEN, HIDDEN]},
    ]

    for groups in typed:
        request = ConfirmRequest(proposal=seen.proposal, groups=groups)
        with pytest.raises(BadRequestError):
            await foundings.confirm(request, OPERATOR)
    with pytest.raises(WrongStateError, match="waits for its operator"):
        await foundings.step([mine], local=True)


async def changed(fleet: Fleet, mine: Signed, by: str, **terms: object) -> Signed:
    """Sign a proposal with other terms, as a member of it."""
    said = msgspec.structs.replace(decode(mine.payload, Proposal), **terms)
    key = fleet[by].base.keys.statement
    return sign_proposal(said, convenor=by, key=key)


async def test_no_member_changes_what_was_confirmed(strangers: Fleet) -> None:
    mine = await agreed(strangers, *NAMES)
    terms = decode(mine.payload, Proposal)
    cards = list(terms.cards)
    fourth = forged_as(cards[0], "d.demo")
    changes: list[dict[str, object]] = [
        {"cards": [*cards, fourth]},
        {"cards": [*cards[:2], fourth]},
        {"cards": [*cards, fourth], "threshold": 3},
        {"ends": terms.ends + 1},
        {"created": terms.created - 1},
        {"federation": "other#1"},
        {"arrangement": terms.policy},
    ]
    others = [await changed(strangers, mine, "a.demo", **each) for each in changes]
    others.append(await changed(strangers, mine, "b.demo"))  # another convenor

    for other in others:
        names = [each.signer for each in decode(other.payload, Proposal).cards]
        victim = "c.demo" if "c.demo" in names else "b.demo"
        with pytest.raises(WrongStateError, match="waits for its operator"):
            await strangers[victim].services.foundings.step([other], local=True)
    assert states(strangers) == []


async def test_after_a_veto_nobody_types_again(strangers: Fleet) -> None:
    await strangers.start("d.demo")
    mine = await proposal(strangers, *FOUR, threshold=2)
    for name in NAMES:
        await confirm(strangers, name, mine)
    dora = strangers["d.demo"].services.foundings
    seen = await dora.review(mine)
    await dora.withdraw(WithdrawRequest(proposal=seen.proposal), OPERATOR)
    with pytest.raises(WrongStateError) as caught:
        await dora.step([mine], local=False)
    assert caught.value.code == "founding_refused"
    assert len(await told(strangers, "d.demo", "founding.refused")) == 1

    strangers.clock.advance(timedelta(days=2))
    fewer = await proposal(strangers, *NAMES)
    seen_by_all = [fewer]
    while not all(strangers[name].base.situation.shared for name in NAMES):
        await go_round(strangers, seen_by_all, NAMES)

    before, after = (decode(each.payload, Proposal) for each in (mine, fewer))
    assert (after.created, after.ends) == (before.created, before.ends)
    assert after.threshold == 2
    for name in NAMES:
        first, second = await told(strangers, name, "founding.confirmed")
        assert second["covered"] == first["proposal"]


async def test_who_refuses_fewer_members_is_not_asked_into_them_again(
    strangers: Fleet,
) -> None:
    await strangers.start("d.demo")
    mine = await proposal(strangers, *FOUR, threshold=2)
    await confirm(strangers, "b.demo", mine)
    fewer = await changed(
        strangers, mine, "a.demo", cards=decode(mine.payload, Proposal).cards[:3]
    )
    foundings = strangers["b.demo"].services.foundings
    seen = await foundings.review(fewer)
    await foundings.withdraw(WithdrawRequest(proposal=seen.proposal), OPERATOR)
    for number in range(MOST_WAITING - 2):
        await proposal_at(strangers, "b.demo", number)
    with pytest.raises(WrongStateError, match="too many"):
        await proposal_at(strangers, "b.demo", MOST_WAITING)

    with pytest.raises(WrongStateError) as caught:
        await foundings.step([fewer], local=False)
    assert caught.value.code == "founding_refused"
    assert states(strangers) == []


async def proposal_at(fleet: Fleet, name: str, number: int) -> Signed:
    names = [name, *(each for each in NAMES if each != name)]
    return await proposal(fleet, *names, federation=f"other#{number + 1}")


async def test_fewer_members_than_the_threshold_needs_are_asked_anew(
    strangers: Fleet,
) -> None:
    await strangers.start("d.demo")
    mine = await agreed(strangers, *FOUR)  # three of four
    fewer = await proposal(strangers, *NAMES)

    assert decode(mine.payload, Proposal).threshold == 3
    assert decode(fewer.payload, Proposal).threshold == 2
    with pytest.raises(WrongStateError, match="waits for its operator"):
        await strangers["b.demo"].services.foundings.step([fewer], local=True)


async def test_the_same_is_proposed_once(strangers: Fleet) -> None:
    first = await proposal(strangers, *NAMES)
    strangers.clock.advance(timedelta(hours=1))

    assert await proposal(strangers, *NAMES) == first
    assert await proposal(strangers, *NAMES, federation="other#1") != first
    assert len(await told(strangers, "a.demo", "founding.proposed")) == 2


async def test_consent_ends_after_a_week(strangers: Fleet) -> None:
    mine = await agreed(strangers, *NAMES)
    foundings = strangers["b.demo"].services.foundings
    strangers.clock.advance(LIFE)

    with pytest.raises(WrongStateError, match="waits for its operator"):
        await foundings.step([mine], local=True)
    with pytest.raises(WrongStateError, match="not of this week"):
        await confirm(strangers, "b.demo", mine)
    assert states(strangers) == []


async def test_consent_is_taken_back_until_the_share_is_made(
    strangers: Fleet,
) -> None:
    mine = await agreed(strangers, *NAMES)
    seen = [mine]
    await go_round(strangers, seen, ["a.demo"])
    foundings = strangers["a.demo"].services.foundings
    [found] = await waiting(strangers, "a.demo")
    withdraw = WithdrawRequest(proposal=found.proposal)

    assert (await foundings.withdraw(withdraw, OPERATOR)).state == "refused"
    with pytest.raises(WrongStateError) as refused:
        await foundings.step(seen, local=True)
    assert refused.value.code == "founding_refused"
    await confirm(strangers, "a.demo", mine)
    for _ in range(2):
        await go_round(strangers, seen, NAMES)
    with pytest.raises(WrongStateError) as made:
        await foundings.withdraw(withdraw, OPERATOR)
    assert made.value.code == "share_made"
    strangers.clock.advance(LIFE)  # what is under way ends, whenever the others come
    while not all(strangers[name].base.situation.shared for name in NAMES):
        await go_round(strangers, seen, NAMES)
    with pytest.raises(WrongStateError, match="belongs to a federation"):
        await foundings.withdraw(withdraw, OPERATOR)
    assert await waiting(strangers, "a.demo") == []


async def test_a_consent_outlives_a_node_that_dies(strangers: Fleet) -> None:
    seen = [await agreed(strangers, *NAMES)]
    await strangers.stop("b.demo")
    await strangers.start("b.demo")

    await go_round(strangers, seen, NAMES)
    said = {each.signer for each in seen if each.type == "founding.announce"}
    assert said == set(NAMES)
