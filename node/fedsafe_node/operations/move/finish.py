# SPDX-License-Identifier: Apache-2.0
"""Compares both ends, seals the target, and verifies it as `fedsafe audit verify` does.

Nothing that was changed on the way, or behind it, is sealed: the sums over the rows at
the target are those that the source's seal says, or, of rows that it leaves to the
logs, those of the source's own rows. The sums go over into the new seal, and with it
the digests of the key files, the positions of the logs and how far the guard had come.
Only the digest of the schema is another, and the sums of a table whose key is.
"""

from collections.abc import Mapping
from hashlib import blake2b

from fedsafe_crypto.primitives.multiset import Multiset
from fedsafe_node.operations.move.ends import Source, Target, moved_tables, put_part
from fedsafe_node.operations.move.errors import MoveRefusedError
from fedsafe_node.store.coverage import EXEMPT, PARTLY, covered_tables, rows_of
from fedsafe_node.store.seal_check import schema_digest
from fedsafe_node.store.sealed_parts import (
    MAIN,
    MainPart,
    Moving,
    Seal,
    SealKey,
    digest_of_parts,
    encode_main,
    parts_of,
)
from fedsafe_node.store.sql import Connection
from fedsafe_policies.ground.catalogue import Phrase


def same_state(seal: Seal) -> Moving:
    """Say of which state of a store a copy is."""
    main = blake2b(encode_main(seal.main), digest_size=32).digest()
    return Moving(seal.main.number, main)


def check_tables(source: Connection, target: Connection) -> None:
    """Check that both have the same tables with the same columns.

    Raises:
        MoveRefusedError: they have not.
    """
    there = {table.name: table for table in moved_tables(target)}
    here = {table.name: table for table in moved_tables(source)}
    for name in sorted({*here, *there}):
        if name not in here or name not in there:
            raise MoveRefusedError(
                Phrase("only one of both stores has the table {name}").filled(name=name)
            )
        if set(here[name].columns) != set(there[name].columns):
            raise MoveRefusedError(
                Phrase("the columns of {name} are not the same in both").filled(
                    name=name
                )
            )


def compare(source: Source, target: Target, key: SealKey, seal: Seal) -> dict[str, int]:
    """Compare all rows; return how many there are, by table.

    Raises:
        MoveRefusedError: names the table whose rows are not the same.
    """
    counts: dict[str, int] = {}
    for table in moved_tables(source.connection):
        is_whole = table.name not in EXEMPT and table.name not in PARTLY
        if is_whole:
            wanted = seal.tables.get(table.name, Multiset())
        else:
            rows = source.rows(table, None)
            wanted = table.sum_up(key.hash_row, rows)
        found = table.sum_up(key.hash_row, rows_of(target.connection, table))
        if found != wanted:
            raise MoveRefusedError(
                Phrase(
                    "of {wanted} rows of {name} those at the target ({found}) "
                    "are not all the same"
                ).filled(wanted=wanted.count, name=table.name, found=found.count),
                Phrase(
                    "somebody has changed what was copied: run this again with --anew"
                ),
            )
        counts[table.name] = found.count
    return counts


def write_seal(source: Connection, target: Connection, key: SealKey, seal: Seal) -> int:
    """Seal the target, within its last transaction; return the number of the seal."""
    tables = _sums(source, target, key, seal)
    parts = parts_of(seal.files, tables)
    old = seal.main
    main = MainPart(
        number=old.number + 1,
        schema=schema_digest(target),
        parts=digest_of_parts(parts),
        logs=old.logs,
        guards=old.guards,
    )
    target.execute("DELETE FROM seal")
    for part, body in (*parts.items(), (MAIN, encode_main(main))):
        put_part(target, (part, key.close(part, body)))
    return main.number


def _sums(
    source: Connection, target: Connection, key: SealKey, seal: Seal
) -> Mapping[str, Multiset]:
    known = {table.name: table for table in covered_tables(source)}
    sums = {
        table.name: seal.tables.get(table.name, Multiset())
        if known.get(table.name) == table
        else table.sum_up(key.hash_row, rows_of(target, table))
        for table in covered_tables(target)
    }
    return {name: each for name, each in sums.items() if each != Multiset()}
