# SPDX-License-Identifier: Apache-2.0
"""Answers as they leave the node: never cached, never sniffed, no software named."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.hdrs import CONTENT_LENGTH, DATE
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from fedsafe_node.acts.bodies import Problem
from fedsafe_node.api.problems import MEDIA_TYPE, body_of, headers_of
from fedsafe_node.ground.trace import Limit

_ALWAYS: Final = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
_WITH_BODY: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_WITHOUT_BODY: Final = frozenset({204, 304})
_UNFRAMED: Final = "frame-ancestors 'none'"  # the one rule that no page can carry
REQUEST_ID: Final = "X-Request-Id"


class Answer(web.Response):
    """A response without the `Server` header that aiohttp adds.

    Bytes for whoever keeps the line go out as they are: what aiohttp weighs otherwise
    (compression, cookies, pieces, empty bodies, HTTP/1.0) takes longer than to write.
    """

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Begin to answer; with bytes that is all of it."""
        body, status = self._body, self.status
        if (
            self._keep_alive is not None
            or type(body) is not bytes
            or request.version != HttpVersion11
            or not request.keep_alive
            or request.method not in _WITH_BODY
            or status in _WITHOUT_BODY
            or self.prepared
        ):
            return await super().prepare(request)
        headers, writer = self.headers, request.writer
        headers[CONTENT_LENGTH] = str(len(body))
        headers[DATE] = rfc822_formatted_time()
        line = f"HTTP/1.1 {status} {self.reason}"
        await writer.write_headers(line, headers)
        await writer.write_eof(body)
        self._eof_sent = self._keep_alive = True
        return writer

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        del self.headers["Server"]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """What another protocol wants answered, refusals and all."""

    status: int
    body: bytes
    media: str
    retry_after: int | None = None


def answer(
    body: bytes | AsyncIterator[bytes],
    *,
    status: int,
    media: str,
    request_id: str,
    more: Mapping[str, str] | None = None,
) -> Answer:
    """Make an answer of bytes, or of pieces that are sent as they come."""
    headers = CIMultiDict(_ALWAYS)
    headers[REQUEST_ID] = request_id
    if media:
        headers["Content-Type"] = media
    if media.startswith("text/html"):
        headers["Content-Security-Policy"] = _UNFRAMED
    if more:
        headers.update(more)
    return Answer(body=body, status=status, headers=headers)


def limit_headers(limits: Sequence[Limit]) -> dict[str, str]:
    """Say how budgets stand (draft-ietf-httpapi-ratelimit-headers-10)."""
    policies = [f'"{each.name}";q={each.quota};w={each.window}' for each in limits]
    stands = [f'"{each.name}";r={each.left};t={each.seconds}' for each in limits]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(stands)}


def problem_answer(
    problem: Problem, *, request_id: str, more: Mapping[str, str] | None = None
) -> Answer:
    """Make the answer that tells a problem."""
    return answer(
        body_of(problem),
        status=problem.status,
        media=MEDIA_TYPE,
        request_id=request_id,
        more={**headers_of(problem), **(more or {})},
    )
