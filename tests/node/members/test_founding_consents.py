# SPDX-License-Identifier: Apache-2.0
"""No share is made but for what the node's own operator has confirmed."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.support.ceremony_rounds import go_round, states
from tests.support.fleet import FEDERATION, NAMES, OPERATOR, Fleet, copy_of, make
from tests.support.members import key_of, keys_of

from fedsafe_federation.charter.card import Card, fingerprint, open_card, sign_card
from fedsafe_federation.charter.consent import CONSENT_LIFE, HIDDEN
from fedsafe_federation.charter.proposal import PROPOSAL, Proposal, sign_proposal
from fedsafe_federation.errors import FoundingError, PeerRefusedError
from fedsafe_federation.exchange.peer import send_founding
from fedsafe_federation.wire.signed import Signed, sign_payload
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.bodies import (
    ConfirmRequest,
    FoundingAnswer,
    ProposalRequest,
    WithdrawRequest,
)
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.members.founding_consents import (
    MOST_COVERED,
    MOST_OF_STRANGERS,
    MOST_TRIES,
    MOST_WAITING,
    forget_foundings,
)

FOUR = (*NAMES, "d.demo")
LIFE = timedelta(seconds=CONSENT_LIFE)


@dataclass
class Strangers(Fleet):
    """Nodes that belong to no federation; of those that do not run the cards are known.

    A test names those that it wants to run with `running`, by default all three.
    """

    cards: dict[str, Signed] = field(default_factory=dict)


def running(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("strangers", [names], indirect=True, ids=["few"])


@pytest.fixture(scope="module")
def unfounded(tmp_path_factory: pytest.TempPathFactory) -> Strangers:
    """Make four nodes that belong to no federation, once; a test works on copies."""
    fleet = Strangers(tmp_path_factory.mktemp("unfounded"))

    async def make_all() -> None:
        await make(fleet.root, *FOUR)
        await fleet.start(*FOUR)
        for name in FOUR:
            fleet.cards[name] = await fleet[name].services.foundings.card()
        await fleet.close()

    asyncio.run(make_all())
    return fleet


@pytest.fixture
async def strangers(
    unfounded: Strangers, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Strangers]:
    """Start some of them."""
    copy = await asyncio.to_thread(copy_of, unfounded.root, tmp_path / "s")
    fleet = Strangers(copy.root, clock=copy.clock, cards=unfounded.cards)
    await fleet.start(*getattr(request, "param", NAMES))
    yield fleet
    await fleet.close()


async def proposal(
    fleet: Strangers,
    *names: str,
    federation: str = FEDERATION,
    threshold: int | None = None,
) -> Signed:
    """Propose a founding, as the first of them."""
    cards = [fleet.cards[name] for name in names]
    request = ProposalRequest(federation=federation, cards=cards, threshold=threshold)
    return await fleet[names[0]].services.foundings.propose(request)


async def agreed(fleet: Strangers, *names: str, threshold: int | None = None) -> Signed:
    """Propose a founding that all of them confirm that run."""
    found = await proposal(fleet, *names, threshold=threshold)
    for name in fleet.running:
        await consent(fleet, name, found)
    return found


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

    fleet: Strangers

    async def proposal(
        self, victim: str, *, number: int = 0, threshold: int = 2, days: int = 300
    ) -> Signed:
        """Propose a federation of a node and of two that are the stranger's own."""
        card = self.fleet.cards[victim]
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


def forged_as(card: Signed, name: str, url: str = "http://127.0.0.1:1") -> Signed:
    """Make a card of the stranger's own, that answers as the node's does."""
    mine = Card(
        v=1,
        name=name,
        url=url,
        jurisdiction="DE",
        keys=keys_of(name),
        canonicalisers=open_card(card).canonicalisers,
    )
    return sign_card(mine, key_of(name, "statement"))


async def waiting(fleet: Strangers, name: str) -> list[FoundingAnswer]:
    return (await fleet[name].services.foundings.shown()).foundings


async def told(fleet: Strangers, name: str, event: str) -> list[dict[str, object]]:
    written = await fleet.audit(name, event)
    return [json.loads(each.openings["detail"]) for each in written]


@running("a.demo")
async def test_a_stranger_gets_no_share_made(strangers: Strangers) -> None:
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


