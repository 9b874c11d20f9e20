# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from tests.support.store_rows import BKA

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store


async def test_a_partner_is_kept_and_its_next_revision_takes_its_place(
    store: Store,
) -> None:
    assert await store.read(lambda reader: reader.partner("bka")) is None
    await store.write(lambda tx: tx.put_partner(BKA))
    verified = msgspec.structs.replace(
        BKA,
        revision=2,
        test=True,
        verified_at=200,
        verified_until=300,
        verified_by="ben",
    )
    await store.write(lambda tx: tx.put_partner(verified))

    assert await store.read(lambda reader: reader.partner("bka")) == verified


@pytest.mark.parametrize("revision", [1, 3])
async def test_no_revision_of_a_partner_is_lost_or_left_out(
    store: Store, revision: int
) -> None:
    await store.write(lambda tx: tx.put_partner(BKA))
    other = msgspec.structs.replace(BKA, revision=revision)
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.put_partner(other))

    assert await store.read(lambda reader: reader.partner("bka")) == BKA


async def test_partners_are_listed_by_name(store: Store) -> None:
    for name in ("zac", "bka"):
        row = msgspec.structs.replace(BKA, id=name)
        await store.write(lambda tx, row=row: tx.put_partner(row))  # type: ignore[misc]

    found = await store.read(lambda reader: reader.partners())
    assert [row.id for row in found] == ["bka", "zac"]
