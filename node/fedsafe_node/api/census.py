# SPDX-License-Identifier: Apache-2.0
"""Which events each route and each inner act leaves in the audit log.

The border reads this table: an answer of a route that speaks leaves the node only if
its request made one of the route's events; of some routes also if whoever serves them
has said that nothing happened. So a handler that forgets its event answers
nothing, and a route that is not here is found by a test (`tests/node/api/test_census`).
A route is silent only for a reason that is written down.
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_node.log.audit import Event
from fedsafe_node.tracing import Asking

ROUTE_EVENTS: Final[Mapping[str, tuple[Event, ...]]] = {
    "lookup": (Event.LOOKUP,),
    "lookupBatch": (Event.LOOKUP,),
    "addSignal": (Event.OWN_BAN, Event.DRAFT, Event.PUBLISHED),
    "importSignals": (Event.IMPORTED,),
    "approveSignals": (Event.PUBLISHED, Event.OWN_BAN, Event.REFUSED),
    "revokeSignal": (Event.REVOKED, Event.WITHDRAWN),
    "listSignals": (Event.SIGNAL_READ,),
    "showSignal": (Event.SIGNAL_READ,),
    "listDue": (Event.SIGNAL_READ,),
    "listEnding": (Event.SIGNAL_READ,),
    "keepSignal": (Event.KEPT,),
    "showRecipients": (Event.RECIPIENTS_READ,),
    "openDispute": (Event.DISPUTED,),
    "listDisputes": (Event.DISPUTES_READ,),
    "showDispute": (Event.DISPUTES_READ,),
    "ruleDispute": (Event.RULED,),
    "openRequest": (Event.REQUEST_OPENED,),
    "listRequests": (Event.REQUESTS_READ,),
    "showRequest": (Event.REQUESTS_READ,),
    "collectAnswer": (Event.REQUEST_COLLECTED,),
    "answerRequest": (Event.REQUEST_ANSWERED,),
    "extendRequest": (Event.REQUEST_EXTENDED,),
    "grantRequest": (Event.ACT_ASKED, Event.REQUEST_CLOSED),
    "sendCode": (Event.CODE_SENT,),
    "rightsFormCode": (Event.CODE_SENT,),
    "proveControl": (Event.REQUEST_OPENED,),
    "rightsFormProof": (Event.REQUEST_OPENED,),
    "rightsFormAnswer": (Event.REQUEST_COLLECTED,),
    "openCase": (Event.CASE_OPENED,),
    "listCases": (Event.CASE_READ,),
    "showCase": (Event.CASE_READ,),
    "renderCase": (Event.CASE_RENDERED,),
    "renderPack": (Event.CASE_RENDERED,),
    "assessCase": (Event.CASE_ASSESSED,),
    "attachEvidence": (Event.CASE_ATTACHED,),
    "approveCase": (Event.CASE_APPROVED, Event.ACT_ASKED),
    "noteCall": (Event.CASE_CALLED,),
    "addOrder": (Event.ORDER_ADDED,),
    "listOrders": (Event.ORDER_READ,),
    "showOrder": (Event.ORDER_READ,),
    "noteOrder": (Event.ORDER_NOTED,),
    "answerOrder": (Event.ORDER_ANSWERED,),
    "closeCase": (Event.CASE_CLOSED,),
    "listPartners": (Event.PARTNER_READ,),
    "enterPartner": (Event.PARTNER_ENTERED,),
    "verifyPartner": (Event.PARTNER_VERIFIED,),
    "testPartner": (Event.PARTNER_TESTED,),
    "openBreach": (Event.BREACH_OPENED,),
    "listBreaches": (Event.BREACH_READ,),
    "showBreach": (Event.BREACH_READ,),
    "assessBreach": (Event.BREACH_ASSESSED,),
    "notifyBreach": (Event.BREACH_NOTIFIED,),
    "closeBreach": (Event.BREACH_CLOSED, Event.ACT_ASKED),
    "closeRequest": (Event.REQUEST_CLOSED,),
    "showSightings": (Event.SIGHTINGS_READ,),
    "listNotices": (Event.NOTICE_READ,),
    "signOffNoticeText": (Event.NOTICE_TEXT_SIGNED,),
    "withholdNotice": (Event.NOTICE_WITHHELD,),
    "listTasks": (Event.TASK_READ,),
    "showTask": (Event.TASK_READ,),
    "decideTask": (Event.TASK_DECIDED, Event.ACT_ASKED),
    "hearTask": (Event.TASK_HEARING,),
    "listInquiries": (Event.TASK_READ,),
    "answerInquiry": (Event.TASK_ANSWERED,),
    "readEvents": (Event.PROVIDER_READ,),
    "receiptEvent": (Event.PROVIDER_RECEIPTED,),
    "auditEvents": (Event.AUDIT_READ,),
    "searchAudit": (Event.AUDIT_READ,),
    "showEntry": (Event.AUDIT_READ,),
    "auditSubject": (Event.AUDIT_READ,),
    "auditAccess": (Event.AUDIT_READ,),
    "auditVerify": (Event.AUDIT_VERIFIED,),
    "askExport": (Event.ACT_ASKED,),
    "exportAudit": (Event.AUDIT_EXPORTED,),
    "exportTiles": (Event.AUDIT_EXPORTED,),
    "askErasure": (Event.ACT_ASKED,),
    "askReveal": (Event.ACT_ASKED,),
    "reveal": (Event.REVEALED,),
    "withholdPack": (Event.ACT_ASKED,),
    "addHold": (Event.AUDIT_HELD,),
    "listHolds": (Event.AUDIT_READ,),
    "liftHold": (Event.AUDIT_HELD,),
    "proposePolicy": (Event.ACT_ASKED,),
    "invite": (Event.MEMBER_INVITED,),
    "withdrawInvitation": (Event.MEMBER_UNINVITED,),
    "join": (Event.JOINING,),
    "knock": (Event.MEMBER_ASKED,),
    "tellLeaving": (Event.MEMBER_LEAVING,),
    "proposeCharter": (Event.ACT_ASKED,),
    "reshare": (Event.ACT_ASKED,),
    "signCharter": (Event.ACT_ASKED,),
    "refuseCharter": (Event.ACT_ASKED,),
    "recordGate": (Event.GATE_RECORDED, Event.ACT_ASKED),
    "enterItem": (Event.REGISTER_ENTERED,),
    "reviewItem": (Event.REGISTER_REVIEWED,),
    "writeSheet": (Event.SHEET_WRITTEN,),
    "noteBackup": (Event.BACKUP_MADE,),
    "logIn": (Event.SESSION_BEGAN,),
    "endSignOn": (Event.SESSION_BEGAN,),
    "logOut": (Event.SESSION_ENDED,),
    "stepUp": (Event.STEPPED_UP,),
    "linkIdentity": (Event.IDENTITY_LINKED,),
    "setUpAccount": (Event.ACCOUNT_SET_UP,),
    "renewAuthenticator": (Event.AUTHENTICATOR_RENEWED,),
    "addAccount": (Event.ACCOUNT_ADDED,),
    "lockAccount": (Event.ACCOUNT_LOCKED,),
    "resetAccount": (Event.ACCOUNT_RESET,),
    "grantRole": (Event.ROLE_GRANTED, Event.ACT_ASKED),
    "endRole": (Event.ROLE_ENDED,),
    "recordTraining": (Event.TRAINING_RECORDED,),
    "approveAct": (Event.ACT_APPROVED,),
    "withdrawAct": (Event.ACT_WITHDRAWN,),
    "addCredential": (Event.CREDENTIAL_ADDED,),
    "rotateCredential": (Event.CREDENTIAL_ROTATED,),
    "revokeCredential": (Event.CREDENTIAL_REVOKED,),
    "feed": (Event.FEED_SERVED,),
    "giveReceipt": (Event.RECEIPT_TAKEN,),
    "founding": (Event.FEDERATION_JOINED,),
    "addCheckpoint": (Event.FORK_SEEN, Event.ANCHOR_BEGUN),
    "giveFork": (Event.ORIGIN_SUSPENDED, Event.FORK_PROVEN),
    "tellFork": (Event.ORIGIN_SUSPENDED, Event.FORK_PROVEN),
    "liftFork": (Event.ORIGIN_RESUMED,),
    "quarantine": (Event.QUARANTINED,),
    "endQuarantine": (Event.ACT_ASKED,),
}
"""The classes of which an answer leaves at least one."""

SOMETIMES: Final[Mapping[str, str]] = {
    "lookupBatch": "where no question could be read, nobody was looked up",
    "approveSignals": "an item that waits no more is told, and changes nothing",
    "readEvents": "where nothing is new, nothing was read",
    "receiptEvent": "only the first receipt changes anything",
    "logOut": "a session that has ended before ends no more",
    "feed": "where nothing is new, nothing leaves",
    "collectAnswer": "before it is there, and once it was handed out, none is given",
    "rightsFormCode": "a page may say what was wrong, and then no code was sent",
    "rightsFormProof": "a page may say that the code was wrong",
    "rightsFormAnswer": "as for collectAnswer; or a page says that the code was wrong",
    "giveReceipt": "one that covers no more than another changes nothing",
    "founding": "the messages themselves are the record, until the node is a member",
    "knock": "only the first time is news; what it leads to is an event",
    "tellLeaving": "only the first time is news; what it leads to is an event",
    "addCheckpoint": "a cosignature is the record itself; a fork is an event",
    "giveFork": "evidence that is known already changes nothing",
    "tellFork": "evidence that is known already changes nothing",
    "quarantine": "what is set aside already is set aside once",
}
"""Routes whose answer may leave no event, and when.

