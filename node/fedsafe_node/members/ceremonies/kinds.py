# SPDX-License-Identifier: Apache-2.0
"""The kinds of ceremonies that members hold on a version of the charter.

The service (`service`) carries messages, keeps states, votes and repeats; a kind says
what is proposed, who should, and what one participant does. All it needs to know of a
proposal is in `Opened`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec import UNSET

from fedsafe_crypto.dkg.feldman import token_key_commitment
from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.activation import HOLDING
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.ceremony import Setting, States
from fedsafe_federation.charter.charter import Charter, Epoch
from fedsafe_federation.charter.renewal import Attendant, Resharing
from fedsafe_federation.charter.renewal_rules import (
    REST,
    Need,
    convenors,
    fitting,
    is_due,
    is_ending,
    is_exposed,
    is_lower,
    made_at,
    need_of,
)
from fedsafe_federation.charter.resharing import (
    LONGEST,
    ResharingProposal,
    Terms,
    open_resharing,
    repeated,
    sign_resharing,
)
from fedsafe_federation.errors import ResharingError
from fedsafe_federation.exchange.handshake import GROUP_COMMITMENTS
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.keys.membership import Membership
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.catalogue import Phrase

DAY: Final = 24 * 3600
YEAR: Final = 365 * DAY
_MOST_OPENED: Final = 64
GRACE: Final = 600
"""So many seconds the members have to take up a version before a key follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A checked proposal, as whoever carries it sees it.

    Attributes:
        target: Epoch and generation that it is to make.
        holding: Type of the last message.
    """

    proposal: Signed
    setting: Setting
    target: tuple[int, int]
    threshold: int
    attempt: int
    left_out: tuple[str, ...]
    created: int
    deadline: int
    holding: str = HOLDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A ceremony that is to be proposed.

    Attributes:
        first: The proposal of a first attempt, still unsigned by anybody else.
        names: Who is to propose it, the first one first.
        grace: How many seconds to wait before anybody does.
    """

    target: tuple[int, int]
    threshold: int
    names: Sequence[str]
    grace: int


class Asked(Protocol):
    """What two people here agreed on, if they did.

    `opens`: another epoch is to begin behind that one.
    """

    @property
    def epoch(self) -> int:
        """The epoch."""
        ...

    @property
    def generation(self) -> int:
        """The generation that is shared anew."""
        ...

    @property
    def threshold(self) -> int:
        """The threshold from then on."""
        ...

    @property
    def opens(self) -> bool:
        """Whether it is a new key that they agreed on."""
        ...


