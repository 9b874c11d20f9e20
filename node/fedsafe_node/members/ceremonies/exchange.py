# SPDX-License-Identifier: Apache-2.0
"""Carry what is said in ceremonies between members, and media keys to who lacks them.

A node pushes what it said itself after what it had heard before, for what it says
cites that: a complaint without the message complained of would stand against who
complains. It is given what it has not heard, from whoever has heard it: so one whom the
sender cannot reach hears of it from another. It also says which version of the charter
it holds: once all do, old shares are destroyed. Nothing is sent to a member that knows
as much, unless a ceremony is under way or failed by nobody knows whom.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_federation.charter.activation import HOLDING
from fedsafe_federation.charter.charter import Member, MemberRole
from fedsafe_federation.errors import AmendmentError, MalformedError, PeerError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import (
    MOST_HEARD,
    MOST_SAID,
    CarriedAnswer,
    CarriedRequest,
    Lacked,
    SealedKeys,
)
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import Workers
from fedsafe_node.keys.own_keys import HeldKeys, load_media_keys, write_media_keys
from fedsafe_node.members.ceremonies.record import Scene, digest_of, read_scene
from fedsafe_node.members.ceremonies.service import Ceremonies
from fedsafe_node.members.charter.ballot import Ballot
from fedsafe_node.members.charter.media_keys import opened_media, sealed_media
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_policies.ground.catalogue import Phrase

_LOG = logging.getLogger(f"{LOGGER}.renewing")
_MOST_SENT: Final = 2 * 1024 * 1024
_MOST_ANSWERED: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Told:
    """What a member was last told."""

    version: int
    said: frozenset[bytes]


class Carrying:
    """Asks other members, and answers them.

    Owned by the event loop: `_told`, what each member was told.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        place: Place,
        situation: Situation,
        store: Store,
        ceremonies: Ceremonies,
        ballot: Ballot,
        client: PeerClient,
        *,
        keys: HeldKeys,
        offload: Workers,
    ) -> None:
        self._place = place
        self._situation = situation
        self._store = store
        self._keys = keys
        self._offload = offload
        self._ceremonies = ceremonies
        self._ballot = ballot
        self._client = client
        self._told: dict[str, _Told] = {}

    async def exchange(self, request: CarriedRequest, peer: str) -> CarriedAnswer:
        """Take in what a member says, and give it what it lacks.

        Raises:
            WrongStateError: this node has no federation.
        """
        ceremonies = self._ceremonies
        ack = peer, request.version
        if await ceremonies.take(request.statements, ack=ack):
            self._ballot.spread()
        scene = await self._store.scan(read_scene)
        if scene is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        if request.version > scene.version.charter.version:
            self._ballot.spread()  # it is ahead: ask at once
        statements: list[Signed] = []
        if request.charter == scene.version.digest:
            have = set(request.have)
            lacking = [e for e in scene.kept.statements() if digest_of(e) not in have]
            statements = _fitting(lacking, _MOST_ANSWERED)
        return CarriedAnswer(
            statements=statements, media=self._media(scene, peer, request.lacks)
        )

    async def swap(self, member: Member) -> None:
        """Tell a member what is new here, and take in what it gives.

        Raises:
            PeerError: no usable answer.
        """
        scene = await self._ceremonies.present()
        if scene is None or not member.active:
            return
        version = scene.version.charter.version
        told = self._told.get(member.name, _Told(0, frozenset()))
        said = self._said(scene, member.name)
        new = [each for each in said if digest_of(each) not in told.said]
        lacks = await self._lacks(scene)
        is_quiet = not new and not lacks and told.version == version
        if is_quiet and self._is_settled(scene):
            return
        sent = _fitting(new[:MOST_SAID], _MOST_SENT)
        request = CarriedRequest(
            version=version,
            charter=scene.version.digest,
            statements=sent,
            have=[digest_of(each) for each in scene.kept.statements()][-MOST_HEARD:],
            lacks=lacks,
        )
        data = await self._client.exchange_ceremonies(member, encode(request))
        try:
            answer = decode(data, CarriedAnswer)
        except MalformedError as error:
            raise PeerError(member.name, str(error)) from None
        heard = frozenset(map(digest_of, sent)) | told.said
        self._told[member.name] = _Told(version, heard)
        if len(sent) < len(new) or await self._ceremonies.take(answer.statements):
            self._ballot.spread()
        await self._keep_media(scene, answer.media, lacks, member.name)

    def _said(self, scene: Scene, member: str) -> list[Signed]:
        """Give what a member is told: what this node said, after all that it cites."""
        node = self._situation.node
        return [
            each
            for each in scene.kept.statements()
            if each.signer == node or (each.signer != member and each.type != HOLDING)
        ]

    def _is_settled(self, scene: Scene) -> bool:
        """Whether no ceremony needs anything more that another may have heard."""
        ceremonies = self._ceremonies
        return all(
            each.agreed
            or (each.over and (each.gone or ceremonies.is_late(scene, each)))
            for each in scene.kept.attempts
        )

    async def _lacks(self, scene: Scene) -> list[Lacked]:
        """Name the generations of which this node should have media keys."""
        shared = self._situation.shared
        if shared is None:
            return []
        here = shared.membership.media
        return [
            Lacked(epoch=each.epoch, generation=each.generation)
            for each in scene.version.charter.epochs
            if each.epoch in shared.membership.pins
            and (each.epoch, each.generation) not in here
        ]

    def _media(
        self, scene: Scene, peer: str, wanted: Sequence[Lacked]
    ) -> list[SealedKeys]:
        shared = self._situation.shared
        charter = scene.version.charter
        member = next((each for each in charter.active() if each.name == peer), None)
        if shared is None or member is None or MemberRole.MEDIA not in member.roles:
            return []
        numbers = [(each.epoch, each.generation) for each in wanted]
        return sealed_media(
            shared.membership, member.name, member.keys.sealing, numbers
        )

    async def _keep_media(
        self,
        scene: Scene,
        sealed: Sequence[SealedKeys],
        lacks: Sequence[Lacked],
        giver: str,
    ) -> None:
        wanted = {(each.epoch, each.generation) for each in lacks}
        given = [e for e in sealed if (e.epoch, e.generation) in wanted]
        if not given:
            return
        place, node = self._place, self._situation.node

        def write() -> None:
            for each in given:
                keys = opened_media(self._keys.sealing, each, scene.chain, node)
                known = load_media_keys(place)
                same = {known[n].token for n in known if n[0] == each.epoch}
                if same and keys.token not in same:
                    raise AmendmentError(Phrase("the media token key is another one"))
                write_media_keys(place, each.epoch, each.generation, keys)

        try:
            await self._offload(write)
        except AmendmentError as error:
            facts = fields(peer=giver, reason=str(error))
            _LOG.warning("media keys refused", extra=facts)
            raise PeerError(giver, str(error)) from None
        await self._ballot.keys_changed()


def _fitting(statements: Sequence[Signed], most: int) -> list[Signed]:
    """Give as many as fit into one message, and always one."""
    found: list[Signed] = []
    size = 0
    for each in statements:
        size += 2 * len(each.payload)
        if found and size > most:
            break
        found.append(each)
    return found
