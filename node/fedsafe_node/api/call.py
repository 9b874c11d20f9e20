# SPDX-License-Identifier: Apache-2.0
"""A request as a handler sees it: decoded, checked, and with its asker known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fedsafe_node.api.services import Services
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import Metrics
from fedsafe_node.rules.idempotency import Once

T = TypeVar("T")


@dataclass(slots=True)
class Call:
    """Everything that a handler may use.

    `document` writes the OpenAPI document. `who` is there on routes for credentials,
    `peer` on routes for members; `local` tells, on routes for statements, whether
    they came over the node's Unix socket. `source` is the address that an open route
    is called from, empty for this machine's own user; `languages` are those that its
    caller reads (Accept-Language). `accepts` are the forms that a member takes.
    """

    services: Services
    metrics: Metrics
    document: Callable[[], bytes]
    path: Mapping[str, str]
    request: object = None
    query: object = None
    who: Principal | None = None
    peer: str | None = None
    local: bool = False
    source: str = ""
    languages: str = ""
    accepts: str = ""
    once: Once | None = None

    @property
    def principal(self) -> Principal:
        """Who asks, on a route that wants a credential."""
        return _present(self.who)

    @property
    def member(self) -> str:
        """The member that asks, on a route for members."""
        return _present(self.peer)

    def body(self, type_: type[T]) -> T:
        """The decoded body, on a route whose body is of this type."""
        return _typed(self.request, type_)

    def parameters(self, type_: type[T]) -> T:
        """The decoded query, on a route whose query is of this type."""
        return _typed(self.query, type_)


def _present(value: T | None) -> T:
    if value is None:
        raise TypeError("the route table names another kind of asker")
    return value


def _typed(value: object, type_: type[T]) -> T:
    if not isinstance(value, type_):
        raise TypeError("the route table names another type")
    return value
