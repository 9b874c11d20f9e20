# SPDX-License-Identifier: Apache-2.0
"""What a route is: a line of the route table."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from fedsafe_node.api.auth import Auth, Bounds
from fedsafe_node.api.body import JSON
from fedsafe_node.api.call import Call
from fedsafe_node.api.services import Services
from fedsafe_policies.vocabulary import Role

KIB: Final = 1_024
HTML: Final = "text/html; charset=utf-8"
MIB: Final = 1_024 * KIB

Handler = Callable[[Call], Awaitable[object]]
Page = Callable[[Services, str, int], bytes]
"""Shows a refusal: the node's services, the languages asked for, the status."""


@unique
class Lane(StrEnum):
    """Routes that share a bound on how many requests are under way."""

    LOOKUPS = "lookups"
    BATCHES = "batches"
    WRITES = "writes"
    READS = "reads"
    EVALUATIONS = "evaluations"
    PEERS = "peers"
    STRANGERS = "strangers"
    WITNESS = "witness"
    HEALTH = "health"
    METRICS = "metrics"
    LOGINS = "logins"
    SIGN_ONS = "sign_ons"
    PROOFS = "proofs"
    PUBLIC = "public"
    MAILS = "mails"
    EVENTS = "events"
    LOCAL = "local"


OPEN_LANES: Final = frozenset(
    {
        Lane.STRANGERS,
        Lane.WITNESS,
        Lane.HEALTH,
        Lane.LOGINS,
        Lane.SIGN_ONS,
        Lane.PUBLIC,
        Lane.MAILS,
    }
)
"""Lanes of routes that anybody may ask, and no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    `roles` are those whose credential is taken: on a route for credentials,
    nobody's unless it says so. `answer` is a type, or None for an answer of `media`
    that is no message. A `body` of `bytes` is taken as it is, with the content type
    that `takes` names, or any if that is empty. `refusals` are statuses that only
    the service can bring. A service's credential that is bound to a scope is taken
    where `scope` is the same. Where `fresh` is true, a session must have proved its
    second factor within minutes. A credential without an account is taken where
    `bare` says so, else for reading. `page` shows what the border refuses where
    readers expect a page. With `handshake` both sides say which charter they hold.
    `bulk` is the media type of a large answer to whoever asks for that. What is
    `packed` takes its body as MessagePack too, and answers as it was asked. A `probe`
    is what monitors ask: no crowd at other routes makes it wait.
    """

    name: str
    method: str
    path: str
    handler: Handler
    auth: Auth
    lane: Lane
    summary: str
    roles: frozenset[Role] = frozenset()
    scope: str | None = None
    fresh: bool = False
    bare: bool | None = None
    status: int = 200
    body: object = None
    takes: str = JSON
    limit: int = 0
    query: type | None = None
    path_types: Mapping[str, object] = field(default_factory=dict)
    answer: object = None
    media: str = JSON
    bulk: str = ""
    packed: bool = False
    idempotent: bool = False
    max_age: int = 0
    refusals: frozenset[int] = frozenset()
    page: Page | None = None
    handshake: bool = False
    probe: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether its path has no parameters."""
        return "{" not in self.path

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask: it shares no place with what members ask."""
        return self.lane in OPEN_LANES

    @property
    def bounds(self) -> Bounds:
        """What it takes of credentials and sessions."""
        bare = self.method == "GET" if self.bare is None else self.bare
        return Bounds(self.scope, self.fresh, bare)

    @property
    def statuses(self) -> frozenset[int]:
        """All statuses that this route answers with."""
        found = {self.status, 400, 417, 500, 503} | self.refusals
        if self.auth in {Auth.HOUSE, Auth.CREDENTIAL}:
            found |= {401, 403}
        if self.auth in {Auth.PEER, Auth.STATEMENT}:
            found |= {403, 409}
        if self.body is not None:
            found |= {408, 413, 415, 422}
        if self.path_types:
            found.add(404)
        if self.handshake:
            found.add(426)
        if self.idempotent:
            found.add(409)
        return frozenset(found | {422})
