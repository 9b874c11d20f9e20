# SPDX-License-Identifier: Apache-2.0


from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_crypto.errors import CryptoError, MalformedNoteError, SignatureError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_crypto.tlog.cosignature import (
    add_lines,
    cosign,
    take_cosignature,
    verify_cosignatures,
)
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey, open_note, split_note

LOG = SigningKey.generate()
KEY = SigningKey.generate()
NAME = "b.example/witness"
WITNESS = VerifierKey.of(NAME, KEY.public, COSIGNER)
CHECKPOINT = Checkpoint("a.example/anchor", 3, bytes(32))
NOTE = sign_checkpoint(CHECKPOINT, LOG)
TEXT = CHECKPOINT.encode()


@given(st.integers(0, 2**63 - 1))
def test_a_cosignature_tells_who_and_when(at: int) -> None:
    note = add_lines(NOTE, cosign(TEXT, NAME, KEY, at=at))

    assert verify_cosignatures(note, [WITNESS]) == {WITNESS: at}
    log = VerifierKey.of("a.example/anchor", LOG.public)
    assert open_note(note, [log]).signers == (log,)


def test_the_message_is_that_of_the_specification() -> None:
    line = cosign(TEXT, NAME, KEY, at=7)
    body = b64decode(line.split(" ")[2])
    message = b"cosignature/v1\ntime 7\n" + TEXT.encode()

    assert body[:4] == WITNESS.key_id
    assert body[4:12] == (7).to_bytes(8)
    assert body[12:] == KEY.sign_exactly(message)


def test_a_witness_cosignature_is_found_among_others() -> None:
    other = cosign(TEXT, "c.example/witness", SigningKey.generate(), at=8)
    own = cosign(TEXT, NAME, KEY, at=9)

    assert take_cosignature(NOTE, other + own, WITNESS) == (own, 9)
    with pytest.raises(SignatureError, match="nothing"):
        take_cosignature(NOTE, other, WITNESS)
    with pytest.raises(SignatureError):
        take_cosignature(NOTE, cosign("x\n", NAME, KEY, at=9), WITNESS)
    with pytest.raises(MalformedNoteError):
        take_cosignature(NOTE, "<html>\n", WITNESS)


def test_a_key_of_a_cosigner_is_none_of_a_log() -> None:
    assert VerifierKey.parse(WITNESS.encode(), COSIGNER) == WITNESS
    with pytest.raises(CryptoError):
        VerifierKey.parse(WITNESS.encode())
    assert VerifierKey.of(NAME, KEY.public).key_id != WITNESS.key_id


@given(st.data())
def test_whatever_is_changed_is_refused_or_nobodys(data: st.DataObject) -> None:
    note = bytearray(add_lines(NOTE, cosign(TEXT, NAME, KEY, at=9)))
    at = data.draw(st.integers(0, len(note) - 1))
    note[at] ^= data.draw(st.integers(1, 255))
    try:
        seen = verify_cosignatures(bytes(note), [WITNESS])
    except (MalformedNoteError, SignatureError):
        return
    text, _ = split_note(bytes(note))

    # Another witness's name or the log's own signature: no word of this witness.
    assert seen == {} or (seen == {WITNESS: 9} and text == TEXT)


def test_a_cosignature_stands_for_its_checkpoint_only() -> None:
    other = sign_checkpoint(Checkpoint("a.example/anchor", 4, bytes(32)), LOG)
    with pytest.raises(SignatureError):
        verify_cosignatures(add_lines(other, cosign(TEXT, NAME, KEY, at=9)), [WITNESS])


def test_a_plain_signature_under_the_witness_key_is_no_cosignature() -> None:
    plain = VerifierKey.of(NAME, KEY.public)
    signed = add_lines(NOTE, cosign(TEXT, NAME, KEY, at=9))
    disguised = VerifierKey(NAME, WITNESS.key_id, KEY.public, plain.kind)

    with pytest.raises(SignatureError):
        verify_cosignatures(signed, [disguised])


@pytest.mark.parametrize("lines", ["", "x\n", "— b.example/witness AAAA", "\ud800\n"])
def test_what_is_no_line_makes_no_note(lines: str) -> None:
    if lines:
        with pytest.raises(MalformedNoteError):
            add_lines(NOTE, lines)
    else:
        assert add_lines(NOTE, lines) == NOTE
