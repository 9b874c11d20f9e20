# SPDX-License-Identifier: Apache-2.0
"""The JSON of everything that nodes sign, commit to or exchange.

What members exchange in bulk is the same documents in MessagePack (`pack`, `unpack`).
One encoder and one way to decode: types are closed (`forbid_unknown_fields`), a
document that does not fit raises `MalformedError` with the place of the misfit,
never with a value out of the document. Struct fields keep their order, so equal
values give equal bytes.
"""

import re
from threading import RLock
from typing import Final, TypeVar

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_policies.ground.catalogue import Phrase

T = TypeVar("T")

MOST_PARTS: Final = 262_144
"""No document has more commas: what it is made of is counted before it is made.

Of that many parts none of our types takes more than 32 MiB of memory.
"""
_COUNTED: Final = 65_536  # bytes; fewer cannot hold too many
_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[type, msgspec.json.Decoder[object]] = {}
_PACKER = msgspec.msgpack.Encoder()
_UNPACKERS: dict[type, msgspec.msgpack.Decoder[object]] = {}
# While msgspec learns a type, other threads see what it knows of it by halves, and a
# decoder that is made of that ends the process: one thread learns at a time.
_LEARNING = RLock()
# msgspec quotes the offending value in a few messages: only the path is kept.
_PLACE = re.compile(r" - at `(\$[\w.\[\]]*)`$")


def name_of(type_: type) -> str:
    """Return the name that errors and the OpenAPI document give a type.

    It is the class's, or what the class states as `__schema_name__`, as SQLAlchemy's
    state `__tablename__`: a class may take another name or place, readers see the same.
    A class that inherits from it does not inherit its name.
    """
    return str(type_.__dict__.get("__schema_name__", type_.__name__))


def encode(value: object) -> bytes:
    """Encode *value*; equal values give equal bytes."""
    return _ENCODER.encode(value)


def decode(data: bytes | bytearray | memoryview | msgspec.Raw, type_: type[T]) -> T:
    """Decode *data* into *type_*.

    Raises:
        MalformedError: *data* is no JSON, has more parts than any document, or does
            not fit the type.
    """
    if has_more_parts(data, MOST_PARTS):
        raise MalformedError(name_of(type_), Phrase("more parts than any document has"))
    decoder = _DECODERS.get(type_)
    if decoder is None:
        with _LEARNING:
            decoder = _DECODERS[type_] = msgspec.json.Decoder(type_)
    try:
        return decoder.decode(data)  # type: ignore[return-value]
    except msgspec.ValidationError as error:
        raise MalformedError(name_of(type_), _explain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError(name_of(type_), Phrase("not valid JSON")) from None


def has_more_parts(
    data: bytes | bytearray | memoryview | msgspec.Raw, most: int
) -> bool:
    """Whether JSON has more than so many commas.

    The decoder checks how long a list may be only once it has made all of it.
    """
    if not isinstance(data, bytes) or len(data) <= _COUNTED:
        return False
    return data.count(b",") > most


def pack(value: object) -> bytes:
    """Encode *value* as MessagePack; equal values give equal bytes."""
    return _PACKER.encode(value)


def unpack(data: bytes | memoryview, type_: type[T]) -> T:
    """Decode MessagePack into *type_*.

    Raises:
        MalformedError: *data* is no MessagePack, or does not fit the type.
    """
    decoder = _UNPACKERS.get(type_)
    if decoder is None:
        with _LEARNING:
            decoder = _UNPACKERS[type_] = msgspec.msgpack.Decoder(type_)
    try:
        return decoder.decode(data)  # type: ignore[return-value]
    except msgspec.ValidationError as error:
        raise MalformedError(name_of(type_), _explain(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError(name_of(type_), Phrase("not valid MessagePack")) from None


def _explain(error: msgspec.ValidationError) -> str:
    text = str(error)
    place = _PLACE.search(text)
    where = f" at {place[1]}" if place else ""
    for marker, meaning in _MEANINGS:
        if marker in text:
            return meaning + where
    return "value does not fit" + where


_MEANINGS = (
    ("missing required field", "a required field is missing"),
    ("unknown field", "unknown field"),
    ("Expected", "wrong kind of value"),
    ("Invalid base64", "not base64"),
    ("Invalid enum", "not one of the known words"),
)
