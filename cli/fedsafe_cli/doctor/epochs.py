# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of key epochs."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.terminal.settings import printable

_SOON: Final = timedelta(days=30)
_NEXT_EPOCH: Final = (
    "two weeks before the end members begin the next one by themselves; the nodes of "
    "all share holders have to run: docs/howto/federation.md, a new epoch"
)
_ANEW: Final = (
    "`fedsafe signal ending` lists what could go on: review it, `fedsafe signal renew`"
)
_COMMIT: Final = (
    "once all members run this release, the next resharing commits to them: "
    "`fedsafe federation reshare`"
)


_STEPS_IN: Final = (
    "have these nodes started; the next attempt begins by itself within a day, see "
    "`fedsafe federation status`. For who stays away: `fedsafe federation suspend`"
)


def resharings(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which keys were to be shared anew, and who was missing."""
    for found in status.get("resharings_overdue") or []:
        yield Finding("resharing", Level.WARN, printable(str(found)), _STEPS_IN)


def epochs(status: Mapping[str, Any], now: int) -> Iterator[Finding]:
    """Say when a key epoch ends, and what ends with the one before it."""
    today = datetime.fromtimestamp(now, UTC).date()
    if ends := status.get("epoch_ends"):
        day = date.fromisoformat(str(ends))
        number = f"epoch {status.get('epoch')}"
        if day <= today:
            found = f"{number} has ended on {day}: nothing is published any more"
            yield Finding("epoch", Level.FAIL, found, _NEXT_EPOCH)
        elif day - today <= _SOON:
            found = f"{number} ends on {day}, and signals under it 30 days later"
            yield Finding("epoch", Level.WARN, found, _NEXT_EPOCH)
        else:
            yield Finding("epoch", Level.OK, f"{number} until {day}")
    if bare := status.get("keys_uncommitted"):
        number = ", ".join(map(printable, bare))
        what = f"the charter commits to no media keys of generation {number}"
        yield Finding("media keys", Level.WARN, what, _COMMIT)
    if over := status.get("ending_over"):
        found = f"what was published in the epoch before ends on {over}"
        yield Finding("epoch before", Level.WARN, found, _ANEW)
