# SPDX-License-Identifier: Apache-2.0
"""People who decide at once, and say it once more where the node asks (P13)."""

from typing import Any, TypeVar, cast

from msgspec.structs import replace

from fedsafe_node.ground.errors import WrongStateError

T = TypeVar("T")


class _Insisting:
    def __init__(self, service: object) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any of the service's
        method = getattr(self._service, name)

        async def act(*given: Any, **named: Any) -> Any:  # noqa: ANN401
            try:
                return await method(*given, **named)
            except WrongStateError as asked:
                if asked.code != "look_again":
                    raise
            said = [
                replace(each, again=True) if hasattr(each, "again") else each
                for each in given
            ]
            return await method(*said, **named)

        return act


def insisting(service: T) -> T:
    """Wrap a service: what is asked again is said again."""
    return cast("T", _Insisting(service))
