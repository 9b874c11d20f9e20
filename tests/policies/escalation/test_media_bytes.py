# SPDX-License-Identifier: Apache-2.0
import base64
from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.maximal import MAXIMAL, PACKAGE_ID
from tests.support.media_files import FILES, WAYS

from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.media_bytes import find_media
from fedsafe_policies.escalation.package import decode_package, refuse_media


@pytest.mark.promise("LR-04")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", FILES)
def test_media_are_found_however_they_are_written(kind: str, way: str) -> None:
    written = WAYS[way](FILES[kind])
    found = find_media({"content": [{"text": f"a{written}"}]})

    assert found is not None
    assert found.path == "content[0].text"
    assert found.kind == "data-URI" if way.endswith("uri") else found.kind in FILES


@pytest.mark.parametrize("kind", FILES)
def test_media_are_found_in_bytes_and_in_keys(kind: str) -> None:
    key = FILES[kind].decode("latin-1")

    assert find_media([FILES[kind]]) is not None
    assert find_media({key: 1}) is not None
    assert key not in str(find_media({key: [FILES[kind]]}))


@pytest.mark.parametrize("kind", FILES)
def test_media_are_found_behind_other_letters_of_base64(kind: str) -> None:
    encoded = base64.b64encode(FILES[kind]).decode()
    found = [find_media("A" * shift + encoded) for shift in range(9)]

    assert None not in found


@pytest.mark.promise("LR-04")
@pytest.mark.parametrize(
    "field",
    [
        "content[0].text",
        "sender.provider",
        "suspects[0].name",
        "summary",
        "vignette.text",
        "attachments[0].held_at",
    ],
)
@pytest.mark.parametrize("kind", FILES)
def test_no_field_of_a_package_takes_media(field: str, kind: str) -> None:
    document = {
        "format": "fedsafe-case-package-v1",
        "package_id": str(PACKAGE_ID),
        "elements": msgspec.json.decode(msgspec.json.encode(MAXIMAL)),
    }
    _put(document["elements"], field, base64.b64encode(FILES[kind]).decode())

    with pytest.raises(CasePackageError) as refused:
        decode_package(msgspec.json.encode(document))

    assert refused.value.path == f"elements.{field}"
    assert base64.b64encode(FILES[kind]).decode()[:12] not in str(refused.value)


_JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(200))
_LETTERS: Final = base64.b64encode(_JPEG).decode()


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(_LETTERS.encode()).decode(),
        _JPEG.hex(":"),
        ", ".join(f"0x{byte:02x}" for byte in _JPEG),
        "\u200b".join(_LETTERS),
        "\xa0".join(_LETTERS[at : at + 5] for at in range(0, len(_LETTERS), 5)),
        ".".join(_LETTERS[at : at + 5] for at in range(0, len(_LETTERS), 5)),
        _LETTERS.translate({code: code + 0xFEE0 for code in range(33, 127)}),
        "da\tta:image/png,xx",
        "data\u200b:image/png,xx",
    ],
)
def test_media_are_found_where_a_text_hides_them(text: str) -> None:
    assert find_media({"text": text}) is not None


@pytest.mark.parametrize(
    "begins",
    [
        b"%PDF-1.7\n",
        b"II*\x00\x08\x00\x00\x00",
        b"Rar!\x1a\x07\x01\x00",
        b"7z\xbc\xaf\x27\x1c",
        b"\x1f\x8b\x08\x00",
        b"OggS\x00\x02",
        b"ID3\x03\x00",
        b"\x00\x00\x01\xba\x44",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        b"\x00\x00\x00\x0cJXL \r\n\x87\n",
        b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat",
        b"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00\x68\x04\x00\x00\x16\x00\x00\x00",
        b"8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03",
        b"fLaC\x00\x00\x00\x22",
        b"#!AMR\n",
        b"BZh91AY&SY",
        b"\xfd7zXZ\x00",
        b"\x28\xb5\x2f\xfd\x04",
        b"MSCF\x00\x00\x00\x00",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\x01\x00\x00\x00" + bytes(36) + b" EMF",
        bytes(128) + b"DICM",
        b"AT&TFORM",
        b"name" + bytes(253) + b"ustar\x0000",
    ],
)
def test_files_of_other_kinds_are_found(begins: bytes) -> None:
    text = base64.b64encode(begins + bytes(range(64))).decode()

    assert find_media({"text": f"siehe {text}"}) is not None


