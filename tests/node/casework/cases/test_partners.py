# SPDX-License-Identifier: Apache-2.0
"""Partners of a small team: one enters, another verifies, and time ends it."""

from base64 import b64decode
from collections.abc import Awaitable
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
import pytest
from tests.node.people.conftest import Team, team
from tests.support.partner_entries import KEY, SERVER, ada, entered, partners, tables
from tests.support.sealed_package import (
    certify,
    partner,
    pem,
    private_pem,
    rsa_key,
)

from fedsafe_crypto.seal.cms import open_cms
from fedsafe_federation.casework.certificates import (
    certificate_der,
    certificate_fingerprint,
    parse_certificate,
)
from fedsafe_federation.casework.container import open_package
from fedsafe_federation.casework.file_signature import verify_file
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.casework.sealing import Format, open_with
from fedsafe_node.acts.partners import (
    VerifyPartner,
)
from fedsafe_node.casework.cases.partners import Partners, read_partner
from fedsafe_node.casework.dispatch.signing import name_certificate
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NodeError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.channels import (
    MailChannel,
    WebhookChannel,
)
from fedsafe_policies.escalation.partners import Standing
from fedsafe_policies.vocabulary import Role

__all__ = ["ada", "partners", "tables", "team"]

FINGERPRINT: Final = key_fingerprint(KEY.public)
CALL: Final = VerifyPartner(revision=1, reference="call-1", fingerprint=FINGERPRINT)


@pytest.fixture
async def ben(team: Team) -> Principal:
    await team.hire("ben", Role.REVIEWER)
    return await team.principal("ben")


async def refused(work: Awaitable[object]) -> Any:  # noqa: ANN401
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


async def standing(partners: Partners, who: Principal) -> Standing:
    (found,) = (await partners.list(who)).partners
    return found.standing


async def test_a_partner_counts_once_another_person_has_compared_its_key(
    partners: Partners, ada: Principal, ben: Principal
) -> None:
    first = await entered(partners, ada)
    own = await refused(partners.verify("bka", CALL, ada))
    receipt = await partners.verify("bka", CALL, ben)

    assert (first.standing, first.fingerprint) == (Standing.UNVERIFIED, FINGERPRINT)
    assert isinstance(own, DeniedError)
    assert own.decision.code == "four_eyes"
    assert receipt.standing is Standing.VERIFIED


async def test_a_verification_ends_by_itself_and_with_every_change(
    team: Team, partners: Partners, ada: Principal, ben: Principal
) -> None:
    await entered(partners, ada)
    short = msgspec.structs.replace(CALL, days=1)
    await partners.verify("bka", short, ben)
    team.pass_time(86_399)
    assert await standing(partners, ada) is Standing.VERIFIED
    team.pass_time(1)
    assert await standing(partners, ada) is Standing.EXPIRED
    again = msgspec.structs.replace(CALL, revision=2)
    await partners.verify("bka", again, ben)
    changed = await entered(partners, ada, 3, phone="+49 30 0000009")

    assert changed.standing is Standing.UNVERIFIED


@pytest.mark.parametrize(
    ("facts", "call", "code"),
    [
        ({}, {"fingerprint": "0" * 32}, "other_partner_key"),
        ({}, {"fingerprint": None}, "not_comparable"),
        ({"key": None}, {}, "not_comparable"),
        ({"phone": None}, {}, "no_phone"),
        ({}, {"revision": 2}, "partner_changed"),
    ],
)
async def test_what_was_not_compared_is_not_verified(  # noqa: PLR0913
    partners: Partners,
    ada: Principal,
    ben: Principal,
    facts: dict[str, object],
    call: dict[str, object],
    code: str,
) -> None:
    await entered(partners, ada, 0, **facts)
    wrong = msgspec.structs.replace(CALL, **call)
    error = await refused(partners.verify("bka", wrong, ben))

    assert isinstance(error, WrongStateError)
    assert error.code == code
    assert await standing(partners, ada) is Standing.UNVERIFIED


ENTERED: Final = "partner.entered"
OTHER_KEY: Final = f"SHA256:{'A' * 43}"


