# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent: a status, a code, nothing quoted, nothing done, and alive after."""

import asyncio
import io
import json

import msgspec
import pytest
from aiohttp import ClientSession
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.node.api.conftest import SERVICE_TOKEN, STAFF_TOKEN, Api

from fedsafe_node.acts.bodies import NewSignalRequest
from fedsafe_node.acts.cases import AssessCase
from fedsafe_node.acts.lookup import (
    BatchRequest,
    LookupRequest,
)
from fedsafe_node.api import body as body_module
from fedsafe_node.api.body import MOST_PARTS, body_decoder
from fedsafe_node.api.codes import Code
from fedsafe_node.api.problems import RefusedError

SECRET = "anna.geheim@example.de"
QUESTION = b'{"kind":"email","value":"%s"}' % SECRET.encode()
GOOD = b'{"questions":[%s]}' % QUESTION
MIB = 1_024 * 1_024
COLUMN = {"kind": "md5", "digests": bytes(16)}


def asking(more: bytes) -> bytes:
    return b'{"questions":[%s],%s}' % (QUESTION, more)


BODIES = [
    ("empty", b"", 400, "malformed_json", None),
    ("truncated", GOOD[:-3], 400, "malformed_json", None),
    ("two documents", GOOD + GOOD, 400, "malformed_json", None),
    ("words", SECRET.encode(), 400, "malformed_json", None),
    ("byte order mark", b"\xef\xbb\xbf" + GOOD, 400, "malformed_json", None),
    ("UTF-16", GOOD.decode().encode("utf-16"), 400, "malformed_json", None),
    ("NUL byte", GOOD.replace(b"anna", b"an\x00a"), 400, "malformed_json", None),
    ("broken UTF-8", GOOD.replace(b"anna", b"ann\xff"), 400, "not_utf8", None),
    ("cut UTF-8", GOOD.replace(b"anna", b"ann\xc3"), 400, "not_utf8", None),
    ("UTF-8 surrogate", GOOD.replace(b"anna", b"\xed\xa0\x80"), 400, "not_utf8", None),
    ("overlong UTF-8", GOOD.replace(b"anna", b"\xc0\xaf"), 400, "not_utf8", None),
    (
        "half a pair",
        GOOD.replace(b"anna", b"\\ud800"),
        400,
        "malformed_json",
        None,
    ),
    ("NaN", asking(b'"deadline_ms":NaN'), 400, "malformed_json", None),
    ("null", b"null", 422, "invalid_body", ""),
    ("array", b"[]", 422, "invalid_body", ""),
    ("text", b'"%s"' % SECRET.encode(), 422, "invalid_body", ""),
    ("number", b"1", 422, "invalid_body", ""),
    ("missing", b"{}", 422, "invalid_body", "/questions"),
    (
        "missing within",
        b'{"questions":[{"kind":"email"}]}',
        422,
        "invalid_body",
        "/questions/0/value",
    ),
    ("none", b'{"questions":[]}', 422, "invalid_body", "/questions"),
    (
        "seventeen",
        b'{"questions":[%s]}' % b",".join([QUESTION] * 17),
        422,
        "invalid_body",
        "/questions",
    ),
    (
        "unknown field",
        asking(b'"%s":1' % SECRET.encode()),
        422,
        "invalid_body",
        "",
    ),
    (
        "unknown kind",
        GOOD.replace(b'"email"', b'"%s"' % SECRET.encode()),
        422,
        "invalid_body",
        "/questions/0/kind",
    ),
    (
        "wrong kind",
        GOOD.replace(b'"%s"' % SECRET.encode(), b"42"),
        422,
        "invalid_body",
        "/questions/0/value",
    ),
    ("fraction", asking(b'"deadline_ms":10.5'), 422, "invalid_body", "/deadline_ms"),
    ("exponent", asking(b'"deadline_ms":1e2'), 422, "invalid_body", "/deadline_ms"),
    ("infinite", asking(b'"deadline_ms":1e999'), 422, "invalid_body", "/deadline_ms"),
    (
        "400 digits",
        asking(b'"deadline_ms":1' + b"0" * 400),
        422,
        "invalid_body",
        "/deadline_ms",
    ),
    (
        "5,000 digits",
        asking(b'"deadline_ms":' + b"9" * 5_000),
        422,
        "invalid_body",
        "/deadline_ms",
    ),
    ("negative", asking(b'"deadline_ms":-1'), 422, "invalid_body", "/deadline_ms"),
    ("truth", asking(b'"deadline_ms":true'), 422, "invalid_body", "/deadline_ms"),
    (
        "newline at the end",
        asking(b'"subject_ref":"a\\n"'),
        422,
        "invalid_body",
        "/subject_ref",
    ),
    (
        "address as reference",
        asking(b'"subject_ref":"%s"' % SECRET.encode()),
        422,
        "invalid_body",
        "/subject_ref",
    ),
    (
        "deep arrays",
        b'{"questions":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        422,
        "invalid_body",
        "/questions/0",
    ),
    ("deep objects", b'{"questions":[' + b'{"a":' * 50_000, 422, "invalid_body", None),
    ("deep and open", b"[" * 200_000, 422, "invalid_body", ""),
    (
        "ten megabytes",
        GOOD.replace(b"anna", b"a" * 10 * MIB),
        413,
        "body_too_large",
        None,
    ),
]


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [case[1:] for case in BODIES],
    ids=[case[0] for case in BODIES],
)
async def test_a_bad_body_has_its_own_answer(
    api: Api, body: bytes, status: int, code: str, pointer: str | None
) -> None:
    headers = {"Content-Type": "application/json"}
    response = await api.http.post("/v1/lookup", data=io.BytesIO(body), headers=headers)
    problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["code"]) == (status, code)
    assert problem["status"] == status
    assert problem["type"] == f"urn:fedsafe:problem:{code}"
    if pointer is not None:
        assert problem["pointer"] == pointer
    assert api.memory.calls == []
    assert "geheim" not in json.dumps(problem) + api.log.getvalue()
    assert (await api.http.get("/v1/health")).status == 200


