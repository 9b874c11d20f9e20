# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fedsafe_node.ground.trace import begin
from fedsafe_node.log.audit import (
    AuditRecord,
    AuditTrail,
    Detail,
    Event,
    decode_audit_record,
)
from fedsafe_node.log.pseudonyms import PSEUDONYM, Pseudonyms
from fedsafe_node.log.retention_grounds import FAMILIES, Basis, grounds_for
from fedsafe_node.store.rows import LogEntry
from fedsafe_policies.vocabulary import Purpose

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
POLICY = "strict@0123abcd"
DECIDED: Detail = {"rule": "P8", "code": "purpose", "policy": POLICY, "about": "x"}


@pytest.fixture
def trail(tmp_path: Path) -> AuditTrail:
    made = AuditTrail("a.demo", Pseudonyms(tmp_path / "pseudonyms"))
    made.know_people("anna", "ben")
    made.know_policy(POLICY, "0123abcd" + "0" * 56)
    return made


def record_of(entry: LogEntry) -> AuditRecord:
    return decode_audit_record(entry.record)


def openings_of(entry: LogEntry) -> dict[str, object]:
    return {each.group: json.loads(each.payload) for each in entry.openings}


@pytest.mark.promise("LR-14")
def test_the_record_says_what_decided_and_what_for(trail: AuditTrail) -> None:
    entry = trail.entry(
        Event.AUDIT_READ,
        at=NOW,
        detail=DECIDED,
        purpose=Purpose.SUPERVISION,
        basis=Basis.LEGAL_OBLIGATION,
    )
    record = record_of(entry)

    assert (record.rule, record.code, record.policy) == ("P8", "purpose", POLICY)
    assert record.policy_hash == "0123abcd" + "0" * 56
    assert (record.purpose, record.basis) == ("supervision", "gdpr_6_1_c")
    assert openings_of(entry) == {"detail": {"about": "x"}}


@pytest.mark.parametrize(
    ("rule", "about", "purpose"),
    [
        ("P8", "supervision", "supervision"),
        ("P8", "no_purpose", "moderation_review"),
        ("P8", None, "moderation_review"),
        ("P6", "supervision", "moderation_review"),
    ],
)
def test_what_was_decided_on_a_purpose_has_that_purpose(
    trail: AuditTrail, rule: str, about: str | None, purpose: str
) -> None:
    detail: Detail = {"rule": rule, "about": about}

    assert record_of(trail.entry(Event.SIGNAL_READ, at=NOW, detail=detail)).purpose == (
        purpose
    )


def test_a_class_has_a_purpose_of_its_own(trail: AuditTrail) -> None:
    record = record_of(trail.entry(Event.NODE_STARTED, at=NOW))

    assert (record.purpose, record.basis) == ("operations", "gdpr_32")
    assert record.rule is record.policy_hash is None


@pytest.mark.promise("LR-14")
@pytest.mark.parametrize("event", Event)
def test_every_class_is_of_a_family_whose_grounds_are_written_down(
    event: Event,
) -> None:
    assert event.partition(".")[0] in FAMILIES
    assert grounds_for(event) is FAMILIES[event.partition(".")[0]]


async def test_the_record_holds_nothing_personal(trail: AuditTrail) -> None:
    begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    entry = trail.entry(
        Event.LOOKUP,
        at=NOW,
        actor="anna",
        subject="account-17",
        peer="b.demo",
        detail={**DECIDED, "asked_by": "ben"},
    )

    for secret in (b"anna", b"ben", b"account-17", b"b.demo", b"0af7651916"):
        assert secret not in entry.record


def test_staff_are_pseudonyms_wherever_they_are_named(trail: AuditTrail) -> None:
    entry = trail.entry(
        Event.ACT_APPROVED,
        at=NOW,
        actor="anna",
        detail={"asked_by": "ben", "name": "anna", "act": "ben", "failures": 2},
    )
    shown = json.dumps(openings_of(entry))
    said = openings_of(entry)["detail"]

    assert "anna" not in shown
    assert isinstance(said, dict)
    assert PSEUDONYM.fullmatch(said["asked_by"])
    assert said["asked_by"] != said["name"]
    assert said["act"] == "ben"
    assert said["failures"] == 2


@pytest.mark.parametrize("name", ["bot", "local", "setup", "expiry", "b.demo"])
def test_machines_members_and_the_node_keep_their_names(
    trail: AuditTrail, name: str
) -> None:
    entry = trail.entry(Event.LOOKUP, at=NOW, actor=name)

    assert openings_of(entry)["actor"] == {"name": name}


async def test_an_event_names_the_request_and_the_member(trail: AuditTrail) -> None:
    asking = begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    asking.peer = "b.demo"
    entry = trail.entry(Event.FEED_SERVED, at=NOW)

    assert openings_of(entry)["detail"] == {
        "trace": "0af7651916cd43dd8448eb211c80319c",
        "peer": "b.demo",
    }
    assert asking.events == {"feed.served"}


@pytest.mark.promise("LR-14")
def test_a_record_without_its_grounds_is_none(trail: AuditTrail) -> None:
    members = msgspec.json.decode(trail.entry(Event.NODE_STARTED, at=NOW).record)

    assert set(members) == {
        "v",
        "event",
        "at",
        "outcome",
        "commitments",
        "purpose",
        "basis",
    }
