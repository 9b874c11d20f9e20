# SPDX-License-Identifier: Apache-2.0
"""The resharing ceremony: the key of an epoch is shared anew among today's members.

Refresh, join, leave, a new threshold and a new epoch are this one thing. It stands on
one version of the charter: whoever takes part now and is pinned deals, whoever takes
part now as a holder receives. With `ends` it opens the next epoch, with a key that
nobody had before: then all holders deal. Who shall not be in it is suspended, expelled
or given other roles first, by the charter. The messages travel as those of a founding
do:

| round | message | of whom |
|---|---|---|
| 0 | `resharing.proposal`: what, by when, which attempt | the convenor |
| 1 | `resharing.announce` | who receives |
| 2 | `resharing.deal` | who deals |
| 3 | `resharing.verdict` | who receives |
| 4 | `resharing.holding`: "my share is safe, and fits this epoch" | who receives |

The end is an epoch that all its holders have signed, and the next version of the
charter, on which members vote as on any other (`amendment`): nobody who took part can
stop it any more. Until then a member that cheats or is silent past the deadline costs
one attempt: the next one leaves it out. A node leaves out whom it found so itself.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from fedsafe_crypto.dkg.joint import Outcome
from fedsafe_crypto.dkg.runs import Roster, Run, Source
from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.keys import Generation
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.ceremony import Setting
from fedsafe_federation.charter.charter import (
    MAX_MEMBERS,
    Charter,
    Epoch,
    Member,
    Pin,
    flaw_of,
    pins_of,
)
from fedsafe_federation.charter.proposal import FederationId
from fedsafe_federation.errors import ResharingError
from fedsafe_federation.wire.signed import (
    Bytes32,
    NodeName,
    Positive,
    Seconds,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase

PROPOSAL: Final = "resharing.proposal"
LONGEST: Final = 14 * 24 * 3600
MOST_ATTEMPTS: Final = 1000


class ResharingProposal(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """The terms of one attempt.

    `charter` is the digest of the version that it stands on, `tokens` commits to the
    epoch's media token key, `left_out` are the members that earlier attempts failed by.
    `ends`, instead of `tokens`, is the end of the epoch that is opened behind `epoch`,
    the newest one; it starts at `created`. With `commits` the charter will commit to
    the media group key: all that take part have to know how.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    federation: FederationId
    charter: Bytes32
    epoch: Positive
    generation: Positive
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    tokens: Bytes32 | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1, le=MOST_ATTEMPTS)] = 1
    left_out: Annotated[tuple[NodeName, ...], msgspec.Meta(max_length=MAX_MEMBERS)] = ()
    created: Seconds
    deadline: Seconds
    ends: Seconds | None = None
    commits: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Terms:
    """A checked proposal: the charter under it, the entry it follows, and the run."""

    proposal: ResharingProposal
    version: Version
    old: Epoch
    setting: Setting

    @property
    def run(self) -> Run:
        """The run of the key generation."""
        return self.setting.run

    @property
    def opens(self) -> bool:
        """Whether it opens an epoch, with a new key."""
        return self.proposal.ends is not None

    @property
    def commits(self) -> bool:
        """Whether the charter will commit to the media group key."""
        return self.proposal.commits is True

    def entry(
        self, made: Outcome, tokens: bytes, group: bytes | UnsetType = UNSET
    ) -> Epoch:
        """Make the epoch as the charter will show it, still unsigned."""
        pins = made.pins
        shared = replace(
            self.old,
            epoch=self.run.generation.epoch,
            generation=self.run.generation.number,
            threshold=self.proposal.threshold,
            public=pins.public,
            pins=[Pin(index, share) for index, share in pins.members.items()],
            transcript=made.transcript,
            tokens=tokens,
            group=group,
            holdings=(),
        )
        ends = self.proposal.ends
        if ends is None:
            return shared
        return replace(shared, starts=self.proposal.created, ends=ends)

    def charter(self, entry: Epoch) -> Charter:
        """Make the next version of the charter, the same wherever it is made."""
        before = self.version.charter
        created = max(self.proposal.created, before.created)
        epochs = [entry if each is self.old else each for each in before.epochs]
        if self.opens:
            epochs = [*before.live(created), entry]
        return replace(
            before,
            version=before.version + 1,
            previous=self.version.digest,
            created=created,
            epochs=epochs,
        )


def sign_resharing(
    proposal: ResharingProposal, *, convenor: str, key: SigningKey
) -> Signed:
    """Sign a proposal as its convenor."""
    return sign_statement(
        proposal,
        type_=PROPOSAL,
        signer=convenor,
        key=key,
        federation=proposal.federation,
    )


def open_resharing(version: Version, statement: Signed) -> Terms:
    """Check a proposal against the charter that it stands on.

    Raises:
        UntrustedError: its convenor takes no part, or the signature is bad.
        MalformedError: the payload is no proposal.
        ResharingError: it is of another version or generation, or its terms cannot be.
    """
    charter = version.charter
    proposal = open_statement(
        statement,
        ResharingProposal,
        type_=PROPOSAL,
        public=charter.taking_part(statement.signer).keys.statement,
        federation=charter.federation,
    )
    if (proposal.federation, proposal.charter) != (charter.federation, version.digest):
        raise ResharingError(
            Phrase("the proposal stands on another version of the charter")
        )
    old = _entry(charter, proposal.epoch, proposal.generation)
    _check_terms(charter, proposal, old, statement.signer)
    digest = hashlib.sha256(statement.payload).digest()
    setting = Setting(
        what="resharing",
        federation=charter.federation,
        run=_run(charter, proposal, old, digest),
        names={each.name: each.index for each in _participants(charter, proposal)},
        failure=ResharingError,
        unheard=frozenset(proposal.left_out),
    )
    return Terms(proposal, version, old, setting)


