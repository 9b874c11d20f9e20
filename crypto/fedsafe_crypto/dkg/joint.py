# SPDX-License-Identifier: Apache-2.0
"""To combine what all dealers of a run dealt: the pins and the shares they make.

A new key is the sum of all constants. A key that is shared anew is the old one, which
Lagrange's coefficients make of the dealers' old shares (Desmedt and Jajodia, 1997), so
its new pins follow from the commitments alone: anybody can compute them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.dkg.blame import Seen, check_verdicts
from fedsafe_crypto.dkg.feldman import read_deal
from fedsafe_crypto.dkg.messages import Reason, complete, digest_of, transcript_of
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import DkgAbortError, DkgError, Finding
from fedsafe_crypto.oprf.keys import KeyShare, Pins
from fedsafe_crypto.oprf.shares import commitment_at, lagrange_at_zero
from fedsafe_crypto.primitives.ristretto import (
    REFUSED_BYTES,
    SCALAR_BYTES,
    multiply,
    multiply_base,
    random_scalar,
    scalar_add,
    scalar_from_int,
    scalar_multiply,
    subtract,
    sum_elements,
)

_ONE: Final = scalar_from_int(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What everybody learns of a run that nobody complained of.

    Attributes:
        transcript: Digest of the messages that it came from.
    """

    pins: Pins
    transcript: bytes


def outcome(run: Run, seen: Seen) -> Outcome:
    """Learn what a run made, as participant or not.

    Raises:
        DkgAbortError: It ended in complaints, or a deal is bad for all to see.
        DkgError: A message is missing.
    """
    check_verdicts(run, seen)
    announcements = complete(run, seen.announcements, run.indices)
    deals = complete(run, seen.deals, run.dealers)
    complete(run, seen.verdicts, run.indices)
    commitments: dict[int, Sequence[bytes]] = {}
    bad: list[Finding] = []
    for dealer, data in deals.items():
        deal = read_deal(run, dealer, data)
        if isinstance(deal, Reason):
            bad.append(Finding(about=dealer, reason=deal, guilty=dealer))
        else:
            commitments[dealer] = deal.commitments
    if bad:
        raise DkgAbortError(bad)
    cited = [digest_of(data) for data in announcements.values()]
    return Outcome(
        pins=_joint_pins(run, commitments),
        transcript=transcript_of(run, cited, deals),
    )


def joint_share(run: Run, index: int, sub_shares: Mapping[int, bytes]) -> KeyShare:
    """Combine what every dealer dealt to an index.

    Raises:
        DkgError: It cancels out, as only dealers who all collude can make it.
    """
    secret = bytes(SCALAR_BYTES)
    for dealer, weight in _weights(run).items():
        secret = scalar_add(secret, scalar_multiply(weight, sub_shares[dealer]))
    try:
        return KeyShare(
            generation=run.generation,
            index=index,
            threshold=run.threshold,
            secret=secret,
        )
    except REFUSED_BYTES:
        raise DkgError("the deals cancel out") from None


def _joint_pins(run: Run, commitments: Mapping[int, Sequence[bytes]]) -> Pins:
    rows = [
        [multiply(weight, each) for each in commitments[dealer]]
        for dealer, weight in _weights(run).items()
    ]
    try:  # only dealers who all collude can make everything cancel out
        joint = [_sum(column) for column in zip(*rows, strict=True)]
        members = {index: commitment_at(joint, index) for index in run.indices}
    except REFUSED_BYTES:
        raise DkgError("the deals cancel out") from None
    pins = Pins(
        generation=run.generation,
        threshold=run.threshold,
        public=joint[0],
        members=members,
    )
    # No deal that was read can do this; no error of ours may change the key either.
    if run.source and pins.public != run.source.read_pins().public:
        raise DkgError("the deals make another key")
    return pins


def _weights(run: Run) -> Mapping[int, bytes]:
    if run.source is None:
        return dict.fromkeys(run.dealers, _ONE)
    return lagrange_at_zero(run.dealers)


def _sum(elements: Sequence[bytes]) -> bytes:
    """Add up elements of which some dealers may have made some cancel out.

    Partial sums must not be the identity, so they begin where no dealer can foresee.
    """
    start = multiply_base(random_scalar())
    return subtract(sum_elements([start, *elements]), start)
