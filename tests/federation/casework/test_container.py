# SPDX-License-Identifier: Apache-2.0
from hashlib import sha256

import msgspec
import pytest
from tests.support.maximal import AT, MAXIMAL, PACKAGE_ID

from fedsafe_crypto.primitives.identity import SigningKey, sign
from fedsafe_crypto.seal.hpke import RecipientKey, open_sealed, seal
from fedsafe_federation.casework.comparison import Digested, Finding, compare
from fedsafe_federation.casework.container import (
    MAGIC,
    open_package,
    seal_package,
)
from fedsafe_federation.casework.errors import (
    PartnerKeyError,
    SealedFault,
    SealedPackageError,
)
from fedsafe_federation.casework.keys import (
    key_fingerprint,
    read_private,
    read_public,
    same_fingerprint,
    write_private,
    write_public,
)
from fedsafe_federation.casework.statement import Document, Sealing
from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import CasePackage
from fedsafe_policies.escalation.projection import make_package, project
from fedsafe_policies.escalation.vocabulary import PartnerClass

PARTNER = RecipientKey.generate()
SIGNER = SigningKey.generate()
SHEET = Document("sheet.html", "text/html", b"<!doctype html><p>Sachverhalt</p>")
HEAD = len(MAGIC) + 32


def package(*, test: bool = False) -> CasePackage:
    found = project(MAXIMAL, {}, PartnerClass.LAW_ENFORCEMENT, shipped_matrix())
    return make_package(found, package_id=PACKAGE_ID, made_at=AT, test=test)


def sealing() -> Sealing:
    return Sealing(recipient=PARTNER.public, signer=SIGNER, dispatch="0d" * 32, at=AT)


SEALED = seal_package(package(), sealing(), (SHEET,))


def content() -> bytes:
    info = b"fedsafe/v1/case package"
    return open_sealed(PARTNER, SEALED[HEAD:], info=info, aad=SEALED[:HEAD])


def sealed_anew(changed: bytes, key: RecipientKey = PARTNER) -> bytes:
    head = MAGIC + sha256(key.public).digest()
    info = b"fedsafe/v1/case package"
    return head + seal(key.public, changed, info=info, aad=head)


def fault_of(sealed: bytes, key: RecipientKey = PARTNER) -> SealedFault:
    with pytest.raises(SealedPackageError) as caught:
        open_package(sealed, key)
    return caught.value.fault


def signed_anew(**changes: object) -> bytes:
    """Sign another statement about the same documents, as the same provider."""
    whole = content()
    length = int.from_bytes(whole[96:100])
    statement = msgspec.json.decode(whole[100 : 100 + length]) | changes
    data = msgspec.json.encode(statement)
    signature = sign(SIGNER, "case.package", "", data)
    rest = whole[100 + length :]
    return SIGNER.public + signature + len(data).to_bytes(4) + data + rest


def test_the_partner_opens_what_was_sealed_for_it() -> None:
    opened = open_package(SEALED, PARTNER)

    assert opened.package == package()
    assert opened.documents[1] == SHEET
    assert opened.statement.dispatch == "0d" * 32
    assert opened.fingerprint == key_fingerprint(SIGNER.public)


def test_one_flipped_bit_anywhere_is_refused() -> None:
    places = {*range(100), *range(100, len(SEALED), 41), *range(-40, 0)}
    for place in places:
        changed = bytearray(SEALED)
        changed[place] ^= 1
        with pytest.raises(SealedPackageError):
            open_package(bytes(changed), PARTNER)

    assert len(places) > 200


@pytest.mark.parametrize("cut", [0, 10, HEAD, HEAD + 100, len(SEALED) - 1])
def test_a_part_of_a_package_is_none(cut: int) -> None:
    assert fault_of(SEALED[:cut]) in {SealedFault.NO_PACKAGE, SealedFault.CHANGED}


def test_nobody_else_opens_it() -> None:
    assert fault_of(SEALED, RecipientKey.generate()) is SealedFault.OTHER_KEY


def test_what_a_partner_seals_anew_for_another_is_refused_there() -> None:
    other = RecipientKey.generate()

    assert fault_of(sealed_anew(content(), other), other) is SealedFault.RECIPIENT


@pytest.mark.parametrize("place", [0, 40, 97, 110, -1])
def test_what_is_changed_inside_and_sealed_anew_is_refused(place: int) -> None:
    changed = bytearray(content())
    changed[place] ^= 1

    assert fault_of(sealed_anew(bytes(changed))) in {
        SealedFault.SIGNATURE,
        SealedFault.DOCUMENTS,
    }


def test_bytes_behind_the_documents_are_refused() -> None:
    assert fault_of(sealed_anew(content() + b" ")) is SealedFault.DOCUMENTS


def test_a_statement_that_says_another_thing_than_the_package_is_refused() -> None:
    real = sealed_anew(signed_anew(test=True))
    other_class = sealed_anew(signed_anew(partner_class="hotline"))
    unknown = sealed_anew(signed_anew(note="more"))

    assert fault_of(real) is SealedFault.PACKAGE
    assert fault_of(other_class) is SealedFault.PACKAGE
    assert fault_of(unknown) is SealedFault.STATEMENT


def test_no_media_and_no_binary_travels_as_a_rendering() -> None:
    picture = Document("page.html", "text/html", b"<img src='data:image/png;base64,A'>")
    binary = Document("page.html", "text/html", b"\xff\xfe")
    for refused in (picture, binary):
        with pytest.raises(CasePackageError):
            seal_package(package(), sealing(), (refused,))


@pytest.mark.parametrize("name", ["../x.html", "package.json", "X.html", "a/b.html"])
def test_a_rendering_has_a_name_that_leads_nowhere_else(name: str) -> None:
    with pytest.raises(SealedPackageError) as caught:
        seal_package(package(), sealing(), (Document(name, "text/html", b"<p>"),))

    assert caught.value.fault is SealedFault.DOCUMENTS


def test_keys_survive_their_files_and_nothing_else_is_read_as_one() -> None:
    private, public = write_private(PARTNER), write_public(PARTNER.public)

    assert read_private(private) == PARTNER
    assert read_public(public.encode()) == PARTNER.public
    for wrong in (b"", b"\xff", private[:-9], public.encode()[:-80]):
        with pytest.raises(PartnerKeyError):
            read_public(wrong)
    with pytest.raises(PartnerKeyError):
        read_private(public.encode())


def test_a_fingerprint_is_compared_as_people_write_it() -> None:
    known = key_fingerprint(SIGNER.public)

    assert same_fingerprint(known, known.upper().replace(" ", ""))
    assert not same_fingerprint(known, known[:-1])


def test_a_file_is_the_evidence_only_with_both_digests_and_its_size() -> None:
    attachments = MAXIMAL.attachments
    assert attachments is not msgspec.UNSET
    listed = attachments[0]
    good = Digested(
        name="a", size=listed.size, sha256=listed.sha256, blake3=listed.blake3
    )
    files = [
        good,
        Digested(name="b", size=1, sha256=listed.sha256, blake3=listed.blake3),
        Digested(name="c", size=listed.size, sha256=listed.sha256, blake3="1" * 64),
        Digested(name="d", size=listed.size, sha256="1" * 64, blake3="2" * 64),
    ]

    found = [each.finding for each in compare(package(), files)]
    assert found == [
        Finding.SAME,
        Finding.CHANGED,
        Finding.CHANGED,
        Finding.UNLISTED,
    ]
