# SPDX-License-Identifier: Apache-2.0
"""Credentials of services that this process has read, so that few are read twice.

A service asks many times a second under one credential, and each time all that is to
be known is that nobody has ended it. So what was read is kept, by the hash of the
token, and let go of

* when a credential is ended or given another end: here at once, before that is
  acknowledged (`Machines`), and in another process of the node before it looks at its
  next request (`store.change_counter`);
* when it expires, which is looked at each time;
* after `LONGEST` seconds in any case.

People are not kept: whether a person may act hangs on their account and training.

```python
turn = known.turn
row, terms = ...  # read from the store
known.keep(credential_id, who, until, turn=turn, now=now)
known.find(credential_id, now=now)
```
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_node.ground.principal import Principal

LONGEST: Final = 60
"""So many seconds a credential is good for without being read again."""
MOST: Final = 1_024


@dataclass(frozen=True, slots=True)
class _Known:
    who: Principal
    until: int | None
    read_at: int


class KnownCredentials:
    """What was read of credentials. Owned by the event loop.

    `turn` counts how often all was forgotten: what was read before is not kept after.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self.turn = 0

    def find(self, credential: str, *, now: int) -> Principal | None:
        """Say whose credential it is; None if that has to be read."""
        known = self._known.get(credential)
        if known is None:
            return None
        has_ended = known.until is not None and known.until <= now
        if has_ended or not 0 <= now - known.read_at < LONGEST:
            del self._known[credential]
            return None
        return known.who

    def keep(
        self, credential: str, who: Principal, until: int | None, *, turn: int, now: int
    ) -> None:
        """Keep what was read since *turn*, unless something was ended meanwhile."""
        if turn != self.turn:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[credential] = _Known(who, until, now)

    def forget(self) -> None:
        """Read every credential again: one may have ended."""
        self.turn += 1
        self._known.clear()
