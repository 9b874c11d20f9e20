# SPDX-License-Identifier: Apache-2.0
"""A fourth provider joins three by an invitation, over sockets."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.charter_changes import NEW, OLAF, four, invitation
from tests.support.council import (
    agree,
    at_version,
    hear,
    propose,
    show,
    vote,
)
from tests.support.fleet import NAMES, Fleet, eventually, make
from tests.support.members import key_of, signed_card

from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.card import open_card, sign_card
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.invitation import Invitation, sign_joining
from fedsafe_federation.errors import AmendmentError, PeerError
from fedsafe_federation.identifiers.corpus import corpus_digests
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.charter import KnockRequest
from fedsafe_node.acts.lookup import Result
from fedsafe_node.acts.trials import TrialsQuery
from fedsafe_node.ground import networks
from fedsafe_node.ground.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.keys.own_keys import MediaKeys, load_media_keys
from fedsafe_node.members.charter import join as joining_room
from fedsafe_node.members.charter.invitations import MOST
from fedsafe_node.members.charter.media_keys import opened_media, sealed_media
from fedsafe_node.review.trial_service import tend_trials
from fedsafe_policies.vocabulary import Scope

__all__ = ["four"]

PERSON = "somebody@mail.example"


async def admit(fleet: Fleet, by: str = "a.demo") -> bytes:
    """Let a member propose whoever has come."""
    services = fleet[by].services
    present = await fleet[by]._made.ballot.present()  # noqa: SLF001
    assert present is not None
    card = await services.admitting.card_of(NEW)
    change = Change(kind=ChangeKind.JOIN, member=NEW)
    now = int(fleet.clock.now().timestamp())
    charter = amended(present.version, change, now=now, card=card)
    return await vote(fleet, by, encode(charter))


async def join(fleet: Fleet) -> None:
    joining = fleet[NEW].services.joining
    answer = await joining.join(await invitation(fleet))
    assert not answer.joined
    proposal = await admit(fleet)
    await joining.run()
    await agree(fleet, proposal, "b.demo", "c.demo")
    await at_version(fleet, 2, *NAMES)
    await joining.run()
    await at_version(fleet, 2, NEW)


async def test_a_fourth_joins_and_looks_up_and_publishes_without_a_share(
    four: Fleet,
) -> None:
    await four.publish(PERSON, at="a.demo", by=("b.demo", "c.demo"))
    await four.publish("2" * 64, Kind.SHA256, at="a.demo", by=("b.demo",))
    await join(four)
    await four.attested()
    await four.covered()

    async def matches(name: str, value: str, kind: Kind = Kind.EMAIL) -> int:
        return len((await four.look_up(name, value, kind)).matches)

    async def reached() -> bool:
        return await matches(NEW, PERSON) == 1

    await eventually(reached)
    assert await matches(NEW, "2" * 64, Kind.SHA256) == 1
    assert (await four.look_up(NEW, "x@mail.example")).result is Result.NONE
    await four.publish("new@mail.example", at=NEW, by=("a.demo", "b.demo"))
    await four.publish("3" * 64, Kind.SHA256, at=NEW, by=("a.demo",))
    # What a newcomer lists has no effect yet; what founding members list has.
    on_trial = [
        await four.look_up("a.demo", "new@mail.example"),
        await four.look_up("a.demo", "3" * 64, Kind.SHA256),
    ]
    assert [each.matches for each in on_trial] == [[], []]
    assert [[one.origin for one in each.on_trial or ()] for each in on_trial] == [
        [NEW],
        [NEW],
    ]
    await tend_trials(four["b.demo"].reviews)
    for name, count in (("a.demo", 2), ("b.demo", 0)):
        (trial,) = (await four[name].services.trials.list(TrialsQuery(), RITA)).trials
        assert (trial.origin, trial.cause, trial.matches) == (NEW, "new_origin", count)
    assert (await four[NEW].services.trials.list(TrialsQuery(), RITA)).trials == []
    (event,) = await four.audit(NEW, "federation.joined")
    assert '"members":4' in event.text
    member = (await show(four, "b.demo")).members[3]
    assert (member.name, member.index, member.holder) == (NEW, 4, False)
    await four.stop(NEW)
    await four.start(NEW)
    await four.covered()
    assert await matches(NEW, PERSON) == 1


async def test_whoever_comes_is_shown_until_it_is_a_member(four: Fleet) -> None:
    text = await invitation(four)
    await four[NEW].services.joining.join(text)
    shown = (await show(four, "a.demo")).joining
    await four[NEW].services.joining.join(text)

    assert [each.name for each in shown] == [NEW]
    assert len(shown[0].fingerprint.split()) == 8
    assert len(await four.audit("a.demo", "federation.asked")) == 1
    assert (await show(four, "b.demo")).joining == []
    secret = Invitation.parse(text).secret
    files = [path for path in four.root.rglob("*") if path.is_file()]
    assert not any(secret in path.read_bytes() for path in files)


async def test_an_invitation_binds_the_first_card_and_ends(four: Fleet) -> None:
    await make(four.root, "e.demo")
    await four.start("e.demo")
    text = await invitation(four)
    await four[NEW].services.joining.join(text)
    with pytest.raises(BadRequestError, match="was used already") as used:
        await four["e.demo"].services.joining.join(text)
    assert used.value.code == "bad_invitation"
    store = four["e.demo"].base.store  # nothing goes on asking with it
    assert not await store.read(lambda reader: reader.document("joining"))
    with pytest.raises(NotFoundError):
        await four["a.demo"].services.admitting.card_of("e.demo")
    short = await invitation(four, hours=1)
    four.clock.moment = four.clock.moment.replace(hour=14)
    with pytest.raises(BadRequestError) as over:
        await four["e.demo"].services.joining.join(short)

    assert over.value.code == "bad_invitation"


async def test_who_signs_sees_that_a_newcomers_address_leads_inside(
    four: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await four[NEW].services.joining.join(await invitation(four))
    await admit(four)
    before = (await show(four, "a.demo")).proposals[0].changes
    monkeypatch.setattr(networks, "DEMO_SUFFIX", ".none")
    changes = (await show(four, "a.demo")).proposals[0].changes
    url = four[NEW].base.config.url

    assert changes[:-1] == before
    assert changes[-1].en.startswith(f"{url} leads into an inner network, and peering")
    assert changes[-1].de.startswith(f"{url} führt in ein inneres Netz, das peering.")


async def test_nobody_comes_under_the_name_of_somebody_who_came(four: Fleet) -> None:
    text = await invitation(four)
    await four[NEW].services.joining.join(text)
    other = Invitation.parse(await invitation(four))
    card = replace(open_card(signed_card(NEW)), canonicalisers=dict(corpus_digests()))
    signed = sign_card(card, key_of(NEW, "statement"))
    knock = KnockRequest(joining=sign_joining(other, signed), version=0, signatures=[])

    with pytest.raises(ForbiddenError):
        await four["a.demo"].services.admitting.knock(knock)
    found = await four["a.demo"].services.admitting.card_of(NEW)
    assert found.keys != card.keys
    assert len((await show(four, "a.demo")).joining) == 1


async def test_who_has_left_comes_back_by_another_invitation_only(
    four: Fleet,
) -> None:
    text = await invitation(four)
    joining = four[NEW].services.joining
    await joining.join(text)
    proposal = await admit(four)
    await joining.run()
    await agree(four, proposal, "b.demo", "c.demo")
    await at_version(four, 2, *NAMES)
    joined = await show(four, "a.demo")
    left = await propose(four, "a.demo", ChangeKind.EXPEL, NEW)
    await agree(four, left, "b.demo", "c.demo")
    await at_version(four, 3, *NAMES)
    gone = await show(four, "a.demo")
    card = await four[NEW].services.foundings.card()
    old = sign_joining(Invitation.parse(text), card)
    with pytest.raises(ForbiddenError, match="used up"):
        await four["a.demo"].services.admitting.knock(
            KnockRequest(joining=old, version=0, signatures=[])
        )
    with pytest.raises(NotFoundError):
        await four["a.demo"].services.admitting.card_of(NEW)
    new = sign_joining(Invitation.parse(await invitation(four)), card)
    await four["a.demo"].services.admitting.knock(
        KnockRequest(joining=new, version=0, signatures=[])
    )

    assert joined.joining == gone.joining == []
    assert joined.invitations == []
    assert [each.name for each in (await show(four, "a.demo")).joining] == [NEW]


async def test_who_has_left_is_asked_by_nobody_any_more(four: Fleet) -> None:
    await four[NEW].services.joining.join(await invitation(four))
    before = (await show(four, "a.demo")).joining
    leaving = await propose(four, "a.demo", ChangeKind.LEAVE, "a.demo")
    await agree(four, leaving, "b.demo", "c.demo")

    async def gone() -> bool:
        return four["a.demo"].base.situation.shared is None

    await eventually(gone)
    shown = await show(four, "a.demo")
    with pytest.raises(WrongStateError):
        await four["a.demo"].services.admitting.card_of(NEW)

    assert [each.name for each in before] == [NEW]
    assert shown.standing == "left"
    assert (shown.joining, shown.invitations) == ([], [])


async def test_an_invitation_is_taken_back_with_the_wish_of_who_came(
    four: Fleet,
) -> None:
    inviting = four["a.demo"].services.inviting
    made = await inviting.invite(24, OLAF)
    other = await inviting.invite(24, OLAF)
    await four[NEW].services.joining.join(made.invitation)
    before = await show(four, "a.demo")
    left = await inviting.withdraw(made.id, OLAF)

    assert [(e.invitation, e.name) for e in before.invitations] == [
        (made.id, NEW),
        (other.id, None),
    ]
    assert {each.fingerprint for each in before.invitations} == {made.fingerprint}
    assert [each.invitation for each in left] == [other.id]
    assert (await show(four, "a.demo")).joining == []
    with pytest.raises(BadRequestError, match="taken back"):
        await four[NEW].services.joining.join(made.invitation)
    with pytest.raises(NotFoundError):
        await inviting.withdraw(made.id, OLAF)
    assert len(await four.audit("a.demo", "federation.uninvited")) == 1


async def test_whoever_is_asked_to_sign_sees_the_fingerprint_of_who_comes(
    four: Fleet,
) -> None:
    await four[NEW].services.joining.join(await invitation(four))
    (came,) = (await show(four, "a.demo")).joining
    await hear(four, "b.demo", await admit(four))
    (shown,) = (await show(four, "b.demo")).proposals

    assert any(came.fingerprint in each.en for each in shown.changes)
    assert any(came.fingerprint in each.de for each in shown.changes)


async def test_media_keys_of_older_generations_are_given_and_taken(
    four: Fleet,
) -> None:
    shared = four["a.demo"].base.situation.shared
    assert shared is not None
    membership, (entry,) = shared.membership, shared.membership.charter.epochs
    (past, keys) = next(iter(membership.media.items()))
    later = replace(entry, generation=entry.generation + 1)
    chain = [membership.charter, replace(membership.charter, epochs=[later])]
    newcomer = RecipientKey.generate()
    (sealed,) = sealed_media(membership, NEW, newcomer.public, [past])
    ahead = replace(sealed, generation=later.generation + 1)

    assert opened_media(newcomer, sealed, chain, NEW) == keys
    for refused in (ahead, replace(sealed, epoch=99)):
        with pytest.raises(AmendmentError):
            opened_media(newcomer, refused, chain, NEW)


async def test_a_newcomer_refuses_media_keys_that_the_charter_does_not_show(
    four: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    joining = four[NEW].services.joining
    await joining.join(await invitation(four))
    proposal = await admit(four)
    await joining.run()
    await agree(four, proposal, "b.demo", "c.demo")
    await at_version(four, 2, *NAMES)
    shared = four["a.demo"].base.situation.shared
    assert shared is not None
    right = shared.membership
    media = {n: MediaKeys(each.token, bytes(32)) for n, each in right.media.items()}
    shared.membership = dataclasses.replace(right, media=media)

    with pytest.raises(PeerError, match=r"media group key.*charter"):
        await joining.run()
    assert four[NEW].base.situation.shared is None
    assert await asyncio.to_thread(load_media_keys, four.place(NEW)) == {}
    said = [each for each in caplog.records if "media keys" in each.message]
    giver = four["a.demo"].base.situation.config.url
    assert said  # the job of the newcomer asks as well
    assert all(giver in str(vars(each)) for each in said)
    shared.membership = right
    await joining.run()
    await at_version(four, 2, NEW)


async def test_who_came_long_ago_keeps_nobody_from_inviting(four: Fleet) -> None:
    text = await invitation(four)
    await four[NEW].services.joining.join(text)
    for _ in range(MOST - 1):
        await invitation(four)
    with pytest.raises(WrongStateError):
        await invitation(four)
    four.clock.moment += timedelta(days=31)

    for _ in range(MOST):
        await invitation(four)


async def test_nobody_joins_what_the_invitation_does_not_name(four: Fleet) -> None:
    made = Invitation.parse(await invitation(four))
    other = Invitation(made.federation, made.urls, bytes(32), made.expires, made.secret)
    with pytest.raises(AmendmentError, match="another charter"):
        await four[NEW].services.joining.join(other.text())
    with pytest.raises(BadRequestError):
        await four[NEW].services.joining.join("FSI1-AAAAA")
    with pytest.raises(WrongStateError):
        await four["a.demo"].services.joining.join(made.text())


async def test_a_wish_survives_a_restart(four: Fleet) -> None:
    await four[NEW].services.joining.join(await invitation(four))
    proposal = await admit(four)
    await hear(four, "b.demo", proposal)
    await four.stop(NEW)
    await four.start(NEW)
    await four[NEW].services.joining.run()
    await agree(four, proposal, "b.demo", "c.demo")
    await at_version(four, 2, *NAMES)
    await four[NEW].services.joining.run()

    await at_version(four, 2, NEW)
    await four.attested()
    ban = request_for("own@mail.example", scope=Scope.SELF)
    draft = request_for("draft@mail.example", scope=Scope.FEDERATION)
    await four[NEW].services.signals.add(ban, ANNA)
    signal = (await four[NEW].services.signals.add(draft, ANNA)).signal
    assert (await four[NEW].services.signals.show(signal, RITA)).signal == signal


async def test_a_fourth_is_no_member_without_its_own_signature(four: Fleet) -> None:
    await four[NEW].services.joining.join(await invitation(four))
    proposal = await admit(four)
    await agree(four, proposal, "b.demo", "c.demo")

    async def counted() -> bool:
        (found,) = (await show(four, "a.demo")).proposals
        return found.count == 3

    await eventually(counted)
    assert (await show(four, "a.demo")).version == 1
    assert (await show(four, "a.demo")).proposals[0].missing == [NEW]


async def test_what_who_left_had_invited_to_is_not_good_once_it_is_back(
    four: Fleet,
) -> None:
    await join(four)
    old = Invitation.parse(await invitation(four, by=NEW))
    left = await propose(four, "a.demo", ChangeKind.EXPEL, NEW)
    await agree(four, left, "b.demo", "c.demo")
    await at_version(four, 3, *NAMES)
    situation, joining = four[NEW].base.situation, four[NEW].services.joining

    async def gone() -> bool:
        return situation.shared is None

    await eventually(gone)
    await joining.join(await invitation(four))
    proposal = await admit(four)
    await joining.run()
    await agree(four, proposal, "b.demo", "c.demo")
    await at_version(four, 4, *NAMES)
    await joining.run()
    await at_version(four, 4, NEW)
    other = open_card(signed_card("e.example"))
    card = sign_card(
        replace(other, canonicalisers=dict(corpus_digests())),
        key_of("e.example", "statement"),
    )

    with pytest.raises(ForbiddenError, match="none of this node"):
        await four[NEW].services.admitting.knock(
            KnockRequest(joining=sign_joining(old, card), version=0, signatures=[])
        )
    assert (await show(four, NEW)).invitations == []


def knock_of(text: str, name: str) -> KnockRequest:
    """Knock as another node of that name, which holds an invitation."""
    other = open_card(signed_card("e.example"))
    card = replace(other, name=name, canonicalisers=dict(corpus_digests()))
    signed = sign_card(card, key_of("e.example", "statement"))
    joining = sign_joining(Invitation.parse(text), signed)
    return KnockRequest(joining=joining, version=0, signatures=[])


async def test_nobody_comes_under_the_name_of_a_member(four: Fleet) -> None:
    with pytest.raises(ForbiddenError, match="a member already"):
        await four["a.demo"].services.admitting.knock(
            knock_of(await invitation(four), "c.demo")
        )

    assert (await show(four, "a.demo")).joining == []


async def test_a_name_is_free_again_once_nobody_has_let_its_holder_in(
    four: Fleet,
) -> None:
    admitting = four["a.demo"].services.admitting
    squatter = knock_of(await invitation(four), NEW)
    await admitting.knock(squatter)
    joining = four[NEW].services.joining
    taken = await invitation(four, hours=24)
    with pytest.raises(BadRequestError, match="another node came by this name"):
        await joining.join(taken)
    four.clock.moment += timedelta(days=31)
    await joining.join(await invitation(four))

    with pytest.raises(ForbiddenError, match=r"for a month|is over"):
        await admitting.knock(squatter)
    found = await admitting.card_of(NEW)
    assert found.keys == four[NEW].base.keys.public()


async def test_an_inviter_cannot_fill_the_disk(
    four: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining_room, "_MOST_BYTES", 100)
    with pytest.raises(PeerError, match="too many versions"):
        await four[NEW].services.joining.join(await invitation(four))

    assert four[NEW].base.situation.shared is None
