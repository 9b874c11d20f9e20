# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from tests.support.store_rows import CASE

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import OrderRow
from fedsafe_node.store.protocol import Store

ORDER = OrderRow(
    id="0b" * 16,
    kind="epoc",
    emergency=True,
    received_at=100,
    due_at=900,
    confirm_by=None,
    entered_at=110,
    entered_by="ada",
    entered_role="escalation_officer",
    case_id=CASE.id,
    revision=1,
    period="2026-11",
    sealed=b"sealed",
)


async def put(store: Store, *rows: OrderRow) -> None:
    for row in rows:
        await store.write(lambda tx, row=row: tx.put_order(row))  # type: ignore[misc]


@pytest.fixture(autouse=True)
async def case(store: Store) -> None:
    await store.write(lambda tx: tx.put_case(CASE))


async def test_an_order_is_kept_and_its_next_revision_takes_its_place(
    store: Store,
) -> None:
    answered = msgspec.structs.replace(
        ORDER,
        due_at=950,
        acknowledged_at=120,
        answered_at=500,
        answered_by="jura",
        outcome="refused",
        revision=2,
        sealed=b"other",
    )
    await put(store, ORDER, answered)

    assert await store.read(lambda reader: reader.order(ORDER.id)) == answered


@pytest.mark.parametrize("revision", [1, 3])
async def test_no_revision_of_an_order_is_lost(store: Store, revision: int) -> None:
    await put(store, ORDER)
    with pytest.raises(ConflictError):
        await put(store, msgspec.structs.replace(ORDER, revision=revision))

    assert await store.read(lambda reader: reader.order(ORDER.id)) == ORDER


async def test_orders_are_listed_by_when_they_are_due(store: Store) -> None:
    sooner = msgspec.structs.replace(ORDER, id="0c" * 16, due_at=200)
    done = msgspec.structs.replace(
        ORDER, id="0d" * 16, answered_at=1, answered_by="jura", outcome="fulfilled"
    )
    await put(store, ORDER, sooner, done)

    everything = await store.read(lambda reader: reader.orders())
    waiting = await store.read(lambda reader: reader.orders(unanswered=True))
    assert everything == [sooner, ORDER, done]
    assert waiting == [sooner, ORDER]


async def test_the_key_of_a_period_is_needed_while_an_order_is_sealed(
    store: Store,
) -> None:
    await put(store, ORDER)

    assert await store.scan(lambda r: r.sealed_periods()) == {"2026-11": 2}
