# SPDX-License-Identifier: Apache-2.0
"""While a new generation is taken up, every lookup finds the same, and nobody lies."""

from asyncio import to_thread
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from secrets import token_bytes

import pytest
from tests.support.members import FEDERATION, NAMES, in_place, key_of
from tests.support.quorum import LONG, Asked
from tests.support.renewals import Federation, founded, renewing

from fedsafe_crypto.oprf.keys import KeyShare, Pins
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import PeerRefusedError, QuorumError
from fedsafe_federation.evaluation.member_choice import Silences
from fedsafe_federation.evaluation.metering import LOOKUPS
from fedsafe_federation.evaluation.quorum import Holder, Quorum
from fedsafe_federation.evaluation.statements import (
    EvaluationRequest,
    answer_request,
)
from fedsafe_federation.identifiers import canonicalise
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import KeyFileError, MembershipError
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.keys.membership import Membership, load_membership
from fedsafe_node.keys.own_keys import MediaKeys, write_epoch_keys, write_media_keys
from fedsafe_policies.vocabulary import IdentifierKind

A, B, C, D = NAMES[:4]
GROUP = bytes(32)
NOW = datetime(2024, 7, 3, 12, tzinfo=UTC)  # within the epoch of `founded`
SECOND = int(NOW.timestamp())
PERSON = Person(canonicalise(IdentifierKind.EMAIL, "anna@example.org"))


@lru_cache
def joined() -> Federation:
    return founded().joined(D)


@lru_cache
def renewed() -> Federation:
    return renewing(joined(), 3).finish().agreed()


def place_of(directory: Path, name: str, *held: Federation) -> Place:
    """Make the key directory of a member that holds what some generations gave it."""
    place = Place(directory / name)
    place.keys.mkdir(parents=True, exist_ok=True)
    for federation in held:
        media = MediaKeys(federation.held[A].token_key, federation.group)
        if name in federation.held:
            write_epoch_keys(place, federation.held[name].share, media)
        else:
            entry = federation.version.charter.epochs[0]
            write_media_keys(place, 1, entry.generation, media)
    return place


def member_of(place: Place, name: str, federation: Federation) -> Membership:
    *older, newest = federation.documents
    return load_membership(place, name, encode(newest), older, now=SECOND)


class Members:
    """All members, some under the new version of the charter and some under the old."""

    def __init__(
        self, directory: Path, *, ahead: Sequence[str], destroyed: bool = False
    ) -> None:
        self.accused: list[str] = []
        self.asked: set[tuple[str, int]] = set()
        self.memberships: dict[str, Membership] = {}
        for name in (A, B, C, D):
            after = name in ahead
            held = [renewed()] if destroyed else [joined(), renewed()]
            place = place_of(directory, name, *(held if after else [joined()]))
            of = renewed() if after else joined()
            self.memberships[name] = member_of(place, name, of)

    async def ask(self, member: Member, request: Signed) -> Signed:
        membership = self.memberships[member.name]
        opened = decode(request.payload, EvaluationRequest)
        self.asked.add((member.name, opened.generation))
        held = membership.served(opened.epoch, opened.generation)
        if held is None:
            raise PeerRefusedError(member.name, 409, "stale_statement")
        return answer_request(
            request,
            opened,
            share=held.share,
            pins=held.pins,
            key=key_of(member.name, "statement"),
            federation=membership.charter.federation,
        )

    async def report(
        self, peer: str, why: str, request: Signed, answer: Signed
    ) -> None:
        del why, request, answer
        self.accused.append(peer)

    def lists(self, name: str) -> SharedLists:
        membership = self.memberships[name]
        shares = membership.shares
        return SharedLists(
            membership,
            {
                epoch: self._quorum(membership, pins, shares.get(epoch))
                for epoch, pins in membership.pins.items()
            },
            {
                epoch: self._quorum(membership, each.pins, each.share)
                for (epoch, _), each in membership.former.items()
            },
            now=lambda: NOW,
        )

    def _quorum(
        self, membership: Membership, pins: Pins, share: KeyShare | None
    ) -> Quorum:
        name = membership.me.name
        return Quorum(
            membership.charter,
            pins,
            Holder(name, share, key_of(name, "statement")),
            ask=self.ask,
            report=self.report,
            ledger=Asked(),
            silences=Silences(bytes),
            offload=in_place,
            now=lambda: NOW,
            token_bytes=token_bytes,
        )

    async def output(self, name: str) -> bytes:
        lists = self.lists(name)
        try:
            [[output]] = await lists.outputs([PERSON], LOOKUPS, within=LONG)
        finally:
            await lists.settle()
        return output.y


def truth() -> bytes:
    return founded().output([A, B], PERSON.input(FEDERATION))


@pytest.mark.parametrize(
    "ahead", [(), (A,), (D,), (A, B), (A, B, C), (B, C, D), (A, B, C, D)]
)
@pytest.mark.parametrize("asking", [A, B, C, D])
async def test_each_finds_the_same_however_many_have_followed(
    tmp_path: Path, ahead: Sequence[str], asking: str
) -> None:
    members = await to_thread(Members, tmp_path, ahead=ahead)
    try:
        found = await members.output(asking)
    except QuorumError:
        # A newcomer that followed first holds nothing of the old generation.
        assert asking == D
        assert D in ahead
        assert len(ahead) < 3
    else:
        assert found == truth()

    assert members.accused == []
    assert (D, 1) not in members.asked


@pytest.mark.promise("LR-28")
async def test_once_the_old_shares_are_gone_the_new_ones_do(tmp_path: Path) -> None:
    members = await to_thread(Members, tmp_path, ahead=(A, B, C, D), destroyed=True)

    for name in (A, B, C, D):
        assert members.memberships[name].former == {}
        assert await members.output(name) == truth()
    assert members.accused == []


async def test_whoever_lags_when_the_old_shares_are_gone_is_told_nothing_wrong(
    tmp_path: Path,
) -> None:
    members = await to_thread(Members, tmp_path, ahead=(A, B, D), destroyed=True)

    with pytest.raises(QuorumError):
        await members.output(C)
    assert members.accused == []


def test_a_member_serves_both_generations_that_it_holds(tmp_path: Path) -> None:
    place = place_of(tmp_path, A, joined(), renewed())
    membership = member_of(place, A, renewed())

    for generation, federation in ((1, joined()), (2, renewed())):
        served = membership.served(1, generation)
        assert served is not None
        assert served.share == federation.held[A].share
        assert served.pins == federation.pins
    assert membership.served(1, 3) is None
    assert membership.served(2, 1) is None


def test_a_share_that_no_version_shows_yet_is_not_served(tmp_path: Path) -> None:
    place = place_of(tmp_path, A, joined(), renewed())
    membership = member_of(place, A, joined())

    assert membership.served(1, 2) is None
    assert membership.former == {}


def test_a_version_whose_share_is_missing_is_not_taken_up(tmp_path: Path) -> None:
    place = place_of(tmp_path, A, joined())

    with pytest.raises(KeyFileError, match="epoch 1"):
        member_of(place, A, renewed())


def test_an_old_share_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    place = place_of(tmp_path, A, joined(), renewed())
    (place.keys / "share-1-1.key").unlink()
    wrong = replace(joined().held[A].share, secret=joined().held[B].share.secret)
    write_epoch_keys(place, wrong, MediaKeys(GROUP, GROUP))

    with pytest.raises(MembershipError):
        member_of(place, A, renewed())
