# SPDX-License-Identifier: Apache-2.0
"""A partner's key is random, and once in a while reads like the beginning of a file."""

import base64
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.media_files import FILES, WAYS
from tests.support.partner_entries import ENTRY, ada, entered, partners, tables

from fedsafe_node.acts.partners import EnterPartner
from fedsafe_node.casework.cases.partner_keys import check_entry
from fedsafe_node.casework.cases.partners import Partners
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.media_bytes import find_media

__all__ = ["ada", "partners", "tables", "team"]

LIKE_A_FILM: Final = Path(__file__).with_name("like_a_film.asc").read_text("ascii")
"""An honest key: read from the second letter on, it holds 00 00 01 b3."""

NOISE: Final = bytes(range(128, 192)) * 3
FILM: Final = NOISE + b"\x00\x00\x01\xba" + NOISE


def armored(field: str, body: bytes, comment: str = "") -> str:
    lines = base64.encodebytes(body).decode()
    if field == "key":
        return f"fedsafe-partner-public-v1\n{lines}"
    if field == "certificate":
        return f"-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n"
    name = "PGP PUBLIC KEY BLOCK"
    head = f"-----BEGIN {name}-----\n{comment}\n"
    return f"{head}{lines}=abcd\n-----END {name}-----\n"


def check(field: str, text: str) -> None:
    bare = {"key": None, field: text}
    entry = msgspec.structs.replace(ENTRY, **bare)
    check_entry(EnterPartner(partner="bka", revision=0, entry=entry))


def refused(field: str, text: str) -> None:
    with pytest.raises(BadRequestError) as found:
        check(field, text)
    assert found.value.code == "media_refused"
    assert found.value.pointer == f"/entry/{field}"


async def test_an_honest_key_that_reads_like_a_film_is_entered(
    partners: Partners, ada: Principal
) -> None:
    pytest.importorskip("pysequoia")
    found = find_media(LIKE_A_FILM)
    receipt = await entered(partners, ada, key=None, openpgp=LIKE_A_FILM)

    assert found is not None
    assert found.kind == "MPEG"
    assert receipt.openpgp_fingerprint is not None


@pytest.mark.parametrize("field", ["key", "certificate", "openpgp"])
def test_a_chance_in_a_whole_key_is_none_and_anywhere_else_it_is(field: str) -> None:
    text = armored(field, FILM)
    check(field, text)

    for other in (text + "x" + text, text.replace("\n", "\n-", 2), text[:-2] + "."):
        refused(field, other)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("field", ["key", "certificate", "openpgp"])
def test_a_file_in_the_bytes_of_a_key_is_refused(field: str, kind: str) -> None:
    refused(field, armored(field, NOISE + FILES[kind] + NOISE))
    words = f"Stelle {base64.b64encode(FILES[kind]).decode()} ".encode()
    refused(field, armored(field, NOISE + words + NOISE))


def test_the_smallest_picture_of_whose_key_it_is_is_refused() -> None:
    refused("openpgp", armored("openpgp", NOISE + b"\xff\xd8\xff\xfe" + NOISE))
    words = b"<img src='data:image/png;base64,AAAA'>"
    refused("certificate", armored("certificate", NOISE + words + NOISE))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("way", ["base64", "url_safe", "data_uri", "hexadecimal"])
def test_a_file_in_a_comment_of_a_key_is_refused(way: str, kind: str) -> None:
    text = "".join(WAYS[way](FILES[kind] * 2).split())
    refused("openpgp", armored("openpgp", FILM, f"Comment: {text}\n"))
