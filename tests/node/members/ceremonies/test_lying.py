# SPDX-License-Identifier: Apache-2.0
"""A member that lies about keys, floods, or hurries, costs nobody anything."""

from asyncio import to_thread
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec.structs import replace as replace_fields
from tests.support.fleet import NAMES, Fleet
from tests.support.resharing_fleet import (
    carrying_of,
    ceremonies_of,
    membership_of,
    scene_of,
)

from fedsafe_crypto.dkg.feldman import token_key_commitment
from fedsafe_crypto.dkg.messages import MAX_MESSAGE_BYTES
from fedsafe_crypto.seal.hpke import RecipientKey, seal
from fedsafe_federation.charter.activation import HOLDING, holding_payload
from fedsafe_federation.charter.renewal_rules import REST
from fedsafe_federation.charter.resharing import (
    PROPOSAL,
    ResharingProposal,
    sign_resharing,
)
from fedsafe_federation.errors import AmendmentError, PeerError
from fedsafe_federation.wire.signed import Signed, sign_payload
from fedsafe_node.acts.charter import CarriedRequest, Lacked, SealedKeys
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import MediaKeys, load_media_keys
from fedsafe_node.members.charter.media_keys import (
    media_context,
    opened_media,
    sealed_media,
)

A, B, C = NAMES
KEY = RecipientKey.generate()


@pytest.mark.parametrize(
    ("number", "secret"),
    [
        ((1, 1), bytes(64)),
        ((1, 1), bytes(62)),
        ((1, 1), b""),
        ((1, 1), "another group key"),
        ((1, 2), None),
        ((2**31 - 1, 1), None),
    ],
)
async def test_media_keys_are_those_of_the_charter(
    trio: Fleet, number: tuple[int, int], secret: bytes | str | None
) -> None:
    membership = membership_of(trio, A)
    keys = membership.media[1, 1]
    right = keys.token + keys.group
    charter = membership.charter
    if isinstance(secret, str):
        secret = keys.token + bytes(32)

    def sealed(epoch: int, generation: int, plain: bytes) -> SealedKeys:
        context = media_context(charter.federation, B, epoch, generation)
        info = b"fedsafe/v1/media-keys"
        data = seal(KEY.public, plain, info=info, aad=context)
        return SealedKeys(epoch=epoch, generation=generation, sealed=data)

    assert opened_media(KEY, sealed(1, 1, right), [charter], B) == keys
    with pytest.raises(AmendmentError, match="of the charter"):
        opened_media(
            KEY, sealed(*number, right if secret is None else secret), [charter], B
        )


async def test_who_hands_out_another_group_key_is_refused_and_named(
    trio: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    scene, place = await scene_of(trio, C), trio.place(C)
    honest = membership_of(trio, B)
    right = honest.media[1, 1]
    liar = replace(honest, media={(1, 1): MediaKeys(right.token, bytes(32))})
    sealing, lacks = trio[C].base.keys.sealing.public, [Lacked(epoch=1, generation=1)]
    await to_thread((place.keys / "media-1-1.key").unlink)

    async def given(by: Membership) -> None:
        sealed = sealed_media(by, C, sealing, [(1, 1)])
        keep = carrying_of(trio, C)._keep_media  # noqa: SLF001
        await keep(scene, sealed, lacks, B)

    with pytest.raises(PeerError, match="media group key"):
        await given(liar)
    assert await to_thread(load_media_keys, place) == {}
    [said] = [each for each in caplog.records if "media keys" in each.message]
    assert f"'peer': '{B}'" in str(vars(said))
    await given(honest)
    assert await to_thread(load_media_keys, place) == {(1, 1): right}


async def forged_holding(fleet: Fleet) -> Signed:
    """Let C say that it has a share of a generation that nobody made."""
    entry = membership_of(fleet, A).epoch
    made = replace_fields(entry, generation=entry.generation + 1)
    return sign_payload(
        holding_payload(made),
        type_=HOLDING,
        signer=C,
        key=fleet[C].base.keys.statement,
        federation=membership_of(fleet, A).charter.federation,
    )


async def told(fleet: Fleet, statement: Signed) -> None:
    scene = await scene_of(fleet, A)
    request = CarriedRequest(
        version=scene.version.charter.version,
        charter=scene.version.digest,
        statements=[statement],
        have=[],
        lacks=[],
    )
    await carrying_of(fleet, A).exchange(request, C)
    await ceremonies_of(fleet, A).advance()


async def proposed(fleet: Fleet, *, seconds: int) -> Signed:
    scene, now = await scene_of(fleet, A), ceremonies_of(fleet, A).now()
    membership = membership_of(fleet, C)
    token = membership.media[1, 1].token
    proposal = ResharingProposal(
        federation=membership.charter.federation,
        charter=scene.version.digest,
        epoch=1,
        generation=1,
        threshold=membership.epoch.threshold,
        tokens=token_key_commitment(membership.charter.federation, 1, token),
        commits=True,
        created=now,
        deadline=now + seconds,
    )
    key = fleet[C].base.keys.statement
    return sign_resharing(proposal, convenor=C, key=key)


@pytest.mark.parametrize("seconds", [30, 3 * 3600])
async def test_who_leaves_no_time_is_not_followed(trio: Fleet, seconds: int) -> None:
    trio.clock.advance(timedelta(seconds=REST + 1))
    await told(trio, await proposed(trio, seconds=seconds))

    [attempt] = (await scene_of(trio, A)).kept.attempts
    assert attempt.joined is (seconds > 3600)
    trio.clock.advance(timedelta(seconds=31))
    await ceremonies_of(trio, A).advance()
    assert (await scene_of(trio, A)).kept.judged == {}


async def test_what_is_padded_is_not_kept(trio: Fleet) -> None:
    trio.clock.advance(timedelta(seconds=REST + 1))
    proposal = await proposed(trio, seconds=3 * 3600)
    padded = sign_payload(
        proposal.payload.ljust(MAX_MESSAGE_BYTES + 1),
        type_=PROPOSAL,
        signer=C,
        key=trio[C].base.keys.statement,
        federation=membership_of(trio, A).charter.federation,
    )
    await told(trio, padded)

    assert (await scene_of(trio, A)).kept.attempts == []


async def test_failed_attempts_do_not_pile_up(trio: Fleet) -> None:
    await trio.stop(B)
    trio.clock.advance(timedelta(seconds=REST + 1))
    await told(trio, await proposed(trio, seconds=3 * 3600))
    trio.clock.advance(timedelta(hours=4))
    await ceremonies_of(trio, A).advance()
    await told(trio, await forged_holding(trio))
    [failed] = (await scene_of(trio, A)).kept.attempts
    trio.clock.advance(timedelta(days=2))
    later = await proposed(trio, seconds=3 * 3600)
    await told(trio, later)

    assert failed.joined
    assert failed.over
    assert HOLDING in {each.type for each in failed.messages}
    kept = (await scene_of(trio, A)).kept.attempts
    assert [each.proposal for each in kept] == [later]
