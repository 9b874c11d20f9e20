# SPDX-License-Identifier: Apache-2.0
"""What `fedsafe doctor` says of key epochs."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from fedsafe_cli.doctor.diagnosis import Finding, Level
from fedsafe_cli.doctor.texts import sentences
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase

_SOON: Final = timedelta(days=30)
_NEXT_EPOCH: Final = Phrase(
    "two weeks before the end members begin the next one by themselves; the "
    "nodes of all share holders have to run: docs/howto/federation.md, a new "
    "epoch"
)
_ANEW: Final = Phrase(
    "`fedsafe signal ending` lists what could go on: review it, `fedsafe signal renew`"
)
_COMMIT: Final = Phrase(
    "once all members run this release, the next resharing commits to them: "
    "`fedsafe federation reshare`"
)


_STEPS_IN: Final = Phrase(
    "have these nodes started; the next attempt begins by itself within a day, "
    "see `fedsafe federation status`. For who stays away: `fedsafe federation "
    "suspend`"
)


def resharings(status: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which keys were to be shared anew, and who was missing."""
    for found in sentences(status, "resharings_overdue"):
        yield Finding(Phrase("resharing"), Level.WARN, found, _STEPS_IN)


def epochs(status: Mapping[str, Any], now: int) -> Iterator[Finding]:
    """Say when a key epoch ends, and what ends with the one before it."""
    today = datetime.fromtimestamp(now, UTC).date()
    if ends := status.get("epoch_ends"):
        day = date.fromisoformat(str(ends))
        named = {"number": status.get("epoch"), "day": day}
        if day <= today:
            found = Phrase(
                "epoch {number} has ended on {day}: nothing is published any more"
            )
            yield Finding(
                Phrase("epoch"), Level.FAIL, found.filled(**named), _NEXT_EPOCH
            )
        elif day - today <= _SOON:
            found = Phrase(
                "epoch {number} ends on {day}, and signals under it 30 days later"
            )
            yield Finding(
                Phrase("epoch"), Level.WARN, found.filled(**named), _NEXT_EPOCH
            )
        else:
            found = Phrase("epoch {number} until {day}").filled(**named)
            yield Finding(Phrase("epoch"), Level.OK, found)
    if bare := status.get("keys_uncommitted"):
        number = ", ".join(map(printable, bare))
        what = Phrase(
            "the charter commits to no media keys of generation {number}"
        ).filled(number=number)
        yield Finding(Phrase("media keys"), Level.WARN, what, _COMMIT)
    if over := status.get("ending_over"):
        found = Phrase("what was published in the epoch before ends on {day}").filled(
            day=over
        )
        yield Finding(Phrase("epoch before"), Level.WARN, found, _ANEW)