@pytest.mark.parametrize("length", [1, 4, 7, 30])
@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_into_pieces_over_a_list_is_found(kind: str, length: int) -> None:
    text = base64.b64encode(FILES[kind]).decode()
    cut = [text[at : at + length] for at in range(0, len(text), length)]
    found = find_media({"content": [{"text": piece} for piece in cut]})

    assert found is not None
    assert find_media(cut) is not None
    assert find_media({f"field_{n:03}": piece for n, piece in enumerate(cut)})


def test_a_file_cut_into_pieces_beside_other_fields_is_found() -> None:
    text = base64.b64encode(FILES["PNG"]).decode()
    cut = [text[at : at + 6] for at in range(0, len(text), 6)]
    found = find_media([{"name": "Kim", "id": n, "text": x} for n, x in enumerate(cut)])

    assert found is not None
    assert found.path == "[0].text"


def _put(tree: object, path: str, value: str) -> None:
    *way, last = path.replace("[0]", ".0").split(".")
    for name in way:
        tree = tree[int(name)] if isinstance(tree, list) else tree[name]  # type: ignore[index]
    tree[last] = value  # type: ignore[index]


@pytest.mark.parametrize(
    "text",
    [
        "Das Kind schrieb: „Ich habe ein GIF geschickt“, als png-Datei.",
        "https://chat.example.de/a/Zm9vYmFyYmF6cXV4/9f86d081884c7d659a2feaa0c55ad015",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "0199a000-0000-7000-8000-000000000001",
        "the data: two accounts, one image",
        "AAAAIGNoYXQ",
        "RIFF und PK sind nur Buchstaben",
        "BM 12 34; 7 8 9 10 11 12 13 14 15 16 Uhr",
        "ALLES IN GROSSBUCHSTABEN UND OHNE PUNKT UND KOMMA BIS ANS ENDE DER ZEILE",
        "a=b&c=%20d; e=f5 &amp; &auml; &#228; \\n \\x41",
        "Die Adresse 192.0.2.7 und die Nummern 030 0000001, 255, 216, 7, 8, 9, 10",
        "f(x) := {[(<~!@#$%^&*()_+-=|;:?,./>)]} 1234567890 qwertz",
    ],
)
def test_ordinary_text_passes(text: str) -> None:
    assert find_media({"text": text}) is None


def test_the_maximal_case_holds_no_media() -> None:
    refuse_media(MAXIMAL)


def test_prose_of_every_page_passes() -> None:
    docs = Path(__file__).parents[3] / "docs"
    pages = [*(docs / "howto").rglob("*.md"), *(docs / "explanation").glob("*.md")]
    texts = [page.read_text()[:2_000] for page in pages]

    assert len(texts) > 10
    assert [find_media({"text": text}) for text in texts] == [None] * len(texts)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=20))
def test_a_list_of_digests_passes(digests: list[bytes]) -> None:
    assert find_media({"sha256": [digest.hex() for digest in digests]}) is None


@given(st.binary(min_size=32, max_size=64))
def test_digests_of_any_value_pass(digest: bytes) -> None:
    assert find_media(digest.hex()) is None


@settings(max_examples=40)
@given(
    st.recursive(
        st.text() | st.binary() | st.none() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_value_is_searched_without_an_error(value: object) -> None:
    find_media(value)


def test_deep_nesting_ends_no_search() -> None:
    value: object = FILES["PNG"]
    for _ in range(50_000):
        value = [value]

    assert find_media(value) is not None
