# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pytest
from blake3 import blake3
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from tests.support.gnupg import gnupg
from tests.support.maximal import AT, MAXIMAL, PACKAGE_ID
from tests.support.sealed_package import (
    NOW,
    partner,
    pem,
    private_pem,
    small_package,
)

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.casework.certificates import certificate_der
from fedsafe_federation.casework.container import seal_package
from fedsafe_federation.casework.keys import (
    key_fingerprint,
    read_public,
    write_private,
    write_public,
)
from fedsafe_federation.casework.multipart import write_multipart
from fedsafe_federation.casework.openpgp import (
    openpgp_identity,
    read_openpgp,
    seal_openpgp,
)
from fedsafe_federation.casework.smime import seal_smime
from fedsafe_federation.casework.statement import Document, Sealing, sign_package
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.projection import make_package, project
from fedsafe_policies.escalation.vocabulary import PartnerClass

if TYPE_CHECKING:
    from tests.cli.conftest import Run

KEY: Final = RecipientKey.generate()
SIGNER: Final = SigningKey.generate()
FINGERPRINT: Final = key_fingerprint(SIGNER.public)
CHAT: Final = b"invented chat"
SECRET: Final = "Erfundener Name"
PASSWORD: Final = "ein erfundenes Kennwort"


def sealed(*, test: bool = False, more: tuple[Document, ...] = ()) -> bytes:
    attachments = MAXIMAL.attachments
    assert attachments is not msgspec.UNSET
    held = msgspec.structs.replace(
        attachments[0],
        sha256=sha256(CHAT).hexdigest(),
        blake3=blake3(CHAT).hexdigest(),
        size=len(CHAT),
    )
    known = msgspec.structs.replace(MAXIMAL, attachments=(held,))
    found = project(known, {}, PartnerClass.LAW_ENFORCEMENT, shipped_matrix())
    package = make_package(found, package_id=PACKAGE_ID, made_at=AT, test=test)
    sealing = Sealing(recipient=KEY.public, signer=SIGNER, dispatch="0d" * 32, at=AT)
    sheet = Document("s.html", "text/html", b"<p>x")
    return seal_package(package, sealing, (sheet, *more))


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    key = tmp_path / "partner.key"
    key.write_bytes(write_private(KEY))
    key.chmod(0o600)
    package = tmp_path / "case.sealed"
    package.write_bytes(sealed())
    return str(package), str(key)


def test_a_partner_makes_a_key_and_gives_its_public_half_away(
    run: "Run", tmp_path: Path
) -> None:
    file = tmp_path / "own.key"
    made = run("partner", "key", str(file))
    again = run("partner", "key", str(file))

    assert (made.status, again.status) == (0, 5)
    assert file.stat().st_mode & 0o077 == 0
    assert key_fingerprint(read_public(made.out.encode())) in made.err


def test_a_package_is_opened_and_what_is_verified_is_said(
    run: "Run", files: tuple[str, str]
) -> None:
    package, key = files
    plain = run("open", package, "--key", key)
    german = run("open", package, "--key", key, "--lang", "de")
    found = run("open", package, "--key", key, "--json", "--sender", FINGERPRINT)

    assert (plain.status, german.status, found.status) == (0, 0, 0)
    assert FINGERPRINT in plain.out
    assert "the sender is not verified" in plain.err
    assert "geprüft: Siegel" in german.out
    assert "Strafverfolgung" in german.out
    assert "law_enforcement" not in plain.out + german.out
    assert found.document["sender_compared"] is True
    assert found.document["case_ref"] == "case-7"
    assert "2026-11-20 18:30:00 UTC" in plain.out
    assert found.document["sealed_at"] == "2026-11-20T18:30:00Z"
    assert SECRET not in plain.out + german.out + found.out


