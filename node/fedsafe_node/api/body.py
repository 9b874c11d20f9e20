# SPDX-License-Identifier: Apache-2.0
"""Reads bodies and queries: bounded in size, depth and time, decoded into closed types.

Every type is closed and none has an `Any` in it, so the decoder stops at the first
array or object that the type does not foresee: nesting is bounded by the type, not
by what was sent. Messages name the place of a misfit and what was wanted there.
They never hold a value, nor the name of an unknown field, for a client's mistake
may have put an address there.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, cast

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from fedsafe_federation.wire.wireformat import has_more_parts
from fedsafe_node.api.codes import Code
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.api.strangers import Room
from fedsafe_policies.escalation.manifest import WANT_UTC
from fedsafe_policies.escalation.package import WANT_PLACE
from fedsafe_policies.ground.catalogue import Phrase

JSON: Final = "application/json"
PACKED: Final = "application/vnd.msgpack"
ANY: Final = ""
FORM: Final = "application/x-www-form-urlencoded"
BODY_SECONDS: Final = 15.0
MOST_PARTS: Final = 65_536
"""No body of an asker not yet known has more commas: nobody's messages do."""
_CHARSET: Final = r'(?:\s*;\s*charset="?utf-8"?)?'
_TYPES: Final = {
    media: re.compile(re.escape(media) + _CHARSET, re.IGNORECASE)
    for media in (JSON, FORM, PACKED)
}
_PLACE = re.compile(r" - at `(\$[^`]*)`$")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_EXPECTED: Final = "Expected `"
_WRONG_WORD: Final = "Invalid enum value"
_FIXED: Final = (
    (
        "Object contains unknown field",
        Phrase("there is a field that is not known here"),
    ),
    (_WRONG_WORD, Phrase("the value is none of the known words")),
    ("Invalid base64", Phrase("the value is not base64")),
    ("Integer value out of range", Phrase("the number is too large")),
    ("Number out of range", Phrase("the number is too large")),
    (
        "Expected `str` matching regex",
        Phrase("the text does not have the form of its field"),
    ),
)

_OWN: Final = re.compile(rf"(?:(?P<field>\w+): )?(?P<why>{WANT_UTC}|{WANT_PLACE})")
"""What the fields of a case say themselves of what does not fit."""


async def read_body(  # noqa: PLR0913 - what is read, and what it may be
    request: web.Request,
    limit: int,
    room: Room | None = None,
    *,
    prefix: str = "",
    media: str = JSON,
    packed: bool = False,
) -> bytes:
    """Read a body of at most *limit* bytes, within *room* if there is one.

    *prefix* says with whom it shares that. *packed* says that it may be MessagePack.

    Raises:
        RefusedError: content type or encoding, size, time, room, or a broken
            transfer.
    """
    headers = request.headers
    type_ = headers.get("Content-Type")
    fits = media in {type_, ANY} or (type_ and _TYPES[media].fullmatch(type_.strip()))
    if not fits and not (packed and is_packed(request)):
        wanted = f"{media} or {PACKED}" if packed else media
        raise RefusedError(
            Code.UNSUPPORTED_MEDIA_TYPE, Phrase("send {wanted}").filled(wanted=wanted)
        )
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RefusedError(Code.UNSUPPORTED_ENCODING, Phrase("send the body unencoded"))
    length = request.content_length
    if length is not None and length > limit:
        raise too_large(limit)
    content = request.content
    if content.is_eof() and content.exception() is None:
        return _bounded(content.read_nowait(), limit)
    try:
        async with asyncio.timeout(BODY_SECONDS) as patience:
            loop = asyncio.get_running_loop()

            def give_up() -> None:
                patience.reschedule(loop.time())

            with (room or Room(limit)).hold(prefix, give_up) as take:
                return await _read_pieces(request, limit, take)
    except TimeoutError:
        raise RefusedError(Code.SLOW_BODY) from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise RefusedError(
            Code.MALFORMED_REQUEST, Phrase("the body's transfer is broken")
        ) from None


def is_packed(request: web.Request) -> bool:
    """Whether a request says that its body is MessagePack."""
    type_ = request.headers.get("Content-Type", "")
    return _TYPES[PACKED].fullmatch(type_.strip()) is not None


async def _read_pieces(
    request: web.Request, limit: int, take: Callable[[int], None]
) -> bytes:
    pieces: list[bytes] = []
    left = limit
    while piece := await request.content.readany():
        left -= len(piece)
        if left < 0:
            raise too_large(limit)
        take(len(piece))
        pieces.append(piece)
    return b"".join(pieces)


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> RefusedError:
    """Say that a body is too large."""
    return RefusedError(
        Code.BODY_TOO_LARGE,
        Phrase("at most {limit} bytes are taken here").filled(limit=limit),
    )


