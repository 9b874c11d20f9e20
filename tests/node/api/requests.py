# SPDX-License-Identifier: Apache-2.0
"""Requests to each route."""

from tests.node.api.appeals import APPEAL_BODIES
from tests.node.api.casework import CASE_BODIES
from tests.node.api.disputes import DISPUTE_BODIES
from tests.node.api.inquiries import INQUIRY_BODIES
from tests.node.api.keeping import KEEPING_BODIES
from tests.node.api.orders import ORDER_BODIES
from tests.node.api.oversight import OVERSIGHT_BODIES
from tests.node.api.rights import RIGHTS_BODIES
from tests.node.api.staff import PEOPLE_BODIES

from fedsafe_node.api.route import Route

QUESTION = {"kind": "email", "value": "anna@example.de"}
SIGNAL = {
    "about": QUESTION,
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "r-1",
}
KNOWN = "00000000-0000-7000-8000-000000000000"
UNKNOWN = "00000000-0000-7000-8000-00000000ffff"
STATEMENT = {
    "type": "card",
    "signer": "games.example.fr",
    "payload": "e30=",
    "signature": "A" * 86 + "==",
}
BUNDLE = {
    "type": "charter",
    "payload": "e30=",
    "signatures": [{"signer": "games.example.fr", "signature": "A" * 86 + "=="}],
}
FORK = {
    "v": 1,
    "kind": "fork",
    "key": "games.example.fr/feed+00000000+AQ==",
    "first": "one note",
    "second": "another",
    "proof": [],
}
BODIES: dict[str, object] = {
    "noteBackup": {"digest": "0" * 64, "keys": True},
    "giveFork": FORK,
    "tellFork": FORK,
    "giveReceipt": STATEMENT,
    "inquire": STATEMENT,
    "forwardDisputes": {"v": 1, "disputes": [STATEMENT]},
    "liftFork": {
        "log": "games.example.fr/feed",
        "digest": "0" * 64,
        "reference": "minutes-1",
    },
    "recordGate": {"dpia": "file-12"},
    "examineList": {"rehearsal": []},
    "approveList": {"digest": "0" * 64},
    "signOffNoticeText": {"digest": "0" * 64, "valid_until": "2027-11-24"},
    "withholdNotice": {
        "reason": "bdsg_29_1",
        "note": "note-4",
        "until": "2026-12-01",
    },
    "enterItem": {"status": "planned", "expires_on": "2026-12-24"},
    "reviewItem": {"entry": "0" * 32},
    "decideTask": {"outcome": "dismiss"},
    "hearTask": {"step": "heard", "reference": "minute-3"},
    "answerInquiry": {"replies": {"still_stands": "yes"}, "reference": "mail-7"},
    "ruleFlood": {"ruling": "rests", "reason": "ticket-7"},
    "raiseBound": {"bound": 20, "reason": "ticket-7"},
    "prolongTrial": {"reason": "ticket-7"},
    "reviewSampled": {"finding": "stands", "reason": "note-7"},
    "endTrial": {"reason": "ticket-7"},
    "lookup": {"questions": [QUESTION]},
    "lookupBatch": {"lookups": [{"questions": [QUESTION]}]},
    "match": {"columns": [{"kind": "md5", "digests": "A" * 22 + "=="}]},
    "addSignal": SIGNAL,
    "importSignals": {"signals": [SIGNAL]},
    "beginImport": {"digest": "0" * 64},
    "finishImport": {"lines": 1, "listed": 0, "refused": 0, "over": 0},
    "undoImport": {"reason": "mistake"},
    "approveSignals": {"signals": [KNOWN, UNKNOWN]},
    "revokeSignal": {"reason": "mistake"},
    "revokeAccount": {"subject_ref": "account-17", "reason": "mistake"},
    "poke": {"origin": "games.example.fr", "size": 3},
    "evaluate": STATEMENT,
    "founding": [STATEMENT],
    "exchangeCharter": {"version": 1, "statements": [BUNDLE]},
    "exchangeCeremonies": {
        "version": 1,
        "charter": "A" * 43 + "=",
        "statements": [STATEMENT],
        "have": [],
        "lacks": [],
    },
    "knock": {"joining": STATEMENT, "version": 0, "signatures": []},
    "tellLeaving": STATEMENT,
    "invite": {"hours": 24},
    "quarantine": {"member": "games.example.fr", "after": 1_700_000_000},
    "join": {"invitation": "FSI1-AAAAA"},
    "reshare": {"threshold": 2},
    "proposeCharter": {"change": "suspend", "member": "games.example.fr"},
    "askExport": {"first": 0, "last": 3},
    "searchAccount": {"subject_ref": "account-17"},
    "propose": {"federation": "pilot.example.org", "cards": [STATEMENT] * 3},
    "reviewFounding": STATEMENT,
    "confirmFounding": {
        "proposal": "0" * 64,
        "groups": {"games.example.fr": ["1a2b", "3c4d"]},
    },
    "withdrawFounding": {"proposal": "0" * 64},
}
BODIES |= (
    PEOPLE_BODIES
    | DISPUTE_BODIES
    | APPEAL_BODIES
    | INQUIRY_BODIES
    | RIGHTS_BODIES
    | OVERSIGHT_BODIES
    | KEEPING_BODIES
    | CASE_BODIES
    | ORDER_BODIES
)


def concrete(route: Route) -> str:
    name = "statement_of_reasons" if "/notices/texts/" in route.path else "anna"
    return route.path.format(
        index="3",
        entry="7",
        id=KNOWN,
        origin="games.example.fr",
        item="S-V-1",
        name=name,
        sheet="art30",
        act="0" * 32,
        session="0" * 16,
        passkey="0" * 32,
        task="0" * 32,
        number="1",
        inquiry="1",
        flood="0" * 32,
        trial="0" * 32,
        run="0" * 32,
        dispute="6d" * 32,
        appeal="9c" * 32,
        request="0a" * 16,
        breach="0a" * 16,
        round="0a" * 16,
        question="1",
        case="0a" * 16,
        order="0a" * 16,
        partner="bka",
        dispatch="0a" * 16,
        hold="0" * 32,
        proposal="6d" * 32,
        member="games.example.fr",
        invitation="0a" * 8,
        log="6d" * 32,
        quarter="2026-Q4",
    )
