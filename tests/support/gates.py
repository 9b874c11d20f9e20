# SPDX-License-Identifier: Apache-2.0
"""Gates and registers that are complete."""

from datetime import date

import pytest

from fedsafe_node.acts.register import EntryRequest
from fedsafe_node.ground.config import Config, Listen
from fedsafe_node.keys.evaluators import OwnList
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.rules.policy_bundle import Provisions
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.documents.register import Status
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate

COMPLETE = LegalGate(
    legal_basis="gdpr-6-1-f:file-2026-17",
    balancing_test="https://intranet.example/fedsafe/balancing",
    dpia="https://intranet.example/fedsafe/dpia",
    consultation=Consultation.NOT_REQUIRED,
    consultation_reference="note-2026-18",
    arrangement="joint-controllers/3",
    dpo_approval=Approval(person="dora", on=date(2026, 11, 2)),
    management_approval=Approval(person="D. Kaya", on=date(2026, 11, 3)),
    valid_until=date(2027, 11, 3),
)
NODE = "chat.example.de"
MET = EntryRequest(status=Status.MET, evidence="doc-7", expires_on=date(2027, 11, 1))


@pytest.fixture
def situation() -> Situation:
    config = Config(
        format=1,
        name=NODE,
        url="https://fedsafe.chat.example.de",
        jurisdiction="DE",
        contact="abuse@chat.example.de",
        policy="strict",
        listen=Listen(host="127.0.0.1", port=8470),
        custody_key="custody.pub",
    )
    own = OwnKeys(bytes(32), MediaKeys(bytes(32), bytes(32)))
    return Situation(config, Provisions(shipped("strict")), OwnList(NODE, own))
