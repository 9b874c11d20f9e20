# SPDX-License-Identifier: Apache-2.0
"""What people do about keys: have one shared anew, and look how it stands (P6).

Two people of the node agree on a threshold for one generation, for as long as a
ceremony may take. The node then proposes it, or takes part in what another member
proposes with that threshold; without them it takes part only in what fits.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.charter import Charter, Epoch, flaw_of
from fedsafe_federation.charter.diff import Difference, difference
from fedsafe_federation.charter.renewal_rules import (
    MONTH,
    Need,
    departed,
    fitting,
    is_due,
    is_lower,
    made_at,
    need_of,
)
from fedsafe_federation.charter.resharing import LONGEST
from fedsafe_federation.errors import FederationError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import AttemptAnswer, KeyAnswer, ReshareRequest
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.errors import BadRequestError, NodeError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.members.ceremonies.record import (
    Attempt,
    Scene,
    Wish,
    keep,
    opened_of,
    read_scene,
)
from fedsafe_node.members.ceremonies.service import Ceremonies
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.people.pending_acts import let_one_wait
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

_LOG = logging.getLogger(f"{LOGGER}.renewing")
KIND: Final = Act.KEY_ROTATION
_GROUND: Final = "key-rotation"
_OVERDUE: Final = 3 * 24 * 3600  # an attempt takes a day at most, and is made again

_LATE: Final = Phrase(
    "generation {generation} was to be shared anew by {day}; missing: {names}"
)
_LATE_FOR_NOBODY: Final = Phrase(
    "generation {generation} was to be shared anew by {day}; nobody was found missing"
)


class Rotation(Row, frozen=True, kw_only=True):
    """What a second person stands by: that generation shared anew, with a threshold."""

    epoch: int
    generation: int
    threshold: int
    version: int
    opens: bool = False
    changes: list[Difference]


class RotationEffect:
    """The effect of an approved resharing (`approvals.Effect`)."""

    def __init__(
        self, ceremonies: Ceremonies, tend: Callable[[], Awaitable[None]]
    ) -> None:
        self._ceremonies = ceremonies
        self._tend = tend

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put it to the policy, with both persons."""
        del reader, content
        return ActRequest(KIND, first, second, _GROUND)

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> Callable[[], Awaitable[None]]:
        """Keep what was agreed on; what is returned lets the node go on at once.

        Raises:
            WrongStateError: the key is of another generation by now.
        """
        del first, second
        rotation, scene = decode(content, Rotation), await read_scene(tx)
        if scene is None or _find(scene.version.charter, rotation) is None:
            raise WrongStateError(
                "act_changed",
                Phrase("the key is of another generation by now: ask anew"),
            )
        wish = Wish(
            rotation.epoch,
            rotation.generation,
            rotation.threshold,
            self._ceremonies.now() + LONGEST,
            rotation.opens,
        )
        await keep(tx, replace(scene.kept, wish=wish))

        async def learn() -> None:
            try:
                await self._tend()
            except (FederationError, NodeError) as error:
                # What was agreed on is kept: the job goes on with it.
                _LOG.warning("not proposed", extra=fields(reason=type(error).__name__))

        return learn


class Rotations:
    """Asks for resharings, and shows how keys and ceremonies stand."""

    def __init__(
        self, office: Office, ceremonies: Ceremonies, approvals: Approvals
    ) -> None:
        self._office = office
        self._ceremonies = ceremonies
        self._approvals = approvals

    async def ask(self, request: ReshareRequest, who: Principal) -> ActAnswer:
        """Ask a second person to have the newest epoch's key shared anew.

        Raises:
            WrongStateError: this node takes part in no federation now, nobody could
                be the second person, or the same waits for one already.
            BadRequestError: no sharing has such a threshold.
        """
        scene = await self._ceremonies.present()
        if scene is None:
            raise WrongStateError(
                "no_federation", Phrase("this node takes part in no federation now")
            )
        charter = scene.version.charter
        entry = charter.newest
        if request.opens and len(charter.live(self._ceremonies.now())) > 1:
            raise WrongStateError(
                "epoch_runs",
                Phrase("the epoch before has not ended: another begins after it"),
            )
        threshold = request.threshold or fitting(charter, entry)
        holders, length = len(charter.willing()), entry.ends - entry.starts
        is_left = not request.opens and threshold == entry.threshold
        flaw = flaw_of(holders, threshold, length, is_left=is_left)
        if flaw is not None:
            raise BadRequestError("bad_request", flaw, pointer="/threshold")
        office = self._office
        await office.store.scan(
            lambda reader: self._approvals.check_second(reader, KIND, who)
        )
        rotation = Rotation(
            epoch=entry.epoch,
            generation=entry.generation,
            threshold=threshold,
            version=charter.version,
            opens=request.opens,
            changes=[_said(entry, threshold, holders, opens=request.opens)],
        )

        async def keep_one(tx: Transaction, asked: ActAnswer) -> None:
            await let_one_wait(
                office,
                tx,
                asked,
                is_same=lambda other: decode(other, Rotation) == rotation,
            )

        return await self._approvals.ask(KIND, encode(rotation), who, keep=keep_one)

    async def attempts(self) -> list[AttemptAnswer]:
        """Tell of the ceremonies on the version that counts."""
        scene = await self._office.store.scan(read_scene)
        if scene is None:
            return []
        return [self._shown(scene, each) for each in scene.kept.attempts]

    async def keys(self) -> list[KeyAnswer]:
        """Tell who holds the keys, and what is to be done about them."""
        scene = await self._office.store.scan(read_scene)
        if scene is None:
            return []
        now = self._office.now()
        return [_key(scene, each, now) for each in scene.version.charter.live(now)]

    def _shown(self, scene: Scene, attempt: Attempt) -> AttemptAnswer:
        opened = opened_of(scene.version, self._ceremonies.kinds, attempt)
        said = {each.signer for each in attempt.messages if each.type == opened.holding}
        epoch, generation = opened.target
        return AttemptAnswer(
            attempt=opened.attempt,
            by=opened.proposal.signer,
            epoch=epoch,
            generation=generation,
            threshold=opened.threshold,
            deadline=opened.deadline,
            left_out=list(opened.left_out),
            said=sorted(said),
            state=self._state(scene, attempt),
            gone=list(attempt.gone),
        )

    def _state(self, scene: Scene, attempt: Attempt) -> str:
        opened = opened_of(scene.version, self._ceremonies.kinds, attempt)
        if attempt.agreed:
            return "agreed"
        if attempt.over or self._ceremonies.now() > opened.deadline:
            return "failed"
        if attempt.joined:
            return "under_way"
        return "aside" if self._ceremonies.agrees(scene, opened) else "waits"


