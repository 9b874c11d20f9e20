# SPDX-License-Identifier: Apache-2.0
"""Which additions may be applied: those whose checkpoint enough have witnessed.

The charter says how many (`witness_quorum`), and the origin counts as one of the
members, for it has signed the checkpoint itself. So *majority* wants half of the
members, rounded down, beside the origin: one of two others, two of three, two of four.
A member that is away stops nobody then, in a federation of three or more.

With `w` of `n - 1` others, two trees of one log can both pass only if `2w <= n - 1`,
or if `2w - (n - 1)` witnesses lie as well. So three members that want to bear the loss
of one cannot rule a split view out; they find it when they compare what they have seen.
A charter, or a node for itself, may want more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.cosignature import verify_cosignatures
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.feed.witness_policy import Group, Policy, Witness
from fedsafe_federation.feed.witnessing import witness_of


def witnesses_of(charter: Charter, origin: str) -> Sequence[VerifierKey]:
    """Give the keys of those that witness a member's logs: all other active members."""
    others = [each for each in charter.members if each.active and each.name != origin]
    return [witness_of(each) for each in others]


def feed_policy(charter: Charter, origin: str) -> Policy:
    """Say who witnesses a member's feed, and who of them the charter wants."""
    keys = tuple(witnesses_of(charter, origin))
    return Policy(tuple(map(Witness, keys)), Group(charter.witnesses_needed, keys))


@dataclass(frozen=True, slots=True)
class WitnessGate:
    """Judges checkpoints by the charter, and by a policy of the node's own as well."""

    charter: Charter
    own: Policy | None = None

    def admits(self, origin: Member, note: str) -> bool:
        """Whether enough have cosigned a checkpoint of a member's feed.

        A signature of a witness that does not verify condemns the note.
        """
        theirs = feed_policy(self.charter, origin.name)
        keys = {each.key for each in theirs.witnesses}
        if self.own is not None:
            keys |= {each.key for each in self.own.witnesses}
        try:
            by = set(verify_cosignatures(note.encode(), keys))
        except CryptoError:
            return False
        if not theirs.reached(by):
            return False
        return self.own is None or self.own.reached(by | {witness_of(origin)})

    def vouched(self, origin: Member, note: str, courier: Member) -> int | None:
        """Say until when a checkpoint was an origin's newest, as UTC seconds.

        Whoever carries it is no witness of that. Where the charter wants none, nobody
        can tell.
        """
        wanted = feed_policy(self.charter, origin.name)
        others = {each.key for each in wanted.witnesses} - {witness_of(courier)}
        if wanted.quorum.needed == 0:
            return None
        try:
            said = verify_cosignatures(note.encode(), others)
        except CryptoError:
            return None
        for at in sorted(said.values(), reverse=True):
            if wanted.reached({key for key, when in said.items() if when >= at}):
                return at
        return None
