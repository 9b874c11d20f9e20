# SPDX-License-Identifier: Apache-2.0
import dataclasses
import hashlib
import json
from datetime import date

import pytest
from msgspec.structs import replace
from tests.support.fleet import Fleet

from fedsafe_node.audit.compliance.model import Language, SheetKind
from fedsafe_node.ground.config import AuditRetention, Config, Founding, Listen, Oidc
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.mail_settings import Mail, Phone
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate
from fedsafe_policies.vocabulary import Purpose, Role

NAME = "a.demo"
TOLD = {
    *("name", "jurisdiction", "contact", "policy", "listen"),
    *("dpo_contact", "founding", "audit", "oidc", "mail", "phone"),
}
"""What of a configuration the documents tell."""
UNTOLD = {
    "format": "how the file is written",
    "desk": "where people's browsers reach the node",
    "url": "an address for other members; they are told where they are",
    "custody_key": "a file's name",
    "outside_key": "a file's name; `fedsafe doctor` says where there is none",
    "provider": "letters to persons name it; these documents are the house's own",
    "lookup": "how fast an answer must be, not what is in it",
    "sync": "how often members are asked",
    "peering": "where a connection to a member may lead, not who the members are",
    "disk": "how much of the disk is kept free",
    "store": "the same data in the same rows, in a file or on a server of the node's",
    "help": "offers of help, which name no person",
    "deadlines": "by which calendar people are reminded, not what is kept or sent",
    "backups": "each erasure receipt says until when backups are kept",
    "calendar": "what two people have approved counts, not what is named",
    "minimisation": "what two people have approved counts, not what is named",
    "sending": "by which way sealed packages leave, not what is sent or to whom",
    "do_not_share": "what two people have approved counts, not what is named",
}
"""What they do not tell, and why."""
DORA = Principal("dora", Role.DPO)
GATE = LegalGate(
    legal_basis="doc-basis",
    balancing_test="doc-balance",
    dpia="doc-dpia",
    consultation=Consultation.NOT_REQUIRED,
    consultation_reference="note-36",
    arrangement="jca-3",
    dpo_approval=Approval("dora", date(2026, 11, 1)),
    management_approval=Approval("mia", date(2026, 11, 1)),
    valid_until=date(2099, 1, 1),
)


async def text_of(
    fleet: Fleet, kind: SheetKind = SheetKind.ART30, who: Principal = DORA
) -> str:
    sheets = fleet[NAME].services.sheets
    return (await sheets.write(kind, Language.EN, who)).markdown


async def test_a_new_node_says_what_is_not_recorded(alone: Fleet) -> None:
    absent = {
        Language.DE: "noch nicht eingetragen (`fedsafe",
        Language.EN: "not recorded yet (`fedsafe",
    }
    for kind in SheetKind:
        for language in Language:
            answer = await alone[NAME].services.sheets.write(kind, language, DORA)

            assert answer.document.node == NAME
            says = absent[language] in answer.markdown
            assert says is (kind is not SheetKind.WORKS_COUNCIL), kind


