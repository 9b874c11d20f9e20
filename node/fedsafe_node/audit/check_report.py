# SPDX-License-Identifier: Apache-2.0
"""How what was verified is told, of a node that runs and of one that does not."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from fedsafe_node.acts.audit import Damage, LogCheck, TableCheck
from fedsafe_node.acts.bodies import Sentence, sentence_of
from fedsafe_node.ground.errors import (
    CorruptLogError,
    MissingEntriesError,
    SealBrokenError,
    StoreFailedError,
    phrase_of,
)
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.verification import Verified
from fedsafe_node.rules.policy_bundle import NOT_ITS_NAME, odd_text
from fedsafe_node.store.disk_errors import BY_WRONG_CELLS
from fedsafe_node.store.protocol import Store
from fedsafe_policies.ground.catalogue import Phrase


def good_log(found: Verified) -> LogCheck:
    """Tell that a log adds up."""
    return LogCheck(
        log=found.log,
        size=found.size,
        root=found.root.hex(),
        openings=found.openings,
        erased=found.erased,
        minimum=found.minimum,
        ok=True,
    )


def bad_log(
    name: str,
    index: int,
    why: str | Phrase,
    damage: Damage,
    *,
    last: int | None = None,
) -> LogCheck:
    """Tell which entry of a log is the first that does not fit."""
    return LogCheck(
        log=name,
        size=0,
        root="",
        openings=0,
        erased=0,
        ok=False,
        damage=damage,
        first_bad_index=index,
        last_bad_index=last,
        why=str(why),
        why_made=made_why(why),
    )


def bad_table(
    table: str,
    why: str | Phrase,
    damage: Damage = "tampered",
    *,
    first: str | None = None,
    row: int | None = None,
) -> TableCheck:
    """Tell which row of a table does not fit, if one can be named, and why."""
    return TableCheck(
        table=table,
        rows=0,
        ok=False,
        damage=damage,
        first_bad=first,
        first_bad_row=row,
        why=str(why),
        why_made=made_why(why),
    )


def made_why(why: str | Phrase) -> Sentence | msgspec.UnsetType:
    """Tell how the reason was made, for readers of other languages."""
    return sentence_of(phrase_of(why)) or msgspec.UNSET


def damage_of(error: CorruptLogError) -> Damage:
    """Say what is wrong with a log: something changed, or entries are gone."""
    return "incomplete" if isinstance(error, MissingEntriesError) else "tampered"


def bad_seal(fault: SealBrokenError) -> TableCheck:
    """Tell what does not fit the seal."""
    damage: Damage = "incomplete" if fault.is_missing else "tampered"
    return bad_table(fault.table, fault.told, damage, first=fault.name)


SEAL: Final = "seal"


async def check_seal(store: Store, guard: Guard, policies: Path) -> list[TableCheck]:
    """Compare tables, key files and guard with the seal; one line if all fit.

    So do the policies, calendars and lists that were kept, with their names.
    """
    try:
        report = await store.check_seal()
    except StoreFailedError as error:
        why = Phrase("the database cannot be read: {why}").filled(why=error.told)
        return [bad_table(SEAL, why, "unreadable")]
    except BY_WRONG_CELLS:
        why = Phrase("a row cannot be read")
        return [bad_table(SEAL, why)]
    faults = list(report.faults)
    odd = await asyncio.to_thread(guard.odd_file)
    if odd is not None:
        faults.append(SealBrokenError("guard", odd, Phrase("it is not what was kept")))
    odd = await asyncio.to_thread(odd_text, policies)
    if odd is not None:
        faults.append(SealBrokenError("policies", odd, NOT_ITS_NAME))
    if not faults:
        return [TableCheck(table=SEAL, rows=report.rows, ok=True)]
    return [bad_seal(fault) for fault in faults]
