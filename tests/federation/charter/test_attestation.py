# SPDX-License-Identifier: Apache-2.0
"""Members that lie about their gates open nothing."""

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import FEDERATION, NOW, key_of, world

from fedsafe_federation.charter.attestation import (
    ATTESTATION,
    LIFE,
    Attestation,
    Attestations,
    open_attestation,
    sign_attestation,
)
from fedsafe_federation.errors import (
    FederationError,
    MalformedError,
    StaleStatementError,
    UntrustedError,
)
from fedsafe_federation.wire.signed import Signed, sign_payload

CHARTER = world().charter
START = int(NOW.timestamp())
DAY = int(LIFE.total_seconds())
PEER = "a.example"
TRUE = Attestation(
    v=1,
    node=PEER,
    sequence=7,
    at=START,
    valid_until=START + DAY,
    gate_until=START + 40 * DAY,
    register_until=START + 30 * DAY,
    policy="germany@0123abcd",
    synthetic=False,
)


def signed(attestation: Attestation = TRUE, *, by: str | None = None) -> Signed:
    key = key_of(by or attestation.node, "statement")
    return sign_attestation(attestation, key=key, federation=FEDERATION)


def replace(**changes: object) -> Attestation:
    return msgspec.structs.replace(TRUE, **changes)


def taken(*statements: Signed, at: datetime = NOW) -> Attestations:
    known = Attestations()
    for statement in statements:
        attestation = known.judge(statement, CHARTER, now=at)
        if attestation is not None:
            known.keep(attestation, statement)
    return known


def after(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_a_true_attestation_opens_until_it_ends() -> None:
    known = taken(signed())

    assert open_attestation(signed(), CHARTER, now=NOW) == TRUE
    assert known.allows(PEER, NOW, demo=False)
    assert known.allows(PEER, after(DAY - 1), demo=False)
    assert not known.allows(PEER, after(DAY), demo=False)
    assert known.newest(PEER) == TRUE


def test_who_has_attested_nothing_gets_nothing() -> None:
    known = taken(signed())

    assert not known.allows("b.example", NOW, demo=True)
    assert known.newest("b.example") is None


@pytest.mark.parametrize("field", ["gate_until", "register_until"])
@pytest.mark.parametrize("end", [0, START, START + 60])
def test_each_of_gate_and_register_ends_it(field: str, end: int) -> None:
    known = taken(signed(replace(**{field: end})))

    assert known.allows(PEER, NOW, demo=False) is (end > START)
    assert not known.allows(PEER, after(60), demo=False)


def test_a_synthetic_one_counts_in_a_demonstration_only() -> None:
    known = taken(signed(replace(synthetic=True)))

    assert known.allows(PEER, NOW, demo=True)
    assert not known.allows(PEER, NOW, demo=False)


def test_a_forged_or_foreign_attestation_is_refused() -> None:
    forged = signed(by="b.example")
    of_another = sign_payload(
        signed().payload,
        type_=ATTESTATION,
        signer="b.example",
        key=key_of("b.example", "statement"),
        federation=FEDERATION,
    )
    other_federation = sign_attestation(
        TRUE, key=key_of(PEER, "statement"), federation="other.example#1"
    )
    stranger = signed(replace(node="x.example"))

    for statement in (forged, of_another, other_federation, stranger):
        with pytest.raises(UntrustedError):
            taken(statement)


def test_nobody_attests_beyond_a_day_or_from_the_future() -> None:
    with pytest.raises(MalformedError, match="longer than one may"):
        taken(signed(replace(valid_until=START + DAY + 1)))
    with pytest.raises(StaleStatementError, match="future"):
        taken(signed(replace(at=START + 60, valid_until=START + DAY)))


def test_an_older_statement_never_comes_back() -> None:
    closing = replace(sequence=8, gate_until=0)
    known = taken(signed(), signed(closing))

    assert not known.allows(PEER, NOW, demo=False)
    for replayed in (TRUE, replace(sequence=8)):
        with pytest.raises(StaleStatementError, match="newer"):
            known.judge(signed(replayed), CHARTER, now=NOW)
    assert known.judge(signed(closing), CHARTER, now=NOW) is None
    assert known.newest(PEER) == closing


@given(st.binary(max_size=300))
def test_junk_is_refused_as_what_it_is(payload: bytes) -> None:
    statement = sign_payload(
        payload,
        type_=ATTESTATION,
        signer=PEER,
        key=key_of(PEER, "statement"),
        federation=FEDERATION,
    )
    with pytest.raises(FederationError):
        open_attestation(statement, CHARTER, now=NOW)


ends = st.sampled_from([0, START, START + 1, START + DAY, START + 9 * DAY])


@given(
    gate=ends,
    register=ends,
    moment=st.integers(-DAY, 3 * DAY),
    synthetic=st.booleans(),
    demo=st.booleans(),
)
def test_it_opens_only_while_everything_holds(
    gate: int, register: int, moment: int, *, synthetic: bool, demo: bool
) -> None:
    said = replace(gate_until=gate, register_until=register, synthetic=synthetic)
    known = taken(signed(said))
    now = START + moment

    holds = now < min(gate, register, START + DAY)
    believed = demo or not synthetic
    assert known.allows(PEER, after(moment), demo=demo) is (holds and believed)
