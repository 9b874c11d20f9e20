# SPDX-License-Identifier: Apache-2.0
"""A thief with the months' keys and without the own keys reads no picture in rows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_bytes

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet, make, make_founded

from fedsafe_crypto.errors import OpenError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.acts.match import DigestColumn, DigestKind, MatchRequest
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.review import floods
from fedsafe_node.signals import drafts
from fedsafe_node.signals.drafts import Draft
from fedsafe_node.store.review_rows import PictureRow
from fedsafe_node.store.rows import DraftRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Scope, Surface

NODE = "a.demo"
PICTURE = bytes.fromhex("a5" * 32)
NEAR = (int.from_bytes(PICTURE) ^ 7).to_bytes(32)


@pytest.fixture
async def trio(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give a federation of three."""
    fleet = Fleet(tmp_path / "nodes")
    await make_founded(tmp_path / "nodes")
    await fleet.start(NODE, "b.demo", "c.demo")
    await fleet.covered()
    yield fleet
    await fleet.close()


async def stolen(fleet: Fleet) -> PeriodKeys:
    folder = fleet.place(NODE).keys / "periods"
    return await asyncio.to_thread(PeriodKeys, folder, tidy=False)


def listed_at(node: str) -> OwnList:
    """Give an own list under keys that a thief has made up."""
    media = MediaKeys(token_bytes(32), token_bytes(32))
    return OwnList(node, OwnKeys(token_bytes(32), media))


async def ask(fleet: Fleet) -> int:
    column = DigestColumn(kind=DigestKind.PDQ, digests=NEAR)
    body = MatchRequest(columns=[column], surface=Surface.PUBLIC_CONTENT)
    answer = await fleet[NODE].services.lookups.match(body, BOT)
    return answer.columns[0].review


async def counted(fleet: Fleet) -> PictureRow:
    store = fleet[NODE].base.store
    (row,) = await store.read(lambda r: r.flood_pictures(NODE, 9))
    return row


async def list_own(fleet: Fleet) -> None:
    request = request_for(PICTURE.hex(), kind=Kind.PDQ, scope=Scope.SELF)
    await fleet[NODE].services.signals.add(request, ANNA)


async def test_a_picture_that_has_matched_opens_under_no_month_key_alone(
    tmp_path: Path,
) -> None:
    fleet = await make(tmp_path / "nodes", NODE)
    await fleet.start(NODE)
    await list_own(fleet)
    assert await ask(fleet) == 1
    row = await counted(fleet)

    place = floods._place(row.origin, row.about, row.period)  # noqa: SLF001
    within = (await stolen(fleet)).unseal(row.period, row.sealed, place)

    assert within is not None
    assert PICTURE not in within
    with pytest.raises(OpenError):
        listed_at(NODE).open_picture(within, place)
    own = fleet[NODE].base.situation.own
    assert own.open_picture(within, place) == PICTURE
    await fleet.close()


async def test_a_picture_of_before_counts_and_is_sealed_anew(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "nodes", NODE)
    await fleet.start(NODE)
    await list_own(fleet)
    assert await ask(fleet) == 1
    row, store = await counted(fleet), fleet[NODE].base.store
    place = floods._place(row.origin, row.about, row.period)  # noqa: SLF001
    former = (await stolen(fleet)).seal(row.period, PICTURE, place)

    async def put(tx: Transaction) -> list[bytes]:
        await tx.put_flood_picture(replace(row, sealed=former))
        pictures = floods.FloodPictures(fleet[NODE].reviews, tx)
        return [*await pictures.near(row.origin, frozenset([NEAR]))]

    assert await store.write(put) == [row.about]

    kept = (await stolen(fleet)).unseal(
        row.period, (await counted(fleet)).sealed, place
    )
    assert kept is not None
    assert PICTURE not in kept
    assert await ask(fleet) == 1
    await fleet.close()


async def drafted(fleet: Fleet) -> tuple[str, DraftRow]:
    request = request_for(PICTURE.hex(), kind=Kind.PDQ, scope=Scope.FEDERATION)
    added = await fleet[NODE].services.signals.add(request, ANNA)
    store, name = fleet[NODE].base.store, read_signal_id(added.signal)
    row = await store.read(lambda r: r.draft(name))
    assert row is not None
    return added.signal, row


async def opened(fleet: Fleet, row: DraftRow) -> bytes:
    place = drafts._place(row.signal_id, row.period)  # noqa: SLF001
    assert row.sealed is not None
    found = (await stolen(fleet)).unseal(row.period, row.sealed, place)
    assert found is not None
    return found


async def test_a_picture_that_waits_opens_under_no_month_key_alone(
    trio: Fleet,
) -> None:
    signal, row = await drafted(trio)

    found = decode(await opened(trio, row), Draft)
    assert found.pdq is None
    assert found.picture is not None
    assert PICTURE not in found.picture
    await trio[NODE].services.signals.approve([signal], RITA)
    answer = await trio.look_up(NODE, NEAR.hex(), Kind.PDQ)
    assert answer.result is Result.REVIEW


async def test_a_draft_of_before_has_its_picture(trio: Fleet) -> None:
    _, row = await drafted(trio)
    kept = decode(await opened(trio, row), Draft)
    document = decode(encode(replace(kept, pdq=PICTURE, picture=None)), dict)
    del document["picture"]  # it was not there
    place = drafts._place(row.signal_id, row.period)  # noqa: SLF001
    sealed = (await stolen(trio)).seal(row.period, encode(document), place)

    former = drafts.open_draft(replace(row, sealed=sealed), await stolen(trio))
    made = former.made(row.signal_id, NODE, trio[NODE].base.situation.own)

    assert made.pdq == PICTURE
