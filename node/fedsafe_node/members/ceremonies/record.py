# SPDX-License-Identifier: Apache-2.0
"""What was said in the ceremonies on the version that counts, as one document.

Every message is signed and may be seen by every member; the secrets lie in files
(`keys.ceremony_files`). What belongs to another version of the charter is left out when
it is read: a ceremony stands on one version and ends with it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import field
from msgspec.structs import replace

from fedsafe_crypto.dkg.messages import MAX_MESSAGE_BYTES, of_run
from fedsafe_federation.charter.activation import HOLDING
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.charter import Charter, Epoch
from fedsafe_federation.errors import FederationError, MalformedError
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.keys.ceremony_files import run_of
from fedsafe_node.keys.charter_chain import read_chain, read_version
from fedsafe_node.members.ceremonies.kinds import Opened, ResharingKind
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction

DOCUMENT: Final = "ceremonies"
MOST_OF_ONE: Final = 4
"""So many attempts of one convenor are heard on one version of the charter."""
_MOST_SAID: Final = 2
_MOST_HOLDINGS: Final = 64
_AHEAD: Final = 600  # in seconds: clocks differ by less
_DAY: Final = 24 * 3600


class Attempt(Row, frozen=True):
    """One ceremony: its proposal, what was said in it, and how it ended here.

    Attributes:
        joined: Whether this node has taken part.
        over: When it was found to have failed; 0 while it may succeed.
        gone: Who was at fault, or silent, as far as this node knows.
        agreed: The version of the charter that it ended with, here.
    """

    proposal: Signed
    at: int
    messages: list[Signed] = field(default_factory=list)
    joined: bool = False
    over: int = 0
    gone: list[str] = field(default_factory=list)
    agreed: bytes = b""

    @property
    def run(self) -> str:
        """Name it."""
        return run_of(self.proposal)


class Wish(Row, frozen=True):
    """What two people here agreed on: share that generation anew, with a threshold.

    Or, if it `opens`, begin another epoch behind it.
    """

    epoch: int
    generation: int
    threshold: int
    until: int
    opens: bool = False


class Kept(Row, frozen=True):
    """All ceremonies on one version, and what outlasts them.

    Attributes:
        charter: Digest of that version.
        acks: The version that each member was last known to hold.
        judged: When a member was last found at fault or silent.
        since: When this node first saw that a key is to be shared anew.
    """

    charter: bytes
    attempts: list[Attempt] = field(default_factory=list)
    acks: dict[str, int] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    wish: Wish | None = None
    since: int = 0

    def find(self, run: str) -> Attempt | None:
        """Find an attempt."""
        return next((each for each in self.attempts if each.run == run), None)

    def put(self, attempt: Attempt) -> "Kept":
        """Put an attempt in the place of what it was."""
        attempts = [attempt if e.run == attempt.run else e for e in self.attempts]
        return replace(self, attempts=attempts)

    def statements(self) -> list[Signed]:
        """Give all that was said: first the proposals."""
        proposals = [each.proposal for each in self.attempts]
        return [*proposals, *(m for each in self.attempts for m in each.messages)]


async def read_kept(reader: Reader, version: Version) -> Kept:
    """Read the ceremonies on a version."""
    stored = await reader.document(DOCUMENT)
    if stored is None:
        return Kept(version.digest)
    kept = decode(stored, Kept)
    if kept.charter == version.digest:
        return kept
    return replace(kept, charter=version.digest, attempts=[], since=0)


async def keep(tx: Transaction, kept: Kept) -> None:
    """Keep the ceremonies."""
    await tx.put_document(DOCUMENT, encode(kept))


def digest_of(statement: Signed) -> bytes:
    """Name a statement by all of it."""
    return hashlib.sha256(encode(statement)).digest()


def taken(  # noqa: PLR0913 - everything it needs is an argument
    kept: Kept,
    version: Version,
    kinds: Mapping[str, ResharingKind],
    statements: Iterable[Signed],
    *,
    node: str,
    now: int,
) -> Kept:
    """Take in statements of whomever; what does not count is left aside.

    *node* is the own name.
    """
    given = sorted(statements, key=lambda each: each.type not in kinds)
    for statement in given:
        if len(statement.payload) > MAX_MESSAGE_BYTES:
            continue
        try:
            if statement.type in kinds:
                kept = _with_proposal(kept, version, kinds, statement, node, now)
            else:
                kept = _with_message(kept, version, kinds, statement)
        except FederationError:
            continue
    return kept


def opened_of(
    version: Version, kinds: Mapping[str, ResharingKind], attempt: Attempt
) -> Opened:
    """Open an attempt's proposal, which was checked when it came."""
    return kinds[attempt.proposal.type].open(version, attempt.proposal)


