# SPDX-License-Identifier: Apache-2.0
import pytest

from fedsafe_node.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import RegisterRow


def entry(number: int, item: str = "S-V-1") -> RegisterRow:
    return RegisterRow(
        id=f"entry-{number}",
        item=item,
        record=b"{}",
        recorded_at=9 - number,
        recorded_by="anna",
    )


async def test_the_register_keeps_every_entry_in_its_order(store: Store) -> None:
    for number in (1, 2, 3):
        await store.write(
            lambda tx, number=number: tx.add_register_entry(entry(number))  # type: ignore[misc]
        )

    assert await store.read(lambda r: r.register_entries()) == [
        entry(1),
        entry(2),
        entry(3),
    ]


async def test_an_entry_of_the_register_is_entered_once(store: Store) -> None:
    await store.write(lambda tx: tx.add_register_entry(entry(1)))

    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_register_entry(entry(1, "S-I-1")))
