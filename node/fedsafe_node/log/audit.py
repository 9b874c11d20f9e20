# SPDX-License-Identifier: Apache-2.0
"""Audit events: what the node's private log says of every act.

The record carries what is about nobody: the event's class, time and outcome, the
purpose and its legal basis, the rule, its code and the policy (by name and by
SHA-256) that decided, and a salted commitment for each field group. Who, about whom,
with which details, in which request and for which member lie in the openings and can
be erased alone; the record explains the decision after that. An identifier, token or
key is in none of them: an account appears as the provider's own opaque `subject_ref`,
a signal as its id, a person of the staff under the pseudonym of the quarter. A group
of its own, `source`, has the prefix of a stranger's address, and lasts a week at most.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum, unique
from typing import Final, Literal, cast

import msgspec

from fedsafe_crypto.primitives.commitment import SALT_BYTES, commit
from fedsafe_crypto.primitives.sodium import draw
from fedsafe_federation.feed.witnessing import anchor_name
from fedsafe_federation.wire.signed import Bytes32
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.subject_refs import split
from fedsafe_node.ground.trace import current
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_node.log.retention_grounds import Basis, grounds_for
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_policies.ground.reasons import Rule
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Purpose

ACTOR: Final = "actor"
SUBJECT: Final = "subject"
DETAIL: Final = "detail"
SOURCE: Final = "source"

_PURPOSES: Final = {each.value: each for each in Purpose}
# Words of closed lists, which a person may happen to be called as well.
_NO_PEOPLE: Final = frozenset(
    {"act", "kind", "rule", "code", "policy", "about", "purpose", "role", "peer"}
    | {"who", "route"}
    | {"origin", "module", "item", "trace", "reason", "why", "method", "effect"}
    | {"surface"}
)

# A pattern would be looked for in each of a million records by itself.
Group = Literal["actor", "subject", "detail", "source", "signal"]
Detail = Mapping[str, str | int | bool | None]


@unique
class Event(StrEnum):
    """The classes of events."""

    NODE_CREATED = "node.created"
    NODE_STARTED = "node.started"
    NODE_STOPPED = "node.stopped"
    CREDENTIAL_ADDED = "credential.added"
    CREDENTIAL_ROTATED = "credential.rotated"
    CREDENTIAL_REVOKED = "credential.revoked"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_SET_UP = "account.set_up"
    ACCOUNT_LOCKED = "account.locked"
    ACCOUNT_RESET = "account.reset"
    ACCOUNT_LOGGED_OUT = "account.logged_out"
    AUTHENTICATOR_RENEWED = "account.authenticator"
    IDENTITY_LINKED = "account.linked"
    PASSKEY_ADDED = "account.passkey_added"
    PASSKEY_NAMED = "account.passkey_named"
    PASSKEY_REMOVED = "account.passkey_removed"
    POLICY_CHANGED = "policy.changed"
    ROLE_GRANTED = "role.granted"
    ROLE_ENDED = "role.ended"
    TRAINING_RECORDED = "training.recorded"
    SESSION_BEGAN = "session.began"
    SESSION_ENDED = "session.ended"
    SESSION_REFUSED = "session.refused"
    SESSION_ROLE = "session.role"
    STEPPED_UP = "session.stepped_up"
    DEMONSTRATION_LINKED = "demonstration.linked"
    ACT_ASKED = "act.asked"
    ACT_APPROVED = "act.approved"
    ACT_WITHDRAWN = "act.withdrawn"
    ACT_REFUSED = "act.refused"
    GATE_RECORDED = "gate.recorded"
    GATE_RELOCKED = "gate.relocked"
    ATTESTED = "attestation.signed"
    ATTESTATION_TAKEN = "attestation.taken"
    REGISTER_ENTERED = "register.entered"
    REGISTER_REVIEWED = "register.reviewed"
    FOUNDING_PROPOSED = "founding.proposed"
    FOUNDING_CONFIRMED = "founding.confirmed"
    FOUNDING_REFUSED = "founding.refused"
    FOUNDING_MISMATCH = "founding.mismatch"
    FEDERATION_JOINED = "federation.joined"
    CHARTER_SIGNED = "federation.signed"
    CHARTER_CHANGED = "federation.changed"
    CHARTER_FORKED = "federation.forked"
    MEMBER_RESTS = "federation.rests"
    RESHARING = "federation.resharing"
    RESHARING_FAILED = "federation.resharing_failed"
    MEMBER_INVITED = "federation.invited"
    MEMBER_UNINVITED = "federation.uninvited"
    MEMBER_ASKED = "federation.asked"
    MEMBER_LEAVING = "federation.leaving"
    JOINING = "federation.joining"
    MEMBER_ERASED = "federation.erased"
    EPOCH_ERASED = "federation.epoch_erased"
    EPOCH_SHREDDED = "federation.epoch_shredded"
    LOOKUP = "lookup"
    OWN_BAN = "own_ban.recorded"
    DRAFT = "signal.drafted"
    PUBLISHED = "signal.published"
    IMPORTED = "signal.imported"
    IMPORT_BEGUN = "signal.import_begun"
    IMPORT_FINISHED = "signal.import_finished"
    IMPORT_UNDONE = "signal.import_undone"
    ACCOUNT_REVOKED = "signal.account_revoked"
    WITHDRAWN = "signal.withdrawn"
    REVOKED = "signal.revoked"
    EXPIRED = "signal.expired"
    KEPT = "signal.kept"
    SAMPLE_DRAWN = "signal.sample_drawn"
    SAMPLE_REVIEWED = "signal.sample_reviewed"
    LIST_EXAMINED = "list.examined"
    LIST_APPROVED = "list.approved"
    REFUSED = "refused"
    DOOR_REFUSED = "door.refused"
    FEED_SERVED = "feed.served"
    FEED_APPLIED = "feed.applied"
    RESTRICTED = "signal.restricted"
    ORIGIN_SUSPENDED = "origin.suspended"
    ORIGIN_RESUMED = "origin.resumed"
    FORK_PROVEN = "origin.fork_proven"
    QUARANTINED = "origin.quarantined"
    QUARANTINE_ENDED = "origin.quarantine_ended"
    EVALUATED = "evaluation.served"
    PEER_LIED = "evaluation.wrong_answer"
    EVALUATIONS_COMPARED = "evaluation.compared"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFIED = "audit.verified"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_GAP = "audit.gap"
    AUDIT_ERASED = "audit.erased"
    AUDIT_HELD = "audit.held"
    AUDIT_PRUNED = "audit.pruned"
    KEY_DESTROYED = "audit.key_destroyed"
    REVEALED = "audit.revealed"
    RECIPIENT_WITHHELD = "audit.recipient_withheld"
    SIGNAL_READ = "signal.read"
    SHEET_WRITTEN = "records.written"
    FORK_SEEN = "witness.fork"
    CHECKPOINT_DISPUTED = "witness.disputed"
    ADDITIONS_WAIT = "additions.wait"
    ADDITIONS_GO_ON = "additions.go_on"
    TASK_OPENED = "task.opened"
    TASK_GROWN = "task.grown"
    TASK_READ = "task.read"
    TASK_DECIDED = "task.decided"
    TASK_HEARING = "task.hearing"
    TASK_ANSWERED = "task.answered"
    TASK_REOPENED = "task.reopened"
    TASK_DUE = "task.due"
    TASK_LAPSED = "task.lapsed"
    TASK_FOUND_WRONG = "task.found_wrong"
    TASK_ALARM = "task.alarm"
    DECISION_HURRIED = "decision.hurried"
    FLOOD_BEGAN = "flood.began"
    FLOOD_READ = "flood.read"
    FLOOD_RULED = "flood.ruled"
    FLOOD_DUE = "flood.due"
    FLOOD_ENDED = "flood.ended"
    BOUND_RAISED = "flood.bound_raised"
    TRIAL_BEGAN = "trial.began"
    TRIAL_READ = "trial.read"
    TRIAL_PROLONGED = "trial.prolonged"
    TRIAL_DUE = "trial.due"
    TRIAL_ENDED = "trial.ended"
    INQUIRY_SENT = "inquiry.sent"
    INQUIRY_TAKEN = "inquiry.taken"
    INQUIRY_READ = "inquiry.read"
    INQUIRY_RULED = "inquiry.ruled"
    DISPUTED = "rights.disputed"
    RULED = "rights.ruled"
    RULING_DUE = "rights.ruling_due"
    APPEALED = "rights.appealed"
    APPEAL_RULED = "rights.appeal_ruled"
    DISPUTES_READ = "rights.disputes_read"
    DISPUTES_FLOODED = "rights.disputes_flooded"
    DISPUTED_TWICE = "rights.disputed_twice"
    DISPUTE_LET_GO = "rights.dispute_let_go"
    DISPUTES_WEIGHED = "rights.disputes_weighed"
    RULINGS_TAKEN = "rights.rulings_taken"
    REQUEST_OPENED = "rights.opened"
    REQUESTS_READ = "rights.read"
    REQUEST_ANSWERED = "rights.answered"
    REQUEST_EXTENDED = "rights.extended"
    REQUEST_CLOSED = "rights.closed"
    REQUEST_COLLECTED = "rights.collected"
    REQUEST_DUE = "rights.due"
    REQUEST_LOOKED_UP = "rights.looked_up"
    REQUESTS_WIPED = "rights.wiped"
    CODE_SENT = "rights.code_sent"
    NOTICE_QUEUED = "notice.queued"
    NOTICE_WITHHELD = "notice.withheld"
    NOTICE_RELEASED = "notice.released"
    NOTICE_ANNOUNCED = "notice.announced"
    NOTICE_DELIVERED = "notice.delivered"
    NOTICE_ERASED = "notice.erased"
    NOTICE_READ = "notice.read"
    NOTICE_TEXT_SIGNED = "notice.text_signed"
    RESTRICTIONS_HEARD = "restrictions.heard"
    RECEIPT_GIVEN = "restrictions.receipt_given"
    RECEIPT_TAKEN = "restrictions.receipt_taken"
    RECIPIENTS_READ = "recipients.read"
    SIGHTINGS_READ = "sightings.read"
    SIGHTINGS_TAKEN = "sightings.taken"
    PROVIDER_READ = "events.read"
    PROVIDER_RECEIPTED = "events.receipted"
    PROVIDER_REMINDED = "events.reminded"
    PROVIDER_ERASED = "events.erased"
    BUDGET_BROKEN = "budget.broken"
    CASE_OPENED = "case.opened"
    CASE_READ = "case.read"
    CASE_RENDERED = "case.rendered"
    CASE_ASSESSED = "case.assessed"
    CASE_ATTACHED = "case.attached"
    CASE_APPROVED = "case.approved"
    CASE_MOVED = "case.moved"
    CASE_RECALLED = "case.recalled"
    CASE_CLOSED = "case.closed"
    CASE_ERASED = "case.erased"
    CASE_DUE = "case.due"
    ORDER_ADDED = "order.added"
    ORDER_READ = "order.read"
    ORDER_NOTED = "order.noted"
    ORDER_ANSWERED = "order.answered"
    ORDER_DUE = "order.due"
    CASE_CALLED = "case.called"
    DISPATCH_MADE = "dispatch.made"
    DISPATCH_READ = "dispatch.read"
    DISPATCH_BEGUN = "dispatch.begun"
    DISPATCH_ENDED = "dispatch.ended"
    DISPATCH_NOTED = "dispatch.noted"
    DISPATCH_TAKEN = "dispatch.taken"
    DISPATCH_REQUEUED = "dispatch.requeued"
    DISPATCH_WITHDRAWN = "dispatch.withdrawn"
    SENDING_SWITCHED = "sending.switched"
    PARTNER_ENTERED = "partner.entered"
    PARTNER_VERIFIED = "partner.verified"
    PARTNER_READ = "partner.read"
    PARTNER_TESTED = "partner.tested"
    BREACH_OPENED = "breach.opened"
    BREACH_ASSESSED = "breach.assessed"
    BREACH_NOTIFIED = "breach.notified"
    BREACH_CLOSED = "breach.closed"
    BREACH_DUE = "breach.due"
    BREACH_READ = "breach.read"
    ROUND_OPENED = "round.opened"
    ROUND_DRAWN = "round.drawn"
    ROUND_MARKED = "round.marked"
    ROUND_SIGNED = "round.signed"
    ROUND_READ = "round.read"
    ROUND_ANSWERED = "round.answered"
    ERASURE_OWED = "feed.erasure_owed"
    ERASURE_SETTLED = "feed.erasure_settled"
    BACKUP_MADE = "backup.made"
    RESTORED = "backup.restored"
    OUTSIDE_KEY = "outside_key.changed"
    ANCHOR_BEGUN = "witness.anchor_begun"


class AuditRecord(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The leaf of the audit log; `commitments` are by field group.

    `rule`, `code` and `policy` (`name@hash8`, with `policy_hash` whole) are there
    where a decision was made.
    """

    v: Literal[1]
    event: Event
    at: str
    outcome: str
    commitments: dict[Group, Bytes32]
    purpose: Purpose
    basis: Basis
    rule: str | None = None
    code: str | None = None
    policy: str | None = None
    policy_hash: str | None = None


