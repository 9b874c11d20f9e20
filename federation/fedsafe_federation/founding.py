# SPDX-License-Identifier: Apache-2.0
"""The founding ceremony: from member cards to a charter that all have signed.

A pure state machine over signed messages that all participants see. The same
messages travel over the network, or as files between organisations:

| stage | each participant's message | says |
|---|---|---|
| 0 | `founding.proposal` (the convenor only) | cards, threshold, policy, dates |
| 1 | `founding.announce` | a fresh HPKE key for every dealer |
| 2 | `founding.deal` | commitments, proof of possession, sealed sub-shares |
| 3 | `founding.verdict` | "my sub-shares fit; this is the transcript" |
| 4 | `charter` | the signature on the charter that follows from all this |

`step` takes every message seen so far and returns those that this participant
owes. Whoever deviates ends the ceremony for all: nothing is half founded. A
participant joins only a proposal that repeats its own card byte by byte.
"""

from typing import Final

PROPOSAL: Final = "founding.proposal"
ANNOUNCE: Final = "founding.announce"
DEAL: Final = "founding.deal"
VERDICT: Final = "founding.verdict"
