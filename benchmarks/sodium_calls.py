# SPDX-License-Identifier: Apache-2.0
"""The libsodium calls of evaluating identifiers, recorded once and replayed raw.

What is recorded is the real path: blind, own evaluation, a peer's evaluation with
its proof, the check of the proof, joining, and the output under the node's own key.
Replaying makes the same calls with the same bytes and nothing else: the limit
that no program around this library can beat on one core.
"""

import ctypes
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import fields
from os import urandom
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from fedsafe_crypto.oprf.keys import Generation, KeyShare, Pins
from fedsafe_crypto.oprf.shares import draw_polynomial, value_at
from fedsafe_crypto.oprf.threshold import (
    evaluate_own,
    evaluate_share,
    finalize_threshold,
    verify_evaluation,
)
from fedsafe_crypto.oprf.voprf import Mode, blind_all, output_direct
from fedsafe_crypto.primitives import ristretto as group
from fedsafe_crypto.primitives.ristretto import multiply_base, random_scalar
from fedsafe_crypto.primitives.sodium import load

THRESHOLD = 2
MEMBERS = 3
Call = tuple[Callable[..., int], tuple[bytes, ...]]


class SodiumCalls:
    """The calls for a batch of so many identifiers."""

    def __init__(self, identifiers: int) -> None:
        calls: list[Call] = []
        _evaluate(1, lambda: None)  # what is done once in a process is done now
        recording = _recording(calls)
        with ExitStack() as stack:
            fake = patch.object(group, "load", lambda: recording)
            _evaluate(identifiers, lambda: stack.enter_context(fake))
        self.identifiers = identifiers
        self._calls = calls

    def __len__(self) -> int:
        """Count the calls."""
        return len(self._calls)

    def replay(self) -> None:
        """Make all calls again."""
        out = ctypes.create_string_buffer(64)
        for function, arguments in self._calls:
            function(out, *arguments)


def _recording(calls: list[Call]) -> SimpleNamespace:
    sodium = load()

    def wrap(function: Callable[..., int]) -> Callable[..., int]:
        def call(out: Any, *arguments: bytes) -> int:  # noqa: ANN401 - a ctypes array
            calls.append((function, arguments))
            return function(out, *arguments)

        return call

    functions = {each.name: getattr(sodium, each.name) for each in fields(sodium)}
    # The one function without an output is no calculation.
    checks = {"is_valid_point": functions.pop("is_valid_point")}
    del functions["library"]
    return SimpleNamespace(
        **checks, **{name: wrap(function) for name, function in functions.items()}
    )


def _evaluate(identifiers: int, ready: Callable[[], object]) -> None:
    generation = Generation(1, 1)
    polynomial = draw_polynomial(THRESHOLD)
    shares = {
        index: KeyShare(
            generation=generation,
            index=index,
            threshold=THRESHOLD,
            secret=value_at(polynomial, index),
        )
        for index in range(1, MEMBERS + 1)
    }
    pins = Pins(
        generation=generation,
        threshold=THRESHOLD,
        public=multiply_base(polynomial[0]),
        members={at: multiply_base(share.secret) for at, share in shares.items()},
    )
    pins.check()
    inputs = [urandom(48) for _ in range(identifiers)]
    secret = random_scalar()
    ready()
    blinds = blind_all(inputs, Mode.VOPRF)
    elements = [blinded.element for blinded in blinds]
    own = evaluate_own(shares[1], pins, elements)
    answer = evaluate_share(shares[2], pins, elements)
    peer = verify_evaluation(pins, elements, answer, asked=2)
    finalize_threshold(pins, inputs, blinds, [own, peer])
    for data in inputs:
        output_direct(secret, data, Mode.VOPRF)