async def test_what_a_stranger_sends_is_counted_before_it_is_made(api: Api) -> None:
    body = b"[" + b",".join([b"{}"] * (MOST_PARTS + 2)) + b"]"
    headers = {"Content-Type": "application/json"}
    response = await api.http.post("/v1/founding", data=body, headers=headers)
    problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["code"]) == (422, "invalid_body")
    assert problem["detail"] == f"at most {MOST_PARTS} parts are taken here"


HEADERS: list[tuple[str, dict[str, str], int, str]] = [
    ("no type", {"Content-Type": ""}, 415, "unsupported_media_type"),
    ("form", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    (
        "another charset",
        {"Content-Type": "application/json; charset=latin-1"},
        415,
        "unsupported_media_type",
    ),
    ("ndjson", {"Content-Type": "application/x-ndjson"}, 415, "unsupported_media_type"),
    ("packed", {"Content-Encoding": "gzip"}, 415, "unsupported_encoding"),
    ("unknown packing", {"Content-Encoding": "x"}, 415, "unsupported_encoding"),
    ("expectation", {"Expect": "miracle"}, 417, "expectation_failed"),
    ("basic", {"Authorization": "Basic YTpi"}, 401, "unauthenticated"),
    ("no scheme", {"Authorization": SERVICE_TOKEN}, 401, "unauthenticated"),
    ("short", {"Authorization": "Bearer fs1_x"}, 401, "unauthenticated"),
    (
        "newline",
        {"Authorization": f"Bearer {SERVICE_TOKEN}\t\t"},
        200,
        "",
    ),
    ("unknown", {"Authorization": "Bearer fs1_" + "y" * 43}, 401, "unauthenticated"),
]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [case[1:] for case in HEADERS],
    ids=[case[0] for case in HEADERS],
)
async def test_a_bad_header_has_its_own_answer(
    api: Api, headers: dict[str, str], status: int, code: str
) -> None:
    response = await api.http.post(
        "/v1/lookup", data=GOOD, headers={"Content-Type": "application/json"} | headers
    )

    assert response.status == status
    assert (await response.json(content_type=None)).get("code", "") == code


