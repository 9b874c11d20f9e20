# SPDX-License-Identifier: Apache-2.0

import json
import subprocess
import sys
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import header, signed_card, world

from fedsafe_federation.charter.card import Card, MemberKeys
from fedsafe_federation.charter.charter import Charter, SignedCharter
from fedsafe_federation.charter.proposal import Proposal
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.evaluation.statements import EvaluationAnswer, EvaluationRequest
from fedsafe_federation.feed.records import decode_record
from fedsafe_federation.feed.restrictions import Restriction
from fedsafe_federation.feed.signals import (
    ActorBody,
    MediaBody,
    SignalHeader,
    SignalOpening,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import MOST_PARTS, decode, encode, unpack

DOCUMENTS: list[type] = [
    Card,
    MemberKeys,
    Charter,
    SignedCharter,
    EvaluationRequest,
    EvaluationAnswer,
    Proposal,
    Restriction,
    ActorBody,
    MediaBody,
    SignalHeader,
    SignalOpening,
    Signed,
]
VALID = [
    (SignalHeader, encode(header())),
    (Signed, encode(signed_card("a.example"))),
    (Charter, encode(world().charter)),
]
SECRET = "anna@example.de"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(data=st.binary(max_size=200))
def test_junk_raises_its_own_error_only(kind: type, data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(data, kind)


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(value=json_values)
def test_foreign_json_raises_its_own_error_only(kind: type, value: object) -> None:
    with pytest.raises(MalformedError):
        decode(json.dumps(value).encode(), kind)


@pytest.mark.parametrize(("kind", "document"), VALID)
@given(data=st.data())
def test_a_mutated_document_decodes_or_raises_its_own_error(
    kind: type, document: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(document) - 1))
    length = data.draw(st.integers(0, 8))
    filling = data.draw(st.binary(max_size=8))
    mutated = document[:place] + filling + document[place + length :]

    try:
        decoded: object = decode(mutated, kind)
    except MalformedError:
        return
    assert decode(encode(decoded), kind) == decoded


@pytest.mark.parametrize(("kind", "document"), VALID)
def test_equal_values_give_equal_bytes(kind: type, document: bytes) -> None:
    assert encode(decode(document, kind)) == document
    assert decode(memoryview(document), kind) == decode(bytearray(document), kind)


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 100_000,
        b'{"header":' * 100_000,
        b"9" * 100_000,
        b'"\\ud800"',
        b'{"header":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"\xff":1}',
    ],
    ids=["arrays", "objects", "digits", "surrogate", "raw", "utf8"],
)
@pytest.mark.parametrize("kind", [SignalOpening, list[Signed], SignedCharter])
def test_bombs_raise_their_own_error(kind: type, bomb: bytes) -> None:
    with pytest.raises(MalformedError):
        decode(bomb, kind)


@pytest.mark.parametrize(
    ("change", "meaning"),
    [
        ({"type": None}, "wrong kind of value at $.type"),
        ({"type": SECRET}, "wrong kind of value at $.type"),
        ({"signer": SECRET}, "wrong kind of value at $.signer"),
        ({"payload": SECRET}, "not base64 at $.payload"),
        ({SECRET: 1}, "unknown field"),
        ({"signature": "QUJD"}, "wrong kind of value at $.signature"),
    ],
)
def test_an_error_names_the_place_and_never_the_value(
    change: dict[str, object], meaning: str
) -> None:
    document = json.loads(encode(signed_card("a.example"))) | change

    with pytest.raises(MalformedError) as caught:
        decode(json.dumps(document).encode(), Signed)

    assert caught.value.why == meaning
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_missing_fields_and_unknown_words_are_told_apart() -> None:
    document = json.loads(encode(header()))
    del document["epoch"]
    with pytest.raises(MalformedError, match=r"a required field is missing$"):
        decode(json.dumps(document).encode(), SignalHeader)

    document = json.loads(encode(header())) | {"plane": SECRET}
    with pytest.raises(MalformedError, match=r"not one of the known words at \$.plane"):
        decode(json.dumps(document).encode(), SignalHeader)


def test_an_unknown_tag_is_no_value_that_fits() -> None:
    with pytest.raises(MalformedError, match=r"value does not fit at \$\.entry"):
        decode_record(b'{"v":1,"entry":{"record":"%s"}}' % SECRET.encode())


class Named(msgspec.Struct, forbid_unknown_fields=True):
    of: dict[str, int]


def test_a_key_of_a_map_is_a_value_too() -> None:
    with pytest.raises(MalformedError) as caught:
        decode(json.dumps({"of": {SECRET: "x"}}).encode(), Named)

    assert SECRET not in str(caught.value)


# Another thread reads a document whose type has a part that is being learnt.
LEARNING = """
import sys, threading
from typing import Any
import msgspec
from fedsafe_federation.wire.wireformat import decode, unpack

packed = sys.argv[1] == "packed"
read = unpack if packed else decode
write = msgspec.msgpack.encode if packed else msgspec.json.encode

def late() -> Any:
    other.start()
    other.join(0.2)
    return int

class Leaf(msgspec.Struct):
    value: "late()"

class Branch(msgspec.Struct):
    leaf: Leaf
    number: int

class Tree(msgspec.Struct):
    branch: Branch

branch = {"leaf": {"value": 1}, "number": 2}
other = threading.Thread(
    target=lambda: print(read(write({"branch": branch}), Tree).branch.number)
)
read(write(branch), Branch)
other.join()
"""


@pytest.mark.parametrize("form", ["json", "packed"])
def test_a_type_that_another_thread_is_learning_is_waited_for(form: str) -> None:
    command = [sys.executable, "-c", LEARNING, form]
    done = subprocess.run(command, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"2\n", b"")


def peak_of_refusal(data: bytes) -> int:
    """Decode too many parts; give the most memory, in bytes, that was held for it."""
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError, match="more parts"):
            decode(data, list)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "part", [encode(signed_card("a.example").signer), b"{}"], ids=["words", "objects"]
)
def test_parts_are_counted_before_any_of_them_is_made(part: bytes) -> None:
    data = b"[" + b",".join([part] * (MOST_PARTS + 2)) + b"]"

    # Threads of other tests may take memory meanwhile, though not each time.
    assert min(peak_of_refusal(data) for _ in range(5)) < 65_536
    fewer = b"[" + b",".join([part] * (MOST_PARTS + 1)) + b"]"
    assert len(decode(fewer, list)) == MOST_PARTS + 1


class _Pinned(msgspec.Struct):
    __schema_name__ = "Moved"


class _Heir(_Pinned):
    pass


@pytest.mark.parametrize(("kind", "name"), [(_Pinned, "Moved"), (_Heir, "_Heir")])
def test_errors_name_a_type_as_it_states(kind: type, name: str) -> None:
    with pytest.raises(MalformedError, match=f"^{name}\\b"):
        decode(b"[]", kind)
    with pytest.raises(MalformedError, match=f"^{name}\\b"):
        unpack(b"\x90", kind)
