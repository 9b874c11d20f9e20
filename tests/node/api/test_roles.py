# SPDX-License-Identifier: Apache-2.0
"""Every role on every route that takes credentials, on a real node, over TCP.

The table says who gets through; a route that it leaves out fails. Some of the
refusals are a policy's, so the route table alone does not know.
"""

from collections.abc import Mapping
from secrets import token_bytes, token_hex
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from aiohttp import ClientResponse, ClientSession
from tests.node.review.conftest import match
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.fleet import FEDERATION, Fleet
from tests.support.house import LOCAL, OFFICE, sessions
from tests.support.peering import evidence_of

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.bodies import ImportRequest, Kind, ListSource
from fedsafe_node.acts.floods import FloodState
from fedsafe_node.acts.notices import TextName
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.trials import TrialCause
from fedsafe_node.api.auth import PERSONS, Auth
from fedsafe_node.api.route import Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.notices.provider_events.announcer import Announcement
from fedsafe_node.notices.texts import texts
from fedsafe_node.review.task_start import open_review
from fedsafe_node.store.review_rows import (
    FloodRow,
    InquiryRow,
    TaskInquiryRow,
    TrialRow,
)
from fedsafe_policies.vocabulary import Purpose, Role, Scope

__all__ = ["sessions"]

WRITERS: Final[set[str]] = {Role.ANALYST, Role.REVIEWER}
MACHINES: Final = {LOCAL, Role.SERVICE}
OVERSIGHT: Final = {Role.DPO, Role.AUDITOR}
COUNSEL: Final = {
    Role.ESCALATION_OFFICER,
    Role.LEGAL_ADVISER,
    Role.YOUTH_PROTECTION_OFFICER,
}
YOUTH: Final = Role.YOUTH_PROTECTION_OFFICER
MAY: Final[Mapping[str, set[str]]] = {
    "lookup": MACHINES | WRITERS,
    "lookupBatch": MACHINES | WRITERS,
    "match": MACHINES | WRITERS,
    "addSignal": MACHINES | WRITERS,
    "listSignals": MACHINES | WRITERS | COUNSEL | OVERSIGHT,
    "importSignals": MACHINES | WRITERS,
    "beginImport": MACHINES | WRITERS,
    "finishImport": MACHINES | WRITERS,
    "listImports": MACHINES | WRITERS | COUNSEL | OVERSIGHT,
    "showImport": MACHINES | WRITERS | COUNSEL | OVERSIGHT,
    "undoImport": {Role.SERVICE, Role.DPO} | WRITERS,
    "approveSignals": {Role.REVIEWER},
    "showSignal": MACHINES | WRITERS | COUNSEL | OVERSIGHT,
    "revokeSignal": {Role.SERVICE, Role.DPO} | WRITERS,
    "revokeAccount": {Role.SERVICE, Role.DPO} | WRITERS,
    "auditEvents": {LOCAL, Role.REVIEWER} | OVERSIGHT,
    "auditVerify": {LOCAL, *PERSONS},
    "searchAudit": {LOCAL, Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "searchAccount": {LOCAL, Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "auditStatus": {LOCAL, *PERSONS},
    "showEntry": {LOCAL, Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "askExport": {Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "exportAudit": {Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "exportTiles": {Role.REVIEWER, Role.DPO, Role.AUDITOR},
    "listNotices": {Role.ANALYST, Role.REVIEWER} | COUNSEL | OVERSIGHT,
    "listNoticeTexts": {LOCAL, *PERSONS},
    "signOffNoticeText": {Role.DPO, Role.LEGAL_ADVISER},
    "withholdNotice": {Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO},
    "showSightings": {
        *(Role.REVIEWER, Role.LEGAL_ADVISER, YOUTH, Role.OPERATOR),
        *OVERSIGHT,
    },
    "listRecipients": {Role.REVIEWER} | OVERSIGHT,
    "showRecipients": {Role.REVIEWER} | OVERSIGHT,
    "listForks": {LOCAL, *PERSONS},
    "giveFork": {LOCAL, *PERSONS},
    "liftFork": {Role.OPERATOR, Role.DPO},
    "readEvents": {LOCAL} | WRITERS | COUNSEL | OVERSIGHT,
    "receiptEvent": {LOCAL} | {Role.REVIEWER, Role.LEGAL_ADVISER},
    "showBudgets": {LOCAL, *PERSONS},
    "listEnding": WRITERS,
    "keepSignal": {Role.REVIEWER},
    "listSample": WRITERS,
    "reviewSampled": {Role.REVIEWER},
    "listWaitingLists": WRITERS,
    "examineList": {Role.REVIEWER},
    "approveList": {Role.REVIEWER},
    "showGate": {LOCAL, *PERSONS},
    "recordGate": {Role.REVIEWER, Role.OPERATOR, Role.DPO},
    "showRegister": {LOCAL, *PERSONS},
    "enterItem": {Role.ANALYST, Role.REVIEWER, Role.OPERATOR},
    "reviewItem": {Role.REVIEWER, Role.OPERATOR, YOUTH, Role.DPO},
    "listTasks": WRITERS | COUNSEL | OVERSIGHT,
    "listInquiries": WRITERS | COUNSEL | OVERSIGHT,
    "showTask": WRITERS | COUNSEL | OVERSIGHT,
    "decideTask": WRITERS,
    "hearTask": WRITERS | {Role.YOUTH_PROTECTION_OFFICER},
    "answerInquiry": WRITERS,
    "listFloods": WRITERS | COUNSEL | OVERSIGHT,
    "showFlood": WRITERS | COUNSEL | OVERSIGHT,
    "ruleFlood": {Role.REVIEWER, Role.LEGAL_ADVISER},
    "raiseBound": {Role.REVIEWER, Role.LEGAL_ADVISER},
    "listListingInquiries": WRITERS | COUNSEL | OVERSIGHT,
    "showListingInquiry": WRITERS | COUNSEL | OVERSIGHT,
    "ruleListingInquiry": {Role.REVIEWER, Role.LEGAL_ADVISER},
    "listSentInquiries": WRITERS | COUNSEL | OVERSIGHT,
    "listTrials": WRITERS | COUNSEL | OVERSIGHT,
    "prolongTrial": {Role.REVIEWER, Role.LEGAL_ADVISER},
    "endTrial": {Role.REVIEWER, Role.LEGAL_ADVISER},
    "status": {LOCAL, *PERSONS},
    "metrics": {LOCAL, *PERSONS},
    "propose": {LOCAL, Role.OPERATOR},
    "showFoundings": {LOCAL, Role.OPERATOR},
    "reviewFounding": {LOCAL, Role.OPERATOR},
    "confirmFounding": {LOCAL, Role.OPERATOR},
    "withdrawFounding": {LOCAL, Role.OPERATOR},
    "helpReply": {*PERSONS, Role.SERVICE},
    "noteBackup": {LOCAL, Role.OPERATOR},
    "writeSheet": {
        LOCAL,
        *(Role.REVIEWER, Role.OPERATOR, Role.LEGAL_ADVISER),
        Role.YOUTH_PROTECTION_OFFICER,
        *OVERSIGHT,
    },
}
LOG: Final = {"auditEvents", "searchAudit", "showEntry"}
NAMED: Final = {"purpose": "audit_review"}  # on the socket nothing is taken for granted
READS: Final = {
    *("writeSheet", "helpReply"),
    *("listTasks", "showTask", "listInquiries"),
    *("listFloods", "showFlood", "listTrials"),
    *("listListingInquiries", "showListingInquiry", "listSentInquiries"),
    "readEvents",
    *("showRecipients", "listRecipients"),
    *("listNotices", "listNoticeTexts", "showSightings", "listForks"),
    *("listSignals", "showSignal", "auditEvents", "auditVerify"),
    *("listImports", "showImport"),
    *("askExport", "exportAudit", "searchAudit", "auditStatus", "showEntry"),
    "searchAccount",
    *("exportTiles", "showBudgets", "showGate", "showRegister", "status", "metrics"),
}
CREDENTIAL_ROUTES: Final = [
    route
    for route in ROUTES
    if route.auth in {Auth.HOUSE, Auth.CREDENTIAL} and route not in OFFICE
]
ACTS_OF_THE_DPO: Final = {
    "signOffNoticeText",
    "withholdNotice",
    "recordGate",
    "reviewItem",
    "revokeSignal",
    "revokeAccount",
    "undoImport",
    "liftFork",
}
GIVES: Final = {"giveFork"}  # evidence proves itself, so anybody may bring it
QUESTION: Final = {"kind": "email", "value": "anna@example.de"}
DIGEST: Final = {"kind": "md5", "digests": "A" * 22 + "=="}
FINDING: Final = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "tos-4.2",
    "removed_on": "2026-11-20",
}
PURPOSES: Final = {
    LOCAL: Purpose.SIGNUP_CHECK,
    Role.SERVICE: Purpose.SIGNUP_CHECK,
    Role.ANALYST: Purpose.MODERATION_REVIEW,
    Role.REVIEWER: Purpose.MODERATION_REVIEW,
    Role.OPERATOR: Purpose.OPERATIONS,
}

OF_FILES: Final = {purpose: purpose for purpose in Purpose} | {
    Purpose.SIGNUP_CHECK: Purpose.MEDIA_MATCHING
}
DENIED: Final = {"role", "purpose"}


def denied(status: int, answer: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether the whole request was refused, or each of its items by policy."""
    problems = answer.get("problems") if isinstance(answer, dict) else None
    codes = {problem["code"] for problem in problems or []}
    return status == 403 or bool(codes & DENIED)


async def body_in(response: ClientResponse) -> Any:  # noqa: ANN401 - JSON
    if response.content_type in {"application/zip", "application/x-tar"}:
        return await response.read()
    text = response.content_type == "text/plain"
    return await (response.text() if text else response.json(content_type=None))


def body_of(
    route: Route, caller: str, signal: str, made: Mapping[str, object]
) -> object:
    purpose = PURPOSES.get(caller, Purpose.AUDIT_REVIEW)
    asked = {"questions": [QUESTION], "subject_ref": "account-1"}
    why = {"purpose": purpose, "surface": "public_content"}
    new = FINDING | {"about": QUESTION | {"value": f"{route.name}.{caller}@mail.de"}}
    return {
        "lookup": asked | why,
        "lookupBatch": {"lookups": [asked]} | why,
        "match": {"columns": [DIGEST]} | why | {"purpose": OF_FILES[purpose]},
        "addSignal": new,
        "importSignals": {"signals": [new]},
        "beginImport": {},
        "finishImport": {"lines": 1, "listed": 0, "refused": 0, "over": 0},
        "undoImport": {},
        "approveSignals": {"signals": [signal]},
        "revokeSignal": {"reason": "mistake"},
        "revokeAccount": {"subject_ref": "account-1", "reason": "mistake"},
        "confirmFounding": {"proposal": "0" * 64, "groups": {}},
        "withdrawFounding": {"proposal": "0" * 64},
        "noteBackup": {"digest": "0" * 64, "keys": False},
        "recordGate": {"dpia": "file-12"},
        "askExport": {"first": 0, "last": 0},
        "searchAccount": {"subject_ref": "account-1"}
        | (NAMED if caller == LOCAL else {}),
        "enterItem": {"status": "planned", "expires_on": "2026-12-24"},
        "reviewItem": {"entry": "0" * 32},
        "decideTask": {"outcome": "dismiss"},
        "examineList": {"rehearsal": []},
        "approveList": {"digest": "0" * 64},
        "signOffNoticeText": {
            "digest": texts()[TextName.END_OF_SIGNAL].digest,
            "valid_until": "2026-12-20",
        },
        "withholdNotice": {
            "reason": "bdsg_29_1",
            "note": "file-9",
            "until": "2026-12-20",
        },
        "hearTask": {"step": "heard", "reference": "minute-3"},
        "answerInquiry": {"replies": {"still_stands": "yes"}, "reference": "mail-7"},
        "ruleFlood": {"ruling": "rests", "reason": "ticket-7"},
        "raiseBound": {"bound": 20, "reason": "ticket-7"},
        "prolongTrial": {"reason": "ticket-7"},
        "reviewSampled": {"finding": "stands", "reason": "note-7"},
        "endTrial": {"reason": "ticket-7"},
        "ruleListingInquiry": {"ruling": "kept", "reason": "ticket-7"},
        **made,
    }.get(route.name)


async def forked(fleet: Fleet, size: int) -> Mapping[str, object]:
    """Give the bodies about a fork; one is kept that was not excused."""
    evidence = evidence_of(fleet, "b.demo/anchor", size)
    forks = fleet["a.demo"].services.forks
    await forks.take(evidence, by="rita")
    (kept,) = (await forks.kept()).forks
    lift = {"log": kept.log, "digest": kept.digest, "reference": "minutes-1"}
    return {"giveFork": msgspec.to_builtins(evidence), "liftFork": lift}


async def signal_of(fleet: Fleet, route: Route, caller: str) -> str:
    drafting = route.name in {"approveSignals", "withholdNotice"}
    scope, author = (Scope.FEDERATION, ANNA) if drafting else (Scope.SELF, BOT)
    request = request_for(f"{route.name}.{caller}@post.de", scope=scope)
    return (await fleet["a.demo"].services.signals.add(request, author)).signal


async def inquiry_of(fleet: Fleet, task: str) -> int:
    inquiry = TaskInquiryRow(
        task=task,
        origin="b.demo",
        signal_id=UUID(match(1).signal).bytes,
        questions="still_stands",
        asked_by="anna",
        asked_at=1,
    )
    store = fleet["a.demo"].base.store
    return await store.write(lambda tx: tx.add_task_inquiry(inquiry))


async def inquire_about(fleet: Fleet, signal: str) -> None:
    base = fleet["a.demo"].base
    inquiry = InquiryRow(
        signal_id=UUID(signal).bytes,
        origin=base.situation.own.name,
        state=InquiryState.OPEN,
        opened_at=1,
    )
    await base.store.write(lambda tx: tx.put_inquiry(inquiry))


async def task_of(fleet: Fleet, account: str) -> str:
    node = fleet["a.demo"]
    found, now = [match(1)], fleet.clock.now()
    opened = await node.base.store.write(
        lambda tx: open_review(
            node.reviews, tx, account, found, now, by="local", service="local"
        )
    )
    return opened.task


async def flood_of(fleet: Fleet) -> str:
    flood = FloodRow(
        id=token_hex(16),
        origin="b.demo",
        signal_id=token_bytes(16),
        about=token_bytes(16),
        state=FloodState.WAITING,
        bound=10,
        opened_at=1,
        ends_at=1 << 40,
        remind_at=None,
        period="2026-11",
        sealed=None,
    )
    await fleet["a.demo"].base.store.write(lambda tx: tx.add_flood(flood))
    return flood.id


async def trial_of(fleet: Fleet, list_: str) -> str:
    trial = TrialRow(
        id=token_hex(16),
        origin="b.demo",
        cause=TrialCause.IMPORTED_LIST,
        list=list_,
        began_at=1,
        ends_at=2,
        seed=bytes(32),
        matches=1,
        drawn=1,
        wrong=1,  # it does not end by itself
    )
    await fleet["a.demo"].base.store.write(lambda tx: tx.add_trial(trial))
    return trial.id


def test_every_route_that_takes_credentials_says_whose() -> None:
    assert set(MAY) == {route.name for route in CREDENTIAL_ROUTES}
    assert [route.name for route in CREDENTIAL_ROUTES if not route.roles] == []
    taking = [route for route in ROUTES if route.roles and route not in OFFICE]
    assert taking == CREDENTIAL_ROUTES


def test_oversight_only_reads_and_an_operator_sees_no_case() -> None:
    cases = {"lookup", "lookupBatch", "match", "listSignals", "showSignal"}
    cases |= {"auditEvents"}

    for role in OVERSIGHT:
        reached = {name for name, may in MAY.items() if role in may}
        assert reached - ACTS_OF_THE_DPO - GIVES == READS
    assert {name for name in ACTS_OF_THE_DPO if Role.AUDITOR in MAY[name]} == set()
    assert {name for name, may in MAY.items() if Role.OPERATOR in may} & cases == set()


@pytest.mark.timeout(180)  # every route for every role
async def test_a_role_reaches_what_it_may_and_nothing_else(
    trio: Fleet, sessions: Mapping[str, ClientSession]
) -> None:
    services = trio["a.demo"].services
    card = msgspec.to_builtins(await services.foundings.card())
    proposal = {"federation": FEDERATION, "cards": [card], "threshold": 2}
    base, notice = trio["a.demo"].base, Announcement(EventKind.NOTICE_DUE)
    await base.store.write(lambda tx: base.announcer.announce(tx, notice))
    said = ListSource(name=TextName.END_OF_SIGNAL.value, source="hotline/1")
    file = request_for("a5" * 32, kind=Kind.SHA256, scope=Scope.FEDERATION)
    await services.signals.add_many(ImportRequest(signals=[file], list=said), ANNA)
    passed: dict[str, set[str]] = {}
    for size, (caller, session) in enumerate(sessions.items(), start=1):
        made = {
            "propose": proposal,
            "reviewFounding": card,
            **await forked(trio, size),
        }
        for route in CREDENTIAL_ROUTES:
            signal = task = flood = trial = run = ""
            inquiry = 0
            if "{id}" in route.path or route.name == "approveSignals":
                signal = await signal_of(trio, route, caller)
            if "listing-inquiries" in route.path and signal:
                await inquire_about(trio, signal)
            if "{run}" in route.path:
                person = request_for(f"{route.name}.{caller}@import.example")
                added = ImportRequest(signals=[person])
                run = str((await services.signals.add_many(added, ANNA)).run)
            if "{task}" in route.path:
                task = await task_of(trio, f"{route.name}.{caller}")
                inquiry = await inquiry_of(trio, task)
            if "{flood}" in route.path:
                flood = await flood_of(trio)
            if "{trial}" in route.path:
                trial = await trial_of(trio, f"{route.name}.{caller}")
            response = await session.request(
                route.method,
                route.path.format(
                    id=signal,
                    run=run,
                    task=task,
                    inquiry=inquiry,
                    flood=flood,
                    trial=trial,
                    item="S-V-1",
                    sheet="art30",
                    index="0",
                    number="1",
                    name=TextName.END_OF_SIGNAL,
                ),
                json=body_of(route, caller, signal, made),
                params=NAMED if caller == LOCAL and route.name in LOG else None,
            )
            answer = await body_in(response)
            # A node in a federation proposes none: that is the state, not the role.
            assert response.status in {route.status, 403, 409}, (route.name, answer)
            if not denied(response.status, answer):
                passed.setdefault(route.name, set()).add(caller)

    assert passed == MAY