@pytest.mark.parametrize(
    "type_", ["application/json; charset=utf-8", "Application/JSON"]
)
async def test_utf8_may_be_said(api: Api, type_: str) -> None:
    headers = {"Content-Type": type_}
    response = await api.http.post("/v1/lookup", data=GOOD, headers=headers)

    assert response.status == 200


PLACES = [
    ("GET", "/", 404, "not_found"),
    ("GET", "/v1", 404, "not_found"),
    ("GET", "/v1/lookup/", 404, "not_found"),
    ("GET", "//v1/health", 404, "not_found"),
    ("GET", "/v2/health", 404, "not_found"),
    ("GET", "/v1/health/%2e%2e/status", 404, "not_found"),
    ("GET", "/v1/%00", 404, "not_found"),
    ("GET", "/v1/signals/nothing", 404, "not_found"),
    ("GET", "/v1/signals/%C3%28", 404, "not_found"),
    ("GET", "/v1/signals/00000000-0000-7000-8000-00000000000G", 404, "not_found"),
    ("GET", "/v1/signals/00000000-0000-7000-8000-000000000000%0A", 404, "not_found"),
    ("GET", "/v1/lookup", 405, "method_not_allowed"),
    ("DELETE", "/v1/signals", 405, "method_not_allowed"),
    ("HEAD", "/v1/lookup", 405, None),
    ("OPTIONS", "/v1/lookup", 405, "method_not_allowed"),
    ("TRACE", "/v1/lookup", 405, "method_not_allowed"),
    ("OPTIONS", "*", 404, "not_found"),
    ("CONNECT", "planted.example:443", 404, "not_found"),
    ("BREW", "/v1/lookup", 400, "malformed_request"),
    ("GET", "/v1/status?a=1", 422, "invalid_query"),
    ("GET", "/v1/signals?state=everything", 422, "invalid_query"),
    ("GET", "/v1/audit/events?since=-1", 422, "invalid_query"),
    ("GET", "/v1/audit/events?since=1e999", 422, "invalid_query"),
    ("GET", "/v1/audit/events?since=" + "9" * 400, 422, "invalid_query"),
    ("GET", "/v1/audit/events?since=" + "9" * 6_000, 422, "invalid_query"),
    ("GET", "/v1/audit/events?limit=1001", 422, "invalid_query"),
    ("GET", "/v1/audit/events?limit=", 422, "invalid_query"),
    ("GET", "/v1/audit/events?limit=%FF", 422, "invalid_query"),
    ("GET", "/v1/audit/events?limit=5&limit=6", 422, "invalid_query"),
    ("GET", "/v1/audit/events?who=anna", 422, "invalid_query"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), PLACES)
async def test_a_bad_place_has_its_own_answer(
    api: Api, method: str, path: str, status: int, code: str | None
) -> None:
    answer = await api.raw(
        f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: Bearer {STAFF_TOKEN}\r\n\r\n".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")

    assert head[:8] in {b"HTTP/1.0", b"HTTP/1.1"}
    assert head[8:].startswith(b" %d " % status)
    assert code is None or json.loads(body)["code"] == code
    assert status != 405 or b"\r\nAllow: POST" in head or b"Allow: GET, POST" in head
    assert api.memory.calls == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("since=-1", "/since"),
        ("limit=1001", "/limit"),
        ("limit=5&limit=6", "/limit"),
        ("who=anna", None),
        ("who=anna&who=anna", None),
    ],
)
async def test_a_bad_query_names_its_parameter_and_no_other_word(
    api: Api, query: str, pointer: str | None
) -> None:
    answer = await api.raw(
        f"GET /v1/audit/events?{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        f"Authorization: Bearer {STAFF_TOKEN}\r\n\r\n".encode()
    )
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])

    assert problem["code"] == "invalid_query"
    assert problem.get("pointer") == pointer
    assert b"anna" not in answer