Whoever serves them says so (`tracing.nothing_happened`); a route that is not here owes
an event whatever is said.
"""

SILENT: Final[Mapping[str, str]] = {
    "health": "whether the node is well, for anybody",
    "status": "counts of the node, and no case",
    "metrics": "counts of the node, and no case",
    "openapi": "the description of this API",
    "card": "what the node shows to everybody",
    "attestation": "what the node shows to everybody",
    "charter": "what the node shows to everybody",
    "charterVersions": "what the node shows to everybody",
    "exchangeCeremonies": "what is signed is its own record; its steps are events",
    "exchangeCharter": "a signature is a record; a version that counts is an event",
    "showFederation": "what members agreed on; it is about no person",
    "charterHistory": "what members agreed on; it is about no person",
    "publicRegister": "what the node shows to everybody",
    "showGate": "whether sharing is open; it is about no person",
    "showRegister": "the protection measures; they are about no person",
    "showBudgets": "counts of the node, and no case",
    "checkStaffing": "whether the people suffice; they read it about themselves",
    "listAccounts": "who works here, for those who work here",
    "listTraining": "who is trained here, for those who work here",
    "listCredentials": "which services there are; no secret and no case",
    "listActs": "what waits for a second person, for whoever may be the second",
    "listNoticeTexts": "texts that name nobody",
    "rightsForm": "an empty form, for anybody",
    "rightsFormCollect": "an empty form, for anybody",
    "helpOffers": "offers of help, for anybody; who looks for help leaves no trace",
    "helpFragment": "offers of help, for anybody; who looks for help leaves no trace",
    "helpReply": "words that name nobody",
    "showSession": "who asks, told to whoever asks",
    "beginSignOn": "nobody is known yet; how it ends is an event",
    "auditStatus": "size, root and key of the log, and nothing in it",
    "auditGaps": "what the log cannot tell, and nothing in it",
    "propose": "a proposal binds nobody; the founding that comes of it is an event",
    "poke": "it only wakes; what is then fetched is an event",
    "evaluate": "counted, and written by the minute as evaluation.served",
    "listForks": "proof of what members did with their logs; it is about no person",
    "witnessed": "a checkpoint that has left this node before",
    "tally": "counts about the member that asks, and no case",
}
"""Routes that leave no event, and why."""

JOB_EVENTS: Final[Mapping[str, tuple[Event, ...]]] = {
    "acts": (Event.ACT_WITHDRAWN,),
    "audit-gaps": (Event.AUDIT_GAP,),
    "audit-retention": (
        Event.AUDIT_ERASED,
        Event.AUDIT_HELD,
        Event.AUDIT_PRUNED,
        Event.KEY_DESTROYED,
    ),
    "breaches": (Event.BREACH_DUE,),
    "cases": (Event.CASE_DUE,),
    "orders": (Event.ORDER_DUE,),
    "budgets": (),
    "checkpoint": (),
    "comparing": (Event.FORK_SEEN, Event.ORIGIN_SUSPENDED, Event.FORK_PROVEN),
    "cosigning": (Event.CHECKPOINT_DISPUTED,),
    "waiting": (Event.ADDITIONS_WAIT, Event.ADDITIONS_GO_ON),
    "debts": (Event.ERASURE_OWED, Event.ERASURE_SETTLED),
    "departures": (Event.MEMBER_ERASED,),
    "keys": (),
    "shredding": (
        Event.KEY_DESTROYED,
        Event.EPOCH_ERASED,
        Event.EPOCH_SHREDDED,
    ),
    "disputes": (Event.DISPUTES_WEIGHED, Event.RULING_DUE, Event.REVOKED),
    "evaluations": (Event.EVALUATED,),
    "events": (Event.PROVIDER_REMINDED, Event.PROVIDER_ERASED),
    "expiry": (Event.EXPIRED,),
    "idempotency": (),
    "joining": (Event.FEDERATION_JOINED,),
    "index": (),
    "index-removals": (),
    "notices": (Event.NOTICE_RELEASED, Event.NOTICE_ANNOUNCED, Event.NOTICE_ERASED),
    "partings": (Event.RECEIPT_GIVEN,),
    "relock": (Event.GATE_RELOCKED,),
    "resharing": (
        Event.RESHARING,
        Event.RESHARING_FAILED,
        Event.CHARTER_SIGNED,
        Event.KEY_DESTROYED,
    ),
    "requests": (Event.REQUEST_DUE, Event.REQUESTS_WIPED),
    "residues": (),
    "tallies": (Event.EVALUATIONS_COMPARED,),
    "reviews": (Event.TASK_DUE, Event.TASK_LAPSED, Event.TASK_ALARM),
}
"""What the node's own duties leave; those with none keep nothing but order."""

