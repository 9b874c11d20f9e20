# SPDX-License-Identifier: Apache-2.0
from fedsafe_node.store.notices_rows import ProviderEventRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening

AUDIT = "a.demo/audit"
ACTOR, DETAIL = (
    Opening(group=group, salt=bytes(32), payload=b"{}") for group in ("actor", "detail")
)
EVENT = ProviderEventRow(
    number=1,
    kind="task.due",
    at=0,
    period="2026-10",
    sealed=b"sealed",
    expires_at=1,
    mark=bytes(8),
)


async def test_what_a_period_seals_is_counted_in_all_tables(store: Store) -> None:
    await store.write(lambda tx: tx.append(AUDIT, b"one", (ACTOR, DETAIL)))
    await store.write(lambda tx: tx.append("b.demo/feed", b"two", (ACTOR,)))
    await store.write(lambda tx: tx.add_provider_event(EVENT))

    counted = await store.scan(lambda reader: reader.sealed_periods())
    but = [(AUDIT, "actor"), (AUDIT, "subject")]
    rest = await store.scan(lambda reader: reader.sealed_periods(but=but))

    assert counted == {"2026-10": 1, "2026-11": 3}
    assert rest == {"2026-10": 1, "2026-11": 2}


async def test_what_is_erased_is_not_counted(store: Store) -> None:
    await store.write(lambda tx: tx.append(AUDIT, b"one", (ACTOR,)))
    await store.write(lambda tx: tx.add_provider_event(EVENT))
    await store.write(lambda tx: tx.erase_opening(AUDIT, 0, "actor", at=1))
    await store.write(lambda tx: tx.erase_provider_event(1))

    assert await store.scan(lambda reader: reader.sealed_periods()) == {}