async def test_the_event_has_the_digest_of_exactly_this_text(alone: Fleet) -> None:
    text = await text_of(alone)
    (event,) = await alone.audit(NAME, "records.written")
    detail = json.loads(event.openings["detail"])

    assert detail["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert (detail["sheet"], detail["language"]) == ("art30", "en")
    assert event.record.purpose is Purpose.AUDIT_REVIEW


async def test_other_members_are_recipients_with_their_country(trio: Fleet) -> None:
    text = await text_of(trio)

    assert "| b.demo | DE | yes | no |" in text
    assert "| c.demo | DE | yes | no |" in text


async def test_what_is_recorded_is_in_the_next_document(alone: Fleet) -> None:
    before = await text_of(alone, SheetKind.DPIA)
    await alone.open_gate(NAME, GATE)
    after = await text_of(alone, SheetKind.DPIA)

    assert "doc-dpia" not in before
    assert "doc-dpia" in after
    assert "note-36" in after


async def test_another_policy_makes_another_document(alone: Fleet) -> None:
    before = await text_of(alone)
    alone[NAME].base.situation.policy = shipped("strict")
    after = await text_of(alone)

    assert "shares no signals about persons" not in before
    assert "shares no signals about persons" in after
    assert shipped("strict").digest in after


async def test_nobody_reads_without_a_purpose_of_their_role(alone: Fleet) -> None:
    sheets = alone[NAME].services.sheets
    tries = [
        (Principal("eve", Role.ANALYST), None),
        (Principal("eve", Role.SERVICE), Purpose.RECHECK),
        (Principal("eve", Role.DPO), Purpose.OPERATIONS),
        (Principal("eve", Role.OPERATOR), Purpose.AUDIT_REVIEW),
        (LOCAL, Purpose.SIGNUP_CHECK),
    ]
    for who, purpose in tries:
        with pytest.raises(DeniedError):
            await sheets.write(SheetKind.DPIA, Language.DE, who, purpose)

    refused = await alone.audit(NAME, "refused")
    acts = [json.loads(event.openings["detail"])["act"] for event in refused]
    assert acts == ["records"] * len(tries)
    assert await alone.audit(NAME, "records.written") == []


async def test_those_who_answer_for_it_read(alone: Fleet) -> None:
    readers = [
        LOCAL,
        DORA,
        Principal("olaf", Role.OPERATOR),
        Principal("a", Role.AUDITOR),
    ]
    for who in readers:
        assert await text_of(alone, who=who)

    events = await alone.audit(NAME, "records.written")
    assert [event.record.purpose for event in events] == [
        *(Purpose.SUPERVISION, Purpose.AUDIT_REVIEW),
        *(Purpose.OPERATIONS, Purpose.AUDIT_REVIEW),
    ]


@pytest.mark.promise("LR-27")
def test_every_setting_is_told_or_exempt() -> None:
    settings = set(Config.__struct_fields__)

    assert settings - TOLD - set(UNTOLD) == set(), (
        "tell of these in node/fedsafe_node/audit/compliance, or say why not"
    )
    assert settings >= TOLD | set(UNTOLD)


OTHER = {
    "jurisdiction": "AT",
    "contact": "dsb@a.demo",
    "dpo_contact": "dpo@a.demo",
    "listen": Listen("0.0.0.0", 1),  # noqa: S104
    "founding": Founding(open=False),
    "oidc": Oidc("https://id.example", "fedsafe", "https://a.example/back"),
    "mail": Mail(host="mail.a.demo", sender="rights@a.demo"),
    "phone": Phone("https://sms.a.demo/code", "keys/phone-hook"),
}


async def test_a_changed_setting_changes_the_records(alone: Fleet) -> None:
    before, again = await text_of(alone), await text_of(alone)
    situation = alone[NAME].base.situation
    config = situation.config

    assert again == before
    assert set(OTHER) == TOLD - {"name", "policy", "audit"}
    for name, value in OTHER.items():
        situation.config = replace(config, **{name: value})
        assert await text_of(alone) != before, name


async def test_the_times_of_the_log_are_told_as_they_were_approved(
    alone: Fleet,
) -> None:
    before = await text_of(alone)
    situation = alone[NAME].base.situation
    shorter = AuditRetention(actor=31)
    situation.config = replace(situation.config, audit=shorter)
    asked = await text_of(alone)
    situation.adopt(dataclasses.replace(situation.provisions, audit=shorter))

    assert asked == before
    assert await text_of(alone) != before


@pytest.mark.parametrize("name", ["calendar", "do_not_share"])
async def test_texts_of_ones_own_are_told_once_they_are_approved(
    alone: Fleet, name: str
) -> None:
    situation, before = alone[NAME].base.situation, await text_of(alone)
    provisions, digests = situation.provisions, situation.provisions.digests
    assert digests is not None
    situation.config = replace(situation.config, **{name: f"{name}.toml"})
    named = await text_of(alone)
    approved = replace(digests, **{name: "ab" * 32})
    situation.provisions = dataclasses.replace(provisions, digests=approved)

    assert named == before
    assert await text_of(alone) != before
