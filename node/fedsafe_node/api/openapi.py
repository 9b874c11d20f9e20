# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI 3.1 document of API version 1, written from route table and types.

`python -m fedsafe_node.api.openapi` prints it; `docs/reference/openapi.json` is the
committed copy, which a test holds to be current.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from inspect import cleandoc
from typing import Any, Final

import msgspec

from fedsafe_federation.wire.wireformat import name_of
from fedsafe_node.acts.bodies import Problem
from fedsafe_node.api.auth import Auth, describe
from fedsafe_node.api.body import PACKED
from fedsafe_node.api.codes import CODES, Code
from fedsafe_node.api.problems import MEDIA_TYPE
from fedsafe_node.api.route import HTML, Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.rules.idempotency import KEY

VERSION: Final = version("fedsafe")
_REF: Final = "#/components/schemas/{name}"
_REFERS: Final = "of-type:"
_Schemas = dict[str, dict[str, Any]]
_SECURITY: Final[dict[Auth, list[dict[str, list[str]]]]] = {
    Auth.OPEN: [],
    Auth.HOUSE: [{"credential": []}],
    Auth.CREDENTIAL: [{"credential": []}],
    Auth.PEER: [{"memberSignature": []}],
    Auth.STATEMENT: [],
}
_WORDS: Final[dict[Auth, str]] = {
    Auth.OPEN: "Anybody may ask.",
    Auth.PEER: "A member's RFC 9421 signature on the request.",
    Auth.STATEMENT: "The body holds statements that members have signed.",
}
_SCHEMES: Final = {
    "credential": {
        "type": "http",
        "scheme": "bearer",
        "description": "`fs1_` and 43 letters; the Unix socket needs none.",
    },
    "memberSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421, Ed25519, tag `fedsafe-v1`, with "
        "`Signature-Input`, `Fedsafe-Destination` and `Content-Digest`.",
    },
}
_BUSY: Final = CODES[Code.BUSY][0]
_HEADERS: Final = {
    "X-Request-Id": {
        "description": "Names the request in the node's log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]+-[0-9a-f]+$"},
    },
}
# As RFC 9110 calls them, and Python since 3.13.
_PHRASES: Final = {413: "Content Too Large", 422: "Unprocessable Content"}
_RETRY: Final = {
    "Retry-After": {
        "description": "Seconds after which to ask again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
}


def build() -> dict[str, Any]:
    """Build the document as plain values."""
    taken = [route.body for route in ROUTES if route.body is not None]
    bodies = [body for body in taken if body is not bytes]
    answers = [route.answer for route in ROUTES if route.answer is not None]
    asked = [route.query for route in ROUTES if route.query is not None]
    places = [type_ for route in ROUTES for type_ in route.path_types.values()]
    types = [*bodies, *answers, *asked, *places, Problem]
    schemas, components = _schema_components(types)
    for component in components.values():
        if "description" in component:  # a docstring; Python 3.13 strips its margin
            component["description"] = cleandoc(component["description"])
    named = dict(zip(map(repr, types), schemas, strict=True))
    fields = {query: _fields(query, named, components) for query in set(asked)}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        operation = _operation(route, named, fields[route.query] if route.query else [])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "FedSafe node",
            "version": VERSION,
            "description": "API version 1 of a FedSafe node. "
            "A match is a reason to review, never a verdict.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _schema_components(
    types: Sequence[object],
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Write the schemas of types, each under the name that `name_of` gives it.

    msgspec names two classes of one name after their modules.
    """
    schemas, components = msgspec.json.schema_components(
        types, ref_template=_REFERS + "{name}"
    )
    names: dict[str, str] = {}
    for each in _classes(msgspec.inspect.multi_type_info(types)):
        place = f"{each.__module__}.{each.__qualname__}"
        names[place if place in components else each.__name__] = name_of(each)
    if names.keys() != components.keys() or len({*names.values()}) != len(names):
        twice = [name for name, n in Counter(names.values()).items() if n > 1]
        raise ValueError(f"tell these types apart by `__schema_name__`: {twice}")

    def renamed(value: Any) -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {key: renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        if isinstance(value, str) and value.startswith(_REFERS):
            return _REF.format(name=names[value.removeprefix(_REFERS)])
        return value

    named = {names[name]: renamed(schema) for name, schema in components.items()}
    return [renamed(schema) for schema in schemas], named


def _classes(infos: Iterable[object]) -> set[type]:
    """Find all classes in what msgspec knows of types."""
    found: set[type] = set()
    waiting = list(infos)
    while waiting:
        info = waiting.pop()
        if isinstance(info, tuple):
            waiting += info
        elif isinstance(info, msgspec.inspect.Type | msgspec.inspect.Field):
            class_ = getattr(info, "cls", None)
            if class_ in found:
                continue
            if class_ is not None:
                found.add(class_)
            waiting += [getattr(info, name) for name in info.__struct_fields__]
    return found


@cache
def document() -> bytes:
    """Write the document; the same bytes for the same version."""
    encoded = msgspec.json.encode(build(), order="deterministic")
    return msgspec.json.format(encoded, indent=1) + b"\n"


def _fields(
    query: type, named: _Schemas, components: dict[str, Any]
) -> list[dict[str, Any]]:
    """Take a query's fields out of the components: they are parameters, each alone."""
    name = str(named[repr(query)]["$ref"]).rpartition("/")[2]
    taken = components.pop(name)
    needed = taken.get("required", ())
    return [
        {"name": field, "in": "query", "required": field in needed, "schema": schema}
        for field, schema in taken["properties"].items()
    ]


def _operation(
    route: Route, named: _Schemas, fields: list[dict[str, Any]]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": _words(route),
        "security": _SECURITY[route.auth],
        "responses": {
            str(status): _response(route, status, named)
            for status in sorted(route.statuses)
        },
    }
    if parameters := _parameters(route, named, fields):
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "description": f"At most {route.limit} bytes.",
            "content": {
                media or "*/*": {"schema": _taken(route, named)}
                for media in (route.takes, *_also(route))
            },
        }
    return operation


