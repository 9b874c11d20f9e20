# SPDX-License-Identifier: Apache-2.0
"""Tell what the seal says, as `audit verify` answers."""

import asyncio
from pathlib import Path
from typing import Final

from fedsafe_node.acts.audit import TableCheck
from fedsafe_node.audit.check_report import bad_seal
from fedsafe_node.ground.errors import SealBrokenError, StoreFailedError
from fedsafe_node.log.guard import Guard
from fedsafe_node.rules.policy_bundle import NOT_ITS_NAME, odd_text
from fedsafe_node.store.disk_errors import BY_WRONG_CELLS
from fedsafe_node.store.protocol import Store

SEAL: Final = "seal"


async def check_seal(store: Store, guard: Guard, policies: Path) -> list[TableCheck]:
    """Compare tables, key files and guard with the seal; one line if all fit.

    So do the policies, calendars and lists that were kept, with their names.
    """
    try:
        report = await store.check_seal()
    except StoreFailedError as error:
        why = f"the database cannot be read: {error.reason}"
        bad = TableCheck(table=SEAL, rows=0, ok=False, damage="unreadable", why=why)
        return [bad]
    except BY_WRONG_CELLS:
        why = "a row cannot be read"
        return [TableCheck(table=SEAL, rows=0, ok=False, damage="tampered", why=why)]
    faults = list(report.faults)
    odd = await asyncio.to_thread(guard.odd_file)
    if odd is not None:
        faults.append(SealBrokenError("guard", odd, "it is not what was kept"))
    odd = await asyncio.to_thread(odd_text, policies)
    if odd is not None:
        faults.append(SealBrokenError("policies", odd, NOT_ITS_NAME))
    if not faults:
        return [TableCheck(table=SEAL, rows=report.rows, ok=True)]
    return [bad_seal(fault) for fault in faults]