class NamedSubject(msgspec.Struct, frozen=True):
    """The account that an entry names; of one from before services were told, none."""

    ref: str
    service: str | None = None


def audit_log_name(node: str) -> str:
    """Name a node's audit log as a C2SP log origin."""
    return f"{node}/audit"


class AuditTrail:
    """Makes the entries of one node's audit log.

    `anchor` is the log of its checkpoints that peers cosign.
    Without *pseudonyms* names stand as they are: for a node that has no staff yet.
    """

    def __init__(self, node: str, pseudonyms: Pseudonyms | None = None) -> None:
        self.log = audit_log_name(node)
        self.anchor = anchor_name(node)
        self.pseudonyms = pseudonyms
        self._hashes: dict[str, str] = {}

    def know_policy(self, reference: str, digest: str) -> None:
        """Learn the whole hash of a policy that decisions name by `name@hash8`."""
        self._hashes[reference] = digest

    def know_people(self, *names: str) -> None:
        """Learn that these are people: they appear under pseudonyms from now on."""
        if self.pseudonyms is not None:
            self.pseudonyms.learn(*names)

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
        purpose: Purpose | None = None,
        basis: Basis | None = None,
        peer: str | None = None,
    ) -> LogEntry:
        """Build an entry; a group that is left out has no commitment.

        `rule`, `code`, `policy` and `purpose` of the detail go into the record.
        Without a purpose or basis it has those of its class.

        Raises:
            StoreFailedError: the quarter's first pseudonym finds no place for its key.
        """
        usual = grounds_for(event)
        said = self._said(detail, peer, at)
        rule, code = _taken(said, "rule"), _taken(said, "code")
        policy = _taken(said, "policy")
        named = purpose or _taken(said, "purpose") or _read_for(rule, said)
        openings = list(extra)
        if actor is not None:
            openings.append(_opening(ACTOR, {"name": self.shown(actor, at)}))
        if subject is not None:
            openings.append(_opening(SUBJECT, _named(subject)))
        if said:
            openings.append(_opening(DETAIL, said))
        asking = current()
        if asking is not None:
            asking.events.add(event.value)
        record = AuditRecord(
            v=1,
            event=event,
            at=at.isoformat(timespec="milliseconds"),
            outcome=outcome,
            commitments={
                cast("Group", opening.group): commit(
                    self.log, opening.group, opening.salt, opening.payload
                )
                for opening in openings
            },
            purpose=_PURPOSES[named or usual.purpose],
            basis=basis or usual.basis,
            rule=rule,
            code=code,
            policy=policy,
            policy_hash=self._hashes.get(policy) if policy is not None else None,
        )
        return LogEntry(record=encode(record), openings=tuple(openings))

    def _said(
        self, detail: Detail | None, peer: str | None, at: datetime
    ) -> dict[str, str | int | bool | None]:
        """Return the detail, with the request that it belongs to, and no name."""
        said = {
            key: self.shown(value, at)
            if isinstance(value, str) and key not in _NO_PEOPLE
            else value
            for key, value in (detail or {}).items()
        }
        asking = current()
        if asking is not None:
            peer = peer or asking.peer
            said["trace"] = asking.trace
        if peer is not None:
            said.setdefault("peer", peer)
        return said

    def shown(self, name: str, at: datetime) -> str:
        """Give a name as an event of that moment has it: of people, the pseudonym."""
        return name if self.pseudonyms is None else self.pseudonyms.shown(name, at)

    def refusal(
        self,
        decision: Decision,
        *,
        at: datetime,
        actor: str,
        act: str,
        asked: Detail | None = None,
    ) -> LogEntry:
        """Build the entry of a refusal by policy; *asked* says of what else."""
        return self.entry(
            Event.REFUSED,
            at=at,
            outcome=decision.code,
            actor=actor,
            detail={"act": act, **(asked or {}), **grounds_of(decision)},
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


def _read_for(rule: str | None, said: Mapping[str, object]) -> str | None:
    """Return the purpose that a decision on a purpose was about."""
    about = said.get("about")
    if rule != Rule.PURPOSE or not isinstance(about, str):
        return None
    return about if about in _PURPOSES else None


def _taken(said: dict[str, str | int | bool | None], key: str) -> str | None:
    value = said.pop(key, None)
    return value if isinstance(value, str) else None


def decode_audit_record(data: bytes) -> AuditRecord:
    """Decode a leaf of the audit log.

    Raises:
        MalformedError: it is none of this version.
    """
    return decode(data, AuditRecord)


def _named(subject: str) -> dict[str, str]:
    service, reference = split(subject)
    return (
        {"ref": reference}
        if service is None
        else {"ref": reference, "service": service}
    )


def _opening(group: str, payload: Mapping[str, str | int | bool | None]) -> Opening:
    return Opening(group=group, salt=draw(SALT_BYTES), payload=encode(payload))
