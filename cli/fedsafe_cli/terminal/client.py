# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over the node's Unix socket, with the standard library alone.

A lookup at sign-up starts a process and asks one question; `http.client` would
cost as much again as everything else here. One request a connection, a total
deadline for each, bounded sizes, `Content-Length` or chunked answers. What changes
something is repeated under one Idempotency-Key when its connection breaks.
"""

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from fedsafe_cli.terminal.errors import (
    BrokenAnswerError,
    BrokenOffError,
    NodeUnreachableError,
    NotRunningError,
    RefusedError,
)
from fedsafe_cli.terminal.refusals import read_refusal
from fedsafe_policies.ground.catalogue import Phrase, joined
from fedsafe_policies.ground.system_reasons import reason_of

TIMEOUT: Final = 30.0
MOST_BYTES: Final = 256 * 1024 * 1024
_MOST_HEAD: Final = 64 * 1024
_PART: Final = 64 * 1024
_OK: Final = range(200, 300)
_KEY_BYTES: Final = 16
_PAUSES: Final = (0.1, 0.5)  # before each repetition: a node may be restarting
_SHORTEST: Final = 1.0  # what a repetition has, however little time is left
_REFUSED: Final = 400
_SERVER: Final = 500
_FOR_PERSONS: Final = frozenset({"role", "forbidden", "unauthenticated"})
_LOGINS: Final = frozenset(
    {
        "/v1/session",
        "/v1/session/oidc",
        "/v1/session/oidc/code",
        "/v1/session/step-up",
        "/v1/account/setup",
    }
)
"""Where a credential would not help: who is refused there is logging in."""
_UNPROVED: Final = "unauthenticated"
_WHO: Final = Phrase(
    "name your credential's file with --credential FILE, or log in with "
    "`fedsafe login NAME`"
)
_NEXT_CODE: Final = Phrase(
    "a one-time code is good once: wait for the next one, then try anew"
)
_SET_UP: Final = "/v1/account/setup"
_NEW_SET_UP: Final = Phrase(
    "a set-up code is good once: who is set up logs in (`fedsafe login NAME`); else an "
    "operator makes a new code (`fedsafe account reset NAME`)"
)
_ANEW: Final = Phrase("the session or credential has ended: `fedsafe login NAME`")
_OTHER_ROLE: Final = Phrase(
    "who has several roles takes the one that may: `fedsafe login NAME --role ROLE`"
)
Json = Any
"""A decoded body. It is looked into where it arrives and not passed on."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Calls one node. The credential never shows in a repr."""

    path: str
    token: str | None
    directory: str

    def __repr__(self) -> str:
        """Show which node, never the credential."""
        return f"Client({self.path!r})"

    def holding(self, token: str | None) -> "Client":
        """Return a client of the same node with another credential, or none."""
        return replace(self, token=token)

    @property
    def place(self) -> str:
        """Where the node is, in one spelling: what tells it from all others."""
        return os.path.realpath(self.directory)

    @property
    def host(self) -> str:
        """What the Host header says."""
        return "localhost"

    def get(self, target: str, *, timeout: float = TIMEOUT) -> Json:
        """Get a document.

        Raises:
            NodeUnreachableError: no node answers in time.
            RefusedError: it answers with a problem.
            BrokenAnswerError: it answers something else than JSON.
        """
        return self._ask("GET", target, None, timeout)

    def post(self, target: str, document: object, *, timeout: float = TIMEOUT) -> Json:
        """Post a document, or nothing, and return the answer's; errors as for `get`."""
        return self._ask("POST", target, _encode(document), timeout)

    def change(
        self,
        target: str,
        document: object,
        *,
        timeout: float = TIMEOUT,
        key: str | None = None,
        keyed: bool = True,
    ) -> Json:
        """Post what changes something, so that it happens once.

        With a *key* of its own it is known again by a later call as well. If the
        connection breaks, the request is repeated under the same Idempotency-Key; if
        that tells nothing either, the break is the error. A route that takes no such
        key, since it happens once by itself, is not *keyed*. Errors as for `get`.
        """
        body = _encode(document)
        key = (key or os.urandom(_KEY_BYTES).hex()) if keyed else None
        end = time.monotonic() + timeout
        try:
            return self._ask("POST", target, body, timeout, key)
        except BrokenOffError as error:
            broken = error
        for pause in _PAUSES:
            time.sleep(pause)
            left = max(end - time.monotonic(), _SHORTEST)
            try:
                return self._ask("POST", target, body, left, key)
            except NodeUnreachableError:
                continue
            except RefusedError as error:
                # These say nothing of what became of the first request.
                if error.code != "in_flight" and error.http_status < _SERVER:
                    raise
        raise broken

    def download(
        self, target: str, sink: Callable[[bytes], None], *, timeout: float
    ) -> None:
        """Get bytes of any number, handed to `sink` as they come; errors as for `get`.

        Nothing reaches `sink` of an answer that is a problem.
        """
        reply = self.request("GET", target, None, timeout=timeout, sink=sink)
        if reply.status not in _OK:
            raise self._refused(target, reply, _decode(reply))

    def _ask(
        self,
        method: str,
        target: str,
        body: bytes | None,
        timeout: float,
        key: str | None = None,
    ) -> Json:
        reply = self.request(method, target, body, timeout=timeout, key=key)
        document = _decode(reply)
        if reply.status in _OK:
            return document
        raise self._refused(target, reply, document)

    def _refused(self, target: str, reply: Reply, document: Json) -> RefusedError:
        if reply.status < _REFUSED:
            raise BrokenAnswerError(
                Phrase("what answers has status {status}").filled(status=reply.status)
            )
        refusal = read_refusal(reply.status, document)
        if target in _LOGINS:
            if refusal.code == _UNPROVED:
                refusal.hint = _NEW_SET_UP if target == _SET_UP else _NEXT_CODE
        elif self.token is None and refusal.code in _FOR_PERSONS:
            refusal.hint = _WHO
        elif refusal.code == _UNPROVED:
            refusal.hint = _ANEW
        elif refusal.code in _FOR_PERSONS:
            hints = [] if refusal.hint is None else [refusal.hint]
            refusal.hint = joined("; ", [*hints, _OTHER_ROLE])
        return refusal

    def reach(self) -> None:
        """See that somebody listens, before a person types what they would lose.

        Raises:
            NodeUnreachableError: nobody does.
        """
        try:
            self._connect(TIMEOUT).close()
        except OSError as error:
            raise self._unreachable(error, TIMEOUT) from None

    def request(  # noqa: PLR0913 - what makes a request
        self,
        method: str,
        target: str,
        body: bytes | None,
        *,
        timeout: float = TIMEOUT,
        key: str | None = None,
        sink: Callable[[bytes], None] | None = None,
    ) -> Reply:
        """Send one request and read its answer, whatever its status.

        The body of a good answer goes to `sink`, if there is one.

        Raises:
            NodeUnreachableError: no node answers wholly and in time; its subclass
                BrokenOffError: the connection broke after the request was sent.
            BrokenAnswerError: the answer is no HTTP.
        """
        head = [
            f"{method} {target} HTTP/1.1",
            f"Host: {self.host}",
            "Connection: close",
            "Accept: application/json",
        ]
        if self.token is not None:
            head.append(f"Authorization: Bearer {self.token}")
        if key is not None:
            head.append(f"Idempotency-Key: {key}")
        if body is not None:
            if body:
                head.append("Content-Type: application/json")
            head.append(f"Content-Length: {len(body)}")
        request = "\r\n".join([*head, "", ""]).encode("ascii") + (body or b"")
        end = time.monotonic() + timeout
        sent = False
        try:
            with self._connect(timeout) as line:
                sent = True
                # A node may refuse a body before it has read it all.
                with suppress(BrokenPipeError, ConnectionResetError):
                    line.sendall(request)
                return _Reader(line, end).reply(sink)
        except OSError as error:
            known = self._unreachable(error, timeout)
            if sent and not isinstance(error, TimeoutError):
                raise BrokenOffError(str(known), known.hint) from None
            raise known from None

    def _connect(self, timeout: float) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(timeout)
            line.connect(self.path)
        except BaseException:
            line.close()
            raise
        return line

    def _unreachable(self, error: OSError, timeout: float) -> NodeUnreachableError:
        start = Phrase("start it with `fedsafe node run --config {directory}`").filled(
            directory=self.directory
        )
        if isinstance(error, TimeoutError):
            return NodeUnreachableError(
                Phrase("the node at {file} did not answer within {timeout} s").filled(
                    file=self.path, timeout=f"{timeout:g}"
                ),
                Phrase("see `fedsafe doctor` and the node's log"),
            )
        if isinstance(error, FileNotFoundError | ConnectionRefusedError):
            return NotRunningError(
                Phrase("no node is running at {file}").filled(file=self.path), start
            )
        if isinstance(error, PermissionError):
            return NodeUnreachableError(
                Phrase("the socket {file} belongs to another user").filled(
                    file=self.path
                ),
                Phrase(
                    "run this command as the node's user, or ask the node by its "
                    "address: FEDSAFE_URL=https://... with --credential FILE or "
                    "`fedsafe login`"
                ),
            )
        why = reason_of(error, Phrase(str(error)))
        return NodeUnreachableError(
            Phrase("the node at {file}: {why}").filled(file=self.path, why=why), start
        )


