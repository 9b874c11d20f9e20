# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta

import msgspec
import pytest
from tests.support.package_desk import BKA
from tests.support.sealed_package import (
    NOW,
    SIGNER,
    certify,
    partner,
    pem,
    rsa_key,
    small_package,
)

from fedsafe_federation.casework.sealing import open_with
from fedsafe_node.casework.dispatch.package import Sealer, seal_for_partner
from fedsafe_node.ground.errors import WrongStateError

KEY = "0d" * 32
MAILED = msgspec.structs.replace(BKA, key=None, certificate=pem(partner().certificate))


def test_a_partner_with_a_certificate_gets_its_package_as_smime() -> None:
    package = msgspec.structs.replace(small_package(), made_at=NOW)
    made = seal_for_partner(package, MAILED, Sealer(SIGNER), KEY)
    assert made.sealed is not None

    assert made.sealing == "smime"
    assert open_with(made.sealed, partner()).statement.dispatch == KEY


def test_nothing_is_sealed_to_a_certificate_that_has_expired() -> None:
    package = msgspec.structs.replace(small_package(), made_at=NOW)
    ended = pem(certify(rsa_key(), ends=NOW - timedelta(days=1)))
    late = msgspec.structs.replace(MAILED, certificate=ended)
    with pytest.raises(WrongStateError, match="expired"):
        seal_for_partner(package, late, Sealer(SIGNER), KEY)
