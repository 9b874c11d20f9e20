# SPDX-License-Identifier: Apache-2.0
"""What this provider itself lists about a person, now: signals, own bans and drafts.

A request keeps the tokens under which this node would list its identifier, sealed
with what was found. So a grant also finds what was listed after the request, and what
still waits for its second person; and no draft about a person is approved while their
request for erasure is open.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.acts.requests import RequestKind
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.rights.listing_search import Evaluated
from fedsafe_node.rights.sealing import Content, open_content
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.desk import Desk
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.signals.view import MAX_DRAFTS
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_node.store.rows import DraftRow, DraftState, SignalRow, SignalStatus

_ENDED: Final = frozenset({SignalStatus.REVOKED, SignalStatus.ERASED})
ERASES: Final = frozenset({RequestKind.ERASURE.value, RequestKind.OBJECTION.value})
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows of this node about a person that say something, and pending drafts."""

    rows: Sequence[SignalRow]
    drafts: Sequence[DraftRow]

    def __len__(self) -> int:
        """How many there are in all."""
        return len(self.rows) + len(self.drafts)


def own_tokens(
    situation: Situation, person: Person, evaluated: Evaluated
) -> list[bytes]:
    """Give the tokens under which this node lists an identifier."""
    own, shared = situation.own, situation.shared
    tokens = [own.token(own.output(person))]
    if shared is not None:
        tokens += [
            shared.tokens(output)[situation.node] for output in evaluated.outputs
        ]
    return tokens


async def listed_here(
    reader: Reader,
    desk: Desk,
    content: Content,
    ended: Collection[SignalStatus] = _ENDED,
) -> Listed:
    """Find what this provider lists now about the person of a request.

    What has *ended* is left out.
    """
    own, node = desk.situation.own.name, desk.situation.node
    found: dict[int, SignalRow] = {}
    for finding in content.findings:
        origin = own if finding.own else finding.origin
        row = await reader.signal(origin, read_signal_id(finding.signal))
        if row is not None:
            found[row.row] = row
    hints = {row for token in content.tokens for row in desk.lists.rows(token)}
    for row in await reader.signals_at(sorted(hints)):
        if row.token in content.tokens:
            found[row.row] = row
    rows = [
        row
        for _, row in sorted(found.items())
        if row.origin in {own, node} and row.status not in ended
    ]
    return Listed(rows, await drafts_about(reader, desk, content, rows))


async def drafts_about(
    reader: Reader, desk: Desk, content: Content, rows: Sequence[SignalRow] = ()
) -> list[DraftRow]:
    """Find the drafts about the person of a request, or that hang on own bans of it."""
    bans = {row.signal_id for row in rows if row.own}
    found: list[DraftRow] = []
    for row in await reader.drafts(DraftState.PENDING, MAX_DRAFTS):
        try:
            draft = open_draft(row, desk.periods)
        except WrongStateError:
            continue  # nobody can ever publish what does not open
        if draft.token in content.tokens or draft.own in bans:
            found.append(row)
    return found


@dataclass(frozen=True, slots=True)
class OpenErasures:
    """Knows about whom nothing may be published for now (`desk.Shield`)."""

    periods: PeriodKeys

    async def tokens(self, reader: Reader) -> frozenset[bytes]:
        """Give the tokens of all whose request for erasure is not closed."""
        found: set[bytes] = set()
        for state in (RequestState.OPEN, RequestState.ANSWERED):
            last = None
            while rows := await reader.requests(state, _PAGE, last):
                last = rows[-1]
                for row in rows:
                    if row.kind in ERASES:
                        content = open_content(self.periods, row)
                        found |= set(content.tokens) if content is not None else set()
        return frozenset(found)
