# SPDX-License-Identifier: Apache-2.0
"""A partner's desk with OpenSSL: it checks the signature of a file, then opens it."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from tests.programs import program
from tests.support.sealed_package import (
    NOW,
    SIGNER,
    partner,
    pem,
    private_pem,
    small_package,
)

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.certificates import (
    certificate_der,
    signing_certificate,
)
from fedsafe_federation.casework.file_signature import sign_file
from fedsafe_federation.casework.openpgp import (
    openpgp_identity,
    read_openpgp,
    seal_openpgp,
)
from fedsafe_federation.casework.smime import seal_smime
from fedsafe_federation.casework.statement import Sealing

PUBLIC: Final = "openssl x509 -in provider.pem -noout -pubkey > provider.pub"
VERIFY: Final = "openssl dgst -sha256 -verify provider.pub -signature {0}.sig {0}"
"""As `docs/howto/partners.md` has it."""
CMS: Final = (
    "openssl cms -decrypt -inform DER -in case.p7m -inkey own.key -recip own.pem"
    " -out signed.eml && "
    "openssl cms -verify -in signed.eml -CAfile provider.pem -out case.eml"
)
GPG: Final = "gpg --batch --yes --quiet --decrypt --output case.eml case.pgp"
FROM_HEADER: Final = r"""awk '
  /^\r?$/ {exit}
  /^[^ \t]/ {on = tolower($0) ~ /^fedsafe-signature:/; sub(/^[^:]*:/, "")}
  on' mail.eml | tr -d ' \t\r\n' | openssl base64 -d -A -out NAME.sig
"""
"""NAME is the sealed file; braces are awk's."""
OPENS: Final = {"case.p7m": CMS, "case.pgp": GPG}


def sealing(recipient: bytes) -> Sealing:
    return Sealing(recipient=recipient, signer=SIGNER, dispatch="0d" * 32, at=NOW)


@cache
def smime() -> bytes:
    certificate = partner().certificate
    about = sealing(certificate_der(certificate))
    return seal_smime(small_package(), about, certificate)


@cache
def openpgp() -> bytes:
    sequoia = pytest.importorskip("pysequoia")
    made = sequoia.Tsk.generate("Erfundene Stelle <stelle@example.org>")
    return sealed_for_gpg(str(made.extract_certificate()))


def sealed_for_gpg(armor: str) -> bytes:
    certificate = read_openpgp(armor, NOW)
    about = sealing(openpgp_identity(certificate))
    return seal_openpgp(small_package(), about, certificate)


def signature(sealed: bytes) -> bytes:
    made = sign_file(SIGNER, sealed)
    assert made is not None
    return made


def equip(folder: Path, signer: SigningKey = SIGNER) -> Path:
    """Lay out what a partner has: its key, and the provider's certificate."""
    program("openssl", "openssl")
    (folder / "own.key").write_bytes(private_pem(partner().private))
    (folder / "own.pem").write_text(pem(partner().certificate))
    (folder / "provider.pem").write_text(pem(signing_certificate(signer)))
    assert run(folder, PUBLIC)
    return folder


def run(folder: Path, line: str, home: Path | None = None) -> bool:
    """Run a line of the documents in a shell; tell whether it ended well."""
    given = {} if home is None else {"GNUPGHOME": str(home)}
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env=os.environ | given,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode == 0


def unread(sealed: bytes) -> set[int]:
    """Where openssl reads over a byte: versions, type of content, length of the tag."""
    data = bytes.fromhex("06092a864886f70d010701")
    kind = sealed.index(data)
    versions = [place + 2 for place in find(sealed[:kind], b"\x02\x01\x00")]
    tag = sealed.index(b"\x02\x01\x10", kind) + 2
    return {*versions, *range(kind, kind + len(data)), tag}


def find(data: bytes, part: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(part, at)]
