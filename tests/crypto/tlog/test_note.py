# SPDX-License-Identifier: Apache-2.0

import json
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsafe_crypto.errors import (
    CryptoError,
    MalformedKeyError,
    MalformedNoteError,
    SignatureError,
)
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    VerifierKey,
    open_note,
    sign_note,
)

VECTORS = json.loads(
    (Path(__file__).parent.parent / "vectors" / "note.json").read_text()
)
KEY = SigningKey.from_bytes(bytes(range(32)))
OTHER = SigningKey.from_bytes(bytes(32))
VERIFIER = VerifierKey.of("a.example/feed", KEY.public)
NOTE = sign_note("one\n\ntwo\n", VERIFIER.name, KEY)
LINE = NOTE.decode().splitlines()[-1] + "\n"
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.just("\n"),
    max_size=60,
).map(lambda text: text + "\n")


@pytest.mark.parametrize("name", ["c2sp_example", "go_note", "ours"])
def test_published_notes_open_under_their_keys(name: str) -> None:
    case = VECTORS[name]
    verifier = VerifierKey.parse(case["vkey"])

    opened = open_note(case["note"].encode(), [verifier])

    assert opened.signers == (verifier,)
    assert case["note"].startswith(opened.text + "\n— ")
    assert verifier.encode() == case["vkey"]


def test_a_published_note_of_an_unknown_key_is_well_formed_but_unsigned() -> None:
    with pytest.raises(SignatureError):
        open_note(VECTORS["c2sp_poem"].encode(), [VERIFIER])


def test_our_note_is_pinned() -> None:
    case = VECTORS["ours"]
    text = case["note"].split("\n\n")[0] + "\n"

    assert sign_note(text, "a.example/feed", KEY).decode() == case["note"]
    assert VERIFIER.encode() == case["vkey"]


def test_a_vkey_may_hold_more_plus_signs() -> None:
    assert VERIFIER.encode().count("+") == 3
    assert VerifierKey.parse(VERIFIER.encode()) == VERIFIER


@given(TEXTS)
def test_what_was_signed_opens(text: str) -> None:
    opened = open_note(sign_note(text, VERIFIER.name, KEY), [VERIFIER])

    assert opened.text == text


@settings(max_examples=300)
@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    changed = bytearray(NOTE)
    changed[place] ^= change

    with pytest.raises(CryptoError):
        open_note(bytes(changed), [VERIFIER])


@pytest.mark.parametrize("end", range(len(NOTE)))
def test_a_cut_note_is_refused(end: int) -> None:
    with pytest.raises(CryptoError):
        open_note(NOTE[:end], [VERIFIER])


@given(
    st.binary(max_size=200)
    | st.text(max_size=200).map(lambda s: s.encode("utf-8", "surrogatepass"))
)
def test_junk_is_no_note(junk: bytes) -> None:
    with pytest.raises(CryptoError):
        open_note(junk, [VERIFIER])


def test_unknown_signatures_are_ignored() -> None:
    other = sign_note("one\n\ntwo\n", "witness.example", OTHER).decode()
    line = other.splitlines()[-1] + "\n"
    witness = VerifierKey.of("witness.example", OTHER.public)

    both = NOTE + line.encode()

    assert open_note(both, [VERIFIER]).signers == (VERIFIER,)
    assert open_note(both, [witness, VERIFIER]).signers == (VERIFIER, witness)


def test_a_bad_signature_of_a_known_key_condemns_the_note() -> None:
    witness = VerifierKey.of("witness.example", OTHER.public)
    bad = b64encode(witness.key_id + bytes(64)).decode()
    note = NOTE + f"— witness.example {bad}\n".encode()

    assert open_note(note, [VERIFIER]).signers == (VERIFIER,)
    with pytest.raises(SignatureError):
        open_note(note, [VERIFIER, witness])


def test_the_same_key_under_another_name_is_unknown() -> None:
    with pytest.raises(SignatureError):
        open_note(NOTE, [VerifierKey.of("b.example/feed", KEY.public)])
    with pytest.raises(SignatureError):
        open_note(NOTE, [])


def test_a_signature_counts_once() -> None:
    assert open_note(NOTE + LINE.encode(), [VERIFIER]).signers == (VERIFIER,)


def test_sixteen_signatures_pass_and_too_many_do_not() -> None:
    assert open_note(NOTE + LINE.encode() * 15, [VERIFIER]).text == "one\n\ntwo\n"

    with pytest.raises(MalformedNoteError):
        open_note(NOTE + LINE.encode() * MAX_SIGNATURES, [VERIFIER])
    with pytest.raises(MalformedNoteError):
        open_note(b"x" * MAX_NOTE_BYTES + NOTE, [VERIFIER])


@pytest.mark.parametrize(
    "note",
    [
        "text\n" + LINE,
        "text\n\n",
        "text\n\n\n",
        "text\n\n" + LINE[:-1],
        "te\rxt\n\n" + LINE,
        "te\0xt\n\n" + LINE,
        "text\n\n" + LINE.replace("— ", "- "),
        "text\n\n" + LINE.replace("— ", "—"),
        "text\n\n" + LINE.replace("a.example", "a+example"),
        "text\n\n" + LINE.replace("a.example", "a\N{NO-BREAK SPACE}example"),
        "text\n\n— a.example/feed\n",
        "text\n\n—  " + LINE.split()[-1] + "\n",
        "text\n\n— a.example/feed AAAA\n",
        "text\n\n— a.example/feed AAAAAB==\n",
        "text\n\n" + LINE + "more\n",
    ],
)
def test_other_shapes_are_no_notes(note: str) -> None:
    with pytest.raises(MalformedNoteError):
        open_note(note.encode(), [VERIFIER])


def test_a_signature_has_one_spelling() -> None:
    respelt = NOTE.replace(b"I=\n", b"J=\n")
    assert respelt != NOTE

    with pytest.raises(MalformedNoteError):
        open_note(respelt, [VERIFIER])


def test_a_note_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(MalformedNoteError):
        open_note(b"\xff\n\n" + LINE.encode(), [VERIFIER])


@pytest.mark.parametrize("text", ["", "no newline", "a\tb\n", "a\0b\n", "\ud800\n"])
def test_a_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedNoteError):
        sign_note(text, "a.example", KEY)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\0b", "\ud800"]
)
def test_a_name_that_no_note_can_carry_is_refused(name: str) -> None:
    with pytest.raises(MalformedKeyError):
        VerifierKey.of(name, KEY.public)
    with pytest.raises(MalformedKeyError):
        sign_note("text\n", name, KEY)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "a.example",
        "a.example+00000000",
        VERIFIER.encode().replace("a.example", "b.example"),
        VERIFIER.encode().replace("+ee44d193+", "+EE44D193+"),
        VERIFIER.encode().replace("+ee44d193+", "+ee44d194+"),
        VERIFIER.encode()[:-4],
        VERIFIER.encode() + "AAAA",
        VERIFIER.encode() + "!",
        VERIFIER.encode().replace("+AQ", "+BA"),
        "a.example+00000000+" + b64encode(b"\1" + bytes(32)).decode(),
    ],
)
def test_other_texts_are_no_verifier_keys(vkey: str) -> None:
    with pytest.raises(MalformedKeyError):
        VerifierKey.parse(vkey)


@given(st.text(max_size=90))
def test_junk_is_no_verifier_key(vkey: str) -> None:
    with pytest.raises(MalformedKeyError):
        VerifierKey.parse(vkey)
