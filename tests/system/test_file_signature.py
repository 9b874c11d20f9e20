# SPDX-License-Identifier: Apache-2.0
"""A partner without FedSafe verifies and opens what a node gives out."""

import json
import re
from pathlib import Path
from typing import Final

import pytest
from tests.support.case_page import SHOWN, Desks, blocks, desks, filled_in
from tests.support.openssl_desk import CMS, PUBLIC, VERIFY, equip, run, unread
from tests.support.sealed_package import partner

from fedsafe_federation.casework.certificates import certificate_fingerprint

pytestmark = pytest.mark.timeout(300)
__all__ = ["desks"]

CERTIFICATE: Final = "fedsafe partner list --certificate provider.pem"


def with_certificate(text: str) -> str:
    """Let the page's partner have an X.509 certificate, in the place of its key."""
    digits = certificate_fingerprint(partner().certificate)
    for before, after in (
        ("--key partner.public", "--certificate own.pem"),
        ('--fingerprint "FINGERPRINT"', f'--certificate-fingerprint "{digits}"'),
        ("case.fedsafe", "case.p7m"),
        ("fedsafe partner list", f"{CERTIFICATE}\nfedsafe partner list"),
    ):
        text = text.replace(before, after)
    return text


def take_a_case(desks: Desks) -> None:
    """Follow the page until the package is with the partner."""
    for who, text, status in blocks():
        if "fedsafe open" in text:
            return
        done = desks.type(who, with_certificate(text))
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{who}: {text}\n{said}"
        for word, (command, shape) in SHOWN.items():
            if f"fedsafe {command}" in text and word not in desks.shown:
                desks.shown[word] = shape.findall(said)[-1]
        if "case template" in text:
            (desks.home / "known.json").write_text(json.dumps(filled_in()))


def flip(file: Path, place: int) -> None:
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


def test_a_case_and_a_test_package_are_verified_and_opened_by_openssl(
    desks: Desks,
) -> None:
    folder = equip(desks.home)
    (folder / "provider.pem").unlink()
    take_a_case(desks)
    tested = desks.type("Ella", "fedsafe partner test lka-test --out test.p7m")
    line = f"{VERIFY.format('case.p7m')} && {CMS}"
    of_test = re.sub(r"\bcase\.p7m", "test.p7m", line)

    assert tested.returncode == 0
    assert "test.p7m.sig along" in tested.stderr
    assert run(folder, PUBLIC)
    assert run(folder, line)
    assert run(folder, of_test)
    place = max(unread((folder / "case.p7m").read_bytes()))
    flip(folder / "case.p7m", place)
    assert run(folder, CMS)  # it reads over that byte
    assert not run(folder, line)
    flip(folder / "test.p7m.sig", 20)
    assert not run(folder, of_test)