@running("a.demo")
async def test_strangers_fill_few_places_and_push_nobody_out(
    strangers: Strangers,
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
    await consent(strangers, "a.demo", own)
    strangers.clock.advance(LIFE)
    await foundings.review(more)
    assert [each.by for each in await waiting(strangers, "a.demo")] == [more.signer]


@dataclass(frozen=True)
class Swapped:
    """A founding by a.demo, that holds another card for b.demo, as c.demo sees it."""

    fleet: Strangers
    proposal: Signed

    @classmethod
    async def of(cls, fleet: Strangers, federation: str = "demo#1") -> "Swapped":
        a, b, c = [fleet.cards[name] for name in NAMES]
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
                card = self.fleet.cards[each.name]
                shown = fingerprint(card).split()
                groups[each.name] = [shown[at - 1] for at in each.asked]
        return ConfirmRequest(proposal=seen.proposal, groups=groups)


@running("a.demo", "c.demo")
async def test_a_card_that_the_convenor_swapped_is_found_by_its_owners_voice(
    strangers: Strangers,
) -> None:
    swapped = await Swapped.of(strangers)
    foundings = strangers["c.demo"].services.foundings
    for left in reversed(range(MOST_TRIES)):
        with pytest.raises(BadRequestError, match=r"typed for b\.demo") as wrong:
            await foundings.confirm(await swapped.typed(), OPERATOR)
        assert str(wrong.value).endswith(f"tries left: {left}")
        assert (await swapped.seen()).tries_left == left

    with pytest.raises(WrongStateError, match="5 times") as spent:
        await foundings.confirm(await swapped.typed(), OPERATOR)
    assert spent.value.code == "founding_spent"
    with pytest.raises(WrongStateError) as caught:
        await foundings.step([swapped.proposal], local=True)
    assert caught.value.code == "founding_spent"
    assert states(strangers) == []
    tried = await told(strangers, "c.demo", "founding.mismatch")
    assert [each["tries"] for each in tried] == list(range(1, MOST_TRIES + 1))
    assert {each["member"] for each in tried} == {"b.demo"}
    (event, *_) = await strangers.audit("c.demo", "founding.mismatch")
    assert '"olaf"' in event.text or "olaf" in event.openings["actor"].decode()


@running("a.demo", "c.demo")
async def test_no_screen_shows_the_groups_that_are_asked_for(
    strangers: Strangers,
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
    assert own.fingerprint == fingerprint(strangers.cards["c.demo"])


@running("a.demo", "c.demo")
async def test_nobody_has_other_groups_drawn_by_asking_again(
    strangers: Strangers,
) -> None:
    first = await Swapped.of(strangers)
    asked = [each.asked for each in (await first.seen()).members]
    await strangers["c.demo"].services.foundings.withdraw(
        WithdrawRequest(proposal=(await first.seen()).proposal), OPERATOR
    )
    for number in range(5):
        again = await Swapped.of(strangers, f"again#{number + 1}")
        assert [each.asked for each in (await again.seen()).members] == asked


@running("a.demo", "c.demo")
async def test_nothing_but_the_groups_confirms(strangers: Strangers) -> None:
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


async def changed(fleet: Strangers, mine: Signed, by: str, **terms: object) -> Signed:
    """Sign a proposal with other terms, as a member of it."""
    said = msgspec.structs.replace(decode(mine.payload, Proposal), **terms)
    key = fleet[by].base.keys.statement
    return sign_proposal(said, convenor=by, key=key)


async def test_no_member_changes_what_was_confirmed(strangers: Strangers) -> None:
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


async def test_after_a_veto_nobody_types_again(strangers: Strangers) -> None:
    await strangers.start("d.demo")
    mine = await proposal(strangers, *FOUR, threshold=2)
    for name in NAMES:
        await consent(strangers, name, mine)
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


@running("a.demo", "b.demo")
async def test_who_refuses_fewer_members_is_not_asked_into_them_again(
    strangers: Strangers,
) -> None:
    mine = await proposal(strangers, *FOUR, threshold=2)
    await consent(strangers, "b.demo", mine)
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


async def proposal_at(fleet: Strangers, name: str, number: int) -> Signed:
    names = [name, *(each for each in NAMES if each != name)]
    return await proposal(fleet, *names, federation=f"other#{number + 1}")


@running("a.demo", "b.demo")
async def test_fewer_members_than_the_threshold_needs_are_asked_anew(
    strangers: Strangers,
) -> None:
    mine = await agreed(strangers, *FOUR)  # three of four
    fewer = await proposal(strangers, *NAMES)

    assert decode(mine.payload, Proposal).threshold == 3
    assert decode(fewer.payload, Proposal).threshold == 2
    with pytest.raises(WrongStateError, match="waits for its operator"):
        await strangers["b.demo"].services.foundings.step([fewer], local=True)


@running("a.demo")
async def test_the_same_is_proposed_once(strangers: Strangers) -> None:
    first = await proposal(strangers, *NAMES)
    strangers.clock.advance(timedelta(hours=1))

    assert await proposal(strangers, *NAMES) == first
    assert await proposal(strangers, *NAMES, federation="other#1") != first
    assert len(await told(strangers, "a.demo", "founding.proposed")) == 2


@running("a.demo", "b.demo")
async def test_consent_ends_after_a_week(strangers: Strangers) -> None:
    mine = await agreed(strangers, *NAMES)
    foundings = strangers["b.demo"].services.foundings
    strangers.clock.advance(LIFE)

    with pytest.raises(WrongStateError, match="not of this week"):
        await foundings.step([mine], local=True)
    with pytest.raises(WrongStateError, match="not of this week"):
        await consent(strangers, "b.demo", mine)
    assert states(strangers) == []


async def test_consent_is_taken_back_until_the_share_is_made(
    strangers: Strangers,
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
    await consent(strangers, "a.demo", mine)
    for _ in range(2):
        await go_round(strangers, seen, NAMES)
    with pytest.raises(WrongStateError) as made:
        await foundings.withdraw(withdraw, OPERATOR)
    assert made.value.code == "share_made"
    strangers.clock.advance(LIFE)  # what is under way ends, whenever the others come
    while not all(strangers[name].base.situation.shared for name in NAMES):
        await go_round(strangers, seen, NAMES)
    with pytest.raises(WrongStateError, match="can only leave"):
        await foundings.withdraw(withdraw, OPERATOR)
    assert await waiting(strangers, "a.demo") == []


@running("a.demo", "b.demo")
async def test_a_consent_outlives_a_node_that_dies(strangers: Strangers) -> None:
    seen = [await agreed(strangers, *NAMES)]
    await strangers.stop("b.demo")
    await strangers.start("b.demo")

    await go_round(strangers, seen, [*strangers.running])
    said = {each.signer for each in seen if each.type == "founding.announce"}
    assert said == {"a.demo", "b.demo"}


async def with_strangers(fleet: Strangers, *names: str) -> Signed:
    """Propose a founding of the three, and of some that do not run."""
    mine = await proposal(fleet, *NAMES)
    cards = decode(mine.payload, Proposal).cards
    more = [forged_as(cards[0], name) for name in names]
    return await changed(fleet, mine, "a.demo", cards=[*cards, *more])


async def consent(fleet: Strangers, name: str, proposed: Signed) -> FoundingAnswer:
    """Confirm a founding by the cards that are in it, as if each had been read out."""
    foundings = fleet[name].services.foundings
    seen = await foundings.review(proposed)
    cards = decode(proposed.payload, Proposal).cards
    groups = {card.signer: fingerprint(card).split() for card in cards}
    typed = {
        each.name: [groups[each.name][at - 1] for at in each.asked]
        for each in seen.members
        if each.asked
    }
    request = ConfirmRequest(proposal=seen.proposal, groups=typed)
    return await foundings.confirm(request, OPERATOR)


async def of(fleet: Strangers, big: Signed, *names: str) -> Signed:
    """Propose the same to some of its members, as a.demo."""
    cards = {card.signer: card for card in decode(big.payload, Proposal).cards}
    return await changed(fleet, big, "a.demo", cards=[cards[name] for name in names])


def written_otherwise(fleet: Strangers, proposed: Signed, spaces: int = 1) -> Signed:
    """Sign what a proposal says with more spaces in its JSON."""
    terms = decode(proposed.payload, Proposal)
    payload = proposed.payload.replace(b'"v":1', b'"v":' + b" " * spaces + b"1")
    key = fleet["a.demo"].base.keys.statement
    return sign_payload(
        payload, type_=PROPOSAL, signer="a.demo", key=key, federation=terms.federation
    )


async def refused_with(fleet: Strangers, name: str, proposed: Signed) -> str:
    with pytest.raises(WrongStateError) as caught:
        await fleet[name].services.foundings.step([proposed], local=False)
    return caught.value.code


async def withdraw(fleet: Strangers, name: str, proposed: Signed) -> FoundingAnswer:
    foundings = fleet[name].services.foundings
    seen = await foundings.review(proposed)
    return await foundings.withdraw(WithdrawRequest(proposal=seen.proposal), OPERATOR)


@running("a.demo", "c.demo")
async def test_a_refused_founding_does_not_come_back_in_other_bytes(
    strangers: Strangers,
) -> None:
    big = await with_strangers(strangers, "d.demo", "e.demo")
    await consent(strangers, "c.demo", big)
    fewer = await of(strangers, big, *FOUR)
    await withdraw(strangers, "c.demo", fewer)
    shuffled = await of(strangers, big, *reversed(FOUR))
    spaced = written_otherwise(strangers, fewer)

    for again in (fewer, shuffled, spaced):
        assert await refused_with(strangers, "c.demo", again) == "founding_refused"
    fewest = await of(strangers, big, *NAMES)  # of whom he has refused more
    assert await refused_with(strangers, "c.demo", fewest) == "founding_waits"
    assert states(strangers) == []
    other = await of(strangers, big, *NAMES, "e.demo")
    owed = await strangers["c.demo"].services.foundings.step([other], local=False)
    assert [each.type for each in owed] == ["founding.announce"]


@running("a.demo", "c.demo")
async def test_one_founding_fills_few_places(strangers: Strangers) -> None:
    names = [f"{letter}.demo" for letter in "defgh"]
    big = await with_strangers(strangers, *names)
    foundings = strangers["c.demo"].services.foundings
    await consent(strangers, "c.demo", big)
    for spaces in range(1, MOST_WAITING + 1):
        again = written_otherwise(strangers, big, spaces)
        with pytest.raises(FoundingError, match="written otherwise"):
            await foundings.step([again], local=False)
        with pytest.raises(FoundingError, match="written otherwise"):
            await foundings.review(again)
    fewer = [await of(strangers, big, *NAMES, name) for name in names]
    for each in fewer[:MOST_COVERED]:
        await foundings.step([each], local=False)

    assert await refused_with(strangers, "c.demo", fewer[-1]) == "founding_full"
    assert len(await waiting(strangers, "c.demo")) == 1 + MOST_COVERED
    for number in range(MOST_WAITING - 1):
        await proposal_at(strangers, "c.demo", number)
    assert len(await waiting(strangers, "c.demo")) == MOST_WAITING
    assert {each.by for each in await waiting(strangers, "c.demo")} == {
        "a.demo",
        "c.demo",
    }


async def test_consent_ends_for_what_is_not_dealt(
    strangers: Strangers,
) -> None:
    big = await with_strangers(strangers, "d.demo")
    for name in NAMES:
        await consent(strangers, name, big)
    three, other = [
        await of(strangers, big, *names) for names in (NAMES, ("a.demo", *FOUR[2:]))
    ]
    seen = [three]
    for _ in range(2):
        await go_round(strangers, seen, NAMES)

    assert (await withdraw(strangers, "c.demo", big)).state == "refused"
    assert await refused_with(strangers, "c.demo", other) == "founding_waits"
    shown = {each.proposal: each for each in await waiting(strangers, "c.demo")}
    assert sorted(each.state for each in shown.values()) == [
        "dealt",
        "refused",
        "waiting",
    ]
    with pytest.raises(WrongStateError) as made:
        await withdraw(strangers, "c.demo", three)
    assert made.value.code == "share_made"
    while not all(strangers[name].base.situation.shared for name in NAMES):
        await go_round(strangers, seen, NAMES)


async def test_what_is_dealt_stays_and_covers_no_fewer(
    strangers: Strangers,
) -> None:
    await strangers.start("d.demo")
    big = await agreed(strangers, *FOUR, threshold=2)
    seen = [big]
    for _ in range(2):
        await go_round(strangers, seen, FOUR)
    fewer = await of(strangers, big, *NAMES)

    assert (await withdraw(strangers, "c.demo", big)).state == "dealt"
    assert await refused_with(strangers, "c.demo", fewer) == "founding_waits"
    event = (await told(strangers, "c.demo", "founding.refused"))[-1]
    assert event["share_made"] is True
    await withdraw(strangers, "c.demo", fewer)
    with pytest.raises(WrongStateError) as made:
        await withdraw(strangers, "c.demo", big)
    assert made.value.code == "share_made"
    while not all(strangers[name].base.situation.shared for name in FOUR):
        await go_round(strangers, seen, FOUR)


async def test_a_share_without_a_consent_that_is_kept_is_none(
    strangers: Strangers,
) -> None:
    mine = await agreed(strangers, *NAMES)
    seen = [mine]
    for _ in range(2):
        await go_round(strangers, seen, NAMES)
    made = states(strangers)
    await strangers["b.demo"].base.store.write(forget_foundings)  # as it was before

    assert await refused_with(strangers, "b.demo", mine) == "founding_waits"
    (found,) = await waiting(strangers, "b.demo")
    assert found.state == "waiting"
    await consent(strangers, "b.demo", mine)
    assert states(strangers) == made
    strangers.clock.advance(LIFE)
    for number in range(MOST_WAITING):  # places are not lost to what is dealt
        await proposal_at(strangers, "b.demo", number)
    while not all(strangers[name].base.situation.shared for name in NAMES):
        await go_round(strangers, seen, NAMES)


@running("a.demo", "c.demo")
async def test_what_nobody_can_confirm_any_more_is_proposed_anew(
    strangers: Strangers,
) -> None:
    foundings = strangers["a.demo"].services.foundings
    cards = [strangers.cards[name] for name in NAMES]
    request = ProposalRequest(federation="demo#1", cards=cards)
    first = await foundings.propose(request)
    anew = await foundings.propose(msgspec.structs.replace(request, anew=True))
    await withdraw(strangers, "a.demo", anew)
    await withdraw(strangers, "a.demo", first)
    third = await foundings.propose(request)
    strangers.clock.advance(LIFE)
    last = await foundings.propose(request)

    found = [decode(each.payload, Proposal) for each in (first, anew, third, last)]
    assert len({each.created for each in found}) == 4
    assert found[-1].created == strangers["a.demo"].base.office.now()
    await consent(strangers, "c.demo", last)
    assert await foundings.propose(request) == last


async def test_what_is_dealt_for_is_not_proposed_anew(strangers: Strangers) -> None:
    mine = await agreed(strangers, *NAMES)
    seen = [mine]
    for _ in range(2):
        await go_round(strangers, seen, NAMES)
    strangers.clock.advance(LIFE)

    assert await proposal(strangers, *NAMES) == mine


@running("a.demo", "c.demo")
async def test_a_policy_has_the_name_that_its_text_has(strangers: Strangers) -> None:
    mine = await proposal(strangers, *NAMES)
    policy = decode(mine.payload, Proposal).policy
    foundings = strangers["c.demo"].services.foundings

    async def named(name: str, what: str = "policy") -> Signed:
        text = msgspec.structs.replace(policy, name=name)
        return await changed(strangers, mine, "a.demo", **{what: text})

    for name in ("x\nthreshold    1 of 9", "syn\u202ecitehtn", "\x1b[2J", "a\u200b"):
        for what in ("policy", "arrangement"):
            with pytest.raises(FoundingError, match="control character"):
                await foundings.review(await named(name, what))
    for name in ("strict", "synthetic 0000", ""):
        with pytest.raises(FoundingError, match="otherwise than the text"):
            await consent(strangers, "c.demo", await named(name))
    assert states(strangers) == []


@running("a.demo", "c.demo")
async def test_who_reviews_is_told_what_follows(strangers: Strangers) -> None:
    mine = await proposal(strangers, *NAMES)
    cards = decode(mine.payload, Proposal).cards
    more = [
        forged_as(cards[0], "d.demo", "https://10.0.0.8"),
        forged_as(cards[0], "e.demo", "https://d.example"),
    ]
    big = await changed(strangers, mine, "a.demo", cards=[*cards, *more])
    seen = await strangers["c.demo"].services.foundings.review(big)
    small = await strangers["c.demo"].services.foundings.review(mine)

    assert [each.inside for each in seen.members] == [False] * 3 + [True, False]
    assert (seen.quorum, seen.fewest) == (3, 3)
    assert (small.quorum, small.fewest) == (2, None)