def _also(route: Route) -> tuple[str, ...]:
    return (PACKED,) if route.packed else ()


def _taken(route: Route, named: _Schemas) -> dict[str, Any]:
    return {} if route.body is bytes else named[repr(route.body)]


def _words(route: Route) -> str:
    if route.auth in _WORDS:
        return _WORDS[route.auth]
    words = str(describe(route.auth, route.roles))
    return f"{words[0].upper()}{words[1:]}."


def _response(route: Route, status: int, named: _Schemas) -> dict[str, Any]:
    if status != route.status:
        waits = status == _BUSY
        return {
            "description": _phrase(status),
            "headers": _HEADERS | (_RETRY if waits else {}),
            "content": _told(route, named),
        }
    response: dict[str, Any] = {"description": "Done", "headers": _HEADERS}
    if route.media:
        schema = named[repr(route.answer)] if route.answer is not None else {}
        forms = [route.media, *([route.bulk] if route.bulk else []), *_also(route)]
        response["content"] = {media: {"schema": schema} for media in forms}
    return response


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def _told(route: Route, named: _Schemas) -> dict[str, Any]:
    """Say in which forms a route refuses: what speaks another one may use its own."""
    problem = {MEDIA_TYPE: {"schema": named[repr(Problem)]}}
    speaks = route.body is bytes or route.media == HTML
    return problem | {route.media: {}} if speaks else problem


def _parameters(
    route: Route, named: _Schemas, fields: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": named[repr(type_)]}
        for name, type_ in route.path_types.items()
    ]
    found += fields
    if route.idempotent:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Random; new for every act, the same for its repetition",
                "schema": {"type": "string", "pattern": f"^{KEY.pattern}$"},
            }
        )
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(document())
