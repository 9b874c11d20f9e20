# SPDX-License-Identifier: Apache-2.0
"""The rows of witnessing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WitnessedRow:
    """The largest tree of a log that was cosigned here.

    `log` is the log's verifier key, `note` the checkpoint with the own cosignature;
    `at` is in seconds.
    """

    log: str
    size: int
    root: bytes
    note: bytes
    at: int


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """A witness's cosignature of an own checkpoint.

    `witness` is its verifier key, `line` the signature line, `at` the witness's time.
    """

    log: str
    size: int
    witness: str
    line: str
    at: int
