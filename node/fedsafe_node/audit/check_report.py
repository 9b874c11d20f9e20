# SPDX-License-Identifier: Apache-2.0
"""How what was verified is told, of a node that runs and of one that does not."""

from fedsafe_node.acts.audit import Damage, LogCheck, TableCheck
from fedsafe_node.ground.errors import (
    CorruptLogError,
    MissingEntriesError,
    SealBrokenError,
)
from fedsafe_node.log.verification import Verified


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
    name: str, index: int, why: str, damage: Damage, *, last: int | None = None
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
        why=why,
    )


def damage_of(error: CorruptLogError) -> Damage:
    """Say what is wrong with a log: something changed, or entries are gone."""
    return "incomplete" if isinstance(error, MissingEntriesError) else "tampered"


def bad_seal(fault: SealBrokenError) -> TableCheck:
    """Tell what does not fit the seal."""
    return TableCheck(
        table=fault.table,
        rows=0,
        ok=False,
        damage="incomplete" if fault.is_missing else "tampered",
        first_bad=fault.name,
        why=fault.reason,
    )
