# SPDX-License-Identifier: Apache-2.0
"""Announce something to the provider's back-end, within the act that causes it.

Kinds are a closed list. What an announcement says is sealed under the month's
period key, the provider's own reference to the account with it. It names signals,
tasks and notices by their ids, never an identifier.

```python
await announcer.announce(
    tx, Announcement(EventKind.TASK_DUE, subject, {"task": task, "due_at": due})
)
```
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_bytes
from threading import Lock
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.subject_refs import account_of, join
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.store.notices_rows import ProviderEventRow
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction

Content = Mapping[str, str | int | bool | None]

KEPT: Final = timedelta(days=30)
"""How long the content of an event is kept, or of one with a receipt after it."""
UNRECEIPTED: Final = timedelta(days=365)
"""How long the content is kept of what nobody receipts, with reminders."""
REMINDED: Final = timedelta(days=1)
"""How often somebody is reminded of a receipt that is overdue."""
_MARK_BYTES: Final = 8
_DOMAIN: Final = "fedsafe/v1/provider-event"


RECEIPT_WITHIN: Final[Mapping[EventKind, timedelta]] = {
    EventKind.NOTICE_DUE: timedelta(days=3)
}
"""What needs a receipt, and how soon."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the provider is told; `subject_ref` is the account, with its service."""

    kind: EventKind
    subject_ref: str | None = field(default=None, repr=False)
    content: Content = field(default_factory=dict, repr=False)


class _Sealed(Row, frozen=True, kw_only=True):
    subject_ref: str | None
    content: dict[str, str | int | bool | None]
    service: str | None = None


class Bell:
    """Wakes whoever waits for an announcement; rung from the writer's thread.

    Guarded by `_lock`: who waits, and whether it is closed.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def listen(self) -> asyncio.Event:
        """Begin to wait: what happens from now on sets the event."""
        heard = asyncio.Event()
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self._closed:
                heard.set()
            self._waiting.add(heard)
        return heard

    def leave(self, heard: asyncio.Event) -> None:
        """Wait no longer."""
        with self._lock:
            self._waiting.discard(heard)

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether nobody needs to wait any more."""
        return self._closed

    def ring(self) -> None:
        """Wake all that wait; from any thread."""
        with self._lock:
            if self._loop is None or not self._waiting:
                return
            for heard in self._waiting:
                with suppress(RuntimeError):  # its loop has ended, so nobody waits
                    self._loop.call_soon_threadsafe(heard.set)

    def close(self) -> None:
        """Wake all for the last time; who listens from now on does not wait."""
        with self._lock:
            self._closed = True
        self.ring()


class Announcer:
    """Announces in acts; `bell` wakes the readers that wait."""

    def __init__(self, periods: PeriodKeys, clock: Clock) -> None:
        self.periods = periods
        self._clock = clock
        self.bell = Bell()

    async def announce(
        self, tx: Transaction, announcement: Announcement, *, reminds: int | None = None
    ) -> int:
        """Announce something within an act, and return its number.

        `reminds` is the number of the event that this one reminds of: a reminder
        needs no receipt of its own.
        """
        number = await tx.last_provider_event() + 1
        moment = self._clock.now()
        now, period = int(moment.timestamp()), period_of(moment)
        kind = announcement.kind
        within = RECEIPT_WITHIN.get(kind) if reminds is None else None
        due = None if within is None else now + int(within.total_seconds())
        kept = KEPT if within is None else UNRECEIPTED
        service, reference = account_of(announcement.subject_ref)
        payload = encode(
            _Sealed(
                service=service,
                subject_ref=reference,
                content=dict(announcement.content),
            )
        )
        await tx.add_provider_event(
            ProviderEventRow(
                number=number,
                kind=kind.value,
                at=now,
                period=period,
                sealed=self.periods.seal(
                    period, payload, _place(number, kind.value, period)
                ),
                expires_at=now + int(kept.total_seconds()),
                due_at=due,
                remind_at=due,
                reminds=reminds,
                mark=token_bytes(_MARK_BYTES),
            )
        )
        # Whoever wakes too early finds it behind the acts that wait: see `feed`.
        self.bell.ring()
        return number

    def read(self, event: ProviderEventRow) -> Announcement | None:
        """Open an event; None if its content is erased, or its period's key.

        Raises:
            StoreFailedError: it is not what was sealed.
        """
        if event.sealed is None:
            return None
        place = _place(event.number, event.kind, event.period)
        try:
            payload = self.periods.unseal(event.period, event.sealed, place)
            if payload is None:
                return None
            sealed = decode(payload, _Sealed)
            subject = sealed.subject_ref
            if subject is not None and sealed.service is not None:
                subject = join(sealed.service, subject)
            return Announcement(EventKind(event.kind), subject, sealed.content)
        except (CryptoError, MalformedError, ValueError):
            raise StoreFailedError(
                f"event {event.number} for the provider does not open"
            ) from None


def _place(number: int, kind: str, period: str) -> bytes:
    return lp_text(_DOMAIN) + number.to_bytes(8) + lp_text(kind) + lp_text(period)