POST = (
    b"POST /v1/lookup HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\n"
    b"Authorization: Bearer " + SERVICE_TOKEN.encode() + b"\r\n"
)
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = b"Content-Length: %d\r\n" % len(GOOD)
WIRES = [
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "malformed_request"),
    ("no such version", b"GET /v1/health HTTP/9.9\r\n\r\n", 400, "malformed_request"),
    (
        "bad header",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        400,
        "malformed_request",
    ),
    (
        "NUL in header",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        400,
        "malformed_request",
    ),
    (
        "long line",
        b"GET /v1/" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        431,
        "headers_too_large",
    ),
    (
        "long header",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        431,
        "headers_too_large",
    ),
    (
        "many headers",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 1_000 + b"\r\n",
        400,
        "malformed_request",
    ),
    (
        "two lengths",
        POST + WHOLE + b"Content-Length: 3\r\n\r\n" + GOOD,
        400,
        "malformed_request",
    ),
    (
        "length of letters",
        POST + b"Content-Length: ten\r\n\r\n" + GOOD,
        400,
        "malformed_request",
    ),
    (
        "negative length",
        POST + b"Content-Length: -5\r\n\r\n" + GOOD,
        400,
        "malformed_request",
    ),
    (
        "length and chunks",
        POST + WHOLE + b"Transfer-Encoding: chunked\r\n\r\n" + GOOD,
        400,
        "malformed_request",
    ),
    ("bad chunk size", CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", 400, "malformed_request"),
    ("chunk too long", CHUNKED + b"2\r\n{}}}\r\n0\r\n\r\n", 400, "malformed_request"),
    (
        "huge chunk size",
        CHUNKED + b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n",
        400,
        "malformed_request",
    ),
    (
        "too much in chunks",
        CHUNKED + (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 12 + b"0\r\n\r\n",
        413,
        "body_too_large",
    ),
    (
        "two credentials",
        POST + WHOLE + b"Authorization: Bearer x\r\n\r\n" + GOOD,
        400,
        "duplicate_header",
    ),
    (
        "two types",
        POST + WHOLE + b"Content-Type: text/plain\r\n\r\n" + GOOD,
        400,
        "malformed_request",
    ),
    (
        "two keys",
        POST + WHOLE + b"Idempotency-Key: a\r\nidempotency-key: b\r\n\r\n" + GOOD,
        400,
        "duplicate_header",
    ),
    (
        "body without use",
        POST.replace(b"POST /v1/lookup", b"GET /v1/signals")
        + b"Content-Length: 2\r\n\r\n{}",
        400,
        "unexpected_body",
    ),
    (
        "unknown transfer",
        POST + b"Transfer-Encoding: gzip\r\n\r\n" + GOOD,
        400,
        "malformed_request",
    ),
    ("good in chunks", CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD), 200, ""),
    (
        "good after a pause",
        POST + WHOLE + b"Expect: 100-continue\r\n\r\n" + GOOD,
        100,
        "",
    ),
]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [case[1:] for case in WIRES],
    ids=[case[0] for case in WIRES],
)
async def test_bad_bytes_have_their_own_answer(
    api: Api, data: bytes, status: int, code: str
) -> None:
    answer = await api.raw(data)
    head, _, body = answer.partition(b"\r\n\r\n")

    assert head[:8] in {b"HTTP/1.0", b"HTTP/1.1"}
    assert head[8:].startswith(b" %d " % status)
    assert not code or json.loads(body)["code"] == code
    assert b"Server:" not in answer
    assert "geheim" not in answer.decode() + api.log.getvalue()
    assert (await api.http.get("/v1/health")).status == 200


