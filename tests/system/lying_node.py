# SPDX-License-Identifier: Apache-2.0
"""A member's node that evaluates wrongly, as a programme of its own.

    python -m tests.system.lying_node DIR HOW

| HOW | its answers |
|---|---|
| `share` | under another share, with that share's own proof |
| `proof` | right elements with a proof of nothing |
| `bytes` | bytes that are no elements |

All else it does as an honest node: its answers are signed, and name the right parties.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from fedsafe_crypto.group import ELEMENT_BYTES, random_scalar
from fedsafe_crypto.oprf import PROOF_BYTES
from fedsafe_crypto.threshold import Evaluation, KeyShare, Pins, evaluate_share
from fedsafe_federation import evaluation
from fedsafe_node.app import run
from fedsafe_node.config import Place

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


def lie(how: str) -> None:
    """Let this process evaluate wrongly."""
    evaluation.__dict__["evaluate_share"] = LIES[how]


def main() -> None:
    directory, how = sys.argv[1:]
    lie(how)
    run(Place(Path(directory)))


if __name__ == "__main__":
    main()
