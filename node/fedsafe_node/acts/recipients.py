# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API that speak of who has received a signal, as closed types."""

from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import (
    Message,
    SignalId,
)
from fedsafe_policies.vocabulary import ErasureMethod, Outcome, Purpose


class ReceiptShown(Message, frozen=True):
    """What a member has signed that it erased: up to which restriction, when and how.

    Residues may live until `residual_until`. `statement` is what it signed. That it is
    true, nothing proves.
    """

    __schema_name__ = "ErasureReceiptShown"

    sequence: int
    method: ErasureMethod
    erased_at: str
    residual_until: str
    received_at: str
    statement: Signed
    parted: int | None = None


class RecipientShown(Message, frozen=True):
    """A member that has received a signal, when and how often, what for and why.

    `told` says of a signal that was stopped whether the member has applied that, and
    `receipt` what it has signed about having erased it.
    """

    recipient: str
    purpose: Purpose
    basis: str
    first_at: str
    last_at: str
    times: int
    told: bool | None = None
    receipt: ReceiptShown | None = None


class PackShown(Message, frozen=True):
    """An evidence pack that tells of a signal: made for whom, when, what for and why.

    `entry` is its event in the audit log; `asked_by` and `approved_by` are as there.
    """

    entry: int
    recipient: str
    purpose: Purpose
    basis: str
    at: str
    first: int
    last: int
    asked_by: str
    approved_by: str


class RecipientsAnswer(Message, frozen=True):
    """Who has received a signal; `nodes` are those that it is meant for, or all.

    Of a `group` these are its members now. `packs` are evidence packs with openings.
    """

    signal: SignalId
    nodes: list[str] | None
    recipients: list[RecipientShown]
    packs: list[PackShown]
    group: str | None = None


class Sighting(Message, frozen=True):
    """How many reviews ended how, of signals of one origin."""

    origin: str
    outcomes: dict[Outcome, int]


class ToldSighting(Message, frozen=True):
    """What a member has told of reviews there of this node's signals, by kind.

    Each number is of whole steps of `fewest`, counted since the beginning up to `day`.
    """

    member: str
    day: str
    kinds: dict[str, dict[str, int]]


class SightingsAnswer(Message, frozen=True):
    """Sums for each other member; numbers below `fewest` are left out.

    `sightings` are what came of others' signals here, `told` what other members say
    came of this node's signals there. They are statistics: nothing acts on them.
    """

    fewest: int
    sightings: list[Sighting]
    told: list[ToldSighting]