def body_decoder(
    type_: object, *, most: int | None = None
) -> Callable[[bytes], object]:
    """Make the function that decodes bodies of one type, of *most* parts.

    The function raises `RefusedError`, with a pointer where there is a place. Of
    `bytes` nothing is decoded.
    """
    if type_ is bytes:
        return bytes
    decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(type_)

    def decode(body: bytes) -> object:
        if most is not None and has_more_parts(body, most):
            # Counted first: the decoder makes a list before it says how long it may be.
            raise RefusedError(
                Code.INVALID_BODY,
                Phrase("at most {most} parts are taken here").filled(most=most),
            )
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            detail, pointer = explain(error, type_)
            raise RefusedError(Code.INVALID_BODY, detail, pointer=pointer) from None
        except UnicodeDecodeError:
            raise RefusedError(Code.NOT_UTF8) from None
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise RefusedError(Code.MALFORMED_JSON) from None

    return decode


def packed_decoder(type_: object) -> Callable[[bytes], object]:
    """Make the function that decodes bodies of one type out of MessagePack.

    The function raises `RefusedError`, with a pointer where there is a place.
    """
    decoder: msgspec.msgpack.Decoder[object] = msgspec.msgpack.Decoder(type_)

    def decode(body: bytes) -> object:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            detail, pointer = explain(error, type_)
            raise RefusedError(Code.INVALID_BODY, detail, pointer=pointer) from None
        except UnicodeDecodeError:
            raise RefusedError(Code.NOT_UTF8) from None
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise RefusedError(Code.MALFORMED_PACK) from None

    return decode


def read_query(request: web.Request, type_: type | None) -> object:
    """Decode the query into its closed type; without a type there is no query.

    Raises:
        RefusedError: a parameter is unknown, doubled, missing or does not fit.
    """
    query = request.query
    if type_ is None:
        if query:
            raise RefusedError(Code.INVALID_QUERY, Phrase("no query is taken here"))
        return None
    for name in _names(type_):
        if len(query.getall(name, ())) > 1:
            why = Phrase("a parameter was given twice")
            raise RefusedError(Code.INVALID_QUERY, why, pointer=f"/{name}")
    if len(set(query)) != len(query):
        raise RefusedError(Code.INVALID_QUERY, Phrase("a parameter was given twice"))
    return query_of(dict(query), type_)


def query_of(named: Mapping[str, str], type_: type) -> object:
    """Decode parameters into their closed type.

    Raises:
        RefusedError: one is unknown, missing or does not fit.
    """
    try:
        return msgspec.convert(dict(named), type_, strict=False)
    except msgspec.ValidationError as error:
        detail, pointer = explain(error, type_)
        raise RefusedError(
            Code.INVALID_QUERY, detail, pointer=pointer or None
        ) from None
    except ValueError:
        raise RefusedError(Code.INVALID_QUERY) from None


@cache
def _names(type_: type) -> tuple[str, ...]:
    fields = msgspec.structs.fields(cast("type[msgspec.Struct]", type_))
    return tuple(each.encode_name for each in fields)


def explain(
    error: msgspec.ValidationError, type_: object = None
) -> tuple[str | Phrase, str]:
    """Say what does not fit and where (RFC 6901), quoting nothing that was sent.

    Of a wrong word the known ones are named, which the *type* of the whole tells.
    """
    text, pointer = str(error), ""
    if place := _PLACE.search(text):
        text, pointer = text[: place.start()], _pointer(place[1])
    if missing := _MISSING.match(text):
        return Phrase("a required field is missing"), f"{pointer}/{missing[1]}"
    if own := _OWN.fullmatch(text):
        return own["why"], f"{pointer}/{own['field']}" if own["field"] else pointer
    if text.startswith(_WRONG_WORD) and (known := _words_at(type_, pointer)):
        return Phrase("the value is none of the known words: {known}").filled(
            known=", ".join(known)
        ), pointer
    for start, meaning in _FIXED:
        if text.startswith(start):
            return meaning, pointer
    if text.startswith(_EXPECTED):  # as the decoder says it
        return text, pointer
    return Phrase("the value does not fit"), pointer


def _pointer(path: str) -> str:
    return "".join(
        f"/{field or index}" for field, index in _STEP.findall(path.removeprefix("$"))
    )


def _words_at(type_: object, pointer: str) -> list[str]:
    """Give the words that are known at a place of a type; none if it has no such."""
    if type_ is None:
        return []
    found = [msgspec.inspect.type_info(type_)]
    for step in pointer.split("/")[1:]:
        found = [inner for each in _alternatives(found) for inner in _below(each, step)]
    return [
        str(word.value)
        for each in _alternatives(found)
        if isinstance(each, msgspec.inspect.EnumType)
        for word in each.cls
    ]


def _alternatives(found: list[msgspec.inspect.Type]) -> list[msgspec.inspect.Type]:
    """Take apart what may be several types, and what has a note beside it."""
    whole = list[msgspec.inspect.Type]()
    waiting = [*found]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, msgspec.inspect.Metadata):
            waiting.insert(0, each.type)
        elif isinstance(each, msgspec.inspect.UnionType):
            waiting = [*each.types, *waiting]
        else:
            whole.append(each)
    return whole


def _below(found: msgspec.inspect.Type, step: str) -> list[msgspec.inspect.Type]:
    """Give the type of a field, or of an item of a list."""
    if isinstance(found, msgspec.inspect.StructType):
        return [each.type for each in found.fields if each.encode_name == step]
    if isinstance(found, msgspec.inspect.ListType) and step.isdigit():
        return [found.item_type]
    return []