class _Reader:
    """Reads one answer off a connection."""

    def __init__(self, line: socket.socket, end: float) -> None:
        self._line = line
        self._end = end
        self._held = bytearray()

    def reply(self, sink: Callable[[bytes], None] | None = None) -> Reply:
        status, headers = self._head()
        if sink is not None and status in _OK:
            self._pour(headers, sink)
            return Reply(status, headers.get("content-type", ""), b"")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        elif "content-length" in headers:
            body = self._exactly(_length(headers["content-length"], 10))
        else:
            raise BrokenAnswerError(Phrase("the node's answer has no length"))
        return Reply(status, headers.get("content-type", ""), body)

    def _head(self) -> tuple[int, dict[str, str]]:
        lines = self._until(b"\r\n\r\n", _MOST_HEAD).decode("latin-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        code = rest.partition(" ")[0]
        if not version.startswith("HTTP/1.") or not _digits(code):
            raise BrokenAnswerError(
                Phrase("what answers at the node's socket is no HTTP")
            )
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return int(code), headers

    def _pour(self, headers: dict[str, str], sink: Callable[[bytes], None]) -> None:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            raise BrokenAnswerError(Phrase("the node's answer does not come in pieces"))
        while size := self._chunk_size():
            sink(self._exactly(size + 2)[:-2])

    def _chunk_size(self) -> int:
        line = self._until(b"\r\n", 1024).partition(b";")[0]
        return _length(line.decode("latin-1"), 16)

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > MOST_BYTES:
                raise BrokenAnswerError(Phrase("the node's answer is too large"))
            body += self._exactly(size + 2)[:-2]
        return bytes(body)

    def _until(self, mark: bytes, most: int) -> bytes:
        while (found := self._held.find(mark)) < 0:
            if len(self._held) > most:
                raise BrokenAnswerError(Phrase("the node's answer is malformed"))
            self._more()
        part = bytes(self._held[:found])
        del self._held[: found + len(mark)]
        return part

    def _exactly(self, size: int) -> bytes:
        while len(self._held) < size:
            self._more()
        part = bytes(self._held[:size])
        del self._held[:size]
        return part

    def _more(self) -> None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(left)
        part = self._line.recv(_PART)
        if not part:
            raise BrokenOffError(
                Phrase("the node's answer breaks off"),
                Phrase("see the node's log; was it stopped?"),
            )
        self._held += part


def _length(text: str, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError:
        size = -1
    if not 0 <= size <= MOST_BYTES:
        raise BrokenAnswerError(Phrase("the node's answer is malformed or too large"))
    return size


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _encode(document: object) -> bytes:
    if document is None:
        return b""
    return json.dumps(document, separators=(",", ":")).encode()


def _decode(reply: Reply) -> Json:
    try:
        return json.loads(reply.body) if reply.body else None
    except (ValueError, RecursionError):
        if reply.status in _OK:
            raise BrokenAnswerError(Phrase("the node's answer is no JSON")) from None
        return None
