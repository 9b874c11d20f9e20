# SPDX-License-Identifier: Apache-2.0
"""A member's node that evaluates wrongly, as a programme of its own.

    python -m tests.support.lying_node DIR HOW

| HOW | its evaluations |
|---|---|
| `share` | under another share, with that share's own proof |
| `proof` | right elements with a proof of nothing |
| `bytes` | bytes that are no elements |
| `forged` | right ones; it leads its feed with forged and replayed statements |
| `behind` | right ones; it knows no later version of the charter, and shows its own |
| `deals` | right ones; it deals shares that do not open |
| `answers` | right ones; its feed answers cost much (`hostile_answers`) |
| `views` | right ones; its feed bears the checkpoint of another tree of its size |

All else it does as an honest node: its answers are signed, and name the right parties.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fedsafe_crypto.dkg import ceremony as dkg
from fedsafe_crypto.dkg.feldman import seal_deal
from fedsafe_crypto.dkg.messages import Deal
from fedsafe_crypto.oprf.threshold import Evaluation, KeyShare, Pins, evaluate_share
from fedsafe_crypto.oprf.voprf import PROOF_BYTES
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.primitives.ristretto import ELEMENT_BYTES, random_scalar
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_federation.charter.charter import SignedCharter
from fedsafe_federation.evaluation import statements as evaluation
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.app.run import run
from fedsafe_node.ground.config import Place
from fedsafe_node.members.charter.ballot import Ballot
from fedsafe_node.members.peering import feed_server as serving

Evaluate = Callable[[KeyShare, Pins, Sequence[bytes]], Evaluation]


def _another_share(
    share: KeyShare, pins: Pins, elements: Sequence[bytes]
) -> Evaluation:
    return evaluate_share(replace(share, secret=random_scalar()), pins, elements)


def _no_proof(share: KeyShare, pins: Pins, elements: Sequence[bytes]) -> Evaluation:
    return replace(evaluate_share(share, pins, elements), proof=bytes(PROOF_BYTES))


def _no_elements(share: KeyShare, pins: Pins, elements: Sequence[bytes]) -> Evaluation:
    junk = tuple(b"\xff" * ELEMENT_BYTES for _ in elements)
    return replace(evaluate_share(share, pins, elements), elements=junk)


LIES: Final[Mapping[str, Evaluate]] = {
    "share": _another_share,
    "proof": _no_proof,
    "bytes": _no_elements,
}


FORGED: Final = "forged"
BEHIND: Final = "behind"
DEALS: Final = "deals"
VIEWS: Final = "views"
ANSWERS: Final = "answers"


def lie(how: str) -> None:
    """Let this process lie from now on."""
    if how == FORGED:
        from tests.support.forged_proofs import forge  # noqa: PLC0415 - it needs a whole node

        forge()
    elif how == BEHIND:
        Ballot.take = _take_nothing  # type: ignore[method-assign]
    elif how == DEALS:
        dkg.__dict__["seal_deal"] = _sealed_for_others
    elif how == VIEWS:
        serving.__dict__["sign_checkpoint"] = _of_another_tree
    else:
        evaluation.__dict__["evaluate_share"] = LIES[how]


async def _take_nothing(
    self: Ballot, versions: Sequence[SignedCharter], statements: Sequence[Signed]
) -> bool:
    del self, versions, statements
    return False


def _sealed_for_others(*terms: Any) -> object:  # noqa: ANN401 - what the true one takes
    dealt = seal_deal(*terms)
    if isinstance(dealt, Deal):
        return replace(dealt, sealed=dealt.sealed[::-1])
    return dealt


def _of_another_tree(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    # One tree for each size, as of a feed that was shown to others.
    root = sha256(b"another view" + checkpoint.root).digest()
    return sign_checkpoint(replace(checkpoint, root=root), key)


def main() -> None:
    directory, how = Path(sys.argv[1]), sys.argv[2]
    if how == ANSWERS:
        from tests.support.hostile_answers import answer  # noqa: PLC0415 - it alone

        answer(directory)
    else:
        lie(how)
    run(Place(directory))


if __name__ == "__main__":
    main()