INNER_EVENTS: Final[Mapping[str, tuple[Event, ...]]] = {
    "making a node, starting and stopping it": (
        Event.NODE_CREATED,
        Event.NODE_STARTED,
        Event.NODE_STOPPED,
    ),
    "whatever policy or a border refuses": (
        Event.REFUSED,
        Event.SESSION_REFUSED,
        Event.BUDGET_BROKEN,
        Event.DISPUTES_FLOODED,
    ),
    "what members bring": (
        Event.CHARTER_CHANGED,
        Event.CHARTER_FORKED,
        Event.MEMBER_RESTS,
        Event.FEED_APPLIED,
        Event.RESTRICTED,
        Event.RESTRICTIONS_HEARD,
        Event.RECEIPT_GIVEN,
        Event.ORIGIN_SUSPENDED,
        Event.RULINGS_TAKEN,
        Event.PEER_LIED,
        Event.ATTESTED,
        Event.ATTESTATION_TAKEN,
    ),
    "what the second person's approval of an act does": (
        Event.POLICY_CHANGED,
        Event.CHARTER_SIGNED,
        Event.RECIPIENT_WITHHELD,
        Event.QUARANTINE_ENDED,
    ),
    "what `fedsafe restore` does while the node stands still": (Event.RESTORED,),
    "what a match or a stop does to reviews": (
        Event.TASK_OPENED,
        Event.TASK_GROWN,
        Event.TASK_REOPENED,
    ),
    "what a publication or a receipt does to notices": (
        Event.NOTICE_QUEUED,
        Event.NOTICE_DELIVERED,
    ),
}
"""What is left by acts that no single route stands for."""


class UnauditedError(RuntimeError):
    """A handler made none of its route's events, nor said that none is due."""

    def __init__(self, route: str) -> None:
        super().__init__(f"the route {route} made none of its audit events")


def is_audited(route: str, asking: Asking) -> bool:
    """Whether a request has made an event of its route, or may go without one."""
    if route in SILENT:
        return True
    made = not asking.events.isdisjoint(ROUTE_EVENTS.get(route, ()))
    return made or (asking.is_idle and route in SOMETIMES)