def test_what_was_changed_or_is_for_another_or_from_another_is_refused(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, key = files
    other = tmp_path / "other.key"
    run("partner", "key", str(other))
    out = str(tmp_path / "out")
    stranger = run("open", package, "--key", key, "--sender", "0" * 32, "--out", out)
    mistyped = run("open", package, "--key", key, "--sender", "3f9a 01bc")
    not_mine = run("open", package, "--key", str(other), "--json")
    data = bytearray(Path(package).read_bytes())
    data[-1] ^= 1
    Path(package).write_bytes(data)
    changed = run("open", package, "--key", key, "--lang", "de")

    assert mistyped.status == 2
    assert "32 digits" in mistyped.err
    assert (stranger.status, not_mine.status, changed.status) == (20, 20, 20)
    assert not Path(out).exists()
    assert not_mine.document["code"] == "other_key"
    assert "ein Byte darin wurde verändert" in changed.err


def test_files_are_compared_with_the_evidence_manifest(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, key = files
    chat, other = tmp_path / "chat.txt", tmp_path / "other.txt"
    chat.write_bytes(CHAT)
    other.write_bytes(b"something else")
    same = run("open", package, "--key", key, "--evidence", str(chat), "--json")
    both = ("--evidence", str(chat), "--evidence", str(other))
    unlisted = run("open", package, "--key", key, *both)

    assert (same.status, unlisted.status) == (0, 20)
    assert same.document["evidence"][0]["object"] == "object-1"
    assert "is not in the manifest" in unlisted.out


def test_the_documents_are_written_for_the_reader_alone(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, key = files
    out = tmp_path / "case"
    first = run("open", package, "--key", key, "--out", str(out))
    again = run("open", package, "--key", key, "--out", str(out))

    assert (first.status, again.status) == (0, 5)
    papers = {"letter-de.html", "letter-en.html"}
    assert {each.name for each in out.iterdir()} == {"package.json", "s.html", *papers}
    assert "written for reading: letter-de.html, letter-en.html" in first.out
    assert all(SECRET in (out / name).read_text("utf-8") for name in papers)
    assert "DRAFT" not in (out / "letter-en.html").read_text("utf-8")
    assert SECRET in (out / "package.json").read_text("utf-8")
    assert all(each.stat().st_mode & 0o077 == 0 for each in (out, *out.iterdir()))


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (
            (
                b'{"recalls_package": "0d0e", "call_back": {"function": "Desk", '
                b'"phone": "+49 30 1", "else": "x", "provider": 7}}'
            ),
            "0d0e",
        ),
        (b'{"recalls_package": "0d0e", "call_back": 7}', "0d0e"),
        (b'{"recalls_package": 7}', None),
        (b"no JSON", None),
    ],
)
def test_a_correction_says_that_it_is_one(
    run: "Run",
    files: tuple[str, str],
    tmp_path: Path,
    content: bytes,
    named: str | None,
) -> None:
    document = Document("correction.json", "application/json", content)
    Path(files[0]).write_bytes(sealed(more=(document,)))
    told = run("open", files[0], "--key", files[1])
    as_json = json.loads(run("open", files[0], "--key", files[1], "--json").out)

    out = tmp_path / "out"
    run("open", files[0], "--key", files[1], "--out", str(out))

    assert not list(out.glob("letter-*"))
    assert ("CORRECTION: package 0d0e" in told.out) == (named is not None)
    german = run("open", files[0], "--key", files[1], "--lang", "de").out
    assert ("BERICHTIGUNG: Das Paket 0d0e" in german) == (named is not None)
    assert as_json["recalls"] == named
    assert ("for questions: Desk, +49 30 1\n" in told.out) == (b"Desk" in content)
    known = {"function": "Desk", "phone": "+49 30 1"} if b"Desk" in content else {}
    assert as_json["call_back"] == known


def test_a_test_says_that_it_is_one(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, key = files
    Path(package).write_bytes(sealed(test=True))
    out = tmp_path / "out"
    told = run("open", package, "--key", key, "--out", str(out), "--json")

    assert "THIS IS A TEST" in run("open", package, "--key", key).out
    assert told.document["papers"] == ["letter-de.html", "letter-en.html"]
    assert all("TEST" in each.read_text("utf-8") for each in out.glob("letter-*"))


def test_a_signed_document_is_never_written_over(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    theirs = Document("letter-de.html", "text/html", b"<p>signed")
    Path(files[0]).write_bytes(sealed(more=(theirs,)))
    out = tmp_path / "out"
    done = run("open", files[0], "--key", files[1], "--out", str(out), "--json")

    assert (out / "letter-de.html").read_bytes() == b"<p>signed"
    assert done.document["papers"] == ["letter-en.html"]


def test_a_key_that_is_none_or_that_others_can_read_is_refused(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, key = files
    none = tmp_path / "none.key"
    none.write_bytes(b"nothing")
    none.chmod(0o600)
    Path(key).chmod(0o644)

    assert run("open", package, "--key", key).status == 5
    assert run("open", package, "--key", str(none)).status == 5
    assert run("open", "nowhere", "--key", str(tmp_path)).status == 5


def test_a_key_that_is_not_there_is_not_called_open_to_others(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, key = files
    missing = run("open", package, "--key", str(tmp_path / "nosuch"))
    folder = run("open", package, "--key", str(tmp_path))
    Path(key).chmod(0o644)
    loose = run("open", package, "--key", key)

    assert f"there is no file {tmp_path}/nosuch" in missing.err
    assert "chmod" not in missing.err + folder.err
    assert "chmod 600" in loose.err


def test_a_public_key_is_called_one_whoever_may_read_it(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    package, _ = files
    public = tmp_path / "own.pub"
    for text in (write_public(KEY.public), "-----BEGIN PUBLIC KEY-----\n"):
        for mode in (0o644, 0o600):
            public.write_text(text)
            public.chmod(mode)
            done = run("open", package, "--key", str(public))

            assert done.status == 5
            assert "is a public key" in done.err
            assert "partner key" in done.err
            assert "chmod" not in done.err


def test_a_package_in_smime_opens_with_a_key_and_its_certificate(
    run: "Run", tmp_path: Path
) -> None:
    certificate = partner().certificate
    sealing = Sealing(
        recipient=certificate_der(certificate), signer=SIGNER, dispatch="0d" * 32, at=AT
    )
    package, key, own = (tmp_path / name for name in ("a.p7m", "a.key", "a.pem"))
    package.write_bytes(seal_smime(small_package(), sealing, certificate))
    key.write_bytes(private_pem(partner().private))
    key.chmod(0o600)
    own.write_text(pem(certificate))
    words = ("open", str(package), "--key", str(key), "--sender", FINGERPRINT)
    opened = run(*words, "--certificate", str(own), "--json")
    alone = run(*words)
    data = bytearray(package.read_bytes())
    data[-1] ^= 1
    package.write_bytes(data)
    changed = run(*words, "--certificate", str(own))

    assert (opened.status, alone.status, changed.status) == (0, 5, 20)
    assert opened.document["sender_compared"] is True
    assert "--certificate" in alone.err


def test_a_locked_key_opens_with_its_password(run: "Run", tmp_path: Path) -> None:
    certificate = partner().certificate
    sealing = Sealing(
        recipient=certificate_der(certificate), signer=SIGNER, dispatch="0d" * 32, at=AT
    )
    package, own = tmp_path / "a.p7m", tmp_path / "a.pem"
    package.write_bytes(seal_smime(small_package(), sealing, certificate))
    own.write_text(pem(certificate))
    locked = secret_file(
        tmp_path / "a.key",
        partner().private.private_bytes(
            Encoding.PEM,
            PrivateFormat.PKCS8,
            BestAvailableEncryption(PASSWORD.encode()),
        ),
    )
    words = ("open", package, "--key", locked, "--certificate", own)

    opens_with_its_password_alone(run, tmp_path, *map(str, words))


def test_a_package_in_openpgp_opens_with_a_locked_key_of_gnupg(
    run: "Run", tmp_path: Path
) -> None:
    pytest.importorskip("pysequoia")
    with gnupg() as gpg:
        kind = ("rsa3072", "cert,sign,encrypt", "never")
        gpg("--quick-gen-key", "s@example.org", *kind, password=PASSWORD)
        certificate = read_openpgp(gpg("--armor", "--export").stdout.decode(), NOW)
        private = gpg("--export-secret-keys", password=PASSWORD).stdout
    recipient = openpgp_identity(certificate)
    sealing = Sealing(recipient=recipient, signer=SIGNER, dispatch="0d" * 32, at=AT)
    package = tmp_path / "a.pgp"
    package.write_bytes(seal_openpgp(small_package(), sealing, certificate))
    locked = secret_file(tmp_path / "own.pgp", private)

    opens_with_its_password_alone(
        run, tmp_path, "open", str(package), "--key", str(locked)
    )


def opens_with_its_password_alone(run: "Run", folder: Path, *words: str) -> None:
    right = secret_file(folder / "right", f"{PASSWORD}\n".encode())
    wrong = secret_file(folder / "wrong", b"another one")
    seen = secret_file(folder / "seen", PASSWORD.encode())
    seen.chmod(0o644)
    opened = run(*words, "--password-file", str(right), "--sender", FINGERPRINT)
    refused = [run(*words, "--password-file", str(file)) for file in (wrong, seen)]
    refused += [run(*words), run(*words, "--password-file", str(folder / "none"))]

    assert opened.status == 0
    assert [each.status for each in refused] == [5] * 4
    said = "".join(each.out + each.err for each in (opened, *refused))
    assert PASSWORD not in said
    assert "does what is in `--password-file` unlock it?" in refused[0].err
    detour = "gpg --decrypt --output case.eml case.pgp"
    assert (detour in refused[0].err) == ("a.pgp" in words[1])
    assert "chmod 600" in refused[1].err
    assert "a locked one `--password-file`" in refused[2].err


def secret_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_what_openssl_has_unsealed_is_verified_with_the_certificate(
    run: "Run", tmp_path: Path
) -> None:
    certificate = partner().certificate
    sealing = Sealing(
        recipient=certificate_der(certificate), signer=SIGNER, dispatch="0d" * 32, at=AT
    )
    message, own = tmp_path / "case.eml", tmp_path / "own.pem"
    message.write_bytes(write_multipart(sign_package(small_package(), sealing)))
    own.write_text(pem(certificate))
    own.chmod(0o600)
    opened = run("open", str(message), "--key", str(own))

    assert opened.status == 0
    assert "it was unsealed before" in opened.out


def test_a_package_of_another_format_than_the_key_is_refused(
    run: "Run", files: tuple[str, str]
) -> None:
    package, key = files
    Path(package).write_bytes(b"\x30\x82" + bytes(90))
    other = run("open", package, "--key", key, "--json")
    Path(package).write_bytes(b"no package at all")

    assert other.document["code"] == "other_format"
    assert run("open", package, "--key", key, "--json").document["code"] == "no_package"


def test_a_private_key_is_never_sent_as_that_of_a_partner(
    run: "Run", files: tuple[str, str], tmp_path: Path
) -> None:
    entry = tmp_path / "entry.json"
    entry.write_text("{}")
    binary = tmp_path / "own.pgp"
    binary.write_bytes(b"\x95\x03")
    for option, file in (("--key", files[1]), ("--openpgp", str(binary))):
        refused = run("partner", "add", "lka", "--entry", str(entry), option, file)

        assert refused.status == 5
        assert "private key" in refused.err or "is no text" in refused.err


def test_opening_loads_no_server_and_no_store(files: tuple[str, str]) -> None:
    package, key = files
    script = (
        "import sys; sys.argv = ['fedsafe', 'open', *sys.argv[1:]]\n"
        "from fedsafe_cli.main import main\n"
        "status = main()\n"
        "print([name for name in ('aiohttp', 'fedsafe_node.store', "
        "'sqlite_utils') if name in sys.modules]); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, package, "--key", key],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