class ResharingKind:
    """The key of an epoch shared anew, or the next epoch begun (`resharing`).

    Owned by the event loop: `_opened`, proposals that were checked.
    """

    def __init__(self, situation: Situation, key: SigningKey) -> None:
        self._situation = situation
        self._key = key
        self._opened: dict[tuple[bytes, Signed], Opened] = {}

    def open(self, version: Version, proposal: Signed) -> Opened:
        """Check a proposal.

        Raises:
            FederationError: its terms cannot be, or it is badly signed.
        """
        known = self._opened.get((version.digest, proposal))
        if known is not None:
            return known
        terms = open_resharing(version, proposal)
        said = terms.proposal
        if len(self._opened) >= _MOST_OPENED:
            self._opened.clear()
        opened = self._opened[version.digest, proposal] = Opened(
            proposal=proposal,
            setting=terms.setting,
            target=(terms.run.generation.epoch, terms.run.generation.number),
            threshold=said.threshold,
            attempt=said.attempt,
            left_out=said.left_out,
            created=said.created,
            deadline=said.deadline,
        )
        return opened

    def side(
        self,
        version: Version,
        opened: Opened,
        states: States,
        *,
        gone: Collection[str],
    ) -> Resharing:
        """Take a seat, with what this node holds of the key.

        Raises:
            FederationError: this node takes no part, or judges otherwise of who is
                left out.
        """
        node, epoch = self._situation.node, opened.target[0]
        attendant = Attendant(node, self._key, self._held(epoch), gone)
        return Resharing(attendant, version, opened.proposal, states)

    def wanted(
        self, chain: Sequence[Charter], wish: Asked | None, now: int
    ) -> list[Wanted]:
        """Say which epochs' keys are to be shared anew, and whether another begins.

        What is shared anew each month waits for the epoch that is about to begin: each
        of both would end the other.
        """
        charter, node = chain[-1], self._situation.node
        found = list(self._opening(chain, wish, now))
        begins = bool(found)
        for entry in charter.live(now):
            target = entry.epoch, entry.generation + 1
            threshold, need = fitting(charter, entry), _need(chain, entry, now)
            if wish is not None and not wish.opens and _is_about(wish, entry):
                found.append(
                    Wanted(
                        target=target, threshold=wish.threshold, names=[node], grace=0
                    )
                )
            elif is_lower(charter, entry):
                continue  # people have to agree on that at each member
            elif need is not None and not (begins and need is Need.MONTHLY):
                names = [each.name for each in convenors(charter, entry, need)]
                found.append(
                    Wanted(target=target, threshold=threshold, names=names, grace=GRACE)
                )
        return found

    def _opening(
        self, chain: Sequence[Charter], wish: Asked | None, now: int
    ) -> Iterator[Wanted]:
        """Say whether the next epoch is to begin, at the latest before one ends.

        Before that if members that left nearly have the key.
        """
        charter = chain[-1]
        newest = charter.newest
        if len(charter.live(now)) > 1:
            return
        threshold, names, grace = fitting(charter, newest), list[str](), GRACE
        if wish is not None and wish.opens and _is_about(wish, newest):
            threshold, names, grace = wish.threshold, [self._situation.node], 0
        elif is_lower(charter, newest) or charter.is_short:
            pass  # people agree on that, or let another member in
        elif is_due(charter, now) or is_exposed(chain):
            names = [each.name for each in charter.willing()]
        if names:
            target = newest.epoch + 1, 1
            yield Wanted(target=target, threshold=threshold, names=names, grace=grace)

    def agrees(
        self, chain: Sequence[Charter], opened: Opened, wish: Asked | None
    ) -> bool:
        """Whether this node takes part without asking its people.

        Whoever deals gives the key to so many: a threshold is agreed on before, by two
        people here, unless it is what the members come to and no lower one.
        """
        newest = chain[-1].newest
        if opened.target[0] > newest.epoch:
            if wish is not None and wish.opens and _is_about(wish, newest):
                return opened.threshold == wish.threshold
            fits = opened.threshold == fitting(chain[-1], newest) >= newest.threshold
            due = is_ending(chain[-1], opened.created) or is_exposed(chain)
            return fits and due
        entry = _entry(chain[-1], opened)
        if wish is not None and not wish.opens and _is_about(wish, entry):
            return opened.threshold == wish.threshold
        if is_lower(chain[-1], entry) or opened.threshold != fitting(chain[-1], entry):
            return False
        rested = opened.created >= made_at(chain, entry) + REST
        return rested or _need(chain, entry, opened.created) is not None

    def propose(self, version: Version, wanted: Wanted, now: int) -> Signed:
        """Propose a first attempt.

        Raises:
            FederationError: it cannot be.
        """
        epoch, generation = wanted.target
        entry = version.charter.newest
        if opens := epoch > entry.epoch:
            epoch, generation = entry.epoch, entry.generation + 1
        entry = next(each for each in version.charter.epochs if each.epoch == epoch)
        length = DAY if wanted.threshold == fitting(version.charter, entry) else LONGEST
        proposal = ResharingProposal(
            federation=version.charter.federation,
            charter=version.digest,
            epoch=epoch,
            generation=generation - 1,
            threshold=wanted.threshold,
            tokens=None if opens else self._tokens(entry),
            created=now,
            deadline=now + length,
            ends=now + YEAR if opens else None,
            commits=self._commits(version.charter) or UNSET,
        )
        return self._signed(version, proposal)

    def repeat(
        self, version: Version, opened: Opened, gone: Collection[str], now: int
    ) -> Signed:
        """Propose the next attempt, without whoever the last one failed by.

        Raises:
            FederationError: too few would be left.
        """
        terms: Terms = open_resharing(version, opened.proposal)
        proposal = repeated(terms, gone, created=now, deadline=now + DAY)
        return self._signed(version, proposal)

    def _signed(self, version: Version, proposal: ResharingProposal) -> Signed:
        node = self._situation.node
        signed = sign_resharing(proposal, convenor=node, key=self._key)
        open_resharing(version, signed)
        return signed

    def _commits(self, charter: Charter) -> bool:
        """Whether all members know how to commit to a media group key."""
        known = any(each.commits for each in charter.epochs)
        return known or self._situation.all_speak(GROUP_COMMITMENTS)

    def _tokens(self, entry: Epoch) -> bytes:
        if entry.tokens is not None:
            return entry.tokens
        held = self._held(entry.epoch)
        if held is None:
            raise ResharingError(Phrase("this node does not know the media token key"))
        federation = self._membership().charter.federation
        return token_key_commitment(federation, entry.epoch, held.token_key)

    def _held(self, epoch: int) -> Held | None:
        membership = self._membership()
        share = membership.shares.get(epoch)
        if share is None:
            return None
        media = membership.media[epoch, share.generation.number]
        return Held(share=share, token_key=media.token)

    def _membership(self) -> Membership:
        shared = self._situation.shared
        if shared is None:
            raise ResharingError(Phrase("this node belongs to no federation"))
        return shared.membership


def _need(chain: Sequence[Charter], entry: Epoch, now: int) -> Need | None:
    return need_of(chain[-1], entry, made_at(chain, entry), now)


def _is_about(wish: Asked, entry: Epoch) -> bool:
    return (wish.epoch, wish.generation) == (entry.epoch, entry.generation)


def _entry(charter: Charter, opened: Opened) -> Epoch:
    epoch, generation = opened.target
    for entry in charter.epochs:
        if (entry.epoch, entry.generation) == (epoch, generation - 1):
            return entry
    raise ResharingError(
        Phrase("the charter has no generation {epoch}.{generation}").filled(
            epoch=epoch, generation=generation - 1
        )
    )
