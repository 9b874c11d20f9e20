# SPDX-License-Identifier: Apache-2.0
"""Read the policies' documents: TOML in UTF-8, closed types, errors with lines."""

import tomllib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.toml_span import describe

T = TypeVar("T")


def read_document(
    text: bytes,
    type_: type[T],
    *,
    dec_hook: Callable[[type, Any], Any] | None = None,
) -> tuple[T, str]:
    """Read a document; also give its text, to find the lines of later misfits.

    Raises:
        PolicyFileError: it is no TOML, or does not fit the type.
    """
    try:
        written = text.decode()
        tree = tomllib.loads(written)
    except UnicodeDecodeError:
        raise PolicyFileError("not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(f"not TOML: {error}") from None
    try:
        return msgspec.convert(tree, type_, dec_hook=dec_hook), written
    except msgspec.ValidationError as error:
        raise describe(str(error), written) from None
