# SPDX-License-Identifier: Apache-2.0
"""What people and members ask and are told about the charter and its ceremonies."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from fedsafe_federation.charter.bundles import Bundle
from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_federation.charter.charter import (
    MAX_MEMBERS,
    MOST_BACKFILL,
    MemberRole,
)
from fedsafe_federation.charter.former_keys import MOST_FORMER
from fedsafe_federation.wire.signed import (
    Bytes32,
    Count,
    NodeName,
    Positive,
    Seconds,
    Signed,
)
from fedsafe_node.acts.bodies import Bilingual, Message


class QuarantineAnswer(Message, frozen=True, kw_only=True):
    """What of a member is set aside: its feed from `first` on.

    `records` counts what of that is here. `whole` says that all of its feed is, since
    the audit log does not tell any more what came before that moment.
    """

    member: str
    after: int
    first: int
    records: int
    whole: bool
    by: str
    at: int


DAY: Final = 24 * 60 * 60
MOST_STATEMENTS: Final = 16 * MAX_MEMBERS
InvitationId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$(?!\n)")]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]


class ChangeRequest(Message, frozen=True, kw_only=True):
    """A change that somebody wants; `member` is whom it is about.

    `terms` takes at least one of the others: `policy` is true for the policy that this
    node decides by now, `arrangement` is the new text, of which the hash is kept, and
    `appeal` names the member that hears appeals, or is empty for none. `deputy` does
    where that member has a part in one; `set_aside` is a ruling on an appeal, by its
    digest in hex, that is to have no effect. `join` and
    `roles` take `roles`: all that the member has then. `backfill` takes
    `elements` and `days`: so many identifiers more of each other member, for so long.
    `keys` gives this node new ones; `stolen_since` says since when others have the old.
    `stolen` says that of keys which a member gave up before, and `sound` takes it back;
    `former` is how many changes ago: 1, if it is left out, names the last ones.
    """

    change: ChangeKind
    member: NodeName | None = None
    policy: bool = False
    arrangement: Annotated[str, msgspec.Meta(max_length=262_144)] | None = None
    quorum: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)] | None = None
    appeal: Annotated[str, msgspec.Meta(max_length=253)] | None = None
    deputy: Annotated[str, msgspec.Meta(max_length=253)] | None = None
    set_aside: Digest | None = None
    elements: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=MOST_BACKFILL // DAY)] | None = None
    roles: (
        Annotated[
            list[MemberRole], msgspec.Meta(min_length=1, max_length=len(MemberRole))
        ]
        | None
    ) = None
    stolen_since: Seconds | None = None
    former: Annotated[int, msgspec.Meta(ge=1, le=MOST_FORMER)] | None = None


class MemberAnswer(Message, frozen=True, kw_only=True):
    """A member as the charter has it; `statement_key` is its public one, in hex."""

    index: int
    name: str
    url: str
    jurisdiction: str
    state: str
    roles: list[str]
    holder: bool
    statement_key: str


class ProposalAnswer(Message, frozen=True, kw_only=True):
    """A proposed version, what it changes, and who has signed or refused it.

    `missing` must sign besides any quorum; `dead` says that no quorum is left.
    """

    proposal: str
    by: str
    at: int
    changes: list[Bilingual]
    signed: list[str]
    refused: list[str]
    missing: list[str]
    quorum: int
    count: int
    quorum_after: int
    count_after: int
    dead: bool


class JoiningAnswer(Message, frozen=True, kw_only=True):
    """Somebody who wants to join by an invitation of this node."""

    name: str
    url: str
    fingerprint: str
    invitation: str
    at: int


class InvitationShown(Message, frozen=True, kw_only=True):
    """An invitation that is out: its end, what it names, and who came with it."""

    invitation: str
    expires: int
    fingerprint: str
    name: str | None


class ForkedAnswer(Message, frozen=True):
    """Two versions of one number are valid, and who has made them so.

    `signed_both` were not free to sign the two, `broke_promise` have signed what they
    had promised never to.
    """

    version: int
    signed_both: list[str]
    broke_promise: list[str]


class AttemptAnswer(Message, frozen=True, kw_only=True):
    """An attempt to share a key anew.

    `state` is `waits` for this node's people, `aside` where it takes no part,
    `under_way`, `agreed` or `failed`; `said` names who has its share.
    """

    attempt: int
    by: str
    epoch: int
    generation: int
    threshold: int
    deadline: int
    left_out: list[str]
    said: list[str]
    state: str
    gone: list[str]


class KeyAnswer(Message, frozen=True, kw_only=True):
    """An epoch's key: who holds it, why it is to be shared anew, who left with it.

    `departed` is the count of the generation of which most shares left, with the
    threshold that would make the key of them; `warns` once one more would do.
    """

    epoch: int
    generation: int
    threshold: int
    holders: list[str]
    need: str | None
    departed: int
    departed_threshold: int
    warns: bool


class GovernanceAnswer(Message, frozen=True, kw_only=True):
    """The charter as it counts now, what is proposed, and how its keys stand.

    `standing` is the node's own: `active`, `suspended` or `left`. `quarantines` is what
    this node has set aside, `forked` which version of the charter was contradicted,
    `leaving` which suspended members want to leave.
    """

    federation: str
    standing: str
    version: int
    charter: str
    fingerprint: str
    quorum: int
    appeal: str | None
    policy: str
    arrangement: str
    members: list[MemberAnswer]
    proposals: list[ProposalAnswer]
    joining: list[JoiningAnswer]
    invitations: list[InvitationShown]
    leaving: list[str]
    quarantines: list[QuarantineAnswer]
    forked: ForkedAnswer | None
    keys: list[KeyAnswer]
    attempts: list[AttemptAnswer]
    deputy: str | None = None
    set_aside: Sequence[str] = ()


class VersionAnswer(Message, frozen=True, kw_only=True):
    """A version of the charter, and what it changed."""

    version: int
    charter: str
    created: int
    signed: list[str]
    changes: list[Bilingual]


class HistoryAnswer(Message, frozen=True, kw_only=True):
    """All versions, the first one first."""

    federation: str
    versions: list[VersionAnswer]


class InviteRequest(Message, frozen=True, kw_only=True):
    """For how many hours an invitation holds."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 72


