# SPDX-License-Identifier: Apache-2.0
"""Audit events: what the node's private log says of every act.

The record carries the event's class, time and outcome, and a salted commitment
for each field group; who, about whom and with which details lie in the openings
and can be erased alone. An identifier, token or key is in none of them: an
account appears as the provider's own opaque `subject_ref`, a signal as its id.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum, unique
from secrets import token_bytes
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.commitment import SALT_BYTES, commit
from fedsafe_federation.signed import Bytes32
from fedsafe_federation.wireformat import decode, encode
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_policies.decision import Decision

ACTOR: Final = "actor"
SUBJECT: Final = "subject"
DETAIL: Final = "detail"

Group = Annotated[str, msgspec.Meta(pattern=r"^(actor|subject|detail|signal)$")]
Detail = Mapping[str, str | int | bool | None]


@unique
class Event(StrEnum):
    """The classes of events."""

    NODE_CREATED = "node.created"
    NODE_STARTED = "node.started"
    CREDENTIAL_ADDED = "credential.added"
    CREDENTIAL_ROTATED = "credential.rotated"
    CREDENTIAL_REVOKED = "credential.revoked"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_SET_UP = "account.set_up"
    ACCOUNT_LOCKED = "account.locked"
    ACCOUNT_RESET = "account.reset"
    AUTHENTICATOR_RENEWED = "account.authenticator"
    IDENTITY_LINKED = "account.linked"
    ROLE_GRANTED = "role.granted"
    ROLE_ENDED = "role.ended"
    TRAINING_RECORDED = "training.recorded"
    SESSION_BEGAN = "session.began"
    SESSION_ENDED = "session.ended"
    SESSION_REFUSED = "session.refused"
    STEPPED_UP = "session.stepped_up"
    ACT_ASKED = "act.asked"
    ACT_APPROVED = "act.approved"
    ACT_WITHDRAWN = "act.withdrawn"
    GATE_RECORDED = "gate.recorded"
    GATE_RELOCKED = "gate.relocked"
    ATTESTED = "attestation.signed"
    ATTESTATION_TAKEN = "attestation.taken"
    REGISTER_ENTERED = "register.entered"
    REGISTER_REVIEWED = "register.reviewed"
    FEDERATION_JOINED = "federation.joined"
    LOOKUP = "lookup"
    OWN_BAN = "own_ban.recorded"
    DRAFT = "signal.drafted"
    PUBLISHED = "signal.published"
    IMPORTED = "signal.imported"
    WITHDRAWN = "signal.withdrawn"
    REVOKED = "signal.revoked"
    EXPIRED = "signal.expired"
    REFUSED = "refused"
    FEED_SERVED = "feed.served"
    FEED_APPLIED = "feed.applied"
    RESTRICTED = "signal.restricted"
    ORIGIN_SUSPENDED = "origin.suspended"
    EVALUATED = "evaluation.served"
    PEER_LIED = "evaluation.wrong_answer"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFIED = "audit.verified"
    AUDIT_EXPORTED = "audit.exported"
    SIGNAL_READ = "signal.read"
    PROVIDER_READ = "events.read"
    PROVIDER_RECEIPTED = "events.receipted"
    PROVIDER_REMINDED = "events.reminded"
    PROVIDER_ERASED = "events.erased"


class AuditRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The leaf of the audit log; `commitments` are by field group."""

    v: Literal[1]
    event: Event
    at: str
    outcome: str
    commitments: dict[Group, Bytes32]


def audit_log_name(node: str) -> str:
    """Name a node's audit log as a C2SP log origin."""
    return f"{node}/audit"


class AuditTrail:
    """Makes the entries of one node's audit log."""

    def __init__(self, node: str) -> None:
        self.log = audit_log_name(node)

    def entry(  # noqa: PLR0913 - the groups of an event
        self,
        event: Event,
        *,
        at: datetime,
        outcome: str = "ok",
        actor: str | None = None,
        subject: str | None = None,
        detail: Detail | None = None,
        extra: Sequence[Opening] = (),
    ) -> LogEntry:
        """Build an entry; a group that is left out has no commitment."""
        openings = list(extra)
        if actor is not None:
            openings.append(_opening(ACTOR, {"name": actor}))
        if subject is not None:
            openings.append(_opening(SUBJECT, {"ref": subject}))
        if detail:
            openings.append(_opening(DETAIL, detail))
        record = AuditRecord(
            v=1,
            event=event,
            at=at.isoformat(timespec="milliseconds"),
            outcome=outcome,
            commitments={
                opening.group: commit(
                    self.log, opening.group, opening.salt, opening.payload
                )
                for opening in openings
            },
        )
        return LogEntry(record=encode(record), openings=tuple(openings))

    def refusal(
        self,
        decision: Decision,
        *,
        at: datetime,
        actor: str,
        act: str,
        count: int | None = None,
    ) -> LogEntry:
        """Build the entry of a refusal by policy; `count` says of how many signals."""
        signals = {"signals": count} if count is not None else {}
        return self.entry(
            Event.REFUSED,
            at=at,
            outcome=decision.code,
            actor=actor,
            detail={"act": act, **grounds_of(decision), **signals},
        )


def grounds_of(decision: Decision) -> dict[str, str]:
    """Give what an event says of the decision behind it: rule, code, policy, about.

    With these, and the policy that the node keeps, it can be explained years later.
    """
    grounds = {
        "rule": decision.rule.value,
        "code": decision.code,
        "policy": decision.policy,
    }
    return {**grounds, "about": decision.about} if decision.about else grounds


def decode_audit_record(data: bytes) -> AuditRecord:
    """Decode a leaf of the audit log.

    Raises:
        MalformedError: it is none of this version.
    """
    return decode(data, AuditRecord)


def _opening(group: str, payload: Mapping[str, str | int | bool | None]) -> Opening:
    return Opening(group=group, salt=token_bytes(SALT_BYTES), payload=encode(payload))
