# SPDX-License-Identifier: Apache-2.0
"""Partners that a small team enters and verifies."""

from typing import Final

import msgspec
import pytest
from tests.node.people.conftest import Team

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.casework.keys import write_public
from fedsafe_node.acts.partners import EnterPartner, PartnerReceipt
from fedsafe_node.casework.cases.partners import Partners
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.channels import SftpChannel
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.partners import Partner, Way, landscape
from fedsafe_policies.escalation.vocabulary import PartnerClass
from fedsafe_policies.vocabulary import Role

KEY: Final = RecipientKey.generate()
ENTRY: Final = Partner(
    name="Erfundene Stelle",
    partner_class=PartnerClass.LAW_ENFORCEMENT,
    country="DE",
    test=False,
    function="Dauerdienst",
    phone="+49 30 0000001",
    key=write_public(KEY.public),
    ways=(Way.PORTAL,),
)


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    landscape()  # as a node reads it, off the loop


@pytest.fixture
def partners(team: Team) -> Partners:
    key = SigningKey.generate()
    return Partners(team.office, lambda: key, shipped_matrix)


@pytest.fixture
async def ada(team: Team) -> Principal:
    await team.hire("ada", Role.ESCALATION_OFFICER)
    return await team.principal("ada")


async def entered(
    partners: Partners, who: Principal, revision: int = 0, **facts: object
) -> PartnerReceipt:
    entry = msgspec.structs.replace(ENTRY, **facts)
    asked = EnterPartner(partner="bka", revision=revision, entry=entry)
    return await partners.enter(asked, who)


SERVER: Final = SftpChannel(
    host="sftp.lka.example",
    user="fedsafe",
    host_key="ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
)
