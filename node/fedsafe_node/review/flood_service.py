# SPDX-License-Identifier: Apache-2.0
"""Match floods as the API calls them (`api.services.Floods`)."""

from uuid import UUID

from msgspec.structs import asdict

from fedsafe_node.acts.floods import (
    BoundRequest,
    FloodAnswer,
    FloodQuery,
    FloodReference,
    FloodRulingRequest,
    FloodsAnswer,
    FloodShown,
    FloodsQuery,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import split
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.flood_rulings import ask_to_raise, rule_on_flood
from fedsafe_node.review.floods import flood_event, flood_match
from fedsafe_node.review.view import admit
from fedsafe_node.store.review_rows import FloodRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase


class FloodService:
    """Lists, shows and rules on floods, and asks to raise a bound."""

    def __init__(self, desk: ReviewDesk, office: Office, approvals: Approvals) -> None:
        self._desk = desk
        self._office = office
        self._approvals = approvals

    async def list(self, query: FloodsQuery, who: Principal) -> FloodsAnswer:
        """List the floods of a state.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        desk = self._desk

        async def act(tx: Transaction) -> FloodsAnswer:
            decision = admit(desk, who, query.purpose)
            rows = await tx.floods_in(query.state, query.limit, after=query.after or "")
            entry = desk.trail.entry(
                Event.FLOOD_READ,
                at=desk.clock.now(),
                actor=who.name,
                detail={"floods": len(rows), **grounds_of(decision)},
            )
            await desk.note(tx, entry)
            return FloodsAnswer(
                floods=[shown(desk, row) for row in rows],
                next=rows[-1].id if len(rows) == query.limit else None,
            )

        return await desk.admitted(act, who, "flood.list")

    async def show(
        self, flood_id: str, query: FloodQuery, who: Principal
    ) -> FloodAnswer:
        """Show a flood with its references, page by page.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such flood.
        """
        desk = self._desk

        async def act(tx: Transaction) -> FloodAnswer:
            decision = admit(desk, who, query.purpose)
            flood = await tx.flood(flood_id)
            if flood is None:
                raise NotFoundError(Phrase("no such flood"))
            await tx.add_look(f"flood:{flood.id}", who.name, desk.now())
            rows = await tx.flood_subjects(
                flood.id, query.limit, after=query.after or ""
            )
            origin = desk.origin_of(flood.origin)
            raised = await tx.raised_bound(origin, flood.about, desk.now())
            detail: Detail = {"references": len(rows), **grounds_of(decision)}
            entry = flood_event(desk, Event.FLOOD_READ, flood, detail, by=who.name)
            await desk.note(tx, entry)
            return FloodAnswer(
                **asdict(shown(desk, flood)),
                subjects=[_reference(subject, at) for subject, at in rows],
                next=rows[-1][0] if len(rows) == query.limit else None,
                raised_to=None if raised is None else raised.bound,
                raised_until=None if raised is None else raised.until,
            )

        return await desk.admitted(act, who, "flood.show")

    async def rule(
        self, flood_id: str, request: FloodRulingRequest, who: Principal
    ) -> FloodShown:
        """Rule on a flood; see `flood_rulings.rule_on_flood`."""
        ruled = await rule_on_flood(self._desk, flood_id, request, who)
        return shown(self._desk, ruled)

    async def raise_bound(
        self, flood_id: str, request: BoundRequest, who: Principal
    ) -> ActAnswer:
        """Ask to raise a bound; see `flood_rulings.ask_to_raise`."""
        return await ask_to_raise(
            self._desk, self._office, self._approvals, flood_id, request, who
        )


def shown(desk: ReviewDesk, flood: FloodRow) -> FloodShown:
    """Show how a flood stands."""
    return FloodShown(
        flood=flood.id,
        signal=str(UUID(bytes=flood.signal_id)),
        origin=desk.origin_of(flood.origin),
        state=flood.state,
        bound=flood.bound,
        references=flood.kept,
        beyond=flood.beyond,
        opened_at=flood.opened_at,
        ends_at=flood.ends_at,
        match=flood_match(desk, flood),
        ruled_by=flood.ruled_by,
        second=flood.second,
        ruled_at=flood.ruled_at,
        reason=flood.reason,
    )


def _reference(subject: str, at: int) -> FloodReference:
    service, reference = split(subject)
    return FloodReference(service=service, subject_ref=reference, added_at=at)