@pytest.mark.parametrize(
    ("read_out", "code"),
    [((), "not_comparable"), ((OTHER_KEY,), "other_partner_key")],
)
async def test_a_server_whose_key_nobody_compared_gets_no_package(
    partners: Partners,
    ada: Principal,
    ben: Principal,
    read_out: tuple[str, ...],
    code: str,
) -> None:
    await entered(partners, ada, 0, channels=(SERVER,))
    wrong = msgspec.structs.replace(CALL, host_keys=read_out)
    error = await refused(partners.verify("bka", wrong, ben))
    assert error.code == code

    right = msgspec.structs.replace(
        CALL, host_keys=(SERVER.fingerprint.removeprefix("SHA256:"),)
    )
    verified = await partners.verify("bka", right, ben)

    assert verified.standing is Standing.VERIFIED


async def test_a_verification_from_before_host_keys_were_compared_counts_no_more(
    partners: Partners, ada: Principal, ben: Principal
) -> None:
    await entered(partners, ada, 0, channels=(SERVER,))
    right = msgspec.structs.replace(CALL, host_keys=(SERVER.fingerprint,))
    await partners.verify("bka", right, ben)
    store, known = partners.office.store, (await partners.list(ada)).partners
    await store.write(lambda tx: tx.set_meta("host-keys/bka", b""))  # as before
    (shown,) = (await partners.list(ada)).partners
    row, _ = await store.read(lambda reader: read_partner(reader, "bka"))
    again = msgspec.structs.replace(right, revision=row.revision)
    anew = await partners.verify("bka", again, ben)

    assert [each.standing for each in known] == [Standing.VERIFIED]
    assert (shown.standing, shown.verified_until) == (Standing.UNVERIFIED, None)
    assert shown.verified_by == "ben"
    assert anew.standing is Standing.VERIFIED


async def test_the_log_says_by_what_and_where_to_a_partner_is_handed(
    team: Team, partners: Partners, ada: Principal
) -> None:
    mailbox = MailChannel(address="intake@lka.example")
    hook = WebhookChannel(url="https://hook.lka.example:8443/cases")
    await entered(partners, ada, 0, channels=(mailbox, SERVER, hook))
    (told,) = [text for event, _, text in await team.events() if event == ENTERED]

    assert "mail lka.example, sftp sftp.lka.example:22 SHA256:" in told
    assert "webhook hook.lka.example:8443" in told
    assert "intake" not in told


async def test_an_entry_replaces_the_one_that_was_looked_at_and_no_other(
    partners: Partners, ada: Principal
) -> None:
    await entered(partners, ada)
    error = await refused(entered(partners, ada))
    other = await refused(entered(partners, ada, 7))

    assert error.code == other.code == "partner_changed"
    assert "entered already, with revision 1" in str(error)
    assert "has revision 1, not 7" in str(other)
    assert (await entered(partners, ada, 1)).revision == 2


async def test_what_replaces_a_partner_that_is_not_there_is_told_so(
    partners: Partners, ada: Principal
) -> None:
    error = await refused(entered(partners, ada, 3))

    assert error.code == "partner_changed"
    assert "there is no such partner, and so no revision 3" in str(error)


async def test_a_key_that_nothing_can_be_sealed_to_is_refused(
    partners: Partners, ada: Principal
) -> None:
    error = await refused(entered(partners, ada, key="nothing"))

    assert isinstance(error, BadRequestError)
    assert error.pointer == "/entry/key"


async def test_a_test_goes_to_partners_for_tests_alone_and_opens_there(
    partners: Partners, ada: Principal
) -> None:
    await entered(partners, ada)
    real = await refused(partners.test("bka", ada))
    await entered(partners, ada, 1, test=True)
    sealed = await partners.test("bka", ada)
    opened = open_package(sealed.sealed, KEY)
    await entered(partners, ada, 2, test=True, key=None)
    keyless = await refused(partners.test("bka", ada))
    unknown = await refused(partners.test("zac", ada))

    assert real.code == "production_contact"
    assert opened.statement.test
    assert opened.fingerprint == sealed.signer
    assert sealed.signature is None
    assert keyless.code == "no_partner_key"
    assert isinstance(unknown, NotFoundError)