async def test_a_slow_body_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body_module, "BODY_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
    writer.write(POST + WHOLE + b"\r\n" + GOOD[:5])
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert head.startswith(b"HTTP/1.1 408 ")
    assert api.memory.calls == []


async def test_a_client_that_leaves_disturbs_nobody(api: Api) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", api.server.port)
    writer.write(POST + WHOLE + b"\r\n" + GOOD[:5])
    await writer.drain()
    writer.transport.abort()

    assert (await api.http.get("/v1/health")).status == 200
    assert "error" not in api.log.getvalue()


async def test_a_service_that_fails_tells_nothing(api: Api) -> None:
    api.memory.failure = KeyError(SECRET)
    response = await send(api.http)

    assert response == (500, "internal", "The node failed")
    assert "geheim" not in api.log.getvalue()
    line = json.loads(api.log.getvalue().splitlines()[-2])
    assert (line["level"], line["error"]) == ("error", "KeyError")
    assert line["frames"]


async def send(http: ClientSession) -> tuple[int, str, str]:
    headers = {"Content-Type": "application/json"}
    response = await http.post("/v1/lookup", data=GOOD, headers=headers)
    problem = await response.json(content_type=None)
    return response.status, problem["code"], problem["detail"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    junk=st.binary(max_size=200), start=st.sampled_from([b"", b"{", GOOD[:14], GOOD])
)
@pytest.mark.parametrize("type_", [LookupRequest, BatchRequest, NewSignalRequest])
def test_junk_is_only_ever_refused(type_: type, junk: bytes, start: bytes) -> None:
    refused = refusal(type_, start + junk)

    assert refused in {None, Code.MALFORMED_JSON, Code.NOT_UTF8, Code.INVALID_BODY}


def refusal(type_: type, body: bytes) -> Code | None:
    try:
        body_decoder(type_)(body)
    except RefusedError as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("known", "pointer", "why"),
    [
        (
            b'{"measures":[{"step":"L1","taken_at":"2026-11-24T09:30:00+01:00"}]}',
            "/elements/measures/0/taken_at",
            "want a moment in UTC, written with Z",
        ),
        (
            b'{"locators":[{}]}',
            "/elements/locators/0",
            "want url or content_id",
        ),
    ],
)
def test_what_the_fields_of_a_case_say_themselves_is_told(
    known: bytes, pointer: str, why: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        body_decoder(AssessCase)(b'{"elements":%s}' % known)

    assert (caught.value.detail, caught.value.pointer) == (why, pointer)


@pytest.mark.parametrize(
    ("wrong", "pointer", "known"),
    [
        ({"columns": [COLUMN, COLUMN | {"kind": SECRET}]}, "/columns/1/kind", "sha1"),
        ({"columns": [COLUMN], "surface": SECRET}, "/surface", "public_content"),
        ({"columns": [COLUMN], "purpose": SECRET}, "/purpose", "media_matching"),
    ],
)
async def test_a_wrong_word_of_a_match_names_the_known_ones(
    api: Api, wrong: dict[str, object], pointer: str, known: str
) -> None:
    answers = [
        await api.http.post(
            "/v1/match", data=pack(wrong), headers={"Content-Type": type_}
        )
        for type_, pack in (
            ("application/json", msgspec.json.encode),
            ("application/vnd.msgpack", msgspec.msgpack.encode),
        )
    ]
    for answer in answers:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["pointer"]) == (422, pointer)
        head, words = problem["detail"].split(": ")
        assert head == "the value is none of the known words"
        assert known in words.split(", ")
        assert SECRET not in problem["detail"]


async def test_a_wrong_word_of_a_query_names_the_known_ones(api: Api) -> None:
    answer = await api.raw(
        b"GET /v1/signals?state=lost HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        b"Authorization: Bearer " + STAFF_TOKEN.encode() + b"\r\n\r\n"
    )
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])

    assert (problem["code"], problem["pointer"]) == ("invalid_query", "/state")
    assert "known words: living, " in problem["detail"]
