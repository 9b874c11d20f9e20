# SPDX-License-Identifier: Apache-2.0
"""Two runs and a complaint with fixed seeds: their bytes may never change."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import shake_256
from typing import Any

import pytest
from tests.crypto.conftest import Vectors
from tests.crypto.dkg.rounds import held_of, resharing_of, run_of

from fedsafe_crypto.dkg.blame import Seen, decide
from fedsafe_crypto.dkg.ceremony import Dealt, DkgResult, announce
from fedsafe_crypto.dkg.joint import outcome
from fedsafe_crypto.dkg.messages import Verdict, digest_of, read
from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import Finding
from fedsafe_crypto.primitives.ristretto import (
    ORDER,
    Randomness,
    multiply_base,
    scalar_from_int,
)


def stream(seed: str) -> Randomness:
    """Give the bytes of SHAKE-256 of a seed, one after the other."""
    whole, at = shake_256(seed.encode()).digest(4096), 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return whole[at - size : at]

    return take


def announcements_of(run: Run, case: Mapping[str, Any]) -> dict[int, bytes]:
    return {
        index: announce(
            run, index, randomness=stream(f"{case['seed']} {index}")
        ).message
        for index in run.indices
    }


def deals_of(case: Mapping[str, Any]) -> dict[int, bytes]:
    return {int(index): bytes.fromhex(deal) for index, deal in case["deals"].items()}


def dealt(
    run: Run, index: int, case: Mapping[str, Any], held: Mapping[int, Held]
) -> Dealt:
    """Deal from the seed; the message is the stored one, since sealing is random."""
    draw = stream(f"{case['seed']} {index}")
    first = announce(run, index, randomness=draw)
    state = first.deal(
        announcements_of(run, case),
        held=held.get(index) if index in run.dealers else None,
        randomness=draw,
    )
    assert isinstance(state, Dealt)
    return replace(state, message=deals_of(case).get(index, b""))


def played(
    run: Run, case: Mapping[str, Any], held: Mapping[int, Held]
) -> dict[int, DkgResult]:
    deals = deals_of(case)
    states = {i: dealt(run, i, case, held).judge(deals) for i in run.indices}
    announced = announcements_of(run, case)
    cited = {str(index): digest_of(data).hex() for index, data in announced.items()}
    assert cited == case["announcements"]
    seen = Seen(
        announcements=announced,
        deals=deals,
        verdicts={index: state.message for index, state in states.items()},
    )

    assert outcome(run, seen).transcript.hex() == case["transcript"]
    said = {str(index): state.message.hex() for index, state in states.items()}
    assert said == case["verdicts"]
    return {index: state.finish(seen) for index, state in states.items()}


def check_results(results: Mapping[int, DkgResult], case: Mapping[str, Any]) -> None:
    for index, result in results.items():
        assert result.share.to_bytes().hex() == case["shares"][str(index)]
        assert result.pins.to_bytes().hex() == case["pins"]
        assert result.group_key.hex() == case["group_key"]
        assert result.token_key.hex() == case["token_key"]
        assert result.token_commitment.hex() == case["token_commitment"]


def runs(vectors: Vectors) -> tuple[Any, dict[int, DkgResult], Run]:
    cases = vectors("sharing")
    new = played(run_of(2, (1, 2)), cases["new_key"], {})
    return cases, new, resharing_of(new, 2, (2, 5))


def test_a_new_key_is_made_as_ever(vectors: Vectors) -> None:
    cases, new, _ = runs(vectors)

    assert run_of(2, (1, 2)).digest().hex() == cases["new_key"]["run"]
    check_results(new, cases["new_key"])


def test_a_key_is_shared_anew_as_ever(vectors: Vectors) -> None:
    cases, new, run = runs(vectors)
    case = cases["shared_anew"]
    results = played(run, case, held_of(new))

    assert run.digest().hex() == case["run"]
    check_results(results, case)
    assert case["pins"][20:84] == cases["new_key"]["pins"][20:84]


def key_of(shares: Mapping[str, str]) -> int:
    """Interpolate two shares at zero, by plain arithmetic."""
    (one, first), (two, second) = (
        (int(index), int.from_bytes(bytes.fromhex(share)[10:], "little"))
        for index, share in shares.items()
    )
    between = pow(two - one, -1, ORDER)
    return (first * two - second * one) * between % ORDER


def test_both_generations_are_of_one_key(vectors: Vectors) -> None:
    cases = vectors("sharing")
    key = key_of(cases["new_key"]["shares"])

    assert key_of(cases["shared_anew"]["shares"]) == key
    assert multiply_base(scalar_from_int(key)).hex() == cases["new_key"]["pins"][20:84]


@pytest.mark.parametrize("which", ["wrong_share", "wrong_token_key"])
def test_a_complaint_is_decided_as_ever(vectors: Vectors, which: str) -> None:
    cases, new, run = runs(vectors)
    case = {**cases["shared_anew"], **cases[which]}
    held, deals = held_of(new), deals_of(case)
    judged = dealt(run, 5, {**case, "deals": {}}, held).judge(deals)
    verdict = read(Verdict, judged.message, run, 5)
    seen = Seen(announcements=announcements_of(run, case), deals=deals)

    assert judged.message.hex() == case["verdict"]
    assert isinstance(verdict, Verdict)
    [complaint] = verdict.complaints
    want = Finding(by=5, about=1, reason=case["reason"], guilty=1)
    assert decide(run, [seen], 5, complaint) == want