async def test_a_test_says_whether_anybody_has_verified_the_key(
    team: Team, partners: Partners, ada: Principal, ben: Principal
) -> None:
    await entered(partners, ada, 0, test=True, channels=(SERVER,))
    entry = await partners.test("bka", ada)
    call = msgspec.structs.replace(CALL, host_keys=(SERVER.fingerprint,), days=1)
    await partners.verify("bka", call, ben)
    verified = await partners.test("bka", ada)
    team.pass_time(86_400)
    expired = await partners.test("bka", ada)

    found = (entry, verified, expired)
    assert [each.standing for each in found] == [
        Standing.UNVERIFIED,
        Standing.VERIFIED,
        Standing.EXPIRED,
    ]
    assert [each.revision for each in found] == [1, 2, 2]
    assert entry.fingerprint == FINGERPRINT
    assert entry.host_keys == [SERVER.fingerprint]


async def test_the_list_has_the_landscape_and_every_step_is_in_the_log(
    team: Team, partners: Partners, ada: Principal, ben: Principal
) -> None:
    await entered(partners, ada)
    await partners.verify("bka", CALL, ben)
    answer = await partners.list(ben)
    events = [name for name, _, _ in await team.events()]

    assert answer.signer == key_fingerprint(partners.signer().public)
    assert {office.office for office in answer.landscape} >= {"bka", "police"}
    assert events[-3:] == ["partner.entered", "partner.verified", "partner.read"]


async def test_a_certificate_is_compared_and_sealed_to_like_a_key(
    partners: Partners, ada: Principal, ben: Principal
) -> None:
    certificate = partner().certificate
    facts = {"key": None, "certificate": pem(certificate), "test": True}
    receipt = await entered(partners, ada, 0, **facts)
    uncompared = await refused(partners.verify("bka", CALL, ben))
    whole = sha256(certificate_der(certificate)).hexdigest()
    call = msgspec.structs.replace(CALL, fingerprint=None)
    call = msgspec.structs.replace(call, certificate_fingerprint=whole)
    verified = await partners.verify("bka", call, ben)
    sealed = await partners.test("bka", ada)
    known = await partners.list(ada)

    assert receipt.certificate_fingerprint == certificate_fingerprint(certificate)
    assert uncompared.code == "not_comparable"
    assert verified.standing is Standing.VERIFIED
    assert sealed.format is Format.SMIME
    assert open_with(sealed.sealed, partner()).statement.test
    own = parse_certificate(known.certificate)
    assert sealed.signature is not None
    verify_file(own, sealed.sealed, sealed.signature)
    assert known.certificate.startswith("-----BEGIN CERTIFICATE-----")


async def test_a_certificate_names_the_node_that_it_was_made_for(
    partners: Partners, ada: Principal
) -> None:
    store = partners.office.store
    certificate = partner().certificate
    await entered(partners, ada, 0, key=None, certificate=pem(certificate), test=True)
    before = parse_certificate((await partners.list(ada)).certificate)
    await store.write(lambda tx: name_certificate(tx, "chat.example.de"))
    after = parse_certificate((await partners.list(ada)).certificate)
    sealed = await partners.test("bka", ada)
    inside = open_cms(sealed.sealed, partner().private, certificate)

    assert "O=" not in before.subject.rfc4514_string()
    assert "O=chat.example.de" in after.subject.rfc4514_string()
    assert before.public_key() == after.public_key()
    assert certificate_der(after) in b64decode(inside.partition(b"\r\n\r\n")[2])


async def test_a_key_that_is_private_or_weak_is_refused_by_its_name(
    partners: Partners, ada: Principal
) -> None:
    private = private_pem(partner().private).decode()
    weak = pem(certify(rsa_key(2048)))
    for name, text in (("key", private), ("certificate", weak), ("openpgp", private)):
        error = await refused(entered(partners, ada, 0, **{name: text}))

        assert isinstance(error, BadRequestError)
        assert error.pointer == f"/entry/{name}"
        assert "private key" in str(error) or "2048 bits" in str(error)
    assert (await partners.list(ada)).partners == []


async def test_a_certificate_that_expired_is_shown_and_not_sealed_to(
    team: Team, partners: Partners, ada: Principal
) -> None:
    soon = certify(rsa_key(), ends=team.clock.now() + timedelta(days=1))
    await entered(partners, ada, 0, key=None, certificate=pem(soon), test=True)
    team.pass_time(2 * 86_400)
    (shown,) = (await partners.list(ada)).partners
    error = await refused(partners.test("bka", ada))

    assert "expired" in shown.unusable["certificate"]
    assert error.code == "bad_partner_key"