class InvitationAnswer(Message, frozen=True, kw_only=True):
    """An invitation, shown this once, and the groups that people compare.

    `id` is what `fedsafe federation status` calls it.
    """

    invitation: str
    id: str
    expires: int
    fingerprint: str


class JoinRequest(Message, frozen=True, kw_only=True):
    """The text of an invitation."""

    invitation: Annotated[str, msgspec.Meta(max_length=4_000)]


class JoinAnswer(Message, frozen=True, kw_only=True):
    """What this node wants to join; `joined` once it is a member.

    `fingerprint` is that of the version that counts by now; the invitation names the
    one of its day.
    """

    federation: str
    version: int
    charter: str
    fingerprint: str
    members: list[str]
    policy: str
    joined: bool


class SealedKeys(Message, frozen=True, kw_only=True):
    """The media keys of a generation, sealed to whoever joins."""

    epoch: Positive
    generation: Positive
    sealed: Annotated[bytes, msgspec.Meta(max_length=8_192)]


class KnockRequest(Message, frozen=True, kw_only=True):
    """A wish to join, the version that its sender holds, and its signatures."""

    joining: Signed
    version: Count
    signatures: Annotated[list[Signed], msgspec.Meta(max_length=4)]


class KnockAnswer(Message, frozen=True, kw_only=True):
    """What has come of it: a proposal to sign, or the versions, and media keys."""

    versions: list[Bundle]
    proposal: bytes | None
    media: list[SealedKeys]


class ExchangeRequest(Message, frozen=True, kw_only=True):
    """What a member holds: number and digest of its version, and what is proposed."""

    version: Positive
    charter: Bytes32 | None = None
    statements: Annotated[list[Bundle], msgspec.Meta(max_length=MOST_STATEMENTS)]


class ExchangeAnswer(Message, frozen=True, kw_only=True):
    """What the asking member lacks."""

    versions: list[Bundle]
    statements: list[Bundle]


MOST_HEARD: Final = 64 * MAX_MEMBERS
MOST_SAID: Final = 256


class Lacked(Message, frozen=True, kw_only=True):
    """A generation of which the asking member has no media keys."""

    epoch: Positive
    generation: Positive


class CarriedRequest(Message, frozen=True, kw_only=True):
    """What a member says, and what it has: the digests of what it has heard."""

    version: Positive
    charter: Bytes32
    statements: Annotated[list[Signed], msgspec.Meta(max_length=MOST_SAID)]
    have: Annotated[list[Bytes32], msgspec.Meta(max_length=MOST_HEARD)]
    lacks: Annotated[list[Lacked], msgspec.Meta(max_length=8)]


class CarriedAnswer(Message, frozen=True, kw_only=True):
    """What the asking member lacks."""

    statements: list[Signed]
    media: list[SealedKeys]


class ReshareRequest(Message, frozen=True, kw_only=True):
    """Share the newest epoch's key anew, by default with the threshold that fits.

    Or, if it `opens`, make a new key and begin another epoch with it.
    """

    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)] | None = None
    opens: bool = False
