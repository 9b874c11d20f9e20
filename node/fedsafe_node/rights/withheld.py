# SPDX-License-Identifier: Apache-2.0
"""Hold back from a person that the police, say, got an evidence pack (Art. 23 GDPR).

An access request (Art. 15) names everybody for whom a pack about the person was made.
Where that would warn them, the law lets a recipient go unnamed for a while: for a
reason that the policy lists (P16), with a reference, until a day. It takes two people
(P6), one of them the data protection officer, and holds for one pack. The day after,
answers name it again, and until then `rights show` tells who answers that it is so.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import PackWithheld, WithholdPackRequest
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Withholding

KIND: Final = Act.RECIPIENT_SILENCE
_KEPT: Final = "packs/withheld/{entry}"


class Silence(Row, frozen=True, kw_only=True):
    """What two people stand by: this pack is not told until a day, for a reason."""

    pack: int
    recipient: str
    reason: Withholding
    note: str
    until: date


class Withheld(Row, frozen=True, kw_only=True):
    """A pack that is not told before the moment `until`; the newest one counts."""

    reason: Withholding
    note: str
    by: str
    second: str
    at: int
    until: int


async def withheld(reader: Reader, row: PackRow, now: int) -> Withheld | None:
    """Say whether a pack is held back now, and by whom."""
    kept = await reader.meta(_KEPT.format(entry=row.entry))
    found = None if kept is None else decode(kept, Withheld)
    return found if found is not None and now < found.until else None


async def told_of(reader: Reader, rows: Sequence[PackRow], now: int) -> list[PackRow]:
    """Give the packs that a person is told of now."""
    return [row for row in rows if await withheld(reader, row, now) is None]


def shown(held: Withheld) -> PackWithheld:
    """Show a withholding to who answers the person."""
    until = datetime.fromtimestamp(held.until, UTC)
    return PackWithheld(
        reason=held.reason,
        note=held.note,
        by=held.by,
        second=held.second,
        until=until.isoformat(timespec="seconds"),
    )


class RecipientSilence:
    """The effect of an approved withholding (`approvals.Effect`)."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put it to the policy, with both persons.

        Raises:
            WrongStateError: the day is not ahead any more, or the policy takes no
                such reason by now.
        """
        del reader
        asked = decode(content, Silence)
        if not decide(self._office, asked, first).allowed:
            raise WrongStateError(
                "act_changed",
                Phrase(
                    "the recipient can no longer be left out of the answer in "
                    "this way: ask for it again"
                ),
            )
        return ActRequest(KIND, first, second, asked.note)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Hold the pack back, and write down who does."""
        office, asked = self._office, decode(content, Silence)
        kept = Withheld(
            reason=asked.reason,
            note=asked.note,
            by=first.name,
            second=second.name,
            at=office.now(),
            until=_seconds(asked.until),
        )
        await tx.set_meta(_KEPT.format(entry=asked.pack), encode(kept))
        await office.note(
            tx,
            Event.RECIPIENT_WITHHELD,
            first.name,
            {
                "pack": asked.pack,
                "note": asked.note,
                "until": asked.until.isoformat(),
                "second": second.name,
                **grounds_of(decide(office, asked, first)),
            },
        )


class PackWithholding:
    """Asks that a pack be held back."""

    def __init__(self, office: Office, approvals: Approvals) -> None:
        self._office = office
        self._approvals = approvals

    async def ask_for(
        self, entry: int, request: WithholdPackRequest, who: Principal
    ) -> ActAnswer:
        """Ask a second person to hold a pack back from the person it is about.

        Raises:
            DeniedError: this role may not, or the policy takes no such reason or day.
            NotFoundError: no pack with openings has gone out with that entry.
        """
        office = self._office
        packs = await office.store.scan(lambda reader: reader.packs())
        row = next((each for each in packs if each.entry == entry), None)
        if row is None:
            raise NotFoundError(Phrase("no such pack"))
        asked = Silence(
            pack=entry,
            recipient=row.recipient,
            reason=request.reason,
            note=request.note,
            until=request.until,
        )
        decision = decide(office, asked, Person(who.name, who.role))
        if not decision.allowed:
            await office.refused(decision, who.name, "pack.withhold")
            raise DeniedError(decision)
        return await self._approvals.ask(KIND, encode(asked), who)


def decide(office: Office, asked: Silence, person: Person) -> Decision:
    """Decide whether a pack may be held back so (P16)."""
    request = WithholdingRequest(
        person=person, reason=asked.reason, note=asked.note, until=asked.until
    )
    return office.judge.decide(request, office.clock.now())


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