def repeated(
    terms: Terms, gone: Collection[str], *, created: int, deadline: int
) -> ResharingProposal:
    """Propose the next attempt, without whoever the last one failed by.

    Raises:
        ResharingError: nobody of them takes part, or too few would be left.
    """
    last = terms.proposal
    if not set(gone) & terms.setting.names.keys():
        raise ResharingError(Phrase("nobody to be left out takes part"))
    proposal = replace(
        last,
        charter=terms.version.digest,
        attempt=last.attempt + 1,
        left_out=tuple(sorted({*last.left_out, *gone})),
        created=created,
        deadline=deadline,
    )
    indices = {terms.setting.names.get(name, 0) for name in gone}
    try:
        terms.run.without(indices, attempt=hashlib.sha256(b"next").digest())
    except CryptoError as error:
        raise ResharingError(
            Phrase("it cannot be repeated without them: {error}").filled(error=error)
        ) from None
    return proposal


def _entry(charter: Charter, epoch: int, generation: int) -> Epoch:
    for entry in charter.epochs:
        if (entry.epoch, entry.generation) == (epoch, generation):
            return entry
    raise ResharingError(
        Phrase("the charter has no generation {epoch}.{generation}").filled(
            epoch=epoch, generation=generation
        )
    )


def _check_terms(
    charter: Charter, proposal: ResharingProposal, old: Epoch, convenor: str
) -> None:
    names = {each.name for each in charter.members}
    if list(proposal.left_out) != sorted(set(proposal.left_out) & names):
        raise ResharingError(Phrase("whom it leaves out is no member, or out of order"))
    if (proposal.attempt == 1) != (not proposal.left_out):
        raise ResharingError(
            Phrase("the first attempt leaves out nobody, each later one does")
        )
    if convenor in proposal.left_out:
        raise ResharingError(Phrase("its convenor is left out"))
    count, length = len(_recipients(charter, proposal)), old.ends - old.starts
    if proposal.ends is not None:
        length = proposal.ends - proposal.created
    is_kept = proposal.threshold == old.threshold
    is_left = is_kept and (proposal.ends is None or bool(proposal.left_out))
    flaw = flaw_of(count, proposal.threshold, length, is_left=is_left)
    if flaw is not None:
        raise ResharingError(flaw)
    _check_keys(charter, proposal, old)


def _check_keys(charter: Charter, proposal: ResharingProposal, old: Epoch) -> None:
    if not 0 < proposal.deadline - proposal.created <= LONGEST:
        raise ResharingError(Phrase("the deadline has to be within 14 days"))
    if (proposal.ends is None) == (proposal.tokens is None):
        raise ResharingError(
            Phrase("it shares a key anew or opens an epoch, one of both")
        )
    if proposal.ends is not None:
        _check_opening(charter, proposal)
    elif proposal.created >= charter.epoch_over(old.epoch):
        raise ResharingError(
            Phrase("the epoch is over: nobody has shares of its key any more")
        )
    elif old.tokens not in (None, proposal.tokens):
        raise ResharingError(Phrase("the media token key is another one"))
    if old.commits and proposal.commits is not True:
        raise ResharingError(
            Phrase("nothing would commit to the media group key any more")
        )


def _check_opening(charter: Charter, proposal: ResharingProposal) -> None:
    newest, begins = charter.newest, proposal.created
    if proposal.epoch != newest.epoch:
        raise ResharingError(Phrase("a new epoch follows the newest one"))
    if begins < max(newest.starts, charter.created):
        raise ResharingError(Phrase("a new epoch begins after the newest one"))
    for each in charter.live(begins):
        if each is not newest:
            over = charter.epoch_over(each.epoch)
            day = datetime.fromtimestamp(over, tz=UTC).date().isoformat()
            raise ResharingError(
                Phrase(
                    "two epochs live already: epoch {epoch} is over on {day}, and "
                    "only then can the next one begin"
                ).filled(epoch=each.epoch, day=day)
            )


def _run(
    charter: Charter, proposal: ResharingProposal, old: Epoch, attempt: bytes
) -> Run:
    generation, source = Generation(epoch=old.epoch + 1, number=1), None
    try:
        if proposal.tokens is not None:
            generation = Generation(epoch=old.epoch, number=old.generation + 1)
            source = Source(
                pins=pins_of(old).to_bytes(),
                dealers=_roster(_dealers(charter, proposal)),
                token_commitment=proposal.tokens,
            )
        return Run(
            federation_id=charter.federation,
            generation=generation,
            threshold=proposal.threshold,
            roster=_roster(_recipients(charter, proposal)),
            attempt=attempt,
            source=source,
        )
    except CryptoError as error:
        raise ResharingError(
            Phrase("the key cannot be shared so: {error}").filled(error=error)
        ) from None


def _dealers(charter: Charter, proposal: ResharingProposal) -> list[Member]:
    if proposal.ends is not None:
        return _recipients(charter, proposal)
    holders = charter.holders(proposal.epoch)
    return [each for each in holders if each.name not in proposal.left_out]


def _recipients(charter: Charter, proposal: ResharingProposal) -> list[Member]:
    return [each for each in charter.willing() if each.name not in proposal.left_out]


def _participants(charter: Charter, proposal: ResharingProposal) -> list[Member]:
    dealers = _dealers(charter, proposal)
    recipients = _recipients(charter, proposal)
    return [*dealers, *(each for each in recipients if each not in dealers)]


def _roster(members: Sequence[Member]) -> Roster:
    return tuple((each.index, each.keys.statement) for each in members)