def warnings(scene: Scene) -> list[Phrase]:
    """Say for which generations the members that left have nearly the key.

    And which ones wait for people, since fewer members would make a token.
    """
    charter = scene.version.charter
    waiting = [
        Phrase(
            "generation {generation} waits for a threshold of {threshold} instead of "
            "{was}: two people at each member have to agree"
        ).filled(
            generation=f"{each.epoch}.{each.generation}",
            threshold=fitting(charter, each),
            was=each.threshold,
        )
        for each in charter.epochs
        if is_lower(charter, each)
    ]
    return waiting + [
        Phrase(
            "{count} members that left hold shares of generation {generation}, and "
            "{threshold} make the key"
        ).filled(
            count=each.count,
            generation=f"{each.epoch}.{each.generation}",
            threshold=each.threshold,
        )
        for each in departed(scene.chain)
        if each.is_close
    ]


def overdue(scene: Scene, now: int) -> list[Phrase]:
    """Say which keys were to be shared anew for days, and who was missing.

    A threshold that people have to lower first is among the warnings, and what is
    shared each month rests while the next epoch is about to begin.
    """
    charter, found = scene.version.charter, list[Phrase]()
    willing = {each.index: each.name for each in charter.willing()}
    for entry in charter.live(now):
        made = made_at(scene.chain, entry)
        need = need_of(charter, entry, made, now)
        if need is None or is_lower(charter, entry):
            continue
        if need is Need.MONTHLY and is_due(charter, now):
            continue
        due = made + MONTH if need is Need.MONTHLY else charter.created
        if now < due + _OVERDUE:
            continue
        pinned = {pin.index for pin in entry.pins}
        lacking = {name for index, name in willing.items() if index not in pinned}
        judged = {name for name, at in scene.kept.judged.items() if at >= due}
        missing = ", ".join(sorted(lacking | (judged & set(willing.values()))))
        day = datetime.fromtimestamp(due, UTC).date()
        number = f"{entry.epoch}.{entry.generation}"
        told = _LATE.filled(generation=number, day=day, names=missing)
        nobody = _LATE_FOR_NOBODY.filled(generation=number, day=day)
        found.append(told if missing else nobody)
    return found


def _key(scene: Scene, entry: Epoch, now: int) -> KeyAnswer:
    charter, made = scene.version.charter, made_at(scene.chain, entry)
    need = need_of(charter, entry, made, now)
    left = [each for each in departed(scene.chain) if each.epoch == entry.epoch]
    worst = min(left, key=lambda each: each.threshold - each.count)
    return KeyAnswer(
        epoch=entry.epoch,
        generation=entry.generation,
        threshold=entry.threshold,
        holders=[each.name for each in charter.holders(entry.epoch)],
        need=None if need is None else need.value,
        departed=worst.count,
        departed_threshold=worst.threshold,
        warns=worst.is_close,
    )


def _find(charter: Charter, rotation: Rotation) -> Epoch | None:
    for entry in charter.epochs:
        if (entry.epoch, entry.generation) == (rotation.epoch, rotation.generation):
            return entry
    return None


def _said(entry: Epoch, threshold: int, holders: int, *, opens: bool) -> Difference:
    if opens:
        number = f"{entry.epoch + 1}.1"
        text = Phrase(
            "key epoch {epoch} begins with a new key {key}: {threshold} of {holders}; "
            "what is older matches for 30 days more"
        ).filled(
            epoch=entry.epoch + 1, key=number, threshold=threshold, holders=holders
        )
        return difference("epochs", text)
    number = f"{entry.epoch}.{entry.generation + 1}"
    text = Phrase("new shares of the key {key}: {threshold} of {holders}")
    filled = text.filled(key=number, threshold=threshold, holders=holders)
    return difference("epochs", filled)