def gone_from(
    kept: Kept, version: Version, kinds: Mapping[str, ResharingKind], opened: Opened
) -> frozenset[str]:
    """Name whom the attempts at one generation have failed by, as seen here."""
    return frozenset(
        name
        for each in kept.attempts
        if opened_of(version, kinds, each).target == opened.target
        for name in each.gone
    )


def _with_proposal(  # noqa: PLR0913 - everything it needs is an argument
    kept: Kept,
    version: Version,
    kinds: Mapping[str, ResharingKind],
    proposal: Signed,
    node: str,
    now: int,
) -> Kept:
    if kept.find(run_of(proposal)) is not None:
        return kept
    live = [
        each for each in kept.attempts if opened_of(version, kinds, each).deadline > now
    ]
    by = [each.proposal.signer for each in live]
    if by.count(proposal.signer) >= MOST_OF_ONE:
        return kept
    opened = kinds[proposal.type].open(version, proposal)
    if opened.created > now + _AHEAD or opened.deadline <= now:
        return kept
    if now < kept.judged.get(proposal.signer, 0) + _DAY:
        return kept
    # The keys that this node may have signed for stay as long as they can count.
    stay = [
        each
        for each in kept.attempts
        if each in live or (each.joined and not _is_past(each, node, now))
    ]
    return replace(kept, attempts=[*stay, Attempt(proposal, now)])


def _is_past(attempt: Attempt, node: str, now: int) -> bool:
    """Whether an attempt failed a day ago before this node signed for a share.

    What others say of theirs says nothing: the attempt can never count without it.
    """
    signed = any(
        (each.type, each.signer) == (HOLDING, node) for each in attempt.messages
    )
    return 0 < attempt.over < now - _DAY and not signed


def _with_message(
    kept: Kept, version: Version, kinds: Mapping[str, ResharingKind], message: Signed
) -> Kept:
    for attempt in kept.attempts:
        opened = opened_of(version, kinds, attempt)
        if not _belongs(opened, message):
            continue
        if message in attempt.messages or _is_full(attempt.messages, message):
            return kept
        opened.setting.open(message, message.type)
        messages = [*attempt.messages, message]
        kept = kept.put(replace(attempt, messages=messages))
    return kept


def _belongs(opened: Opened, message: Signed) -> bool:
    """Whether a message is one of this attempt, before its signature is looked at."""
    setting = opened.setting
    if message.signer not in setting.names or message.signer in setting.unheard:
        return False
    if message.type == opened.holding:
        return _is_of(opened, message.payload)
    if message.type not in {setting.announce, setting.deal, setting.verdict}:
        return False
    return bool(of_run(setting.run, {0: message.payload}))


def _is_of(opened: Opened, payload: bytes) -> bool:
    try:
        entry = decode(payload, Epoch)
    except MalformedError:
        return False
    target = entry.epoch, entry.generation
    return target == opened.target and encode(entry) == payload


def _is_full(messages: Sequence[Signed], message: Signed) -> bool:
    """Whether as much is here already as can matter: two that differ are proof."""
    most = _MOST_HOLDINGS if message.type == HOLDING else _MOST_SAID
    same = [m for m in messages if (m.type, m.signer) == (message.type, message.signer)]
    return len(same) >= most


@dataclass(frozen=True, slots=True)
class Scene:
    """The version that counts, all before it, and the ceremonies on it."""

    version: Version
    chain: Sequence[Charter]
    kept: Kept


async def read_scene(reader: Reader) -> Scene | None:
    """Read how things stand; None without a federation."""
    version = await read_version(reader)
    if version is None:
        return None
    chain = [decode(each.payload, Charter) for each in await read_chain(reader)]
    return Scene(version, chain, await read_kept(reader, version))
