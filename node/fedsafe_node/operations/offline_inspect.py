# SPDX-License-Identifier: Apache-2.0
"""Look at the database of a node that does not run, and change nothing.

For `fedsafe audit verify` and `fedsafe doctor`: a node whose own log is not what left
it does not start, and then nothing but this can say where the damage is. The openings
show which entry was changed; without their keys nothing but the span is known. The
seal says what of the tables and key files is not as the node left it; how tables and
logs go together only the running node can tell.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.errors import FederationError
from fedsafe_node.acts.audit import Damage, LogCheck, TableCheck, VerifyAnswer
from fedsafe_node.audit.check_report import (
    bad_log,
    bad_seal,
    bad_table,
    damage_of,
    good_log,
)
from fedsafe_node.audit.event_view import lost_entries
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import (
    ConfigError,
    CorruptLogError,
    KeyFileError,
    KeyFileMissingError,
    OutsideKeyError,
    SealBrokenError,
    StoreFailedError,
    place_of,
    words_of,
)
from fedsafe_node.keys.charter_chain import open_chain, read_chain, read_charters
from fedsafe_node.log.audit import audit_log_name
from fedsafe_node.log.commitments import commitments_for
from fedsafe_node.log.engine import examine_store
from fedsafe_node.log.guard import Kept, read_kept
from fedsafe_node.log.openings import (
    PeriodKeys,
    commitments_to,
    payloads_of,
    unseal_opening,
    unseal_part,
)
from fedsafe_node.log.verification import Anchor, verify_log
from fedsafe_node.rules.policy_bundle import (
    NOT_ITS_NAME,
    Digests,
    approved_digests,
    odd_text,
)
from fedsafe_node.store.address import Server, store_at
from fedsafe_node.store.disk_errors import BY_WRONG_CELLS
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import (
    Committed,
    EventPart,
    LogName,
    Opening,
    RawOpening,
    SealedOpening,
)
from fedsafe_node.store.seal_protocol import Position, SealReport, Surroundings
from fedsafe_node.store.sealed_files import SealedFiles
from fedsafe_node.store.sql_log_reader import Unsealing
from fedsafe_policies.ground.catalogue import Phrase, received

AUDIT: Final = "/audit"
DATABASE: Final = "database"
STORE: Final = "store"
SEAL: Final = "seal"


@dataclass(frozen=True, slots=True)
class Examined:
    """A part of the store, and what is wrong with it; None if nothing is.

    `moved`: where the whole store went on, if it did.
    """

    part: str
    size: int = 0
    wrong: Phrase | None = None
    moved: str = ""


async def examine_node(place: Place, config: Config) -> Sequence[Examined]:
    """Examine the database file, whose it is, and all logs in it.

    Raises:
        OutsideKeyError: key files are wrapped, and the outside key is not at hand.
    """
    found = await verify_node(place, config)
    tables = [_examined(table) for table in found.tables]
    gone = [Examined(STORE, moved=found.moved)] if found.moved else []
    first = [each for each in tables if each.part == DATABASE and each.wrong]
    return [
        *gone,
        *first,
        *(_examined_log(log) for log in found.logs),
        *(each for each in tables if each.part != DATABASE),
    ]


async def approved_in(place: Place, config: Config) -> Digests | None:
    """Say what the stopped node decides by; None before its first start."""

    async def query(reader: Reader) -> Digests | None:
        return await approved_digests(reader)

    try:
        return await asyncio.to_thread(
            lambda: examine_store(_where(place, config), query, _Sealed())
        )
    except (ConfigError, StoreFailedError, *BY_WRONG_CELLS):
        return None  # `examine_store` says what is wrong with it


async def unfit_charter(place: Place, config: Config) -> str | Phrase | None:
    """Say why the stopped node does not start with its charter; None if it may."""

    async def query(reader: Reader) -> str | Phrase | None:
        try:
            chain = await read_chain(reader)
            if chain:
                open_chain(chain)
        except FederationError as error:
            return words_of(error)
        return None

    try:
        return await asyncio.to_thread(
            lambda: examine_store(_where(place, config), query, _Sealed())
        )
    except (ConfigError, StoreFailedError, *BY_WRONG_CELLS):
        return None  # `examine_store` says what is wrong with it


async def verify_node(place: Place, config: Config) -> VerifyAnswer:
    """Verify the logs of a node that does not run, and its tables against the seal.

    Raises:
        OutsideKeyError: key files are wrapped, and the outside key is not at hand.
    """
    return await asyncio.to_thread(_verify, place, config)


def _verify(place: Place, config: Config) -> VerifyAnswer:
    found, odd = _verify_database(place, config), odd_text(place.policies)
    if odd is None:
        return found
    bad = bad_seal(SealBrokenError("policies", odd, NOT_ITS_NAME))
    return msgspec.structs.replace(found, ok=False, tables=[*found.tables, bad])


def _verify_database(place: Place, config: Config) -> VerifyAnswer:
    if config.store is None and not place.database.exists():
        return _gone(place)
    try:
        kept = read_kept(place.guard)
        around = SealedFiles(place, {log: each.size for log, each in kept.items()})
    except CorruptLogError as error:
        return _broken("guard", "tampered", error.told)
    except OutsideKeyError:
        raise  # says nothing of what lies here
    except KeyFileError as error:
        is_gone = isinstance(error, KeyFileMissingError)
        return _broken(
            "keys", "incomplete" if is_gone else "unreadable", words_of(error)
        )

    async def query(reader: Reader) -> VerifyAnswer:
        return await verify_reader(reader, kept, config.name, around)

    try:
        where = _where(place, config)
        return examine_store(where, query, unsealing_of(place.periods))
    except (ConfigError, StoreFailedError) as error:
        is_store = isinstance(error, StoreFailedError)
        why = error.told if is_store else words_of(error)
        return _broken(DATABASE, "unreadable", why)
    except BY_WRONG_CELLS:
        return _broken(DATABASE, "tampered", Phrase("a row of it cannot be read"))


def _where(place: Place, config: Config) -> str | Server:
    return store_at(place.database, config.store)


def _gone(place: Place) -> VerifyAnswer:
    """Tell of a database that is not there, and of the logs that were in it."""
    why, names = Phrase("there is none"), list[LogName]()
    with suppress(CorruptLogError):
        names = sorted(_begun(read_kept(place.guard)))
    told = _broken(DATABASE, "incomplete", why)
    logs = [bad_log(name, 0, why, "incomplete") for name in names]
    return VerifyAnswer(ok=False, logs=logs, tables=told.tables)


def _begun(kept: Mapping[LogName, Kept]) -> list[LogName]:
    """Name the logs that have entries by what was kept of them."""
    return [name for name, each in kept.items() if each.size]


def _broken(part: str, damage: Damage, why: str | Phrase) -> VerifyAnswer:
    bad = bad_table(part, why, damage)
    return VerifyAnswer(ok=False, logs=[], tables=[bad])


async def verify_reader(
    reader: Reader, kept: Mapping[LogName, Kept], node: str, around: Surroundings
) -> VerifyAnswer:
    """Verify logs and tables of a database on the snapshot under way."""
    damage = await reader.damage()
    if damage is not None:
        return _broken(DATABASE, "unreadable", damage)
    names = await reader.logs()
    audit = audit_log_name(node)
    foreign = [name for name in names if name.endswith(AUDIT) and name != audit]
    if foreign:
        return _broken(
            DATABASE,
            "tampered",
            Phrase("it holds {one}, not {other}").filled(one=foreign[0], other=audit),
        )
    report = await reader.seal_report(around, 0)
    logs = [
        await _verify_one(
            reader,
            name,
            kept.get(name),
            report.logs.get(name),
            is_own=name.startswith(f"{node}/"),
        )
        for name in sorted({*names, *_begun(kept), *report.logs})
    ]
    tables = [TableCheck(table=DATABASE, rows=0, ok=True), *_sealed(report)]
    ok = all(log.ok for log in logs) and all(table.ok for table in tables)
    lost = await lost_entries(reader, audit)
    return VerifyAnswer(ok=ok, logs=logs, tables=tables, lost=lost, moved=report.moved)


def _sealed(report: SealReport) -> list[TableCheck]:
    if not report.faults:
        return [TableCheck(table=SEAL, rows=report.rows, ok=True)]
    return [bad_seal(fault) for fault in report.faults]


async def _verify_one(
    reader: Reader,
    name: LogName,
    kept: Kept | None,
    sealed: Position | None,
    *,
    is_own: bool,
) -> LogCheck:
    anchors: list[Anchor] = []
    if kept is not None:
        root = bytes.fromhex(kept.root)
        anchors = [Anchor(size=kept.size, root=root, source=Phrase("the guard"))]
    if sealed is not None:
        size, root = sealed
        anchors.insert(0, Anchor(size=size, root=root, source=Phrase("the seal")))
    try:
        found = await verify_log(
            reader, name, commitments_for(name), anchors, is_own=is_own
        )
    except CorruptLogError as error:
        damage = damage_of(error)
        return bad_log(name, error.index, error.told, damage, last=error.last)
    if sealed is not None and found.size > sealed[0]:
        return bad_log(
            name, sealed[0], Phrase("the node did not write this entry"), "tampered"
        )
    return good_log(found)


def _examined_log(log: LogCheck) -> Examined:
    if log.ok:
        return Examined(f"log {log.log}", log.size)
    first, last = log.first_bad_index or 0, log.last_bad_index
    damaged = Phrase("damaged {place}: {why}")
    wrong = damaged.filled(place=place_of(first, last), why=_why(log))
    return Examined(f"log {log.log}", wrong=wrong)


def _examined(table: TableCheck) -> Examined:
    if table.ok:
        return Examined(table.table, table.rows)
    wrong = _why(table)
    if table.first_bad:
        wrong = Phrase("{at}: {why}").filled(at=table.first_bad, why=wrong)
    return Examined(table.table, wrong=wrong)


def _why(check: LogCheck | TableCheck) -> Phrase:
    made, why = check.why_made, check.why or ""
    if made is msgspec.UNSET:  # another program's words
        return Phrase(why)
    return received(msgspec.to_builtins(made), why)


def unsealing_of(periods: Path) -> Unsealing:
    """Give what opens openings with the keys of a directory, if they can be read."""
    try:
        return _Keyed(PeriodKeys(periods, tidy=False))
    except KeyFileError:
        return _Sealed()


class _Keyed:
    """Opens what the node could open."""

    def __init__(self, keys: PeriodKeys) -> None:
        self._keys = keys

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Open with the period's key, if it is there."""
        return unseal_opening(self._keys, log, sealed)

    def committed(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[Committed]:
        """Open one after the other with the keys that are there."""
        return commitments_to(self._keys, log, rows)

    def payloads(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[tuple[int, str, str, bytes]]:
        """Open one after the other with the keys that are there."""
        return payloads_of(self._keys, log, rows)

    def index_key(self, period: str) -> bytes | None:
        """Return what a month's names are hashed under, if its key is there."""
        return self._keys.index_key(period)

    def unseal_part(self, log: LogName, part: EventPart) -> bytes | None:
        """Open with the period's key, if it is there."""
        return unseal_part(self._keys, log, part)


class _Sealed:
    """Leaves every opening shut, where the keys cannot be read."""

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Open nothing."""
        del log, sealed
        return None

    def payloads(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[tuple[int, str, str, bytes]]:
        """Open nothing."""
        del log, rows
        return iter(())

    def index_key(self, period: str) -> bytes | None:
        """Return nothing."""
        del period
        return None

    def unseal_part(self, log: LogName, part: EventPart) -> bytes | None:
        """Open nothing."""
        del log, part
        return None

    def committed(
        self, log: LogName, rows: Iterable[RawOpening]
    ) -> Iterator[Committed]:
        """Tell of each that it stays shut."""
        del log
        return ((index, group, None) for index, group, *_ in rows)


def read_own_keys(place: Place, database: Path, node: str) -> list[MemberKeys]:
    """Read a node's public keys from all versions of its charter, the newest last.

    None if it has no charter.

    Raises:
        StoreFailedError: the copy is no store, or cannot be read.
    """
    where = store_at(database, None)
    charters = examine_store(where, read_charters, unsealing_of(place.periods))
    return [
        member.keys
        for charter in charters
        for member in charter.members
        if member.name == node
    ]
