# SPDX-License-Identifier: Apache-2.0
"""What a review round takes each class of events for; no class is left out."""

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Final

from fedsafe_node.log.audit import Event


@unique
class Kind(StrEnum):
    """What an event is to a review round.

    Of reads, decisions and exports a sample is drawn, alarms and refusals are all
    taken, and what is `none` is about nobody's conduct.
    """

    READ = "read"
    DECISION = "decision"
    EXPORT = "export"
    ALARM = "alarm"
    REFUSAL = "refusal"
    NONE = "none"


NAMES: Final[Mapping[Kind, str]] = {
    Kind.READ: (
        "lookup audit.read audit.verified audit.revealed signal.read task.read "
        "flood.read trial.read inquiry.read rights.disputes_read rights.read "
        "rights.looked_up notice.read recipients.read sightings.read events.read "
        "case.read order.read dispatch.read partner.read breach.read round.read"
    ),
    Kind.DECISION: (
        "credential.added credential.rotated credential.revoked account.added "
        "account.reset policy.changed role.granted role.ended training.recorded "
        "act.asked act.approved act.withdrawn act.refused gate.recorded gate.relocked "
        "attestation.signed register.entered register.reviewed founding.proposed "
        "founding.confirmed founding.refused federation.joined federation.signed "
        "federation.resharing federation.invited federation.uninvited federation.asked "
        "federation.leaving own_ban.recorded signal.drafted signal.published "
        "signal.imported signal.import_begun signal.import_undone "
        "signal.account_revoked signal.withdrawn signal.revoked signal.kept "
        "signal.sample_reviewed list.examined list.approved origin.suspended "
        "origin.resumed origin.quarantined origin.quarantine_ended audit.erased "
        "audit.held audit.recipient_withheld task.decided task.hearing task.reopened "
        "flood.ruled flood.bound_raised trial.prolonged trial.ended inquiry.sent "
        "inquiry.ruled rights.disputed rights.ruled rights.appealed "
        "rights.appeal_ruled rights.dispute_let_go rights.opened rights.answered "
        "rights.extended rights.closed notice.withheld notice.released "
        "notice.text_signed case.opened case.assessed case.attached case.approved "
        "case.moved case.recalled case.closed case.called order.added order.noted "
        "order.answered dispatch.made dispatch.noted dispatch.requeued "
        "dispatch.withdrawn sending.switched partner.entered partner.verified "
        "partner.tested breach.opened breach.assessed breach.notified breach.closed "
        "round.opened round.marked round.answered round.signed"
    ),
    Kind.EXPORT: (
        "audit.exported records.written case.rendered dispatch.taken "
        "rights.collected backup.made"
    ),
    Kind.ALARM: (
        "account.locked founding.mismatch federation.forked "
        "federation.resharing_failed origin.fork_proven evaluation.wrong_answer "
        "witness.fork witness.disputed audit.gap audit.key_destroyed task.alarm "
        "task.found_wrong decision.hurried flood.began rights.disputes_flooded "
        "rights.disputed_twice budget.broken backup.restored outside_key.changed "
        "demonstration.linked"
    ),
    Kind.REFUSAL: "refused door.refused session.refused",
    Kind.NONE: (
        "node.created node.started node.stopped account.set_up account.logged_out "
        "account.authenticator account.linked account.passkey_added "
        "account.passkey_named account.passkey_removed session.began session.ended "
        "session.role session.stepped_up attestation.taken federation.changed "
        "federation.rests federation.joining federation.erased "
        "federation.epoch_erased federation.epoch_shredded signal.import_finished "
        "signal.expired signal.sample_drawn feed.served feed.applied "
        "signal.restricted evaluation.served evaluation.compared audit.pruned "
        "additions.wait additions.go_on task.opened task.grown task.answered task.due "
        "task.lapsed flood.due flood.ended trial.began trial.due inquiry.taken "
        "rights.ruling_due rights.disputes_weighed rights.rulings_taken rights.due "
        "rights.wiped rights.code_sent notice.queued notice.announced "
        "notice.delivered notice.erased restrictions.heard restrictions.receipt_given "
        "restrictions.receipt_taken sightings.taken events.receipted events.reminded "
        "events.erased case.erased case.due order.due dispatch.begun dispatch.ended "
        "breach.due feed.erasure_owed feed.erasure_settled witness.anchor_begun "
        "round.drawn"
    ),
}
KINDS: Final[Mapping[Event, Kind]] = {
    Event(name): kind for kind, names in NAMES.items() for name in names.split()
}
SAMPLED: Final = (Kind.READ, Kind.DECISION, Kind.EXPORT)
TAKEN: Final = (Kind.ALARM, Kind.REFUSAL)


def classes_of(*kinds: Kind) -> frozenset[str]:
    """Name the classes of events that are of these kinds."""
    return frozenset(event.value for event, kind in KINDS.items() if kind in kinds)
